"""The line to one Exchange server: where it leads, how it is signed in, and what each refusal means.

It is `connectors._http` below, so that it is guarded where it connects and bounded in what it takes. A password goes to the
one host that the owner named; no redirect is followed, nothing is sent twice, and a sign-in is tried once, since three
that fail may lock an account. What a server says becomes an error of `schemas.errors`:

    401                                              ReauthRequired
    ErrorServerBusy, and its kin                     RateLimited, for as long as it asks
    ErrorInvalidSyncStateData                        CursorExpired
    ErrorItemNotFound, ErrorFolderNotFound           Missing; so of a subscription that is no more
    ErrorIrresolvableConflict, ErrorStaleObject      Conflict: read again, then write
    ErrorInternalServerError, ErrorTimeoutExpired    Transient for a read, Ambiguous for a write
    ErrorAccessDenied, and what else there is        Rejected

Microsoft 365 is not spoken to: Microsoft ends EWS there in 2027, and Graph has taken its place.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from connectors._http import Answer, Auth, Bearer, Http, Limits, Login
from connectors._ntlm import Ntlm
from schemas.connector import Access, no_other
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    CursorExpired,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)

_LIMITS = Limits(whole=timedelta(minutes=3))
_LISTENING = Limits(idle=timedelta(seconds=90), whole=timedelta(minutes=35))
"""For an answer that goes on for half an hour: twice the 45 seconds after which servers say that it does."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_PATIENCE = timedelta(minutes=1)
_MOST_PATIENCE = timedelta(days=1)
_BACK_OFF = re.compile(rb'Name="BackOffMilliseconds"[^>]{0,100}>\s*(\d{1,12})\s*<')
_ONLINE = re.compile(
    r"(?:.+\.)?(?:office365\.(?:com|us)|outlook\.(?:com|cn|us)|office\.(?:com|de)|microsoftonline\.(?:com|us|de))"
)
_BUSY = frozenset(
    {
        "ErrorServerBusy",
        "ErrorExceededConnectionCount",
        "ErrorExceededFindCountLimit",
        "ErrorExceededSubscriptionCount",
        "ErrorTooManyObjectsOpened",
        "RateLimitError",
    }
)
_GONE = frozenset(
    {
        "ErrorItemNotFound",
        "ErrorFolderNotFound",
        "ErrorInvalidIdNotAnItemAttachmentId",
        # Subscriptions that are no more, or are behind what happened.
        "ErrorSubscriptionNotFound",
        "ErrorExpiredSubscription",
        "ErrorInvalidSubscription",
        "ErrorSubscriptionUnsubsribed",  # as Microsoft spells it
        "ErrorInvalidWatermark",
        "ErrorMissedNotificationEvents",
        "ErrorReadEventsFailed",
    }
)
_CONFLICTS = frozenset(
    {
        "ErrorIrresolvableConflict",
        "ErrorStaleObject",
        "ErrorChangeKeyRequired",
        "ErrorChangeKeyRequiredForWriteOperations",
        "ErrorInvalidChangeKey",
        "ErrorObjectTypeChanged",
    }
)
TRIPPED = "ErrorInternalServerError"
_LATER = frozenset(
    {
        TRIPPED,
        "ErrorInternalServerTransientError",
        "ErrorTimeoutExpired",
        "ErrorMailboxStoreUnavailable",
        "ErrorMailboxMoveInProgress",
        "ErrorConnectionFailed",
        "ErrorConnectionFailedTransientError",
        "ErrorADUnavailable",
        "ErrorADOperation",
        "ErrorBatchProcessingStopped",
        "ErrorInsufficientResources",
        "ErrorNotEnoughMemory",
        # What the library calls an answer that is none of EWS.
        "SOAPError",
        "MalformedResponseError",
    }
)
_DENIED = frozenset({"ErrorAccessDenied", "ErrorImpersonateUserDenied", "ErrorImpersonationDenied"})
_NOBODY = frozenset(
    {"ErrorNonExistentMailbox", "ErrorMissingEmailAddress", "ErrorNoRespondingCASInDestinationSite"}
)
ONLINE = (
    "That mailbox is at Microsoft 365, where Microsoft switches off what is spoken here (EWS) and ends it in April 2027. "
    "Connect it by Microsoft's own sign-in: kith connect microsoft"
)


class Conflict(Transient):
    """Somebody else has written meanwhile; what was read is old."""


class Unspoken(Rejected):
    """The server does not know what a request holds: it is older than that."""


class Fault(Struct, frozen=True):
    """Why there is no item: `is_gone`, or a code that tells why it cannot be had."""

    code: str
    is_gone: bool = False


def is_online(host: str) -> bool:
    """Whether a host is one of Microsoft 365."""
    return _ONLINE.fullmatch(host.lower().rstrip(".")) is not None


def ews_url(settings: Mapping[str, Any]) -> str:
    """Where an account's server is asked.

    Raises:
        Rejected: nothing tells; or it is Microsoft 365.
    """
    url = str(settings.get("url") or "")
    if not url and settings.get("host"):
        url = f"https://{settings['host']}/EWS/Exchange.asmx"
    if not url:
        raise Rejected("Say where the server is: kith connect exchange --url https://HOST/EWS/Exchange.asmx")
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise Rejected("The URL is none that can be understood.") from error
    if is_online(host):
        raise Rejected(ONLINE)
    if parts.scheme == "http" and not settings.get("allow_private"):
        raise Rejected(
            f"http://{host} would show what is read, and the password, to everybody. Give its https:// address."
        )
    return f"{parts.scheme}://{parts.netloc}/EWS/Exchange.asmx" if parts.path in {"", "/"} else url


class Line:
    """One account's line. Not for two threads at once."""

    def __init__(self, access: Access, take: Callable[[bytes], None] | None = None) -> None:
        """Nothing is sent yet.

        Args:
            take: is handed what comes of answers as it comes, which may go on for half an hour.

        Raises:
            Rejected: the URL is none, or one of Microsoft 365.
        """
        self._access = access
        self._take = take
        self.url = ews_url(access.settings)
        self.user = str(access.settings.get("user") or "")
        self.is_write = False
        """Whether what is sent next may do something twice when it is sent twice."""
        self._auth = str(access.settings.get("auth") or "")
        self._http: Http | None = None
        self._back_off: timedelta | None = None

    @property
    def host(self) -> str:
        """The server, by its name."""
        return urlsplit(self.url).netloc

    def hang_up(self) -> None:
        """End the answer under way, from another thread."""
        if self._http is not None:
            self._http.hang_up()

    def close(self) -> None:
        """Let go of the line."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def post(self, envelope: bytes, headers: Mapping[str, str]) -> bytes:
        """Send one envelope, and give the envelope that came; nothing where it was taken piece by piece."""
        answer = self._connected().request(
            "POST",
            self.url,
            headers={"Content-Type": "text/xml; charset=utf-8", **self._plain(), **_anchor(headers)},
            content=envelope,
            is_write=self.is_write,
            # A web page in the place of an answer says nothing of whether a write was done.
            expect="" if self.is_write else "xml",
            allow={401, 403, 500, *_REDIRECTS},
        )
        self._back_off = _back_off(answer.body)
        if answer.status == 500 and b"Envelope" in answer.body[:2_000]:
            return answer.body
        if not 200 <= answer.status < 300:
            raise self._refused(answer)
        return answer.body

    def _connected(self) -> Http:
        if self._http is None:
            limits = _LIMITS if self._take is None else _LISTENING
            self._http = Http(
                self._access, base=self.url, auth=self._sign_in(), limits=limits, take=self._take
            )
        return self._http

    def _plain(self) -> dict[str, str]:
        # What compresses an answer may hold it back until there is enough of it.
        return {} if self._take is None else {"Accept-Encoding": "identity"}

    def _sign_in(self) -> Auth:
        access = self._access
        kind = self._auth or self.offered()
        if kind == "oauth":
            # Where nobody can give another token, why this one was refused is told here.
            return Bearer(access.secret, None if access.renew is no_other else access.renew)
        return Ntlm(self.user, access.secret) if kind == "ntlm" else Login(self.user, access.secret)

    def offered(self) -> str:
        """`ntlm`, `basic` or `oauth`: the way of signing in that is set, else the safest that the server offers.

        Raises:
            Rejected: it offers none of them.
        """
        if self._auth:
            return self._auth
        http = Http(self._access, base=self.url, limits=_LIMITS)
        try:
            answer = http.request("POST", self.url, allow=range(200, 600))
        finally:
            http.close()
        if is_online_by(answer):
            raise Rejected(ONLINE)
        offers = offers_of(answer)
        for kind, name in (("ntlm", "ntlm"), ("basic", "basic"), ("oauth", "bearer")):
            if name in offers:
                self._auth = kind
                return kind
        raise Rejected(
            f"{self.host} offers no way of signing in that Kith knows ({', '.join(sorted(offers)) or 'none'}), or no "
            "EWS is there. Check the URL: it ends in /EWS/Exchange.asmx."
        )

    # ------ what went wrong

    def _refused(self, answer: Answer) -> ConnectorError:
        host = self.host
        if is_online_by(answer):
            return Rejected(ONLINE)
        if answer.status in _REDIRECTS:
            where = urlsplit(answer.headers.get("location", "")).hostname
            if where and is_online(where):
                return Rejected(ONLINE)
            return Rejected(
                f"{host} sends on to {where or 'another page'}: a sign-in page, or the server has moved. The password goes "
                "only to the host you named. If the server has moved, connect with its new --url."
            )
        if answer.status == 403:
            return Rejected(
                f"{host} does not let this account in by EWS (403). Whoever runs the server can switch that on for the mailbox "
                "(EwsEnabled) and for the program Kith."
            )
        if answer.status == 401:
            return self._unauthorised(answer)
        if self.is_write:
            return Ambiguous(f"{host} failed ({answer.status}) at a write; it may have happened.")
        return Transient(f"{host} failed ({answer.status}). Kith tries again.")

    def _unauthorised(self, answer: Answer) -> ConnectorError:
        host = self.host
        offers = offers_of(answer)
        kind = self._auth or "basic"
        name = {"oauth": "bearer"}.get(kind, kind)
        others = sorted(offers & {"basic", "ntlm"})
        if kind == "oauth":
            return ReauthRequired(
                f"{host} refused the token (401). Give a new one: kith connect exchange --auth oauth --token-file FILE"
            )
        if name not in offers and others:
            return ReauthRequired(
                f"{host} does not let anybody in by {kind} here (401); it offers {' and '.join(others)}. "
                f"Connect again with --auth {others[-1]}."
            )
        hint = ""
        if kind == "ntlm" and self.url.startswith("https:"):
            hint = (
                " If they are right: a proxy that opens TLS between here and the server breaks NTLM under Extended "
                "Protection. Then --auth basic, or the server's own address."
            )
        return ReauthRequired(
            f"{host} refused the sign-in (401). Check user and password, then connect again.{hint}"
        )

    def fault(self, error: Exception) -> Fault:
        """Why an item did not come, where that says nothing of the others."""
        code = code_of(error)
        if code in _BUSY | _LATER:
            raise self.trouble(error)
        return Fault(code, is_gone=code in _GONE)

    def trouble(self, error: Exception) -> ConnectorError:
        host, code = self.host, code_of(error)
        if code in _BUSY:
            # Not the library's own word of it, which says ten seconds where the server says nothing.
            wait = min(self._back_off or _PATIENCE, _MOST_PATIENCE)
            return RateLimited(f"{host} asks to wait ({code}).", retry_after=wait)
        if code == "ErrorInvalidSyncStateData":
            return CursorExpired(f"{host} no longer knows the mark left by the last reading of a folder.")
        if code in _GONE:
            return Missing(f"{host} has nothing there ({code}).")
        if code in _CONFLICTS:
            return Conflict(
                f"Another program keeps changing the same item at {host} ({code}). Kith tries again later."
            )
        if code in _LATER:
            if self.is_write:
                return Ambiguous(f"{host} failed ({code}) at a write; it may have happened.")
            return Transient(f"{host} cannot answer now ({code}). Kith tries again.")
        if code == "ErrorSchemaValidation":
            return Unspoken(
                f"{host} does not understand the request ({code}). It is older than Exchange 2013 SP1."
            )
        if code in _DENIED:
            return Rejected(
                f"{host} does not let this user into that mailbox ({code}). Connect with its own user."
            )
        if code == "ErrorSendAsDenied":
            return Rejected(
                f"{host} does not let this user send from that address ({code}). Connect with another --from."
            )
        if code in _NOBODY:
            return Rejected(
                f"{host} has no mailbox for this user ({code}). If it has moved, connect where it is now."
            )
        return Rejected(f"{host} refused the request ({code}).")


# --- words ----------------------------------------------------------------------------------------------------------------


def code_of(error: Exception) -> str:
    """What a server called its trouble; never its words, which may quote what was asked for."""
    return type(error).__name__


def is_gone(error: Exception) -> bool:
    """Whether an error says that there is no such item or folder."""
    return code_of(error) in _GONE


def has_tripped(answer: object) -> bool:
    """Whether an answer says that the server failed, which of an item may mean that it cannot be read."""
    return isinstance(answer, Exception) and code_of(answer) == TRIPPED


def offers_of(answer: Answer) -> set[str]:
    """The ways of signing in that a server offers, in lower case."""
    told = answer.headers.get("www-authenticate", "")
    return {
        word
        for word in ("negotiate", "ntlm", "basic", "bearer", "digest")
        if re.search(rf"(?i)\b{word}\b", told)
    }


def is_online_by(answer: Answer) -> bool:
    """Whether an answer was given by Microsoft 365, which tells so by the names of its own machines."""
    names = (
        answer.headers.get(name, "")
        for name in ("x-calculatedbetarget", "x-calculatedfetarget", "x-feserver")
    )
    return any(one.lower().rstrip(".").endswith(".outlook.com") for one in names)


def _anchor(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name == "X-AnchorMailbox"}


def _back_off(body: bytes) -> timedelta | None:
    if b"BackOffMilliseconds" not in body:
        return None
    found = _BACK_OFF.search(body)
    return timedelta(milliseconds=int(found[1])) if found else None
