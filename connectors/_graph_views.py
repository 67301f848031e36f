"""What is read of the calendars of a Microsoft account, and when: windows that move on, and what is compared with what.

For each calendar a delta is followed over a window of time: a year back, and a year ahead. The window is fixed in the delta's
link; when the month changes, a whole round over the next window is read and compared, and the old link is followed until that
is over. The first round is over the last four weeks and what is ahead. What is older than the window is read once, as plain
lists, and looked at again when Graph tells that it changed.

    changes of the window -> the last weeks (first time) -> the whole window (first time, new month, dead link) -> the past (once)

Three things are observed and not promised (2026-11): that an occurrence that was deleted is told by sending its series again
without it; that a series comes on one page; and that what changed outside the window comes as removed. So a master that comes
replaces its series whole; what of a series comes without its master is asked for; and nothing is taken away because it is not
named or is called removed: it is asked for by its id first, and only what is not there is gone.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

import msgspec

from connectors._graph import Rows
from connectors._graph_calendars import (
    ROWS,
    STREAM,
    STRETCH,
    Member,
    Span,
    State,
    View,
    calendars_of,
    is_chosen,
    midnight,
    minutes,
    open_graph,
    span_of,
)
from connectors._graph_delta import Pages, changes_since, whole_round
from connectors._graph_events import SELECTED, Event, Reader, has_times, stamp_of
from connectors._graph_news import Asking, News, RowsOf, Series, until_of, version_of
from connectors._graph_rows import Fault
from connectors._holdings import failing, suspicious
from connectors._ical_zones import Zones
from connectors._mail_text import clean
from connectors._revisions import is_older, revised
from schemas.connector import Access, Page, Tombstone, Unreadable, Upsert
from schemas.errors import (
    CursorExpired,
    KithError,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    SuspiciousSnapshot,
    Transient,
)
from schemas.ids import Cursor, ExternalId, StreamName
from schemas.records import Meeting

_NEAR = timedelta(weeks=4)
_MONTHS_BACK = 12
_FIRST_YEAR = 2000
"""What is older is not asked for."""
_LIST_EVERY = timedelta(hours=1)


class Reading:
    """One pull."""

    def __init__(self, access: Access, state: State) -> None:
        self._access = access
        self._state = state
        self._graph = open_graph(access)
        self._zones = Zones(access.zone)
        self._now = access.clock.now().astimezone(UTC)
        self._window = self._span_around()
        self._is_late = False
        """Whether rows tell how things were when a round was begun, in an earlier pull."""
        self._asking = Asking(
            self._graph,
            Reader("", "", self._zones),
            self._window,
            self._floor(),
            self._unreadable,
        )
        self._pages = Pages(
            lambda: Cursor(msgspec.json.encode(state).decode()),
            lambda: sum(len(view.members) for view in state.views.values()),
        )

    def _span_around(self) -> Span:
        from connectors._ical import window_end  # noqa: PLC0415  # 60 ms that mail need not spend

        first = self._now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        months = first.year * 12 + first.month - 1 - _MONTHS_BACK
        start = first.replace(year=months // 12, month=months % 12 + 1)
        return Span(max(start, self._floor()), window_end(self._now))

    def _floor(self) -> datetime:
        since = self._access.since or date(_FIRST_YEAR, 1, 1)
        return datetime.combine(min(since, self._now.date()), time(), UTC)

    def pages(self) -> Iterator[Page]:
        """Every page there is, in the order that the module tells."""
        if self._is_time_to_look():
            yield from self._look_around()
        faults: dict[str, KithError] = {}
        for step in (self._changes, self._near, self._whole, self._past):
            for name, view in list(self._state.views.items()):
                if name in faults or name not in self._state.views:
                    continue
                try:
                    yield from step(view)
                except RateLimited:
                    raise
                except ReauthRequired:
                    if view.is_own:
                        raise
                    # Whether the whole sign-in is refused or only this calendar, another request tells.
                    calendars_of(self._access, self._graph)
                    faults[name] = Rejected(
                        f"“{view.name}” is somebody else's, and Microsoft does not let Kith read it. "
                        "Choose other calendars: kith connect microsoft --calendars A,B."
                    )
                except (Transient, Rejected, SuspiciousSnapshot) as fault:
                    # One calendar that fails does not keep the others from being read.
                    faults[name] = fault
                    if self._pages.changes:
                        yield self._pages.take(self._stream(name))
                    if isinstance(fault, Missing):
                        yield from self._look_around()
        left = [fault for name, fault in faults.items() if name in self._state.views]
        if left:
            raise failing(left, len(self._state.views))
        yield self._pages.take(self._stream(next(iter(self._state.views), "")), is_last=True)

    def _stream(self, name: str) -> StreamName:
        return StreamName(f"{STREAM}/{name}") if name else STREAM

    # ------ which calendars

    def _is_time_to_look(self) -> bool:
        since = self._now.timestamp() - self._state.listed_at
        return not 0 <= since < _LIST_EVERY.total_seconds()

    def _look_around(self) -> Iterator[Page]:
        """List the calendars; take away what came from those that are gone or no longer chosen."""
        state = self._state
        found = calendars_of(self._access, self._graph)
        whose = next((one.address for one in found if one.is_default), "")
        chosen = {
            one.id: one
            for one in found
            if (is_chosen(one, state.chosen) if state.chosen else one.is_own(whose))
        }
        if state.chosen and not chosen:
            there = ", ".join(f"“{clean(one.name or '')}”" for one in found[:20]) or "none"
            raise Missing(
                f"There is no calendar called {', '.join(sorted(state.chosen))}. There is: {there}."
            )
        held = sum(len(view.members) for view in state.views.values())
        if not found and held > 1:
            raise SuspiciousSnapshot(suspicious(self._access.account, held, "events"))
        for name in [name for name in state.views if name not in chosen]:
            view = state.views.pop(name)
            for one, member in view.members.items():
                self._retire(one, member, list(member.items))
            self._pages.work += len(view.members)
            if self._pages.changes:
                yield self._pages.take(self._stream(name))
        for calendar in chosen.values():
            view = state.views.setdefault(calendar.id, View(calendar.id))
            title, owner = clean(calendar.name or ""), calendar.address or whose
            if (view.name, view.owner) != (title, owner):
                # Each meeting names its calendar, and tells its owner's answer.
                view.read_again()
            view.name, view.owner = title, owner
            view.is_default, view.is_own = calendar.is_default, calendar.is_own(whose)
        state.listed_at = int(self._now.timestamp())

    # ------ rounds

    def _changes(self, view: View) -> Iterator[Page]:
        span = span_of(view.place.terms) or self._window
        self._is_late = False
        for rows in changes_since(self._graph, view.place) if view.place.link else ():
            self._take(view, rows, span, "changes")
            if not rows.next_link:
                view.place.link = rows.delta_link
            if self._pages.changes:
                yield self._pages.take(self._stream(view.id))

    def _near(self, view: View) -> Iterator[Page]:
        if not view.place.round:
            start = self._now.replace(hour=0, minute=0, second=0, microsecond=0) - _NEAR
            view.place.begin(Span(max(start, self._floor()), self._window.end).text)
        if view.place.round_terms not in {"", self._window.text}:
            yield from self._round(view)

    def _whole(self, view: View) -> Iterator[Page]:
        place = view.place
        if place.link and place.terms == self._window.text:
            return
        if place.round_terms != self._window.text:
            place.begin(self._window.text)
        is_late = bool(place.page)
        yield from self._round(view)
        if is_late:
            # What has changed since the round was begun.
            yield from self._changes(view)

    def _round(self, view: View) -> Iterator[Page]:
        span = span_of(view.place.round_terms) or self._window
        way = "me/calendarView/delta" if view.is_default else f"{view.way}/calendarView/delta"
        self._is_late = bool(view.place.page)
        for rows in whole_round(self._graph, view.place, way, span.query):
            self._take(view, rows, span, "whole")
            if not rows.next_link:
                self._tell(view, self._asking.unnamed(view, span))
            view.place.turn(rows)
            yield self._pages.take(self._stream(view.id))

    def _past(self, view: View) -> Iterator[Page]:
        """What is older than the window, from the newest to the oldest, a stretch at a time."""
        floor = self._floor()
        self._is_late = False
        if not view.past:
            view.past = f"{self._window.start:%Y-%m-%d}"
        while (end := midnight(view.past)) > floor:
            span = Span(max(floor, end - STRETCH), end)
            for rows in self._older(view, span):
                self._take(view, rows, span, "past")
                view.past_page = rows.next_link
                if not view.past_page:
                    view.past = f"{span.start:%Y-%m-%d}"
                yield self._pages.take(self._stream(view.id))

    def _older(self, view: View, span: Span) -> Iterator[Rows]:
        """The pages of a stretch, from where the last pull stopped unless that link is dead."""
        first = None
        if view.past_page:
            with suppress(CursorExpired, Rejected):
                first = self._graph.get(view.past_page, Rows)
        if first is None:
            query = {**span.query, "$select": SELECTED, "$top": ROWS}
            first = self._graph.get(f"{view.way}/calendarView", Rows, query)
        try:
            yield from self._graph.pages_from(first)
        except CursorExpired as fault:
            # A plain list has no cursor: what else is known of the calendars stands.
            raise Transient("Microsoft ends a list of older events half-way. Kith tries again.") from fault

    # ------ news to changes

    def _take(self, view: View, rows: Rows, span: Span, of: RowsOf) -> None:
        self._tell(view, self._asking.news(view, rows, span, of))
        self._pages.work += len(rows.value)

    def _tell(self, view: View, news: News) -> None:
        for one in news.gone:
            member = view.members.pop(one)
            self._retire(one, member, list(member.items))
        for event in news.singles:
            self._tell_single(view, event)
        for series in news.series:
            self._tell_series(view, series)

    def _tell_single(self, view: View, event: Event) -> None:
        try:
            meeting = self._reader(view).single(event)
        except Fault as fault:
            self._unreadable(view, event.id, fault)
            return
        member = view.members.setdefault(event.id, Member())
        member.named, member.version, member.exceptions = view.place.round, "", {}
        member.begins, member.ends = minutes(meeting.starts_at), minutes(meeting.ends_at)
        # What was a series may have become a single event under its id.
        self._retire(event.id, member, [slot for slot in member.items if slot])
        self._tell_item(event.id, member, "", meeting, stamp_of(event))

    def _tell_series(self, view: View, series: Series) -> None:
        """Replace a series whole; of exceptions that cannot be read, what was held stays."""
        reader, master = self._reader(view), series.master
        instances = [one for one in series.instances.values() if has_times(one)]
        try:
            meeting, stamp = reader.series(master, instances, until_of(self._window))
        except Fault as fault:
            self._unreadable(view, master.id, fault)
            return
        member = view.members.setdefault(master.id, Member())
        member.named, member.version = view.place.round, version_of(master, self._window)
        self._tell_item(master.id, member, "", meeting, stamp)
        exceptions: dict[str, str] = {}
        moments = [meeting.starts_at, meeting.ends_at]
        moments += [moment for one in meeting.occurrences for moment in (one.starts_at, one.ends_at)]
        for one in instances:
            if one.type != "exception" or not one.is_told:
                continue
            try:
                record = reader.exception(one, master)
            except Fault as fault:
                series.unread.add(one.id)
                self._unreadable(view, one.id, fault)
                continue
            exceptions[record.recurrence_id] = one.id
            moments += [record.starts_at, record.ends_at]
            self._tell_item(master.id, member, record.recurrence_id, record, stamp_of(one))
        told = [minutes(moment) for moment in moments]
        member.begins, member.ends = min(told), max(told)
        kept = {slot: one for slot, one in member.exceptions.items() if one in series.unread}
        member.exceptions = kept | exceptions
        self._retire(
            master.id, member, [slot for slot in member.items if slot and slot not in member.exceptions]
        )

    def _tell_item(self, one: str, member: Member, slot: str, meeting: Meeting, stamp: str) -> None:
        if self._is_late and is_older(member.items.get(slot), stamp):
            return
        kept = revised(member.items.get(slot), meeting, stamp)
        if kept is not None:
            member.items[slot] = kept
            self._pages.changes.append(Upsert(_external_id(one, slot), meeting, kept.stamp))

    def _retire(self, one: str, member: Member, slots: Iterable[str]) -> None:
        for slot in slots:
            del member.items[slot]
            self._pages.changes.append(Tombstone(_external_id(one, slot)))

    def _unreadable(self, view: View, one: str, fault: Fault, place: int = -1) -> None:
        # What cannot be read now is not gone: it stays as it was held.
        if one in view.members:
            view.members[one].named = view.place.round
        where = f"event {_short(one)}" if one else f"row {place + 1} of a page"
        self._pages.changes.append(Unreadable(f"{view.name}, {where}", str(fault)))

    def _reader(self, view: View) -> Reader:
        return Reader(view.name, view.owner, self._zones)


def _external_id(one: str, slot: str) -> ExternalId:
    return ExternalId(f"{one}#{slot}" if slot else one)


def _short(one: str) -> str:
    """What of an id is enough to know it by: its end differs."""
    return one if len(one) <= 24 else f"…{one[-24:]}"
