"""Composes the digest from an owner's state and the follow-ups chosen for the week; a pure function of both.

It chooses no follow-up, reads no clock and draws no link: the engine, the caller and `render` do.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from msgspec import Struct, field

from schemas.errors import UsageError
from schemas.interface import Digest, DigestItem, DigestSection, Followup
from services.digest import words
from services.digest.words import NAME_LENGTH, clean
from services.history.parts import SMALL_MEETING
from services.state import OWNER, MeetingView, PersonView, Said, State
from services.subjects import bare
from services.vocabulary import MONTHS, WEEKDAYS, upper_first

TITLES: Mapping[str, str] = {
    "waiting_for_you": "Waiting for you",
    "you_promised": "You promised",
    "you_wait_for": "You wait for",
    "thanks": "Thanks you owe",
    "this_week": "This week",
    "people_met": "People you met",
    "reconnect": "Reconnect",
    "moved_jobs": "Moved jobs",
    "keep_in_touch": "Keep in touch",
    "new_connections": "New connections",
    "one_to_ones": "Your manager and reports",
    "favours": "Your turn to help",
    "goals": "Your goals",
    "board": "Your board",
}
"""Every section in the order of the page, most useful first."""

SECTION_OF_RULE: Mapping[str, str] = {
    "awaiting_me": "waiting_for_you",
    "promise": "you_promised",
    "awaiting_them": "you_wait_for",
    "thanks": "thanks",
    "meeting": "people_met",
    "conference": "people_met",
    "reconnect": "reconnect",
    "congratulate": "moved_jobs",
    "keep_in_touch": "keep_in_touch",
    "new_connection": "new_connections",
    "manager": "one_to_ones",
    "favour": "favours",
    "goal_step": "goals",
}

_WEEK = timedelta(days=7)
_LINES = 12
_MOVES_SHOWN_FOR = timedelta(days=14)


class Numbers(Struct, frozen=True, kw_only=True):
    """What the store counts and the state does not hold.

    `suggested` and `acted` are of the thirty days before the week (see `acted_on`); `mails` and `meetings` are
    what was read in the seven days before it.
    """

    suggested: int = 0
    acted: int = 0
    mails: int = 0
    meetings: int = 0


class SourceNote(Struct, frozen=True, kw_only=True):
    """How one account does: `trouble` is a whole sentence for the owner, empty when it is in sync."""

    name: str
    trouble: str = ""


class _Week(Struct, frozen=True, kw_only=True):
    """Everything the sections are written from, looked up once."""

    state: State
    today: date
    start: date
    end: date
    past_from: datetime
    past_to: datetime
    """The week behind, as instants: from its Monday's midnight to the present or the next one's."""
    followups: tuple[Followup, ...]
    said: Mapping[str, Said]
    of_person: Mapping[str, tuple[Followup, ...]] = field(default_factory=dict)

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self.state.zone).date()

    def person(self, person: str | None) -> PersonView | None:
        return self.state.people.get(person) if person else None

    @property
    def is_over(self) -> bool:
        """Whether it is a week gone by that is looked back at."""
        return self.end < self.today

    def is_past_week(self, instant: datetime) -> bool:
        return self.past_from <= instant < self.past_to


def build(
    state: State,
    followups: Sequence[Followup],
    week: str,
    numbers: Numbers | None = None,
    sources: Sequence[SourceNote] = (),
    extra: Sequence[DigestSection] = (),
) -> Digest:
    """The digest of an ISO week such as `2026-W48`, from the follow-ups given and no others.

    Sections come in the order of `TITLES`, empty ones are left out; `extra` sections (goals, the board) take the
    place of their key. The balance in `numbers` is of the seven days before the week. Equal arguments give
    equal digests.

    Raises:
        UsageError: `week` is not an ISO week.
    """
    start = monday_of(week)
    now = _week_of(state, followups, start)
    writers: Mapping[str, Callable[[_Week], Iterable[DigestItem]]] = {
        "this_week": _meetings_ahead,
        "people_met": _people_met,
        "moved_jobs": _moved,
    }
    added = {section.key: section for section in extra}
    sections: list[DigestSection] = []
    for key, title in TITLES.items():
        items = [
            _item(followup, now) for followup in now.followups if SECTION_OF_RULE.get(followup.rule) == key
        ]
        if key in writers:
            items += writers[key](now)
        if key in added:
            items += added[key].items
            title = added[key].title or title  # noqa: PLW2901  # a goal names itself in its section's title
        if items:
            sections.append(DigestSection(key=key, title=title, items=items))
    return Digest(
        week=week,
        from_=start,
        to=now.end,
        owner=clean(state.owner_name, NAME_LENGTH),
        sections=sections,
        numbers=_balance(now, numbers or Numbers(), sources),
        subject=_subject(sections, now),
        greeting=_greeting(now),
    )


def monday_of(week: str) -> date:
    """The first day of an ISO 8601 week written `YYYY-Www`.

    Raises:
        UsageError: it is not one.
    """
    year, dash, number = week.partition("-W")
    if (
        dash
        and len(year) == 4
        and len(number) == 2
        and (year + number).isascii()
        and (year + number).isdigit()
    ):
        try:
            return date.fromisocalendar(int(year), int(number), 1)
        except ValueError:
            pass
    raise UsageError(f"{clean(week, 40)!r} is not a week. Write it like 2026-W47.")


def acted_on(followups: Iterable[Followup], before: date) -> tuple[int, int]:
    """How many follow-ups were surfaced in the thirty days before a day, and how many of them were acted on.

    Acted on means done by the owner's word or satisfied by what happened.
    """
    shown = [
        followup
        for followup in followups
        if followup.surfaced_at and timedelta(0) < before - followup.surfaced_at.date() <= timedelta(days=30)
    ]
    return len(shown), sum(followup.state in {"done", "satisfied"} for followup in shown)


def _week_of(state: State, followups: Sequence[Followup], start: date) -> _Week:
    said: dict[str, Said] = {}
    for messages in (*state.threads.values(), *state.direct.values()):
        for message in messages:
            said[message.id] = message
    of_person: dict[str, tuple[Followup, ...]] = {}
    for followup in followups:
        if followup.person:
            of_person[followup.person] = (*of_person.get(followup.person, ()), followup)
    return _Week(
        state=state,
        today=state.now.astimezone(state.zone).date(),
        start=start,
        end=start + timedelta(days=6),
        past_from=datetime.combine(start - _WEEK, time(), state.zone),
        past_to=min(datetime.combine(start, time(), state.zone), state.now),
        followups=tuple(followups),
        said=said,
        of_person=of_person,
    )


# Follow-ups


def _item(followup: Followup, now: _Week) -> DigestItem:
    person = now.person(followup.person)
    text, why = _phrase(followup, person, now)
    return DigestItem(
        person=followup.person,
        text=text,
        why=_with_export_age(why, followup, person, now),
        followup=followup.id,
        name=_name(person) if person else None,
        about=_about(person) if person else None,
        evidence=list(followup.evidence),
    )


def _phrase(followup: Followup, person: PersonView | None, now: _Week) -> tuple[str, str]:
    """The line and its reason: the fact with its quotation where the message is at hand, else the rule's words."""
    message = next((now.said[key] for key in followup.evidence if key in now.said), None)
    if person and message:
        name = _name(person)
        day = words.on_day(now.day(message.at), now.today)
        quoted = _clause(
            message, {"awaiting_me": "ask", "promise": "promise"}.get(followup.rule, ""), followup.due
        )
        topic = _quotable(bare(message.subject), 100)
        if followup.rule == "awaiting_me" and message.author == person.id:
            asked = f'{name} asked {day}: "{quoted}"' if quoted else f'{name} wrote {day}: "{topic}"'
            if quoted or topic:
                return asked, _asked_whom(message, followup, now)
        if followup.rule == "promise" and message.author == OWNER and quoted:
            by = f", {_due('', followup.due, now)}" if followup.due else ""
            where = f', in "{topic}"' if topic else ""
            return f'{name}{by}: "{quoted}"', f"you wrote it {day}{where}"
        if followup.rule == "awaiting_them" and message.author == OWNER and topic:
            since = words.day_words(now.day(message.at), now.today)
            return f'{name}: "{topic}", since {since}', clean(followup.why)
    return clean(followup.title), clean(followup.why)


def _quotable(text: str, limit: int) -> str:
    """The text without quotation marks that would end ours."""
    return clean(text, limit).replace('"', "'")


def _clause(message: Said, kind: str, due: date | None = None) -> str:
    """The clause of the first signal of a kind, one with the due day before others; or nothing."""
    for signal in sorted(message.signals, key=lambda signal: signal.due != due):
        if signal.kind == kind and signal.text.strip():
            return _quotable(signal.text, 200)
    return ""


def _asked_whom(message: Said, followup: Followup, now: _Week) -> str:
    others = len({*message.to, *message.cc} - {OWNER, followup.person})
    if message.kind == "linkedin_message":
        start = "on LinkedIn, no answer yet"
    elif others == 0:
        start = "asked you alone, no answer yet"
    else:
        start = f"asked you and {number_of_others(others)}, no answer yet"
    topic = _quotable(bare(message.subject), 100)
    again = [now.said[key] for key in followup.evidence if key in now.said and key != message.id]
    due = f"; asked again {words.on_day(now.day(again[-1].at), now.today)}" if again else ""
    if followup.due:
        due += f"; {_due('wanted', followup.due, now)}"
    return f'{start}, in "{topic}"{due}' if topic else f"{start}{due}"


def _due(verb: str, due: date, now: _Week) -> str:
    """`by Friday` for a day to come; a day gone by says so, for Friday alone could be either."""
    if due < now.today:
        return f"{verb or 'due'} {words.on_day(due, now.today)}, now past"
    return f"{verb} by {words.day_words(due, now.today)}".strip()


def _with_export_age(why: str, followup: Followup, person: PersonView | None, now: _Week) -> str:
    """The reason, with the date and age of the export wherever the line rests on one."""
    rests_on_export = followup.rule in {"new_connection", "congratulate"} or (
        followup.rule == "reconnect" and person is not None and person.moved_on is not None
    )
    if not rests_on_export or "LinkedIn export of" in why:
        return why
    day = (person.linkedin_seen_on if person else None) or now.state.export_on
    return f"{why} {words.export_words(day, now.today)}".strip() if day else why


# This week


def _meetings_ahead(now: _Week) -> Iterable[DigestItem]:
    """What is still to come in the week with somebody in it; a series once, at its next occurrence."""
    ahead: list[tuple[MeetingView, int]] = []
    of_series: dict[str, int] = {}
    for meeting in now.state.meetings:
        is_ahead = meeting.at >= now.state.now or (meeting.is_all_day and now.day(meeting.at) >= now.today)
        if not (is_ahead and now.start <= now.day(meeting.at) <= now.end and _stands(meeting)):
            continue
        if meeting.series and meeting.series in of_series:
            place = of_series[meeting.series]
            ahead[place] = (ahead[place][0], ahead[place][1] + 1)
            continue
        of_series[meeting.series] = len(ahead)
        ahead.append((meeting, 0))
    for meeting, again in ahead[:_LINES]:
        yield _meeting_line(meeting, again, now)
    if len(ahead) > _LINES:
        rest = len(ahead) - _LINES
        yield DigestItem(
            person=None,
            text=f"And {words.counted(rest, 'more meeting')}",
            why="in your calendar",
            followup=None,
        )


def _stands(meeting: MeetingView) -> bool:
    """Whether a meeting takes place with people one can speak to: not cancelled, declined, alone or an audience."""
    return (
        not meeting.is_cancelled
        and meeting.owner_partstat != "declined"
        and meeting.group_size <= SMALL_MEETING
        and bool(_present(meeting))
    )


def _present(meeting: MeetingView) -> list[str]:
    return [person for person in meeting.people if person not in meeting.declined and person != OWNER]


def _meeting_line(meeting: MeetingView, again: int, now: _Week) -> DigestItem:
    at = meeting.at.astimezone(now.state.zone)
    weekday = WEEKDAYS[at.weekday()][:3]
    when = f"{weekday}, all day" if meeting.is_all_day else f"{weekday} {at:%H:%M}"
    people = [person for key in _present(meeting) if (person := now.state.people.get(key))]
    people.sort(key=lambda person: (-person.strength, person.name, person.id))
    summary = _quotable(meeting.summary, 80)
    if len(people) == 1:
        name = _name(people[0])
        about = "1:1" if meeting.series and meeting.group_size == 2 else ""
        if summary and summary.casefold() not in {name.casefold(), about}:
            about = summary
        rest = f"{name}: {about}" if about else name
        history = _history(people[0], meeting, now)
    else:
        name = ""
        firsts = [_first(person) if len(people) > 1 else _name(person) for person in people]
        with_whom = words.listed(firsts) or words.counted(meeting.group_size - 1, "person", "people")
        rest = f"{summary}, with {with_whom}" if summary else upper_first(with_whom)
        history = _history_of_many(people, meeting, now)
    if again:
        rest += f" (and {words.counted(again, 'more time')} this week)"
    return DigestItem(
        person=people[0].id if people else None,
        text=f"{when}  {rest}",
        why=history,
        followup=None,
        name=name or None,
        about=_about(people[0]) if len(people) == 1 else None,
        when=when,
        evidence=[meeting.id],
    )


def _history(person: PersonView, meeting: MeetingView, now: _Week) -> str:
    """What a glance before the door should hold: how you know them, when you last spoke, what is owed."""
    parts = [_last_met(person, meeting, now)]
    if person.met_through and (through := now.state.people.get(person.met_through)):
        parts.append(f"introduced by {_name(through)}")
    parts += _owed(person, now)
    return "; ".join(part for part in parts if part)


def _last_met(person: PersonView, meeting: MeetingView, now: _Week) -> str:
    last = None
    for past in now.state.meetings:
        is_over = past.ends_at <= now.state.now and past.at < meeting.at
        if is_over and _stands(past) and person.id in _present(past):
            last = past
    if last:
        return f"last met {words.on_day(now.day(last.at), now.today)}"
    mails = person.counts.sent + person.counts.received
    if person.counts.meetings == 0:
        if not person.last_at:
            return "first time; nothing written before"
        exchanged = f" after {words.counted(mails, 'mail')}" if mails else ""
        return f"first meeting{exchanged}"
    if person.last_at:
        return f"last in contact {words.on_day(now.day(person.last_at), now.today)}"
    return "met before"


def _owed(person: PersonView, now: _Week) -> Iterable[str]:
    for followup in now.of_person.get(person.id, ()):
        message = next((now.said[key] for key in followup.evidence if key in now.said), None)
        quoted = _clause(message, "promise") if message and followup.rule == "promise" else ""
        if followup.rule == "awaiting_me":
            yield f"{_first(person)} waits for your answer"
        elif followup.rule == "promise":
            yield f'you promised: "{words.cut(quoted, 90)}"' if quoted else "you owe what you promised"
        elif followup.rule == "awaiting_them":
            yield f"you wait for an answer from {_first(person)}"
        elif followup.rule == "thanks":
            yield f"you owe {_first(person)} thanks"


def _history_of_many(people: Sequence[PersonView], meeting: MeetingView, now: _Week) -> str:
    """Who is new in the room; where nobody is, whom of them you met last; and what is owed, twice at most."""
    new = [_name(person) for person in people if not person.counts.meetings]
    parts = [f"first time with {words.listed(new)}"] if new else _last_met_of(people, meeting, now)
    parts += [part for person in people for part in _owed(person, now)][:2]
    return "; ".join(parts) or "in your calendar"


def _last_met_of(people: Sequence[PersonView], meeting: MeetingView, now: _Week) -> list[str]:
    for past in reversed(now.state.meetings):
        if past.ends_at <= now.state.now and past.at < meeting.at and _stands(past):
            met = [_first(person) for person in people if person.id in _present(past)]
            if met:
                whom = "them all" if len(met) == len(people) > 1 else words.listed(met)
                return [f"last met {whom} {words.on_day(now.day(past.at), now.today)}"]
    return []


# What happened


def _people_met(now: _Week) -> Iterable[DigestItem]:
    """People met for the first time in the week behind, other than those a follow-up already names."""
    asked = {
        key
        for followup in now.followups
        if followup.rule in {"meeting", "conference"}
        for key in (followup.person, *followup.people)
    }
    of_week: dict[str, list[MeetingView]] = {}
    for meeting in now.state.meetings:
        if now.is_past_week(meeting.ends_at) and _stands(meeting):
            for key in _present(meeting):
                of_week.setdefault(key, []).append(meeting)
    met = [
        (person, held[0])
        for key, held in of_week.items()
        if key not in asked
        and (person := now.state.people.get(key))
        and person.status == "person"
        and person.counts.meetings <= len(held)
    ]
    met.sort(key=lambda pair: (pair[1].at, pair[0].name, pair[0].id))
    for person, meeting in met[:_LINES]:
        name = _name(person)
        summary = _quotable(meeting.summary, 80)
        where = f', in "{summary}"' if summary else ""
        mails = person.counts.sent + person.counts.received
        known = f"first meeting, after {words.counted(mails, 'mail')}" if mails else "first meeting"
        yield DigestItem(
            person=person.id,
            text=f"{name}, {words.on_day(now.day(meeting.at), now.today)}{where}",
            why=known,
            followup=None,
            name=name,
            about=_about(person),
            evidence=[meeting.id],
        )
    yield from _rest(len(met) - _LINES, "from the same meetings")


def _moved(now: _Week) -> Iterable[DigestItem]:
    """Job changes that the newest exports brought by then, other than those a follow-up already names."""
    told_on = min(now.today, now.end)
    asked = {followup.person for followup in now.followups if followup.rule == "congratulate"}
    moved = sorted(
        (
            (person, person.moved_on)
            for person in now.state.people.values()
            if person.moved_on
            and person.organization
            and person.id not in asked
            and not person.is_muted
            and timedelta(0) <= told_on - person.moved_on <= _MOVES_SHOWN_FOR
        ),
        key=lambda pair: (-pair[0].strength, pair[0].name, pair[0].id),
    )
    for person, moved_on in moved[:_LINES]:
        name = _name(person)
        left = f", from {clean(person.moved_from, NAME_LENGTH)}" if person.moved_from else ""
        yield DigestItem(
            person=person.id,
            text=f"{name}, now at {clean(person.organization or '', NAME_LENGTH)}{left}",
            why=words.export_words(moved_on, now.today),
            followup=None,
            name=name,
        )
    yield from _rest(len(moved) - _LINES, "from the same export")


def _rest(number: int, why: str) -> Iterable[DigestItem]:
    if number > 0:
        yield DigestItem(person=None, text=f"And {number_of_others(number)}", why=why, followup=None)


def number_of_others(number: int) -> str:
    """`one other`, `five others`."""
    return f"{words.number_word(number)} {'other' if number == 1 else 'others'}"


# Numbers, subject, greeting


def _balance(now: _Week, numbers: Numbers, sources: Sequence[SourceNote]) -> dict[str, Any]:
    """The week behind in counts: whom there was contact with, meetings held, answers given."""
    people: set[str] = set()
    answers = 0
    met = [
        meeting for meeting in now.state.meetings if now.is_past_week(meeting.ends_at) and _stands(meeting)
    ]
    for meeting in met:
        people.update(_present(meeting))
    # Only what was alive in the week is put in order: an owner's state may hold a hundred thousand messages.
    alive = {message.thread or message.id for message in now.said.values() if now.is_past_week(message.at)}
    conversations: dict[str, list[Said]] = {}
    for message in now.said.values():
        if (thread := message.thread or message.id) in alive:
            conversations.setdefault(thread, []).append(message)
    for messages in conversations.values():
        messages.sort(key=lambda message: (message.at, message.id))
        before = ""
        for message in messages:
            if now.is_past_week(message.at) and message.kind in {"email", "linkedin_message"}:
                if message.author == OWNER:
                    people.update(message.to)
                    answers += before not in {"", OWNER}
                elif message.owner_part == "to":
                    people.add(message.author)
            before = message.author
    known = {key for key in people if key in now.state.people and key != OWNER}
    return {
        "from": (now.start - _WEEK).isoformat(),
        "to": (now.start - timedelta(days=1)).isoformat(),
        "people": len(known),
        "meetings": len(met),
        "answers": answers,
        "suggested": numbers.suggested,
        "acted": numbers.acted,
        "mails_read": numbers.mails,
        "meetings_read": numbers.meetings,
        "sources": len(sources),
        "troubles": [clean(source.trouble) for source in sources if source.trouble],
    }


def _subject(sections: Sequence[DigestSection], now: _Week) -> str:
    """Names the first thing: who waits, else what was promised, and the first meeting."""
    parts: list[str] = []
    for section in sections:
        if section.key == "this_week":
            parts += _subject_meeting(section.items, now)
        elif not parts and any(item.followup for item in section.items):
            parts.append(_subject_first(section, now))
        if len(parts) == 2:
            break
    if not parts and sections:
        parts.append(_subject_first(sections[0], now))
    quiet = words.LOOKED_BACK if now.is_over else words.QUIET
    return upper_first("; ".join(parts)) if parts else quiet


def _subject_first(section: DigestSection, now: _Week) -> str:
    items = section.items
    person = now.person(items[0].person)
    name = _first(person) if person else ""
    people = {item.person for item in items if item.followup}
    others = len(people) - 1
    if section.key == "waiting_for_you" and name:
        if others < 1:
            return f"{name} waits for you"
        return f"{name} and {number_of_others(others)} wait for you"
    lead = {
        "you_promised": "you promised {name} something",
        "you_wait_for": "you wait for {name}",
        "thanks": "thanks to {name}",
        "people_met": "you met {name}",
        "reconnect": "{name} again",
        "moved_jobs": "{name} moved",
        "keep_in_touch": "time for {name}",
        "new_connections": "hello to {name}",
        "one_to_ones": "1:1 with {name}",
        "favours": "a hand for {name}",
    }.get(section.key)
    if lead and name:
        return lead.format(name=name)
    return clean(items[0].text, 60).rstrip(".")


def _subject_meeting(items: Sequence[DigestItem], now: _Week) -> Iterable[str]:
    """The first meeting with one person alone, for that is the one to prepare; else the first of all."""
    item = next((item for item in items if item.name), items[0])
    person = now.person(item.person)
    day = next((name for name in WEEKDAYS if (item.when or "").startswith(name[:3])), "")
    if day and item.name and person:
        yield f"{day} with {_first(person)}"
    elif day and item.when:
        topic, _, _ = item.text.removeprefix(item.when).strip().partition(", with ")
        yield f"{day}: {clean(topic, 50)}"


def _greeting(now: _Week) -> str:
    hour = now.state.now.astimezone(now.state.zone).hour
    part = "morning" if hour < 12 else "afternoon" if hour < 18 else "evening"
    first = clean(now.state.owner_name, NAME_LENGTH).split(" ", maxsplit=1)[0]
    owner = f", {first}" if first else ""
    if now.is_over:
        monday = f"{now.start.day} {MONTHS[now.start.month - 1]} {now.start.year}"
        return f"Looking back{owner}. The week of {monday}"
    return f"Good {part}{owner}. {words.full_date(now.today)}"


# People


def _name(person: PersonView) -> str:
    return clean(person.name, NAME_LENGTH) or clean((*person.emails, "Somebody")[0], NAME_LENGTH)


def _first(person: PersonView) -> str:
    return clean(person.first_name, 30) or _name(person)


def _about(person: PersonView) -> str | None:
    parts = (clean(person.title or "", 50), clean(person.organization or "", 50))
    return ", ".join(part for part in parts if part) or None
