"""Google Calendar's API v3 on the loopback, with state: calendars, events with their series, sync tokens that remember.

https://developers.google.com/workspace/calendar/api/v3/reference as of 2026-11. What Google refuses is refused: parameters
that clash with a sync token (400) or differ from those it was given for (undefined at Google, 400 here), tokens that have
ended (410 `fullSyncRequired`), a missing scope, more than 600 requests a minute. What is written is told of on the channels
that were opened (`google_channels`).

What Google's pages leave open, a test chooses: whether what is cancelled comes bare (`bare_cancelled`), whether the
exceptions behind a split are told of (`tells_of_split`), how large pages are (`page_size`), and empty ones between
(`has_empty_pages`).
"""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from dateutil.rrule import rrulestr  # type: ignore[import-untyped]  # dateutil ships no types
from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import Json, Reply, Request
from tests.fakes.google import masked, refused, scope_refusal, user_rate
from tests.fakes.google_channels import Channels

OWNER: Final = "anna@example.com"
PRIMARY: Final = "primary"
_CLASHES = {
    "iCalUID", "orderBy", "privateExtendedProperty", "q", "sharedExtendedProperty", "timeMin", "timeMax", "updatedMin",
}  # fmt: skip
_A_MINUTE = 600
_TYPES = {"birthday", "default", "focusTime", "fromGmail", "outOfOffice", "workingLocation"}


class _Token(Struct, frozen=True):
    """What a sync token stands for: the revision it was given at, and the parameters of the listing."""

    revision: int
    params: tuple[tuple[str, str], ...]
    bound: datetime | None = None


class _Turn(Struct, frozen=True):
    """What a page token stands for: what is left of a listing, its parameters, and its token at the end."""

    rows: tuple[Json, ...]
    params: tuple[tuple[str, str], ...]
    token: str
    is_after_empty: bool = False


class Calendars:
    """The API with one user's calendars. Everything that is public is for tests."""

    def __init__(self, clock: Clock, owner: str = OWNER) -> None:
        self.clock = clock
        self.owner = owner
        self.page_size = 10_000
        self.has_empty_pages = False
        self.bare_cancelled = True
        self.tells_of_split = True
        self.heeds_bounds = True
        """Whether `timeMin` is heeded."""
        self.lists_backwards = False
        self.unlisted: set[str] = set()
        """Calendars whose events cannot be listed, though the list of calendars names them."""
        self.gone_reason = ""
        """A reason for which the next listings of events are answered with 410."""
        self.most_a_minute = _A_MINUTE
        self.channels = Channels(clock)
        self.before_page: Callable[[], object] | None = None
        """What somebody does just before the next page of a listing that goes on."""
        self._revision = 0
        self._entries: dict[str, Json] = {}
        self._entry_revisions: dict[str, int] = {}
        self._events: dict[str, dict[str, Json]] = {}
        self._revisions: dict[tuple[str, str], int] = {}
        self._tokens: dict[str, _Token] = {}
        self._turns: dict[str, _Turn] = {}
        self._asked: list[datetime] = []
        self.add_calendar(owner, owner, role="owner", primary=True)

    # ------ the owner's hands

    def add_calendar(
        self, one: str, name: str, *, role: str = "owner", selected: bool = True, primary: bool = False
    ) -> str:
        """Put a calendar into the owner's list; answers its id."""
        self._entries[one] = {
            "kind": "calendar#calendarListEntry", "etag": '"1"', "id": one, "summary": name, "accessRole": role,
            "timeZone": "Europe/Berlin", "colorId": "1", "defaultReminders": [],
            **({"selected": True} if selected else {}), **({"primary": True} if primary else {}),
        }  # fmt: skip
        self._entry_revisions[one] = self._next()
        self._events.setdefault(one, {})
        return one

    def set_calendar(self, one: str, **fields: Any) -> None:
        """Change what the list says of a calendar."""
        self._entries[one] |= fields
        self._entry_revisions[one] = self._next()

    def remove_calendar(self, one: str) -> None:
        """Take a calendar off the list."""
        self._entries[one] = {
            "kind": "calendar#calendarListEntry",
            "etag": '"2"',
            "id": one,
            "deleted": True,
        }
        self._entry_revisions[one] = self._next()

    def add(self, calendar: str = OWNER, one: str = "", **fields: Any) -> str:
        """Write an event; answers its id. What is not given is an hour's meeting."""
        number = self._next()
        one = one or hashlib.sha1(f"{calendar} {number}".encode(), usedforsecurity=False).hexdigest()[:26]
        start = datetime(2026, 12, 1, 9, tzinfo=UTC)
        event = {
            "kind": "calendar#event", "id": one, "status": "confirmed", "iCalUID": f"{one}@google.com",
            "htmlLink": f"https://www.google.com/calendar/event?eid={one}", "created": _rfc(self._moment()),
            "summary": "Meeting", "sequence": 0, "eventType": "default", "reminders": {"useDefault": True},
            "creator": {"email": OWNER, "self": True}, "organizer": {"email": OWNER, "self": True},
            "start": timed(start), "end": timed(start + timedelta(hours=1)), **fields,
        }  # fmt: skip
        self._write(calendar, event)
        return one

    def change(self, one: str, calendar: str = OWNER, **fields: Any) -> None:
        """Change an event; its sequence is counted up. A field that is None is taken out."""
        before = self._events[calendar][one]
        event = {**before, "sequence": before.get("sequence", 0) + 1, **fields}
        self._write(calendar, {name: value for name, value in event.items() if value is not None})

    def put(self, one: str, event: Json, calendar: str = OWNER) -> None:
        """Let an event be what no owner can write."""
        self._events[calendar][one] = event
        self._revisions[calendar, one] = self._next()

    def delete(self, one: str, calendar: str = OWNER) -> None:
        """Delete an event, a series with all that belongs to it."""
        for name, event in list(self._events[calendar].items()):
            if name == one or event.get("recurringEventId") == one:
                self.change(name, calendar, status="cancelled")

    def forget(self, one: str, calendar: str = OWNER) -> None:
        """Let an event vanish without a word, as one does that was deleted long ago."""
        del self._events[calendar][one]

    def except_(self, master: str, original: datetime | date, calendar: str = OWNER, **fields: Any) -> str:
        """Change one occurrence of a series; answers the exception's id."""
        series = self._events[calendar][master]
        one = instance_id(master, original)
        length = _end(series) - _start(series)
        kept = {
            name: value
            for name, value in series.items()
            if name not in {"recurrence", "start", "end", "updated", "etag"}
        }
        self._write(
            calendar,
            {
                **kept, "id": one, "recurringEventId": master, "originalStartTime": _told(original),
                "start": _told(original), "end": _told(original + length), **fields,
            },
        )  # fmt: skip
        return one

    def cancel(self, master: str, original: datetime | date, calendar: str = OWNER) -> str:
        """Cancel one occurrence of a series; answers the exception's id."""
        return self.except_(master, original, calendar, status="cancelled")

    def split(self, master: str, at: datetime, calendar: str = OWNER, **fields: Any) -> str:
        """Change "this and following": the series ends before `at`, another begins there under an id and UID of its own."""
        series = dict(self._events[calendar][master])
        rule = series["recurrence"][0].partition(";UNTIL=")[0]
        new = f"{master}_R{at:%Y%m%dT%H%M%S}"
        length = _end(series) - _start(series)
        self.change(master, calendar, recurrence=[f"{rule};UNTIL={at - timedelta(seconds=1):%Y%m%dT%H%M%SZ}"])
        self.add(
            calendar,
            new,
            **{
                **{
                    name: value
                    for name, value in series.items()
                    if name not in {"id", "iCalUID", "updated", "etag"}
                },
                "start": timed(at),
                "end": timed(at + length),
                **fields,
            },
        )
        for name, event in list(self._events[calendar].items()):
            original = event.get("originalStartTime", {}).get("dateTime")
            if event.get("recurringEventId") == master and original and _parse(original) >= at:
                if self.tells_of_split:
                    self.change(name, calendar, status="cancelled")
                else:
                    self.forget(name, calendar)
        return new

    def expire_tokens(self) -> None:
        """Sync tokens given out before are answered with 410, page tokens refused."""
        self._tokens.clear()
        self._turns.clear()

    # ------ what a test looks at

    def event(self, one: str, calendar: str = OWNER) -> Json:
        """An event as it is now."""
        return self._events[calendar][one]

    def standing(self, calendar: str = OWNER) -> list[Json]:
        """Every event that is not cancelled."""
        return [one for one in self._events[calendar].values() if one["status"] != "cancelled"]

    # ------ the API

    def serves(self, path: str, /) -> bool:
        """Whether a path is this API's."""
        return path.startswith("/calendar/v3/")

    def answer(self, request: Request, /) -> Reply:
        """What the API says."""
        refusal = scope_refusal(request) or self._rate()
        if refusal is not None:
            return refusal
        parts = request.path.removeprefix("/calendar/v3/").split("/")
        if request.method == "POST" and parts == ["channels", "stop"]:
            return self.channels.stop(request)
        if request.method == "POST" and parts[0] == "calendars" and parts[2:] == ["events", "watch"]:
            return self._watch(request, parts[1])
        if request.method != "GET":
            return refused(404, "notFound", "Not Found")
        if parts == ["users", "me", "calendarList"]:
            return self._mask(request, self._list_calendars(request))
        if len(parts) == 3 and parts[0] == "calendars" and parts[2] == "events":
            return self._mask(request, self._list_events(request, parts[1]))
        return refused(404, "notFound", "Not Found")

    def _mask(self, request: Request, reply: Reply) -> Reply:
        if reply.status != 200:
            return reply
        try:
            return Reply(200, masked(reply.said, request.one("fields")))
        except ValueError:
            return refused(400, "invalidParameter", "Invalid field selection")

    def _rate(self) -> Reply | None:
        now = self.clock.now()
        self._asked = [at for at in self._asked if now - at < timedelta(minutes=1)]
        if len(self._asked) >= self.most_a_minute:
            return user_rate()
        self._asked.append(now)
        return None

    def _list_calendars(self, request: Request) -> Reply:
        token = request.one("syncToken")
        clashes = {"minAccessRole", "showOwnOrganizationOnly"} & {name for name, _ in request.query}
        if token and clashes:
            return refused(400, "invalid", "Sync token cannot be used with these parameters.")
        if page := request.one("pageToken"):
            return self._turn(page, request, {"kind": "calendar#calendarList", "etag": '"e"'}, 250)
        since = self._since(token, request)
        if since is None:
            return _full_sync_required()
        rows = []
        for one, entry in self._entries.items():
            is_out = entry.get("deleted") or (entry.get("hidden") and request.one("showHidden") != "true")
            if self._entry_revisions[one] > since.revision and (token or not is_out):
                rows.append(entry)
        return self._first(rows, request, {"kind": "calendar#calendarList", "etag": '"e"'}, 250, since)

    def _watch(self, request: Request, calendar: str) -> Reply:
        calendar = self.owner if calendar == PRIMARY else calendar
        if self._is_gone(calendar):
            return refused(404, "notFound", "Not Found")
        return self.channels.watch(request, calendar)

    def _is_gone(self, calendar: str) -> bool:
        return calendar not in self._entries or bool(self._entries[calendar].get("deleted"))

    def _list_events(self, request: Request, calendar: str) -> Reply:
        calendar = self.owner if calendar == PRIMARY else calendar
        if self._is_gone(calendar) or calendar in self.unlisted:
            return refused(404, "notFound", "Not Found")
        if self.gone_reason:
            return refused(410, self.gone_reason, "Gone", domain="calendar")
        token = request.one("syncToken")
        refusal = self._clash(request)
        if refusal is not None:
            return refusal
        said = {
            "kind": "calendar#events", "etag": '"e"', "summary": self._entries[calendar]["summary"],
            "updated": _rfc(self._moment()), "timeZone": "Europe/Berlin", "defaultReminders": [],
            "accessRole": self._entries[calendar]["accessRole"],
        }  # fmt: skip
        if page := request.one("pageToken"):
            if self.before_page is not None:
                act, self.before_page = self.before_page, None
                act()
            return self._turn(page, request, said, 2500)
        since = self._since(token, request)
        if since is None:
            return _full_sync_required()
        rows = [
            self._shown(event, request)
            for one, event in self._events[calendar].items()
            if self._revisions[calendar, one] > since.revision
            and (event["status"] == "cancelled" or self._is_within(calendar, event, since.bound))
            and (token or event["status"] != "cancelled" or self._is_live_exception(calendar, event))
            and event["eventType"]
            in ([value for name, value in request.query if name == "eventTypes"] or _TYPES)
        ]
        rows = rows[::-1] if self.lists_backwards else rows
        return self._first(rows, request, said, 2500, since)

    def _clash(self, request: Request) -> Reply | None:
        names = {name for name, _ in request.query}
        if "syncToken" in names and (names & _CLASHES or request.one("showDeleted") == "false"):
            return refused(400, "badRequest", "Sync token cannot be used with other query restrictions.")
        if request.one("singleEvents") == "true":
            return refused(400, "badRequest", "This server knows no single events.")
        for name in {"timeMin", "timeMax", "updatedMin"} & names:
            at = request.one(name)
            if not at.endswith("Z") and at[-6:-5] not in {"+", "-"}:
                return refused(400, "badRequest", f"Invalid value for {name}: no offset.")
        return None

    def _since(self, token: str, request: Request) -> _Token | None:
        params = _params(request)
        if not token:
            bound = request.one("timeMin")
            return _Token(0, params, _parse(bound) if bound else None)
        found = self._tokens.get(token)
        return found if found is not None and found.params == params else None

    def _first(self, rows: list[Json], request: Request, said: Json, most: int, since: _Token) -> Reply:
        token = f"sync-{len(self._tokens)}-{self._revision}="
        self._tokens[token] = _Token(self._revision, since.params, since.bound)
        return self._page(_Turn(tuple(rows), _params(request), token), request, said, most)

    def _turn(self, page: str, request: Request, said: Json, most: int) -> Reply:
        turn = self._turns.get(page)
        if turn is None or turn.params != _params(request):
            return refused(400, "invalid", "Invalid page token value.")
        return self._page(turn, request, said, most)

    def _page(self, turn: _Turn, request: Request, said: Json, most: int) -> Reply:
        size = min(int(request.one("maxResults") or 250), most, self.page_size)
        if self.has_empty_pages and turn.rows and not turn.is_after_empty:
            size = 0
        rows, left = turn.rows[:size], turn.rows[size:]
        said["items"] = list(rows)
        if left or (size == 0 and turn.rows):
            page = f"page-{len(self._turns)}"
            self._turns[page] = _Turn(left, turn.params, turn.token, is_after_empty=size == 0)
            return Reply(200, {**said, "nextPageToken": page})
        return Reply(200, {**said, "nextSyncToken": turn.token})

    # ------ events

    def _write(self, calendar: str, event: Json) -> None:
        number = self._next()
        event["updated"] = _rfc(self._moment())
        event["etag"] = f'"{number}"'
        self._events[calendar][event["id"]] = event
        self._revisions[calendar, event["id"]] = number
        self.channels.tell(calendar)

    def _shown(self, event: Json, request: Request) -> Json:
        if event["status"] == "cancelled" and self.bare_cancelled:
            names = {"kind", "etag", "id", "status", "recurringEventId", "originalStartTime"}
            return {name: value for name, value in event.items() if name in names}
        guests = event.get("attendees", [])
        most = int(request.one("maxAttendees") or 10_000)
        if len(guests) > most:
            own = [one for one in guests if one.get("self")]
            return {**event, "attendees": own, "attendeesOmitted": True}
        return event

    def _is_live_exception(self, calendar: str, event: Json) -> bool:
        master = self._events[calendar].get(event.get("recurringEventId", ""))
        return master is not None and master["status"] != "cancelled"

    def _is_within(self, calendar: str, event: Json, bound: datetime | None) -> bool:
        """Whether an event ends after a bound; a series does when its last occurrence does."""
        if bound is None or not self.heeds_bounds:
            return True
        end = _end(event)
        if event.get("recurrence"):
            rule = next((line for line in event["recurrence"] if line.startswith("RRULE:")), "")
            if "UNTIL=" not in rule and "COUNT=" not in rule:
                return True
            start = _start(event)
            naive = not isinstance(start, datetime)
            begin = datetime(start.year, start.month, start.day, tzinfo=UTC) if naive else start
            last = [begin, *rrulestr(rule.removeprefix("RRULE:"), dtstart=begin)][-1]
            return bool(last + (end - start) > bound)
        if not isinstance(end, datetime):
            end = datetime(end.year, end.month, end.day, tzinfo=UTC)
        return end > bound

    def _next(self) -> int:
        self._revision += 1
        return self._revision

    def _moment(self) -> datetime:
        # Every write is a second later than the one before.
        return self.clock.now() + timedelta(seconds=self._revision)


def timed(at: datetime, zone: str = "Europe/Berlin") -> Json:
    """A time as an event has it."""
    return {"dateTime": at.isoformat().replace("+00:00", "Z"), "timeZone": zone}


def all_day(on: date) -> Json:
    """A day as an event has it."""
    return {"date": on.isoformat()}


def instance_id(master: str, original: datetime | date) -> str:
    """The id of a series' exception."""
    is_timed = isinstance(original, datetime)
    return f"{master}_{original:%Y%m%dT%H%M%SZ}" if is_timed else f"{master}_{original:%Y%m%d}"


def guest(email: str, answer: str = "needsAction", **more: Any) -> Json:
    """One who is asked."""
    return {"email": email, "responseStatus": answer, **more}


def _told(at: datetime | date) -> Json:
    return timed(at) if isinstance(at, datetime) else all_day(at)


def _start(event: Json) -> Any:
    return _moment_of(event["start"])


def _end(event: Json) -> Any:
    return _moment_of(event["end"])


def _moment_of(value: Json) -> datetime | date:
    return date.fromisoformat(value["date"]) if "date" in value else _parse(value["dateTime"])


def _parse(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _rfc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"


def _params(request: Request) -> tuple[tuple[str, str], ...]:
    """The parameters that must be the same from the first call on; a bound is remembered by the token."""
    varying = {"pageToken", "syncToken", "timeMin"}
    return tuple(sorted(pair for pair in request.query if pair[0] not in varying))


def _full_sync_required() -> Reply:
    words = "Sync token is no longer valid, a full sync is required."
    return refused(410, "fullSyncRequired", words, domain="calendar", status="UNKNOWN")
