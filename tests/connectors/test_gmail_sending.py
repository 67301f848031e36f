"""The digest sent by Gmail: every byte of it, to its owner alone, and once whatever becomes of the answers."""

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.policy import SMTP, default
from typing import Any

import pytest

from connectors import gmail
from schemas.connector import MailSink
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from tests.connectors.gmail import GmailBox, a_gmail_box
from tests.contract.live_source import SECRET
from tests.fakes.faults import PATIENCE, Fault
from tests.fakes.gmail import METADATA, READONLY, SEND

MARA = "mara@example.com"


def a_digest(week: str = "2026-W47", date: str = "Mon, 23 Nov 2026 07:30:00 +0100", **headers: str) -> bytes:
    """A digest as it is posted."""
    fields = {
        "From": f"Kith <{MARA}>",
        "To": f"Mara Lindholm <{MARA}>",
        "Subject": f"Your week {week}: Jonas Weiß",
        "Date": date,
        "Message-ID": f"<kith-{week}@example.com>",
        "List-Unsubscribe": "<https://kith.example.com/go/stop>, <mailto:stop@example.com>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "Auto-Submitted": "auto-generated",
        "X-Kith-Instance": "k42",
        **headers,
    }
    mail = message_from_bytes(b"", policy=SMTP)
    for name, value in fields.items():
        mail[name] = value
    mail.set_content("Good morning, Jonas Weiß waits.\n", cte="8bit")
    mail.add_alternative("<p>Good morning</p>", subtype="html")
    mail.set_boundary("=_kith-42")
    return mail.as_bytes()


@pytest.fixture
def box() -> Iterator[GmailBox]:
    """A mailbox that may be read and sent from."""
    with a_gmail_box(READONLY, SEND) as made:
        yield made


def a_sink(box: GmailBox, **more: Any) -> MailSink:
    assert gmail.SPEC.open_mail is not None
    return gmail.SPEC.open_mail(box.access(to=MARA, **more))


def send(box: GmailBox, mail: bytes | None = None, **more: Any) -> None:
    a_sink(box, **more).send(mail or a_digest(), MARA, MARA)


def test_a_mail_arrives_as_it_was_written(box: GmailBox) -> None:
    """Every byte is there, the headers by which a reader can stop it among them."""
    send(box)
    (sent,) = box.gmail.sent()
    assert sent == a_digest().replace(b"\r\n", b"\n")
    read = message_from_bytes(sent, policy=default)
    assert read["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert read["Subject"] == "Your week 2026-W47: Jonas Weiß"


@pytest.mark.parametrize("scopes", [(READONLY, SEND), (METADATA, SEND)], ids=["texts", "headers"])
@pytest.mark.parametrize("replaces_ids", [False, True], ids=["own id", "Gmail's id"])
@pytest.mark.parametrize("fault", ["lose_answer", "500", "cut", "web_page"])
def test_a_lost_answer_is_looked_for(scopes: tuple[str, ...], replaces_ids: bool, fault: Fault) -> None:
    """R11: whether the mail went out is seen in the sent mail, by Gmail's Message-ID or ours: it goes out once."""
    with a_gmail_box(*scopes) as box:
        box.gmail.replaces_ids = replaces_ids
        send(box, a_digest("2026-W46", "Mon, 16 Nov 2026 07:30:00 +0100"))
        order_at_the_sending(box, fault)
        if fault == "500":
            # It fails before anything is sent, and says so of nothing: whether it went out is looked up, and open.
            with pytest.raises(Ambiguous):
                send(box)
        else:
            send(box)
        for _ in range(3):
            send(box)
        assert len(box.gmail.sent()) == 2


def order_at_the_sending(box: GmailBox, fault: Fault) -> None:
    """The next sending meets a fault, not the batch that looks for it."""
    inspect = box.server.inspect

    def watch(request: Any, reply: Any) -> Any:
        if request.path.endswith("/messages") and ("labelIds", "SENT") in request.query:
            left[0] -= 1
            if left[0] == 0:
                box.server.faults.order("slow")
                box.server.faults.order(fault)
        return inspect(request, reply)

    left = [1]
    box.server.inspect = watch


def test_without_leave_to_look_a_lost_answer_stays_open() -> None:
    """With the permission to send alone nobody can tell, and nothing is sent twice for that."""
    with a_gmail_box(SEND) as box:
        box.server.faults.order("lose_answer")
        with pytest.raises(Ambiguous) as told:
            send(box)
        assert len(box.gmail.sent()) == 1
        assert MARA not in str(told.value)


def test_two_mails_of_one_second_are_two(box: GmailBox) -> None:
    """A digest and a notice that were asked for at once are not taken for each other."""
    box.gmail.replaces_ids = True
    send(box)
    send(box, a_digest("2026-W48"))
    assert len(box.gmail.sent()) == 2


def test_one_that_was_deleted_is_not_sent_again(box: GmailBox) -> None:
    """What its owner moved to the bin was sent all the same."""
    send(box)
    box.gmail.trash(next(iter(box.gmail.mails)))
    send(box)
    assert len(box.gmail.sent()) == 1


@pytest.mark.parametrize("fault", ["die_before", "429", "503"])
def test_what_was_not_taken_may_be_sent_later(box: GmailBox, fault: Fault) -> None:
    """Before the sending nothing is in doubt."""
    box.server.faults.order(fault)
    with pytest.raises(Transient) as told:
        send(box)
    if isinstance(told.value, RateLimited):
        assert told.value.retry_after == timedelta(seconds=PATIENCE)
    send(box)
    assert len(box.gmail.sent()) == 1


def test_nobody_else_gets_it(box: GmailBox) -> None:
    """Gmail sends to whom the headers name: a mail that names others, or another sender, is not sent."""
    for mail, sender, to in (
        (a_digest(To="eve@example.com"), MARA, MARA),
        (a_digest(Cc="eve@example.com"), MARA, MARA),
        (a_digest(Bcc="eve@example.com"), MARA, MARA),
        (a_digest(From="eve@example.com"), MARA, MARA),
        (a_digest(To="eve@example.com"), MARA, "eve@example.com"),
    ):
        with pytest.raises(Rejected) as told:
            a_sink(box).send(mail, sender, to)
        assert "eve" not in str(told.value)
    assert box.server.requests == []


def test_the_permission_to_send_is_asked_for(box: GmailBox) -> None:
    """Without it nothing is sent, and the words say how to give it; a refused token is told apart."""
    with pytest.raises(ReauthRequired, match=r"send your digest \(gmail\.send\).*kith connect google"):
        send(box, scopes=[READONLY])
    assert box.server.requests == []
    with pytest.raises(ReauthRequired):
        send(box, secret="not this")
    box.scopes = frozenset({READONLY})
    with pytest.raises(ReauthRequired):
        send(box, scopes=[READONLY, SEND])
    assert box.gmail.sent() == []


@pytest.mark.parametrize("fault", ["lose_answer", "500", "503", "429", "cut", "web_page", "die_before"])
def test_errors_hold_no_words_of_a_mail(fault: Fault) -> None:
    """No error quotes a subject, an address or the token."""
    with a_gmail_box(SEND) as box:
        box.server.faults.order(fault)
        with pytest.raises(ConnectorError) as told:
            send(box)
        for word in ("Jonas", MARA, "2026-W47", SECRET):
            assert word not in str(told.value)


def test_a_sending_costs_what_it_costs(box: GmailBox) -> None:
    """100 units, and ten to look whether it went out before; nothing leaves where they are not there."""
    send(box)
    assert box.gmail.spent == 110

    def none_left(_name: str, _units: int, /) -> None:
        raise RateLimited("used up", retry_after=timedelta(minutes=1))

    box.gmail.mails.clear()
    requests = len(box.server.requests)
    with pytest.raises(RateLimited):
        send(box, spend=none_left)
    assert len(box.server.requests) == requests
