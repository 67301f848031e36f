"""Writes an address book as Google exports one: vCard 3.0 (RFC 2426), one card a person; it knows no other format."""

from collections.abc import Iterable

from deploy.sample.people import Figure


def address_book(figures: Iterable[Figure]) -> str:
    """The cards of those who have one, in the order given, with CRLF line ends."""
    return "".join(_card(figure) for figure in figures)


def _card(figure: Figure) -> str:
    family, given = _split(figure.name)
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"FN:{figure.name}", f"N:{family};{given};;;"]
    for place, address in enumerate((figure.address, *figure.also)):
        kind = "WORK" if place == 0 and figure.organization else "HOME"
        lines.append(f"EMAIL;TYPE=INTERNET;TYPE={kind}:{address}")
    if figure.phone:
        lines.append(f"TEL;TYPE=CELL:{figure.phone}")
    if figure.organization:
        lines.append(f"ORG:{figure.organization}")
    if figure.title:
        lines.append(f"TITLE:{figure.title}")
    if figure.profile:
        lines += [f"item1.URL:{figure.profile.replace(':', chr(92) + ':', 1)}", "item1.X-ABLabel:LinkedIn"]
    category = "myContacts,Family" if figure.circle == "friend" else "myContacts"
    lines += [f"CATEGORIES:{category}", "END:VCARD", ""]
    return "\r\n".join(lines)


def _split(name: str) -> tuple[str, str]:
    plain = name.removeprefix("Dr. ")
    given, _, family = plain.rpartition(" ")
    return family, given
