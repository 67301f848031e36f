"""Todoist's API v1 as Kith speaks it: requests, what they may cost, and errors.

https://developer.todoist.com/api/v1/, read 2026-11. It holds no state but connections, and decides nothing.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, urlencode
from uuid import NAMESPACE_URL, uuid5
from weakref import finalize

import msgspec
from msgspec import Raw, Struct

from connectors._http import Answer, Bearer, Http
from connectors._mail_text import clean
from connectors._task_lists import gone_list
from connectors._tasks import cut
from connectors._todoist_words import Due
from schemas.connector import Access, Quota
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Deleted,
    Missing,
    RateLimited,
    ReauthRequired,
    Rejected,
    Transient,
)

T = TypeVar("T")

EVERYTHING = "*"
"""The sync token of nothing read yet."""
ROOT = "https://api.todoist.com/api/v1"
QUOTAS = (
    Quota("requests", 1_000, timedelta(minutes=15)),
    Quota("sync", 1_000, timedelta(minutes=15)),
    Quota("full_sync", 100, timedelta(minutes=15)),
)
GONE_PROJECT = gone_list("in Todoist", "todoist", "project")
NAME = 120
"""Characters of a project's name."""
_PAGE = 200
_PAGES = 500
_COMPLETED = timedelta(days=85)
"""Completed tasks are listed for at most three months."""
_PATIENCE = timedelta(minutes=1)
_REAUTH = (401, 403)
_GONE = "The task was deleted in Todoist. Nothing is written to it any more."
_REFUSED = (
    "Todoist refuses the token. Copy it anew from Todoist (Settings, Integrations, Developer) and connect again: "
    "kith connect todoist --token-file FILE."
)


class Item(Struct, frozen=True):
    """A task (https://developer.todoist.com/api/v1/#tag/Sync/Tasks)."""

    id: str
    content: str
    project_id: str
    description: str = ""
    checked: bool = False
    is_deleted: bool = False
    completed_at: str | None = None
    updated_at: str | None = None
    due: Due | None = None


class Project(Struct, frozen=True):
    """A project (https://developer.todoist.com/api/v1/#tag/Projects)."""

    id: str
    name: str
    is_deleted: bool = False
    is_archived: bool = False


class Refusal(Struct, frozen=True):
    """Why a command was not done."""

    http_code: int = 400
    error_tag: str = ""


class Synced(Struct, frozen=True):
    """The answer of `/sync`; items are as they came, so that one that cannot be read stops no other."""

    sync_token: str = ""
    full_sync: bool = False
    items: tuple[Raw, ...] = ()
    projects: tuple[Project, ...] = ()
    sync_status: Mapping[str, str | Refusal] = {}
    temp_id_mapping: Mapping[str, str] = {}


class User(Struct, frozen=True):
    """Who the token belongs to."""

    email: str


class _Rows(Struct, frozen=True):
    results: tuple[Raw, ...] = ()
    items: tuple[Raw, ...] = ()
    next_cursor: str | None = None


class _Error(Struct, frozen=True):
    error_extra: Mapping[str, Any] = {}


class Command(Struct, frozen=True):
    """Something to do, once: a command whose uuid Todoist has seen is not done again."""

    type: str
    uuid: str
    args: Mapping[str, Any]
    temp_id: str | msgspec.UnsetType = msgspec.UNSET


class Api:
    """One account's Todoist."""

    def __init__(self, access: Access) -> None:
        base = str(access.settings.get("base_url") or ROOT)
        # Another root is set by whoever runs this home, and may be a proxy in their own network.
        allow = base != ROOT or bool(access.settings.get("allow_private"))
        trusting = replace(access, settings={**access.settings, "allow_private": allow})
        self._access = access
        self._http = Http(trusting, base=f"{base.rstrip('/')}/", auth=Bearer(access.secret))
        # Sources and sinks are let go of without a word; their connections go with them.
        finalize(self, self._http.close)

    def read(self, token: str, kinds: Sequence[str]) -> Synced:
        """What changed since a sync token, or everything that is active: at the first time, and when the token is dead."""
        self._access.spend("full_sync" if token == EVERYTHING else "sync", 1)
        form = {"sync_token": token, "resource_types": json.dumps(kinds)}
        try:
            return self._sync(form, is_write=False)
        except Rejected:
            # What is answered to a token that ended is written nowhere; it is none of the refusals with a class.
            if token == EVERYTHING:
                raise
            return self.read(EVERYTHING, kinds)

    def do(self, commands: Sequence[Command]) -> Synced:
        """Have commands done, in order.

        Raises:
            Deleted: what one of them speaks of is not there.
            Rejected: one of them was refused.
            Ambiguous: the answer never came.
        """
        self._access.spend("sync", 1)
        said = self._sync({"commands": msgspec.json.encode(commands).decode()}, is_write=True)
        for command in commands:
            status = said.sync_status.get(command.uuid)
            if isinstance(status, Refusal):
                raise _refusal(status)
            if status != "ok":
                raise Ambiguous("Todoist's answer does not say whether the task was written.")
        return said

    def task(self, one: str) -> Item:
        """A task, open or done.

        Raises:
            Deleted: it is not there, or deleted.
        """
        try:
            item = _decoded(self._request("GET", f"tasks/{quote(one, safe='')}"), Item)
        except Missing as error:
            raise Deleted(_GONE) from error
        if item.is_deleted:
            raise Deleted(_GONE)
        return item

    def has_open_children(self, one: str) -> bool:
        """Whether a task has sub-tasks that are not done."""
        query = urlencode({"parent_id": one, "limit": 1})
        return bool(_decoded(self._request("GET", f"tasks?{query}"), _Rows).results)

    def completed(self) -> list[Item]:
        """The tasks completed in the last months; none where a plan keeps no history of them."""
        now = self._access.clock.now()
        window = {
            "since": f"{now - _COMPLETED:%Y-%m-%dT%H:%M:%SZ}",
            "until": f"{now + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}",
        }
        try:
            rows = self._rows("tasks/completed/by_completion_date", window, reauth=(401,))
        except Rejected:
            return []
        return [item for row in rows if (item := item_of(row)) is not None]

    def projects(self) -> list[Project]:
        """The active projects."""
        return [msgspec.json.decode(row, type=Project) for row in self._rows("projects", {})]

    def make_project(self, name: str) -> Project:
        """Make a project.

        Raises:
            Rejected: the plan holds no more of them.
        """
        body = msgspec.json.encode({"name": cut(clean(name), NAME)})
        try:
            return _decoded(self._request("POST", "projects", body, reauth=(401,)), Project)
        except Rejected as error:
            raise Rejected(
                "Todoist makes no project for Kith; the plan may hold no more. "
                "Choose one that is there: kith connect todoist --tasks PROJECT."
            ) from error

    def user(self) -> User:
        """Who signed in."""
        return _decoded(self._request("GET", "user"), User)

    def _rows(self, path: str, query: Mapping[str, str], reauth: Collection[int] = _REAUTH) -> list[Raw]:
        rows: list[Raw] = []
        cursor: str | None = None
        for _ in range(_PAGES):
            asked = {**query, "limit": str(_PAGE), **({"cursor": cursor} if cursor else {})}
            page = _decoded(self._request("GET", f"{path}?{urlencode(asked)}", reauth=reauth), _Rows)
            rows += page.results or page.items
            cursor = page.next_cursor
            if not cursor:
                return rows
        raise Rejected("Todoist's list does not come to an end.")

    def _request(
        self, method: str, path: str, body: bytes = b"", reauth: Collection[int] = _REAUTH
    ) -> Answer:
        self._access.spend("requests", 1)
        is_write = method != "GET"
        return self._sent(method, path, "application/json", body, is_write=is_write, reauth=reauth)

    def _sync(self, form: Mapping[str, str], *, is_write: bool) -> Synced:
        kind = "application/x-www-form-urlencoded"
        answer = self._sent("POST", "sync", kind, urlencode(form).encode(), is_write=is_write)
        try:
            return _decoded(answer, Synced)
        except Transient as error:
            if is_write:
                raise Ambiguous("Todoist's answer cannot be read; the task may have been written.") from error
            raise

    def _sent(
        self,
        method: str,
        path: str,
        kind: str,
        body: bytes,
        *,
        is_write: bool,
        reauth: Collection[int] = _REAUTH,
    ) -> Answer:
        try:
            answer = self._http.request(
                method,
                path,
                headers={"Content-Type": kind} if body else {},
                content=body,
                is_write=is_write,
                expect="json",
                allow=(429,),
                reauth=reauth,
            )
        except ReauthRequired as error:
            raise ReauthRequired(_REFUSED) from error
        if answer.status == 429:
            raise _patience(answer)
        return answer


def item_of(row: Raw) -> Item | None:
    """A task as it came, or None where it cannot be read."""
    try:
        return msgspec.json.decode(row, type=Item)
    except msgspec.DecodeError:
        return None


def _decoded(answer: Answer, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError as error:
        raise Transient("Todoist's answer cannot be read. Kith tries again.") from error


def _patience(answer: Answer) -> RateLimited:
    """How long to wait: by the header, else by the body (https://developer.todoist.com/api/v1/#tag/Request-limits)."""
    after: Any = answer.headers.get("retry-after", "")
    if not str(after).isdecimal():
        try:
            after = msgspec.json.decode(answer.body, type=_Error).error_extra.get("retry_after")
        except msgspec.DecodeError:
            after = None
    is_told = str(after).isdecimal() and len(str(after)) < 6
    wait = timedelta(seconds=int(str(after))) if is_told else _PATIENCE
    return RateLimited("Todoist takes no more requests for now. Kith goes on by itself.", retry_after=wait)


def _refusal(why: Refusal) -> ConnectorError:
    match why.http_code:
        case 401:
            return ReauthRequired(_REFUSED)
        case 403 if "SCOPE" in why.error_tag:
            # Other commands are refused so for what a plan holds no more of.
            return ReauthRequired(_REFUSED)
        case 404 | 410:
            return Deleted(_GONE)
        case 429:
            return RateLimited("Todoist takes no more requests for now.", retry_after=_PATIENCE)
        case code if code >= 500:
            return Transient(f"Todoist could not write the task ({code}). Kith tries again.")
        case code:
            return Rejected(f"Todoist refuses the task ({code} {clean(why.error_tag)[:60]}).")


def uuid_of(*parts: str) -> str:
    """A command's uuid: the same command is the same, on every run."""
    return str(uuid5(NAMESPACE_URL, "\x1f".join(("kith:todoist", *parts))))
