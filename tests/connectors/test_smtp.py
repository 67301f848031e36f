"""Handing a mail to real servers, well-behaved and not: what is taken, what is refused, and what is not known."""

import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from connectors import connectors
from connectors._smtp import Patience
from connectors.smtp import SPEC, SmtpSink, survey
from schemas.clock import FrozenClock
from schemas.connector import Access, Reading
from schemas.errors import Ambiguous, ConnectorError, ReauthRequired, Rejected, Transient
from tests.connectors.files import InLine
from tests.servers.smtp import PASSWORD, TOKEN, Authority, Behaviour, mail_server, scripted
from tests.services.builders import NOW

MARA = "mara@example.com"
MAIL = (
    b"From: Kith <mara@example.com>\r\nTo: mara@example.com\r\nSubject: Your week\r\n\r\n"
    b"Good morning.\r\n.\r\n..two\r\n.QUIT\r\nEnd.\r\n"
)
EIGHT_BIT = (
    "From: mara@example.com\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Content-Transfer-Encoding: 8bit\r\n\r\nJonas Weiß, Björn\r\n"
).encode()
SHORT = Patience(reply=timedelta(seconds=1), taking=timedelta(seconds=1), goodbye=timedelta(milliseconds=200))


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """Vouches for this machine."""
    return Authority(tmp_path_factory.mktemp("ca"), "127.0.0.1")


@pytest.fixture
def behaviour() -> Behaviour:
    """An ordinary server, until it is told otherwise."""
    return Behaviour()


@pytest.fixture
def port(behaviour: Behaviour, authority: Authority) -> Iterator[int]:
    """A server with TLS from the first byte."""
    with mail_server(behaviour, context=authority.context) as listening:
        yield listening


def an_access(port: int, authority: Authority, secret: str = PASSWORD, **settings: Any) -> Access:
    given: Mapping[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "security": "tls",
        "user": MARA,
        "to": MARA,
        "allow_private": True,
        "ca_file": str(authority.file),
        **settings,
    }
    return Access(
        "smtp",
        FrozenClock(NOW),
        read_text=lambda _text, _context: Reading(),
        workers=InLine(),
        is_held=lambda asked: [False] * len(asked),
        settings=given,
        secret=lambda: secret,
    )


def a_sink(port: int, authority: Authority, **settings: Any) -> SmtpSink:
    return SmtpSink(an_access(port, authority, **settings), SHORT)


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_a_mail_arrives_as_it_was_written(security: str, authority: Authority, behaviour: Behaviour) -> None:
    """Encrypted from the first byte, by STARTTLS, or in a private network in clear: every byte, dots included."""
    with mail_server(behaviour, security, authority.context) as port:
        a_sink(port, authority, security=security).send(MAIL, MARA, MARA)
    [taken] = behaviour.taken
    assert (taken.sender, taken.to, taken.content) == (MARA, [MARA], MAIL)


def test_bare_line_ends_smuggle_no_command(port: int, authority: Authority, behaviour: Behaviour) -> None:
    """However a text breaks its lines, its dot ends nothing, and what follows is still text (S19)."""
    smuggled = MAIL + b"\n.\nMAIL FROM:<eve@evil.example>\r.\rRCPT TO:<all@evil.example>\r\n.\rDATA"
    a_sink(port, authority).send(smuggled, MARA, MARA)
    [taken] = behaviour.taken
    assert taken.content == re.sub(rb"\r\n|\r|\n", b"\r\n", smuggled) + b"\r\n"
    assert behaviour.stages.count("MAIL") == 1


def test_letters_beyond_ascii_go_as_the_server_can_take_them(
    port: int, authority: Authority, behaviour: Behaviour
) -> None:
    """Eight bits where 8BITMIME is offered, else encoded; the reader finds the same words."""
    a_sink(port, authority).send(EIGHT_BIT, MARA, MARA)
    behaviour.without.add("8BITMIME")
    a_sink(port, authority).send(EIGHT_BIT, MARA, MARA)
    eight, seven = behaviour.taken
    assert "BODY=8BITMIME" in eight.options
    assert eight.content == EIGHT_BIT
    assert "BODY=8BITMIME" not in seven.options
    assert seven.content.isascii()
    read = message_from_bytes(seven.content, policy=default)
    assert read.get_content().split() == ["Jonas", "Weiß,", "Björn"]


def test_addresses_beyond_ascii_only_where_offered(
    port: int, authority: Authority, behaviour: Behaviour
) -> None:
    """With SMTPUTF8 (RFC 6531) they go; without it the mail is refused here, with what to do."""
    other = "björn@example.com"
    sink = a_sink(port, authority, to=other)
    sink.send(MAIL, MARA, other)
    assert behaviour.taken[0].to == [other]
    assert "SMTPUTF8" in behaviour.taken[0].options
    behaviour.without.add("SMTPUTF8")
    with pytest.raises(Rejected, match="no address beyond ASCII"):
        sink.send(MAIL, MARA, other)


@pytest.mark.parametrize("how", ["PLAIN", "LOGIN", "XOAUTH2"])
def test_signing_in(how: str, port: int, authority: Authority, behaviour: Behaviour) -> None:
    """By password or token the sign-in is tried once; a wrong one asks for a new connection of the account."""
    behaviour.sign_in = how
    secret, settings = (TOKEN, {"auth": "xoauth2"}) if how == "XOAUTH2" else (PASSWORD, {})
    a_sink(port, authority, secret=secret, **settings).send(MAIL, MARA, MARA)
    with pytest.raises(ReauthRequired, match=r"535") as refused:
        a_sink(port, authority, secret="not this", **settings).send(MAIL, MARA, MARA)
    assert "not this" not in str(refused.value)
    assert (len(behaviour.taken), behaviour.stages.count("AUTH")) == (1, 2)


def test_ways_to_sign_in_that_are_not_offered(port: int, authority: Authority, behaviour: Behaviour) -> None:
    """Neither a password nor a token is sent where the server does not ask for it in a way that is known."""
    behaviour.sign_in = "GSSAPI"
    for settings in ({}, {"auth": "xoauth2"}):
        with pytest.raises(Rejected, match="it offers GSSAPI"):
            a_sink(port, authority, **settings).send(MAIL, MARA, MARA)
    assert "AUTH" not in behaviour.stages


REPLIES = [
    ("451 4.7.1 mara@example.com must wait", Transient, "451 4.7.1"),
    ("550 5.1.1 mara@example.com is nobody", Rejected, "550 5.1.1"),
    ("421 4.3.2 going down", Transient, "421 4.3.2"),
]


@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize(("reply", "error", "figures"), REPLIES)
def test_refusals_at_each_stage(
    stage: str,
    reply: str,
    error: type[ConnectorError],
    figures: str,
    port: int,
    authority: Authority,
    behaviour: Behaviour,
) -> None:
    """4yz may work later, 5yz never; the words tell the figures, and no address."""
    behaviour.says[stage] = reply
    with pytest.raises(error) as refused:
        a_sink(port, authority).send(MAIL, MARA, MARA)
    assert type(refused.value) is error
    assert figures in str(refused.value)
    assert MARA not in str(refused.value)
    assert behaviour.taken == []


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        ("454 4.7.0 later", Transient),
        ("534 5.7.9 application password", ReauthRequired),
        ("535 5.7.8 no", ReauthRequired),
        ("504 5.5.4 what", Rejected),
    ],
)
def test_refused_sign_ins(
    reply: str, error: type[ConnectorError], port: int, authority: Authority, behaviour: Behaviour
) -> None:
    """Only what refuses the sign-in itself asks the owner for a new one."""
    behaviour.says["AUTH"] = reply
    with pytest.raises(error) as refused:
        a_sink(port, authority).send(MAIL, MARA, MARA)
    assert type(refused.value) is error


@pytest.mark.parametrize("stage", ["AUTH", "MAIL", "RCPT"])
@pytest.mark.parametrize("how", ["drops", "hangs"])
def test_silence_before_the_mail_may_be_tried_again(
    stage: str, how: str, port: int, authority: Authority, behaviour: Behaviour
) -> None:
    """A connection that ends or falls silent before the mail's last byte handed nothing over."""
    getattr(behaviour, how).add(stage)
    with pytest.raises(Transient):
        a_sink(port, authority).send(MAIL, MARA, MARA)
    assert behaviour.taken == []


@pytest.mark.parametrize("how", ["drops", "hangs"])
def test_silence_after_the_mail_leaves_it_open(
    how: str, port: int, authority: Authority, behaviour: Behaviour
) -> None:
    """A connection that ends or falls silent after the last dot is neither success nor failure (R13)."""
    getattr(behaviour, how).add("DATA")
    with pytest.raises(Ambiguous, match="may have been sent or not"):
        a_sink(port, authority).send(MAIL, MARA, MARA)
    assert len(behaviour.taken) == (how == "drops")


def test_a_goodbye_that_fails_takes_nothing_back(
    port: int, authority: Authority, behaviour: Behaviour
) -> None:
    """Once the server has said yes, nothing that comes after makes it a failure."""
    behaviour.hangs.add("QUIT")
    a_sink(port, authority).send(MAIL, MARA, MARA)
    assert len(behaviour.taken) == 1


def test_starttls_is_never_left_out(authority: Authority, behaviour: Behaviour) -> None:
    """Where it is not offered, or its offer was cut out on the way, no password and no mail goes."""
    behaviour.without.add("STARTTLS")
    with (
        mail_server(behaviour, "starttls", authority.context) as port,
        pytest.raises(Rejected, match="does not offer STARTTLS"),
    ):
        a_sink(port, authority, security="starttls").send(MAIL, MARA, MARA)
    assert behaviour.stages == ["EHLO", "QUIT"]


def test_words_from_before_the_encryption_do_not_count(authority: Authority) -> None:
    """A reply slipped in behind the one to STARTTLS ends the session (RFC 3207 4.2)."""
    heard: list[bytes] = []

    def script(connection: socket.socket) -> None:
        connection.sendall(b"220 mail\r\n")
        heard.append(connection.recv(1000))
        connection.sendall(b"250-mail\r\n250 STARTTLS\r\n")
        heard.append(connection.recv(1000))
        connection.sendall(b"220 go\r\n250-mail\r\n250 AUTH PLAIN\r\n")
        heard.append(connection.recv(1000))

    with scripted(script) as port, pytest.raises(Rejected, match="out of turn"):
        a_sink(port, authority, security="starttls").send(MAIL, MARA, MARA)
    assert heard == [b"ehlo [127.0.0.1]\r\n", b"STARTTLS\r\n", b"QUIT\r\n"]


def test_certificates_are_checked(port: int, authority: Authority, behaviour: Behaviour) -> None:
    """An unknown authority and another name are refused before anything is said, with the cure."""
    with pytest.raises(Rejected, match=r"not to be trusted.*--ca-file"):
        a_sink(port, authority, ca_file="").send(MAIL, MARA, MARA)
    with pytest.raises(Rejected, match=r"not to be trusted.*how the host is spelt"):
        a_sink(port, authority, host="localhost").send(MAIL, MARA, MARA)
    with pytest.raises(Rejected, match="PEM"):
        a_sink(port, authority, ca_file="/nowhere/ca.pem").send(MAIL, MARA, MARA)
    assert behaviour.stages == []


def test_clear_text_stays_in_private_networks(authority: Authority) -> None:
    """Without encryption only to an address that is not public and was allowed."""
    with (
        mail_server(Behaviour(), "none") as port,
        pytest.raises(Rejected, match="allow it: add --allow-private"),
    ):
        a_sink(port, authority, security="none", allow_private=False).send(MAIL, MARA, MARA)


def test_a_server_that_wants_tls_at_another_port_is_named(authority: Authority) -> None:
    """TLS spoken to a port without it is told with what to try."""
    with mail_server(Behaviour(), "none") as port, pytest.raises(Rejected, match="--security starttls"):
        a_sink(port, authority).send(MAIL, MARA, MARA)


GARBAGE = {
    "html": b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html>",
    "imap": b"* OK IMAP4rev1 ready\r\n",
    "endless line": b"2" * 200_000,
    "endless reply": b"220-hello\r\n" * 20_000,
    "binary": bytes(range(256)) * 4 + b"\r\n",
}


@pytest.mark.parametrize("name", GARBAGE)
def test_what_is_no_mail_server_is_named_as_such(name: str, authority: Authority) -> None:
    """A web server, an IMAP server, a line or a reply without an end: refused, in bounded time and memory (S13)."""
    with (
        scripted(lambda connection: connection.sendall(GARBAGE[name])) as port,
        pytest.raises(Rejected, match="does not answer as a mail server does"),
    ):
        a_sink(port, authority, security="none").send(MAIL, MARA, MARA)


def test_a_dripping_server_is_left(authority: Authority) -> None:
    """A reply that comes a byte at a time must be whole within the patience for one reply."""

    def drip(connection: socket.socket) -> None:
        connection.settimeout(0.1)
        for _ in range(100):
            connection.sendall(b"2")
            try:
                if not connection.recv(1):
                    return
            except TimeoutError:
                continue

    with scripted(drip) as port, pytest.raises(Transient, match="fell silent"):
        a_sink(port, authority, security="none").send(MAIL, MARA, MARA)


def test_nobody_there(authority: Authority) -> None:
    """A port on which nobody listens may be listened on later."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Transient, match="does not answer"):
        a_sink(port, authority).send(MAIL, MARA, MARA)


@pytest.mark.parametrize(
    "address",
    [
        "mara@example.com\r\nRCPT TO:<all@evil.example>",
        "mara@example.com>\nDATA",
        "<mara@example.com>",
        "mara@example.com SIZE=1",
        "a@b@c",
        "mara",
        "",
        "mara@example.com\u2028x",
        "mara\0@example.com",
    ],
)
def test_addresses_end_no_command(
    address: str, port: int, authority: Authority, behaviour: Behaviour
) -> None:
    """What is no plain address is refused before anything is connected to (S19)."""
    with pytest.raises(Rejected, match="none that mail can be sent with"):
        a_sink(port, authority, to=None).send(MAIL, MARA, address)
    with pytest.raises(Rejected, match="none that mail can be sent with"):
        a_sink(port, authority).send(MAIL, address, MARA)
    assert behaviour.stages == []


def test_only_the_owner_is_written_to(port: int, authority: Authority, behaviour: Behaviour) -> None:
    """The account's settings name the one addressee; nobody else gets a mail through it."""
    with pytest.raises(Rejected, match="own address alone"):
        a_sink(port, authority).send(MAIL, MARA, "ana@example.org")
    a_sink(port, authority).send(MAIL, MARA, "Mara@Example.com")
    assert len(behaviour.taken) == 1


def test_too_large_a_mail_is_not_begun(authority: Authority, behaviour: Behaviour) -> None:
    """A size beyond what the server offers (RFC 1870) is refused before the mail is begun."""
    with (
        mail_server(behaviour, context=authority.context, size=100) as port,
        pytest.raises(Rejected, match="takes 100 at most"),
    ):
        a_sink(port, authority).send(MAIL, MARA, MARA)
    assert "MAIL" not in behaviour.stages


@pytest.mark.parametrize(
    "settings", [{"host": ""}, {"security": "ssl"}, {"port": 70_000}, {"port": "465"}, {"port": -1}]
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], port: int, authority: Authority) -> None:
    """A missing host, an unknown kind of encryption and an impossible port are named by their option."""
    known = an_access(port, authority)
    with pytest.raises(Rejected, match=r"--(host|security|port)"):
        SmtpSink(replace(known, settings={**known.settings, **settings})).send(MAIL, MARA, MARA)


def test_without_a_user_nothing_is_signed_in(port: int, authority: Authority, behaviour: Behaviour) -> None:
    """A relay that wants no sign-in gets none; one that does says so."""
    with pytest.raises(Rejected, match="wants a sign-in: give --user"):
        a_sink(port, authority, user="").send(MAIL, MARA, MARA)
    assert "AUTH" not in behaviour.stages


def test_a_survey_signs_in_and_sends_nothing(port: int, authority: Authority, behaviour: Behaviour) -> None:
    """It tells as whom, how it is encrypted, and what the server takes, in words."""
    found = survey(an_access(port, authority))
    assert found.user == MARA
    assert re.fullmatch(r"encrypted \(TLSv1\.[23]\)", found.abilities[0])
    assert found.abilities[1:] == (
        "signed in by PLAIN",
        "takes mails of up to 1 MB",
        "takes addresses beyond ASCII",
    )
    assert behaviour.stages == ["EHLO", "AUTH", "NOOP", "QUIT"]
    with pytest.raises(ReauthRequired):
        survey(an_access(port, authority, secret="wrong"))


def test_it_is_found_by_its_name() -> None:
    """The connector is among the others, with nothing to read."""
    assert connectors()["smtp"] is SPEC
    assert (SPEC.account, SPEC.open_source, SPEC.recognise) == ("smtp", None, None)
