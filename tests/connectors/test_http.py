"""The HTTP client connects where it may, takes no more than it may, and says in one class what came of it."""

import gzip
import ssl
import threading
import tracemalloc
import zlib
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme

from connectors._http import LIMITS, Answer, Auth, Bearer, Http, Limits, Login
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)
from tests.connectors.files import an_access
from tests.fakes.http_script import Asked, Reply, reply, scripted

SECRET = "correct-horse-battery"
QUICK = Limits(idle=timedelta(seconds=0.3), whole=timedelta(seconds=0.8))


def ask(
    url: str,
    *,
    method: str = "GET",
    path: str = "",
    auth: Auth | None = None,
    limits: Limits = LIMITS,
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> Answer:
    access = an_access(settings={"allow_private": True} if settings is None else settings)
    with closing(Http(access, base=url, auth=auth, limits=limits)) as http:
        return http.request(method, path or url, **more)


def always(answer: Reply) -> Any:
    return lambda _: answer


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [
        (401, {}, ReauthRequired),
        (403, {}, Rejected),
        (404, {}, Missing),
        (410, {}, Missing),
        (409, {}, Rejected),
        (412, {}, Rejected),
        (423, {}, Transient),
        (429, {}, RateLimited),
        (429, {"retry_after": "7"}, RateLimited),
        (500, {}, Transient),
        (502, {}, Transient),
        (503, {}, Transient),
        (503, {"retry_after": "7"}, RateLimited),
        (507, {}, Rejected),
    ],
)
def test_a_status_is_one_class_of_error(
    status: int, headers: dict[str, str], error: type[ConnectorError]
) -> None:
    """Callers learn by class what to do next; the words name host and status, and nothing private."""
    with scripted(always(reply(status, b"<p>secret detail</p>", **headers))) as server:
        with pytest.raises(ConnectorError) as caught:
            ask(f"{server.url}dav/alice/?token=abc", auth=Login("alice", lambda: SECRET))
        assert type(caught.value) is error
        words = str(caught.value)
        assert "127.0.0.1" in words
        assert str(status) in words
        assert not any(hidden in words for hidden in (SECRET, "alice", "abc", "secret detail"))
        assert "retry_after" not in headers or caught.value.retry_after == timedelta(seconds=7)  # type: ignore[attr-defined]


def test_patience_may_be_asked_for_by_date() -> None:
    """Retry-After as an HTTP date counts from the clock that was handed in, and is a day at most."""
    with scripted(always(reply(429, retry_after="Mon, 23 Nov 2026 12:02:00 GMT"))) as server:
        with pytest.raises(RateLimited) as caught:
            ask(server.url)
        assert caught.value.retry_after == timedelta(minutes=2)
    with scripted(always(reply(503, retry_after="99999999"))) as server:
        with pytest.raises(RateLimited) as caught:
            ask(server.url)
        assert caught.value.retry_after == timedelta(days=1)


def test_a_caller_takes_what_it_knows() -> None:
    """Statuses that the caller allows are answers; 403 is a refused sign-in only where the caller says so."""
    with scripted(always(reply(403, b"why"))) as server:
        assert ask(server.url, allow=(403,)).body == b"why"
        with pytest.raises(ReauthRequired):
            ask(server.url, reauth=(401, 403))


@pytest.mark.parametrize("status", [500, 502, 504])
def test_a_failed_write_may_have_happened(status: int) -> None:
    """A write that was answered with a failure, or not at all, is ambiguous; one that never left is not."""
    with scripted(always(reply(status))) as server, pytest.raises(Ambiguous):
        ask(server.url, method="PUT", content=b"x", is_write=True)
    with scripted(always(b"")) as server, pytest.raises(Ambiguous):
        ask(server.url, method="PUT", content=b"x", is_write=True)
    with scripted(always(b"")) as server:
        url = server.url
    with pytest.raises(Transient):
        ask(url, method="PUT", content=b"x", is_write=True)


@pytest.mark.parametrize(
    "broken",
    [
        b"",
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_broken_answer_may_come_whole_later(broken: bytes) -> None:
    """What was cut in half, or is no HTTP, is never taken for an answer."""

    def cut(_: Asked) -> Iterator[bytes]:
        yield broken
        raise OSError

    with scripted(cut) as server, pytest.raises(Transient):
        ask(server.url)


def test_a_web_page_is_no_data() -> None:
    """A sign-in page with status 200 is told from data, by its type or by its first bytes."""
    for answer in (
        reply(200, b"<p>Sign in</p>", content_type="text/html; charset=utf-8"),
        reply(200, b"\n<!DOCTYPE html><p>Sign in</p>", content_type="text/xml"),
    ):
        with scripted(always(answer)) as server:
            with pytest.raises(Transient, match="web page"):
                ask(server.url, expect="xml")
            assert ask(server.url).status == 200


class TestWhereItGoes:
    """Addresses, redirects and credentials."""

    @pytest.mark.parametrize(
        "url",
        [
            "http://127.0.0.1:1/",
            "https://127.0.0.1/",
            "https://10.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[::1]/",
            "https://[fc00::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://0.0.0.0/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://017700000001/",
            "https://localhost/",
        ],
    )
    def test_private_addresses_need_leave(self, url: str) -> None:
        """However an address of a private network is written, it is refused unless the owner allowed it."""
        with pytest.raises(Rejected, match="allow"):
            ask(url, settings={})

    def test_plain_http_stays_at_home(self) -> None:
        """http:// is for private hosts that were allowed; in public it would show the password."""
        with pytest.raises(Rejected, match="https"):
            ask("http://198.41.0.4/")

    @pytest.mark.parametrize(
        "url",
        ["ftp://example.com/", "file:///etc/passwd", "example.com", "https://", "https://a:b@example.com/"],
    )
    def test_only_plain_urls_are_taken(self, url: str) -> None:
        """A URL of another scheme, without a host, or with a password in it is refused at once."""
        with pytest.raises(Rejected):
            ask(url)

    def test_the_environment_names_no_proxy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A proxy in the environment is not used."""
        with scripted(always(b"")) as proxy, scripted(always(reply(200))) as server:
            for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"):
                monkeypatch.setenv(name, proxy.url)
            monkeypatch.setenv("no_proxy", "")
            assert ask(server.url).status == 200
            assert proxy.asked == []

    def test_a_redirect_is_followed_with_its_method(self) -> None:
        """A redirect within the host keeps method, body and credentials."""

        def script(asked: Asked) -> Reply:
            return reply(301, location="/there/") if asked.path == "/" else reply(207, b"ok")

        with scripted(script) as server:
            answer = ask(server.url, method="PROPFIND", content=b"<x/>", auth=Login("alice", lambda: SECRET))
            assert (answer.status, answer.url) == (207, f"{server.url}there/")
            assert [(a.method, a.body) for a in server.asked] == [("PROPFIND", b"<x/>")] * 2
            assert all("authorization" in a.headers for a in server.asked)

    @pytest.mark.parametrize("auth", [Login("alice", lambda: SECRET), Bearer(lambda: SECRET)])
    def test_another_origin_gets_no_credentials(self, auth: Auth) -> None:
        """A redirect to another host or port is followed bare; when that wants a sign-in, the owner decides."""
        with (
            scripted(always(reply(401))) as other,
            scripted(always(reply(302, location=other.url))) as server,
        ):
            with pytest.raises(Rejected, match=str(other.port)):
                ask(server.url, auth=auth)
            assert len(other.asked) == 1
            assert "authorization" not in other.asked[0].headers

    def test_an_absolute_url_gets_no_credentials_elsewhere(self) -> None:
        """A URL that a server names (an href, say) is trusted no more than a redirect."""
        with scripted(always(reply(207))) as other, scripted(always(reply(207))) as server:
            ask(server.url, path=other.url, auth=Login("alice", lambda: SECRET))
            assert "authorization" not in other.asked[0].headers

    def test_a_write_does_not_wander(self) -> None:
        """What is written goes to the host that was named, or nowhere."""
        with (
            scripted(always(reply(201))) as other,
            scripted(always(reply(307, location=other.url))) as server,
        ):
            with pytest.raises(Rejected):
                ask(server.url, method="PUT", content=b"x", is_write=True)
            assert other.asked == []

    def test_redirects_end(self) -> None:
        """Five redirects are followed, not more."""
        with scripted(lambda asked: reply(302, location=f"{asked.path}x")) as server:
            with pytest.raises(Rejected, match="circle"):
                ask(server.url)
            assert len(server.asked) == 6

    def test_a_redirect_into_the_private_network_is_refused(self) -> None:
        """Leave for the host that was named is no leave for what it redirects to."""
        with scripted(always(reply(302, location="http://localhost:1/"))) as server, pytest.raises(Rejected):
            ask(server.url)
        target = "http://169.254.169.254/"
        with scripted(always(reply(302, location=target))) as server, pytest.raises(Rejected):
            ask(server.url)


class TestTls:
    """Certificates."""

    def test_a_certificate_must_be_trusted(self, tmp_path: Path) -> None:
        """A private authority is trusted when it is named as ca_file, and never otherwise."""
        authority = trustme.CA()
        context = authority.issue_cert("127.0.0.1")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.configure_cert(tls)
        file = tmp_path / "ca.pem"
        authority.cert_pem.write_to_path(file)
        with (
            scripted(always(reply(200, b"safe"))) as plain,
            scripted(always(reply(200, b"safe")), tls) as server,
        ):
            with pytest.raises(Transient, match="certificate"):
                ask(server.url)
            settings = {"allow_private": True, "ca_file": str(file)}
            assert ask(server.url, settings=settings).body == b"safe"
            server.script = always(reply(302, location=plain.url))
            with pytest.raises(Rejected, match="https to http"):
                ask(server.url, settings=settings)
            assert plain.asked == []
            server.script = always(reply(200))
            wrong = server.url.replace("127.0.0.1", "localhost")
            with pytest.raises(Transient, match=r"certificate.*how the host is spelt"):
                ask(wrong, settings=settings)

    @pytest.mark.parametrize(
        ("begins", "ends"), [(2090, 2091), (2020, 2021)], ids=["not yet valid", "no longer valid"]
    )
    def test_a_certificate_has_its_time(self, tmp_path: Path, begins: int, ends: int) -> None:
        """One whose time has not come, or is over, is refused, and the clock is named: it may be that which is wrong."""
        authority = trustme.CA()
        first, last = (datetime(year, 1, 1, tzinfo=UTC) for year in (begins, ends))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", not_before=first, not_after=last).configure_cert(tls)
        authority.cert_pem.write_to_path(tmp_path / "ca.pem")
        settings = {"allow_private": True, "ca_file": str(tmp_path / "ca.pem")}
        with scripted(always(reply(200)), tls) as server, pytest.raises(Transient, match="clock is right"):
            ask(server.url, settings=settings)


class TestLimits:
    """What an answer may cost."""

    @pytest.mark.parametrize("encoding", ["gzip", "deflate", "gzip, gzip"])
    def test_a_bomb_is_stopped_while_it_unpacks(self, encoding: str) -> None:
        """A body of 1:1000 ends at the limit, in bounded memory."""
        zeros = bytes(200 * 1024 * 1024)
        packed = zlib.compress(zeros) if encoding == "deflate" else gzip.compress(zeros, 1)
        packed = gzip.compress(packed) if encoding == "gzip, gzip" else packed
        del zeros
        with scripted(always(reply(200, packed, content_encoding=encoding))) as server:
            tracemalloc.start()
            with pytest.raises(Rejected, match="8 MB"):
                ask(server.url, limits=Limits(body=8 * 1024 * 1024))
            peak = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        assert peak < 40 * 1024 * 1024

    def test_an_endless_body_is_stopped(self) -> None:
        """A body without an end is read to the limit."""

        def endless(_: Asked) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            while True:
                yield b"10000\r\n" + bytes(0x10000) + b"\r\n"

        with scripted(endless) as server, pytest.raises(Rejected, match="1 MB"):
            ask(server.url, limits=Limits(body=1024 * 1024))

    def test_endless_headers_are_stopped(self) -> None:
        """A million header lines are not waited for."""

        def headers(_: Asked) -> Iterator[bytes]:
            yield b"HTTP/1.1 200 OK\r\n"
            for number in range(1_000_000):
                yield b"x-%d: y\r\n" % number

        with scripted(headers) as server, pytest.raises(Transient):
            ask(server.url)

    def test_silence_ends(self) -> None:
        """A server that takes the request and says nothing is given up."""
        over = threading.Event()

        def silent(_: Asked) -> Iterator[bytes]:
            over.wait(10)
            yield b""

        with scripted(silent) as server, pytest.raises(Transient, match="too long"):
            ask(server.url, limits=QUICK)
        over.set()

    @pytest.mark.parametrize(
        "head", [b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"HTTP/1.1 200 OK\r\n"]
    )
    def test_a_slow_drip_ends(self, head: bytes) -> None:
        """Bytes that come one by one, in body or headers, do not hold a worker longer than the whole may take."""
        over = threading.Event()

        def drip(_: Asked) -> Iterator[bytes]:
            yield head
            while not over.wait(0.05):
                yield b"x"

        with scripted(drip) as server, pytest.raises(Transient, match="too long"):
            ask(server.url, limits=QUICK)
        over.set()


class TestSigningIn:
    """Basic, Digest, Bearer."""

    def test_basic_and_bearer_go_with_every_request(self) -> None:
        """Both are sent at once, and over one connection."""
        with scripted(always(reply(200))) as server:
            access = an_access(settings={"allow_private": True})
            with closing(Http(access, base=server.url, auth=Login("alice", lambda: "s"))) as http:
                http.request("GET", "/1")
                http.request("GET", "/2")
            ask(server.url, auth=Bearer(lambda: "token"))
            assert [a.headers["authorization"] for a in server.asked] == [
                "Basic YWxpY2U6cw==",
                "Basic YWxpY2U6cw==",
                "Bearer token",
            ]
            assert server.connections == 2

    @pytest.mark.parametrize("is_write", [False, True])
    def test_a_token_that_was_refused_is_renewed_once(self, is_write: bool) -> None:
        """A token that ended early is replaced and the request repeated; a second refusal is the owner's affair."""
        with scripted(
            lambda asked: reply(200 if asked.headers["authorization"] == "Bearer new" else 401)
        ) as server:
            auth = Bearer(lambda: "old", lambda refused: {"old": "new"}[refused])
            assert ask(server.url, method="POST", auth=auth, is_write=is_write).status == 200
            with pytest.raises(ReauthRequired):
                ask(server.url, auth=Bearer(lambda: "old", lambda _: "worthless"))
            assert len(server.asked) == 4

    def test_digest_is_used_where_it_is_all_there_is(self) -> None:
        """A server that offers Digest alone gets it, its nonce is kept, and a stale one is renewed."""
        nonces = iter("abcdefgh")
        current = [next(nonces)]

        def script(asked: Asked) -> Reply:
            given = asked.headers.get("authorization", "")
            if (
                given.startswith("Digest ")
                and f'nonce="{current[0]}"' in given
                and 'username="alice"' in given
            ):
                return reply(200, b"in")
            current[0] = next(nonces)
            return reply(401, www_authenticate=f'Digest realm="r", nonce="{current[0]}", qop="auth"')

        with scripted(script) as server:
            access = an_access(settings={"allow_private": True})
            with closing(Http(access, base=server.url, auth=Login("alice", lambda: SECRET))) as http:
                assert http.request("GET", "/1").body == b"in"
                asked = len(server.asked)
                assert http.request("GET", "/2").body == b"in"
                assert len(server.asked) == asked + 1
                current[0] = "stale"
                assert http.request("GET", "/3").body == b"in"
            assert not any(SECRET in str(a) for a in server.asked)

    @pytest.mark.parametrize(
        "challenge", ['Digest realm="r", nonce="n", qop="auth"', 'Basic realm="r"', "Digest", "Negotiate"]
    )
    def test_a_wrong_password_is_tried_once(self, challenge: str) -> None:
        """A refused sign-in is not repeated, since that may lock the account."""
        with scripted(always(reply(401, www_authenticate=challenge))) as server:
            with pytest.raises((ReauthRequired, Rejected)):
                ask(server.url, auth=Login("alice", lambda: SECRET))
            assert len(server.asked) <= 3


# --- bodies that go on --------------------------------------------------------------------------------------------------


def chunks(*pieces: bytes, is_whole: bool = True) -> Iterator[bytes]:
    yield b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    for one in pieces:
        yield b"%x\r\n%b\r\n" % (len(one), one)
    if is_whole:
        yield b"0\r\n\r\n"


def test_a_body_is_taken_as_it_comes() -> None:
    """Each piece is handed on before the next is there; none is kept, and what is no good answer is not taken."""
    taken: list[bytes] = []
    heard = threading.Event()

    def answer(_asked: Asked) -> Iterator[bytes]:
        parts = chunks(b"one", b"two")
        yield next(parts)
        yield next(parts)
        assert heard.wait(10)
        yield from parts

    def take(piece: bytes) -> None:
        taken.append(piece)
        heard.set()

    with scripted(answer) as server:
        access = an_access(settings={"allow_private": True})
        with closing(Http(access, base=server.url, take=take)) as http:
            assert http.request("GET", "").body == b""
            assert taken == [b"one", b"two"]
            server.script = always(reply(404, b"none"))
            with pytest.raises(Missing):
                http.request("GET", "")
            assert taken == [b"one", b"two"]


@pytest.mark.parametrize("is_tls", [False, True], ids=["http", "https"])
def test_an_answer_is_hung_up_on(is_tls: bool) -> None:
    """Whoever waits for the rest of an answer finds it broken off at once, once another thread hangs up."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    begun, over = threading.Event(), threading.Event()

    def answer(_asked: Asked) -> Iterator[bytes]:
        yield from chunks(b"one", is_whole=False)
        over.wait(10)

    with (
        scripted(answer, context if is_tls else None) as server,
        authority.cert_pem.tempfile() as ca_file,
        closing(
            Http(
                an_access(settings={"allow_private": True, "ca_file": ca_file if is_tls else ""}),
                base=server.url,
                take=lambda _piece: begun.set(),
            )
        ) as http,
    ):
        errors: list[Exception] = []

        def ask_on() -> None:
            try:
                http.request("GET", "")
            except Transient as error:
                errors.append(error)

        thread = threading.Thread(target=ask_on)
        thread.start()
        assert begun.wait(10)
        http.hang_up()
        thread.join(2)
        over.set()
        assert not thread.is_alive()
        assert len(errors) == 1
