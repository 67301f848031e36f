"""Sets a digest as HTML, plain text and JSON: the same items, reasons and links in each; pure and unhurried.

Nothing remote is ever named, nothing unescaped is ever written, and no link is drawn that was not handed in.
"""

import re
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec
from markupsafe import Markup, escape
from msgspec import Struct

from schemas.interface import Digest, DigestItem, encode
from services.digest import words
from services.digest.words import NAME_LENGTH, clean
from services.vocabulary import upper_first

if TYPE_CHECKING:
    from jinja2 import Environment

Action = Literal["done", "snooze", "not_this"]

ACTIONS: tuple[tuple[Action, str], ...] = (("done", "done"), ("snooze", "snooze"), ("not_this", "not this"))
ASKS_IN_FULL = 7
"""A week asks for two to seven things; what is beyond is one line each."""
NOTHING = "Nothing is waiting for you. Enjoy the week."
LOCAL_NOTE = "The links work on the computer that runs Kith."
REASON = "You get this once a week, because you set Kith up."

_LOOPBACK = re.compile(r"localhost|.*\.localhost|127\.[0-9.]+|::1|0\.0\.0\.0")
_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]{1,2000}")
_WRAP = 76
_ENDS = tuple(".?!…。？！؟")
_DAY = timedelta(days=1)
_WEEK = timedelta(days=7)


def _none(*_: str) -> str | None:
    return None


class Links(Struct, frozen=True, kw_only=True):
    """Where lines lead; each callable answers with an absolute http(s) URL or None, and None draws no link.

    `action` takes a follow-up's id and what to do with it, `person` and `evidence` the id of what to open.
    `unsubscribe` is the one-click address of RFC 8058: it alone answers a POST without cookies.
    """

    action: Callable[[str, Action], str | None] = _none
    person: Callable[[str], str | None] = _none
    evidence: Callable[[str], str | None] = _none
    settings: str | None = None
    unsubscribe: str | None = None


NO_LINKS = Links()


class Link(Struct, frozen=True):
    """A word and where it leads."""

    label: str
    url: str


class Line(Struct, frozen=True, kw_only=True):
    """One item, ready to be set: `rest` is its text without `when` and `name`."""

    text: str
    rest: str
    tail: str
    """The same as it stands in the text, with the mark that parts it from the name."""
    why: str
    history: str
    """The reason as a part of a sentence, for brackets."""
    name: str
    about: str
    when: str
    initials: str
    person_url: str | None
    actions: tuple[Link, ...]
    evidence: Link | None
    is_full: bool


class Section(Struct, frozen=True):
    """A section's key, its title and its lines."""

    key: str
    title: str
    lines: tuple[Line, ...]


class Page(Struct, frozen=True, kw_only=True):
    """Everything both templates print; text is clean, but not yet escaped."""

    subject: str
    standfirst: str
    preheader: str
    greeting: str
    day: str
    week: str
    sections: tuple[Section, ...]
    figures: tuple[tuple[str, str], ...]
    span: str
    balance: str
    read: str
    troubles: tuple[str, ...]
    footer: tuple[Link, ...]
    is_local: bool


def subject(digest: Digest) -> str:
    """The mail's subject, naming the first thing: one line without control characters, at most 120 long."""
    return f"Your week: {clean(digest.subject, 109) or words.QUIET}"


def preheader(digest: Digest) -> str:
    """What an inbox shows beside the subject: the first line itself."""
    for section in digest.sections:
        for item in section.items:
            return clean(item.text, 140)
    return _nothing(digest)


def _nothing(digest: Digest) -> str:
    """The one sentence of a week with nothing in it."""
    return f"{upper_first(words.LOOKED_BACK)}." if digest.subject == words.LOOKED_BACK else NOTHING


def render_json(digest: Digest) -> bytes:
    """The digest's shape as a JSON document, indented for reading, keys in their order, a newline at the end."""
    return msgspec.json.format(encode(digest), indent=2) + b"\n"


def render_text(digest: Digest, links: Links = NO_LINKS) -> str:
    """The digest in plain text, written for reading in 76 columns: every item, reason and link of the HTML."""
    page = _page(digest, links)
    text = (
        _templates()
        .get_template("digest.txt.j2")
        .render(page=page, nothing=_nothing(digest), reason=REASON, local_note=LOCAL_NOTE)
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def render_html(digest: Digest, links: Links = NO_LINKS) -> str:
    """The digest as one HTML document for mail programs and browsers, with nothing to fetch."""
    page = _page(digest, links)
    html = (
        _templates()
        .get_template("digest.html.j2")
        .render(page=page, nothing=_nothing(digest), reason=REASON, local_note=LOCAL_NOTE)
    )
    # Indentation of the template is for its reader; every byte of it counts against the size where mail is clipped.
    return "\n".join(line.strip() for line in html.splitlines() if line.strip()) + "\n"


def is_local(url: str) -> bool:
    """Whether a URL leads to the very machine it is opened on."""
    return bool(_LOOPBACK.fullmatch((urlsplit(url).hostname or "").lower()))


def _page(digest: Digest, links: Links) -> Page:
    left = ASKS_IN_FULL
    sections: list[Section] = []
    for section in digest.sections:
        lines: list[Line] = []
        for item in section.items:
            asks = item.followup is not None
            lines.append(_line(item, links, is_full=asks and left > 0))
            left -= asks
        if lines:
            sections.append(Section(section.key, clean(section.title, 100), tuple(lines)))
    greeting, _, day = clean(
        digest.greeting or f"Good morning. {words.full_date(digest.from_)}", 140
    ).partition(". ")
    numbers = digest.numbers
    footer = tuple(
        Link(label, url)
        for label, given in (("Settings", links.settings), ("Unsubscribe", links.unsubscribe))
        if (url := _safe(given))
    )
    urls = [link.url for link in footer]
    for line in (line for section in sections for line in section.lines):
        urls += [link.url for link in (*line.actions, *((line.evidence,) if line.evidence else ()))]
        urls += [line.person_url] if line.person_url else []
    return Page(
        subject=subject(digest),
        standfirst=_sentence(clean(digest.subject, 110)),
        preheader=preheader(digest),
        greeting=greeting,
        day=day,
        week=clean(digest.week, 10).partition("-W")[2].lstrip("0"),
        sections=tuple(sections),
        figures=_figures(numbers),
        span=words.span_words(digest.from_ - _WEEK, digest.from_ - _DAY),
        balance=_balance(numbers),
        read=_read(numbers),
        troubles=tuple(clean(str(trouble)) for trouble in numbers.get("troubles", ())),
        footer=footer,
        is_local=any(is_local(url) for url in urls),
    )


def _line(item: DigestItem, links: Links, *, is_full: bool) -> Line:
    text, name, when = clean(item.text), clean(item.name or "", NAME_LENGTH), clean(item.when or "", 20)
    rest = text.removeprefix(when).strip() if when else text
    starts_with_name = bool(name) and rest.startswith(name)
    tail = rest.removeprefix(name) if starts_with_name else rest
    if starts_with_name:
        rest = rest.removeprefix(name).lstrip(" ,:;.")
    return Line(
        text=text,
        rest=upper_first(rest),
        tail=tail,
        why=_sentence(clean(item.why)),
        history=clean(item.why).rstrip("."),
        name=name,
        about=clean(item.about or "", 110),
        when=when,
        initials=words.initials(name),
        person_url=_safe(links.person(item.person)) if item.person else None,
        actions=tuple(_actions(item, links)),
        evidence=_evidence(item, links),
        is_full=is_full and bool(name),
    )


def _sentence(text: str) -> str:
    is_ended = not text or text.rstrip('"')[-1:] in _ENDS
    return upper_first(text) + ("" if is_ended else ".")


def _actions(item: DigestItem, links: Links) -> Iterable[Link]:
    if item.followup:
        for action, label in ACTIONS:
            if url := _safe(links.action(item.followup, action)):
                yield Link(label, url)


def _evidence(item: DigestItem, links: Links) -> Link | None:
    """The first record the line rests on; the rest is one step on from there."""
    url = _safe(links.evidence(item.evidence[0])) if item.evidence else None
    return Link("open", url) if url else None


def _safe(url: str | None) -> str | None:
    """The URL when it is absolute http(s) in plain ASCII; anything else is as good as none."""
    return url if url and _URL.fullmatch(url) else None


def _figures(numbers: dict[str, Any]) -> tuple[tuple[str, str], ...]:
    units = (("people", "person", "people"), ("meetings", "meeting", ""), ("answers", "answer", ""))
    figures: list[tuple[str, str]] = []
    for key, one, many in units:
        count = _count(numbers, key)
        number, _, noun = words.counted(count, one, many).partition(" ")
        if count:
            figures.append((number, noun))
    return tuple(figures)


def _balance(numbers: dict[str, Any]) -> str:
    suggested, acted = _count(numbers, "suggested"), _count(numbers, "acted")
    if not suggested:
        return ""
    of = f"Of {words.counted(suggested, 'suggestion')} last month you acted on"
    return f"{of} {'all' if acted == suggested > 1 else acted or 'none'}."


def _read(numbers: dict[str, Any]) -> str:
    mails, meetings = _count(numbers, "mails_read"), _count(numbers, "meetings_read")
    parts = [
        words.counted(number, noun) for number, noun in ((mails, "mail"), (meetings, "meeting")) if number
    ]
    read = f"Kith read {' and '.join(parts)}" if parts else ""
    in_sync = ""
    if _count(numbers, "sources") and not numbers.get("troubles"):
        in_sync = "all sources are in sync"
    sentence = "; ".join(part for part in (read, in_sync) if part)
    return f"{upper_first(sentence)}." if sentence else ""


def _count(numbers: dict[str, Any], key: str) -> int:
    value = numbers.get(key, 0)
    return value if isinstance(value, int) else 0


# The printing


@cache
def _templates() -> "Environment":
    # What reads a digest's words need not load what sets its page.
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415

    env = Environment(
        loader=PackageLoader("services.digest", "templates"),
        autoescape=lambda name: name is not None and ".html" in name,  # noqa: S701  # text needs no escaping
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters["typeset"] = typeset
    env.filters["wrap"] = wrap
    env.filters["upper_first"] = upper_first
    return env


def typeset(text: str, name: str = "", style: str = "", url: str | None = None) -> Markup:
    """Escaped text with typographic quotation marks; what is quoted, and `name`, are isolated for direction.

    With a `style` the name is set apart by it and leads to `url`.
    """
    html: list[Markup] = []
    # Odd pieces stood between quotation marks; a last mark without its partner is left as it is.
    pieces = text.replace("'", "’").split('"')
    is_unpaired = len(pieces) % 2 == 0
    for place, piece in enumerate(pieces):
        if place % 2 == 0:
            html.append(_with_name(piece, name, style, url))
        elif is_unpaired and place == len(pieces) - 1:
            html.append(escape('"' + piece))
        else:
            html.append(Markup("“<bdi>{}</bdi>”").format(piece))
    return Markup("").join(html)


def _with_name(text: str, name: str, style: str, url: str | None) -> Markup:
    before, found, after = text.partition(name.replace("'", "’")) if name else (text, "", "")
    if not found:
        return escape(text)
    shown = Markup("<bdi>{}</bdi>").format(found)
    if style and url:
        link = '<a href="{}" class="i" style="color:#1C1E21;text-decoration:none">{}</a>'
        shown = Markup(link).format(url, shown)  # noqa: S704  # a fixed tag; its parts are escaped
    if style:
        shown = Markup('<strong style="{}">{}</strong>').format(style, shown)
    return escape(before) + shown + escape(after)


def wrap(text: str, first: str = "", rest: str = "") -> str:
    """The text in lines of at most 76 characters where words allow, with the indents given; URLs stay whole."""
    lines: list[str] = []
    line = first
    is_empty = True
    for word in text.split():
        if not is_empty and len(line) + 1 + len(word) > _WRAP:
            lines.append(line)
            line, is_empty = rest, True
        line = line + word if is_empty else f"{line} {word}"
        is_empty = False
    lines.append(line)
    return "\n".join(lines)
