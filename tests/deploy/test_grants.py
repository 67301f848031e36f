"""Grants at rest: refreshed once, by one process, and lost in no crash (R16)."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from threading import Barrier, Event, Thread
from time import monotonic
from typing import Any

import pytest

from deploy.clock import SystemSleeper
from deploy.grants import TURN, Tokens, authority_of
from deploy.settings import read_settings
from deploy.vaults import Secrets, sealed, secrets_of
from deploy.wiring import Application
from schemas.clock import FrozenClock
from schemas.decisions import OwnerDeclared
from schemas.errors import ReauthRequired, Transient
from schemas.oauth import Client, Grant
from services import accounts
from services.accounts import Account
from tests.cli.vendor import vendor_connectors
from tests.fakes.api import ApiServer
from tests.fakes.authority import MicrosoftSignIn, Registration, Someone, signing_in
from tests.fakes.visitor import consented

ROOT = Path(__file__).parents[2]
NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MARA = "mara@example.com"
REDIRECT = "http://localhost:4711"


class Place:
    """A home with one account of Microsoft, whose sign-in is a fake that rotates refresh tokens."""

    def __init__(self, home: Path, clock: FrozenClock, sign_in: MicrosoftSignIn, server: ApiServer) -> None:
        self.home, self.clock, self.sign_in, self.server = home, clock, sign_in, server
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("KITH_")},
            "KITH_HOME": str(home),
            "KITH_MICROSOFT_CLIENT_ID": "kith-client",
            "KITH_MICROSOFT_AUTHORITY": server.url,
        }
        made = self.open()
        made.make(OwnerDeclared(name="Mara", emails=(MARA,), timezone="Europe/Berlin"))
        made.close()
        # The key was made just now.
        self.app = self.open()
        self.account = self.connect()

    def open(self) -> Application:
        app = Application(read_settings(None, self.environment), vendor_connectors())
        app.clock = self.clock
        return app

    def connect(self) -> Account:
        authority = authority_of(self.app, "microsoft")
        attempt = authority.begin(REDIRECT, ["Mail.Read"])
        grant = authority.finish(attempt, consented(authority.url(attempt), MARA).partition("?")[2])
        account = Account(1, "microsoft-1", "microsoft", MARA, "active", "", {"user": MARA}, NOW)
        with self.app.store.write() as unit:
            accounts.keep_account(unit, account, sealed(self.app, Secrets(grant=grant)), [], self.clock.now())
        return account

    def tokens(self, app: Application | None = None) -> Tokens:
        return Tokens(app or self.app, self.account)

    def grant(self) -> Grant:
        found = secrets_of(self.app, self.account).grant
        assert found is not None
        return found

    def process(self, *more: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.granting", str(self.home), self.account.id, *more],
            cwd=ROOT,
            env={**self.environment, "KITH_NOW": self.clock.now().isoformat()},
            stdout=subprocess.PIPE,
            stdin=subprocess.PIPE,
            text=True,
        )

    def is_let_in(self, token: str) -> bool:
        return self.sign_in.grants(token) is not None


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    clock = FrozenClock(NOW)
    sign_in = MicrosoftSignIn(clock, [Registration("kith-client")], [Someone(MARA, "1001", "directory-1")])
    with signing_in(sign_in) as server:
        made = Place(tmp_path / "home", clock, sign_in, server)
        yield made
        made.app.close()


def wait(is_so: Any, within: float = 20) -> None:
    deadline = monotonic() + within
    while not is_so():
        assert monotonic() < deadline, "it never came to be so"
        SystemSleeper().sleep(timedelta(milliseconds=20))


# --- when it is refreshed -----------------------------------------------------------------------------------------------


def test_a_token_is_renewed_ahead_of_its_end(place: Place) -> None:
    """Within its hour it is used as it is; five minutes before the end another is there, kept before it is given."""
    first = place.tokens().token()
    place.clock.advance(timedelta(minutes=54))
    assert (place.tokens().token(), place.sign_in.refreshes()) == (first, 0)
    before = place.grant().refresh_token
    place.clock.advance(timedelta(minutes=2))
    tokens = place.tokens()
    second = tokens.token()
    assert second != first
    assert place.is_let_in(second)
    assert (place.grant().access_token, place.sign_in.refreshes()) == (second, 1)
    assert place.grant().refresh_token != before
    assert tokens.token() == second
    assert place.sign_in.refreshes() == 1


def test_a_refused_token_is_renewed_once(place: Place) -> None:
    """A token that is refused before its time is renewed; who comes with the old one gets the new one for nothing."""
    one, two = place.tokens(), place.tokens()
    first = one.token()
    assert two.token() == first
    second = one.renew(first)
    assert second != first
    assert (two.renew(first), place.sign_in.refreshes()) == (second, 1)


def test_an_authority_in_trouble_is_no_end(place: Place) -> None:
    """While the present token is good it is used; after that it is a fault that passes, and nothing is lost by it."""
    first = place.tokens().token()
    place.clock.advance(timedelta(minutes=57))
    place.server.faults.order("503", 3)
    assert place.tokens().token() == first
    place.clock.advance(timedelta(minutes=10))
    with pytest.raises(Transient):
        place.tokens().token()
    with pytest.raises(Transient):
        place.tokens().renew(first)
    assert place.is_let_in(place.tokens().token())


def test_an_answer_that_was_lost_is_asked_for_again(place: Place) -> None:
    """The authority turned the token over and its answer never came: the old refresh token still serves."""
    place.clock.advance(timedelta(hours=2))
    place.server.faults.order("lose_answer")
    with pytest.raises(Transient):
        place.tokens().token()
    assert place.is_let_in(place.tokens().token())
    assert len(place.sign_in.given) == 1


def test_an_old_refresh_token_stays_where_none_came(place: Place) -> None:
    """An authority that gives no other keeps the one that it gave."""
    place.sign_in.rotation = "never"
    before = place.grant().refresh_token
    place.clock.advance(timedelta(hours=2))
    place.tokens().token()
    assert place.grant().refresh_token == before


def test_a_grant_that_is_over_is_told(place: Place) -> None:
    """By its cause; and it is asked about once a call, not again and again."""
    place.sign_in.end(MARA, "password")
    place.clock.advance(timedelta(hours=2))
    with pytest.raises(ReauthRequired, match="password was changed"):
        place.tokens().token()
    assert place.sign_in.refreshes() == 1


def test_an_unused_grant_is_touched_weekly(place: Place) -> None:
    """A week without use, and it is refreshed; before that it is left alone."""
    place.clock.advance(timedelta(days=6, hours=23))
    assert not place.tokens().touch()
    place.clock.advance(timedelta(hours=2))
    assert place.tokens().touch()
    assert not place.tokens().touch()
    assert place.sign_in.refreshes() == 1


# --- one at a time ------------------------------------------------------------------------------------------------------


def test_of_many_processes_one_refreshes(place: Place) -> None:
    """Four processes and four threads want a token at once: one request, and all have the same token."""
    place.clock.advance(timedelta(hours=2))
    processes = [place.process() for _ in range(4)]
    barrier, found = Barrier(4), list[str]()

    def ask() -> None:
        app = place.open()
        barrier.wait()
        found.append(place.tokens(app).token())
        app.close()

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    for process in processes:
        out, _ = process.communicate(timeout=30)
        found.append(out.strip())
    assert len(found) == 8
    assert len(set(found)) == 1, found
    assert place.is_let_in(found[0])
    assert place.sign_in.refreshes() == 1


def test_who_was_overtaken_takes_what_is_newer(place: Place) -> None:
    """A refresh whose turn went to another, as its owner connected again, is not written over what is kept since."""
    place.clock.advance(timedelta(hours=2))
    connected = list[str]()

    def connect_again(form: dict[str, str]) -> None:
        if form.get("grant_type") == "refresh_token" and not connected:
            connected.append("")
            # The fake answers one request at a time; whoever signs in anew comes after this one.
            grant = place.grant()
            newer = Grant(
                client=Client("kith-client"),
                refresh_token="newer",
                access_token="newer-access",
                expires_at=place.clock.now() + timedelta(hours=1),
                subject=grant.subject,
                consented_at=place.clock.now(),
                refreshed_at=place.clock.now(),
            )
            with place.app.store.write() as unit:
                secret = sealed(place.app, Secrets(grant=newer))
                accounts.keep_account(unit, place.account, secret, [], place.clock.now())

    place.sign_in.after_tokens = connect_again
    assert place.tokens().token() == "newer-access"
    assert place.grant().refresh_token == "newer"


# --- killed -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rotation", ["kept", "grace", "never"])
@pytest.mark.parametrize(
    "point", ["before the request", "before the answer", "before the write", "after the write"]
)
def test_no_kill_loses_a_grant(place: Place, point: str, rotation: Any) -> None:
    """Whenever the process that refreshes is killed, the home that is started again has a token that is good."""
    place.sign_in.rotation = rotation
    kill_at(place, point)
    # As `kith up` does, which knows that no other process runs the home.
    place.app.turns.end_all()
    goes_on(place)


@pytest.mark.slow
def test_another_process_waits_for_the_turn_of_a_killed_one(place: Place) -> None:
    """Where several processes run the home, the next has a token within the half minute that authorities are patient."""
    place.sign_in.rotation = "grace"
    kill_at(place, "before the answer")
    began = monotonic()
    goes_on(place)
    assert monotonic() - began < 30


def goes_on(place: Place) -> None:
    """There is a good token, of the one grant that there was; and later another."""
    place.clock.advance(TURN)
    for _ in range(2):
        token = place.tokens().token()
        assert place.is_let_in(token)
        assert place.grant().access_token == token
        assert [one.over for one in place.sign_in.given] == [""]
        place.clock.advance(timedelta(hours=2))


def kill_at(place: Place, point: str) -> None:
    """A process refreshes, and is killed at a point of that."""
    place.clock.advance(timedelta(hours=2))
    reached, go_on = Event(), Event()
    locked = list[sqlite3.Connection]()

    def hold(_form: dict[str, str]) -> None:
        if not reached.is_set():
            if point == "before the write":
                # Nobody can write from now on, so that the answer arrives and is not yet kept.
                lock = sqlite3.connect(place.home / "kith.db", check_same_thread=False, isolation_level=None)
                lock.execute("BEGIN IMMEDIATE")
                locked.append(lock)
                reached.set()
                return
            reached.set()
            go_on.wait(20)

    if point == "before the request":
        place.sign_in.before_tokens = hold
    elif point in {"before the answer", "before the write"}:
        place.sign_in.after_tokens = hold
    child = place.process("and wait")
    try:
        if point == "after the write":
            assert child.stdout is not None
            assert child.stdout.readline().strip()
        else:
            assert reached.wait(20)
        if point == "before the write":
            wait(lambda: is_waiting_to_write(child.pid))
        child.send_signal(SIGKILL)
        child.wait(10)
    finally:
        go_on.set()
        child.kill()
        for stream in (child.stdout, child.stdin):
            if stream is not None:
                stream.close()
        for lock in locked:
            lock.rollback()
            lock.close()


def is_waiting_to_write(pid: int) -> bool:
    """Whether a process has had its answer: it has no connection to the authority any more."""
    held = Path(f"/proc/{pid}/fd")
    if not held.exists():
        pytest.skip("what a process has open is told under /proc alone")
    return not any(str(one.readlink()).startswith("socket:") for one in held.iterdir() if one.is_symlink())
