"""Google tells of news in each calendar that is read, on channels that are opened anew before they end."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

import pytest

from connectors.google_calendar import SPEC
from schemas.clock import FrozenClock
from schemas.connector import Access, Channel
from schemas.errors import Missing, ReauthRequired, Rejected
from tests.connectors.google import GoogleRig, a_google
from tests.connectors.hooks import ORIGIN, Page, a_hook, a_page
from tests.contract.source import NOW
from tests.contract.watch import WatchContract
from tests.fakes.faults import Faults
from tests.fakes.google_calendar import OWNER, Calendars

TEAM = "c_team@group.calendar.google.com"
HOLIDAYS = "en.german#holiday@group.v.calendar.google.com"


class CalendarRig:
    """Two calendars that are read, and some that are not."""

    def __init__(self, google: GoogleRig, calendars: Calendars, page: Page) -> None:
        self.google = google
        self.calendars = calendars
        self.channels = calendars.channels
        self.clock = google.clock
        self.page = page
        self.hook = a_hook("google")
        self.settings: dict[str, Any] = {}
        calendars.add_calendar(TEAM, "Team", role="writer")
        calendars.add_calendar("bob@example.com", "Bob", role="reader")
        self.channels.postman.routes[ORIGIN] = page.url

    @property
    def faults(self) -> Faults:
        return self.google.server.faults

    def access(self) -> Access:
        # The sign-in is sound, and so is what takes its place.
        return self.google.access(renew=lambda refused: refused, **self.settings)

    def standing(self) -> set[str]:
        return {one.id for one in self.channels.standing}

    def news(self) -> None:
        for one in (OWNER, TEAM, "bob@example.com"):
            self.calendars.add(one)

    def words(self) -> list[str]:
        told = [one for one in self.page.notices if one["x-goog-resource-state"] != "sync"]
        return [one["x-goog-channel-token"] for one in told]

    def forget(self) -> None:
        self.channels.forget()

    def writes(self) -> int:
        return sum(one.startswith("POST") for one in self.google.asked())

    def watch(self, standing: Sequence[Channel] = ()) -> tuple[Channel, ...]:
        assert SPEC.watch is not None
        return SPEC.watch(self.access(), self.hook, standing)

    def watched(self) -> list[str]:
        return [one.calendar for one in self.channels.standing]


@pytest.fixture
def rig() -> Iterator[CalendarRig]:
    clock = FrozenClock(NOW)
    calendars = Calendars(clock)
    with a_google(calendars, clock=clock) as google, a_page() as page:
        yield CalendarRig(google, calendars, page)


class TestGoogleChannels(WatchContract):
    """The promises of every connector that is told of news."""

    spec = SPEC


def test_a_channel_says_first_that_it_stands(rig: CalendarRig) -> None:
    """A notice has no body, and comes for as long as Google said, a week at most."""
    opened = rig.watch()
    assert [one["x-goog-resource-state"] for one in rig.page.notices] == ["sync", "sync"]
    assert rig.page.bodies == [b"", b""]
    assert {one.ends_at for one in opened} == {NOW + timedelta(days=7)}


def test_the_end_is_what_google_says(rig: CalendarRig) -> None:
    """Whatever was asked for; a channel that is granted for less than a day is replaced each time."""
    rig.channels.longest = timedelta(hours=6)
    opened = rig.watch()
    assert {one.ends_at for one in opened} == {NOW + timedelta(hours=6)}
    rig.clock.advance(timedelta(hours=3))
    again = rig.watch(opened)
    assert rig.standing() == {one.id for one in again}
    assert {one.ends_at for one in again} == {NOW + timedelta(hours=9)}


def test_the_calendars_that_are_named_are_watched(rig: CalendarRig) -> None:
    """By the same choice as they are read; what is no longer chosen is told of no more."""
    before = rig.watch()
    assert rig.watched() == [OWNER, TEAM]
    rig.settings["calendars"] = "Bob, primary"
    rig.watch(before)
    assert sorted(rig.watched()) == [OWNER, "bob@example.com"]
    rig.settings["calendars"] = "Nobody's"
    with pytest.raises(Missing, match="nobody's"):
        rig.watch()


def test_calendars_that_google_makes_are_left_to_polling(rig: CalendarRig) -> None:
    """Holidays are told of by nobody: the others are; where there is nothing else, that is said."""
    rig.calendars.add_calendar(HOLIDAYS, "Holidays", role="reader")
    rig.settings["calendars"] = "primary,Holidays"
    assert len(rig.watch()) == 1
    assert rig.watched() == [OWNER]
    rig.settings["calendars"] = "Holidays"
    with pytest.raises(Rejected, match="pushNotSupportedForRequestedResource"):
        rig.watch()


def test_a_domain_that_google_does_not_trust_is_told_of(rig: CalendarRig) -> None:
    """Though Google answers as if the sign-in were refused (401), it is not: the account needs nothing."""
    rig.channels.distrusts = True
    with pytest.raises(Rejected, match=r"webhookUrlUnauthorized.*certificate") as told:
        rig.watch()
    assert not isinstance(told.value, ReauthRequired)
    assert "kith connect" not in str(told.value)


def test_ids_serve_once(rig: CalendarRig) -> None:
    """Over months of renewals no id comes twice, and none says what it is for."""
    standing = rig.watch()
    for _ in range(20):
        rig.clock.advance(timedelta(days=6, hours=1))
        standing = rig.watch(standing)
    assert len(rig.channels.used) == 42
    assert not any(OWNER in one or "~" in one for one in rig.channels.used)


def test_a_calendar_that_goes_meanwhile_keeps_no_other(rig: CalendarRig) -> None:
    """It is told of no more, and the others are."""
    standing = rig.watch()
    rig.calendars.remove_calendar(TEAM)
    rig.clock.advance(timedelta(days=6, hours=12))
    assert len(rig.watch(standing)) == 1
    assert rig.watched() == [OWNER]


def test_without_the_permission_nothing_is_asked(rig: CalendarRig) -> None:
    """As with reading."""
    rig.google.scopes.clear()
    with pytest.raises(ReauthRequired, match="calendar"):
        rig.watch()
