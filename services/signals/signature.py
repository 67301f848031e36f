"""Reads hints about who the writer is from their signature; what a line does not say surely is left unsaid.

It never looks at quoted text: a phone number there belongs to somebody else.
"""

import re
from collections.abc import Sequence

from services.signals.language import rule

_PHONE = re.compile(r"(?<![\w/=.-])(\+?\(?\d[\d ().\-/\u00a0]{6,22}\d)(?![\w@])")
_LINKEDIN = re.compile(r"linkedin\.com/(?:in|pub)/([\w%\-.]{2,100})", re.IGNORECASE)
_EMAIL = re.compile(r"(?<![\w.+-])([\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5})", re.IGNORECASE)
_FAX = re.compile(r"^\W*(?:fax|telefax|f)\b", re.IGNORECASE)
_TITLE_WORD = re.compile(
    r"\b(?:ceo|cto|cfo|coo|cmo|ciso|chief \w+ officer|founder|co-founder|(?:vice )?president|vp|svp|evp|director|head of|"
    r"manager|engineer|developer|architect|designer|analyst|consultant|professor|lecturer|researcher|scientist|lead|"
    r"partner|associate|counsel|attorney|editor|officer|geschäftsführer(?:in)?|leiter(?:in)?|"
    r"directeur|directrice|responsable|ingénieure?|director[ae]?|gerente|direttore|direttrice|responsabile|"
    r"ingegnere)\b",
    re.IGNORECASE,
)
_ORG_ENDING = re.compile(
    r"(?:^|\s)(?:GmbH(?: & Co\. KG)?|AG|SE|KG|UG|Inc\.?|LLC|LLP|Ltd\.?|Limited|PLC|plc|Corp\.?|Corporation|S\.?A\.?S?\.?|"
    r"SARL|S\.?L\.?|S\.?r\.?l\.?|S\.?p\.?A\.?|B\.?V\.?|N\.?V\.?|AB|A/S|ApS|AS|Oy|Oyj|Sp\. z o\.o\.|s\.r\.o\.|"
    r"University|Universität|Institute|Foundation|Group)$"
)
_TITLE_WORDS = frozenset(
    {
        *[
            "ceo",
            "cto",
            "cfo",
            "coo",
            "cmo",
            "ciso",
            "chief",
            "founder",
            "co-founder",
            "president",
            "vp",
            "svp",
            "evp",
            "director",
            "head",
            "manager",
            "engineer",
            "developer",
        ],
        *[
            "architect",
            "designer",
            "analyst",
            "consultant",
            "professor",
            "lecturer",
            "researcher",
            "scientist",
            "lead",
            "partner",
            "associate",
            "counsel",
        ],
        *[
            "attorney",
            "editor",
            "officer",
            "geschäftsführer",
            "geschäftsführerin",
            "leiter",
            "leiterin",
            "directeur",
            "directrice",
            "responsable",
        ],
        *[
            "ingénieur",
            "ingénieure",
            "directora",
            "gerente",
            "direttore",
            "direttrice",
            "responsabile",
            "ingegnere",
        ],
    }
)
_ORG_WORDS = frozenset(
    [
        "gmbh",
        "ag",
        "se",
        "kg",
        "ug",
        "inc",
        "llc",
        "llp",
        "ltd",
        "limited",
        "plc",
        "corp",
        "corporation",
        "s.a",
        "s.a.s",
        "sas",
        "sa",
        "sarl",
        "s.l",
        "sl",
        "s.r.l",
        "srl",
        "s.p.a",
        "spa",
        "b.v",
        "bv",
        "n.v",
        "nv",
        "ab",
        "a/s",
        "aps",
        "as",
        "oy",
        "oyj",
        "o.o",
        "s.r.o",
        "university",
        "universität",
        "institute",
        "foundation",
        "group",
    ]
)
_PARTS = re.compile(r" ?[|•·] ?| [–—-] | at | bei |, (?=[A-Z])")
_ADDRESS_WORDS = (
    "address",
    "new ",
    "reach me",
    "adresse",
    "nouve",
    "nuev",
    "correo",
    "nuov",
    "indirizzo",
    "changed my",
    "me at",
    "contact me",
)
_NEW_ADDRESS = rule(
    r"\b(?:my|our) (?:new )?(?:(?:e-?mail|work|private|personal) )*address (?:has changed|is changing|is changed|will change|changed)|"
    r"\b(?:my|our) new (?:(?:work|private|personal|business) )?e-?mail(?: address)? (?:is|will be|:)|\bnew e-?mail(?: address)?:|"
    r"\b(?:i have|i've|i've got|i got) a new (?:work |private |personal )?e-?mail|\bchanged my e-?mail|"
    r"\b(?:can|may) now (?:reach|contact|email|e-mail) me (?:at|under|on)|\b(?:reach|contact|email|e-mail|write to) me (?:at|under|on) (?:my|this) new|"
    r"\b(?:please )?(?:update|change) (?:your (?:address book|contacts|records)|my (?:e-?mail )?address)|"
    r"\bmeine (?:neue )?e?-?mail-?adresse (?:hat sich geändert|lautet|ist|ändert sich)|\bneue e?-?mail-?adresse|"
    r"\b(?:ma|mon) nouvelle? (?:adresse|e-?mail|mail|courriel)|\b(?:mon adresse|mon e-?mail).{0,20} (?:a changé|change)|"
    r"\bmi nuev[ao] (?:dirección|correo|e-?mail)|\b(?:mi correo|mi dirección).{0,20} ha cambiado|\bhe cambiado de correo|"
    r"\b(?:il )?mio nuovo (?:indirizzo|e-?mail)|\b(?:la )?mia nuova e-?mail|\b(?:mio indirizzo).{0,20} è cambiato",
)
_LONGEST_LINE = 200


def hints_from_signature(lines: Sequence[str]) -> tuple[str, ...]:
    """Hints such as `phone:+49 30 901820` and `linkedin:ana-okafor`, in order, without repeats."""
    hints: dict[str, None] = {}
    for line in lines[:16]:
        text = line[:_LONGEST_LINE]
        if "linkedin.com/" in text.lower():
            hints.update((f"linkedin:{slug.lower().rstrip('.')}", None) for slug in _LINKEDIN.findall(text))
        if "@" in text:
            hints.update((f"email:{address.lower().rstrip('.')}", None) for address in _EMAIL.findall(text))
        if any(map(str.isdigit, text)) and not _FAX.match(text) and "://" not in text:
            hints.update(
                (f"phone:{number.strip()}", None) for number in _PHONE.findall(text) if _is_phone(number)
            )
        hints.update((hint, None) for hint in _post(text))
    return tuple(hints)


def new_address(own_text: str) -> tuple[str, ...]:
    """`newemail:<address>` when the writer says that theirs has changed and names it."""
    if "@" not in own_text or not any(word in own_text.lower() for word in _ADDRESS_WORDS):
        return ()
    for match in _NEW_ADDRESS.finditer(own_text.lower()):
        found = [
            address.lower().rstrip(".")
            for address in _EMAIL.findall(own_text[match.start() : match.end() + 160])
        ]
        if found:
            if len(found) > 1 and re.search(
                r"\bfrom\b|\bold\b|alte|ancienn|antigu|vecchi", own_text, re.IGNORECASE
            ):
                return (f"newemail:{found[-1]}",)
            return (f"newemail:{found[0]}",)
    return ()


def addresses_in(text: str) -> tuple[str, ...]:
    """The mail addresses that a text names, lower-cased, in order."""
    if "@" not in text:
        return ()
    return tuple(dict.fromkeys(address.lower().rstrip(".") for address in _EMAIL.findall(text)))


def _is_phone(number: str) -> bool:
    digits = sum(map(str.isdigit, number))
    # Years, post codes and dates have as many digits as short numbers: eight digits, or seven with a plus sign.
    is_date = re.fullmatch(r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}", number.strip()) is not None
    return 8 - number.startswith("+") <= digits <= 15 and not is_date


def _post(text: str) -> list[str]:
    if (
        not 3 <= len(text) <= 90
        or "@" in text
        or "://" in text
        or (text[-1:] in ".!?," and not _ORG_ENDING.search(text))
    ):
        return []
    words = text.lower().replace(",", " ").replace("|", " ").split()
    if _TITLE_WORDS.isdisjoint(words) and words[-1].rstrip(".") not in _ORG_WORDS:
        return []
    parts = [part.strip() for part in _PARTS.split(text) if part.strip()]
    hints = []
    for at, part in enumerate(parts):
        if _ORG_ENDING.search(part) and len(part.split()) <= 6:
            hints.append(f"org:{part}")
        elif _TITLE_WORD.search(part) and len(part.split()) <= 6 and part[0].isupper():
            hints.append(f"title:{part}")
            if (
                at + 1 < len(parts)
                and len(parts) == at + 2
                and not _ORG_ENDING.search(parts[at + 1])
                and _is_name(parts[at + 1])
            ):
                hints.append(f"org:{parts[at + 1]}")
    return hints


def _is_name(part: str) -> bool:
    return (
        len(part.split()) <= 4
        and part[0].isupper()
        and not any(map(str.isdigit, part))
        and not _TITLE_WORD.search(part)
    )
