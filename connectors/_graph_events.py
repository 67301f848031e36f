"""Events of Microsoft Graph to meetings (https://learn.microsoft.com/graph/api/resources/event, read 2026-11).

Times come in UTC unless another zone is asked for; an all-day event comes as midnights of the zone that its times name, and
they are dates. A master, its occurrences and its exceptions are rows of their own: an occurrence has a start and an end and
takes the rest from its master. Nothing here asks Graph anything, and no body is ever decoded.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from connectors._exchange_uid import uid_of
from connectors._graph_rows import (
    FRACTION,
    YEARS,
    Fault,
    Moment,
    Removed,
    address_in,
    change_stamp,
    instant_of,
    nearest_day,
    told,
)
from connectors._ical_lines import clean_text
from connectors._ical_zones import Zones, known_zone, name_of, to_utc, to_wall
from schemas.ids import key64
from schemas.records import Attendee, Mailbox, Meeting, Occurrence, Partstat

MOST_OCCURRENCES = 20_000
"""Of one series."""
_MOST_ATTENDEES = 2_000
_DAY = timedelta(days=1)
_PARTSTATS: Mapping[str, Partstat] = {
    "organizer": "accepted",
    "accepted": "accepted",
    "tentativelyAccepted": "tentative",
    "declined": "declined",
}
SELECTED = (
    "id,type,seriesMasterId,iCalUId,changeKey,lastModifiedDateTime,subject,location,start,end,isAllDay,isCancelled,"
    "isOrganizer,organizer,attendees,responseStatus,originalStart,originalStartTimeZone"
)
"""What is asked for where it may be chosen; the delta of a calendar view takes no `$select`."""
SELECTED_TIMES = "id,type,seriesMasterId,start,end,originalStart"


class _Email(Struct, frozen=True):
    name: str | None = None
    address: str | None = None


class _Recipient(Struct, frozen=True, rename="camel"):
    email_address: _Email | None = None


class _Status(Struct, frozen=True):
    response: str | None = None


class _Asked(Struct, frozen=True, rename="camel"):
    email_address: _Email | None = None
    type: str | None = None
    status: _Status | None = None


class _Location(Struct, frozen=True, rename="camel"):
    display_name: str | None = None


Kind = Literal["singleInstance", "occurrence", "exception", "seriesMaster"]


class Event(Struct, frozen=True, rename="camel"):
    """One row. What is unset was not told: of a change only what changed is promised, and of an occurrence only its time."""

    id: str
    removed: Removed | None = field(default=None, name="@removed")
    type: Kind | None = None
    series_master_id: str | None = None
    ical_uid: str | None = field(default=None, name="iCalUId")
    change_key: str | None = None
    last_modified_date_time: str | None = None
    subject: str | UnsetType | None = UNSET
    location: _Location | None = None
    start: Moment | UnsetType | None = UNSET
    end: Moment | UnsetType | None = UNSET
    is_all_day: bool | None = None
    is_cancelled: bool | None = None
    is_organizer: bool | None = None
    organizer: _Recipient | None = None
    attendees: tuple[_Asked, ...] | UnsetType | None = UNSET
    response_status: _Status | None = None
    original_start: str | None = None
    original_start_time_zone: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether all that makes a meeting is here."""
        return UNSET not in {self.subject, self.attendees} and has_times(self)

    @property
    def version(self) -> str:
        """What tells two states of it apart."""
        return self.change_key or self.last_modified_date_time or ""


def read_event(row: Raw) -> Event:
    """A row as it came.

    Raises:
        Fault: it is none.
    """
    try:
        return msgspec.json.decode(row, type=Event)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Fault(f"it is not as Microsoft's pages say ({str(error)[:120]})") from error


def has_times(event: Event) -> bool:
    """Whether start and end are told; of what changed outside the window they are not, or are null."""
    return isinstance(event.start, Moment) and isinstance(event.end, Moment)


class Reader(Struct, frozen=True):
    """Reads the events of one calendar: its name, whose it is, and the zones of its owner."""

    calendar: str
    owner: str
    zones: Zones

    # ------ a single event, or an exception

    def single(self, event: Event) -> Meeting:
        """A meeting that is no series; where its UID speaks of one occurrence of a series, that occurrence alone.

        Raises:
            Fault: it cannot be understood.
        """
        uid, day = self._uid(event)
        name = "" if day is None else self._name_of_day(event, day)
        return self._meeting(event, uid, recurrence_id=name)

    def exception(self, event: Event, master: Event) -> Meeting:
        """An occurrence that differs from its series.

        Raises:
            Fault: it cannot be understood.
        """
        uid, _ = self._uid(master)
        return self._meeting(event, uid, recurrence_id=self.slot_of(event, master))

    # ------ a series

    def series(self, master: Event, instances: Iterable[Event], until: str) -> tuple[Meeting, str]:
        """A series with those of its instances that take place, and the stamp of it.

        Args:
            until: the month up to which instances are known, which makes the same series a later one.

        Raises:
            Fault: it cannot be understood.
        """
        uid, _ = self._uid(master)
        starts_at, ends_at = self._times(master, is_all_day=bool(master.is_all_day))
        length = ends_at - starts_at
        slots: dict[str, Occurrence] = {}
        for one in instances:
            name = self.slot_of(one, master)
            begin = self._slot_start(name, master)
            end = begin + length
            if one.type == "occurrence":
                begin, end = self._times(one, is_all_day=bool(master.is_all_day))
            slots[name] = Occurrence(name, begin, end)
        occurrences = sorted(slots.values(), key=lambda one: one.recurrence_id)
        meeting = self._meeting(
            master,
            uid,
            occurrences=tuple(occurrences[-MOST_OCCURRENCES:]),
            is_shortened=len(occurrences) > MOST_OCCURRENCES,
        )
        return meeting, f"{stamp_of(master)}.{until}"

    def slot_of(self, instance: Event, master: Event) -> str:
        """The recurrence-id of an instance, in the terms of its series: a UTC instant, or a date.

        Raises:
            Fault: it names none.
        """
        if instance.type == "exception" and instance.original_start:
            return self._name(instant_of(instance.original_start, "its original start"), master)
        if not isinstance(instance.start, Moment):
            raise Fault("it has no start")
        if master.is_all_day:
            return f"{self._wall(instance.start):%Y%m%d}"
        return _basic(self._utc(instance.start))

    def _name(self, original: datetime, master: Event) -> str:
        if not master.is_all_day:
            return _basic(original)
        # Midnight, in UTC where it stands for a date, else of the zone that the series was made in.
        if original.time() == time():
            return f"{original:%Y%m%d}"
        zone = self._zone(master.original_start_time_zone) or self.zones.owner
        return f"{nearest_day(to_wall(original, zone)):%Y%m%d}"

    def _slot_start(self, name: str, master: Event) -> datetime:
        if master.is_all_day:
            return datetime.strptime(name, "%Y%m%d")  # noqa: DTZ007 -- a wall time, on purpose
        return datetime.strptime(name, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)

    def _name_of_day(self, event: Event, day: date) -> str:
        """The occurrence that a UID with a day in it speaks of: that day, at the time that the event has or had."""
        if event.is_all_day:
            return f"{day:%Y%m%d}"
        if event.original_start:
            return _basic(instant_of(event.original_start, "its original start"))
        zone = self._zone(event.original_start_time_zone) or self.zones.owner
        if not isinstance(event.start, Moment):
            raise Fault("it has no start")
        wall = to_wall(self._utc(event.start), zone)
        return _basic(to_utc(datetime.combine(day, wall.time()), zone))

    def start_of(self, event: Event) -> datetime:
        """When it begins: aware UTC, of an all-day event the midnight that its times name.

        Raises:
            Fault: it does not say.
        """
        if not isinstance(event.start, Moment):
            raise Fault("it has no start")
        return self._utc(event.start)

    # ------ what all of them say

    def _meeting(
        self,
        event: Event,
        uid: str,
        *,
        recurrence_id: str = "",
        occurrences: tuple[Occurrence, ...] = (),
        is_shortened: bool = False,
    ) -> Meeting:
        is_all_day = bool(event.is_all_day)
        starts_at, ends_at = self._times(event, is_all_day=is_all_day)
        return Meeting(
            uid=uid,
            starts_at=starts_at,
            ends_at=ends_at,
            recurrence_id=recurrence_id,
            occurrences=occurrences,
            is_series=event.type == "seriesMaster",
            is_shortened=is_shortened,
            is_all_day=is_all_day,
            is_cancelled=bool(event.is_cancelled),
            summary=clean_text(told(event.subject, "")),
            location=clean_text((event.location.display_name if event.location else None) or ""),
            organizer=self._organizer(event),
            attendees=self._attendees(event),
            calendar=self.calendar,
            tzid="" if is_all_day else name_of(self._zone(event.original_start_time_zone)),
        )

    def _organizer(self, event: Event) -> Mailbox | None:
        if event.is_organizer and not told(event.attendees, ()):
            # Of one's own event without anybody else nobody says who called it (RFC 5545 3.8.4.3).
            return None
        box = _mailbox(event.organizer.email_address if event.organizer else None)
        return Mailbox(self.owner) if box is None and event.is_organizer and self.owner else box

    def _attendees(self, event: Event) -> tuple[Attendee, ...]:
        found: dict[str, Attendee] = {}
        for one in told(event.attendees, ())[:_MOST_ATTENDEES]:
            box = _mailbox(one.email_address)
            if box is None or box.address in found:
                continue
            response = (one.status.response if one.status else None) or ""
            found[box.address] = Attendee(
                box.address,
                box.name,
                _PARTSTATS.get(response, "needs-action"),
                "resource" if one.type == "resource" else "individual",
                is_optional=one.type == "optional",
            )
        known = found.get(self.owner)
        mine = self._own_answer(event, known)
        if mine is not None:
            # The list in a copy of the invitation may not know what its owner answered; their own status does.
            found[self.owner] = (
                msgspec.structs.replace(known, partstat=mine) if known else Attendee(self.owner, "", mine)
            )
        return tuple(found.values())

    def _own_answer(self, event: Event, listed: Attendee | None) -> Partstat | None:
        """What the calendar's owner answered to a meeting that somebody else called; None where they were not asked.

        Where nothing is recorded, what stands in the list is left as it is. That no answer was asked for is no answer
        (/graph/api/resources/responsestatus: `none` may be taken for `notResponded`).
        """
        if event.is_organizer or not self.owner or event.organizer is None:
            return None
        response = (event.response_status.response if event.response_status else None) or "none"
        if response == "organizer" or (response == "none" and listed is not None):
            return None
        return _PARTSTATS.get(response, "needs-action")

    def _uid(self, event: Event) -> tuple[str, date | None]:
        uid, day = uid_of(event.ical_uid or "")
        return uid or f"graph-{key64(event.id):016x}", day

    # ------ times

    def _times(self, event: Event, *, is_all_day: bool) -> tuple[datetime, datetime]:
        """Start and end as a record has them: aware UTC, or naive midnights with an exclusive end."""
        if not isinstance(event.start, Moment) or not isinstance(event.end, Moment):
            raise Fault("it has no start, or no end")
        if is_all_day:
            first, last = nearest_day(self._wall(event.start)), nearest_day(self._wall(event.end))
            begin = datetime.combine(first, time())
            return begin, max(datetime.combine(last, time()), begin + _DAY)
        begin_utc, end_utc = self._utc(event.start), self._utc(event.end)
        return begin_utc, max(begin_utc, end_utc)

    def _wall(self, moment: Moment) -> datetime:
        try:
            wall = datetime.fromisoformat(FRACTION.sub("", moment.date_time))
        except ValueError:
            raise Fault(f"one of its times is none ({moment.date_time[:40]!r})") from None
        if wall.year not in YEARS:
            raise Fault(f"one of its times is out of range ({moment.date_time[:40]!r})")
        return wall.replace(tzinfo=None) if wall.tzinfo is None else to_wall(wall.astimezone(UTC), UTC)

    def _utc(self, moment: Moment) -> datetime:
        return to_utc(self._wall(moment), self._zone(moment.time_zone) or self.zones.owner)

    def _zone(self, name: str | None) -> tzinfo | None:
        """The zone of a name that may be Windows', IANA's or made up; None where nobody knows it."""
        text = (name or "").strip()
        if text.lower() in {"utc", "tzone://microsoft/utc"}:
            return UTC
        return known_zone(text) if text and not text.lower().startswith("tzone:") else None


def stamp_of(event: Event) -> str:
    """When it was changed; sorts as the changes do, and above what calendar files count."""
    return change_stamp(event.last_modified_date_time)


def _mailbox(email: _Email | None) -> Mailbox | None:
    if email is None:
        return None
    address = address_in(email.address)
    if not address:
        return None
    name = clean_text(email.name or "", 200).strip("'\" ")
    return Mailbox(address, "" if name.lower() == address else name)


def _basic(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
