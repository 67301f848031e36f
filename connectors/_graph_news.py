"""What the rows of one page say of a calendar, with all that has to be asked for to know it; it tells nobody.

Everything is asked for here, before anything is told: what is broken off half-way has changed nothing.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal
from urllib.parse import quote

from msgspec import Raw, Struct, field

from connectors._graph import Ask, Graph, Rows, Said
from connectors._graph_calendars import ROWS, Member, Span, View, stretches
from connectors._graph_events import (
    MOST_OCCURRENCES,
    SELECTED,
    SELECTED_TIMES,
    Event,
    Reader,
    read_event,
)
from connectors._graph_items import Withheld, items
from connectors._graph_rows import Fault, id_of
from connectors._holdings import suspicious
from connectors._withheld import withheld
from schemas.errors import Missing, ReauthRequired, SuspiciousSnapshot

RowsOf = Literal["changes", "whole", "past"]
"""What rows are of: what changed, a whole round of a delta, or a plain list, which holds no masters."""


class Series(Struct):
    """A series to be told: its master, what is known of its instances, and the times to ask for the others in.

    `unread` are exceptions that are there and cannot be read.
    """

    master: Event
    instances: dict[str, Event]
    ask: list[Span]
    unread: set[str] = field(default_factory=set)


class News(Struct):
    """What is to be told, and the ids of what is gone."""

    singles: list[Event] = field(default_factory=list)
    series: list[Series] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


class Asking:
    """Asks for what rows leave out."""

    def __init__(
        self,
        graph: Graph,
        reader: Reader,
        window: Span,
        floor: datetime,
        complain: Callable[[View, str, Fault, int], None],
    ) -> None:
        """Nothing is asked yet.

        Args:
            window: series are known up to its end.
            floor: what is before it is not asked for.
            complain: is told of what cannot be read: its id, or where that cannot be read either its place on the page.
        """
        self._graph = graph
        self._reader = reader
        self._window = window
        self._floor = floor
        self._complain = complain

    def news(self, view: View, rows: Rows, span: Span, of: RowsOf) -> News:
        """What the rows of one page say."""
        news = News()
        masters: dict[str, Event] = {}
        instances: dict[str, dict[str, Event]] = {}
        wanted: dict[str, None] = {}
        for place, row in enumerate(rows.value):
            event = self._read(row, view, place)
            if event is None:
                continue
            if event.removed is not None:
                if event.id in view.members:
                    wanted[event.id] = None
            elif event.type in {"occurrence", "exception"} and event.series_master_id:
                instances.setdefault(event.series_master_id, {})[event.id] = event
            elif not event.is_told:
                wanted[event.id] = None
            elif event.type == "seriesMaster":
                masters[event.id] = event
            else:
                news.singles.append(event)
        for one in instances:
            if one not in masters and self._has_to_be_asked_for(view, one, of):
                wanted[one] = None
        for one, master in masters.items():
            if of == "changes" or not self._is_same(view, master):
                news.series.append(self._with_others(Series(master, instances.get(one, {}), []), span))
        self._ask_for(view, list(wanted), news)
        self._ask_for_instances(view, news.series)
        return news

    def _has_to_be_asked_for(self, view: View, master: str, of: RowsOf) -> bool:
        """Whether a series must be asked for of which instances came without their master."""
        member = view.members.get(master)
        if member is None or of == "changes" or not member.version.endswith(until_of(self._window)):
            return True
        # In a whole round its master is still to come, unless it has been on an earlier page.
        return of == "whole" and member.named == view.place.round

    def _is_same(self, view: View, master: Event) -> bool:
        """Whether a series was told as it is, as far as the window goes; it counts as named."""
        member = view.members.get(master.id)
        if member is None or member.version != version_of(master, self._window):
            return False
        member.named = view.place.round
        return True

    def unnamed(self, view: View, span: Span) -> News:
        """What a whole round should have named and did not: asked for by its id, as it may only have left the window.

        Raises:
            SuspiciousSnapshot: everything is gone at once.
        """
        here = {one: member for one, member in view.members.items() if span.meets(member)}
        news = News()
        self._ask_for(view, [one for one, member in here.items() if member.named != view.place.round], news)
        if len(news.gone) > 1 and len(news.gone) == len(here):
            raise SuspiciousSnapshot(suspicious(view.name, len(here), "events"))
        self._ask_for_instances(view, news.series)
        return news

    def _ask_for(self, view: View, ids: Sequence[str], news: News) -> None:
        """Events by their ids, as they are now; an instance stands for its whole series."""
        masters: dict[str, None] = {}
        for one, event in self._asked(view, ids).items():
            if event is None:
                news.gone.append(one)
            elif event.type == "seriesMaster":
                news.series.append(self._from_scratch(event))
            elif event.type in {"occurrence", "exception"} and event.series_master_id:
                masters[event.series_master_id] = None
            else:
                news.singles.append(event)
        there = {one.master.id for one in news.series}
        more = self._asked(view, [one for one in masters if one not in there])
        news.series += [
            self._from_scratch(one) for one in more.values() if one and one.type == "seriesMaster"
        ]

    def _asked(self, view: View, ids: Sequence[str]) -> dict[str, Event | None]:
        """Events by their ids: None for what is not in this calendar; what cannot be read is told and left out."""
        asks = [_ask(view, one) for one in ids]
        found: dict[str, Event | None] = {}
        for one, said in zip(ids, self._items(view, asks), strict=True):
            if isinstance(said.error, Missing):
                found[one] = None
                continue
            if _is_withheld(said):
                self._complain(view, one, _fault_of(said), -1)
                continue
            event = self._read(said.read(Raw), view)
            if event is not None and event.is_told:
                found[one] = event
        return found

    def _items(self, view: View, asks: Sequence[Ask]) -> list[Said]:
        """What each was told; those that fail are judged by other events of the calendar."""
        asked = {ask.path for ask in asks}

        def others(count: int) -> list[Ask]:
            listed = {"$select": "id", "$top": str(count + len(asks))}
            rows = self._graph.get(f"{view.way}/events", Rows, listed).value
            return [ask for row in rows if (ask := _ask(view, id_of(row))).path not in asked][:count]

        return items(self._graph.batch, asks, others)

    def _read(self, row: Raw, view: View, place: int = -1) -> Event | None:
        try:
            return read_event(row)
        except Fault as fault:
            self._complain(view, id_of(row), fault, place)
            return None

    def _with_others(self, series: Series, span: Span) -> Series:
        """A series whose instances in a window came along: those before and after it are asked for."""
        start = self._start_of(series.master)
        series.ask = [*stretches(start, span.start), *stretches(max(start, span.end), self._window.end)]
        return series

    def _from_scratch(self, master: Event) -> Series:
        return Series(master, {}, stretches(self._start_of(master), self._window.end))

    def _start_of(self, master: Event) -> datetime:
        try:
            start = self._reader.start_of(master)
        except Fault:
            return self._window.end
        return max(start - timedelta(days=1), self._floor)

    def _ask_for_instances(self, view: View, series: list[Series]) -> None:
        """Those of its instances that a series did not bring along; exceptions that are told by their times alone, whole.

        A series whose instances are not handed out is left out: what was held of it stays.
        """
        questions = [(one, span) for one in series for span in one.ask]
        asks = [
            Ask(
                f"{view.way}/events/{quote(one.master.id, safe='')}/instances",
                query={**span.query, "$select": SELECTED_TIMES, "$top": ROWS},
            )
            for one, span in questions
        ]
        closed: dict[str, Fault] = {}
        for (one, _), said in zip(questions, self._items(view, asks), strict=True):
            # A series that went between two answers is told of by the next round.
            if _is_withheld(said):
                closed[one.master.id] = _fault_of(said)
            elif not isinstance(said.error, Missing):
                self._add_instances(one, view, said.read(Rows))
        for name, fault in closed.items():
            self._complain(view, name, fault, -1)
        series[:] = [one for one in series if one.master.id not in closed]
        lacking = {one.master.id: _lacking(one, view.members.get(one.master.id)) for one in series}
        found = self._asked(view, [each for ids in lacking.values() for each in ids])
        for one in series:
            for each in lacking[one.master.id]:
                event = found.get(each)
                if event is not None and event.type == "exception":
                    one.instances[each] = event
                elif each not in found:
                    one.unread.add(each)

    def _add_instances(self, series: Series, view: View, first: Rows) -> None:
        for rows in self._graph.pages_from(first):
            for row in rows.value:
                event = self._read(row, view)
                if event is not None:
                    series.instances.setdefault(event.id, event)
            if len(series.instances) > MOST_OCCURRENCES:
                return


def _ask(view: View, one: str) -> Ask:
    return Ask(f"{view.way}/events/{quote(one, safe='')}", query={"$select": SELECTED})


def _is_withheld(said: Said) -> bool:
    """Whether an event is closed or fails for itself: its calendar is open, as it has just been listed."""
    return isinstance(said.error, Withheld) or (said.status == 403 and isinstance(said.error, ReauthRequired))


def _fault_of(said: Said) -> Fault:
    return Fault(withheld("Microsoft", said.status or "it fails each time"))


def until_of(window: Span) -> str:
    """The month up to which series are known."""
    return f"{window.end:%Y%m}"


def version_of(master: Event, window: Span) -> str:
    """What tells whether a series was told as it is, and as far as the window goes."""
    return f"{master.version} {until_of(window)}"


def _lacking(series: Series, member: Member | None) -> list[str]:
    """The ids of exceptions to be asked for: those told by their times alone, and those held that did not come."""
    partial = [one.id for one in series.instances.values() if one.type == "exception" and not one.is_told]
    held = member.exceptions.values() if member else ()
    return [*partial, *(one for one in held if one not in series.instances)]
