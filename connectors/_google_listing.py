"""One listing of a Google calendar's events becomes changes, against what is known of the calendar; it asks nobody.

Masters are told as they come, exceptions once all masters are known, in the masters' terms. A cancelled occurrence of a
series is an exception that is kept as long as its series is; any other cancelled event is gone. Where a series ends
earlier than it did (its rest goes on as another, after a change of "this and following"), the exceptions behind its end
are gone as well: Google does not tell of each.
"""

from collections.abc import Iterable, Iterator

import msgspec
from msgspec import Raw, Struct, field

from connectors._google_events import (
    TYPES,
    GoogleEvent,
    NotAnEvent,
    Series,
    has_end,
    properties_of,
    series_of,
)
from connectors._ical import Event, Surroundings, read_event
from connectors._ical_lines import Properties
from connectors._ical_zones import Zones
from connectors._mail_text import clean
from schemas.connector import Change, Skipped, Tombstone, Unreadable, Upsert
from schemas.ids import ExternalId
from schemas.records import Meeting

NOT_A_MEETING = "an entry of a calendar that is no meeting"


class Held(Struct):
    """A calendar as it is known: up to which token, read whole in which month, how far back, and its events by id."""

    token: str = ""
    month: str = ""
    bound: str = ""
    is_begun: bool = False
    singles: set[str] = field(default_factory=set)
    series: dict[str, Series] = field(default_factory=dict)

    def ids(self) -> set[str]:
        """The ids of all that was told of and is not gone."""
        return {*self.singles, *self.series, *(one for it in self.series.values() for one in it.exceptions)}


class _Identified(Struct, frozen=True):
    id: str = ""


class Listing:
    """Takes a listing in, page by page."""

    def __init__(self, held: Held, known: Held, surroundings: Surroundings, zones: Zones) -> None:
        """Nothing is taken in yet.

        Args:
            held: what is brought up to date: that which is known, or nothing where everything is listed.
            known: what is known.
            surroundings: what the calendar is read with.
            zones: the owner's.
        """
        self._held = held
        self._known = known
        self._surroundings = surroundings
        self._zones = zones
        self._waiting: list[tuple[GoogleEvent, str]] = []
        self.has_kept = False
        """Whether something that is known could not be read, and stays as it was."""

    def take(self, items: Iterable[Raw], told_at: str) -> Iterator[Change]:
        """The changes of a page, but for those of exceptions; `told_at` is when the calendar last changed."""
        for raw in items:
            try:
                event = msgspec.json.decode(raw, type=GoogleEvent)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                name = _id_in(raw)
                self._keep(name)
                yield self._unreadable(name, f"it is not as Google's pages say: {error}")
                continue
            if event.recurring_event_id:
                self._waiting.append((event, told_at))
            elif event.is_cancelled:
                yield from self._forget(event.id)
            elif event.event_type not in TYPES:
                if self._is_known(event.id):
                    yield from self._forget(event.id)
                yield Skipped(NOT_A_MEETING)
            else:
                yield from self._meeting(event, told_at)

    def rest(self) -> Iterator[Change]:
        """The changes of exceptions, after the last page."""
        for event, told_at in self._waiting:
            yield from self._exception(event, told_at)
        self._waiting.clear()

    # ------ events

    def _meeting(self, event: GoogleEvent, told_at: str) -> Iterator[Change]:
        """A single event or a series' master."""
        try:
            properties = properties_of(event, None, told_at)
            series = series_of(event, properties) if event.recurrence else None
        except NotAnEvent as why:
            self._keep(event.id)
            yield self._unreadable(event.id, str(why))
            return
        change = read_event(self._event(event, properties), self._surroundings, self._zones)
        is_known = self._is_known(event.id)
        if isinstance(change, Skipped) and is_known:
            yield Tombstone(ExternalId(event.id))
        self.has_kept |= isinstance(change, Unreadable) and is_known
        yield _named(change, event)
        before = self._held.series.pop(event.id, Series()).exceptions
        self._held.singles.discard(event.id)
        if series is None:
            if isinstance(change, Upsert) or (isinstance(change, Unreadable) and is_known):
                self._held.singles.add(event.id)
            stay = {}
        else:
            series.ends = self._end_of(event, change)
            stay = {one: it for one, it in before.items() if not self._is_beyond(it[0], series)}
            series.exceptions = stay
            self._held.series[event.id] = series
        for one in sorted(before.keys() - stay.keys()):
            yield Tombstone(ExternalId(one))

    def _exception(self, event: GoogleEvent, told_at: str) -> Iterator[Change]:
        """An occurrence that differs from its series, or does not take place; the series need not be there."""
        master = event.recurring_event_id
        series = self._held.series.get(master)
        if event.is_cancelled and (series is None or not series.uid):
            # Where its series is gone as well, it is no exception any more.
            yield from self._drop(event, series)
            return
        try:
            properties = properties_of(event, series, told_at)
        except NotAnEvent as why:
            self._keep(event.id)
            yield self._unreadable(event.id, str(why))
            return
        change = read_event(
            self._event(event, properties),
            self._surroundings,
            self._zones,
            series.event() if series else None,
        )
        if isinstance(change, Unreadable):
            self._keep(event.id)
        elif isinstance(change, Skipped):
            yield from self._drop(event, series)
        elif isinstance(change.record, Meeting):
            name = change.record.recurrence_id
            if series is not None and self._is_beyond(name, series):
                yield from self._drop(event, series)
                return
            held = self._held.series.setdefault(master, Series())
            held.exceptions[event.id] = (name, max(event.sequence, held.exceptions.get(event.id, ("", 0))[1]))
        yield _named(change, event)

    def _forget(self, one: str) -> Iterator[Change]:
        """An event is gone, a series with its exceptions."""
        self._held.singles.discard(one)
        series = self._held.series.pop(one, Series())
        for gone in (one, *sorted(series.exceptions)):
            yield Tombstone(ExternalId(gone))

    @staticmethod
    def _drop(event: GoogleEvent, series: Series | None) -> Iterator[Change]:
        if series is not None:
            series.exceptions.pop(event.id, None)
        yield Tombstone(ExternalId(event.id))

    # ------ series

    def _end_of(self, event: GoogleEvent, change: Change) -> str:
        """The name of the last occurrence, of a series that ends and is known to its end."""
        if not has_end(event):
            return ""
        if isinstance(change, Skipped):
            since = self._surroundings.since
            return f"{since:%Y%m%d}" if since else ""
        record = change.record if isinstance(change, Upsert) else None
        if not isinstance(record, Meeting) or record.is_shortened or not record.occurrences:
            return ""
        return record.occurrences[-1].recurrence_id

    def _is_beyond(self, name: str, series: Series) -> bool:
        """Whether an occurrence lies behind its series' end, as far as series are looked at."""
        return bool(series.ends) and series.ends < name < f"{self._surroundings.until:%Y%m%d}"

    # ------ what is known

    def _is_known(self, one: str) -> bool:
        return one in self._known.singles or one in self._known.series

    def _keep(self, one: str) -> None:
        """What cannot be read now is not gone: it stays as it was held."""
        known = self._known
        if one in known.singles:
            self._held.singles.add(one)
        elif one in known.series:
            self._held.series[one] = known.series[one]
        else:
            found = ((name, it.exceptions[one]) for name, it in known.series.items() if one in it.exceptions)
            master, exception = next(found, ("", None))
            if exception is None:
                return
            self._held.series.setdefault(master, Series()).exceptions[one] = exception
        self.has_kept = True

    def _event(self, event: GoogleEvent, properties: Properties) -> Event:
        return Event(f"event {event.id[:100]}", properties)

    def _unreadable(self, one: str, reason: str) -> Unreadable:
        return Unreadable(f"{self._surroundings.name}, event {clean(one)[:100] or 'without an id'}", reason)


def _named(change: Change, event: GoogleEvent) -> Change:
    """The change under the id that Google knows the event by."""
    return Upsert(ExternalId(event.id), change.record, change.stamp) if isinstance(change, Upsert) else change


def _id_in(raw: Raw) -> str:
    try:
        return msgspec.json.decode(raw, type=_Identified).id
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
