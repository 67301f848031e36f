"""Notices of news are known by their word alone, and ask for a pull however many of them come."""

from datetime import timedelta

import pytest

from schemas.clock import FrozenClock
from schemas.connector import Channel
from services import accounts
from services.notices import APART, LONGEST, Notice, Notices, NoticeSigner, Told
from services.store.channels import channels, set_channels
from services.store.unit import Store
from tests.services.builders import NOW
from tests.services.test_accounts import OWNER, an_account, keep

CHANNEL = Channel("c1", "r1", NOW + timedelta(days=6))


class Desk:
    """An account that is followed, and what takes notices for it."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.account = an_account()
        keep(store, self.account)
        self.told = Told(OWNER, self.account.id, "imap")
        self.signer = NoticeSigner(["k" * 43])
        self.later(timedelta(hours=1))

    def later(self, wait: timedelta) -> None:
        """So much time after it was read last."""
        with self.store.write() as unit:
            feed = accounts.feeds(unit, OWNER, self.account.id)[0]
            accounts.note_success(unit, feed, NOW, NOW + timedelta(days=1))
        self.clock = FrozenClock(NOW + wait)

    def take(self, *notices: Notice) -> tuple[bool, list[Told]]:
        return Notices(self.store, self.clock, self.signer).take(notices)

    def next_at(self) -> object:
        with self.store.read() as unit:
            return accounts.feeds(unit, OWNER, self.account.id)[0].next_at

    def token(self) -> str:
        return self.signer.token(self.told)


@pytest.fixture
def desk(store: Store) -> Desk:
    return Desk(store)


def test_a_word_is_known_again(desk: Desk) -> None:
    """By every key of the home, in a length that every other side takes."""
    assert desk.signer.read(desk.token()) == desk.told
    assert NoticeSigner(["new" * 15, "k" * 43]).read(desk.token()) == desk.told
    assert NoticeSigner(["new" * 15]).read(desk.token()) is None
    assert (
        len(NoticeSigner(["k"]).token(Told(999_999_999, "microsoft-01234567", "google_contacts"))) <= LONGEST
    )


@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_changed_word_is_not_known(desk: Desk, place: int) -> None:
    """Whatever is changed of it."""
    token = desk.token()
    changed = token[:place] + ("a" if token[place] != "a" else "b") + token[place + 1 :]
    assert desk.take(Notice(changed), Notice(""), Notice("x" * 10_000), Notice("é~\n")) == (False, [])
    assert desk.next_at() == NOW + timedelta(days=1)


def test_notices_of_one_feed_ask_for_one_pull(desk: Desk) -> None:
    """A hundred at once are one, and what is read is due now, so that a lost call costs nothing."""
    assert desk.take(*[Notice(desk.token())] * 100) == (True, [desk.told])
    assert desk.next_at() == desk.clock.now()


def test_a_storm_waits(desk: Desk) -> None:
    """What was read a moment ago is read again when the moment is over, not at each notice (R29)."""
    desk.later(timedelta(seconds=1))
    assert desk.take(Notice(desk.token())) == (True, [])
    assert desk.next_at() == NOW + APART


def test_what_was_asked_for_during_a_reading_is_read_after_it(desk: Desk) -> None:
    """The end of a reading that began before the notice does not put it off until the feed is due by itself."""
    desk.later(timedelta(seconds=1))
    with desk.store.read() as unit:
        feed = accounts.feeds(unit, OWNER, desk.account.id)[0]
    assert desk.take(Notice(desk.token())) == (True, [])
    with desk.store.write() as unit:
        accounts.note_success(unit, feed, desk.clock.now(), NOW + timedelta(days=1))
    assert desk.next_at() == NOW + APART


@pytest.mark.parametrize("state", ["paused", "reconnect"])
def test_an_account_that_rests_is_not_pulled(desk: Desk, state: accounts.State) -> None:
    """Its notices are known, and ask for nothing."""
    with desk.store.write() as unit:
        accounts.set_state(unit, desk.account, state)
    assert desk.take(Notice(desk.token())) == (True, [])


def test_an_account_that_is_gone_is_not_pulled(desk: Desk) -> None:
    """Nor are its channels there any more."""
    with desk.store.write() as unit:
        set_channels(unit, OWNER, desk.account.id, "imap", [CHANNEL])
        accounts.delete_account(unit, desk.account)
        assert channels(unit, OWNER, desk.account.id, "imap") == ()
    assert desk.take(Notice(desk.token())) == (True, [])


def test_a_channel_that_ended_is_noted(desk: Desk) -> None:
    """The one that is named, so that the next reading opens it anew."""
    other = Channel("c2", "r2", CHANNEL.ends_at)
    with desk.store.write() as unit:
        set_channels(unit, OWNER, desk.account.id, "imap", [CHANNEL, other])
    desk.take(Notice(desk.token(), ended="c1"))
    with desk.store.read() as unit:
        found = channels(unit, OWNER, desk.account.id, "imap")
    assert found == (Channel("c1", "r1", desk.clock.now()), other)
