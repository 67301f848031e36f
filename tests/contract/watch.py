"""What `ConnectorSpec.watch` promises, as tests that each connector inherits whose other side tells of news.

A test class gives its `spec`, and a `rig`: an account in which two places are read, at a vendor that really sends its
notices to a page.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import ClassVar, Protocol

import pytest
from msgspec.structs import replace

from connectors._channels import RENEW_WITHIN
from schemas.clock import FrozenClock
from schemas.connector import Access, Channel, ConnectorSpec, Hook
from schemas.errors import ConnectorError, Rejected, Transient
from tests.connectors.hooks import Page
from tests.fakes.faults import Faults

PLACES = 2


class WatchRig(Protocol):
    """An account at a vendor, seen from behind."""

    page: Page
    hook: Hook
    clock: FrozenClock

    @property
    def faults(self) -> Faults:
        """What the next requests meet."""
        ...

    def access(self) -> Access:
        """An access to the account."""
        ...

    def standing(self) -> set[str]:
        """The ids of the channels that stand at the vendor."""
        ...

    def news(self) -> None:
        """Something happens in each place that is read."""
        ...

    def words(self) -> list[str]:
        """The words that came with the notices of news so far, handshakes left out."""
        ...

    def forget(self) -> None:
        """Every channel ends without a word."""
        ...

    def writes(self) -> int:
        """How many requests that write came since this was asked last."""
        ...


class WatchContract:
    """The promises."""

    spec: ClassVar[ConnectorSpec]

    def watch(
        self, rig: WatchRig, standing: Sequence[Channel] = (), *, ends: bool = False
    ) -> tuple[Channel, ...]:
        assert self.spec.watch is not None
        return self.spec.watch(rig.access(), None if ends else rig.hook, standing)

    def test_what_is_missing_is_opened(self, rig: WatchRig) -> None:
        """One channel for each place; each tells with the word of the hook."""
        opened = self.watch(rig)
        assert {one.id for one in opened} == rig.standing()
        assert len(opened) == PLACES
        assert all(one.ends_at - rig.clock.now() > RENEW_WITHIN for one in opened)
        rig.news()
        assert rig.words() == [rig.hook.token] * PLACES

    def test_what_stands_is_kept(self, rig: WatchRig) -> None:
        """Nothing is written at the other side."""
        opened = self.watch(rig)
        rig.writes()
        rig.clock.advance(timedelta(hours=1))
        assert self.watch(rig, opened) == opened
        assert rig.writes() == 0

    def test_what_ends_soon_goes_on(self, rig: WatchRig) -> None:
        """A channel that ends within a day ends later, or another is there, and nothing is told twice."""
        opened = self.watch(rig)
        rig.clock.advance(min(one.ends_at for one in opened) - rig.clock.now() - timedelta(hours=23))
        renewed = self.watch(rig, opened)
        assert {one.id for one in renewed} == rig.standing()
        assert len(renewed) == PLACES
        assert all(one.ends_at - rig.clock.now() > RENEW_WITHIN for one in renewed)
        rig.news()
        assert rig.words() == [rig.hook.token] * PLACES

    @pytest.mark.parametrize("lost", [1, PLACES])
    def test_what_has_ended_is_opened_anew(self, rig: WatchRig, lost: int) -> None:
        """Also where the other side knows nothing of it any more, before its time."""
        opened = self.watch(rig)
        rig.forget()
        now = rig.clock.now()
        told = [replace(one, ends_at=now) if place < lost else one for place, one in enumerate(opened)]
        rig.clock.advance(timedelta(minutes=5))
        again = self.watch(rig, told)
        assert len(again) == PLACES
        assert rig.standing() == {one.id for one in again} - {one.id for one in opened}
        assert len(rig.standing()) == lost

    def test_what_is_too_many_is_ended(self, rig: WatchRig) -> None:
        """A channel more for the same place, or for a hook that is no more: what is new is there before the old goes."""
        opened = self.watch(rig)
        rig.clock.advance(timedelta(minutes=5))
        twice = [*opened, *self.watch(rig)]
        kept = self.watch(rig, twice)
        assert len(kept) == PLACES
        assert rig.standing() == {one.id for one in kept}
        rig.hook = Hook(rig.hook.url, "1~another~word.c2ln")
        rig.clock.advance(timedelta(minutes=5))
        moved = self.watch(rig, kept)
        assert rig.standing() == {one.id for one in moved}
        assert rig.standing().isdisjoint(one.id for one in kept)

    def test_without_a_hook_all_are_ended(self, rig: WatchRig) -> None:
        """And once more is no error."""
        opened = self.watch(rig)
        assert self.watch(rig, opened, ends=True) == ()
        assert rig.standing() == set()
        assert self.watch(rig, opened, ends=True) == ()

    def test_one_that_cannot_be_ended_does_not_keep_the_others(self, rig: WatchRig) -> None:
        """What went wrong is told."""
        opened = self.watch(rig)
        rig.faults.order("503", writes_only=True)
        with pytest.raises(ConnectorError):
            self.watch(rig, opened, ends=True)
        assert len(rig.standing()) == PLACES - 1

    def test_a_hook_that_is_refused_is_told_of(self, rig: WatchRig) -> None:
        """In words that name the address and say what it needs; the owner's word is not in them."""
        rig.hook = Hook("https://nowhere.example/hooks/x", rig.hook.token)
        with pytest.raises(Rejected, match=r"https://nowhere\.example/hooks/x .* certificate|https") as told:
            self.watch(rig)
        assert "goes on asking" in str(told.value)
        assert rig.hook.token not in str(told.value)
        assert rig.standing() == set()

    def test_what_was_opened_is_taken_back(self, rig: WatchRig) -> None:
        """Where the second cannot be opened for now, the first does not stand alone, known to nobody."""
        rig.page.hears = lambda: rig.faults.order("429", writes_only=True)
        with pytest.raises(Transient):
            self.watch(rig)
        assert rig.standing() == set()
        rig.clock.advance(timedelta(minutes=5))
        assert len(self.watch(rig)) == PLACES
