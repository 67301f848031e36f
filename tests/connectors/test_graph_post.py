"""The digest handed to Microsoft Graph: once, as it was written, to its owner alone."""

import contextlib
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from connectors import graph_mail
from schemas.errors import Ambiguous, ConnectorError, RateLimited, ReauthRequired, Rejected, Transient
from tests.connectors.graph_box import GraphBox
from tests.fakes.faults import Fault
from tests.fakes.graph_mail import OWNER

MAIL = (
    f"From: Kith <{OWNER}>\r\nTo: Me <{OWNER}>\r\nSubject: Your week\r\nDate: Mon, 23 Nov 2026 09:00:00 +0000\r\n"
    "Message-ID: <kith-1@home.test>\r\nList-Unsubscribe: <https://kith.example.com/u/1>\r\n"
    "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
    "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nBjörn wartet auf Antwort.\r\n"
).encode()
SEND = frozenset({"https://graph.microsoft.com/Mail.Send"})


@pytest.fixture
def box() -> Iterator[GraphBox]:
    """A mailbox that may be read, and sent from."""
    with GraphBox().serve() as made:
        made.scopes |= SEND
        yield made


def send(box: GraphBox, mail: bytes = MAIL, sender: str = OWNER, to: str = OWNER, **more: Any) -> None:
    """Hand over a mail."""
    graph_mail.open_mail(box.access(**more)).send(mail, sender, to)


def test_a_mail_goes_out_as_it_was_written(box: GraphBox) -> None:
    """Every byte, and so every header, List-Unsubscribe too; a copy is in Sent Items."""
    send(box)
    assert box.mail.sent == [MAIL]
    mail = message_from_bytes(box.mail.sent[0], policy=default)
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert box.mail.named("kith-1@home.test").folder == box.mail.roles["sentitems"]
    assert [one for one in box.asked() if one.startswith("POST")] == ["POST /v1.0/me/sendMail"]


def test_a_mail_that_is_there_is_not_sent_again(box: GraphBox) -> None:
    """The same mail handed over again, as after a crash, goes out once."""
    send(box)
    send(box)
    send(box, MAIL.replace(b"kith-1", b"kith-2"))
    assert len(box.mail.sent) == 2


@pytest.mark.parametrize("fault", ["lose_answer", "cut", "web_page"])
def test_a_lost_answer_is_settled_by_a_look(box: GraphBox, fault: Fault) -> None:
    """Where the answer never came, Sent Items say that it went out."""
    box.server.faults.order(fault, writes_only=True)
    send(box)
    send(box)
    assert box.mail.sent == [MAIL]


def test_what_cannot_be_known_is_ambiguous(box: GraphBox) -> None:
    """Where Sent Items do not tell, that it may have gone out is told; once they do, it is not sent again."""
    box.mail.sent_items_late = True
    box.server.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        send(box)
    box.mail.deliver_late()
    send(box)
    assert box.mail.sent == [MAIL]


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("429", RateLimited), ("503", Transient), ("500", Ambiguous), ("lose_answer", Ambiguous)],
)
def test_without_a_look_nothing_is_presumed(box: GraphBox, fault: Fault, kind: type[ConnectorError]) -> None:
    """With the permission to send alone nobody looks, and what may have gone out is told as that."""
    box.scopes = SEND
    box.server.faults.order(fault, writes_only=True)
    with pytest.raises(kind) as caught:
        send(box)
    assert type(caught.value) is kind
    assert [one for one in box.asked() if one.startswith("GET")] == []
    assert "week" not in str(caught.value)


def test_a_server_in_trouble_sends_nothing_twice(box: GraphBox) -> None:
    """Whatever the faults, in whatever order, a mail handed over until it is taken is sent once."""
    for fault in ("429", "503", "die_before", "lose_answer", "500"):
        box.server.faults.order(fault, writes_only=True)
        with contextlib.suppress(Transient, Ambiguous):
            send(box)
    send(box)
    assert box.mail.sent == [MAIL]


def test_changed_message_ids_stop_nothing(box: GraphBox) -> None:
    """Where Exchange gives a mail another Message-ID, it goes out; only a repeat cannot be told then."""
    box.mail.keeps_ids = False
    send(box)
    box.server.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        send(box, MAIL.replace(b"kith-1", b"kith-2"))


@pytest.mark.parametrize(
    "mail",
    [
        MAIL.replace(b"To: Me", b"Cc: eve@evil.example\r\nTo: Me"),
        MAIL.replace(b"To: Me", b"Bcc: eve@evil.example\r\nTo: Me"),
        MAIL.replace(f"To: Me <{OWNER}>".encode(), b"To: eve@evil.example"),
        MAIL.replace(b"Subject:", b"To: eve@evil.example\r\nSubject:"),
        MAIL.replace(b"From: Kith", b"From: eve@evil.example, Kith"),
        b"Subject: nobody\r\n\r\nto nobody\r\n",
    ],
)
def test_it_goes_to_its_owner_alone(box: GraphBox, mail: bytes) -> None:
    """Graph goes by what a mail says: one that names others than its addressee is not handed over."""
    with pytest.raises(Rejected, match="not sent"):
        send(box, mail)
    assert box.asked() == []


def test_a_mail_without_a_message_id(box: GraphBox) -> None:
    """One that cannot be found again is sent, and a lost answer is what it is."""
    mail = MAIL.replace(b"Message-ID: <kith-1@home.test>\r\n", b"")
    send(box, mail)
    box.server.faults.order("lose_answer", writes_only=True)
    with pytest.raises(Ambiguous):
        send(box, mail)


def test_another_sender_is_refused_for_good(box: GraphBox) -> None:
    """An address that the mailbox may not send as is told of as that, and not as a lost permission."""
    mail = MAIL.replace(f"From: Kith <{OWNER}>".encode(), b"From: other@home.test")
    with pytest.raises(Rejected, match="may not send") as caught:
        send(box, mail, sender="other@home.test")
    assert not isinstance(caught.value, ReauthRequired)


def test_a_missing_permission_to_send(box: GraphBox) -> None:
    """Without the permission to send, the words say what is missing, known before or found out."""
    box.scopes -= SEND
    for scopes in (sorted(box.scopes), None):
        with pytest.raises(ReauthRequired, match=r"Mail\.Send is missing.*kith connect microsoft"):
            send(box, scopes=scopes)
    assert box.mail.sent == []


def test_a_refused_sign_in(box: GraphBox) -> None:
    """A token that ended asks for another sign-in, with no word of the mail."""
    with pytest.raises(ReauthRequired) as caught:
        send(box, secret="stale")
    assert "stale" not in str(caught.value)
