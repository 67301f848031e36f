"""WebDAV's XML (RFC 4918, 6578) to plain values; it knows no document type, opens nothing, and stays in bounds.

A document type is refused before a parser sees it, so that there is no entity to blow up and none to fetch. Encodings
other than UTF-8 are not read, since a declared one could hide a document type. Depth (256) and size of a text (10 MB)
are libxml2's own limits, which `huge_tree` would lift; the answer's size is `_http`'s to bound.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING

from msgspec import Struct

from schemas.errors import Rejected, Transient

if TYPE_CHECKING:
    from lxml import etree  # type: ignore[import-untyped]  # lxml ships no types

DAV = "DAV:"
CALDAV = "urn:ietf:params:xml:ns:caldav"
CARDDAV = "urn:ietf:params:xml:ns:carddav"
CALENDAR_SERVER = "http://calendarserver.org/ns/"

_PROLOG = re.compile(rb"(?:\xef\xbb\xbf)?(?:\s+|<\?[^>]{0,1000}\?>|<!--(?:(?!-->).){0,10000}-->)*", re.DOTALL)
_PREFIXES = {DAV: "d", CALDAV: "c", CARDDAV: "a", CALENDAR_SERVER: "s"}
_STATUS = re.compile(r"HTTP/\d(?:\.\d)?\s+(\d{3})")


class Garbled(Transient):
    """An answer that is no XML, or no answer of WebDAV."""


class Value(Struct, frozen=True):
    """What a property holds: its text, the tags and hrefs within, and the `name` attributes of what is within."""

    text: str = ""
    tags: frozenset[str] = frozenset()
    hrefs: tuple[str, ...] = ()
    names: frozenset[str] = frozenset()


class Found(Struct, frozen=True):
    """One `response`: the href as it was written, its own status (0 when it has none), and the properties found."""

    href: str
    status: int
    props: Mapping[str, Value]


class Multistatus(Struct, frozen=True):
    """All responses of an answer, and the sync-token that came with them."""

    responses: tuple[Found, ...]
    token: str = ""


def tag(namespace: str, name: str) -> str:
    """A name in Clark notation."""
    return f"{{{namespace}}}{name}"


def read_multistatus(body: bytes, server: str) -> Multistatus:
    """Read a 207 answer (RFC 4918 13).

    Raises:
        Rejected: it has a document type, which no answer of WebDAV has.
        Garbled: it is no XML, or another document.
    """
    from lxml import etree  # noqa: PLC0415  # only what talks to a server pays for it

    prolog = _PROLOG.match(body)
    if prolog is not None and body[prolog.end() : prolog.end() + 2] == b"<!":
        raise Rejected(f"{server} sent XML with a document type, which is not read.")
    responses: list[Found] = []
    token = ""
    try:
        events = etree.iterparse(
            BytesIO(body),
            events=("end",),
            tag=(tag(DAV, "response"), tag(DAV, "sync-token")),
            encoding="utf-8",
            resolve_entities=False,
            load_dtd=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        for _, element in events:
            if element.tag == tag(DAV, "response"):
                responses += _responses(element)
                element.clear()
            elif (parent := element.getparent()) is not None and parent.getparent() is None:
                token = (element.text or "").strip()
        root = events.root
    except etree.XMLSyntaxError as error:
        raise Garbled(f"{server} sent XML that cannot be read (line {error.lineno}).") from error
    if root is None or root.tag != tag(DAV, "multistatus"):
        raise Garbled(f"{server} sent something else than an answer of WebDAV. Check the URL.")
    return Multistatus(tuple(responses), token)


def _responses(element: "etree._Element") -> Iterator[Found]:
    """A response for each href; one without propstat may name several (RFC 4918 14.24)."""
    hrefs = [(child.text or "").strip() for child in element.iterchildren(tag(DAV, "href"))]
    props: dict[str, Value] = {}
    for part in element.iterchildren(tag(DAV, "propstat")):
        if 200 <= (_status(part) or 200) < 300:
            for holder in part.iterchildren(tag(DAV, "prop")):
                props |= {str(child.tag): _value(child) for child in holder.iterchildren("*")}
    for href in hrefs:
        yield Found(href, _status(element), props)


def _status(element: "etree._Element") -> int:
    match = _STATUS.match((element.findtext(tag(DAV, "status")) or "").strip())
    return int(match[1]) if match else 0


def _value(element: "etree._Element") -> Value:
    within = list(element.iterdescendants("*"))
    return Value(
        text="".join(map(str, element.itertext())).strip() if within else (element.text or "").strip(),
        tags=frozenset(str(one.tag) for one in within),
        hrefs=tuple((one.text or "").strip() for one in within if one.tag == tag(DAV, "href")),
        names=frozenset(one.get("name", "").upper() for one in within if one.get("name")),
    )


# ------ requests


def _element(clark: str, inner: str = "") -> str:
    namespace, _, name = clark[1:].partition("}")
    short = f"{_PREFIXES[namespace]}:{name}"
    return f"<{short}>{inner}</{short}>" if inner else f"<{short}/>"


def _document(name: str, inner: str) -> bytes:
    namespaces = " ".join(f'xmlns:{prefix}="{space}"' for space, prefix in _PREFIXES.items())
    return f'<?xml version="1.0" encoding="utf-8"?>\n<{name} {namespaces}>{inner}</{name}>'.encode()


def propfind_body(props: Iterable[str]) -> bytes:
    """A PROPFIND of properties by their names (RFC 4918 9.1)."""
    return _document("d:propfind", _element(tag(DAV, "prop"), "".join(map(_element, props))))


def sync_body(token: str, data: str = "") -> bytes:
    """A REPORT sync-collection (RFC 6578 3.2): what changed since a token; since the beginning when it is empty.

    With `data`, the property that holds a member's body, servers that like may send the bodies along.
    """
    return _document(
        "d:sync-collection",
        f"<d:sync-token>{escape(token)}</d:sync-token><d:sync-level>1</d:sync-level>"
        f"<d:prop><d:getetag/>{_element(data) if data else ''}</d:prop>",
    )


def multiget_body(report: str, data: str, hrefs: Iterable[str]) -> bytes:
    """A REPORT calendar- or addressbook-multiget (RFC 4791 7.9, RFC 6352 8.7)."""
    namespace, _, name = report[1:].partition("}")
    wanted = f"<d:prop><d:getetag/>{_element(data)}</d:prop>"
    return _document(
        f"{_PREFIXES[namespace]}:{name}",
        wanted + "".join(f"<d:href>{escape(href)}</d:href>" for href in hrefs),
    )


def make_calendar_body(name: str, component: str) -> bytes:
    """A MKCALENDAR with a name, for one kind of component (RFC 4791 5.3.1)."""
    kinds = f'<c:comp name="{component}"/>'
    props = f"<d:displayname>{escape(name)}</d:displayname>" + _element(
        tag(CALDAV, "supported-calendar-component-set"), kinds
    )
    return _document("c:mkcalendar", f"<d:set><d:prop>{props}</d:prop></d:set>")
