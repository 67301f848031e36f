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
from tests.fakes.graph_calendar import GraphCalendars, exchange_uid
from tests.fakes.graph_contacts import GraphContacts
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
_GRAPH = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentativelyAccepted"}
_EXCHANGE = {"ACCEPTED": "Accept", "DECLINED": "Decline", "TENTATIVE": "Tentative"}
_BODY = e("t:Body", "").tag


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


def lay_into_microsoft(
    network: Network, mail: GraphMail, calendars: GraphCalendars, contacts: GraphContacts
) -> None:
    """The network as a mailbox of Microsoft 365 holds it."""
    for letter in network.letters:
        folder = (
            "sentitems" if "Sent" in letter.labels else "drafts" if "Drafts" in letter.labels else "inbox"
        )
        mail.put(wire(letter), folder, at=letter.at, is_draft=folder == "drafts")
    for meeting in network.meetings:
        _into_graph(meeting, calendars)
    for who in network.cards:
        given, _, family = who.name.rpartition(" ")
        contacts.add(
            who.name,
            [one for one in (who.address, *who.also) if one],
            givenName=given,
            surname=family,
            companyName=who.organization or None,
            jobTitle=who.title or None,
            mobilePhone=who.phone or None,
            businessHomePage=who.profile or None,
        )


def _into_graph(meeting: Planned, calendars: GraphCalendars) -> None:
    caller = meeting.organizer or Guest(NAME, HOME)
    is_own = caller.address in ADDRESSES
    mine = next((one.partstat for one in meeting.guests if one.address in ADDRESSES), "")
    answer = "organizer" if is_own else _GRAPH.get(mine, "notResponded")
    weeks = meeting.every_weeks if meeting.until else 0
    count = None
    if meeting.until and weeks:
        count = (meeting.until - meeting.starts_at - timedelta(seconds=1)) // timedelta(weeks=weeks) + 1
    one = calendars.add(
        meeting.summary,
        meeting.starts_at.date() if meeting.days else meeting.starts_at,
        length=timedelta(days=meeting.days) if meeting.days else timedelta(minutes=meeting.minutes),
        uid=exchange_uid(0, foreign=meeting.uid),
        every=timedelta(weeks=weeks) if weeks else None,
        count=count,
        attendees=[
            (guest.address, guest.name, _GRAPH.get(guest.partstat, "none"))
            for guest in meeting.guests
            if guest.address != caller.address and guest.cutype not in {"ROOM", "RESOURCE"}
        ],
        organizer={"emailAddress": {"name": caller.name, "address": caller.address}},
        isOrganizer=is_own,
        isCancelled=meeting.is_cancelled,
        responseStatus={"response": answer, "time": "0001-01-01T00:00:00Z"},
        location={"displayName": meeting.location},
    )
    for start in meeting.excluded:
        calendars.drop(one, f"{start.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    for change in meeting.changes:
        slot = f"{change.original.astimezone(UTC):%Y%m%dT%H%M%SZ}"
        if change.is_cancelled:
            calendars.drop(one, slot)
        else:
            calendars.differ(one, slot, start=change.moved_to)


# --- Exchange -----------------------------------------------------------------------------------------------------------


def lay_into_exchange(network: Network, server: ExchangeServer) -> None:
    """The network as a mailbox of an Exchange server holds it."""
    for letter in network.letters:
        if "Sent" in letter.labels:
            server.add("sentitems", _sent(letter))
        elif "Drafts" not in letter.labels:
            server.add("inbox", _received(letter))
    for meeting in network.meetings:
        if not meeting.is_cancelled:
            server.add("calendar", _appointment(meeting))
    for who in network.cards:
        addresses = [one for one in (who.address, *who.also) if one]
        company = [e("t:CompanyName", who.organization)] if who.organization else []
        server.add("contacts", a_contact(who.name, *company, emails=addresses, title=who.title))


def _received(letter: Letter) -> Element:
    """A mail that came from outside: with its header block, and its text as the server tells it of any format."""
    kind = "IPM.Schedule.Meeting.Request" if letter.calendar else "IPM.Note"
    made = a_letter(wire(letter), received=letter.at, kind=kind)
    made[:] = [e("t:Body", full_text(letter), BodyType="Text") if one.tag == _BODY else one for one in made]
    return made


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
    caller = meeting.organizer or Guest(NAME, HOME)
    people = [
        an_attendee(one.name, one.address, _EXCHANGE.get(one.partstat, "Unknown"))
        for one in meeting.guests
        if one.cutype == "INDIVIDUAL" and one.address != caller.address
    ]
    fields: dict[str, Any] = {
        "subject": meeting.summary,
        "start": meeting.starts_at,
        "length": timedelta(days=meeting.days) if meeting.days else timedelta(minutes=meeting.minutes),
        "is_day": bool(meeting.days),
        "people": people,
    }
    if meeting.every_weeks and meeting.until:
        days = weekly(f"{meeting.starts_at:%A}", meeting.every_weeks)
        ends = e(
            "t:EndDateRecurrence",
            e("t:StartDate", f"{meeting.starts_at:%Y-%m-%d}Z"),
            e("t:EndDate", f"{meeting.until:%Y-%m-%d}Z"),
        )
        made = a_series(meeting.uid, days, ends, **fields)
    else:
        made = a_meeting(meeting.uid, **fields)
    organizer = e("t:Organizer", a_box(caller.name, caller.address))
    made[:] = [organizer if one.tag == organizer.tag else one for one in made]
    return made
