"""The closed loop with live accounts, and what goes wrong around it: passwords, servers, lists, processes and disks."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from signal import SIGKILL
from threading import Event
from threading import enumerate as enumerate_threads
from time import monotonic
from typing import Any

import pytest
from dramatiq import Worker
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from connectors import connectors
from deploy.cli.accounts import disconnect, pause, resume, status_of_sync
from deploy.household import Household
from deploy.importing import import_paths
from deploy.posting import send_digest
from deploy.syncing import sync
from deploy.vaults import Secrets, sealed
from schemas.clock import epoch
from schemas.connector import ConnectorSpec, MailSink, Page, Source, TaskDraft, TaskRef, TaskSink
from schemas.decisions import FollowupDismissed, FollowupSnoozed, Merge
from schemas.errors import ConfigError, ReauthRequired
from schemas.ids import Cursor, IdempotencyKey, StreamName
from schemas.interface import SyncReport
from services import accounts
from services.accounts import Account, Feed
from services.attention import deliveries_ahead
from services.erasure import never_ingest
from services.status import Status, status
from services.store import events as stream
from services.store import outbox
from services.turns import ATTEMPTS, TurnTaken
from tests.deploy.test_up import until, up
from tests.e2e.home import MARA
from tests.e2e.world import World, is_done, mails_of, world
from tests.fakes.faults import Fault
from tests.fakes.todoist import Todoist
from tests.servers import smtp
from tests.servers.dav import DavServer
from tests.servers.dovecot import Dovecot, needed, running
from tests.servers.radicale import radicale
from tests.services.builders import exported
from workers.broker import EmbeddedBroker
from workers.listen import Listeners

ANA, BEN, CLEO = (f"{name}@example.org" for name in ("ana", "ben", "cleo"))
TUESDAY = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)
MONDAY = datetime(2026, 11, 9, 6, 0, tzinfo=UTC)
"""Half an hour before the digest's time in Berlin."""
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    needed()
    with running() as server:
        yield server


@pytest.fixture(scope="module")
def radicale_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DavServer]:
    with radicale(tmp_path_factory.mktemp("dav")) as server:
        yield server


@pytest.fixture
def dav(radicale_server: DavServer) -> DavServer:
    """A calendar server on which nothing is but an empty calendar."""
    radicale_server.ask("DELETE", radicale_server.calendars)
    radicale_server.ask("PROPFIND", radicale_server.calendars, Depth="0")
    radicale_server.make_calendar("work", "Work")
    return radicale_server


class Place:
    """Where a test's worlds are made; each test has a mailbox of its own."""

    def __init__(self, folder: Path, dovecot: Dovecot, dav: DavServer, user: str) -> None:
        self.folder = folder
        self.dovecot = dovecot
        self.dav = dav
        self.user = user

    def world(
        self, start: datetime = TUESDAY, **more: Any
    ) -> AbstractContextManager[tuple[World, smtp.Behaviour]]:
        return world(self.folder, start, self.dovecot, self.user, self.dav, **more)


@pytest.fixture
def place(tmp_path: Path, dovecot: Dovecot, dav: DavServer, request: pytest.FixtureRequest) -> Place:
    return Place(tmp_path, dovecot, dav, f"u{abs(hash(request.node.nodeid)) % 10**9}")


# --- a password that works no more (R16) ------------------------------------------------------------------------------


def _state(life: World, account: str) -> Account:
    with life.app.store.read() as unit:
        found = accounts.account_of(unit, life.book.owner, account)
    assert found is not None
    return found


def _spoil(life: World, account: str) -> None:
    """The password is another now."""
    with life.app.store.write() as unit:
        secret = sealed(life.app, Secrets(secret="no longer the password"))
        accounts.set_secret(unit, _state(life, account), secret)


def _tries(place: Place) -> int:
    """How often somebody has signed in to the mailbox, or tried to."""
    log = (place.dovecot.folder / "dovecot.log").read_text()
    return sum("imap-login: " in line and f"user=<{place.user}>" in line for line in log.splitlines())


def test_a_password_that_works_no_more(place: Place) -> None:
    """Within a cycle the account waits for its owner, who gets one mail; others go on, and nothing is missed (R16)."""
    with place.world() as (life, post):
        life.knows(ANA, BEN)
        ids = life.connect()
        life.run()
        _spoil(life, ids["imap"])
        life.live(TUESDAY + HOUR, timedelta(minutes=10))
        assert _state(life, ids["imap"]).state == "reconnect"
        (told,) = mails_of(post)
        assert told["Subject"] == f"Kith can no longer read {place.user}"
        tried = _tries(place)
        life.mail(ANA, MARA, "Could you look at section 3 before Friday?", "Draft")
        life.live(TUESDAY + timedelta(days=2))
        life.close()
        life.open()
        life.live(TUESDAY + timedelta(days=3))
        assert _tries(place) == tried, "a server that locks out is not asked again"
        assert len(post.taken) == 1
        assert life.followups("awaiting_me", ANA) == []
        feeds = {one.connector: one for one in _feeds(life)}
        assert feeds["caldav"].ok_at == feeds["caldav_tasks"].ok_at == life.clock.now()
        life.connect("imap")
        life.run()
        (asked,) = life.followups("awaiting_me", ANA)
        assert asked.id in life.tasks()
        _spoil(life, ids["imap"])
        life.live(life.clock.now() + HOUR, timedelta(minutes=10))
        assert [mail["Subject"] for mail in mails_of(post)] == [told["Subject"]] * 2
        assert len({mail["Message-ID"] for mail in mails_of(post)}) == 2


def _feeds(life: World) -> list[Feed]:
    with life.app.store.read() as unit:
        return accounts.feeds(unit, life.book.owner)


def _how(life: World) -> Status:
    return status(life.app.store, life.book.owner, life.clock.now(), life.household.rhythm)


def test_a_password_fails_while_mail_cannot_go_out(place: Place) -> None:
    """The owner hears of it once it can, however late; not at all where the account is well again by then."""
    with place.world() as (life, post):
        ids = life.connect()
        life.run()
        post.says["DATA"] = "451 4.3.0 Later"
        _spoil(life, ids["imap"])
        life.live(TUESDAY + timedelta(days=3))
        assert post.taken == []
        post.says.clear()
        life.live(TUESDAY + timedelta(days=3, hours=2), HOUR)
        assert [mail["Subject"] for mail in mails_of(post)] == [f"Kith can no longer read {place.user}"]
        life.connect("imap")
        life.run()
        post.says["DATA"] = "451 4.3.0 Later"
        _spoil(life, ids["imap"])
        life.live(TUESDAY + timedelta(days=3, hours=4), HOUR)
        life.connect("imap")
        post.says.clear()
        life.live(TUESDAY + timedelta(days=3, hours=6), HOUR)
        assert len(post.taken) == 1
        assert _how(life).unsent == [], "what nobody needs any more is no failure"


class Meddling:
    """Connectors as they are, but that something happens once at a moment that a test waits for.

    `refused`: a sign-in was refused, and nobody has noted it. `page`: a page of mail was read, and is not kept. `put`,
    `send`: a task, a mail is about to be handed over. `sent`: it was.
    """

    def __init__(self) -> None:
        self.acts: dict[str, Callable[[], object]] = {}

    def at(self, moment: str) -> None:
        """Let it happen, if it is waited for."""
        act = self.acts.pop(moment, None)
        if act is not None:
            act()

    def known(self) -> dict[str, ConnectorSpec]:
        imap, tasks, post = (connectors()[name] for name in ("imap", "caldav_tasks", "smtp"))
        opens_source, opens_sink, opens_mail = imap.open_source, tasks.open_sink, post.open_mail
        assert opens_source
        assert opens_sink
        assert opens_mail
        return {
            **connectors(),
            "imap": replace(imap, open_source=lambda access: _Source(opens_source(access), self)),
            "caldav_tasks": replace(tasks, open_sink=lambda access: _Sink(opens_sink(access), self)),
            "smtp": replace(post, open_mail=lambda access: _Mail(opens_mail(access), self)),
        }


class _Source:
    def __init__(self, source: Source, meddling: Meddling) -> None:
        self._source = source
        self._meddling = meddling

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        try:
            for page in self._source.pull(cursor):
                self._meddling.at("page")
                yield page
        except ReauthRequired:
            self._meddling.at("refused")
            raise


class _Sink:
    def __init__(self, sink: TaskSink, meddling: Meddling) -> None:
        self._meddling = meddling
        self._sink = sink
        self.find, self.update, self.complete, self.reopen = (
            sink.find,
            sink.update,
            sink.complete,
            sink.reopen,
        )

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        self._meddling.at("put")
        return self._sink.put(key, draft)


class _Mail:
    def __init__(self, sink: MailSink, meddling: Meddling) -> None:
        self._sink = sink
        self._meddling = meddling

    def send(self, mail: bytes, sender: str, to: str, /) -> None:
        self._meddling.at("send")
        self._sink.send(mail, sender, to)
        self._meddling.at("sent")


def test_connected_again_while_the_old_password_is_tried(place: Place) -> None:
    """An attempt with the old password that ends after the owner gave the new one changes nothing (R16)."""
    meddling = Meddling()
    with place.world(known=meddling.known()) as (life, post):
        ids = life.connect("imap", "smtp")
        life.run()
        _spoil(life, ids["imap"])
        meddling.acts["refused"] = lambda: life.connect("imap")
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        assert _state(life, ids["imap"]).state == "active"
        assert meddling.acts == {}
        assert post.taken == []
        assert _how(life).accounts[0].standing == "well"


def test_paused_while_the_password_is_refused(place: Place) -> None:
    """What the owner paused stays paused, whatever the attempt that was under way comes to."""
    meddling = Meddling()
    with place.world(known=meddling.known()) as (life, post):
        ids = life.connect("imap", "smtp")
        life.run()
        _spoil(life, ids["imap"])
        meddling.acts["refused"] = lambda: pause(life.context(), ids["imap"])
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        assert _state(life, ids["imap"]).state == "paused"
        assert meddling.acts == {}
        assert post.taken == []


# --- mail that may not have gone out (R13) ----------------------------------------------------------------------------


def _digests(post: smtp.Behaviour) -> list[str]:
    return [f"{mail['Date']}"[5:11] for mail in mails_of(post)]


def _unsent(life: World) -> list[tuple[str, str, str]]:
    return [(one.kind, one.subject, one.state) for one in _how(life).unsent]


def _die() -> None:
    raise RuntimeError


@pytest.mark.parametrize("how", ["drops the line", "crashes"])
def test_a_digest_whose_fate_is_unknown_is_not_sent_again(place: Place, how: str) -> None:
    """The line is dropped after the mail was taken, or Kith dies: no second mail, it is listed, the next week's comes."""
    meddling = Meddling()
    with place.world(MONDAY, known=meddling.known()) as (life, post):
        if how == "crashes":
            meddling.acts["sent"] = _die
        else:
            post.drops.add("DATA")
        life.connect("imap", "smtp")
        life.run()
        life.live(MONDAY + HOUR, timedelta(minutes=31))
        assert _digests(post) == ["09 Nov"]
        assert _unsent(life) == [("mail", "2026-W46", "failed")]
        post.drops.clear()
        life.close()
        life.open()
        life.live(MONDAY + timedelta(days=7, hours=2), timedelta(hours=12))
        assert _digests(post) == ["09 Nov", "16 Nov"]
        assert _unsent(life) == [("mail", "2026-W46", "failed")]


def test_killed_while_a_digest_goes_out(place: Place) -> None:
    """A process that is killed leaves it in flight: the next one lists it, and sends none."""
    with place.world(MONDAY) as (life, post):
        life.connect("imap", "smtp")
        life.run()
        post.says["DATA"] = "451 4.3.0 Later"
        life.live(MONDAY + HOUR, timedelta(minutes=31))
        with life.app.store.write() as unit:
            (one,) = outbox.standing(unit, life.book.owner, ("pending",))
            outbox.set_state(unit, life.book.owner, one, "in_flight", epoch(life.clock.now()))
        life.close()
        life.open()
        post.says.clear()
        schedule = life.schedule(life.household)
        schedule.look()
        life.household.broker.join("default")
        assert _unsent(life) == [("mail", "2026-W46", "failed")]
        life.live(MONDAY + timedelta(days=1))
        assert post.taken == []


def test_a_digest_that_is_put_off_arrives_once(place: Place) -> None:
    """A server that has no time for some hours gets it once it has, and once."""
    with place.world(MONDAY) as (life, post):
        life.connect("imap", "smtp")
        life.run()
        post.says["DATA"] = "451 4.3.0 Later"
        life.live(MONDAY + 5 * HOUR, timedelta(minutes=30))
        assert post.taken == []
        post.says.clear()
        life.live(MONDAY + 7 * HOUR, timedelta(minutes=30))
        life.live(MONDAY + timedelta(days=3), timedelta(hours=12))
        assert _digests(post) == ["09 Nov"]
        assert _unsent(life) == []


@pytest.mark.parametrize("says", ["451 4.3.0 Later", "550 5.7.1 No"])
def test_a_digest_that_is_refused_is_listed(place: Place, says: str) -> None:
    """Put off for three days, or refused for good: it is not sent any more, is listed, and the next week's comes."""
    with place.world(MONDAY) as (life, post):
        life.connect("imap", "smtp")
        life.run()
        post.says["DATA"] = says
        life.live(MONDAY + timedelta(days=3), timedelta(hours=6))
        assert _unsent(life) == [("mail", "2026-W46", "failed")]
        tried = post.stages.count("DATA")
        post.says.clear()
        life.live(MONDAY + timedelta(days=7, hours=2), timedelta(hours=12))
        assert _digests(post) == ["16 Nov"]
        assert post.stages.count("DATA") == tried + 1


def test_a_post_office_that_refuses_the_sign_in(place: Place) -> None:
    """The account waits for its owner and is left alone until then; connected again, what is not too late goes out."""
    with place.world(MONDAY) as (life, post):
        ids = life.connect("imap", "smtp")
        life.run()
        post.says["AUTH"] = "535 5.7.8 No"
        life.live(MONDAY + timedelta(days=1), timedelta(hours=1))
        assert post.stages.count("AUTH") == 2, "once as it was connected, and once for the digest"
        assert _state(life, ids["smtp"]).state == "reconnect"
        assert post.taken == []
        assert deliveries_ahead(life.app.store) == [], "nothing is rung for that cannot be done"
        post.says.clear()
        life.connect("smtp")
        life.live(MONDAY + timedelta(days=1, hours=2), HOUR)
        assert _digests(post) == ["09 Nov"]
        assert _unsent(life) == []


# --- several accounts that could send ---------------------------------------------------------------------------------


@contextmanager
def _another_post_office() -> Iterator[tuple[int, smtp.Behaviour]]:
    behaviour = smtp.Behaviour()
    with smtp.mail_server(behaviour, "none") as port:
        yield port, behaviour


def test_another_account_sends_while_one_waits_to_be_reconnected(place: Place) -> None:
    """The digest goes out by the one that works, once, and so does the word that the other waits; back, it has its turn."""
    with place.world(MONDAY) as (life, post), _another_post_office() as (port, other):
        ids = life.connect("imap", "smtp")
        life.clock.advance(timedelta(minutes=1))
        life.connect("smtp", port=port)
        life.run()
        post.says["AUTH"] = "535 5.7.8 No"
        life.live(MONDAY + HOUR, timedelta(minutes=31))
        assert post.taken == []
        # In either order: both were asked for in the same moment.
        assert sorted(mail["Subject"] for mail in mails_of(other)) == [
            f"Kith can no longer send by {MARA}",
            "Your week: nothing is waiting for you",
        ]
        assert _unsent(life) == []
        assert send_digest(life.app, life.book.owner, "2026-W46").endswith("it goes out once.")
        life.live(MONDAY + timedelta(days=7, hours=2), timedelta(hours=12))
        assert _digests(other)[2:] == ["16 Nov"]
        post.says.clear()
        resume(life.context(), ids["smtp"])
        life.live(MONDAY + timedelta(days=14, hours=2), timedelta(hours=12))
        assert (_digests(post), len(other.taken)) == (["23 Nov"], 3)


@pytest.mark.parametrize("how", ["refused", "paused"])
def test_a_digest_waits_for_an_account_that_can_send(place: Place, how: str) -> None:
    """The only account refuses, or is paused once it put the mail off: another, connected a day later, sends it, once."""
    with place.world(MONDAY) as (life, post), _another_post_office() as (port, other):
        ids = life.connect("imap", "smtp")
        life.run()
        if how == "refused":
            post.says["AUTH"] = "535 5.7.8 No"
        else:
            post.says["DATA"] = "451 4.3.0 Later"
        life.live(MONDAY + HOUR, timedelta(minutes=31))
        if how == "paused":
            pause(life.context(), ids["smtp"])
        life.live(MONDAY + timedelta(days=1))
        life.connect("smtp", port=port)
        life.live(MONDAY + timedelta(days=1, hours=1), timedelta(minutes=31))
        assert _digests(other) == ["09 Nov"]
        post.says.clear()
        resume(life.context(), ids["smtp"])
        life.live(MONDAY + timedelta(days=2))
        assert (post.taken, len(other.taken), _unsent(life)) == ([], 1, [])


def test_a_digest_that_waited_too_long_is_listed(place: Place) -> None:
    """Nothing can send for three days: it is not sent any more when something can, and is listed."""
    with place.world(MONDAY) as (life, post), _another_post_office() as (port, other):
        life.connect("imap", "smtp")
        life.run()
        post.says["AUTH"] = "535 5.7.8 No"
        life.live(MONDAY + timedelta(days=3))
        life.connect("smtp", port=port)
        life.live(MONDAY + timedelta(days=3, hours=2), HOUR)
        assert other.taken == []
        assert _unsent(life) == [("mail", "2026-W46", "failed")]


class _Shelf:
    """A mail sink that keeps what it was given."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []

    def send(self, _mail: bytes, sender: str, to: str, /) -> None:
        self.taken.append((sender, to))


@pytest.mark.parametrize("sends", [True, False])
def test_one_account_writes_tasks_and_sends(place: Place, sends: bool) -> None:
    """An account of a kind that does both has its tasks, and sends where its owner wants it to; else nothing is sent."""
    shelf = _Shelf()
    both = ConnectorSpec("dav_post", "Post", StreamName("mail"), account="caldav", open_mail=lambda _: shelf)
    with place.world(MONDAY - 2 * HOUR, known={**connectors(), "dav_post": both}) as (life, post):
        life.knows(ANA)
        life.connect("imap")
        life.run()
        life.connect("caldav", sends=sends)
        life.run()
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.live(MONDAY + HOUR, timedelta(minutes=31))
        assert len(life.tasks()) == 1
        assert shelf.taken == [(MARA, MARA)] * sends
        assert post.taken == []
        if not sends:
            with pytest.raises(ConfigError):
                send_digest(life.app, life.book.owner, "2026-W46")


# --- two processes (R21) ----------------------------------------------------------------------------------------------


@contextmanager
def _second(life: World) -> Iterator[Household]:
    """One more process that runs the home."""
    household = Household(life.application())
    worker = Worker(household.broker, worker_threads=2, worker_timeout=20)
    worker.start()
    try:
        yield household
    finally:
        worker.stop()
        household.broker.close()
        household.app.close()


def _together(life: World, other: Household) -> None:
    """Both do whatever is due by now."""
    homes = (life.household, other)
    for _ in range(3):
        for schedule in [life.schedule(one) for one in homes]:
            schedule.look()
        for one in homes:
            one.wake(life.book.owner)
        for one in homes:
            one.broker.join("default")


def _stands_well(life: World, count: int) -> None:
    """Every follow-up that was shown has one task, of so many, and nothing waits."""
    shown = [one for one in life.book.followups() if one.surfaced_at is not None]
    assert len(shown) == count
    assert sorted(life.titles()) == sorted(one.title for one in shown)
    with life.app.store.read() as unit:
        assert outbox.standing(unit, life.book.owner, ("pending", "unsure", "in_flight", "failed")) == []


def test_two_processes_do_what_one_does(place: Place) -> None:
    """Both look at the same instant, again and again: one task a follow-up, one digest a week, no mail read twice."""
    with place.world(MONDAY - 2 * HOUR) as (life, post), _second(life) as other:
        life.knows(ANA, BEN, CLEO)
        life.connect()
        _together(life, other)
        for person in (ANA, BEN, CLEO):
            life.mail(person, MARA, "Could you send me the numbers?", "Numbers")
        for _ in range(4):
            life.clock.advance(HOUR)
            _together(life, other)
        _stands_well(life, 3)
        assert _digests(post) == ["09 Nov"]
        with life.app.store.read() as unit:
            seen = [
                one.external_id for one in stream.read_all(unit, life.book.owner) if one.kind == "message"
            ]
        assert len(seen) == len(set(seen)) == 9


@pytest.mark.parametrize("moment", ["page", "put", "send"])
def test_who_was_paused_too_long_writes_nothing_more(place: Place, moment: str) -> None:
    """A process stands still while it reads, writes a task or sends, beyond its turn; another does it, once in all."""
    meddling = Meddling()
    with place.world(MONDAY - 2 * HOUR, known=meddling.known()) as (life, post), _second(life) as other:
        life.knows(ANA)
        ids = life.connect()
        life.run()
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        owner = life.book.owner
        deeds = {
            "page": lambda: other.live.pull(owner, ids["imap"], "imap"),
            "put": lambda: other.live.deliver(owner, ids["caldav"]),
            "send": lambda: other.live.deliver(owner, ids["smtp"]),
        }

        def overtaken() -> None:
            other.turns.end_all()
            deeds[moment]()

        meddling.acts[moment] = overtaken
        life.live(MONDAY + 2 * HOUR, HOUR)
        assert meddling.acts == {}
        assert len(life.titles()) == 1
        assert _digests(post) == ["09 Nov"]
        # Of a mail nobody can be asked, so it is listed although it went out.
        assert len(_unsent(life)) == (moment == "send")
        with life.app.store.read() as unit:
            seen = [one for one in stream.read_all(unit, owner) if one.kind == "message"]
        assert len(seen) == 3


# --- Todoist, and what goes wrong there (R10, R11) --------------------------------------------------------------------


@contextmanager
def _with_todoist(place: Place) -> Iterator[tuple[World, Todoist, smtp.Behaviour]]:
    """A world whose follow-ups go to Todoist."""
    with (
        Todoist().serve() as todoist,
        place.world(KITH_TODOIST_ROOT=todoist.url, KITH_WEEKLY_CAP="0") as (life, post),
    ):
        todoist.clock = life.clock
        life.knows(ANA, BEN, CLEO)
        life.connect("imap", "smtp")
        life.connect("todoist", secret=todoist.token)
        life.run()
        yield life, todoist, post
        assert todoist.breaches == []


def _ask(life: World, *people: str) -> None:
    for person in people:
        life.mail(person, MARA, "Could you send me the numbers?", "Numbers")
    life.live(life.clock.now() + timedelta(minutes=20), timedelta(minutes=20))


def _one_each(life: World, todoist: Todoist, count: int) -> None:
    """Each follow-up has one task, of so many."""
    titles = sorted(one["content"] for one in todoist.tasks())
    assert titles == sorted(one.title for one in life.book.followups())
    assert len(titles) == count
    assert _unsent(life) == []


@pytest.mark.parametrize("fault", ["lose_answer", "die_before", "429", "500", "cut", "web_page"])
def test_whatever_todoist_does_there_is_one_task_each(place: Place, fault: Fault) -> None:
    """Answers are lost, refused, cut in half or something else altogether for a while: each follow-up ends with one."""
    with _with_todoist(place) as (life, todoist, _):
        todoist.faults.order(fault, 6)
        _ask(life, ANA, BEN, CLEO)
        life.live(life.clock.now() + 3 * HOUR, timedelta(minutes=10))
        _one_each(life, todoist, 3)


def test_who_asks_for_patience_gets_it(place: Place) -> None:
    """Told to wait, Kith asks nothing of the whole account until then, whoever wants something of it (R10)."""
    with _with_todoist(place) as (life, todoist, _):
        _ask(life, ANA)
        before = todoist.asked
        todoist.faults.order("429")
        life.mail(BEN, MARA, "Could you send me the numbers?", "Numbers")
        life.clock.advance(HOUR)
        life.run()
        told = life.clock.now()
        life.live(told + timedelta(seconds=40), timedelta(seconds=10))
        assert life.followups("awaiting_me", BEN)
        assert todoist.asked == before + 1
        life.live(told + timedelta(minutes=5), timedelta(seconds=30))
        _one_each(life, todoist, 2)


def test_patience_asked_for_by_a_write(place: Place) -> None:
    """Told to wait at a write, the next task waits too, and so does the reading of what was ticked off."""
    with _with_todoist(place) as (life, todoist, _):
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.mail(BEN, MARA, "Could you send me the numbers?", "Numbers")
        todoist.faults.order("429", writes_only=True)
        life.live(life.clock.now() + timedelta(minutes=20), timedelta(minutes=20))
        told = life.clock.now()
        asked = todoist.asked
        assert todoist.tasks() == []
        life.live(told + timedelta(seconds=40), timedelta(seconds=10))
        assert todoist.asked == asked
        life.live(told + timedelta(minutes=5), timedelta(seconds=30))
        _one_each(life, todoist, 2)


def test_a_token_that_works_no_more(place: Place) -> None:
    """The account waits for its owner, who gets one mail; with the new token all goes on, one task each."""
    with _with_todoist(place) as (life, todoist, post):
        _ask(life, ANA)
        todoist.revoke()
        _ask(life, BEN)
        asked = todoist.asked
        life.live(life.clock.now() + timedelta(days=2))
        assert todoist.asked == asked
        assert [mail["Subject"] for mail in mails_of(post)] == ["Kith can no longer read mara@example.com"]
        life.connect("todoist", secret=todoist.token)
        life.run()
        _one_each(life, todoist, 2)


# --- the owner's hands, there and here at once (R12) ------------------------------------------------------------------


def _snooze(life: World, followup: str) -> None:
    until = (life.clock.now() + timedelta(days=7)).date()
    life.book.decide([FollowupSnoozed(followup=followup, at=life.clock.now(), until=until)])


def _dismiss(life: World, followup: str) -> None:
    life.book.decide([FollowupDismissed(followup=followup, at=life.clock.now())])


@pytest.mark.parametrize(
    ("there", "here", "state", "title", "is_ticked"),
    [
        ("tick", _snooze, ("done", "tool"), "Answer", True),
        ("tick", _dismiss, ("dismissed", "owner"), "Answer", True),
        ("delete", _snooze, ("dismissed", "tool"), None, False),
        ("delete", _dismiss, ("dismissed", "owner"), None, False),
        ("rename", _snooze, ("snoozed", None), "In my own words", False),
        ("rename", _dismiss, ("dismissed", "owner"), "In my own words", True),
    ],
)
def test_both_at_once(
    place: Place,
    there: str,
    here: Callable[[World, str], None],
    state: tuple[str, str | None],
    title: str | None,
    is_ticked: bool,
) -> None:
    """What the owner does in the tool and in Kith in the same minute comes to one state in two rounds, and stays so."""
    with place.world() as (life, _):
        life.knows(ANA)
        life.connect("imap", "caldav")
        life.run()
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        (one,) = life.followups("awaiting_me", ANA)
        {"tick": life.tick, "delete": life.delete, "rename": life.rename}[there](one.id)
        here(life, one.id)
        for _round in range(2):
            life.clock.advance(timedelta(minutes=3))
            life.run(2)
        first = life.tasks()
        life.live(TUESDAY + timedelta(days=1))
        (found,) = life.followups("awaiting_me", ANA)
        assert (found.state, found.closed_by) == state
        assert [str(task["SUMMARY"]).startswith(title or "-") for task in first.values()] == [True] * bool(
            title
        )
        assert [is_done(task) for task in first.values()] == [is_ticked] * bool(title)
        now = life.tasks()
        assert {key: task.to_ical() for key, task in now.items()} == {
            key: task.to_ical() for key, task in first.items()
        }
        life.live(TUESDAY + timedelta(days=9), timedelta(days=1))
        assert life.tasks().keys() == first.keys(), "what was deleted is never made again"


def test_deleted_before_the_tool_was_asked_again(place: Place) -> None:
    """What its owner deletes as soon as it is there is a no like any other: nothing is left open, and nothing made again."""
    with _with_todoist(place) as (life, todoist, _):
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.clock.advance(HOUR)
        life.run()
        (task,) = todoist.tasks()
        todoist.delete(task["id"])
        life.live(life.clock.now() + HOUR, timedelta(minutes=20))
        (one,) = life.followups("awaiting_me", ANA)
        assert (one.state, one.closed_by) == ("dismissed", "tool")
        assert todoist.tasks() == []


def test_what_kith_ticked_is_unticked_again(place: Place) -> None:
    """With the mail that closed it deleted, a follow-up is open again, and so is its task: the tick was no word of the owner's."""
    with _with_todoist(place) as (life, todoist, _):
        asked = life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.live(life.clock.now() + 2 * HOUR, timedelta(minutes=20))
        life.mail(MARA, ANA, "Here they are.", "Numbers", re=asked)
        life.live(life.clock.now() + 2 * HOUR, timedelta(minutes=20))
        assert [one["checked"] for one in todoist.tasks()] == [True]
        assert [one.state for one in life.followups("awaiting_me", ANA)] == ["satisfied"]
        life.program.select_folder("Sent")
        life.program.delete_messages([max(life.program.search())])
        life.program.expunge()
        life.program.unselect_folder()
        life.live(life.clock.now() + 2 * HOUR, timedelta(minutes=20))
        assert [(one.state, one.closed_by) for one in life.followups("awaiting_me", ANA)] == [("open", None)]
        assert [one["checked"] for one in todoist.tasks()] == [False]


def test_snoozed_before_its_task_was_made(place: Place) -> None:
    """A follow-up that rests while the tool is down has its task once it is back, due when it comes again."""
    with _with_todoist(place) as (life, todoist, _):
        todoist.faults.order("500", 50)
        _ask(life, ANA)
        (one,) = life.followups("awaiting_me", ANA)
        _snooze(life, one.id)
        life.live(life.clock.now() + HOUR, timedelta(minutes=20))
        todoist.faults.mend()
        life.live(life.clock.now() + timedelta(days=9), timedelta(days=1))
        (one,) = life.followups("awaiting_me", ANA)
        assert one.state == "open"
        _one_each(life, todoist, 1)


def test_an_account_that_is_back_has_its_tasks_asked_for(place: Place) -> None:
    """Connected, connected again or resumed: once it is read the tools are looked to, also where that brought nothing."""
    with _with_todoist(place) as (life, todoist, _):
        woken: list[int] = []
        life.app.wake = woken.append
        ids = life.connect("todoist", secret=todoist.token)
        owner, account = life.book.owner, ids["todoist"]

        def wakes() -> bool:
            woken.clear()
            life.household.pull(owner, account, "todoist")
            return woken == [owner]

        assert wakes()
        assert not wakes()
        pause(life.context(), account)
        resume(life.context(), account)
        assert wakes()
        assert not wakes()


# --- the list is gone -------------------------------------------------------------------------------------------------


def test_the_list_is_deleted(place: Place) -> None:
    """The account says so and what to do, and nobody's follow-up is dismissed; with another list all goes on there."""
    with place.world(KITH_WEEKLY_CAP="0") as (life, post):
        life.knows(ANA, BEN, CLEO)
        ids = life.connect()
        life.run()
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.mail(BEN, MARA, "Could you send me the numbers?", "Numbers")
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        (ben,) = life.followups("awaiting_me", BEN)
        life.tick(ben.id)
        life.live(TUESDAY + 2 * HOUR, timedelta(minutes=20))
        life.dav.delete(f"{life.dav.calendars}follow-ups/")
        life.live(TUESDAY + 3 * HOUR, timedelta(minutes=20))
        life.mail(CLEO, MARA, "Could you send me the numbers?", "Numbers")
        life.live(TUESDAY + 4 * HOUR, timedelta(minutes=20))
        by_id = {one.id: one for one in _how(life).accounts}
        assert by_id[ids["caldav"]].standing == "reconnect"
        assert "--tasks LIST" in str(by_id[ids["caldav"]].reason)
        assert by_id[ids["imap"]].standing == "well"
        assert len(post.taken) == 1
        life.live(TUESDAY + timedelta(days=1))
        _goes_on_in_another_list(life, "caldav")
        assert sorted(life.titles()) == sorted(
            one.title for one in life.book.followups() if one.state == "open"
        )


def test_the_list_is_made_anew(place: Place) -> None:
    """Deleted and made again at its place: nobody's follow-up is dismissed, it is told, and another list takes them up."""
    with place.world(KITH_WEEKLY_CAP="0") as (life, _):
        life.knows(ANA, BEN, CLEO)
        life.connect("imap", "caldav")
        life.run()
        for person in (ANA, BEN):
            life.mail(person, MARA, "Could you send me the numbers?", "Numbers")
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        (ben,) = life.followups("awaiting_me", BEN)
        life.tick(ben.id)
        life.live(TUESDAY + 2 * HOUR, timedelta(minutes=20))
        life.dav.delete(f"{life.dav.calendars}follow-ups/")
        life.dav.make_calendar("follow-ups", "Follow-ups", "VTODO")
        life.live(TUESDAY + 4 * HOUR, timedelta(minutes=20))
        (told,) = _how(life).rejects
        assert told.where == "the list Follow-ups"
        assert "made anew" in told.reason
        assert life.titles() == [], "nothing is made a second time by itself"
        life.mail(CLEO, MARA, "Could you send me the numbers?", "Numbers")
        life.live(TUESDAY + 6 * HOUR, timedelta(minutes=20))
        assert [title.split("@")[0] for title in life.titles()] == ["Answer cleo"]
        _goes_on_in_another_list(life, "caldav")
        assert sorted(life.titles()) == sorted(
            one.title for one in life.book.followups() if one.state == "open"
        )


def _goes_on_in_another_list(life: World, kind: str, **given: Any) -> None:
    states = {one.title.split("@")[0]: one.state for one in life.book.followups()}
    assert states == {"Answer ana": "open", "Answer ben": "done", "Answer cleo": "open"}
    life.connect(kind, tasks="Elsewhere", **given)
    life.run()
    life.live(life.clock.now() + 2 * HOUR, timedelta(minutes=20))
    assert states == {one.title.split("@")[0]: one.state for one in life.book.followups()}
    assert _unsent(life) == []


def test_the_project_is_deleted(place: Place) -> None:
    """In Todoist as well; a project that is gone takes no follow-up with it."""
    with _with_todoist(place) as (life, todoist, _):
        _ask(life, ANA, BEN)
        todoist.complete(next(one["id"] for one in todoist.tasks() if "ben@" in one["content"]))
        life.live(life.clock.now() + HOUR, timedelta(minutes=20))
        project = todoist.project_named("Follow-ups")
        assert project is not None
        todoist.delete_project(project)
        life.live(life.clock.now() + HOUR, timedelta(minutes=20))
        _ask(life, CLEO)
        life.live(life.clock.now() + HOUR, timedelta(minutes=20))
        by_kind = {one.kind: one for one in _how(life).accounts}
        assert by_kind["todoist"].standing == "reconnect"
        assert "--tasks PROJECT" in str(by_kind["todoist"].reason)
        assert by_kind["imap"].standing == "well"
        _goes_on_in_another_list(life, "todoist", secret=todoist.token)
        assert sorted(one["content"] for one in todoist.tasks()) == sorted(
            one.title for one in life.book.followups() if one.state == "open"
        )


@pytest.mark.parametrize("kind", ["caldav", "todoist"])
def test_another_list_is_chosen(place: Place, kind: str) -> None:
    """The old list is still there: what stands in it goes on there, what is new comes into the other, each once."""
    with (
        Todoist().serve() as todoist,
        place.world(KITH_TODOIST_ROOT=todoist.url, KITH_WEEKLY_CAP="0") as (life, _),
    ):
        todoist.clock = life.clock
        secret = todoist.token if kind == "todoist" else ""
        life.knows(ANA, BEN)
        life.connect("imap")
        life.connect(kind, secret=secret)
        life.run()
        _ask(life, ANA)
        life.connect(kind, secret=secret, tasks="Elsewhere")
        life.run()
        _ask(life, BEN)
        life.live(life.clock.now() + HOUR, timedelta(minutes=20))
        there = [one["content"] for one in todoist.tasks()] if kind == "todoist" else life.titles()
        assert sorted(there) == sorted(one.title for one in life.book.followups())
        assert {one.state for one in life.book.followups()} == {"open"}


# --- reading by hand beside the home that runs ------------------------------------------------------------------------


def test_sync_beside_the_running_home(place: Place) -> None:
    """While the home reads an account, `kith sync` does not read it as well: it waits, then says so and fails nothing."""
    meddling = Meddling()
    with place.world(known=meddling.known()) as (life, _), _second(life) as other:
        life.knows(ANA)
        ids = life.connect("imap", "caldav")
        told: list[tuple[SyncReport, list[str]]] = []

        def by_hand() -> None:
            busy: list[str] = []
            report = sync(
                other.app, other.app.book(), busy=lambda one: busy.append(one.id), patience=timedelta(0)
            )
            told.append((report, busy))

        meddling.acts["page"] = by_hand
        life.run()
        ((report, busy),) = told
        assert busy == [ids["imap"]]
        assert [one.source for one in report.sources if one.source == ids["imap"]] == []
        assert [one.reason for one in report.accounts] == [None, None]
        assert status_of_sync(report) == 0
        assert [one.standing for one in _how(life).accounts] == ["well", "well"]
        report = sync(other.app, other.app.book())
        assert [one.unchanged + one.read for one in report.sources if one.source == ids["imap"]] == [0]


def test_the_home_beside_a_sync_by_hand(place: Place) -> None:
    """While `kith sync` reads an account, the home leaves it alone and looks again afterwards; nothing is read twice."""
    meddling = Meddling()
    with place.world(known=meddling.known()) as (life, _), _second(life) as other:
        life.knows(ANA)
        ids = life.connect("imap")

        def home() -> None:
            with pytest.raises(TurnTaken):
                life.household.pull(life.book.owner, ids["imap"], "imap")

        meddling.acts["page"] = home
        (imap,) = sync(other.app, other.app.book()).sources
        assert (imap.added, imap.read) == (2, 2)
        life.run()
        assert meddling.acts == {}
        assert _how(life).accounts[0].standing == "well"


# --- killed again and again (R9, R23) ---------------------------------------------------------------------------------


def test_killed_amid_a_first_reading(place: Place, tmp_path: Path) -> None:
    """`kith up` is killed at four points of a first reading and its tasks: in the end all is as if it never had been."""
    people = [f"p{number}@example.org" for number in range(20)]
    with world(tmp_path / "calm", TUESDAY, place.dovecot, place.user, place.dav, KITH_WEEKLY_CAP="0") as (
        calm,
        _,
    ):
        calm.knows(*people)
        for number in range(560):
            asks = "Could you send me the numbers?" if number < 20 else "Thank you."
            calm.mail(people[number % 20], MARA, asks, f"Matter {number}")
        calm.connect("imap", "caldav")
        calm.run()
        wanted, tasks = _derived(calm, tmp_path / "wanted"), sorted(calm.titles())
    assert len(tasks) == 20
    place.dav.delete(place.dav.calendars)
    place.dav.ask("PROPFIND", place.dav.calendars, Depth="0")
    place.dav.make_calendar("work", "Work")
    with place.world(KITH_WEEKLY_CAP="0") as (life, _):
        life.connect("imap", "caldav")
        before = _tries(place)

        def events() -> int:
            with life.app.store.read() as unit:
                return stream.last_seq(unit, life.book.owner)

        def is_all_done() -> bool:
            with life.app.store.read() as unit:
                return life.book.is_kept() and not outbox.waiting(unit, life.book.owner)

        said = events()
        points = (
            lambda: _tries(place) > before,
            lambda: events() > said,
            lambda: len(life.titles()) > 0,
            lambda: len(life.titles()) > 5,
        )
        for is_there in points:
            with up(life.home, **life.environment) as running:
                until(is_there, timedelta(seconds=20))
                running.end(SIGKILL)
        with up(life.home, **life.environment):
            until(lambda: len(life.titles()) == 20 and is_all_done(), timedelta(seconds=20))
        assert sorted(life.titles()) == tasks
        assert _derived(life, tmp_path / "after") == wanted


# --- the same mail from elsewhere, or under other numbers (R7, R27) ---------------------------------------------------


def _derived(life: World, folder: Path) -> dict[str, bytes]:
    return exported(life.book, folder, ["events.jsonl", "digests.jsonl"])


def test_the_mailbox_has_other_numbers(place: Place, tmp_path: Path) -> None:
    """The provider moved the mailbox (UIDVALIDITY): nothing comes twice or goes, and the owner's words stay (R7)."""
    with place.world(KITH_WEEKLY_CAP="0") as (life, _):
        life.knows(ANA, BEN, CLEO)
        life.connect("imap", "caldav")
        life.run()
        for person in (ANA, BEN, CLEO):
            life.mail(person, MARA, "Could you send me the numbers?", "Numbers")
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        life.book.decide([Merge(a=f"email:{BEN}", b="email:ben@work.example")])
        (ana,) = life.followups("awaiting_me", ANA)
        _snooze(life, ana.id)
        life.live(TUESDAY + 2 * HOUR, timedelta(minutes=20))
        before, tasks = _derived(life, tmp_path / "before"), life.tasks()
        life.move_mailbox()
        life.live(TUESDAY + 3 * HOUR, timedelta(minutes=20))
        assert _how(life).accounts[0].standing == "well"
        assert _without_numbers(_derived(life, tmp_path / "after")) == _without_numbers(before)
        now = life.tasks()
        assert {key: task.to_ical() for key, task in now.items()} == {
            key: task.to_ical() for key, task in tasks.items()
        }
        asked = life.mail(BEN, MARA, "And the figures?", "Figures")
        life.live(TUESDAY + 4 * HOUR, timedelta(minutes=20))
        assert len(life.tasks()) == 4, asked


def _without_numbers(files: dict[str, bytes]) -> dict[str, bytes]:
    """What is exported, but for the numbers of mails at their server."""
    return {name: re.sub(rb'"source_key":"[0-9.]+"', b"", content) for name, content in files.items()}


@pytest.mark.parametrize("forgotten", ["imap", "caldav"])
def test_the_same_from_an_account_and_from_a_file(place: Place, tmp_path: Path, forgotten: str) -> None:
    """Mail and meeting are told once; forgotten with the account, what the file brought stays as if it were alone (R27)."""
    with place.world() as (life, _):
        life.knows(ANA, BEN)
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        life.meeting("coffee@example.com", TUESDAY - timedelta(days=1), "erin@example.net")
        files = life.files(tmp_path)
        ids = life.connect("imap") | life.connect("caldav", tasks="")
        life.run()
        live = _derived(life, tmp_path / "live")
        import_paths(life.app, life.book, files)
        both = _derived(life, tmp_path / "both")
        assert _interactions(both) == _interactions(live)
        assert len(_interactions(both)) == 6
        disconnect(life.context(), ids[forgotten], forget=True)
        life.run()
        after = _derived(life, tmp_path / "after")
    with world(tmp_path / "other", TUESDAY, place.dovecot, place.user, place.dav) as (alone, _):
        other = "caldav" if forgotten == "imap" else "imap"
        alone.connect(other, **({"tasks": ""} if other == "caldav" else {}))
        alone.run()
        import_paths(alone.app, alone.book, files)
        wanted = _derived(alone, tmp_path / "alone")
    wanted["owner.json"] = after["owner.json"]
    assert after == wanted


def _interactions(files: dict[str, bytes]) -> list[Any]:
    return sorted(json.loads(line)["id"] for line in files["interactions.jsonl"].splitlines())


def test_never_again(place: Place, tmp_path: Path) -> None:
    """An address or a folder that is ruled out is out backwards, and from then on, with the account alive (Y7)."""
    with place.world() as (life, _):
        life.knows(ANA, BEN)
        life.program.create_folder("Private")
        life.mail(CLEO, MARA, "Between us.", folder="Private")
        life.connect("imap")
        life.run()
        told = b"".join(_derived(life, tmp_path / "before").values())
        assert BEN.encode() in told
        assert CLEO.encode() in told
        never_ingest(life.book, BEN)
        never_ingest(life.book, "Private")
        life.mail(BEN, MARA, "Could you send me the numbers?", "Numbers")
        life.mail(CLEO, MARA, "Could you send me the keys?", folder="Private")
        life.mail(ANA, MARA, "Could you send me the letter?", "Letter")
        life.live(TUESDAY + HOUR, timedelta(minutes=20))
        assert len(life.followups("awaiting_me", ANA)) == 1
        files = exported(life.book, tmp_path / "after")
        said = b"".join(files.values())
        assert said.count(BEN.encode()) == 1, "the owner's own word names them"
        assert CLEO.encode() not in said
        sync(life.app, life.book, full=True)
        assert b"".join(exported(life.book, tmp_path / "again").values()).count(BEN.encode()) == 1


# --- news, without asking (R29) ---------------------------------------------------------------------------------------


def test_a_mail_that_comes_is_a_task_at_once(place: Place) -> None:
    """The server tells of it: a task stands in the list though no schedule looks; paused, the line is let go of."""
    with place.world() as (life, _):
        life.knows(ANA, BEN)
        ids = life.connect("imap", "caldav")
        life.run()
        here = life.household
        listeners = Listeners(here.live.places, lambda it: here.bells.pull.send(*it), lambda: 0.5)
        listeners.look()
        life.mail(ANA, MARA, "Could you send me the numbers?", "Numbers")
        _until(lambda: len(life.tasks()) == 1)
        pause(life.context(), ids["imap"])
        listeners.look()
        _until(lambda: not any(one.name == f"listen {ids['imap']}" for one in enumerate_threads()))
        life.mail(BEN, MARA, "Could you send me the numbers?", "Numbers")
        here.broker.join("default")
        assert len(life.tasks()) == 1


def _until(is_so: Callable[[], bool], within: float = 15) -> None:
    deadline, pauses = monotonic() + within, Event()
    while not is_so():
        assert monotonic() < deadline, "it never came to be so"
        pauses.wait(0.05)


# --- a disk that takes nothing (R14) ----------------------------------------------------------------------------------------


@contextmanager
def _disk(life: World, state: str) -> Iterator[None]:
    """The database may not grow by a page, or may not be written at all."""

    def full(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA {state}")

    engine = life.app.store.engine
    event.listen(engine, "connect", full)
    engine.dispose()
    try:
        yield
    finally:
        event.remove(engine, "connect", full)
        engine.dispose()


@pytest.mark.parametrize(
    ("state", "words"),
    [("max_page_count = 1", "The disk is full."), ("query_only = 1", "The database cannot be written.")],
)
def test_a_disk_that_takes_nothing(place: Place, tmp_path: Path, state: str, words: str) -> None:
    """What cannot be kept is not lost: it is said, nothing is damaged, and once there is room it is read, once."""
    with place.world() as (life, _):
        life.knows(ANA, BEN)
        ids = life.connect("imap", "caldav")
        life.run()
        for number in range(60):
            life.mail(ANA, MARA, f"News {number}. " + "x" * 2_000, f"News {number}")
        life.mail(BEN, MARA, "Could you send me the numbers?", "Numbers")
        life.clock.advance(HOUR)
        assert isinstance(life.household.broker, EmbeddedBroker)
        life.household.broker.fail_fast_default = False
        with _disk(life, state), capture_logs() as log:
            for _ in range(ATTEMPTS):
                with pytest.raises(OperationalError):
                    sync(life.app, life.book, [ids["imap"]])
            life.household.bells.pull.send(life.book.owner, ids["imap"], "imap")
            life.household.broker.join("default")
        failed = [entry["why"] for entry in log if entry["event"] == "job failed"]
        assert failed
        assert all(why.startswith(words) for why in failed)
        with life.app.store.read() as unit:
            assert unit.connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
        life.live(life.clock.now() + HOUR, timedelta(minutes=20))
        assert len(life.tasks()) == 1
        lines = _derived(life, tmp_path / "after")["interactions.jsonl"].splitlines()
        assert len(lines) == 4 + 61
