"""The line to an Exchange server: who gets in and how, where nothing secret goes, and what hostile answers do."""

import hashlib
import logging
import re
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from connectors import exchange_mail, exchange_tasks
from connectors._discovery import Ways
from connectors._exchange import Exchange, opened
from connectors._exchange_discovery import Places, locate_exchange
from connectors._exchange_line import is_online
from schemas.connector import Access, TaskDraft
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from schemas.ids import IdempotencyKey
from tests.connectors.exchange import a_letter, an_access
from tests.connectors.mail import a_mail
from tests.contract.live_source import SECRET, live_pages
from tests.contract.source import NOW
from tests.fakes.exchange import ExchangeServer
from tests.fakes.exchange_wire import Refused, Wire, breaches_of, e, fault, schema
from tests.fakes.faults import Fault
from tests.fakes.http_script import Asked, reply, scripted
from tests.servers.dns import Zone, name_server
from tests.servers.smtp import Authority
from tests.servers.web import Reply, Site, web_server

CANARY = "CANARY-words-of-a-mail"


@pytest.fixture
def mailbox() -> Iterator[ExchangeServer]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    with ExchangeServer().serve() as server:
        yield server
        assert server.breaches == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ca"), "127.0.0.1")


def look(access: Access) -> int:
    """Sign in and count folders."""
    return opened(access, lambda line: len(line.folders({})))


def refused(access: Access, kind: type[ConnectorError]) -> str:
    """Why one does not get in; the words hold nothing secret."""
    with pytest.raises(kind) as caught:
        look(access)
    words = str(caught.value)
    assert SECRET not in words
    assert "alice" not in words
    return words


def credentials_sent(wire: Wire) -> list[str]:
    """The sign-ins that came with requests."""
    return [headers["authorization"] for _, _, headers, _ in wire.raw if "authorization" in headers]


def test_the_vendors_schema_is_held_against_every_answer() -> None:
    """Requests and answers are held against Microsoft's schema; without the schema only this is left out."""
    if schema() is None:
        pytest.skip("the vendor's schema is not here: name its folder in KITH_SPECS")
    good = e("m:GetItem", e("m:ItemShape", e("t:BaseShape", "IdOnly")), e("m:ItemIds", e("t:ItemId", Id="x")))
    assert breaches_of(good, "request") == []
    good.append(e("m:Surprise"))
    assert breaches_of(good, "request") != []


# --- signing in ---------------------------------------------------------------------------------------------------------


def test_basic_and_bearer_let_in(mailbox: ExchangeServer) -> None:
    """A password by Basic and a token by Bearer sign in, and whose mailbox it is goes with them."""
    assert look(an_access(mailbox)) > 5
    assert mailbox.asked[-1].headers["x-anchormailbox"] == "alice@example.com"
    mailbox.ways = {"bearer"}
    assert look(an_access(mailbox, auth="oauth", secret=mailbox.token)) > 5


def test_a_token_that_has_run_out_is_renewed_once(mailbox: ExchangeServer) -> None:
    """A refused token is replaced where somebody can do that, and else asks for another."""
    mailbox.ways = {"bearer"}
    renewed: list[str] = []

    def renew(old: str) -> str:
        renewed.append(old)
        return mailbox.token

    assert look(an_access(mailbox, auth="oauth", secret="old token", renew=renew)) > 5
    # Once a request, as here nobody keeps the new one.
    assert renewed == ["old token"] * 2
    words = refused(an_access(mailbox, auth="oauth", secret="old token"), ReauthRequired)
    assert "old token" not in words


@pytest.fixture
def ntlm(mailbox: ExchangeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ExchangeServer:
    """A mailbox that lets in by NTLM alone, whose server side knows alice's password."""
    users = tmp_path / "users"
    users.write_text(f"FIRM:alice:{mailbox.password}\n:alice@example.com:{mailbox.password}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    mailbox.ways = {"ntlm"}
    return mailbox


def test_ntlm_signs_a_connection_in(ntlm: ExchangeServer) -> None:
    """Challenge and response let in; later requests on the connection need nothing more, and no password is sent."""
    mailbox = ntlm
    access = an_access(mailbox, auth="ntlm", user="FIRM\\alice")
    line = Exchange(access)
    try:
        roles: dict[str, str] = {}
        assert len(line.folders(roles)) > 5
        line.folders(roles)
    finally:
        line.close()
    told = credentials_sent(mailbox.wire)
    assert len(told) == 2
    assert all(one.startswith("NTLM ") for one in told)
    assert len(mailbox.wire.raw) == 3 + 2
    assert not any(SECRET.encode() in body for _, _, _, body in mailbox.wire.raw)


def test_ntlm_is_tried_once(ntlm: ExchangeServer) -> None:
    """A wrong password is refused after one try, as three may lock an account."""
    refused(an_access(ntlm, auth="ntlm", user="FIRM\\alice", secret="wrong"), ReauthRequired)
    assert len(credentials_sent(ntlm.wire)) == 2


def test_ntlm_is_bound_to_the_certificate(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over TLS the response holds for this server's certificate alone, as Extended Protection wants it."""
    server = ExchangeServer()
    users = tmp_path / "users"
    users.write_text(f"FIRM:alice:{server.password}\n")
    monkeypatch.setenv("NTLM_USER_FILE", str(users))
    server.ways = {"ntlm"}
    for certificate, is_let_in in ((bound_to(authority), True), (b"another", False)):
        server.wire = Wire(server, authority.context, certificate)
        with server.serve():
            access = an_access(server, auth="ntlm", user="FIRM\\alice", ca_file=str(authority.file))
            if is_let_in:
                assert look(access) > 5
            else:
                assert "Extended Protection" in refused(access, ReauthRequired)


def bound_to(authority: Authority) -> bytes:
    """The hash that binds to the authority's server certificate (RFC 5929 4.1)."""
    pem = authority.certificate
    der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
    return hashlib.sha256(der).digest()


def test_the_way_of_signing_in_is_found_out(mailbox: ExchangeServer) -> None:
    """Without a way set the server is asked without a sign-in; the safest of what it offers is taken and kept."""
    assert exchange_mail.SPEC.survey is not None
    settings = exchange_mail.SPEC.survey(an_access(mailbox, auth="")).settings
    assert settings["auth"] == "basic"
    assert "authorization" not in mailbox.wire.raw[0][2]
    mailbox.ways = {"ntlm"}
    words = refused(an_access(mailbox, auth="basic"), ReauthRequired)
    assert "--auth ntlm" in words
    mailbox.ways = set()
    assert "/EWS/Exchange.asmx" in refused(an_access(mailbox, auth=""), Rejected)


@pytest.mark.parametrize("ending", ["", "/"])
def test_a_bare_host_is_enough(mailbox: ExchangeServer, ending: str) -> None:
    """A URL that names the server alone leads to where EWS is on every one."""
    assert look(an_access(mailbox, url=mailbox.url.removesuffix("/EWS/Exchange.asmx") + ending)) > 5


# --- where nothing secret goes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://outlook.office365.com/EWS/Exchange.asmx",
        "https://OUTLOOK.office.com/EWS/Exchange.asmx",
        "https://eur01.outlook.com/EWS/Exchange.asmx",
        "https://outlook.office365.us/EWS/Exchange.asmx",
        "https://partner.outlook.cn/EWS/Exchange.asmx",
    ],
)
def test_microsoft_365_is_refused_with_the_way_to_graph(url: str) -> None:
    """An address of Microsoft 365 is refused before anything is sent, with what to do instead."""
    access = an_access(ExchangeServer(), url=url)
    with pytest.raises(Rejected, match="kith connect microsoft"):
        look(access)


def test_hosts_that_only_look_like_it_are_not_refused() -> None:
    """A server of one's own is none of Microsoft's because of a part of its name."""
    assert not is_online("outlook.office365.com.example.com")
    assert not is_online("myoutlook.com")
    assert is_online("outlook.com")


@pytest.mark.parametrize("status", ["401", "403"])
def test_microsoft_365_is_known_by_its_answers(status: str) -> None:
    """A name of one's own that leads to Microsoft 365, or to a tenant that is blocked there, is told by its headers."""
    told = reply(
        int(status), X_FEServer="AM0PR01CA0001.eurprd01.prod.outlook.com", WWW_Authenticate="Basic x"
    )
    with scripted(lambda _: told) as server:
        access = an_access(ExchangeServer(), url=f"{server.url}EWS/Exchange.asmx")
        with pytest.raises(Rejected, match="kith connect microsoft"):
            look(access)


def test_redirects_are_not_followed_with_a_password(mailbox: ExchangeServer) -> None:
    """A redirect to another host, to a sign-in page or to Microsoft 365 ends the matter; the other hears nothing."""
    seen: list[Asked] = []

    def other(asked: Asked) -> bytes:
        seen.append(asked)
        return reply(200)

    with scripted(other) as thief:
        for where, words in (
            (f"{thief.url}EWS/Exchange.asmx", "127.0.0.1"),
            ("/owa/auth/logon.aspx", "sign-in page"),
            ("https://outlook.office365.com/EWS/Exchange.asmx", "kith connect microsoft"),
        ):
            mailbox.wire.redirect = where
            assert words in refused(an_access(mailbox), Rejected)
    assert seen == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/EWS/Exchange.asmx",
        "https://10.0.0.5/EWS/Exchange.asmx",
        "https://169.254.169.254/EWS/Exchange.asmx",
        "https://[::1]/EWS/Exchange.asmx",
        "https://[::ffff:127.0.0.1]/EWS/Exchange.asmx",
        "https://2130706433/EWS/Exchange.asmx",
        "https://0x7f.1/EWS/Exchange.asmx",
        "https://localhost/EWS/Exchange.asmx",
    ],
)
def test_private_addresses_are_refused(url: str) -> None:
    """However it is written, an address in a private network is asked for nothing unless the owner allowed it."""
    with pytest.raises(Rejected, match="--allow-private"):
        look(an_access(ExchangeServer(), url=url, allow_private=False))


def test_plain_http_is_refused(mailbox: ExchangeServer) -> None:
    """Over http a password goes to a private address that the owner allowed, and else nowhere."""
    with pytest.raises(Rejected, match="https"):
        look(an_access(mailbox, allow_private=False))
    with pytest.raises(Rejected, match="https"):
        look(an_access(mailbox, url="http://1.1.1.1/EWS/Exchange.asmx"))
    assert mailbox.wire.raw == []


def test_proxies_of_the_environment_are_not_used(
    mailbox: ExchangeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the environment names as proxy hears nothing."""
    seen: list[Asked] = []

    def proxy(asked: Asked) -> bytes:
        seen.append(asked)
        return reply(502)

    with scripted(proxy) as server:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, server.url)
        assert look(an_access(mailbox)) > 5
    assert seen == []


def test_two_accounts_do_not_meet(mailbox: ExchangeServer) -> None:
    """Accounts at one server keep their own sign-ins, though the library that is used keeps protocols by server."""
    with ExchangeServer().serve() as other:
        other.password = "the other's"
        both = [Exchange(an_access(mailbox)), Exchange(an_access(mailbox, secret="wrong"))]
        try:
            assert len(both[0].folders({})) > 5
            with pytest.raises(ReauthRequired):
                both[1].folders({})
            assert look(an_access(other, secret=other.password)) > 5
            assert len(both[0].folders({})) > 5
        finally:
            for one in both:
                one.close()


def test_what_folders_are_for_is_asked_again_of_another_mailbox(mailbox: ExchangeServer) -> None:
    """Where no folder is one of those that are known, it is found out anew which is the inbox and which the junk."""
    roles: dict[str, str] = {}
    opened(an_access(mailbox), lambda line: line.folders(roles))
    with ExchangeServer(made=10_000).serve() as other:
        folders = opened(an_access(other), lambda line: line.folders(roles))
        assert {"inbox", "junk"} <= {one.role for one in folders}
        opened(an_access(other), lambda line: line.folders(roles))
        assert other.operations() == ["FindFolder", "GetFolder", "FindFolder"]


# --- what errors mean ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ErrorServerBusy", RateLimited),
        ("ErrorTooManyObjectsOpened", RateLimited),
        ("ErrorExceededConnectionCount", RateLimited),
        ("ErrorInternalServerTransientError", Transient),
        ("ErrorMailboxStoreUnavailable", Transient),
        ("ErrorTimeoutExpired", Transient),
        ("ErrorFolderNotFound", Missing),
        ("ErrorAccessDenied", Rejected),
        ("ErrorNonExistentMailbox", Rejected),
        ("ErrorInvalidRequest", Rejected),
    ],
)
@pytest.mark.parametrize("is_fault", [False, True], ids=["message", "fault"])
def test_each_error_is_told_apart(code: str, kind: type[ConnectorError], is_fault: bool) -> None:
    """What a server says becomes the class by which callers act, whichever way it says it; it is asked once."""

    def refuse(asked: Any) -> None:
        del asked
        raise Refused(code, CANARY, is_fault=is_fault)

    with ExchangeServer().serve() as server:
        server.refuse = refuse
        with pytest.raises(kind) as caught:
            look(an_access(server))
        assert CANARY not in str(caught.value)
        assert len({one.operation for one in server.asked}) == len(server.asked)


@pytest.mark.parametrize("is_fault", [False, True], ids=["message", "fault"])
def test_a_write_that_may_have_happened_is_ambiguous(mailbox: ExchangeServer, is_fault: bool) -> None:
    """Of a write that failed within the server it is not known whether it was done; of one refused it is."""
    list_ = mailbox.add_folder("Kith", "IPF.Task")
    for code, kind in (
        ("ErrorInternalServerError", Ambiguous),
        ("ErrorInternalServerTransientError", Ambiguous),
        ("ErrorTimeoutExpired", Ambiguous),
        ("ErrorServerBusy", RateLimited),
        ("ErrorTooManyObjectsOpened", RateLimited),
    ):

        def refuse(asked: Any, code: str = code) -> None:
            if asked.operation == "CreateItem":
                raise Refused(code, is_fault=is_fault)

        mailbox.refuse = refuse
        sink = exchange_tasks.open_sink(an_access(mailbox, list="Kith"))
        with pytest.raises(kind):
            sink.put(IdempotencyKey("k"), TaskDraft("T"))
    assert [one for one in mailbox.items() if one.folder == list_] == []


def test_the_time_to_wait_is_what_the_server_names() -> None:
    """BackOffMilliseconds is obeyed exactly, a day at most; where none are named it is a minute."""
    for back_off, seconds in ((31_500, 31.5), (10**11, 86_400), (0, 60)):
        told = reply(500, fault("ErrorServerBusy", "Busy.", back_off), Content_Type="text/xml")

        def busy(_asked: Asked, told: bytes = told) -> bytes:
            return told

        with scripted(busy) as server:
            with pytest.raises(RateLimited) as caught:
                look(an_access(ExchangeServer(), url=f"{server.url}EWS/Exchange.asmx"))
            assert caught.value.retry_after == timedelta(seconds=seconds)
            assert len(server.asked) == 1


# --- hostile answers ----------------------------------------------------------------------------------------------------

_BOMB = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "bbbbbbbbbb">%s]><a>&b9;</a>' % b"".join(
    b'<!ENTITY b%d "%s">' % (number, b"&b%s;" % str(number - 1).encode() * 10) for number in range(1, 10)
)
_SOAP = b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>%s</s:Body></s:Envelope>'
HOSTILE: dict[str, bytes] = {
    "billion laughs": _BOMB,
    "external entity": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>' + _SOAP % b"&x;",
    "a document type in UTF-16": '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a []><a/>'.encode(
        "utf-16"
    ),
    "100,000 deep": _SOAP % (b"<a>" * 100_000 + b"</a>" * 100_000),
    "a huge attribute": _SOAP % (b'<a b="' + b"x" * 12_000_000 + b'"/>'),
    "cut in the middle": (_SOAP % b"<a><b>")[:150],
    "nothing": b"",
    "no XML": b"hello",
    "another envelope": _SOAP
    % b'<m:Other xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"/>',
    "no body": b'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"/>',
    "numbers that are none": _SOAP
    % (
        b'<m:FindFolderResponse xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages"><m:ResponseMessages>'
        b'<m:FindFolderResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>'
        b'<m:RootFolder IndexedPagingOffset="x" TotalItemsInView="y" IncludesLastItemInRange="z"/>'
        b"</m:FindFolderResponseMessage></m:ResponseMessages></m:FindFolderResponse>"
    ),
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_hostile_xml_ends_in_a_second(mailbox: ExchangeServer, body: bytes) -> None:
    """Whatever stands in the place of an envelope, it is refused soon, and opens and fetches nothing."""
    mailbox.wire.instead = body
    began = time.perf_counter()
    with pytest.raises(ConnectorError) as caught:
        opened(an_access(mailbox), lambda line: line.folders({"known": "root"}))
    assert time.perf_counter() - began < 2
    assert "root:" not in str(caught.value)


def test_an_answer_without_end_is_cut() -> None:
    """An answer that does not end is read up to its bound."""

    def endless(_asked: Asked) -> Iterator[bytes]:
        yield b"HTTP/1.1 200 X\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
        chunk = b"x" * 65_536
        while True:
            yield b"%x\r\n%s\r\n" % (len(chunk), chunk)

    with scripted(endless) as server, pytest.raises(Rejected, match="50 MB"):
        look(an_access(ExchangeServer(), url=f"{server.url}EWS/Exchange.asmx"))


def test_pages_without_end_are_not_read_on(mailbox: ExchangeServer) -> None:
    """A server that promises another page and gives the same one again is asked once more, and not for ever."""
    mailbox.add("inbox", a_letter(a_mail(1), received=NOW))
    going_on = (
        (b'IncludesLastItemInRange="true"', b'IncludesLastItemInRange="false"'),
        (b"<m:IncludesLastItemInRange>true<", b"<m:IncludesLastItemInRange>false<"),
    )
    for operation in (b"FindFolder", b"FindItem", b"SyncFolderItems"):

        def endless(said: bytes, operation: bytes = operation) -> bytes:
            for old, new in going_on if operation in said else ():
                said = said.replace(old, new)
            return re.sub(rb'IndexedPagingOffset="\d+"', b'IndexedPagingOffset="1"', said)

        mailbox.wire.spoil = endless
        mailbox.operations()
        with pytest.raises(Transient, match="same page"):
            live_pages(exchange_mail.SPEC, an_access(mailbox))
        assert mailbox.operations().count(operation.decode()) <= 3


def test_folders_without_end_are_told_of(mailbox: ExchangeServer) -> None:
    """More folders than anybody has are not read in part, as what is in the others would seem to be gone."""
    offset = count(1_000, 1_000)

    def endless(said: bytes) -> bytes:
        said = said.replace(b'IncludesLastItemInRange="true"', b'IncludesLastItemInRange="false"')
        return re.sub(rb'IndexedPagingOffset="\d+"', b'IndexedPagingOffset="%d"' % next(offset), said)

    mailbox.wire.spoil = endless
    with pytest.raises(Rejected, match="10,000 folders"):
        opened(an_access(mailbox), lambda line: line.folders({"known": "root"}))
    assert mailbox.operations().count("FindFolder") == 11


def test_what_xml_may_not_hold_is_borne(mailbox: ExchangeServer) -> None:
    """Exchange writes control characters of a mail as references that XML forbids; the mail comes all the same."""
    mailbox.add("inbox", a_letter(a_mail(1, Subject="Belllike")))
    mailbox.wire.spoil = lambda said: said.replace(b"Belllike", b"Bell&#x7;like&#x1F;")
    pages = live_pages(exchange_mail.SPEC, an_access(mailbox))
    (change,) = [one for page in pages for one in page.changes]
    assert change.record.subject == "Belllike"  # type: ignore[union-attr]  # an upsert, as above


@pytest.mark.parametrize("level", [logging.DEBUG, logging.ERROR])
def test_no_log_holds_words_of_a_request(
    mailbox: ExchangeServer, caplog: pytest.LogCaptureFixture, level: int
) -> None:
    """What the library would log of requests and answers reaches no log, whatever the level and whatever fails."""
    caplog.set_level(level)
    mailbox.add_folder("Kith", "IPF.Task")
    faults: tuple[Fault, ...] = ("cut", "500", "lose_answer", "web_page", "429")
    for one in faults:
        mailbox.faults.order(one, writes_only=True)
        sink = exchange_tasks.open_sink(an_access(mailbox, list="Kith"))
        with pytest.raises(ConnectorError):
            sink.put(IdempotencyKey(f"{CANARY} {one}"), TaskDraft(CANARY, CANARY))
    assert CANARY not in caplog.text
    assert SECRET not in caplog.text


# --- finding a server ---------------------------------------------------------------------------------------------------


class World:
    """Name servers and a web server to ask instead of the world's."""

    def __init__(self, zone: Zone, port: int, site: Site, url: str, authority: Authority) -> None:
        self.zone, self.site, self.url = zone, site, url
        self.settings = {"user": "mara@example.com", "allow_private": True, "ca_file": str(authority.file)}
        host = url.removeprefix("https://")
        self.places = Places((host,), Ways(("127.0.0.1",), port))

    def locate(self, **more: Any) -> Any:
        return locate_exchange({**self.settings, **more}, self.places)

    def nothing_secret_was_sent(self) -> bool:
        return not any("authorization" in headers for _, _, headers in self.site.asked)


@pytest.fixture
def world(authority: Authority) -> Iterator[World]:
    zone, site = Zone(), Site()
    with name_server(zone) as port, web_server(site, authority.context) as url:
        yield World(zone, port, site, url, authority)


def published(url: str) -> Reply:
    return Reply(200, f'{{"Protocol":"EWS","Url":"{url}"}}'.encode())


def test_autodiscover_without_a_sign_in(world: World) -> None:
    """What Autodiscover v2 names is found without any sign-in, and is to be confirmed by the owner."""
    world.site.replies["/autodiscover/autodiscover.json"] = published(
        "https://mail.example.com/EWS/Exchange.asmx"
    )
    found = world.locate()
    assert found.settings == {"url": "https://mail.example.com/EWS/Exchange.asmx"}
    assert not found.is_sure
    assert world.nothing_secret_was_sent()
    assert "Email=mara%40example.com&Protocol=EWS" in world.site.asked[0][1]


def test_autodiscover_to_microsoft_365_is_refused(world: World) -> None:
    """A domain whose mail is at Microsoft 365 is told so, by what it publishes, by its redirect or by its alias."""
    world.site.replies["/autodiscover/autodiscover.json"] = published(
        "https://outlook.office365.com/EWS/Exchange.asmx"
    )
    with pytest.raises(Rejected, match="kith connect microsoft"):
        world.locate()
    where = {"Location": "https://autodiscover-s.outlook.com/autodiscover/autodiscover.json"}
    world.site.replies["/autodiscover/autodiscover.json"] = Reply(302, b"", where)
    with pytest.raises(Rejected, match="kith connect microsoft"):
        world.locate()
    world.site.replies.clear()
    named = Places(("autodiscover.{domain}",), world.places.ways)
    world.zone.records["autodiscover.example.com", "CNAME"] = ["autodiscover.outlook.com."]
    with pytest.raises(Rejected, match="kith connect microsoft"):
        locate_exchange(world.settings, named)
    with pytest.raises(Rejected, match="kith connect microsoft"):
        locate_exchange({"user": "mara@outlook.com"}, named)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"{",
        b"[]",
        b'{"Url": 5}',
        b'{"Url": "http://mail.example.com/EWS/Exchange.asmx"}',
        b'{"Url": "https://user:pw@mail.example.com/"}',
        b'{"Url": "https://[bad"}',
        b'{"Url": "' + b"x" * 200_000 + b'"}',
    ],
)
def test_what_makes_no_sense_is_not_believed(world: World, answer: bytes) -> None:
    """An answer that is none, or leads off https, finds nothing; the words say what to give instead."""
    world.site.replies["/autodiscover/autodiscover.json"] = Reply(200, answer)
    with pytest.raises(Rejected, match="--url"):
        world.locate()
    assert world.nothing_secret_was_sent()


def test_a_server_in_a_private_network_needs_leave(world: World) -> None:
    """A service record that leads into a private network is refused unless the owner allowed that."""
    world.zone.records["_autodiscover._tcp.example.com", "SRV"] = ["0 1 443 inside.example.com."]
    world.zone.records["inside.example.com", "A"] = ["10.0.0.5"]
    with pytest.raises(Rejected, match="--allow-private"):
        world.locate(allow_private=False)
    assert world.site.asked == []


def test_ews_itself_is_looked_for(authority: Authority) -> None:
    """Where nothing is published, a host that asks for a sign-in at EWS is found, with none sent."""
    server = ExchangeServer()
    server.ways = {"ntlm", "basic"}
    server.wire = Wire(server, authority.context)
    with server.serve(), name_server(Zone()) as port:
        host = server.url.split("/")[2]
        settings = {"user": "mara@example.com", "allow_private": True, "ca_file": str(authority.file)}
        found = locate_exchange(settings, Places((host,), Ways(("127.0.0.1",), port)))
        assert found.settings == {"url": server.url}
        assert not found.is_sure
        assert credentials_sent(server.wire) == []
