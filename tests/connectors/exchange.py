"""What the tests of Exchange connectors share: a mailbox on the loopback, and meetings, contacts and mail in it."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from email import message_from_string
from typing import Any

import pytest

from schemas.clock import FrozenClock
from schemas.connector import Access
from tests.contract.live_source import SECRET, a_live_access
from tests.contract.source import NOW
from tests.fakes.exchange import ExchangeServer
from tests.fakes.exchange_wire import Element, e

SEEDS = [*range(20), *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(20, 100))]
"""A hundred seeds, of which a fifth is tried every time."""
START = datetime(2026, 12, 1, 8, tzinfo=UTC)


class Mailbox:
    """A mailbox as the contract's tests see one. What is put in it is made by `make`."""

    def __init__(self, server: ExchangeServer, folder: str) -> None:
        self.server = server
        self.folder = folder
        self.ids: dict[str, str] = {}

    def make(self, name: str, turn: int) -> Element:
        """The item of a name, as it is after so many changes."""
        raise NotImplementedError

    def bad(self) -> Element:
        """An item that cannot be understood."""
        raise NotImplementedError

    def add(self, name: str) -> None:
        self.ids[name] = self.server.add(self.folder, self.make(name, 0))

    def change(self, name: str) -> bool:
        changed = self.make(name, 1)
        self.server.change(self.ids[name], *list(changed))
        return True

    def remove(self, name: str) -> None:
        self.server.delete(self.ids.pop(name))

    def spoil(self) -> bool:
        self.server.add(self.folder, self.bad())
        return True

    def break_off(self, after: int) -> None:
        self.server.wire.left = after

    def mend(self) -> None:
        self.server.wire.left = None

    def answered(self) -> int:
        return self.server.wire.answered


def an_access(server: ExchangeServer, *, secret: str = SECRET, **more: Any) -> Access:
    """An access to a mailbox over the wire."""
    given = {"url": server.url, "user": server.user, "auth": "basic", "allow_private": True, **more}
    return a_live_access("exchange", secret=secret, **given)


def later(access: Access, duration: timedelta) -> Access:
    """The same access some time later."""
    return dataclasses.replace(access, clock=FrozenClock(access.clock.now() + duration))


def at(instant: datetime) -> str:
    """An instant as EWS writes it."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def a_box(name: str, address: str, kind: str = "SMTP") -> Element:
    """A mailbox."""
    return e("t:Mailbox", e("t:Name", name), e("t:EmailAddress", address), e("t:RoutingType", kind))


def an_attendee(name: str, address: str, answer: str = "Unknown") -> Element:
    """One who is asked."""
    return e("t:Attendee", a_box(name, address), e("t:ResponseType", answer))


def a_meeting(
    uid: str,
    *more: Element,
    subject: str = "Meeting",
    start: datetime = START,
    length: timedelta = timedelta(hours=1),
    zone: str = "W. Europe Standard Time",
    kind: str = "Single",
    is_day: bool = False,
    sequence: int = 0,
    people: Sequence[Element] = (),
) -> Element:
    """A calendar item; `people` are its required attendees."""
    return e(
        "t:CalendarItem",
        e("t:ItemClass", "IPM.Appointment"),
        e("t:Subject", subject),
        e("t:UID", uid),
        e("t:Start", at(start)),
        e("t:End", at(start + length)),
        e("t:IsAllDayEvent", "true" if is_day else "false"),
        e("t:IsMeeting", "true" if people else "false"),
        e("t:IsCancelled", "false"),
        e("t:CalendarItemType", kind),
        e("t:Organizer", a_box("Bea Organizer", "bea@example.com")) if people else None,
        e("t:RequiredAttendees", *people) if people else None,
        e("t:AppointmentSequenceNumber", str(sequence)),
        e("t:StartTimeZone", Id=zone, Name=zone),
        *more,
    )


def a_series(
    uid: str, pattern: Element, range_: Element | None = None, *more: Element, **fields: Any
) -> Element:
    """A master of a series."""
    ends = range_ if range_ is not None else e("t:NoEndRecurrence", e("t:StartDate", "2026-12-01Z"))
    return a_meeting(uid, e("t:Recurrence", pattern, ends), *more, kind="RecurringMaster", **fields)


def weekly(days: str, interval: int = 1) -> Element:
    """A weekly pattern."""
    return e("t:WeeklyRecurrence", e("t:Interval", str(interval)), e("t:DaysOfWeek", days))


def numbered(count: int) -> Element:
    """So many occurrences."""
    return e("t:NumberedRecurrence", e("t:StartDate", "2026-12-01Z"), e("t:NumberOfOccurrences", str(count)))


def a_contact(name: str, *more: Element, emails: Sequence[str] = (), title: str = "") -> Element:
    """A contact."""
    entries = [e("t:Entry", one, Key=f"EmailAddress{number}") for number, one in enumerate(emails, 1)]
    return e(
        "t:Contact",
        e("t:ItemClass", "IPM.Contact"),
        e("t:DisplayName", name),
        e("t:EmailAddresses", *entries) if entries else None,
        e("t:JobTitle", title) if title else None,
        *more,
    )


def a_letter(
    raw: bytes,
    *more: Element,
    received: datetime = NOW - timedelta(days=40),
    kind: str = "IPM.Note",
    body_type: str = "Text",
    is_draft: bool = False,
) -> Element:
    """A mail that came from outside, with the header block that it came with."""
    mail = message_from_string(raw.decode())
    headers = [
        e("t:InternetMessageHeader", " ".join(str(value).split()), HeaderName=name)
        for name, value in mail.items()
    ]
    text = "" if mail.is_multipart() else mail.get_payload()
    return e(
        "t:Message",
        e("t:ItemClass", kind),
        e("t:Subject", str(mail["Subject"] or "")),
        e("t:Body", str(text), BodyType=body_type),
        e("t:DateTimeReceived", at(received)),
        e("t:IsDraft", "true" if is_draft else "false"),
        e("t:InternetMessageHeaders", *headers) if headers else None,
        e("t:DateTimeSent", at(received)),
        *more,
    )


def a_sent_letter(
    number: int, *more: Element, body: str = "Yes, on Tuesday.", to: str = "ana@example.com"
) -> Element:
    """A mail that was sent here, and has no header block of its own."""
    when = NOW - timedelta(days=3, minutes=number)
    return e(
        "t:Message",
        e("t:ItemClass", "IPM.Note"),
        e("t:Subject", f"Re: Letter {number}"),
        e("t:Body", body, BodyType="Text"),
        e("t:DateTimeReceived", at(when)),
        e("t:IsDraft", "false"),
        e("t:InReplyTo", f"<m{number}@example.com>"),
        e("t:DateTimeSent", at(when)),
        e("t:From", a_box("Alice", "alice@example.com")),
        e("t:ToRecipients", a_box("Ana, Okafor", to)),
        e("t:InternetMessageId", f"<s{number}@example.com>"),
        e("t:References", f"<m{number}@example.com>"),
        *more,
    )
