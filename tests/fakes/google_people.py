"""Google's People API v1 on the loopback, with state: contacts and "other contacts", each with sync tokens.

https://developers.google.com/people/api/rest/v1 as of 2026-11. What Google refuses is refused: no fields asked for (400),
pages larger than 1,000, a token with other parameters than it was given for (400), one whose full sync is more than seven
days old (`EXPIRED_SYNC_TOKEN`), a missing scope, too many full syncs (429).
"""

from datetime import timedelta
from typing import Any, Final

from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.google import masked, refused, scope_refusal

CONNECTIONS: Final = "/v1/people/me/connections"
OTHERS: Final = "/v1/otherContacts"
_LIFE = timedelta(days=7)
_VALID: Final = {
    CONNECTIONS: {
        "addresses", "ageRanges", "biographies", "birthdays", "calendarUrls", "clientData", "coverPhotos", "emailAddresses",
        "events", "externalIds", "genders", "imClients", "interests", "locales", "locations", "memberships", "metadata",
        "miscKeywords", "names", "nicknames", "occupations", "organizations", "phoneNumbers", "photos", "relations",
        "sipAddresses", "skills", "urls", "userDefined",
    },
    OTHERS: {"emailAddresses", "metadata", "names", "phoneNumbers", "photos"},
}  # fmt: skip


class _Token(Struct, frozen=True):
    revision: int
    synced_at: float
    params: tuple[tuple[str, str], ...]


class _Turn(Struct, frozen=True):
    rows: tuple[Json, ...]
    params: tuple[tuple[str, str], ...]
    token: str


class People:
    """The API with one user's contacts. Everything that is public is for tests."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.page_size = 1_000
        self.full_syncs_left = 1_000
        self.expired_status = 400
        """With which status a token that ended is refused; both were seen."""
        self._revision = 0
        self._people: dict[str, dict[str, Json]] = {CONNECTIONS: {}, OTHERS: {}}
        self._revisions: dict[str, int] = {}
        self._tokens: dict[str, _Token] = {}
        self._turns: dict[str, _Turn] = {}

    # ------ the owner's hands

    def add(self, name: str = "", *emails: str, one: str = "", others: bool = False, **fields: Any) -> str:
        """Write a contact; answers its resource name."""
        number = self._next()
        path = OTHERS if others else CONNECTIONS
        one = one or f"{'otherContacts' if others else 'people'}/c{number:019}"
        person = {
            **({"names": [{"displayName": name, "metadata": {"primary": True}}]} if name else {}),
            **({"emailAddresses": [{"value": email} for email in emails]} if emails else {}),
            **fields,
        }
        self._write(path, one, person)
        return one

    def change(self, one: str, **fields: Any) -> None:
        """Change a contact."""
        path = OTHERS if one.startswith("otherContacts/") else CONNECTIONS
        self._write(path, one, {**self._people[path][one], **fields})

    def delete(self, one: str) -> None:
        """Delete a contact."""
        path = OTHERS if one.startswith("otherContacts/") else CONNECTIONS
        former = self._former(one)
        self._people[path][one] = {
            "resourceName": one,
            "metadata": {"deleted": True, **({"previousResourceNames": former} if former else {})},
        }
        self._revisions[one] = self._next()

    def forget(self, one: str) -> None:
        """Let a contact vanish without a word."""
        self._people[OTHERS if one.startswith("otherContacts/") else CONNECTIONS].pop(one)

    def merge(self, into: str, other: str) -> str:
        """Merge two contacts; answers the name that they have now."""
        people = self._people[CONNECTIONS]
        former = [*self._former(into), *self._former(other), into, other]
        both = {**people.pop(other), **people.pop(into)}
        number = self._next()
        one = f"people/c{number:019}"
        self._write(CONNECTIONS, one, both)
        people[one]["metadata"]["previousResourceNames"] = former
        return one

    def _former(self, one: str) -> list[str]:
        person = self._people[CONNECTIONS].get(one, {})
        return list(person.get("metadata", {}).get("previousResourceNames", ()))

    def put(self, one: str, person: Json) -> None:
        """Let a contact be what no owner can write."""
        self._people[CONNECTIONS][one] = person
        self._revisions[one] = self._next()

    def expire_tokens(self) -> None:
        """Sync tokens given out before have ended."""
        self._tokens.clear()

    def person(self, one: str) -> Json:
        """A contact as it is now."""
        return self._people[CONNECTIONS][one]

    # ------ the API

    def serves(self, path: str, /) -> bool:
        """Whether a path is this API's."""
        return path.startswith(("/v1/people/", "/v1/otherContacts"))

    def answer(self, request: Request, /) -> Reply:
        """What the API says."""
        refusal = scope_refusal(request)
        if refusal is not None:
            return refusal
        if request.method != "GET" or request.path not in self._people:
            return refused(404, "notFound", "Not Found")
        reply = self._list(request)
        if reply.status != 200:
            return reply
        try:
            return Reply(200, masked(reply.said, request.one("fields")))
        except ValueError:
            return refused(400, "invalidParameter", "Invalid field selection")

    def _list(self, request: Request) -> Reply:
        asks = "personFields" if request.path == CONNECTIONS else "readMask"
        fields = set(request.one(asks).split(",")) - {""}
        size = int(request.one("pageSize") or 100)
        if not fields or fields - _VALID[request.path]:
            return refused(400, "badRequest", f"Invalid {asks} mask path.")
        if not 0 <= size <= 1_000:
            return refused(400, "badRequest", "Page size must be at most 1000.")
        params, token = _params(request), request.one("syncToken")
        if page := request.one("pageToken"):
            turn = self._turns.get(page)
            if turn is None or turn.params != params:
                return refused(400, "badRequest", "Invalid page token.")
            return self._page(turn, request, min(size or 100, self.page_size))
        now, known = self.clock.now().timestamp(), self._tokens.get(token)
        if token:
            if known is None or now - known.synced_at > _LIFE.total_seconds():
                return refused(
                    self.expired_status, "failedPrecondition", "Sync token is expired. Clear local cache and retry.",
                    info="EXPIRED_SYNC_TOKEN", status="FAILED_PRECONDITION",
                )  # fmt: skip
            if known.params != params:
                return refused(400, "badRequest", "Request parameters must match the first call.")
        elif request.one("requestSyncToken") == "true":
            if self.full_syncs_left < 1:
                return refused(
                    429, "rateLimitExceeded", "Quota exceeded for full sync.", info="RATE_LIMIT_EXCEEDED"
                )
            self.full_syncs_left -= 1
        since = known.revision if known else 0
        rows = tuple(
            self._shown(person, fields, is_sync=bool(token))
            for one, person in self._people[request.path].items()
            if self._revisions[one] > since and (token or not _is_deleted(person))
        )
        given = ""
        if request.one("requestSyncToken") == "true":
            given = f"sync-{len(self._tokens)}-{self._revision}"
            self._tokens[given] = _Token(self._revision, known.synced_at if known else now, params)
        return self._page(_Turn(rows, params, given), request, min(size or 100, self.page_size))

    def _page(self, turn: _Turn, request: Request, size: int) -> Reply:
        rows, left = turn.rows[:size], turn.rows[size:]
        is_contacts = request.path == CONNECTIONS
        total = sum(not _is_deleted(one) for one in self._people[request.path].values())
        said: Json = {
            "connections" if is_contacts else "otherContacts": list(rows),
            **({"totalItems": total, "totalPeople": total} if is_contacts else {"totalSize": total}),
        }
        if left:
            page = f"page-{len(self._turns)}"
            self._turns[page] = _Turn(left, turn.params, turn.token)
            return Reply(200, {**said, "nextPageToken": page})
        return Reply(200, {**said, **({"nextSyncToken": turn.token} if turn.token else {})})

    def _shown(self, person: Json, fields: set[str], *, is_sync: bool) -> Json:
        shown = {name: value for name, value in person.items() if name in fields | {"resourceName", "etag"}}
        if not is_sync and isinstance(shown.get("metadata"), dict):
            # Former names are told in sync alone.
            left_out = {"previousResourceNames"}
            shown["metadata"] = {
                name: value for name, value in shown["metadata"].items() if name not in left_out
            }
        return shown

    def _write(self, path: str, one: str, person: Json) -> None:
        number = self._next()
        kind = "OTHER_CONTACT" if path == OTHERS else "CONTACT"
        at = self.clock.now() + timedelta(seconds=number)
        source = {
            "type": kind,
            "id": one.rpartition("/")[2].removeprefix("c")[-16:],
            "etag": f"#{number}",
            "updateTime": f"{at:%Y-%m-%dT%H:%M:%S}.123456Z",
        }
        metadata: Json = {"sources": [source], "objectType": "PERSON"}
        if former := self._former(one):
            metadata["previousResourceNames"] = former
        self._people[path][one] = {
            **person,
            "resourceName": one,
            "etag": f"%{number}",
            "metadata": metadata,
        }
        self._revisions[one] = number

    def _next(self) -> int:
        self._revision += 1
        return self._revision


def _is_deleted(person: Json) -> bool:
    metadata = person.get("metadata")
    return isinstance(metadata, dict) and metadata.get("deleted") is True


def _params(request: Request) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(pair for pair in request.query if pair[0] not in {"pageToken", "syncToken"}))
