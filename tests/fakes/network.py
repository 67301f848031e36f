"""A small network as it lies in the mailboxes of vendors: what the sample wrote last, laid into their fakes."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct

from deploy.sample import background, machines, stories
from deploy.sample.archive import Archive
from deploy.sample.mail import Letter, full_text, wire
from deploy.sample.meetings import Guest, Planned
from deploy.sample.people import EVERYBODY, HOME, OWNER, WORK, Figure
from tests.connectors.exchange import a_box, a_contact, a_letter, a_meeting, a_series, an_attendee, at, weekly
from tests.fakes.exchange import ExchangeServer
from tests.fakes.exchange_wire import Element, e
from tests.fakes.gmail import Gmail
from tests.fakes.google_calendar import Calendars, all_day, guest, timed
from tests.fakes.google_people import People
from tests.fakes.graph_mail import GraphMail

ADDRESSES = (HOME, WORK)
NAME = OWNER.name
_GMAIL = {
    "Inbox": "INBOX",
    "Sent": "SENT",
    "Drafts": "DRAFT",
    "Unread": "UNREAD",
    "Category Personal": "CATEGORY_PERSONAL",
    "Category Updates": "CATEGORY_UPDATES",
    "Category Promotions": "CATEGORY_PROMOTIONS",
    "Category Forums": "CATEGORY_FORUMS",
}
_GOOGLE = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}
_EXCHANGE = {"ACCEPTED": "Accept", "DECLINED": "Decline", "TENTATIVE": "Tentative"}


class Network(Struct, frozen=True):
    """Mail in the order in which it was written, meetings, and an address book."""

    letters: tuple[Letter, ...]
    meetings: tuple[Planned, ...]
    cards: tuple[Figure, ...]


def small_network(now: datetime, days: int = 120) -> Network:
    """What the owner of the sample wrote and planned in so many days before an instant, and plans after it."""
    book = Archive(now, 7)
    background.fill(book)
    stories.tell(book)
    machines.fill(book)
    since = book.now - timedelta(days=days)
    letters = sorted((one for one in book.letters if one.at >= since), key=lambda one: (one.at, one.digest))
    meetings = [one for one in book.meetings if (one.until or one.starts_at) >= since]
    return Network(tuple(letters), tuple(meetings), tuple(who for who in EVERYBODY if who.has_card))


# --- Google -------------------------------------------------------------------------------------------------------------


def lay_into_google(network: Network, gmail: Gmail, calendars: Calendars, people: People) -> None:
    """The network as Gmail, Google Calendar and Google's contacts hold it."""
    threads: dict[str, str] = {}
    for letter in network.letters:
        labels = [_GMAIL[one] for one in letter.labels if one in _GMAIL]
        root = letter.root.message_id
        one = gmail.deliver(wire(letter), labels, at=letter.at, thread=threads.get(root, ""))
        threads.setdefault(root, one)
    for meeting in network.meetings:
        _into_calendar(meeting, calendars)
    for who in network.cards:
        fields: dict[str, Any] = {}
        if who.phone:
            fields["phoneNumbers"] = [{"value": who.phone}]
        if who.organization:
            fields["organizations"] = [{"name": who.organization, "title": who.title}]
        if who.profile:
            fields["urls"] = [{"value": who.profile}]
        people.add(who.name, *(one for one in (who.address, *who.also) if one), **fields)


def _into_calendar(meeting: Planned, calendars: Calendars) -> None:
    first = meeting.starts_at
    if meeting.days:
        last = first.date() + timedelta(days=meeting.days)
        times = {"start": all_day(first.date()), "end": all_day(last)}
    else:
        times = {"start": timed(first), "end": timed(first + timedelta(minutes=meeting.minutes))}
    caller = meeting.organizer
    guests = [
        guest(
            one.address,
            _GOOGLE.get(one.partstat, "needsAction"),
            displayName=one.name,
            **({"self": True} if one.address in ADDRESSES else {}),
            **({"organizer": True} if caller and one.address == caller.address else {}),
            **({"resource": True} if one.cutype in {"ROOM", "RESOURCE"} else {}),
        )
        for one in meeting.guests
    ]
    owner = caller or Guest(NAME, HOME)
    is_own = {"self": True} if owner.address in ADDRESSES else {}
    fields: dict[str, Any] = {
        "iCalUID": meeting.uid,
        "summary": meeting.summary,
        "organizer": {"email": owner.address, "displayName": owner.name, **is_own},
        **times,
        **({"location": meeting.location} if meeting.location else {}),
        **({"attendees": guests} if guests else {}),
        **({"status": "cancelled"} if meeting.is_cancelled else {}),
    }
    calendar = calendars.owner
    if not meeting.every_weeks or meeting.until is None:
        calendars.add(calendar, **fields)
        return
    until = f"{meeting.until.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    rules = [f"RRULE:FREQ=WEEKLY;INTERVAL={meeting.every_weeks};UNTIL={until}"]
    rules += [f"EXDATE;TZID=Europe/Berlin:{one:%Y%m%dT%H%M%S}" for one in meeting.excluded]
    series = calendars.add(calendar, recurrence=rules, **fields)
    for change in meeting.changes:
        if change.is_cancelled:
            calendars.cancel(series, change.original, calendar)
        elif change.moved_to:
            end = change.moved_to + timedelta(minutes=meeting.minutes)
            calendars.except_(series, change.original, calendar, start=timed(change.moved_to), end=timed(end))


# --- Microsoft ----------------------------------------------------------------------------------------------------------


def lay_into_microsoft(network: Network, mail: GraphMail) -> None:
    """The network as a mailbox of Microsoft 365 holds it."""
    for letter in network.letters:
        folder = (
            "sentitems" if "Sent" in letter.labels else "drafts" if "Drafts" in letter.labels else "inbox"
        )
        mail.put(wire(letter), folder, at=letter.at, is_draft=folder == "drafts")


# --- Exchange -----------------------------------------------------------------------------------------------------------


def lay_into_exchange(network: Network, server: ExchangeServer) -> None:
    """The network as a mailbox of an Exchange server holds it."""
    for letter in network.letters:
        if "Sent" in letter.labels:
            server.add("sentitems", _sent(letter))
        elif "Drafts" not in letter.labels:
            server.add("inbox", a_letter(wire(letter), received=letter.at))
    for meeting in network.meetings:
        if not meeting.days and not meeting.is_cancelled:
            server.add("calendar", _appointment(meeting))
    for who in network.cards:
        addresses = [one for one in (who.address, *who.also) if one]
        company = [e("t:CompanyName", who.organization)] if who.organization else []
        server.add("contacts", a_contact(who.name, *company, emails=addresses, title=who.title))


def _sent(letter: Letter) -> Element:
    """A mail that was sent from here: the server keeps no header block of it."""
    ancestry = letter.ancestry
    return e(
        "t:Message",
        e("t:ItemClass", "IPM.Note"),
        e("t:Subject", letter.subject),
        e("t:Body", full_text(letter), BodyType="Text"),
        e("t:DateTimeReceived", at(letter.at)),
        e("t:IsDraft", "false"),
        e("t:InReplyTo", ancestry[-1]) if ancestry else None,
        e("t:DateTimeSent", at(letter.at)),
        e("t:From", a_box(*letter.sender)),
        e("t:ToRecipients", *(a_box(*one) for one in letter.to)),
        e("t:CcRecipients", *(a_box(*one) for one in letter.cc)) if letter.cc else None,
        e("t:InternetMessageId", letter.message_id),
        e("t:References", " ".join(ancestry)) if ancestry else None,
    )


def _appointment(meeting: Planned) -> Element:
    people = [
        an_attendee(one.name, one.address, _EXCHANGE.get(one.partstat, "Unknown"))
        for one in meeting.guests
        if one.cutype == "INDIVIDUAL"
    ]
    fields: dict[str, Any] = {
        "subject": meeting.summary,
        "start": meeting.starts_at,
        "length": timedelta(minutes=meeting.minutes),
        "people": people,
    }
    if not meeting.every_weeks or meeting.until is None:
        return a_meeting(meeting.uid, **fields)
    days = weekly(f"{meeting.starts_at:%A}", meeting.every_weeks)
    ends = e(
        "t:EndDateRecurrence",
        e("t:StartDate", f"{meeting.starts_at:%Y-%m-%d}Z"),
        e("t:EndDate", f"{meeting.until:%Y-%m-%d}Z"),
    )
    return a_series(meeting.uid, days, ends, **fields)
