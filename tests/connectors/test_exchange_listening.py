"""News of an Exchange mailbox without asking: what wakes whoever listens, and what ends a line that stands."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from connectors import exchange_calendar, exchange_mail
from schemas.connector import Access, Listener
from schemas.errors import RateLimited, ReauthRequired, Rejected, Transient
from tests.connectors.exchange import a_letter, a_meeting, a_sent_letter, an_access
from tests.connectors.mail import a_mail
from tests.fakes.exchange import ExchangeServer
from tests.fakes.exchange_wire import Refused, Wire, e
from tests.fakes.http_script import Asked, reply, scripted
from tests.servers.smtp import Authority

SOON = timedelta(seconds=10)


@pytest.fixture
def mailbox() -> Iterator[ExchangeServer]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    with ExchangeServer().serve() as server:
        yield server
        assert server.breaches == []


@contextmanager
def listening(
    access: Access, opens: Callable[[Access], Listener] = exchange_mail.open_listener
) -> Iterator[Listener]:
    listener = opens(access)
    try:
        yield listener
    finally:
        listener.close()


def until(is_so: Callable[[], bool], within: float = 5) -> None:
    deadline, pause = time.monotonic() + within, threading.Event()
    while not is_so():
        assert time.monotonic() < deadline, "it never came to be so"
        pause.wait(0.01)


def is_quiet(listener: Listener) -> bool:
    return not listener.wait(timedelta(seconds=0.3))


def settle(listener: Listener) -> None:
    """Take in what is told of one act, which may be several events."""
    while listener.wait(timedelta(seconds=0.3)):
        pass


def test_news_is_told_at_once(mailbox: ExchangeServer) -> None:
    """Mail that comes, is sent, moved or deleted wakes whoever listens within a second; nothing else does."""
    id_ = mailbox.add("inbox", a_letter(a_mail(1)))
    work = mailbox.add_folder("Work", "IPF.Note")
    with listening(an_access(mailbox)) as listener:
        assert is_quiet(listener)
        for act in (
            partial(mailbox.add, "inbox", a_letter(a_mail(2))),
            partial(mailbox.add, "sentitems", a_sent_letter(1)),
            partial(mailbox.move, id_, work),
            partial(mailbox.remove, mailbox.add("inbox", a_letter(a_mail(3)))),
        ):
            settle(listener)
            begun = time.monotonic()
            act()
            assert listener.wait(SOON)
            assert time.monotonic() - begun < 1
        settle(listener)
        mailbox.mark_read(mailbox.items()[-1].id)
        mailbox.add(work, a_letter(a_mail(4)))
        mailbox.add("drafts", a_letter(a_mail(5), is_draft=True))
        mailbox.subscriptions.beat()
        assert is_quiet(listener)
    assert [one.operation for one in mailbox.asked][:2] == ["Subscribe", "GetStreamingEvents"]


def test_meetings_are_told_of(mailbox: ExchangeServer) -> None:
    """A meeting that is made or changed is news of the calendar, and mail is none."""
    with listening(an_access(mailbox), exchange_calendar.open_listener) as listener:
        id_ = mailbox.add("calendar", a_meeting("u1"))
        assert listener.wait(SOON)
        settle(listener)
        mailbox.change(id_, e("t:Subject", "Another"))
        assert listener.wait(SOON)
        settle(listener)
        mailbox.add("inbox", a_letter(a_mail(1)))
        assert is_quiet(listener)


def test_what_happens_before_the_answer_begins_is_told(mailbox: ExchangeServer) -> None:
    """From the subscription on nothing is missed, whether somebody listens yet or not."""
    mailbox.wire.spoil = slowly(mailbox.wire.spoil)
    with listening(an_access(mailbox)) as listener:
        mailbox.add("inbox", a_letter(a_mail(1)))
        assert listener.wait(SOON)


def slowly(spoil: Callable[[bytes], bytes]) -> Callable[[bytes], bytes]:
    def slow(said: bytes) -> bytes:
        threading.Event().wait(0.1)
        return spoil(said)

    return slow


def test_an_answer_whose_time_is_up_is_asked_for_again(mailbox: ExchangeServer) -> None:
    """It ends as it should and is asked for again in silence, under the same subscription; nothing between is missed."""
    with listening(an_access(mailbox)) as listener:
        for count in (2, 3):
            until(lambda: mailbox.subscriptions.heard == 1)
            mailbox.subscriptions.close()
            until(
                lambda count=count: (  # type: ignore[misc]  # mypy cannot tell its type
                    [one.operation for one in mailbox.asked].count("GetStreamingEvents") == count
                )
            )
        assert is_quiet(listener)
        mailbox.add("inbox", a_letter(a_mail(1)))
        assert listener.wait(SOON)
    assert mailbox.subscriptions.given == 1


@pytest.mark.parametrize("is_told", [True, False], ids=["as it listens", "as it asks again"])
def test_a_subscription_that_is_no_more_is_made_again(mailbox: ExchangeServer, is_told: bool) -> None:
    """A server that has forgotten it is subscribed to anew; what it did not tell meanwhile counts as news, once."""
    with listening(an_access(mailbox)) as listener:
        until(lambda: mailbox.subscriptions.heard == 1)
        if not is_told:
            mailbox.subscriptions.close()
        mailbox.subscriptions.forget()
        assert listener.wait(SOON)
        until(lambda: mailbox.subscriptions.heard == 1)
        assert is_quiet(listener)
        mailbox.add("inbox", a_letter(a_mail(1)))
        assert listener.wait(SOON)
    assert mailbox.subscriptions.given == 2


def test_a_cut_wire_ends_listening(mailbox: ExchangeServer) -> None:
    """A connection that breaks in mid answer is told of as what may work later."""
    with listening(an_access(mailbox)) as listener:
        until(lambda: mailbox.subscriptions.heard == 1)
        mailbox.subscriptions.drop()
        with pytest.raises(Transient):
            listener.wait(SOON)


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_closing_ends_a_wait(tmp_path: Path, is_tls: bool) -> None:
    """A wait in another thread ends at once when the listener is closed; nothing of it stays, here or at the server."""
    server = ExchangeServer()
    more = {}
    if is_tls:
        authority = Authority(tmp_path, "127.0.0.1")
        server.wire = Wire(server, authority.context)
        more = {"ca_file": str(authority.file)}
    with server.serve():
        listener = exchange_mail.open_listener(an_access(server, **more))
        until(lambda: server.subscriptions.heard == 1)
        ended: list[bool] = []
        thread = threading.Thread(target=lambda: ended.append(listener.wait(timedelta(seconds=60))))
        thread.start()
        thread.join(0.3)
        assert thread.is_alive()
        begun = time.monotonic()
        listener.close()
        thread.join(5)
        assert time.monotonic() - begun < 1
        assert ended == [False]
        until(lambda: server.subscriptions.standing == 0)
        until(lambda: not any(one.name.startswith("hear ") for one in threading.enumerate()))
        assert not listener.wait(timedelta(seconds=5))
        assert server.breaches == []


def test_ntlm_signs_the_line_in(
    mailbox: ExchangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection that waits is signed in as any other."""
    users = tmp_path / "users"
    users.write_text(f"FIRM:alice:{mailbox.password}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    mailbox.ways = {"ntlm"}
    with listening(an_access(mailbox, auth="ntlm", user="FIRM\\alice")) as listener:
        mailbox.add("inbox", a_letter(a_mail(1)))
        assert listener.wait(SOON)


# --- what goes wrong ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorInvalidSubscriptionRequest", Rejected),
        ("ErrorInvalidRequest", Rejected),
        ("ErrorExceededSubscriptionCount", RateLimited),
        ("ErrorServerBusy", RateLimited),
        ("ErrorInternalServerTransientError", Transient),
    ],
)
@pytest.mark.parametrize("operation", ["Subscribe", "GetStreamingEvents"])
@pytest.mark.parametrize("is_fault", [False, True], ids=["message", "fault"])
def test_a_refusal_is_told_as_what_it_is(
    mailbox: ExchangeServer, code: str, kind: type[Exception], operation: str, is_fault: bool
) -> None:
    """One that cannot tell of news says so for good, one that is busy for now; neither is asked again from here."""

    def refuse(asked: Any) -> None:
        if asked.operation == operation:
            raise Refused(code, is_fault=is_fault)

    mailbox.refuse = refuse
    with pytest.raises(kind), listening(an_access(mailbox)) as listener:
        listener.wait(SOON)
    assert [one.operation for one in mailbox.asked].count(operation) == 1


def test_a_refused_sign_in_is_tried_once(mailbox: ExchangeServer) -> None:
    """A password that is refused while somebody listens is not tried again, not even to take leave."""
    with listening(an_access(mailbox)) as listener:
        until(lambda: mailbox.subscriptions.heard == 1)
        mailbox.revoke()
        tried = len(mailbox.wire.raw)
        mailbox.subscriptions.close()
        with pytest.raises(ReauthRequired):
            listener.wait(SOON)
    assert len(mailbox.wire.raw) == tried + 1


def test_a_server_that_ends_every_answer_at_once(mailbox: ExchangeServer) -> None:
    """A few ends that come too soon are borne, a row of them is a line that does not stand."""

    def over(said: bytes) -> bytes:
        return said.replace(b"<m:ConnectionStatus>OK<", b"<m:ConnectionStatus>Closed<")

    mailbox.wire.spoil = over
    with listening(an_access(mailbox)) as listener, pytest.raises(Transient, match="at once"):
        listener.wait(SOON)
    assert [one.operation for one in mailbox.asked].count("GetStreamingEvents") == 4


@pytest.mark.parametrize(
    "said",
    [
        b"<?xml version='1.0'?><s:Envelope xmlns:s='x'><s:Body/></s:Envelope>",
        b"<!DOCTYPE x [<!ENTITY a 'b'>]><s:Envelope xmlns:s='x'>&a;</s:Envelope>",
        b"\x00" * 3_000_000,
        b"<s:Envelope>" + b"<a>" * 600_000,
    ],
    ids=["no body", "entities", "no envelope", "no end"],
)
def test_hostile_answers_end_it(mailbox: ExchangeServer, said: bytes) -> None:
    """What is no envelope, or has no end, is told of as what may work later, and is never kept whole."""
    mailbox.wire.spoil = lambda answer: said if b"StreamingEvents" in answer else answer
    with listening(an_access(mailbox)) as listener, pytest.raises(Transient):
        listener.wait(SOON)


def test_envelopes_may_come_in_any_pieces() -> None:
    """However an answer is cut in pieces, each envelope is heeded as soon as it is whole, with what is written between."""
    event = b"<t:CreatedEvent><t:TimeStamp>2026-11-23T09:00:00Z</t:TimeStamp></t:CreatedEvent>"
    status = b"<m:ConnectionStatus>OK</m:ConnectionStatus>"
    both = b"\r\n".join(
        b'<?xml version="1.0" encoding="utf-8"?>' + a_word(within) for within in (status, event, status)
    )
    for size in (1, 7, 100, len(both)):
        pieces = [both[at : at + size] for at in range(0, len(both), size)]

        def answer(asked: Asked, pieces: list[bytes] = pieces) -> bytes:
            if b"<m:Subscribe" in asked.body:
                return reply(200, SUBSCRIBED)
            chunks = b"".join(b"%x\r\n%b\r\n" % (len(one), one) for one in pieces)
            return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"

        with scripted(answer) as server:
            access = an_access(ExchangeServer(), url=f"{server.url}EWS/Exchange.asmx")
            with listening(access) as listener:
                assert listener.wait(SOON)


def a_word(within: bytes, operation: bytes = b"GetStreamingEvents") -> bytes:
    """An envelope of one message."""
    return (
        b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" '
        b'xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages" '
        b'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><soap:Body>'
        b'<m:%bResponse><m:ResponseMessages><m:%bResponseMessage ResponseClass="Success">'
        b"<m:ResponseCode>NoError</m:ResponseCode>%b</m:%bResponseMessage></m:ResponseMessages></m:%bResponse>"
        b"</soap:Body></soap:Envelope>" % (operation, operation, within, operation, operation)
    )


SUBSCRIBED = a_word(b"<m:SubscriptionId>x</m:SubscriptionId>", b"Subscribe")
