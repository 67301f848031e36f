"""Subscriptions of one mailbox at Microsoft Graph: the handshake, notices over HTTP, lifecycle notices, prolonging and ends.

https://learn.microsoft.com/graph/api/resources/subscription and /graph/change-notifications-delivery-webhooks as of 2026-11. A
subscription is refused whose hook does not say the word of the handshake back, as plain text and within ten seconds. Each
notice is held against the vendor's schema, and has to be answered within three seconds. What Microsoft leaves open a test
chooses: `longest` (how long a subscription lasts at most), `reads_basic_events` (whether `Calendars.ReadBasic` will do), and
`takes_one` (whether a second one for the same resource and changes is refused, as the vendor's page says and people deny).
"""

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit
from uuid import NAMESPACE_URL, uuid5

from msgspec import Struct

from schemas.clock import Clock
from tests.fakes.api import ApiServer, Json, Reply, Request
from tests.fakes.graph import VERSION, Refused, allows, needs_scope, path_of, refuse
from tests.fakes.graph_schema import shape_breaches
from tests.fakes.postman import Posted, Postman

_TENANT = "00000000-0000-0000-0000-0000000000aa"
_ANSWER_WITHIN = 3.0
_SHORTEST = timedelta(minutes=45)
_OUTLOOK, _TASKS = timedelta(minutes=10_080), timedelta(minutes=4_230)
_MAIL = ("Mail.ReadBasic", "Mail.Read", "Mail.ReadWrite")
_EVENTS = ("Calendars.Read", "Calendars.ReadWrite")
_CONTACTS = ("Contacts.Read", "Contacts.ReadWrite")
_TODO = ("Tasks.Read", "Tasks.ReadWrite")
_WATCHABLE: tuple[tuple[re.Pattern[str], tuple[str, ...], timedelta], ...] = (
    (re.compile(r"me/(mailFolders/[^/]+/)?messages"), _MAIL, _OUTLOOK),
    (re.compile(r"me/(calendars/[^/]+/)?events"), _EVENTS, _OUTLOOK),
    (re.compile(r"me/(contactFolders/[^/]+/)?contacts"), _CONTACTS, _OUTLOOK),
    (re.compile(r"me/todo/lists/[^/]+/tasks"), _TODO, _TASKS),
)
_CHANGES = {"created", "updated", "deleted"}


class Open(Struct):
    """A subscription that stands; `is_mute` while Graph waits for it to be authorised again."""

    id: str
    resource: str
    changes: frozenset[str]
    hook: str
    lifecycle: str
    state: str | None
    ends_at: datetime
    is_mute: bool = False

    def row(self) -> Json:
        """As Graph shows it."""
        return {
            "id": self.id,
            "resource": self.resource,
            "applicationId": "00000000-0000-0000-0000-0000000000bb",
            "changeType": ",".join(sorted(self.changes)),
            "clientState": self.state,
            "notificationUrl": self.hook,
            "lifecycleNotificationUrl": self.lifecycle or None,
            "expirationDateTime": _instant(self.ends_at),
            "creatorId": "00000000-0000-0000-0000-0000000000cc",
        }


class Subscriptions:
    """The part. Everything that is public, but `serves` and `answer`, is for tests."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.postman = Postman()
        self.server: ApiServer | None = None
        self.longest: timedelta | None = None
        self.reads_basic_events = False
        self.takes_one = False
        self.shows_end = ""
        """The end that answers name, whatever it is."""
        self.late = 0
        """Notices that were not answered well and in time."""
        self._open: dict[str, Open] = {}
        self._made = 0

    @property
    def standing(self) -> list[Open]:
        """Those that stand now."""
        return [one for one in self._open.values() if one.ends_at > self.clock.now()]

    # ------ telling

    def tell(self, resource: str, change: str, item: str = "AAMkAD") -> None:
        """Something has changed."""
        for one in self.standing:
            if one.resource == resource and change in one.changes and not one.is_mute:
                at = f"Users/{_TENANT}/{resource.removeprefix('me/')}/{quote(item)}"
                data = {"@odata.type": "#Microsoft.Graph.Message", "@odata.id": at, "id": item}
                more = {"changeType": change, "resource": at, "resourceData": data}
                self._post(one.hook, [{**self._about(one), **more}])

    def remove(self, one: Open) -> None:
        """Graph ends a subscription before its time, and says so."""
        del self._open[one.id]
        self._tell_of(one, "subscriptionRemoved")

    def doubt(self, one: Open) -> None:
        """Graph tells nothing more before a subscription is prolonged, and says so."""
        one.is_mute = True
        self._tell_of(one, "reauthorizationRequired")

    def miss(self, one: Open) -> None:
        """Graph has lost notices, and says so."""
        self._tell_of(one, "missed")

    def forget(self) -> None:
        """Every subscription ends without a word."""
        self._open.clear()

    def _tell_of(self, one: Open, what: str) -> None:
        if one.lifecycle:
            self._post(one.lifecycle, [{**self._about(one), "lifecycleEvent": what}])

    def _about(self, one: Open) -> Json:
        return {
            "subscriptionId": one.id,
            "clientState": one.state,
            "subscriptionExpirationDateTime": _instant(one.ends_at),
            "tenantId": _TENANT,
        }

    def _post(self, hook: str, notices: Sequence[Json]) -> Posted:
        said = {"value": list(notices)}
        if self.server is not None:
            self.server.breaches += shape_breaches("microsoft.graph.changeNotificationCollection", said)
        headers = {"Content-Type": "application/json; charset=utf-8"}
        posted = self.postman.post(hook, headers, json.dumps(said).encode())
        self.late += posted.status not in {200, 202, 204} or posted.seconds > _ANSWER_WITHIN
        return posted

    # ------ the part

    def serves(self, path: str, /) -> bool:
        """Subscriptions alone."""
        return path.startswith(f"{VERSION}/subscriptions")

    def answer(self, request: Request, /) -> Reply:
        """What Graph says."""
        try:
            return self._answer(request)
        except Refused as refused:
            return refused.reply

    def _answer(self, request: Request) -> Reply:
        allows(request, ())
        match request.method, path_of(request)[1:]:
            case "POST", []:
                return self._subscribe(request)
            case "GET", []:
                return Reply(200, {"value": [one.row() for one in self.standing]})
            case "GET", [one]:
                return Reply(200, self._found(one).row())
            case "PATCH", [one]:
                return self._prolong(request, self._found(one))
            case "DELETE", [one]:
                del self._open[self._found(one).id]
                return Reply(204)
        raise refuse(400, "BadRequest", "Resource not found for the segment.")

    def _found(self, one: str) -> Open:
        found = self._open.get(one)
        if found is None or found not in self.standing:
            raise refuse(404, "ResourceNotFound", "The object was not found.")
        return found

    def _subscribe(self, request: Request) -> Reply:
        said = request.json()
        resource = str(said["resource"]).removeprefix("/")
        changes = frozenset(said["changeType"].split(","))
        hook, lifecycle = said["notificationUrl"], said.get("lifecycleNotificationUrl") or ""
        most = self._most(request, resource)
        if not changes <= _CHANGES:
            raise refuse(400, "InvalidRequest", "The changeType is not one that there is.")
        if len(said.get("clientState") or "") > 128:
            raise refuse(400, "InvalidRequest", "The clientState is longer than 128 characters.")
        until = self._until(said["expirationDateTime"], most)
        if self.takes_one and any(
            (one.resource, one.changes) == (resource, changes) for one in self.standing
        ):
            raise refuse(409, "Conflict", "Subscription Id <> already exists for the requested combination.")
        for url in filter(None, (hook, lifecycle)):
            self._shake_hands(url)
        self._made += 1
        one = str(uuid5(NAMESPACE_URL, f"subscription {self._made}"))
        made = Open(one, resource, changes, hook, lifecycle, said.get("clientState"), until)
        self._open[one] = made
        return Reply(201, self._shown(made))

    def _most(self, request: Request, resource: str) -> timedelta:
        for pattern, scopes, most in _WATCHABLE:
            if pattern.fullmatch(resource):
                is_basic = scopes == _EVENTS and self.reads_basic_events
                needs_scope(request, *scopes, *(["Calendars.ReadBasic"] if is_basic else []))
                return most
        raise refuse(400, "InvalidRequest", f"Resource '{resource}' is not supported.")

    def _until(self, text: str, most: timedelta) -> datetime:
        now, until = self.clock.now(), datetime.fromisoformat(text)
        if until <= now:
            raise refuse(400, "InvalidRequest", "Subscription expiration must be in the future.")
        if until - now > most:
            raise refuse(400, "InvalidRequest", "Subscription expiration is too far in the future.")
        return min(max(until, now + _SHORTEST), now + (self.longest or most))

    def _shake_hands(self, url: str) -> None:
        """See that whoever is there wants to be told."""
        if urlsplit(url).scheme != "https":
            raise refuse(400, "InvalidRequest", "NotificationUrl must be https.")
        word = f"Validation: Testing client application reachability for subscription <b>{self._made}</b> Request-Id: é"
        posted = self.postman.post(
            f"{url}?validationToken={quote(word)}", {"Content-Type": "text/plain; charset=utf-8"}
        )
        if not posted.status:
            raise refuse(400, "ValidationError", "Subscription validation request timed out.")
        is_plain = posted.kind.partition(";")[0].strip() == "text/plain"
        if posted.status != 200 or not is_plain or posted.body.decode() != word:
            raise refuse(400, "ValidationError", "Subscription validation request failed.")

    def _prolong(self, request: Request, one: Open) -> Reply:
        said = request.json()
        if set(said) != {"expirationDateTime"}:
            raise refuse(400, "InvalidRequest", "Nothing but the expiration can be changed.")
        most = self._most(request, one.resource)
        one.ends_at, one.is_mute = self._until(said["expirationDateTime"], most), False
        return Reply(200, self._shown(one))

    def _shown(self, one: Open) -> Json:
        return {**one.row(), **({"expirationDateTime": self.shows_end} if self.shows_end else {})}


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.1234567Z}"
