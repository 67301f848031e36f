"""Who is asked to a meeting (RFC 5545 3.8.4), in every way that producers write it; it never judges who is human."""

import re
from collections.abc import Mapping
from typing import get_args
from urllib.parse import unquote

from icalendar.parser.property import unescape_backslash

from connectors._ical_lines import Values, clean_text
from connectors._mail_addresses import mailboxes
from schemas.records import Attendee, AttendeeKind, Mailbox, Partstat

_MOST_ATTENDEES = 2_000
_ADDRESS = re.compile(r"[^\s@<>,;:\"()]{1,64}@[^\s@<>,;:\"()]{1,255}")
_CALENDAR_HOST = re.compile(r"@(?:[a-z]+\.)?calendar\.google\.com$")
_KINDS: Mapping[str, AttendeeKind] = {kind.upper(): kind for kind in get_args(AttendeeKind)}
_PARTSTATS: Mapping[str, Partstat] = {partstat.upper(): partstat for partstat in get_args(Partstat)}


def address_of(value: str, parameters: Mapping[str, str] = {}) -> str:
    """The addr-spec of a calendar user (RFC 5545 3.3.3), lower-cased, IDNA decoded; empty when it names none.

    `invalid:nomail` (Exchange), `/principals/…` and `urn:uuid:` (Apple) name none; then EMAIL= may (RFC 7986 6.2).
    """
    for text in (value, parameters.get("EMAIL", "")):
        bare = text.strip().strip("<>\"'")[:1000]
        if bare[:7].lower() == "mailto:":
            bare = bare[7:]
        bare = unquote(bare).partition("?")[0].strip().strip("<>\"'")
        if _ADDRESS.fullmatch(bare):
            return next((box.address for box in mailboxes(bare)), "")
    return ""


def organizer_of(values: Values) -> Mailbox | None:
    """Who called the meeting, if an address says so."""
    for parameters, value in values:
        address = address_of(value, parameters)
        # A shared Google calendar calls its own meetings; nobody is meant by it.
        if address and not _CALENDAR_HOST.search(address):
            return Mailbox(address, _common_name(parameters, address))
    return None


def attendees_of(values: Values) -> tuple[Attendee, ...]:
    """Who is asked, one entry an address; those without an address, or told of it for information, are left out."""
    found: dict[str, Attendee] = {}
    for parameters, value in values[:_MOST_ATTENDEES]:
        address = address_of(value, parameters)
        if not address:
            continue
        known = found.get(address)
        if known is not None and known.partstat != "needs-action":
            continue
        role = parameters.get("ROLE", "").upper()
        kind = _KINDS.get(parameters.get("CUTYPE", "INDIVIDUAL").upper(), "unknown")
        if _CALENDAR_HOST.search(address):
            kind = "resource"
        if role == "NON-PARTICIPANT" and kind in {"individual", "unknown"}:
            continue
        found[address] = Attendee(
            address=address,
            name=_common_name(parameters, address),
            partstat=_PARTSTATS.get(parameters.get("PARTSTAT", "").upper(), "needs-action"),
            kind=kind,
            is_optional=role in {"OPT-PARTICIPANT", "NON-PARTICIPANT"},
        )
    return tuple(found.values())


def _common_name(parameters: Mapping[str, str], address: str) -> str:
    name = clean_text(unescape_backslash(parameters.get("CN", "")), 200).strip("'\" ")
    return "" if name.lower() in {address, f"mailto:{address}"} else name
