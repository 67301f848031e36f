"""F5 and the second half of F8: outside meetings and conferences, and the word that should follow."""

from datetime import UTC, datetime, timedelta

import pytest

from schemas.interface import Counts
from services.state import OWNER, MeetingView, PersonView, Said
from tests.followups.builders import NOW, a_meeting, a_message, a_person, a_state, ago, found, states_of

PRIYA = a_person("p-priya", "Priya Raman", first_at=ago(20))
THURSDAY = datetime(2026, 11, 19, 15, tzinfo=UTC)
MET = a_meeting("m1", THURSDAY, "p-priya")


def test_an_outside_meeting_with_nothing_sent() -> None:
    """Raised two days after its end, past the weekend, naming whom the owner met for the first time."""
    (one,) = found(a_state([PRIYA], meetings=[MET]), "meeting")
    assert one.title == "Follow up with Priya Raman after Thursday's meeting"
    assert one.why == '"Catch-up": you met for the first time; nothing sent since.'
    assert one.created_at == datetime(2026, 11, 23, tzinfo=UTC)
    assert one.evidence == ["m1"]


@pytest.mark.parametrize(
    ("view", "meeting", "said"),
    [
        pytest.param(a_person("p-priya", is_inside=True), MET, [], id="inside"),
        pytest.param(a_person("p-priya", is_muted=True), MET, [], id="muted"),
        pytest.param(a_person("p-priya", status="waiting"), MET, [], id="not a person yet"),
        pytest.param(PRIYA, a_meeting("m1", THURSDAY, "p-priya", is_cancelled=True), [], id="cancelled"),
        pytest.param(
            PRIYA, a_meeting("m1", THURSDAY, "p-priya", owner_partstat="declined"), [], id="declined"
        ),
        pytest.param(
            PRIYA, a_meeting("m1", THURSDAY, "p-priya", declined=("p-priya",)), [], id="they declined"
        ),
        pytest.param(PRIYA, a_meeting("m1", THURSDAY, "p-priya", group_size=13), [], id="an audience"),
        pytest.param(PRIYA, a_meeting("m1", THURSDAY, "p-priya", is_all_day=True), [], id="a whole day"),
        pytest.param(PRIYA, a_meeting("m1", ago(1), "p-priya"), [], id="a day ago"),
        pytest.param(PRIYA, a_meeting("m1", ago(70), "p-priya"), [], id="older than the lookback"),
        pytest.param(
            a_person("p-priya"),
            a_meeting("m1", THURSDAY, "p-priya", series="u1"),
            [a_message("i0", ago(90), by="p-priya")],
            id="one of a series",
        ),
        pytest.param(
            PRIYA, MET, [a_message("i1", ago(3), by=OWNER, to=("p-priya",))], id="written the next day"
        ),
        pytest.param(
            PRIYA,
            a_meeting("m1", THURSDAY, "p-priya", organizer="p-priya", owner_partstat="needs-action"),
            [],
            id="an unanswered invitation by somebody never written to",
        ),
    ],
)
def test_meetings_that_need_no_followup(view: PersonView, meeting: MeetingView, said: list[Said]) -> None:
    """Inside, big, cancelled, declined, recurring, followed up, or never agreed to."""
    before = a_meeting("m0", ago(100), "p-priya") if meeting.series else None
    meetings = [meeting] if before is None else [before, meeting]
    assert found(a_state([view], said, meetings), "meeting") == []


def test_a_late_word_satisfies_and_an_answer_does_not() -> None:
    """Only the owner's own message to one of them ends it."""
    monday = datetime(2026, 11, 9, 10, tzinfo=UTC)
    met = a_meeting("m1", monday, "p-priya")
    late = a_message("i1", ago(5), by=OWNER, to=("p-priya",))
    theirs = a_message("i1", ago(5), by="p-priya")
    assert states_of(a_state([PRIYA], [late], [met]), "meeting") == [("satisfied", "i1")]
    assert states_of(a_state([PRIYA], [theirs], [met]), "meeting") == [("open", None)]


def test_an_unanswered_invitation_counts_among_acquaintances() -> None:
    """Many never answer invitations: with people the owner writes to, the meeting still counts."""
    known = a_person("p-priya", counts=Counts(sent=3))
    met = a_meeting("m1", THURSDAY, "p-priya", organizer="p-priya", owner_partstat="needs-action")
    assert states_of(a_state([known], meetings=[met]), "meeting") == [("open", None)]


def test_a_mentors_talk_asks_for_thanks_alone() -> None:
    """A 1:1 that asks for thanks raises no second follow-up."""
    mentor = a_person("p-priya", roles=("mentor",))
    state = a_state([mentor], meetings=[MET])
    assert (len(found(state, "thanks")), found(state, "meeting")) == (1, [])


CONFERENCE = a_meeting(
    "c1", ago(10), "p-host", summary="Lisbon conference", at=ago(13), is_all_day=True, group_size=2
)


def new_people(count: int) -> list[PersonView]:
    return [a_person(f"p-{n}", f"New{n} Person", first_at=ago(12)) for n in range(count)]


def test_people_of_a_conference_with_no_word_since() -> None:
    """One follow-up names those first met around it whom the owner has not written to."""
    written = a_message("i1", ago(9), by=OWNER, to=("p-2",))
    (one,) = found(a_state(new_people(3), [written], [CONFERENCE]), "conference")
    assert one.title == "Three people from Lisbon conference, two with no word since"
    assert one.people == ["p-0", "p-1"]
    assert one.why.startswith("New0 Person, New1 Person.")
    assert one.person is None


def test_a_word_of_theirs_is_a_word() -> None:
    """Who has written since is not among the silent; the first mail itself, that week, is no word since."""
    wrote = [a_message("i1", ago(12), by="p-0"), a_message("i2", ago(9), by="p-1")]
    (one,) = found(a_state(new_people(3), wrote, [CONFERENCE]), "conference")
    assert one.people == ["p-0", "p-2"]


def test_first_mails_of_a_week_away_are_not_from_there() -> None:
    """Days that do not call themselves a conference need people met or connected with, not mails alone."""
    away = a_meeting("c1", ago(10), "p-host", summary="Lisbon days", at=ago(13), is_all_day=True)
    mails = [a_message(f"i{n}", ago(12), by=f"p-{n}", thread=f"t{n}") for n in range(3)]
    assert found(a_state(new_people(3), mails, [away]), "conference") == []
    lunch = a_meeting("m1", ago(12, -1), "p-0", "p-1", "p-2")
    (one,) = found(a_state(new_people(3), meetings=[away, lunch]), "conference")
    assert one.title == "Three people from Lisbon days, no word with any of them since"


def test_a_conference_is_over_when_the_last_has_a_word() -> None:
    """Satisfied by the message to the last of them."""
    first = a_message("i1", ago(5), by=OWNER, to=("p-0",))
    second = a_message("i2", ago(4), by=OWNER, to=("p-1",))
    (one,) = found(a_state(new_people(2), [first], [CONFERENCE]), "conference")
    assert (one.state, one.title) == ("open", "Two people from Lisbon conference, one with no word since")
    assert one.people == ["p-1"]
    assert states_of(a_state(new_people(2), [first, second], [CONFERENCE]), "conference") == [
        ("satisfied", "i2")
    ]


@pytest.mark.parametrize(
    ("meeting", "people", "is_raised"),
    [
        pytest.param({"summary": "Holiday in Crete"}, 4, False, id="holidays"),
        pytest.param({"summary": "Lisbon trip"}, 2, False, id="several days without a name"),
        pytest.param({"is_cancelled": True}, 3, False, id="cancelled"),
        pytest.param({"at": ago(20)}, 3, False, id="longer than five days"),
        pytest.param({"summary": "Conference call", "is_all_day": False}, 3, False, id="a conference call"),
        pytest.param({"ends_at": ago(1), "at": ago(3)}, 3, False, id="just over"),
    ],
)
def test_what_is_a_conference(meeting: dict[str, object], people: int, is_raised: bool) -> None:
    """Several whole days with new people, or what calls itself one; never holidays."""
    event = a_meeting(
        "c1", ago(10), "p-host", **{"summary": "Data Summit", "at": ago(13), "is_all_day": True, **meeting}
    )
    assert bool(found(a_state(new_people(people), meetings=[event]), "conference")) is is_raised


def test_a_friday_meeting_is_raised_on_monday() -> None:
    """Two days after a Friday are a Sunday: raised as Monday begins, in the owner's zone."""
    friday = a_meeting("m1", NOW - timedelta(days=3), "p-priya")
    (one,) = found(a_state([PRIYA], meetings=[friday]), "meeting")
    assert one.created_at == datetime(2026, 11, 23, tzinfo=UTC)
