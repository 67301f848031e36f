"""Calendars of a CalDAV server (RFC 4791, with sync-collection of RFC 6578) to meetings; it never writes.

A resource holds a meeting whole: a series' master with its overrides. Each of these is an item of its own, so that an
override that is taken back is taken back here. Bytes become meetings as those of calendar files do (`_ical`).

Promises: incremental: done, by sync-token, else by ctag and etags. tombstones: done, also of calendars that the home no
longer lists. paging: done. 429: done. re-consent: done, as a refused password. wrong account: none, because a URL and a
user name one. revocation: none, because a password is the server's to change.
"""

from datetime import timedelta
from functools import partial
from io import BytesIO
from typing import TYPE_CHECKING

from connectors._dav import CALENDARS, DavCollection
from connectors._dav_source import DavSource, Reader
from connectors._dav_source import survey as survey_with
from connectors._discovery import locate_dav
from connectors._holdings import Contents
from schemas.connector import Access, ConnectorSpec, Skipped, Source, Survey, Unreadable, Upsert
from schemas.ids import StreamName
from schemas.records import Meeting

if TYPE_CHECKING:
    from connectors._ical import Surroundings

STREAM = StreamName("calendar")
NOT_A_MEETING = "a task or a note in a calendar"


def open_source(access: Access) -> Source:
    """A source over the chosen calendars of an account."""
    return DavSource(access, _reader(access))


def survey(access: Access) -> Survey:
    """Sign in, and tell what calendars there are."""
    return survey_with(access, _reader(access), _role)


def _reader(access: Access) -> Reader:
    from connectors._ical import Surroundings, window_end  # noqa: PLC0415  # 60 ms that mail need not spend

    until = window_end(access.clock.now())

    def read(body: bytes, name: str, calendar: str) -> Contents:
        return _contents(body, Surroundings(name, access.zone, until, access.since, calendar))

    return Reader(
        CALENDARS,
        STREAM,
        read,
        is_ours=lambda one: one.holds("VEVENT"),
        is_default=lambda _: True,
        terms=f"caldav 1 {access.zone}",
        month=f"{until:%Y%m}",
    )


def _role(one: DavCollection) -> str:
    return "calendar" if one.holds("VEVENT") else "tasks" if one.holds("VTODO") else ""


def _contents(body: bytes, surroundings: "Surroundings") -> Contents:
    from connectors._ical import read_group  # noqa: PLC0415  # likewise
    from connectors._ical_outline import groups_of, outline_of  # noqa: PLC0415
    from connectors._ical_zones import Zones  # noqa: PLC0415

    stream = BytesIO(body)
    outline = outline_of(stream)
    upper = body.upper()
    contents = Contents({}, rolls_on=b"RRULE" in upper or b"RDATE" in upper)
    if not outline.has_calendar:
        contents.others.append(Unreadable(surroundings.name, "it is not a calendar"))
    elif not len(outline):
        contents.others.append(Skipped(NOT_A_MEETING))
    zones = Zones(surroundings.zone, outline.zones)
    upserts: list[Upsert] = []
    for places in groups_of(outline):
        for change in read_group(stream, outline, places, surroundings, zones):
            if isinstance(change, Upsert):
                upserts.append(change)
            elif isinstance(change, Unreadable | Skipped):
                contents.others.append(change)
    # A resource holds one UID (RFC 4791 4.1), which need not stand in every id; where it holds more, theirs do.
    uid = min((one.record.uid for one in upserts if isinstance(one.record, Meeting)), default="")
    for one in sorted(upserts, key=lambda one: one.stamp):
        key = one.id.removeprefix(uid) if one.id == uid or one.id.startswith(f"{uid}/") else one.id
        contents.records[key.removeprefix("/")] = (one.record, one.stamp)
    return contents


SPEC = ConnectorSpec(
    name="caldav",
    title="CalDAV calendars",
    stream=STREAM,
    account="caldav",
    open_source=open_source,
    locate=partial(locate_dav, "caldav"),
    survey=survey,
    interval=timedelta(minutes=5),
)
