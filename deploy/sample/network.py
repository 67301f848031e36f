"""Writes the sample network of `kith demo` as ordinary files, and says what a correct reading of them amounts to.

    Takeout/Mail/All mail Including Spam and Trash.mbox   two years of mail
    Takeout/Calendar/Mara Lindholm.ics                    meetings, past and to come
    Takeout/Contacts/All Contacts.vcf                     the address book
    Basic_LinkedInDataExport_….zip, Complete_….zip        two exports, seven months apart

Equal `now` and seed give equal bytes. Nothing is read, sent or imported here.
"""

from datetime import date, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from deploy.sample import background, machines, stories
from deploy.sample.archive import Archive
from deploy.sample.cards import address_book
from deploy.sample.linkedin import (
    Tie,
    connections,
    endorsements,
    english_day,
    invitations,
    messages,
    recommendations,
    table,
)
from deploy.sample.linkedin import (
    archive as write_zip,
)
from deploy.sample.mail import takeout
from deploy.sample.meetings import calendar_file
from deploy.sample.people import BY_KEY, CONFERENCE, EVERYBODY, HOME, OWNER, WORK, Figure
from deploy.sample.stories import Outcome, Outcomes
from schemas.interface import Counts, Status

ZONE = "Europe/Berlin"
_OLD_EXPORT_DAYS = 214
_NEW_EXPORT_DAYS = 3
_MOVED: dict[str, tuple[str, str]] = {
    # What the newer export says of those who moved since the older one.
    "bjorn": ("Nordlicht", "Chief Technology Officer"),
    "helene": ("Atelier Nord", "Directrice associée"),
    "zeynep": ("Formwerk", "Junior Designer"),
    "tariq": ("Lumitec", "Vice President, Europe"),
    "ewa": ("Miasto Zdrowe", "Head of Programmes"),
}
_BEFORE: dict[str, tuple[str, str]] = {
    "zeynep": ("Hochschule Havelstadt", "Student"),
    "tariq": ("Lumitec", "Regional Director"),
}
_RECENT: dict[str, int] = {"sofia": 14, "mattias": 21, "bianca": 33, "haruto": 39, "omar": 5}
_AT_CONFERENCE = ("beatriz", "leila", "salma", "minh")
_LEFT = "george"


class SampleReport(Struct, frozen=True, kw_only=True):
    """The files written, the owner to import them for, and the ground truth.

    People are named by their main address, or by their profile's address where no file joins the two. `counts`
    follow docs/interface.md. `expected_open` must be open after an import at `now` with `words` said first
    (arguments of the `kith` command); `allowed_open` may be; `forbidden_open` must not be.
    """

    now: datetime
    owner_name: str
    owner_emails: tuple[str, ...]
    timezone: str
    files: tuple[Path, ...]
    mbox: Path
    calendar: Path
    contacts: Path
    exports: tuple[Path, Path]
    messages: int
    drafts: int
    components: int
    cards: int
    counts: dict[str, Counts]
    statuses: dict[str, Status]
    expected_open: tuple[Outcome, ...]
    allowed_open: tuple[Outcome, ...]
    forbidden_open: tuple[Outcome, ...]
    words: tuple[tuple[str, ...], ...]


def write_sample(folder: Path, now: datetime, seed: int = 7) -> SampleReport:
    """Write the sample into the folder, made if missing, relative to the aware instant `now`."""
    book = Archive(now, seed)
    background.fill(book)
    outcomes = stories.tell(book)
    machines.fill(book)
    book.letters.sort(key=lambda letter: (letter.at, letter.digest), reverse=True)

    mbox = folder / "Takeout" / "Mail" / "All mail Including Spam and Trash.mbox"
    calendar = folder / "Takeout" / "Calendar" / "Mara Lindholm.ics"
    contacts = folder / "Takeout" / "Contacts" / "All Contacts.vcf"
    for path in (mbox, calendar, contacts):
        path.parent.mkdir(parents=True, exist_ok=True)
    with mbox.open("wb") as out:
        out.writelines(takeout(book.letters))
    calendar.write_bytes(calendar_file(book.meetings, OWNER.name, book.now).encode())
    with_card = [OWNER, *(who for who in EVERYBODY if who.has_card)]
    contacts.write_bytes(address_book(with_card).encode())
    exports = (_export(folder, book, _OLD_EXPORT_DAYS), _export(folder, book, _NEW_EXPORT_DAYS))

    counts = book.counts()
    return SampleReport(
        now=now,
        owner_name=OWNER.name,
        owner_emails=(HOME, WORK),
        timezone=ZONE,
        files=(mbox, calendar, contacts, *exports),
        mbox=mbox,
        calendar=calendar,
        contacts=contacts,
        exports=exports,
        messages=len(book.letters),
        drafts=sum("Drafts" in letter.labels for letter in book.letters),
        components=sum(meeting.components for meeting in book.meetings),
        cards=len(with_card),
        counts=counts,
        statuses=_statuses(book, counts),
        expected_open=tuple(outcomes.expected),
        allowed_open=(*outcomes.allowed, *_dormant(book, outcomes)),
        forbidden_open=tuple(outcomes.forbidden),
        words=tuple(outcomes.words),
    )


def _dormant(book: Archive, outcomes: Outcomes) -> tuple[Outcome, ...]:
    """Ties that may be found asleep: nobody has written for four months."""
    limit = book.now - timedelta(days=120)
    told = {one.identity for one in (*outcomes.expected, *outcomes.allowed) if one.rule == "reconnect"}
    return tuple(
        Outcome("reconnect", address, "silent for four months")
        for address, at in sorted(book.last_words().items())
        if at < limit and address not in told
    )


def _statuses(book: Archive, counts: dict[str, Counts]) -> dict[str, Status]:
    """The status of everybody for whom the definitions leave no doubt."""
    statuses: dict[str, Status] = dict.fromkeys(sorted(book.machines), "automated")
    wrote, written_to = book.wrote(), book.written_to()
    for who in EVERYBODY:
        if not who.address:
            statuses[who.identity] = "person"
            continue
        seen = counts.get(who.address, Counts())
        is_known = who.has_card or who.shows_email or seen.meetings or seen.audiences
        if is_known or (who.address in wrote and who.address in written_to):
            statuses[who.address] = "person"
        elif who.address in wrote:
            statuses[who.address] = "waiting"
    return statuses


def _connected_on(book: Archive, who: Figure) -> date:
    """The day of the tie: told by the stories where they need one, else spread over the years before."""
    if who.key in _RECENT:
        return book.today - timedelta(days=_RECENT[who.key])
    if who.key in _AT_CONFERENCE:
        return book.last(stories.WED, 19) + timedelta(days=1 + _AT_CONFERENCE.index(who.key) % 2)
    place = [figure.key for figure in EVERYBODY].index(who.key)
    if who.key == "amelie":
        return book.today - timedelta(days=250)
    return book.today - timedelta(days=430 + (place * 619) % 2900)


def _ties(book: Archive, exported: date, is_new: bool) -> list[Tie]:
    ties = []
    for who in EVERYBODY:
        connected = _connected_on(book, who) if who.linkedin else exported
        if not who.linkedin or connected >= exported or (is_new and who.key == _LEFT):
            continue
        if who in CONFERENCE and who.key not in _AT_CONFERENCE:
            continue
        company, title = (_MOVED if is_new else _BEFORE).get(who.key, (who.organization, who.title))
        email = who.address if who.shows_email else ""
        ties.append(Tie(who.name, who.profile, email, company, title, connected))
    ties.append(Tie("", "", "", "", "", book.today - timedelta(days=900)))
    ties.append(Tie("", "", "", "", "", book.today - timedelta(days=1300)))
    return ties


def _export(folder: Path, book: Archive, days: int) -> Path:
    exported = book.today - timedelta(days=days)
    is_new = days == _NEW_EXPORT_DAYS
    notes = [note for note in book.notes if note.at.date() < exported]
    files = {
        "Connections.csv": connections(_ties(book, exported, is_new)),
        "messages.csv": messages(notes),
        "Invitations.csv": invitations(one for one in book.invitations if one.at.date() < exported),
        "Profile.csv": table(
            ("First Name", "Last Name", "Maiden Name", "Address", "Birth Date", "Headline", "Summary", "Industry", "Zip Code", "Geo Location", "Twitter Handles", "Websites", "Instant Messengers"),
            [("Mara", "Lindholm", "", "", "Mar 3", "Head of Service Design at Lumenworks. Light, nights, and the people in them.", "", "Design Services", "", "Berlin, Germany", "", "[PORTFOLIO:https://lindholm.example]", "")],
        ),
        "Positions.csv": table(
            ("Company Name", "Title", "Description", "Location", "Started On", "Finished On"),
            [
                ("Lumenworks", "Head of Service Design", "", "Berlin", f"Feb {exported.year - 4}", ""),
                ("Kraftverk", "Lead Designer", "Substations, and the people who sit in them.", "Stockholm", f"Aug {exported.year - 8}", f"Jan {exported.year - 4}"),
                ("Studio Pivot", "Designer", "", "Brussels", str(exported.year - 11), str(exported.year - 8)),
            ],
        ),
        "Email Addresses.csv": table(
            ("Email Address", "Confirmed", "Primary", "Updated On"),
            [(HOME, "Yes", "Yes", "Not Available"), (WORK, "Yes", "No", "Not Available")],
        ),
    }  # fmt: skip
    if is_new:
        files["Recommendations_Received.csv"] = recommendations(book.praise_received)
        files["Recommendations_Given.csv"] = recommendations(book.praise_given)
        files["Endorsement_Received_Info.csv"] = endorsements(book.skills)
        files["Skills.csv"] = table(("Name",), [("Service Design",), ("User Research",), ("Facilitation",)])
        bjorn = BY_KEY["bjorn"]
        day = english_day(book.today - timedelta(days=600))
        files["Notes.csv"] = table(
            (
                "Connection First Name",
                "Connection Last Name",
                "Connection Profile URL",
                "Note",
                "Created On",
                "Edited On",
            ),
            [("Björn", "Lindqvist", bjorn.profile, "Ask him about the boats.", day, day)],
        )
        files["LearningCoachMessages.csv"] = "No conversations found\n"
    kind = "Complete" if is_new else "Basic"
    path = folder / f"{kind}_LinkedInDataExport_{exported:%m-%d-%Y}.zip"
    write_zip(path, files, exported)
    return path


__all__ = ["SampleReport", "write_sample"]
