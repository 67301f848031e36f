"""F2: whose answer the owner waits for, with patience."""

from datetime import UTC, date, datetime, timedelta

import pytest

from schemas.records import Signal
from services.followups.days import add_working_days, working_days_between
from services.state import OWNER, Said
from tests.followups.builders import (
    NOW,
    ZONE,
    a_meeting,
    a_message,
    a_person,
    a_promise,
    a_state,
    ago,
    an_ask,
    found,
    states_of,
)

ASK = a_message("i1", ago(20), an_ask("Could you tell me the venue?"), by=OWNER, subject="Re: the venue")
ANA = a_person()
QUICK = a_person(
    reply_hours=tuple((ago(100 - n), h) for n, h in enumerate([5, 20, 40, 30, 45, 10, 44, 100, 200, 3, 4]))
)


def test_patience_is_the_persons_own_and_said_in_numbers() -> None:
    """Raised after the person's usual time, which the reason tells with how often it held."""
    (one,) = found(a_state([QUICK], [ASK]), "awaiting_them")
    assert one.title == "Ask Ana again about the venue?"
    assert one.why == (
        'You asked on 3 November: "Could you tell me the venue?" '
        "Ana usually answers in 2 days (9 of 11 times); now 14 working days."
    )
    assert one.created_at == ago(18)


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("AW: Termin am Freitag", 'Ask Ana again about "Termin am Freitag"?'),
        ("The venue in spring", 'Ask Ana again about "The venue in spring"?'),
        ("Re:", "Ask Ana again?"),
    ],
)
def test_a_subject_that_begins_like_a_sentence_is_quoted(subject: str, title: str) -> None:
    """Nobody asks "about The venue"."""
    ask = a_message("i1", ago(20), an_ask("Could you tell me the venue?"), by=OWNER, subject=subject)
    (one,) = found(a_state([ANA], [ask]), "awaiting_them")
    assert one.title == title


def test_four_working_days_where_little_is_known() -> None:
    """Fewer than three answers known when it was asked: four working days, and no figures."""
    later = a_person(reply_hours=((ago(10), 1.0), (ago(9), 1.0), (ago(8), 1.0)))
    for person in (ANA, later):
        (one,) = found(a_state([person], [ASK]), "awaiting_them")
        assert one.created_at == add_working_days(ASK.at, 4, ZONE)
        assert "usually" not in one.why


def test_patience_has_bounds() -> None:
    """Never less than two working days nor more than ten, whatever the person's habit."""
    for hours, days in ((0.1, 2), (2000.0, 10)):
        person = a_person(reply_hours=tuple((ago(100 - n), hours) for n in range(5)))
        (one,) = found(a_state([person], [ASK]), "awaiting_them")
        assert one.created_at == add_working_days(ASK.at, days, ZONE)


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(a_message("i2", ago(19)), id="answered"),
        pytest.param(a_message("i2", ago(19), by="p-ben"), id="a colleague answered"),
        pytest.param(a_message("i2", ago(19), an_ask("Which day?")), id="asked back"),
        pytest.param(
            a_message("i2", ago(19), kind="linkedin_message", thread=None), id="answered on LinkedIn"
        ),
        pytest.param(a_message("i2", ago(19), thread="t2", subject="AW: The venue"), id="in another thread"),
    ],
)
def test_an_answer_within_patience_raises_nothing(then: Said) -> None:
    """Any human answer in time, wherever it came, leaves nothing to ask."""
    assert found(a_state([ANA, a_person("p-ben")], [ASK, then]), "awaiting_them") == []


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        pytest.param(a_message("i2", ago(2)), ("satisfied", "i2"), id="answered late"),
        pytest.param(a_message("i2", ago(2), an_ask(), by=OWNER), ("satisfied", "i2"), id="asked again"),
        pytest.param(a_message("i2", ago(19), nature="auto_reply"), ("open", None), id="out of office"),
        pytest.param(
            a_message("i2", ago(19), Signal("auto_reply", "away")), ("open", None), id="absence text"
        ),
        pytest.param(a_message("i2", ago(19), nature="bounce", by="p-bot"), ("open", None), id="a bounce"),
        pytest.param(a_message("i2", ago(21)), ("open", None), id="written before"),
        pytest.param(
            a_message("i2", ago(2), thread="t2", subject="lunch"), ("open", None), id="another matter"
        ),
        pytest.param(a_message("i2", ago(20, -0.2), by=OWNER), ("open", None), id="an attachment sent after"),
    ],
)
def test_what_ends_a_wait(then: Said, expected: tuple[str, str | None]) -> None:
    """Only a human answer or the owner's own next word ends it; machines never do."""
    assert states_of(a_state([ANA], [ASK, then]), "awaiting_them")[:1] == [expected]


def test_a_talk_ends_a_wait() -> None:
    """Meeting the person within patience raises nothing, later satisfies."""
    assert found(a_state([ANA], [ASK], [a_meeting("m1", ago(18))]), "awaiting_them") == []
    assert states_of(a_state([ANA], [ASK], [a_meeting("m1", ago(3))]), "awaiting_them") == [
        ("satisfied", "m1")
    ]


def test_a_holding_answer_begins_another_wait() -> None:
    """ "I'll check and come back" waits until the day named, else for one more patience, then quotes it."""
    hold = a_message("i2", ago(19), a_promise("I'll check and come back by Friday", date(2026, 11, 13)))
    (one,) = found(a_state([ANA], [ASK, hold]), "awaiting_them")
    assert one.created_at == datetime(2026, 11, 16, tzinfo=UTC)  # the Monday after that Friday
    assert "by 13 November. Nothing since." in one.why
    assert found(a_state([ANA], [ASK, hold, a_message("i3", ago(12))]), "awaiting_them") == []
    undated = a_message("i2", ago(19), a_promise("I'll check and come back"))
    (one,) = found(a_state([ANA], [ASK, undated]), "awaiting_them")
    assert one.created_at == add_working_days(undated.at, 4, ZONE)


def test_never_after_the_third_message_without_an_answer() -> None:
    """Two nudges at most: after three in a row Kith is silent, and an answer starts the count again."""
    asks = [a_message(f"i{n}", ago(40 - 10 * n), an_ask(), by=OWNER) for n in range(3)]
    assert states_of(a_state([ANA], asks), "awaiting_them") == [("satisfied", "i1"), ("satisfied", "i2")]
    assert states_of(a_state([ANA], asks[:2]), "awaiting_them") == [("satisfied", "i1"), ("open", None)]
    between = a_message("i9", ago(25))
    assert states_of(a_state([ANA], [*asks, between]), "awaiting_them")[-1] == ("open", None)


def test_nudges_in_new_threads_are_counted_by_their_subject() -> None:
    """Who asks again in a new message has asked again: three of them are enough."""
    asks = [a_message(f"i{n}", ago(40 - 10 * n), an_ask(), by=OWNER, thread=f"t{n}") for n in range(3)]
    assert states_of(a_state([ANA], asks), "awaiting_them") == [("satisfied", "i1"), ("satisfied", "i2")]
    assert states_of(a_state([ANA], asks[:2]), "awaiting_them") == [("satisfied", "i1"), ("open", None)]


def test_nothing_is_asked_of_machines_or_crowds() -> None:
    """A question to an automated address, to nobody known, or to many is not waited for."""
    for person in (a_person(status="automated"), a_person(status="waiting"), a_person(is_muted=True)):
        assert found(a_state([person], [ASK]), "awaiting_them") == []
    crowd = a_message("i1", ago(20), an_ask(), by=OWNER, to=("p-ana", *(f"p-{n}" for n in range(9))))
    assert found(a_state([ANA], [crowd]), "awaiting_them") == []


def test_working_days_are_counted_in_the_persons_zone() -> None:
    """The same instant is Friday in Pago Pago and Saturday on Tongatapu: one working day on differs."""
    friday = datetime(2026, 11, 6, 12, tzinfo=UTC)
    asked = a_message("i1", friday, an_ask(), by=OWNER)
    raised = {
        zone: found(a_state([a_person(timezone=zone)], [asked]), "awaiting_them")[0].created_at
        for zone in ("Pacific/Tongatapu", "Pacific/Pago_Pago", "../../etc/passwd", "America")
    }
    assert raised["Pacific/Tongatapu"] - friday == timedelta(
        days=5
    )  # Saturday there, then four days from Monday
    assert raised["Pacific/Pago_Pago"] - friday == timedelta(days=6)
    assert raised["../../etc/passwd"] == raised["America"] == add_working_days(friday, 4, ZONE)


def test_working_days_count_both_ways() -> None:
    """Adding working days and counting them agree, over weekends and a clock change."""
    start = datetime(2026, 10, 22, 9, tzinfo=UTC)  # clocks go back on 25 October
    for days in range(1, 15):
        assert working_days_between(start, add_working_days(start, days, ZONE), ZONE) == days
    assert add_working_days(start, 2, ZONE).astimezone(ZONE).hour == start.astimezone(ZONE).hour
    assert working_days_between(NOW, NOW - timedelta(days=3), ZONE) == 0


def test_a_question_taken_back_is_not_waited_for() -> None:
    """ "Never mind, found it" by the owner leaves nothing to ask."""
    back = a_message("i2", ago(19.9), Signal("settled", "Never mind, found it."), by=OWNER)
    assert found(a_state([ANA], [ASK, back]), "awaiting_them") == []


def test_who_no_mail_reaches_is_not_asked_again() -> None:
    """A person all of whose addresses bounced cannot answer; with one left they can."""
    gone = a_person(emails=("ana@example.com",), failed=("ana@example.com",))
    assert found(a_state([gone], [ASK]), "awaiting_them") == []
    left = a_person(emails=("ana@example.com", "ana@example.org"), failed=("ana@example.com",))
    assert found(a_state([left], [ASK]), "awaiting_them")
