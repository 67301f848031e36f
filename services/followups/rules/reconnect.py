"""F7: a tie that was strong has been silent for long by its own measure.

Strong: contact in several months, some of them busy, from both sides. Long: half a year, and six times the usual
gap between contacts. A silence is a state, not an event: it is raised at the instant it became long, however long
ago, and stands until there is contact. So that an old address book does not become a list of chores, only the best
ten are raised at a time; one that the owner has seen stays listed whatever its place. Bridges come first: people
outside the owner's organisation where the owner knows nobody else.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from services.followups import words
from services.followups.facts import Contact, Facts
from services.followups.reason import Reason, identity
from services.followups.rules.keep_in_touch import ended_by, rhythm
from services.state import PersonView
from services.vocabulary import upper_first

AT_A_TIME = 10
MONTHS_AT_LEAST = 4
CONTACTS_AT_LEAST = 12
BUSY_MONTH = 3
SILENT_AT_LEAST = timedelta(days=180)
GAPS = 6
_MONTH_DAYS = 30.44


def reasons(facts: Facts) -> Iterator[Reason]:
    """The best of the silences that stand, and those the owner has seen."""
    known = neighbours(facts.people)
    found: list[tuple[tuple[float, ...], str, Reason]] = []
    for person, view in facts.people.items():
        if facts.real(person) is None or not is_tie(view):
            continue
        for reason in _silences(facts, view):
            if facts.has_seen("reconnect", reason.key):
                yield reason
            elif (
                reason.closure is None
                and not view.is_muted
                and person not in facts.booked
                and not rhythm(view)
            ):
                found.append((rank(view, known), reason.id, reason))
    for _, _, reason in sorted(found, key=lambda one: one[:2])[:AT_A_TIME]:
        yield reason


def is_tie(view: PersonView) -> bool:
    """Whether the tie was once strong: months, contacts, a busy month, and both sides heard."""
    counts, months = view.counts, [count for count in view.months.values() if count > 0]
    is_mutual = counts.meetings > 0 or (
        counts.sent + counts.linkedin_sent > 0 and counts.received + counts.linkedin_received > 0
    )
    return (
        is_mutual
        and len(months) >= MONTHS_AT_LEAST
        and sum(months) >= CONTACTS_AT_LEAST
        and max(months) >= BUSY_MONTH
    )


def usual_gap(months: Mapping[int, int]) -> timedelta:
    """The median time between contacts, each active month giving its own: to the next one, by its contacts."""
    active = sorted(month for month, count in months.items() if count > 0)
    gaps = [(later - month) * _MONTH_DAYS / months[month] for month, later in pairwise(active)]
    return timedelta(days=median(gaps)) if gaps else timedelta(days=_MONTH_DAYS)


def neighbours(people: Mapping[str, PersonView]) -> Counter[str]:
    """How many people the owner knows in each organisation."""
    return Counter(
        view.organization.casefold()
        for view in people.values()
        if view.organization and view.status == "person"
    )


def rank(view: PersonView, known: Mapping[str, int]) -> tuple[float, ...]:
    """Sorts the most useful first: bridges, then those who moved, then by how much there was between the two."""
    others = known.get(view.organization.casefold(), 1) if view.organization else 2
    is_bridge = not view.is_inside and others <= 1
    return (view.is_inside, not is_bridge, view.moved_on is None, -sum(view.months.values()))


def _silences(facts: Facts, view: PersonView) -> Iterator[Reason]:
    """The present silence, and those within the horizon that a contact has ended."""
    enough = max(SILENT_AT_LEAST, GAPS * usual_gap(view.months))
    contacts = facts.contacts(view.id)
    if (
        view.last_at is not None
        and view.last_at <= facts.now
        and (not contacts or view.last_at > contacts[-1].at)
    ):
        contacts.append(Contact(view.last_at, view.last_at, "", ""))
    for at, last in enumerate(contacts):
        following = contacts[at + 1] if at + 1 < len(contacts) else None
        raised_at = last.over_at + enough
        if raised_at <= facts.now and (following is None or following.at > raised_at):
            yield _reason(facts, view, last, following, raised_at)


def _reason(
    facts: Facts, view: PersonView, last: Contact, following: Contact | None, raised_at: datetime
) -> Reason:
    name = facts.name(view.id)
    # A contact older than the horizon has no interaction here: its instant and the person's identity stand for it,
    # the same before and after the contact itself leaves the horizon.
    key = (identity(view), last.at.isoformat())
    closure = ended_by(facts, view, following) if following is not None else None
    return Reason(
        rule="reconnect",
        key=key,
        person=view.id,
        people=(view.id,),
        title=f"Write to {name} again?",
        why=_why(facts, view, last),
        evidence=(last.id,) if last.id else (),
        raised_at=raised_at,
        closure=closure,
        is_standing=True,
    )


def _why(facts: Facts, view: PersonView, last: Contact) -> str:
    counts = view.counts
    mails = counts.sent + counts.received
    linkedin = counts.linkedin_sent + counts.linkedin_received
    parts = [
        words.counted(count, noun)
        for count, noun in ((mails, "mail"), (counts.meetings, "meeting"), (linkedin, "LinkedIn message"))
        if count
    ]
    began = min(month for month, count in view.months.items() if count > 0) // 12
    ended = facts.day(last.at).year
    years = f"in {ended}" if began == ended else f"{began}-{ended}"
    much = f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)
    said = f"{upper_first(much)} {years}; silent since {words.month(facts.day(last.at), facts.today)}."
    if view.moved_on is not None and view.organization:
        moved = words.month(view.moved_on, facts.today)
        said += f" Now at {words.one_line(view.organization, 60)} (LinkedIn export of {moved})."
    return said
