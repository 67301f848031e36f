"""The digest handed to Exchange: once, as it was written, to its owner alone."""

import contextlib
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from connectors import exchange_mail
from schemas.errors import Ambiguous, ConnectorError, RateLimited, ReauthRequired, Rejected, Transient
from tests.connectors.exchange import an_access
from tests.fakes.exchange import USER, ExchangeServer
from tests.fakes.exchange_wire import Refused
from tests.fakes.faults import Fault

MAIL = (
    f"From: Kith <{USER}>\r\nTo: Me <{USER}>\r\nSubject: Your week\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
    "Message-ID: <kith-1@home.test>\r\nList-Unsubscribe: <https://kith.example.com/u/1>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nBjörn wartet auf Antwort.\r\n"
).encode()


@pytest.fixture
def mailbox() -> Iterator[ExchangeServer]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    with ExchangeServer().serve() as server:
        yield server
        assert server.breaches == []


def send(
    mailbox: ExchangeServer, mail: bytes = MAIL, sender: str = USER, to: str = USER, **more: Any
) -> None:
    """Hand over a mail."""
    exchange_mail.open_mail(an_access(mailbox, **more)).send(mail, sender, to)


def test_a_mail_goes_out_as_it_was_written(mailbox: ExchangeServer) -> None:
    """Every byte, and so every header, List-Unsubscribe too; it costs a look and the sending, and a copy is in Sent Items."""
    send(mailbox)
    assert mailbox.sent == [MAIL]
    mail = message_from_bytes(mailbox.sent[0], policy=default)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert [one.folder for one in mailbox.items()] == [mailbox.folder("sentitems")]
    assert mailbox.operations() == ["FindItem", "CreateItem"]


def test_a_mail_that_is_there_is_not_sent_again(mailbox: ExchangeServer) -> None:
    """The same mail handed over again, as after a crash, goes out once; another one does as well."""
    send(mailbox)
    send(mailbox)
    send(mailbox, MAIL.replace(b"kith-1", b"kith-2"))
    assert len(mailbox.sent) == 2


@pytest.mark.parametrize("fault", ["lose_answer", "cut", "web_page"])
def test_a_lost_answer_is_settled_by_a_look(mailbox: ExchangeServer, fault: Fault) -> None:
    """Where the answer never came, Sent Items say that it went out."""
    mailbox.faults.order(fault, writes_only=True)
    send(mailbox)
    send(mailbox)
    assert mailbox.sent == [MAIL]


def test_what_cannot_be_known_is_ambiguous(mailbox: ExchangeServer) -> None:
    """Where Sent Items do not hold it, or cannot be looked at, that it may have gone out is told."""
    mailbox.keeps_copies = False
    mailbox.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        send(mailbox)
    looks: list[str] = []

    def refuse(asked: Any) -> None:
        looks.extend([asked.operation] if asked.operation == "FindItem" else [])
        if len(looks) > 1:
            raise Refused("ErrorServerBusy")

    mailbox.refuse = refuse
    mailbox.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        send(mailbox)
    assert len(looks) == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("429", RateLimited), ("500", Ambiguous), ("503", Transient), ("die_before", Ambiguous)],
)
def test_a_server_in_trouble_sends_nothing_twice(
    mailbox: ExchangeServer, fault: Fault, kind: type[ConnectorError]
) -> None:
    """What failed is told as what is known of it, in words that say nothing of the mail; it goes out once in the end."""
    mailbox.faults.order(fault, writes_only=True)
    with pytest.raises(kind) as caught:
        send(mailbox)
    for word in ("week", USER, "kith-1"):
        assert word not in str(caught.value)
    for _ in range(2):
        send(mailbox)
    assert mailbox.sent == [MAIL]


def test_nothing_is_sent_before_it_was_looked(mailbox: ExchangeServer) -> None:
    """While Sent Items cannot be looked at nothing goes out, as it may have gone out before."""
    mailbox.faults.order("503")
    with pytest.raises(Transient):
        send(mailbox)
    assert mailbox.sent == []


def test_an_answer_that_was_left_out_is_ambiguous(mailbox: ExchangeServer) -> None:
    """An answer without a word about the mail says nothing of it."""
    mailbox.keeps_copies = False

    def without(said: bytes) -> bytes:
        begin, end = said.find(b"<m:CreateItemResponseMessage "), said.find(b"</m:ResponseMessages>")
        return said[:begin] + said[end:] if begin >= 0 else said

    mailbox.wire.spoil = without
    with pytest.raises(Ambiguous):
        send(mailbox)


@pytest.mark.parametrize(
    "mail",
    [
        MAIL.replace(b"To: Me", b"Cc: eve@example.com\r\nTo: Me"),
        MAIL.replace(b"To: Me", b"Bcc: eve@example.com\r\nTo: Me"),
        MAIL.replace(f"To: Me <{USER}>".encode(), b"To: eve@example.com"),
        MAIL.replace(b"From: Kith", b"From: eve@example.com, Kith"),
        b"Subject: nobody\r\n\r\nto nobody\r\n",
    ],
)
def test_it_goes_to_its_owner_alone(mailbox: ExchangeServer, mail: bytes) -> None:
    """Exchange goes by what a mail says: one that names others than its addressee is not handed over."""
    with pytest.raises(Rejected, match="not sent"):
        send(mailbox, mail)
    assert mailbox.wire.raw == []


def test_a_mail_without_a_message_id(mailbox: ExchangeServer) -> None:
    """One that cannot be found again is sent, and a lost answer is what it is."""
    mail = MAIL.replace(b"Message-ID: <kith-1@home.test>\r\n", b"")
    send(mailbox, mail)
    mailbox.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        send(mailbox, mail)


def test_another_sender_is_refused_for_good(mailbox: ExchangeServer) -> None:
    """An address that the mailbox may not send as is told of as that, with what to do."""
    mail = MAIL.replace(f"From: Kith <{USER}>".encode(), b"From: other@home.test")
    with pytest.raises(Rejected, match="--from") as caught:
        send(mailbox, mail, sender="other@home.test")
    assert not isinstance(caught.value, ReauthRequired)


def test_a_refused_sign_in(mailbox: ExchangeServer) -> None:
    """A password that is refused asks for another, after one try."""
    with pytest.raises(ReauthRequired):
        send(mailbox, secret="stale")
    assert len(mailbox.wire.raw) == 1


def test_a_row_of_faults(mailbox: ExchangeServer) -> None:
    """Whatever the faults, in whatever order, a mail handed over until it is taken is sent once."""
    for fault in ("429", "503", "die_before", "lose_answer", "500"):
        mailbox.faults.order(fault, writes_only=True)
        with contextlib.suppress(Transient, Ambiguous):
            send(mailbox)
    send(mailbox)
    assert mailbox.sent == [MAIL]
