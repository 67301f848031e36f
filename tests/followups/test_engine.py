"""The engine as a whole: a pure function of facts, acts and the instant."""

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.interface import Followup
from schemas.records import Signal
from services.followups import followups, surface
from services.followups.days import day_end, day_start, week_of
from services.state import OWNER, Act, MeetingView, PersonView, Said, State, SurfacedIn
from tests.cost import cpu_seconds
from tests.followups.builders import (
    NOW,
    a_meeting,
    a_message,
    a_person,
    a_promise,
    a_state,
    ago,
    an_ask,
    found,
    thanks,
)

CLOSED = {"done", "satisfied", "dismissed", "expired"}
PEOPLE = [
    a_person("p-ana", roles=("mentor",), cadence_days=14),
    a_person("p-ben", "Ben Cole", connected_on=date(2026, 11, 2), first_at=ago(15)),
    a_person("p-cy", "Cy Young", is_inside=True, cadence_days=10, timezone="Pacific/Auckland"),
    a_person("p-dee", "Dee Wu", first_at=ago(5), moved_on=date(2026, 11, 14), organization="Nordlicht"),
    a_person("p-bot", "Robot", status="automated"),
]
SIGNALS = st.lists(
    st.sampled_from([an_ask(), a_promise(due=date(2026, 11, 27)), a_promise("I'll call"), thanks()]),
    max_size=2,
)


@st.composite
def messages(draw: st.DrawFn) -> list[Said]:
    """Up to forty messages in four threads over eighty days."""
    said = []
    for n in range(draw(st.integers(0, 40))):
        author = draw(st.sampled_from([OWNER, "p-ana", "p-ben", "p-cy", "p-dee", "p-bot"]))
        others = [person for person in ("p-ana", "p-ben", "p-cy", "p-dee") if person != author]
        to = draw(st.lists(st.sampled_from(others), min_size=int(author == OWNER), max_size=2, unique=True))
        kind = draw(st.sampled_from(["email", "email", "email", "linkedin_message"]))
        more = {
            "to": tuple(to),
            "kind": kind,
            "thread": draw(st.sampled_from(["t1", "t2", "t3", "t4"])),
            "nature": draw(st.sampled_from(["personal"] * 8 + ["auto_reply", "list"])),
            "introduces": ("p-dee",),
        }
        said.append(
            a_message(f"i{n}", ago(hours=draw(st.integers(0, 1920))), *draw(SIGNALS), by=author, **more)
        )
    return said


@st.composite
def meetings(draw: st.DrawFn) -> list[MeetingView]:
    """Up to eight meetings, past and booked."""
    return [
        a_meeting(
            f"m{n}",
            ago(hours=draw(st.integers(-300, 1920))),
            *draw(st.lists(st.sampled_from(["p-ana", "p-ben", "p-cy", "p-dee"]), min_size=1, unique=True)),
            is_cancelled=draw(st.booleans()) and draw(st.booleans()),
        )
        for n in range(draw(st.integers(0, 8)))
    ]


def told(state: State) -> bytes:
    return msgspec.json.encode(followups(state))


@settings(max_examples=60, deadline=None)
@given(said=messages(), held=meetings(), order=st.randoms(use_true_random=False))
def test_the_order_of_facts_leaves_no_trace(
    said: list[Said], held: list[MeetingView], order: random.Random
) -> None:
    """People, messages and meetings in any order give the same follow-ups, word for word."""
    expected = told(a_state(PEOPLE, said, held))
    people, said, held = list(PEOPLE), list(said), list(held)
    for facts in (people, said, held):
        order.shuffle(facts)
    assert told(a_state(people, said, held)) == expected


@settings(max_examples=60, deadline=None)
@given(said=messages(), held=meetings(), hours=st.integers(1, 600))
def test_time_never_reopens_what_is_closed(said: list[Said], held: list[MeetingView], hours: int) -> None:
    """The closed stay closed in the same way at every later instant at which they are listed."""
    state = a_state(PEOPLE, said, held, now=ago(25), began_at=ago(30))
    later = msgspec.structs.replace(state, now=state.now + timedelta(hours=hours))
    then = {one.id: one for one in followups(later)}
    for one in followups(state):
        if one.state in CLOSED and one.id in then:
            assert (then[one.id].state, then[one.id].closed_at) == (one.state, one.closed_at)


@settings(max_examples=60, deadline=None)
@given(said=messages(), held=meetings())
def test_evidence_comes_after_the_reason(said: list[Said], held: list[MeetingView]) -> None:
    """Whatever closed it happened at or after its beginning, and neither lies in the future."""
    at = {one.id: one.at for one in said} | {one.id: one.ends_at for one in held}
    ids = set()
    for one in followups(a_state(PEOPLE, said, held)):
        assert one.id not in ids
        ids.add(one.id)
        assert one.created_at <= NOW
        assert (one.closed_at is not None) == (one.state in CLOSED)
        if one.state == "satisfied":
            assert one.closed_by is not None
            assert one.closed_at == at[one.closed_by]
            assert one.created_at <= at[one.closed_by] <= NOW
        assert set(one.evidence) <= at.keys()
        assert "!" not in one.title + one.why


@settings(max_examples=40, deadline=None)
@given(said=messages(), held=meetings(), cap=st.integers(1, 6), steps=st.integers(1, 30))
def test_the_weekly_cap_is_never_exceeded(
    said: list[Said], held: list[MeetingView], cap: int, steps: int
) -> None:
    """However often a week is asked, no more new ones are shown than the cap, and none twice."""
    state = a_state(PEOPLE, said, held, now=ago(20), weekly_cap=cap)
    for _ in range(steps):
        week = week_of(state.now, state.zone)
        chosen = surface(followups(state), state)
        shown = tuple(SurfacedIn(followup=one, at=state.now, week=week) for one in chosen)
        state = msgspec.structs.replace(
            state, surfaced=state.surfaced + shown, now=state.now + timedelta(hours=17)
        )
    names = [one.followup for one in state.surfaced]
    assert len(set(names)) == len(names)
    for week in {one.week for one in state.surfaced}:
        assert sum(one.week == week for one in state.surfaced) <= cap


ASKED = a_message("i1", ago(6), an_ask())
ANA = a_person()


def asked(*acts: Act, said: tuple[Said, ...] = (), **more: Any) -> Followup:
    (one,) = found(a_state([ANA], [ASKED, *said], acts=acts, **more), "awaiting_me")
    return one


ID = found(a_state([ANA], [ASKED]), "awaiting_me")[0].id


def act(kind: str, days: float = 3, until: date | None = None, followup: str = ID) -> Act:
    return Act(followup=followup, at=ago(days), kind=kind, until=until)


def test_the_owner_closes_by_word() -> None:
    """Done and dismissed at the owner's instant, by the owner."""
    assert (asked(act("done")).state, asked(act("done")).closed_by) == ("done", "owner")
    assert (asked(act("dismiss")).state, asked(act("dismiss")).closed_at) == ("dismissed", ago(3))
    assert asked(act("done", days=-1)).state == "open"


def test_what_happened_first_closes() -> None:
    """An answer before the owner's tick satisfies, even when it is imported after; a dismissal is lasting."""
    answer = a_message("i2", ago(5), by=OWNER)
    late = a_message("i2", ago(1), by=OWNER)
    assert asked(act("done"), said=(answer,)).closed_by == "i2"
    assert asked(act("done"), said=(late,)).state == "done"
    assert asked(act("dismiss"), said=(answer,)).state == "dismissed"
    assert asked(act("dismiss"), said=(late,)).state == "dismissed"


def test_a_snooze_lasts_until_its_day_in_the_owners_zone() -> None:
    """Snoozed until the day begins where the owner is; open from then on; evidence closes it meanwhile."""
    until = date(2026, 11, 24)
    snoozed = asked(act("snooze", until=until))
    assert (snoozed.state, snoozed.until) == ("snoozed", until)
    for zone, hours in (("Pacific/Tongatapu", 3.5), ("Pacific/Pago_Pago", 27.5), ("Europe/Lisbon", 16.5)):
        at = ZoneInfo(zone)
        before = NOW + timedelta(hours=hours) - timedelta(minutes=1)
        assert asked(act("snooze", until=until), now=before, zone=at).state == "snoozed"
        after = asked(act("snooze", until=until), now=before + timedelta(minutes=1), zone=at)
        assert (after.state, after.until) == ("open", None)
    assert asked(act("snooze", until=until), said=(a_message("i2", ago(1), by=OWNER),)).state == "satisfied"
    again = (act("snooze", 3, date(2026, 12, 1)), act("snooze", 2, date(2026, 11, 20)))
    assert asked(*again).state == "open"


def test_a_snooze_keeps_a_followup_alive() -> None:
    """What was put off past its time has a week when its day comes."""
    thanks_owed = a_message("i1", ago(3), Signal("introduction", "meet Omar"), introduces=("p-ben",))
    people = [ANA, a_person("p-ben")]
    (one,) = found(a_state(people, [thanks_owed]), "thanks")
    put_off = act("snooze", 2, date(2026, 12, 1), one.id)
    for days, state in ((7, "snoozed"), (9, "open"), (14, "open"), (16, "expired")):
        later = a_state(people, [thanks_owed], acts=(put_off,), now=NOW + timedelta(days=days))
        assert [each.state for each in found(later, "thanks")] == [state]


def test_never_is_for_the_rule_and_the_person() -> None:
    """No later follow-up of that rule for that person, open ones end, closed ones and other rules stay."""
    other = a_message("i3", ago(4), an_ask(), thread="t2")
    later = a_message("i4", ago(1), an_ask(), thread="t3")
    done = a_message("i5", ago(9), an_ask(), thread="t4")
    answered = a_message("i6", ago(8), by=OWNER, thread="t4")
    promised = a_message("i7", ago(0.5), a_promise(), by=OWNER, thread="t5")
    said = [ASKED, other, later, done, answered, promised]
    for never in (
        act("never"),
        Act(followup=ID, at=ago(3), kind="never", rule="awaiting_me", person="p-ana"),
        Act(followup=ID, at=ago(3), kind="never", rule="awaiting_me", person="email:ana@example.com"),
    ):
        state = a_state([ANA], said, acts=(never,))
        assert {one.evidence[0]: one.state for one in followups(state)} == {
            "i1": "dismissed",
            "i3": "dismissed",
            "i5": "satisfied",
            "i7": "open",
        }


def test_muting_ends_what_was_seen_and_raises_nothing_new() -> None:
    """The owner's wish closes what they had seen of that person; the unseen is not told at all."""
    muted = a_person(is_muted=True, muted_at=ago(1))
    assert followups(a_state([muted], [ASKED])) == []
    shown = (SurfacedIn(followup=ID, at=ago(4), week="2026-W47"),)
    (one,) = followups(a_state([muted], [ASKED], surfaced=shown))
    assert (one.state, one.closed_at, one.closed_by) == ("dismissed", ago(1), "owner")
    assert surface([one], a_state([muted], [ASKED])) == []


def test_what_the_owner_has_seen_stays_listed() -> None:
    """Out of the lookback, or answered before it was raised as a later import shows: told to its end."""
    old = a_message("i1", ago(90), an_ask())
    shown = (SurfacedIn(followup=ID, at=ago(80), week="2026-W36"),)
    (one,) = followups(a_state([ANA], [old], surfaced=shown))
    assert (one.state, one.surfaced_at) == ("expired", ago(80))
    ask = a_message("i1", ago(20), an_ask(), by=OWNER)
    (wait,) = followups(a_state([ANA], [ask]))
    shown = (SurfacedIn(followup=wait.id, at=ago(9), week="2026-W46"),)
    in_time = a_message("i2", ago(19))
    (one,) = followups(a_state([ANA], [ask, in_time], surfaced=shown))
    assert (one.state, one.closed_by, one.closed_at) == ("satisfied", "i2", one.created_at)


def test_everything_raised_since_the_book_began_stays_listed() -> None:
    """With the book's beginning known, follow-ups older than the lookback are kept with their end."""
    old = a_message("i1", ago(90), an_ask())
    answered = a_message("i2", ago(80), by=OWNER)
    assert [one.state for one in followups(a_state([ANA], [old, answered], began_at=ago(100)))] == [
        "satisfied"
    ]
    assert followups(a_state([ANA], [old, answered], began_at=ago(10))) == []
    assert followups(a_state([ANA], [old, answered], began_at=ago(-10))) == []


def test_ids_are_stable() -> None:
    """An id is a fact of its reason: a change here would orphan every task and decision out there."""
    assert ID == "f403080db4de3cb3c"


@dataclass
class Case:
    subject: str
    title: str


@pytest.mark.parametrize(
    "case",
    [
        Case("Re: AW: Fwd: [Team] plans", "Answer Ana Okafor: [Team] plans"),
        Case("pay\r\nBcc: all@example.com", "Answer Ana Okafor: pay Bcc: all@example.com"),
        Case("\u202egnp.exe\u2066 hi\u200b", "Answer Ana Okafor: gnp.exe hi"),
        Case("Re: " * 20_000, "Answer Ana Okafor: Could you look at section 3 before Friday?"),
        Case("re" * 40_000, f"Answer Ana Okafor: {'re' * 39}r…"),
        Case("\ud800\x00", "Answer Ana Okafor: Could you look at section 3 before Friday?"),
        Case("<script>alert(1)</script>", "Answer Ana Okafor: <script>alert(1)</script>"),
        Case("می\u200cخواهم", "Answer Ana Okafor: می\u200cخواهم"),
    ],
    ids=lambda case: repr(case.subject[:12]),
)
def test_hostile_subjects_are_one_plain_line(case: Case) -> None:
    """Line breaks, direction marks, endless prefixes: one bounded line of text remains."""
    said = a_message("i1", ago(6), an_ask(), subject=case.subject)
    (one,) = followups(a_state([ANA], [said]))
    assert one.title == case.title
    msgspec.json.encode(one)


@given(text=st.text(max_size=400))
def test_any_text_gives_short_plain_words(text: str) -> None:
    """Names, subjects, clauses of any characters: no line breaks, bounded, encodable."""
    person = a_person(name=text, first_name=text[:40], organization=text, moved_on=date(2026, 11, 14))
    said = [
        a_message("i1", ago(6), an_ask(text), subject=text),
        a_message("i2", ago(9), an_ask(text), a_promise(f"I'll {text}"), by=OWNER, subject=text, thread="t2"),
    ]
    held = [a_meeting("m1", ago(8), summary=text)]
    for one in followups(a_state([person], said, held)):
        assert len(one.title) < 320
        assert len(one.why) < 1200
        assert "\n" not in one.title + one.why
        msgspec.json.encode(one)


def test_surfacing_puts_the_most_useful_first() -> None:
    """Questions by strength of tie, promises falling due, thanks, waits, meetings; then the gentle ones."""
    near = a_person("p-near", "Near By", strength=0.9)
    said = [
        ASKED,
        a_message("i2", ago(1), an_ask(), by="p-near", thread="t2"),
        a_message("i3", ago(2), a_promise(due=date(2026, 12, 20)), by=OWNER, to=("p-near",), thread="t3"),
        a_message("i4", ago(3), a_promise(due=date(2026, 11, 24)), by=OWNER, to=("p-cy",), thread="t4"),
        a_message("i5", ago(20), an_ask(), by=OWNER, to=("p-dee",), thread="t5"),
    ]
    people = [
        ANA,
        near,
        a_person("p-cy"),
        a_person("p-dee"),
        a_person("p-new", connected_on=date(2026, 11, 9), first_at=None),
    ]
    state = a_state(people, said, weekly_cap=0)
    every = {one.id: one for one in followups(state)}
    order = [(every[one].rule, every[one].person) for one in surface(list(every.values()), state)]
    assert order == [
        ("awaiting_me", "p-near"),
        ("awaiting_me", "p-ana"),
        ("promise", "p-cy"),
        ("awaiting_them", "p-dee"),
        ("promise", "p-near"),
        ("new_connection", "p-new"),
    ]


def test_a_flood_from_one_person_does_not_fill_the_week() -> None:
    """Five hundred questions of one sender: three are shown, also without a cap."""
    said = [a_message(f"i{n}", ago(6, n / 100), an_ask(), thread=f"t{n}") for n in range(500)]
    state = a_state([ANA], said, weekly_cap=0)
    assert len(surface(followups(state), state)) == 3


def test_two_reconnects_a_week() -> None:
    """However large the cap, at most two dormant ties a week."""
    months = {24280 + n: 4 for n in range(12)}
    people = [
        a_person(
            f"p-{n}",
            identities=(f"email:{n}@example.com",),
            months=months,
            last_at=ago(600),
            counts=msgspec.convert({"sent": 24, "received": 24}, type(ANA.counts)),
        )
        for n in range(6)
    ]
    state = a_state(people, weekly_cap=0)
    first = surface(followups(state), state)
    assert len(first) == 2
    shown = tuple(SurfacedIn(followup=one, at=NOW, week="2026-W48") for one in first)
    again = msgspec.structs.replace(state, surfaced=shown, now=NOW + timedelta(days=2))
    assert surface(followups(again), again) == []
    following = msgspec.structs.replace(state, surfaced=shown, now=NOW + timedelta(days=7))
    assert len(surface(followups(following), following)) == 2


def test_weeks_and_days_begin_where_the_owner_is() -> None:
    """At +13 and -11 the same instant lies in other days and weeks; a skipped midnight loses no day."""
    sunday_noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    assert week_of(sunday_noon, ZoneInfo("Pacific/Tongatapu")) == "2026-W48"
    assert week_of(sunday_noon, ZoneInfo("Pacific/Pago_Pago")) == "2026-W47"
    assert week_of(datetime(2027, 1, 1, 12, tzinfo=UTC), ZoneInfo("UTC")) == "2026-W53"
    santiago = ZoneInfo("America/Santiago")  # midnight of 6 September 2026 does not exist
    assert day_start(date(2026, 9, 6), santiago) == datetime(2026, 9, 6, 4, tzinfo=UTC)
    assert day_end(date(2026, 9, 6), santiago) - day_start(date(2026, 9, 6), santiago) == timedelta(hours=23)
    assert day_start(date(2028, 2, 29), santiago) == datetime(2028, 2, 29, 3, tzinfo=UTC)


def a_large_state() -> State:
    """Two thousand people and five thousand recent messages, of every signal, one correspondent very busy."""
    people: list[PersonView] = [
        a_person(
            f"p-{n}",
            f"Person {n}",
            identities=(f"email:{n}@example.com",),
            months={24290 + m: 3 for m in range(n % 20)},
            last_at=ago(n % 900),
            counts=ANA.counts,
            cadence_days=60 if n % 10 == 0 else None,
            connected_on=date(2026, 10, 1) if n % 7 == 0 else None,
        )
        for n in range(2000)
    ]
    kinds: tuple[list[Signal], ...] = ([an_ask()], [a_promise()], [], [thanks()], [])
    said = []
    for n in range(5000):
        person = f"p-{0 if n % 5 == 0 else n % 1500}"
        by = OWNER if n % 3 else person
        said.append(
            a_message(
                f"i{n}",
                ago(hours=n % 4000),
                *kinds[n % 5 if n % 4 else 0],
                by=by,
                to=(person,) if by == OWNER else (),
                thread=f"t{n % 2000}",
                subject=f"Re: subject {n % 300} über alles",
            )
        )
    held = [a_meeting(f"m{n}", ago(hours=n * 4), f"p-{n % 700}", f"p-{n % 31}") for n in range(1500)]
    return a_state(people, said, held)


def test_a_large_state_is_quick() -> None:
    """Two thousand people and five thousand messages within a second of processor time, and 300 ms where nothing else runs."""
    state = a_large_state()
    followups(state)
    assert len(followups(state)) > 500
    assert cpu_seconds(lambda: surface(followups(state), state), 0.3) < 1


def test_a_calendar_full_of_long_entries_is_quick() -> None:
    """Ten thousand conferences over two thousand people cost what they bring, not their product."""
    large = a_large_state()
    held = [
        a_meeting(f"c{n}", ago(n % 390), at=ago(n % 390 + 3), is_all_day=True, summary="Expo")
        for n in range(10_000)
    ]
    state = msgspec.structs.replace(large, meetings=tuple(held))
    assert cpu_seconds(lambda: followups(state), 1.5) < 5
