"""The owner's state laid out for the rules: in order of time, by person, and nothing of the future but what is booked.

Whatever order facts come in, what stands here is equal. Nothing here decides what a follow-up is.
"""

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct

from schemas.records import Signal, SignalKind
from services.followups import words
from services.followups.days import day_in, zone_named
from services.followups.reason import Closure, followup_id
from services.state import OWNER, MeetingView, PersonView, Said, State

MEETING_AT_MOST = 12
"""Larger meetings are audiences (docs/interface.md)."""
TALK_AT_MOST = 6
"""In a meeting of this size with the owner, a question between two of them has had its chance."""
MESSAGES = frozenset({"email", "linkedin_message"})


class Contact(Struct, frozen=True):
    """One real contact between the owner and a person; `at` is a meeting's start, `over_at` its end.

    `word` names it as the last one, `how` as the one that ended a silence.
    """

    at: datetime
    over_at: datetime
    id: str
    word: str
    how: str = ""
    subject: str = ""


class Facts:
    """A state read once: every sequence is oldest first, and nothing later than now is in it but `booked`."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.now = state.now
        self.zone = state.zone
        self.today = day_in(state.now, state.zone)
        self.people = state.people
        # One word is a name that many have; the owner's whole name is most likely an old address of theirs.
        self._own_name = state.owner_name.casefold() if " " in state.owner_name else None
        self.seen = frozenset({act.followup for act in state.acts} | {one.followup for one in state.surfaced})
        self.threads = {
            thread: past for thread, said in sorted(state.threads.items()) if (past := self._past(said))
        }
        self._first_names = Counter(
            view.first_name for view in state.people.values() if view.status == "person" and view.first_name
        )
        self._in_touch_by_name: dict[str, list[str]] = defaultdict(list)
        for key, view in state.people.items():
            if view.last_at is not None and " " in view.name:
                self._in_touch_by_name[view.name.casefold()].append(key)
        sent: dict[str, dict[str, Said]] = defaultdict(dict)
        got: dict[str, dict[str, Said]] = defaultdict(dict)
        other: dict[str, dict[str, Said]] = defaultdict(dict)
        for said in self._everything():
            if said.kind in MESSAGES:
                if not is_human(said):
                    continue
                if said.author == OWNER:
                    for person in (*said.to, *said.cc):
                        sent[person][said.id] = said
                elif said.owner_part != "none":
                    got[said.author][said.id] = said
        for person, history in state.direct.items():
            for said in history:
                if said.kind not in MESSAGES and said.at <= self.now:
                    other[person][said.id] = said
        self.sent = {person: in_order(found.values()) for person, found in sent.items()}
        self.got = {person: in_order(found.values()) for person, found in got.items()}
        self.other = {person: in_order(found.values()) for person, found in other.items()}
        self._sent_on = _by_subject(self.sent)
        self._got_on = _by_subject(self.got)
        self.meetings = sorted(
            (meeting for meeting in state.meetings if is_on(meeting)), key=lambda one: (one.at, one.id)
        )
        self.met: dict[str, list[MeetingView]] = defaultdict(list)
        self.booked: dict[str, MeetingView] = {}
        for meeting in self.meetings:
            if meeting.group_size > MEETING_AT_MOST:
                continue
            for person in attendees(meeting):
                if meeting.ends_at <= self.now:
                    self.met[person].append(meeting)
                elif meeting.at > self.now:
                    self.booked.setdefault(person, meeting)

    def _past(self, said: Iterable[Said]) -> tuple[Said, ...]:
        return in_order({one.id: one for one in said if one.at <= self.now}.values())

    def _everything(self) -> Iterator[Said]:
        for past in self.threads.values():
            yield from past
        for history in self.state.direct.values():
            for said in history:
                if said.at <= self.now:
                    yield said

    # People

    def real(self, person: str) -> PersonView | None:
        """The person, when it is one: neither automated, nor waiting to be known, nor the owner by another address."""
        view = self.people.get(person)
        if view is None or view.status != "person" or view.name.casefold() == self._own_name:
            return None
        return view

    def is_reached(self, person: str) -> bool:
        """Whether it is a person to whom some way is left: not every address of theirs is gone."""
        view = self.real(person)
        return view is not None and not (view.emails and set(view.emails) <= set(view.failed))

    def welcome(self, persons: Iterable[str]) -> tuple[str, ...]:
        """Those of them who are people and not muted, each once, in the order given."""
        return tuple(
            person
            for person in dict.fromkeys(persons)
            if (view := self.real(person)) is not None and not view.is_muted
        )

    def is_human(self, said: Said) -> bool:
        """Whether a human wrote it: a personal message, and not by a sender known to be a machine."""
        if not is_human(said):
            return False
        view = self.people.get(said.author)
        return view is None or view.status != "automated"

    def name(self, person: str) -> str:
        """The full name as the person writes it."""
        if person == OWNER:
            return "you"
        view = self.people.get(person)
        if view is None:
            return "somebody"
        return words.one_line(view.name, 80) or (view.emails[0] if view.emails else "somebody")

    def is_known_by_name(self, person: str) -> bool:
        """Whether somebody else of the same name has been in touch: likely the same human, not yet joined."""
        view = self.people.get(person)
        return view is not None and any(
            other != person for other in self._in_touch_by_name.get(view.name.casefold(), ())
        )

    def short(self, person: str) -> str:
        """The first name where it names one person only, else the full name."""
        view = self.people.get(person)
        if view is not None and view.first_name and self._first_names[view.first_name] == 1:
            return words.one_line(view.first_name, 40) or self.name(person)
        return self.name(person)

    def zone_of(self, person: str) -> ZoneInfo:
        """The person's zone, or the owner's where theirs is not known."""
        view = self.people.get(person)
        return (zone_named(view.timezone) if view is not None else None) or self.zone

    # Days

    def day(self, instant: datetime) -> date:
        """The owner's calendar day of the instant."""
        return day_in(instant, self.zone)

    def when(self, instant: datetime) -> str:
        """The instant's day in the owner's words."""
        return words.day(self.day(instant), self.today)

    def on(self, instant: datetime) -> str:
        """The instant's day in the owner's words with its preposition."""
        return words.on_day(self.day(instant), self.today)

    # What happened

    def sent_elsewhere(self, person: str, asked: Said, since: datetime) -> Said | None:
        """The owner's first message to the person since then in another thread that can be an answer."""
        return _elsewhere(self._sent_on, person, asked, since)

    def got_elsewhere(self, person: str, asked: Said, since: datetime) -> Said | None:
        """The person's first message to the owner since then in another thread that can be an answer."""
        return _elsewhere(self._got_on, person, asked, since)

    def written_to(self, persons: Iterable[str], after: datetime) -> Closure | None:
        """The owner's first message to one of the persons later than the instant, on any channel."""
        found = [
            said for person in persons if (said := first_later(self.sent.get(person, ()), after)) is not None
        ]
        if not found:
            return None
        said = min(found, key=_place)
        reached = [person for person in persons if person in said.to or person in said.cc]
        return Closure(
            at=said.at,
            interaction=said.id,
            how=f"you wrote to {self.short(reached[0])}" if reached else "you wrote",
            subject=said.subject,
        )

    def talked_with(self, persons: Iterable[str], after: datetime, at_most: int) -> Closure | None:
        """The first meeting of at most so many that began after the instant and is over."""
        found = [
            (meeting.ends_at, meeting.id, person, meeting)
            for person in persons
            if (
                meeting := next(
                    (
                        one
                        for one in _began_after(self.met.get(person, ()), after)
                        if one.group_size <= at_most and not one.is_all_day
                    ),
                    None,
                )
            )
            is not None
        ]
        if not found:
            return None
        ended, interaction, person, meeting = min(found, key=lambda one: one[:3])
        return Closure(
            at=ended, interaction=interaction, how=f"you met {self.short(person)}", subject=meeting.summary
        )

    def same_topic(self, person: str, asked: Said, within: timedelta) -> list[Said]:
        """What the two wrote in other threads under the same subject around that time, in no order.

        Who writes again often begins a new message with the old subject, and some clients lose the thread.
        """
        if not (subject := words.same_topic(asked.subject)):
            return []
        return [
            said
            for found in (self._sent_on, self._got_on)
            for said in said_since(found.get((person, subject), ()), asked.at - within)
            if said.thread != asked.thread and said.at <= asked.at + within
        ]

    def contacts(self, person: str) -> list[Contact]:
        """Every real contact known here: messages with either side in To, LinkedIn messages, meetings over."""
        name = self.short(person)
        found = [
            _contact(said, "your", f"you wrote to {name}")
            for said in self.sent.get(person, ())
            if said.kind == "linkedin_message" or person in said.to
        ]
        found += [
            _contact(said, "a", f"{name} wrote")
            for said in self.got.get(person, ())
            if said.kind == "linkedin_message" or said.owner_part == "to"
        ]
        for one in self.met.get(person, ()):
            word = words.quoted(one.summary, 60) if words.one_line(one.summary) else "a meeting"
            found.append(Contact(one.at, one.ends_at, one.id, word, f"you met {name}", one.summary))
        return sorted(found, key=lambda one: (one.at, one.id))

    def has_seen(self, rule: str, key: tuple[str, ...]) -> bool:
        """Whether the owner has seen, or said something of, the follow-up of this rule and key."""
        return followup_id(rule, key) in self.seen  # type: ignore[arg-type]  # rules pass their own literal


def _contact(said: Said, whose: str, how: str) -> Contact:
    word = "LinkedIn message" if said.kind == "linkedin_message" else "mail"
    return Contact(said.at, said.at, said.id, f"{whose} {word}", how, said.subject)


def _place(said: Said) -> tuple[datetime, int, str]:
    return said.at, said.step, said.id


_LINKEDIN = "\x00linkedin"
"""Stands for a subject under which all LinkedIn messages of a person are found: they have none to compare."""


def _by_subject(messages: Mapping[str, Sequence[Said]]) -> dict[tuple[str, str], list[Said]]:
    found: dict[tuple[str, str], list[Said]] = defaultdict(list)
    for person, history in messages.items():
        for said in history:
            if said.kind == "linkedin_message":
                found[person, _LINKEDIN].append(said)
            elif said.subject:
                found[person, words.same_topic(said.subject)].append(said)
    return found


def _elsewhere(
    found: Mapping[tuple[str, str], Sequence[Said]], person: str, asked: Said, since: datetime
) -> Said | None:
    """A LinkedIn message, or a mail of the same subject, at the instant or later and not in the thread itself."""
    keys = [_LINKEDIN]
    if subject := words.same_topic(asked.subject):
        keys.append(subject)
    firsts = [
        first
        for key in keys
        if (
            first := next(
                (
                    one
                    for one in said_since(found.get((person, key), ()), since)
                    if one.thread != asked.thread
                ),
                None,
            )
        )
        is not None
    ]
    return min(firsts, key=_place, default=None)


def _start(meeting: MeetingView) -> datetime:
    return meeting.at


def _instant(said: Said) -> datetime:
    return said.at


def _began_after(meetings: Sequence[MeetingView], after: datetime) -> Sequence[MeetingView]:
    return meetings[bisect_right(meetings, after, key=_start) :]


def in_order(said: Iterable[Said]) -> tuple[Said, ...]:
    """Oldest first, answers of a second after what they answer, else by id: the order of arrival leaves no trace."""
    return tuple(sorted(said, key=_place))


def first_later(said: Sequence[Said], after: datetime) -> Said | None:
    """The first one later than the instant."""
    at = bisect_right(said, after, key=_instant)
    return said[at] if at < len(said) else None


def said_since(said: Sequence[Said], instant: datetime) -> Sequence[Said]:
    """Those at the instant or later."""
    return said[bisect_left(said, instant, key=_instant) :]


def is_human(said: Said) -> bool:
    """Whether it is a personal message that no machine answered with."""
    return said.nature == "personal" and signal(said, "auto_reply") is None


def signal(said: Said, kind: SignalKind) -> Signal | None:
    """The first signal of that kind."""
    return next((one for one in said.signals if one.kind == kind), None)


def is_on(meeting: MeetingView) -> bool:
    """Whether the meeting stands: not cancelled, not declined by the owner."""
    return not meeting.is_cancelled and meeting.owner_partstat != "declined"


def attendees(meeting: MeetingView) -> tuple[str, ...]:
    """Those who come with the owner: asked or asking, without those who declined."""
    every = (*meeting.people, meeting.organizer) if meeting.organizer else meeting.people
    return tuple(
        person for person in dict.fromkeys(every) if person != OWNER and person not in meeting.declined
    )


def others_in_to(said: Said) -> tuple[str, ...]:
    """The people in To without the owner and the author."""
    return tuple(person for person in dict.fromkeys(said.to) if person not in {OWNER, said.author})
