"""What a running home does with accounts that were signed in to: one mail when one is over, the digest by it, a weekly touch."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_string
from email.message import Message
from pathlib import Path

import pytest

from deploy.household import Household
from deploy.mailers import mailer
from deploy.posting import ask_for_owner
from deploy.settings import read_settings
from deploy.wiring import Application
from services import accounts
from services.accounts import Account
from tests.cli.test_signing import BEN, MARA, Desk
from tests.cli.vendor import vendor_connectors
from tests.fakes.authority import signing_in
from tests.services.builders import a_message


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk("google", tmp_path)
    with signing_in(made.sign_in, made.api) as server:
        made.begin(server)
        yield made


class Life:
    """The home, running."""

    def __init__(self, desk: Desk) -> None:
        self.app = Application(read_settings(None, desk.kith.environment), vendor_connectors())
        self.app.clock = desk.clock
        self.household = Household(self.app)

    def account(self, user: str) -> Account:
        with self.app.store.read() as unit:
            return next(one for one in accounts.accounts(unit, 1) if one.user == user)

    def close(self) -> None:
        self.household.broker.close()
        self.app.close()


def sent(desk: Desk) -> list[Message]:
    return [message_from_string(one) for one in desk.api.sent]


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8321", "https://kith.example.com"])
def test_one_mail_tells_how_to_sign_in_again(desk: Desk, public_url: str) -> None:
    """An account that is withdrawn: one mail by another, with the cause, the command, and on a server the link."""
    assert desk.connect("--user", MARA, "--digest").status == 0
    assert desk.connect("--user", BEN, "--read", "mail", who=BEN).status == 0
    desk.sign_in.end(BEN)
    desk.later(hours=2)
    desk.kith.environment["KITH_PUBLIC_URL"] = public_url
    life = Life(desk)
    ben, mara = life.account(BEN), life.account(MARA)
    for _ in range(2):
        life.household.pull(1, ben.id, "gmail")
    assert life.account(BEN).state == "reconnect"
    life.household.deliver(1, mara.id)
    life.household.deliver(1, mara.id)
    (told,) = sent(desk)
    payload = told.get_payload(decode=True)
    assert isinstance(payload, bytes)
    text = payload.decode()
    assert told["Subject"] == f"Kith can no longer read {BEN}"
    assert "withdrawn at https://myaccount.google.com" in text
    assert f"Connect it again: kith connect google --user {BEN}" in text
    assert ("Or in a browser: https://kith.example.com/connect/google?ask=" in text) is (
        "https" in public_url
    )
    assert text.count("Nothing is lost") == 1
    assert "canary" not in text
    life.close()


@pytest.mark.parametrize("is_read", [True, False])
def test_each_loss_is_told_once(desk: Desk, *, is_read: bool) -> None:
    """Withdrawn, allowed again and withdrawn again is two mails, though nothing was read between, or nothing ever is."""
    words = ("--user", BEN, "--read", "mail", "--no-sync", *(() if is_read else ("--digest",)))
    untick = "" if is_read else "gmail.readonly"
    assert desk.connect("--user", MARA, "--digest").status == 0
    for number in (1, 2):
        assert desk.connect(*words, who=BEN, untick=untick).status == 0
        desk.sign_in.end(BEN)
        desk.later(days=8)
        life = Life(desk)
        for _ in range(2):
            life.household.touch(1)
            life.household.pull(1, life.account(BEN).id, "gmail")
            life.household.deliver(1, life.account(MARA).id)
        assert life.account(BEN).state == "reconnect"
        told = sent(desk)
        assert [one["Subject"] for one in told] == [
            f"Kith can no longer {'read' if is_read else 'send by'} {BEN}"
        ] * number
        assert len({one["Message-ID"] for one in told}) == number
        life.close()


def test_the_digest_goes_out_by_an_account_that_holds_tasks_too(desk: Desk) -> None:
    """What was asked of it as a mail is sent, what was asked as a task is written, each by its own permission."""
    assert desk.connect("--tasks", "--digest").status == 0
    desk.api.items["mail"].append(a_message("m5", "ana@example.org", days_ago=1, name="Ana Okafor"))
    assert desk.kith("sync").status == 0
    told = desk.kith("digest", "--send")
    assert told.status == 0, told
    (digest,) = sent(desk)
    assert MARA in str(digest["To"])
    assert str(digest["Subject"]).startswith("Your week")
    again = desk.kith("digest", "--send")
    assert "sent already" in again.out + again.err
    assert len(sent(desk)) == 1


def test_an_account_that_was_not_asked_to_sends_nothing(desk: Desk) -> None:
    """Reading mail is no permission to send; the owner said no word of it."""
    assert desk.connect().status == 0
    life = Life(desk)
    with life.app.store.write() as unit:
        assert mailer(life.app, unit, 1) is None
        assert ask_for_owner(life.app, unit, life.account(MARA)) is None
    life.close()
    told = desk.kith("digest", "--send")
    assert (told.status, "No account sends mail yet" in told.err) == (1, True)


def test_unused_sign_ins_are_touched(desk: Desk) -> None:
    """Once a week, of paused accounts as well; one that is over waits for its owner, and nothing is asked twice."""
    assert desk.connect("--user", MARA, "--no-sync").status == 0
    assert desk.connect("--user", BEN, "--no-sync", who=BEN).status == 0
    assert desk.kith("pause", BEN).status == 0
    life = Life(desk)
    life.household.touch(1)
    assert desk.sign_in.refreshes() == 0
    desk.clock.advance(timedelta(days=7, hours=1))
    life.household.touch(1)
    life.household.touch(1)
    assert desk.sign_in.refreshes() == 2
    desk.sign_in.end(MARA)
    desk.sign_in.end(BEN)
    desk.clock.advance(timedelta(days=8))
    desk.server.faults.order("503", 2)
    life.household.touch(1)
    assert (life.account(MARA).state, life.account(BEN).state) == ("active", "paused")
    life.household.touch(1)
    assert (life.account(MARA).state, life.account(BEN).state) == ("reconnect", "paused")
    assert "in Testing end after 7 days" in life.account(BEN).reason
    asked = desk.sign_in.refreshes()
    desk.clock.advance(timedelta(days=8))
    life.household.touch(1)
    assert desk.sign_in.refreshes() == asked, "what is over is not asked about again"
    life.close()
