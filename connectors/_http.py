"""The HTTP client of every connector: guarded where it connects, bounded in what it takes, plain in what it raises.

It never sends a credential to a host that the owner did not name, never leaves https, and no error of it holds a
secret, a path or a query. An answer is whole or an error of `schemas.errors`:

    401                                     ReauthRequired (and 403 where the caller says so)
    404, 410                                Missing
    429, and 503 with Retry-After           RateLimited
    408, 423, other 5xx; resets, time-outs  Transient for a read; for a write that may have arrived, Ambiguous
    other 4xx                               Rejected
    a web page where data was expected      Transient
"""

import ssl
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol

from msgspec import Struct

from connectors._network import untrusted
from connectors._ntlm import Handshake, Ntlm, challenge_in, offers_ntlm
from schemas.clock import Clock
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)

if TYPE_CHECKING:
    import httpx2

    from connectors._http_transport import GuardedTransport

_REDIRECTS = {301, 302, 303, 307, 308}
_PATIENCE = timedelta(minutes=1)
_MOST_PATIENCE = timedelta(days=1)
_WEB_PAGE = (b"<!doctype html", b"<html", b"<head")


class TooLarge(Rejected):
    """An answer that was not read to its end, since it is longer than it may be."""


class Limits(Struct, frozen=True):
    """What one request may take: bytes of an answer when unpacked, silence, time as a whole, and redirects."""

    body: int = 50 * 1024 * 1024
    idle: timedelta = timedelta(seconds=30)
    whole: timedelta = timedelta(minutes=5)
    redirects: int = 5


LIMITS = Limits()


class Login(Struct, frozen=True):
    """A user with a password: Basic (RFC 7617), or Digest (RFC 7616) where the server offers that alone."""

    user: str
    secret: Callable[[], str]


class Bearer(Struct, frozen=True):
    """A token (RFC 6750), asked for with every request; `renew` gives another for one that was refused, once a request."""

    token: Callable[[], str]
    renew: Callable[[str], str] | None = None


Auth = Login | Bearer | Ntlm


class Caller(Protocol):
    """What a connection must know of an `Access`: the account's settings, and the time."""

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of the account, among them `allow_private` and `ca_file`."""
        ...

    @property
    def clock(self) -> Clock:
        """Tells how long an answer asks to wait."""
        ...


class Answer(Struct, frozen=True):
    """What came back: the names of headers in lower case, the body unpacked, and the URL after redirects."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Http:
    """One account's connections; they are kept alive until `close`. Not for two threads at once."""

    def __init__(
        self,
        access: Caller,
        *,
        base: str,
        auth: Auth | None = None,
        limits: Limits = LIMITS,
        is_kin: Callable[[str], bool] = lambda _host: False,
        take: Callable[[bytes], None] | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            base: the URL that the owner named; others are relative to it, and credentials go to its origin alone.
            is_kin: tells of other hosts that the credentials are meant for too, over https.
            take: is handed the body of each good answer piece by piece as it comes, and no such body is kept. What it
                raises ends the answer.

        Raises:
            Rejected: the base is no http URL.
        """
        self._access = access
        self._auth = auth
        self._limits = limits
        self._is_kin = is_kin
        self._take = take
        self._base = _read_url(base)
        self._transport: GuardedTransport | None = None
        self._digest: httpx2.DigestAuth | None = None

    @property
    def base(self) -> str:
        """The URL that others are relative to."""
        return str(self._base)

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        is_write: bool = False,
        expect: Literal["", "xml", "json", "data"] = "",
        allow: Collection[int] = (),
        reauth: Collection[int] = (401,),
    ) -> Answer:
        """Send one request, follow redirects, and give the whole answer.

        Args:
            url: absolute, or relative to the base.
            is_write: whether sending it twice may do something twice.
            expect: what a good answer holds; a web page is none of it.
            allow: statuses other than 2xx that are answers to the caller, not errors.
            reauth: statuses that mean that the sign-in is refused.

        Raises:
            ConnectorError: see the table above.
        """
        target = _read_url(url, self._base)
        for _ in range(self._limits.redirects + 1):
            answer = self._send(method, target, headers or {}, content, is_write=is_write)
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or answer.status in allow or not location:
                return self._judge(
                    answer, target, is_write=is_write, expect=expect, allow=allow, reauth=reauth
                )
            target = self._redirected(target, location, is_write=is_write)
            if answer.status == 303:
                method, content = "GET", b""
        raise Rejected(f"{_name(target)} redirects in a circle. Check the URL of the account.")

    def hang_up(self) -> None:
        """End the answer under way, from another thread: whoever waits for it finds it broken off."""
        if self._transport is not None:
            self._transport.hang_up()

    def close(self) -> None:
        """Let go of every connection."""
        if self._transport is not None:
            self._transport.close()
            self._transport = None

    # ------ one exchange

    def _send(
        self, method: str, url: "httpx2.URL", headers: Mapping[str, str], content: bytes, *, is_write: bool
    ) -> Answer:
        import httpx2  # noqa: PLC0415

        seconds = self._limits.idle.total_seconds()
        request = httpx2.Request(
            method,
            url,
            headers={"User-Agent": "Kith", "Accept-Encoding": "gzip, deflate", **headers},
            content=content or None,
            extensions={"timeout": dict.fromkeys(("connect", "read", "write", "pool"), seconds)},
        )
        self._connections().begin(self._limits.whole.total_seconds())
        if self._auth is None or not self._is_trusted(url):
            return self._exchange(request, is_write=is_write)[0]
        if isinstance(self._auth, Bearer):
            token = self._auth.token()
            request.headers["Authorization"] = f"Bearer {token}"
            answer = self._exchange(request, is_write=is_write)[0]
            if answer.status == 401 and self._auth.renew is not None:
                request.headers["Authorization"] = f"Bearer {self._auth.renew(token)}"
                answer = self._exchange(request, is_write=is_write)[0]
            return answer
        if isinstance(self._auth, Ntlm):
            return self._shake_hands(self._auth, request, is_write=is_write)
        return self._sign_in(self._auth, request, is_write=is_write)

    def _shake_hands(self, login: Ntlm, request: "httpx2.Request", *, is_write: bool) -> Answer:
        """NTLM signs a connection in: what goes over it afterwards needs nothing more, and it is tried once."""
        answer, headers = self._exchange(request, is_write=is_write)
        if answer.status != 401 or not offers_ntlm(headers.get_list("www-authenticate")):
            return answer
        handshake = Handshake(login, request.url.host, self._connections().certificate)
        request.headers["Authorization"] = handshake.opening()
        answer, headers = self._exchange(request, is_write=is_write)
        challenge = challenge_in(headers.get_list("www-authenticate"))
        if answer.status != 401 or not challenge:
            return answer
        made = self._connections().made
        request.headers["Authorization"] = handshake.response(challenge)
        answer, _ = self._exchange(request, is_write=is_write)
        if answer.status == 401 and self._connections().made != made:
            # The response went over another connection, which had never asked for it: nobody was refused.
            raise Transient(f"{_name(request.url)} closed the connection in mid sign-in. Kith tries again.")
        return answer

    def _sign_in(self, login: Login, request: "httpx2.Request", *, is_write: bool) -> Answer:
        """Basic at once, since a server that lets anybody in never asks; Digest once one offers nothing else."""
        import httpx2  # noqa: PLC0415

        if self._digest is None:
            flow = httpx2.BasicAuth(login.user, login.secret()).sync_auth_flow(request)
            answer, headers = self._exchange(next(flow), is_write=is_write)
            if answer.status != 401 or not _offers_digest_alone(headers):
                return answer
            self._digest = httpx2.DigestAuth(login.user, login.secret())
            del request.headers["Authorization"]
        flow = self._digest.sync_auth_flow(request)
        try:
            request = next(flow)
            while True:
                answer, headers = self._exchange(request, is_write=is_write)
                request = flow.send(httpx2.Response(answer.status, headers=headers, request=request))
        except StopIteration:
            return answer
        except (httpx2.ProtocolError, NotImplementedError, ValueError) as error:
            raise Rejected(
                f"{_name(request.url)} asks for a way of signing in that Kith does not know."
            ) from error

    def _exchange(self, request: "httpx2.Request", *, is_write: bool) -> tuple[Answer, "httpx2.Headers"]:
        """One request and its whole answer, whatever the status."""
        import httpcore2  # noqa: PLC0415
        import httpx2  # noqa: PLC0415

        transport = self._connections()
        try:
            response = transport.handle_request(request)
            try:
                body = self._read(response, request)
            finally:
                response.close()
        except (httpcore2.ConnectError, httpcore2.ConnectTimeout, httpcore2.UnsupportedProtocol) as error:
            raise _unreachable(request.url, error) from error
        except httpx2.DecodingError as error:
            raise Transient(f"{_name(request.url)} sent an answer that cannot be unpacked.") from error
        except (httpcore2.TimeoutException, httpcore2.NetworkError, httpcore2.ProtocolError) as error:
            raise _broken(request.url, error, is_write=is_write) from error
        headers = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, headers, body, str(request.url)), response.headers

    def _read(self, response: "httpx2.Response", request: "httpx2.Request") -> bytes:
        if self._take is not None and 200 <= response.status_code < 300:
            for chunk in response.iter_bytes():
                self._take(chunk)
            return b""
        most = self._limits.body
        chunks: list[bytes] = []
        size = 0
        for chunk in response.iter_bytes():
            size += len(chunk)
            if size > most or response.num_bytes_downloaded > most:
                raise TooLarge(
                    f"{_name(request.url)} sent more than {most // (1024 * 1024)} MB in one answer; it was not read on."
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def _connections(self) -> "GuardedTransport":
        if self._transport is None:
            from connectors._http_transport import GuardedTransport  # noqa: PLC0415

            self._transport = GuardedTransport(
                self._base.host,
                allow_private=bool(self._access.settings.get("allow_private")),
                ca_file=str(self._access.settings.get("ca_file") or ""),
            )
        return self._transport

    # ------ where to, and what came of it

    def _is_trusted(self, url: "httpx2.URL") -> bool:
        return _origin(url) == _origin(self._base) or (url.scheme == "https" and self._is_kin(url.host))

    def _redirected(self, url: "httpx2.URL", location: str, *, is_write: bool) -> "httpx2.URL":
        target = _read_url(location, url)
        if url.scheme == "https" and target.scheme != "https":
            raise Rejected(f"{_name(url)} redirects from https to http, where it would be read by others.")
        if is_write and _origin(target) != _origin(url):
            raise Rejected(f"{_name(url)} redirects to {_name(target)}. Nothing was written there.")
        return target

    def _judge(
        self,
        answer: Answer,
        url: "httpx2.URL",
        *,
        is_write: bool,
        expect: str,
        allow: Collection[int],
        reauth: Collection[int],
    ) -> Answer:
        status = answer.status
        if status in allow:
            return answer
        name = _name(url)
        if 200 <= status < 300:
            if expect and _is_web_page(answer):
                raise Transient(
                    f"{name} answered with a web page where data was expected: a sign-in page, or a proxy between. "
                    "Check the URL, and open it in a browser on this machine."
                )
            return answer
        if status in reauth:
            if not self._is_trusted(url):
                raise Rejected(
                    f"{_name(self._base)} sends on to {name}, which wants a sign-in. The password goes only to the "
                    f"host you named. If {name} is right, connect with its URL."
                )
            raise ReauthRequired(
                f"{name} refused the sign-in ({status}). Check user and password, then connect again."
            )
        raise _failure(answer, name, self._access.clock.now(), is_write=is_write)


# ------ words


def _failure(answer: Answer, name: str, now: datetime, *, is_write: bool) -> ConnectorError:
    status = answer.status
    wait = patience(answer.headers.get("retry-after", ""), now)
    if status == 429 or (status == 503 and wait is not None):
        return RateLimited(f"{name} asks to wait ({status}).", retry_after=wait or _PATIENCE)
    if status in {404, 410}:
        return Missing(f"{name} has nothing there ({status}). Check the URL, or what was chosen to be read.")
    if status in {408, 423, 503}:
        return Transient(f"{name} cannot answer now ({status}). Kith tries again.")
    if status >= 500 and status != 507:
        if is_write:
            return Ambiguous(f"{name} failed ({status}) at a write; it may have happened.")
        return Transient(f"{name} failed ({status}). Kith tries again.")
    return Rejected(f"{name} refused the request ({status}).")


def _unreachable(url: "httpx2.URL", error: Exception) -> Transient:
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return Transient(untrusted(_name(url), cause))
    if cause is not None:
        return Transient(f"{_name(url)} does not speak TLS as it should. Check host and port.")
    return Transient(f"{_name(url)} does not answer. Check host and port, and this machine's network.")


def _broken(url: "httpx2.URL", error: Exception, *, is_write: bool) -> ConnectorError:
    import httpcore2  # noqa: PLC0415

    what = "took too long" if isinstance(error, httpcore2.TimeoutException) else "broke off"
    if is_write:
        return Ambiguous(
            f"The connection to {_name(url)} {what} after a write was sent; it may have happened."
        )
    return Transient(f"The answer of {_name(url)} {what}. Kith tries again.")


def patience(text: str, now: datetime) -> timedelta | None:
    """How long to wait (RFC 9110 10.2.3), a day at most; None when it is not said."""
    text = text.strip()
    if text.isdecimal() and len(text) < 10:
        wait = timedelta(seconds=int(text))
    else:
        try:
            until = parsedate_to_datetime(text)
        except (ValueError, TypeError, IndexError):
            return None
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    return min(max(wait, timedelta()), _MOST_PATIENCE)


def _is_web_page(answer: Answer) -> bool:
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return kind == "text/html" or answer.body[:200].lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(
        _WEB_PAGE
    )


def _offers_digest_alone(headers: "httpx2.Headers") -> bool:
    offers = [offer.strip().lower() for offer in headers.get_list("www-authenticate")]
    return any(offer.startswith("digest ") for offer in offers) and not any(
        "basic realm" in offer for offer in offers
    )


def _read_url(text: str, base: "httpx2.URL | None" = None) -> "httpx2.URL":
    import httpx2  # noqa: PLC0415

    try:
        url = httpx2.URL(text) if base is None else base.join(text)
    except (httpx2.InvalidURL, ValueError, UnicodeError) as error:
        raise Rejected(
            "The URL is none that can be understood. It looks like https://dav.example.com/path/."
        ) from error
    if url.scheme not in {"http", "https"} or not url.host:
        raise Rejected("The URL must begin with https:// and name a host.")
    if url.userinfo:
        raise Rejected(f"The URL of {_name(url)} holds a user or password. Give them by their own options.")
    return url


def _origin(url: "httpx2.URL") -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _name(url: "httpx2.URL") -> str:
    return url.host if url.port is None else f"{url.host}:{url.port}"
