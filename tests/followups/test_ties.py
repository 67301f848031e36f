"""F6, F7, the first half of F8 and congratulations: ties that want a word."""

from datetime import date, timedelta
from typing import Any

import pytest

from schemas.interface import Counts
from services.followups import followups
from services.state import OWNER, Act, PersonView, SurfacedIn
from tests.followups.builders import NOW, a_meeting, a_message, a_person, a_state, ago, found, states_of

TOM = a_person("p-tom", "Tom Baker", cadence_days=42, first_at=ago(300))
LUNCH = a_meeting("m1", ago(63), "p-tom", summary="Lunch")


def test_a_rhythm_that_ran_out() -> None:
    """The reason tells the rhythm, the last contact and that nothing is booked."""
    (one,) = found(a_state([TOM], meetings=[LUNCH]), "keep_in_touch")
    assert one.title == "Talk to Tom"
    assert one.why == (
        'Your rhythm with Tom: every 6 weeks. Last: "Lunch" on 21 September, 9 weeks ago. Nothing booked.'
    )
    assert one.evidence == ["m1"]


def test_one_message_to_two_people_is_the_last_contact_of_both() -> None:
    """The same mail begins two silences, each with its own id."""
    people = [TOM, a_person("p-ana", cadence_days=42)]
    raised = found(
        a_state(people, [a_message("i1", ago(63), by=OWNER, to=("p-tom", "p-ana"))]), "keep_in_touch"
    )
    assert sorted(one.person or "" for one in raised) == ["p-ana", "p-tom"]
    assert len({one.id for one in raised}) == 2


def test_any_real_contact_resets_the_rhythm() -> None:
    """A mail, a LinkedIn message or a meeting within the rhythm; a Cc, a list or an automatic answer is none."""
    for said in (
        a_message("i1", ago(10), by="p-tom"),
        a_message("i1", ago(10), by=OWNER, to=("p-tom",)),
        a_message("i1", ago(10), by="p-tom", kind="linkedin_message", thread=None),
    ):
        assert states_of(a_state([TOM], [said], [LUNCH]), "keep_in_touch") == [("satisfied", "i1")]
    for said in (
        a_message("i1", ago(10), by="p-tom", owner_part="cc"),
        a_message("i1", ago(10), by=OWNER, to=("p-ana",), cc=("p-tom",)),
        a_message("i1", ago(10), by="p-tom", nature="list"),
        a_message("i1", ago(10), by="p-tom", nature="auto_reply"),
    ):
        assert states_of(a_state([TOM], [said], [LUNCH]), "keep_in_touch") == [("open", None)]


def test_quiet_when_a_meeting_is_booked_or_no_rhythm_is_wished() -> None:
    """Booked, off, without rhythm or role, muted: nothing. A role the owner gave brings its own rhythm."""
    booked = a_meeting("m2", ago(-4), "p-tom")
    assert found(a_state([TOM], meetings=[LUNCH, booked]), "keep_in_touch") == []
    cases: list[dict[str, Any]] = [
        {"cadence_days": 0},
        {"cadence_days": None},
        {"is_muted": True},
        {"status": "waiting"},
    ]
    for more in cases:
        view = a_person("p-tom", **{"cadence_days": 42, **more})
        assert found(a_state([view], meetings=[LUNCH]), "keep_in_touch") == []
    mentor = a_person("p-tom", roles=("mentor", "peer"))
    (one,) = found(a_state([mentor], meetings=[LUNCH]), "keep_in_touch")
    assert one.why.startswith("Your mentor; every 6 weeks.")


def test_a_silence_older_than_the_history_still_counts() -> None:
    """A rhythm set for somebody last seen long ago is raised by the day of the last contact."""
    view = a_person("p-tom", cadence_days=30, last_at=ago(700), last_channel="meeting")
    assert states_of(a_state([view]), "keep_in_touch") == [("open", None)]


def test_done_by_the_owner_counts_as_a_turn() -> None:
    """Done (a telephone call, say) is silent for one rhythm, then raised again under another id."""
    (one,) = found(a_state([TOM], meetings=[LUNCH]), "keep_in_touch")
    done = Act(followup=one.id, at=ago(1), kind="done")
    assert states_of(a_state([TOM], meetings=[LUNCH], acts=(done,)), "keep_in_touch") == [("done", "owner")]
    later = a_state([TOM], meetings=[LUNCH], acts=(done,), now=NOW + timedelta(days=43))
    again = found(later, "keep_in_touch")
    assert [(two.state, two.id == one.id) for two in again] == [("done", True), ("open", False)]


def a_tie(
    person: str = "p-bjorn",
    months: int = 20,
    last: float = 980,
    by_month: dict[int, int] | None = None,
    **more: Any,
) -> PersonView:
    """Somebody with four contacts a month until so many days ago."""
    end = ago(last).year * 12 + ago(last).month - 1
    defaults: dict[str, Any] = {
        "months": by_month or {end - n: 4 for n in range(months)},
        "last_at": ago(last),
        "last_channel": "email",
        "counts": Counts(sent=2 * months, received=2 * months - 6, meetings=6),
    }
    return a_person(person, "Björn Lindqvist", **{**defaults, **more})


def test_a_dormant_tie_is_told_with_its_numbers() -> None:
    """How much there was, until when, and a move since."""
    view = a_tie(organization="Nordlicht", moved_on=date(2026, 5, 12))
    (one,) = found(a_state([view]), "reconnect")
    assert one.title == "Write to Björn Lindqvist again?"
    assert one.why == (
        "74 mails and 6 meetings 2022-2024; silent since March 2024. Now at Nordlicht (LinkedIn export of May)."
    )


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(a_tie(months=3), id="a short acquaintance"),
        pytest.param(a_tie(last=100), id="not silent for long"),
        pytest.param(a_tie(counts=Counts(received=80)), id="never written to"),
        pytest.param(a_tie(counts=Counts(sent=80)), id="never answered"),
        pytest.param(a_tie(is_muted=True), id="muted"),
        pytest.param(a_tie(status="automated"), id="a machine"),
        pytest.param(a_tie(cadence_days=90), id="has a rhythm of its own"),
        pytest.param(
            a_tie(by_month={24309 - 12 * n: 3 for n in range(5)}, last=400),
            id="silent no longer than usual",
        ),
    ],
)
def test_ties_that_are_left_in_peace(view: PersonView) -> None:
    """Strong once, silent long by its own measure, and heard from both sides, or nothing."""
    assert found(a_state([view]), "reconnect") == []


def test_only_the_best_ten_bridges_first() -> None:
    """An old address book is no list of chores: ten at a time, those nobody else leads to among them."""
    inside = [a_tie(f"p-in{n}", identities=(f"email:in{n}@example.com",), is_inside=True) for n in range(12)]
    bridge = a_tie("p-out", identities=("email:out@example.org",), organization="Nordlicht")
    raised = found(a_state([*inside, bridge]), "reconnect")
    assert len(raised) == 10
    assert "p-out" in [one.person for one in raised]


def test_a_dormant_tie_the_owner_has_seen_is_told_to_its_end() -> None:
    """Once shown it stays listed, and closes by the contact that ended the silence; unseen it just goes."""
    last = a_message("i0", ago(200), by="p-bjorn")
    silent = a_tie(last=200)
    (one,) = found(a_state([silent], [last]), "reconnect")
    seen = (SurfacedIn(followup=one.id, at=ago(3), week="2026-W47"),)
    wrote = a_message("i1", ago(1), by=OWNER, to=("p-bjorn",))
    in_touch = a_tie(last=200, last_at=wrote.at)
    (told,) = found(a_state([in_touch], [last, wrote], surfaced=seen), "reconnect")
    assert (told.id, told.state, told.closed_by) == (one.id, "satisfied", "i1")
    assert found(a_state([in_touch], [last, wrote]), "reconnect") == []


def test_a_new_connection_without_a_word() -> None:
    """Raised the day after; with the day and age of the export it rests on."""
    view = a_person("p-sofia", "Sofia Peña", connected_on=date(2026, 11, 9), first_at=None)
    (one,) = found(a_state([view], export_on=date(2026, 11, 20)), "new_connection")
    assert one.title == "Say hello to Sofia Peña"
    assert one.why == (
        "Connected on LinkedIn on 9 November; no message yet. From your LinkedIn export of Friday, 3 days old."
    )


def test_a_connection_in_touch_needs_no_hello() -> None:
    """Known before, met before, written to before: none; the first word after satisfies."""
    connected: dict[str, Any] = {"connected_on": date(2026, 11, 9), "first_at": None}
    view = a_person("p-sofia", **connected)
    assert states_of(a_state([view], [a_message("i1", ago(2), by="p-sofia")]), "new_connection") == [
        ("satisfied", "i1")
    ]
    assert found(a_state([view], [a_message("i1", ago(20), by="p-sofia")]), "new_connection") == []
    assert found(a_state([view], meetings=[a_meeting("m1", ago(20), "p-sofia")]), "new_connection") == []
    cases: list[dict[str, Any]] = [
        {"counts": Counts(received=1)},
        {"connected_on": date(2026, 11, 24)},
        {"connected_on": date(2026, 8, 1)},
        {"status": "waiting"},
        {"is_muted": True},
    ]
    for more in cases:
        assert found(a_state([a_person("p-sofia", **{**connected, **more})]), "new_connection") == []


def test_a_namesake_in_touch_is_most_likely_the_same_human() -> None:
    """A profile that no hard key joins to the one already written to asks for no greeting."""
    profile = a_person(
        "p-1", "Sofia Peña", identities=("linkedin:sofia",), connected_on=date(2026, 11, 9), first_at=None
    )
    assert len(found(a_state([profile]), "new_connection")) == 1
    known = a_person("p-2", "Sofia Peña", last_at=ago(3))
    assert found(a_state([profile, known]), "new_connection") == []


def test_a_move_between_two_exports() -> None:
    """Told with the export it comes from; three at most; satisfied by the owner's word."""
    moved = [
        a_person(
            f"p-{n}",
            f"Hélène{n} Roy",
            identities=(f"linkedin:h{n}",),
            organization="Atelier Nord",
            moved_on=date(2026, 11, 16),
            moved_from="Studio Sud",
            strength=n / 10,
        )
        for n in range(5)
    ]
    raised = found(a_state(moved), "congratulate")
    assert sorted(one.person or "" for one in raised) == ["p-2", "p-3", "p-4"]
    assert raised[0].title.endswith("on the move to Atelier Nord")
    assert raised[0].why == "Before: Studio Sud. From your LinkedIn export of 16 November, 7 days old."
    wrote = a_message("i1", ago(2), by=OWNER, to=("p-0",))
    assert states_of(a_state(moved[:1], [wrote]), "congratulate") == [("satisfied", "i1")]


def test_ids_of_ties_survive_a_merge() -> None:
    """Where no interaction names the reason, the profile does: another person id changes no follow-up id."""
    one, two = (
        a_person(
            person,
            identities=("email:s@example.com", "linkedin:sofia"),
            connected_on=date(2026, 11, 9),
            first_at=None,
        )
        for person in ("p-1", "p-2")
    )
    assert [each.id for each in followups(a_state([one]))] == [each.id for each in followups(a_state([two]))]
