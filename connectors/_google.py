"""Google's APIs as Kith speaks them: where they are, what may be asked of them, and errors by their reasons.

https://developers.google.com/workspace/gmail/api/guides/handle-errors and
https://developers.google.com/workspace/calendar/api/guides/errors, read 2026-11. What an error says in words may
hold addresses: it is never repeated, its reason is. It holds no state but connections.

    401                                                                     ReauthRequired, after one renewal
    403 insufficientPermissions, ACCESS_TOKEN_SCOPE_INSUFFICIENT            ReauthRequired
    403 accessNotConfigured, SERVICE_DISABLED                               Rejected, with the cure
    403 rateLimitExceeded, userRateLimitExceeded, quotaExceeded; 429        RateLimited
    403 dailyLimitExceeded                                                  RateLimited, until midnight at the Pacific
    410 fullSyncRequired, updatedMinTooLongAgo; EXPIRED_SYNC_TOKEN          CursorExpired
    404, 410                                                                Missing
    409                                                                     Duplicate
    412                                                                     Stale
    other 4xx                                                               Rejected, with the reason
    5xx, resets, time-outs                                                  as `_http` has them
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Literal, Protocol, TypeVar
from urllib.parse import urlencode
from weakref import finalize
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from connectors._http import LIMITS, Answer, Bearer, Http, Limits, patience
from schemas.connector import Access, Scope
from schemas.errors import (
    ConnectorError,
    CursorExpired,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)

GMAIL: Final = "https://gmail.googleapis.com"
CALENDAR: Final = "https://www.googleapis.com"
PEOPLE: Final = "https://people.googleapis.com"
TASKS: Final = "https://tasks.googleapis.com"
AUTH: Final = "https://www.googleapis.com/auth/"
_PATIENCE = timedelta(minutes=1)
"""Quotas are counted by the minute (https://developers.google.com/workspace/gmail/api/reference/quota)."""
_PAGES = 20_000
_OURS = frozenset(range(400, 500)) - {408, 423}
"""Statuses whose meaning is in the body."""
_WAIT = frozenset({"rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "RATE_LIMIT_EXCEEDED"})
_TODAY = frozenset({"dailyLimitExceeded"})
_SCOPE = frozenset({"insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"})
_SWITCHED_OFF = frozenset({"accessNotConfigured", "SERVICE_DISABLED"})
_EXPIRED = frozenset({"fullSyncRequired", "updatedMinTooLongAgo", "EXPIRED_SYNC_TOKEN"})
_PACIFIC = "America/Los_Angeles"


class Duplicate(Rejected):
    """There is one under this id already."""


class Stale(Rejected):
    """What was to be changed is not as it was when it was read."""


class _Detail(Struct, frozen=True):
    reason: str = ""


class _Error(Struct, frozen=True):
    status: str = ""
    errors: tuple[_Detail, ...] = ()
    details: tuple[_Detail, ...] = ()


class _Refusal(Struct, frozen=True):
    error: _Error = _Error()


class Paged(Protocol):
    """An answer that may have more after it; a `Struct` with `rename="camel"`."""

    @property
    def next_page_token(self) -> str:
        """Empty on the last page."""
        ...


T = TypeVar("T")
P = TypeVar("P", bound=Paged)


def scope(name: str, reason: str) -> Scope:
    """A permission by its short name (`gmail.readonly`)."""
    return Scope(f"{AUTH}{name}", reason)


def is_granted(access: Access, name: str) -> bool:
    """Whether the sign-in gave a permission, by its short name or, where that is an address of its own, by its whole one."""
    given = access.settings.get("scopes", ())
    return name in given or f"{AUTH}{name}" in given


def require(access: Access, title: str, names: Collection[str], purpose: str) -> None:
    """Go on only where the sign-in gave one of these permissions.

    Args:
        title: the API's, for people: `Gmail`.
        names: short names, any of which will do; the first is the one to ask for.
        purpose: what it is for, after "to": `read mail`.

    Raises:
        ReauthRequired: none of them was given.
    """
    if not any(is_granted(access, name) for name in names):
        raise ReauthRequired(_missing(title, f" to {purpose} ({next(iter(names))})"))


class Api:
    """One account at one of Google's APIs."""

    def __init__(
        self, access: Access, root: str, title: str, *, quota: str = "", limits: Limits = LIMITS
    ) -> None:
        """Nothing is asked yet.

        Args:
            root: the vendor's own; `base_url` in the account's settings takes its place.
            title: the API's, for people: `Google Calendar`.
            quota: what requests are spent of; nothing where it is empty.
            limits: what one request may take.
        """
        base = str(access.settings.get("base_url") or root)
        # Another root is set by whoever runs this home, and may be a proxy in their own network.
        allow = base != root or bool(access.settings.get("allow_private"))
        trusting = replace(access, settings={**access.settings, "allow_private": allow})
        self._access = access
        self._title = title
        self._quota = quota
        self._http = Http(
            trusting, base=f"{base.rstrip('/')}/", auth=Bearer(access.secret, access.renew), limits=limits
        )
        # Sources and sinks are let go of without a word; their connections go with them.
        finalize(self, self._http.close)

    def close(self) -> None:
        """Let go of every connection."""
        self._http.close()

    def get(
        self, path: str, query: Mapping[str, object], kind: type[T], *, units: int = 1, mask: str = ""
    ) -> T:
        """What a read says; lists in `query` are repeated, and what is None or empty is left out.

        Args:
            path: relative to the root, quoted: `gmail/v1/users/me/profile`.
            query: the parameters.
            kind: what the answer is; a `Struct` with `rename="camel"`.
            units: what it costs of the quota.
            mask: the fields that are wanted alone (`fields`).
        """
        asked = {**query, "fields": mask}
        pairs = [(name, _text(one)) for name, value in asked.items() for one in _each(value)]
        answer = self.ask("GET", f"{path}?{urlencode(pairs)}" if pairs else path, units=units)
        return self.decoded(answer, kind)

    def pages(
        self, path: str, query: Mapping[str, object], kind: type[P], *, units: int = 1, mask: str = ""
    ) -> Iterator[P]:
        """Each page of a list, lazily, from `query["pageToken"]` on where there is one."""
        token = query.get("pageToken") or ""
        for _ in range(_PAGES):
            page = self.get(path, {**query, "pageToken": token}, kind, units=units, mask=mask)
            yield page
            if not page.next_page_token:
                return
            if page.next_page_token == token:
                break
            token = page.next_page_token
        raise Transient(f"{self._title}'s list does not come to an end.")

    def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes = b"",
        units: int = 1,
        is_write: bool | None = None,
        expect: Literal["", "json", "data"] = "json",
        allow: Collection[int] = (),
    ) -> Answer:
        """One request and its good answer; a body is JSON unless `headers` say otherwise.

        Args:
            method: the verb.
            path: relative to the root, quoted, with its query.
            headers: more of them.
            content: the body.
            units: what it costs of the quota; nothing where 0 is said, of what was spent before.
            is_write: whether sending it twice may do something twice; all but GET do, unless said.
            expect: what a good answer holds (`_http`).
            allow: statuses that are answers to the caller; `reasons` tells why.

        Raises:
            ConnectorError: see the table above.
        """
        if self._quota and units:
            self._access.spend(self._quota, units)
        kind = {"Content-Type": "application/json"} if content else {}
        answer = self._http.request(
            method,
            path,
            headers={**kind, **(headers or {})},
            content=content,
            is_write=method != "GET" if is_write is None else is_write,
            expect=expect,
            allow=_OURS,
            reauth=(),
        )
        if answer.status >= 400 and answer.status not in allow:
            raise self.failure(answer.status, answer.headers, answer.body)
        return answer

    def decoded(self, answer: Answer, kind: type[T]) -> T:
        """What an answer says.

        Raises:
            Transient: it cannot be read.
        """
        try:
            return msgspec.json.decode(answer.body or b"{}", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Transient(f"{self._title}'s answer cannot be read. Kith tries again.") from error

    def failure(self, status: int, headers: Mapping[str, str], body: bytes) -> ConnectorError:
        """What a refusal of 4xx means, also one within a batch."""
        return _failure(self._title, status, headers, body, self._access.clock.now)


def reasons(body: bytes) -> frozenset[str]:
    """Why something was refused, in Google's own words for it; nothing where it is not said."""
    try:
        error = msgspec.json.decode(body, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError):
        return frozenset()
    # Some are named with what they belong to: `push.webhookUrlUnauthorized`.
    said = [one.reason.rpartition(".")[2] for one in (*error.errors, *error.details)]
    return frozenset(one for one in said if one.isidentifier() and len(one) <= 60)


def _failure(
    title: str, status: int, headers: Mapping[str, str], body: bytes, now: Callable[[], datetime]
) -> ConnectorError:
    why = reasons(body)
    if status == 401:
        return ReauthRequired(f"{title} refuses the sign-in. Connect the account again: kith connect google.")
    if why & _SCOPE:
        return ReauthRequired(_missing(title, ""))
    if why & _SWITCHED_OFF:
        return Rejected(
            f"The {title} API is switched off in your Google Cloud project. Switch it on in the Google Cloud console "
            "(APIs & Services, Library); it takes a few minutes, then Kith goes on by itself."
        )
    if why & _TODAY:
        return RateLimited(
            f"{title} has answered all it answers in a day. Kith goes on tomorrow.",
            retry_after=_until_midnight(now()),
        )
    if status == 429 or why & _WAIT:
        return RateLimited(
            f"{title} takes no more requests for now. Kith goes on by itself.",
            retry_after=patience(headers.get("retry-after", ""), now()) or _PATIENCE,
        )
    if why & _EXPIRED:
        return CursorExpired(f"{title} no longer knows where the last reading ended; it is read anew.")
    if status in {404, 410}:
        return Missing(f"{title} has nothing there ({status}). It may have been deleted.")
    told = f"{title} refused the request ({' '.join([str(status), *sorted(why)])})."
    if status == 409:
        return Duplicate(told)
    if status == 412:
        return Stale(told)
    return Rejected(told)


def _missing(title: str, what: str) -> str:
    return (
        f"{title}: Google did not give Kith the permission that it needs{what}. "
        "Connect again, and leave every box ticked on Google's page: kith connect google."
    )


def _until_midnight(now: datetime) -> timedelta:
    """The time that is left of the day by which daily quotas are counted, a minute at least."""
    there = now.astimezone(ZoneInfo(_PACIFIC))
    midnight = (there + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(midnight - there, _PATIENCE)


def _each(value: object) -> list[object]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    return [one for one in values if one is not None and one != ""]


def _text(value: object) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
