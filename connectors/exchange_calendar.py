"""Calendars of an Exchange mailbox to meetings, by EWS; it never writes, and is not for Microsoft 365.

What changed is told by SyncFolderItems: single items and masters of series. A series is asked for with its exceptions and
expanded here (`_exchange_meetings` tells how, and why not by a view of the calendar).

Promises: incremental: done, by sync states. tombstones: done, also of calendars that are gone. paging: done. 429: done
(ErrorServerBusy). re-consent: done, as a refused sign-in. wrong account: none, because a mailbox is its user's.
revocation: none, because a password is changed at the server.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from connectors._exchange import Exchange, Folder, opened
from connectors._exchange_elements import Element, id_of, key_of
from connectors._exchange_folders import chosen, holding, surveyed
from connectors._exchange_line import Fault
from connectors._exchange_listening import CHANGES, ExchangeListener
from connectors._exchange_source import BATCH, ExchangeSource, Reader
from connectors._holdings import Contents
from schemas.connector import Access, Collection, ConnectorSpec, Listener, Source, Survey
from schemas.ids import StreamName

STREAM = StreamName("calendar")
_HOLDS = "IPF.Appointment"


def open_source(access: Access) -> Source:
    """A source over the chosen calendars of an account."""
    return ExchangeSource(access, _reader(access))


def _reader(access: Access) -> Reader:
    from connectors import _exchange_meetings as meetings  # noqa: PLC0415  # 60 ms that mail need not spend
    from connectors._ical import Surroundings, window_end  # noqa: PLC0415

    until = window_end(access.clock.now())
    own = frozenset(
        str(one).lower()
        for one in (*access.settings.get("owner_emails", ()), access.settings.get("user", ""))
    )
    begin = None
    if access.since is not None:
        begin = datetime.combine(access.since, time(), ZoneInfo(access.zone))

    def is_wanted(item: Element) -> bool:
        end = meetings.ends_at(item)
        return meetings.is_series(item) or begin is None or end is None or end >= begin

    def read(line: Exchange, items: Sequence[Element], folder: Folder) -> list[Contents]:
        wanted = [one for item in items for one in meetings.exceptions_of(item)]
        found: dict[str, Element | Fault] = {}
        for place in range(0, len(wanted), BATCH):
            batch = wanted[place : place + BATCH]
            found |= zip((one.id for one in batch), line.items(batch, meetings.WHOLE), strict=True)
        contents: list[Contents] = []
        for item in items:
            name = f"{folder.name}, item {key_of(id_of(item).id)}"
            exceptions = [found[one.id] for one in meetings.exceptions_of(item)]
            surroundings = Surroundings(name, access.zone, until, access.since, folder.name)
            contents.append(meetings.contents_of(item, exceptions, surroundings, own))
        return contents

    return Reader(
        STREAM,
        lambda folders: chosen(holding(folders, _HOLDS), access.settings.get("calendars")),
        meetings.LISTED,
        is_wanted,
        meetings.WHOLE,
        read,
        terms=f"exchange_calendar 1 {access.zone} {' '.join(sorted(own))}",
        month=f"{until:%Y%m}",
    )


def open_listener(access: Access) -> Listener:
    """What is told of meetings in the calendar that a mailbox has by itself; others are asked at their interval.

    Raises:
        ConnectorError: the server does not tell of news, or not now.
    """
    return ExchangeListener(access, ("calendar",), CHANGES)


def survey(access: Access) -> Survey:
    """Sign in, and tell what calendars there are."""

    def look(line: Exchange) -> Survey:
        found = holding(line.folders({}), _HOLDS)
        return surveyed(line, [Collection(one.key, one.name, "calendar") for one in found])

    return opened(access, look)


SPEC = ConnectorSpec(
    name="exchange_calendar",
    title="Calendars in Exchange",
    stream=STREAM,
    account="exchange",
    open_source=open_source,
    open_listener=open_listener,
    survey=survey,
    interval=timedelta(minutes=5),
)
