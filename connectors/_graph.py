"""Microsoft Graph v1.0 as Kith's connectors speak it: requests, batches, lists in pages, and its errors as ours.

https://learn.microsoft.com/graph/ (paging, delta query, JSON batching, throttling), read 2026-11. Links to further
pages are taken as they come and followed on the origin of the account alone. It holds no state but connections, never
waits, and decides nothing about what it reads.

    401                                             ReauthRequired
    403                                             ReauthRequired, with the permission that is missing
    403 or 404 of a mailbox that Graph cannot read  Rejected
    404                                             Missing
    409, 412                                        Conflict
    410, and the codes of a delta that ended        CursorExpired
    429, 503 with Retry-After, and busy mailboxes   RateLimited; so 504 with Retry-After for a read
    408, 423, other 5xx                             Transient for a read; for a write that may have happened, Ambiguous
    other 4xx, 507                                  Rejected
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode, urlsplit
from weakref import finalize

import msgspec
from msgspec import Raw, Struct, field

from connectors._http import Answer, Bearer, Http, patience
from schemas.connector import Access, Quota
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

T = TypeVar("T")

ROOT = "https://graph.microsoft.com"
"""Other clouds have other roots, given as `base_url` (https://learn.microsoft.com/graph/deployments)."""
VERSION = "v1.0"
IMMUTABLE = 'IdType="ImmutableId"'
"""The preference for ids that stay as they are when an item is moved; it has to come with every request."""
QUOTAS = (Quota("requests", 10_000, timedelta(minutes=10)),)
"""What Outlook takes for one app and mailbox (https://learn.microsoft.com/graph/throttling-limits)."""
BATCH = 20
"""Requests in one batch at most (https://learn.microsoft.com/graph/json-batching)."""
AT_ONCE = 4
"""Requests that a mailbox takes at the same time."""
_MOST_PAGES = 10_000
"""Of one list in one pull."""
_PATIENCE = timedelta(minutes=1)
_ERRORS = range(400, 600)
_CODE = re.compile(r"[A-Za-z0-9_.]{1,80}")
_ENDED = frozenset({"syncstatenotfound", "syncstateinvalid", "resyncrequired"})
_BUSY = frozenset({"applicationthrottled", "applicationconcurrency", "errorserverbusy", "toomanyrequests"})
_CROWDED = ("mailboxconcurrency", "errortoomanyobjectsopened")
"""Too many at the same time: the pages have that as a code, and Outlook writes it into the words of `ApplicationThrottled`
(microsoft-graph-docs issue 8760, outlook-dev-docs issue 144)."""
_NO_MAILBOX = frozenset({
    "mailboxnotenabledforrestapi", "mailboxnotsupportedforrestapi", "errormailboxnotfound",
    "errornonexistentmailbox", "errorinvaliduser",
})  # fmt: skip
_NO_SENDER = "errorsendasdenied"
_REFUSED = "Microsoft refuses the sign-in. Connect the account again: kith connect microsoft."
_AGAINST_RULES = (
    "Your organisation's rules for sign-ins keep Kith out. Connect the account again, as and where they allow it: kith "
    "connect microsoft. If that is refused as well, its administrator has to let Kith in."
)
"""A claims challenge (https://learn.microsoft.com/entra/identity-platform/claims-challenge), once another token was refused too."""


class Conflict(Rejected):
    """What was to be changed has changed meanwhile, or is there already."""


class Ask(Struct, frozen=True):
    """One request of a batch: `path` is relative (`me/messages/…`), or a whole link as Graph gave it."""

    path: str
    method: str = "GET"
    query: Mapping[str, str] = {}
    body: Any = None
    prefer: tuple[str, ...] = ()
    headers: Mapping[str, str] = {}


class Said(Struct, frozen=True):
    """What one request of a batch was told: its body as it came, or why there is none."""

    status: int
    body: bytes = b""
    error: ConnectorError | None = None

    def told(self) -> bytes:
        """The body as it came.

        Raises:
            ConnectorError: the request was refused.
        """
        if self.error is not None:
            raise self.error
        return self.body

    def read(self, kind: type[T]) -> T:
        """The body, which is of this kind.

        Raises:
            ConnectorError: the request was refused, or its answer cannot be read.
        """
        return decoded(self.told(), kind)


class Rows(Struct, frozen=True):
    """One page of a list; its rows are as they came, so that one that cannot be read stops no other."""

    value: tuple[Raw, ...] = ()
    next_link: str = field(default="", name="@odata.nextLink")
    delta_link: str = field(default="", name="@odata.deltaLink")


class _Inner(Struct, frozen=True):
    code: str = ""
    message: str | None = None


class _Error(Struct, frozen=True):
    error: _Inner = _Inner()


class _Part(Struct, frozen=True):
    id: str
    status: int
    headers: Mapping[str, Any] = {}
    body: Raw = Raw()


class _Parts(Struct, frozen=True):
    responses: tuple[_Part, ...] = ()


class Graph:
    """One account's Graph. Not for two threads at once: a mailbox takes four requests at a time from all of an app."""

    def __init__(self, access: Access, *, needs: str = "", prefer: Sequence[str] = (IMMUTABLE,)) -> None:
        """Nothing is sent yet.

        Args:
            needs: the permission that all of it rests on, to be named where Graph says that one is missing.
            prefer: preferences that come with every request.
        """
        root = str(access.settings.get("base_url") or ROOT).rstrip("/")
        # Another root is set by whoever runs this home, and may be a proxy in their own network.
        allow = root != ROOT or bool(access.settings.get("allow_private"))
        trusting = replace(access, settings={**access.settings, "allow_private": allow})
        self._access = access
        self._needs = needs
        self._prefer = tuple(prefer)
        self._base = f"{root}/{VERSION}/"
        self._http = Http(trusting, base=self._base, auth=Bearer(access.secret, access.renew))
        # Sources and sinks are let go of without a word; their connections go with them.
        finalize(self, self._http.close)

    # ------ one request

    def get(
        self, path: str, kind: type[T], query: Mapping[str, str] | None = None, *, prefer: Sequence[str] = ()
    ) -> T:
        """Read one thing, or one page: a path relative to the version, or a whole link as Graph gave it.

        Raises:
            CursorExpired: the delta that a link goes on with has ended.
            ConnectorError: see the table above.
        """
        return decoded(self.send("GET", path, query=query, prefer=prefer).body, kind)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        prefer: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
        needs: str = "",
    ) -> Answer:
        """Send one request; a body is JSON, or bytes whose type `headers` say.

        Args:
            needs: the permission that this request rests on, where it is another one.

        Raises:
            ConnectorError: see the table above.
        """
        self._access.spend("requests", 1)
        is_write = method != "GET"
        answer = self._http.request(
            method,
            self._target(path, query or {}),
            headers=self._headers(body, prefer, headers or {}),
            content=body if isinstance(body, bytes) else b"" if body is None else msgspec.json.encode(body),
            is_write=is_write,
            expect="" if is_write else "json",
            allow=_ERRORS,
        )
        return self._taken(answer, is_write=is_write, needs=needs)

    def pages(
        self, path: str, query: Mapping[str, str] | None = None, *, prefer: Sequence[str] = ()
    ) -> Iterator[Rows]:
        """The pages of a list, each asked for when it is wanted.

        Raises:
            Transient: the list does not come to an end.
        """
        page = self.get(path, Rows, query, prefer=prefer)
        yield from pages_from(page, lambda link: self.get(link, Rows, prefer=prefer))

    def pages_from(self, page: Rows) -> Iterator[Rows]:
        """A page that is here and those after it, each asked for when it is wanted.

        Raises:
            Transient: the list does not come to an end.
        """
        return pages_from(page, lambda link: self.get(link, Rows))

    # ------ many at once

    def batch(self, asks: Sequence[Ask], *, needs: str = "") -> list[Said]:
        """Send requests together, twenty at a time, and give what each was told, in their order.

        What is refused because too many run at once is asked again, a few at a time; what is refused for a token that
        the outer request was let in with, once with another. A part that failed is for the caller to judge; where the
        outer request fails, or there is no other token, that is raised.
        """
        said: list[Said] = []
        for begin in range(0, len(asks), BATCH):
            some = asks[begin : begin + BATCH]
            token = self._access.secret()
            answers = self._batch(some, needs)
            refused = [place for place, one in enumerate(answers) if one.status == 401]
            if refused:
                self._access.renew(token)
                self._ask_again(some, answers, refused, needs)
            crowded = [place for place, one in enumerate(answers) if isinstance(one.error, _Crowded)]
            for first in range(0, len(crowded), AT_ONCE):
                self._ask_again(some, answers, crowded[first : first + AT_ONCE], needs)
            said += answers
        return said

    def _ask_again(self, asks: Sequence[Ask], answers: list[Said], places: Sequence[int], needs: str) -> None:
        again = self._batch([asks[place] for place in places], needs)
        for place, answer in zip(places, again, strict=True):
            answers[place] = answer

    def _batch(self, asks: Sequence[Ask], needs: str) -> list[Said]:
        self._access.spend("requests", len(asks))
        requests = [self._part(str(number), ask) for number, ask in enumerate(asks)]
        is_write = any(ask.method != "GET" for ask in asks)
        body = {"requests": requests}
        answer = self._http.request(
            "POST",
            f"{self._base}$batch",
            headers=self._headers(body, (), {}),
            content=msgspec.json.encode(body),
            is_write=is_write,
            expect="" if is_write else "json",
            allow=_ERRORS,
        )
        self._taken(answer, is_write=is_write, needs=needs)
        try:
            told = {part.id: part for part in decoded(answer.body, _Parts).responses}
        except Transient as fault:
            if is_write:
                raise Ambiguous("Microsoft's answer to a batch cannot be read.") from fault
            raise
        return [self._said(told.get(str(number)), ask, needs) for number, ask in enumerate(asks)]

    def _part(self, name: str, ask: Ask) -> dict[str, Any]:
        headers = self._headers(ask.body, ask.prefer, ask.headers)
        part: dict[str, Any] = {
            "id": name,
            "method": ask.method,
            "url": self._target(ask.path, ask.query).removeprefix(self._base.rstrip("/")),
            "headers": headers,
        }
        if ask.body is not None:
            part["body"] = ask.body
        return part

    def _said(self, part: _Part | None, ask: Ask, needs: str) -> Said:
        is_write = ask.method != "GET"
        if part is None:
            words = "Microsoft's answer to a batch leaves out a part of it."
            return Said(0, error=Ambiguous(words) if is_write else Transient(words))
        headers = {name.lower(): str(value) for name, value in part.headers.items()}
        body = bytes(part.body)
        error = self._judged(part.status, headers, body, is_write=is_write, needs=needs)
        return Said(part.status, body, error)

    # ------ where to, and what came of it

    def is_own(self, link: str) -> bool:
        """Whether a link that Graph gave leads to the account's own Graph."""
        try:
            there, here = urlsplit(link), urlsplit(self._base)
            is_same = (there.scheme, there.hostname, there.port) == (here.scheme, here.hostname, here.port)
        except ValueError:
            return False
        return is_same and link.startswith(self._base) and "/.." not in there.path

    def _target(self, path: str, query: Mapping[str, str]) -> str:
        url = path if "://" in path[:10] else f"{self._base}{path}"
        if not self.is_own(url):
            raise Rejected("Microsoft's answer leads on to another server. Kith does not follow it.")
        return f"{url}?{urlencode(query, safe='$,:', quote_via=quote)}" if query else url

    def _headers(self, body: Any, prefer: Sequence[str], more: Mapping[str, str]) -> dict[str, str]:
        headers = {} if body is None else {"Content-Type": "application/json"}
        wanted = ", ".join((*self._prefer, *prefer))
        if wanted:
            headers["Prefer"] = wanted
        return {**headers, **more}

    def _taken(self, answer: Answer, *, is_write: bool, needs: str) -> Answer:
        error = self._judged(answer.status, answer.headers, answer.body, is_write=is_write, needs=needs)
        if error is not None:
            raise error
        if is_write and answer.headers.get("content-type", "").startswith("text/html"):
            raise Ambiguous(
                "A web page came in place of Microsoft's answer to a write; it may have happened."
            )
        return answer

    def _judged(
        self, status: int, headers: Mapping[str, str], body: bytes, *, is_write: bool, needs: str
    ) -> ConnectorError | None:
        if status < 400:
            return None
        fault = _fault_in(body)
        code = fault.code if _CODE.fullmatch(fault.code) else ""
        known = code.lower()
        if known in _NO_MAILBOX and status in {403, 404}:
            return Rejected(
                f"Microsoft Graph cannot read this mailbox ({code}): it is kept on a server of its own, or has no "
                "licence. Connect it with kith connect exchange, or kith connect imap."
            )
        if status == 401:
            is_against_rules = "insufficient_claims" in headers.get("www-authenticate", "")
            return ReauthRequired(_AGAINST_RULES if is_against_rules else _REFUSED)
        if known == _NO_SENDER:
            return Rejected(
                "The mailbox may not send as the address that the mail is from. Choose its own: --from ADDRESS."
            )
        if status == 403:
            return ReauthRequired(lacking(needs or self._needs, code))
        if status == 410 or known in _ENDED:
            return CursorExpired(f"Microsoft no longer knows where reading stopped ({code or status})")
        wait = patience(headers.get("retry-after", ""), self._access.clock.now())
        said = f"{code} {fault.message}".lower()
        is_crowded = any(word in said for word in _CROWDED)
        is_busy = status == 503 or (status == 504 and not is_write)
        if status == 429 or is_crowded or known in _BUSY or (is_busy and wait is not None):
            kind = _Crowded if is_crowded else RateLimited
            return kind(
                "Microsoft takes no more requests for now. Kith goes on by itself.",
                retry_after=_PATIENCE if wait is None else wait,
            )
        if status == 404:
            return Missing(f"Microsoft has nothing there ({code or status}).")
        if status in {409, 412}:
            return Conflict(f"It was changed meanwhile at Microsoft ({code or status}).")
        if status in {408, 423, 503}:
            return Transient(f"Microsoft cannot answer now ({code or status}). Kith tries again.")
        if status == 507:
            return Rejected("The mailbox at Microsoft is full. Make room there.")
        if status >= 500:
            if is_write:
                return Ambiguous(f"Microsoft failed ({status}) at a write; it may have happened.")
            return Transient(f"Microsoft failed ({code or status}). Kith tries again.")
        return Rejected(f"Microsoft refused the request ({status} {code}).".replace(" )", ")"))


class _Crowded(RateLimited):
    """Too many requests of one mailbox at the same time: fewer may go through at once."""


def pages_from(page: Rows, ask: Callable[[str], Rows]) -> Iterator[Rows]:
    """A page and those after it, each asked for by its link when it is wanted.

    Raises:
        Transient: the links lead in a circle, or there are more than anybody has.
    """
    asked: set[str] = set()
    while len(asked) < _MOST_PAGES:
        yield page
        if not page.next_link:
            return
        if page.next_link in asked:
            break
        asked.add(page.next_link)
        page = ask(page.next_link)
    raise Transient("Microsoft's list does not come to an end. Kith tries again.")


def decoded(body: bytes, kind: type[T]) -> T:
    """A body of this kind.

    Raises:
        Transient: it is none.
    """
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Transient("Microsoft's answer cannot be read. Kith tries again.") from error


def _fault_in(body: bytes) -> _Inner:
    """What an error says (https://learn.microsoft.com/graph/errors); nothing where the body is none."""
    try:
        return msgspec.json.decode(body, type=_Error).error
    except (msgspec.DecodeError, RecursionError):
        return _Inner()


def require(access: Access, *any_of: str) -> None:
    """See that one of these permissions was granted, where it is known what was.

    Raises:
        ReauthRequired: none of them was.
    """
    granted = access.settings.get("scopes")
    if granted is None:
        return
    names = granted.split() if isinstance(granted, str) else granted
    # Tokens name a permission with or without the resource that it is of (https://graph.microsoft.com/Mail.Read).
    held = {str(name).rpartition("/")[2].casefold() for name in names}
    if held.isdisjoint(name.casefold() for name in any_of):
        raise ReauthRequired(lacking(any_of[0]))


def lacking(permission: str, code: str = "") -> str:
    """What to say where a permission is missing."""
    what = f"The permission {permission} is missing" if permission else "A permission is missing"
    return (
        f"{what} at Microsoft{f' ({code})' if code else ''}. Give it: kith connect microsoft. "
        "Where your organisation allows no such consent, its administrator has to."
    )
