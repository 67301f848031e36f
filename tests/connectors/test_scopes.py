"""What owners are asked for: each connector's permissions are those of this list, and the consent URL asks no more (S2)."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest

from connectors import authorities, connectors
from deploy.consent import Choice, asked_for, offered
from schemas.clock import FrozenClock
from schemas.connector import ConnectorSpec
from schemas.oauth import Client

AUTH = "https://www.googleapis.com/auth/"
GRAPH = "https://graph.microsoft.com/"
Permissions = tuple[set[str], set[str], set[str]]
LIST: dict[str, Permissions] = {
    "google_calendar": ({"calendar.events.readonly", "calendar.calendarlist.readonly"}, set(), set()),
    "gmail": ({"gmail.readonly"}, {"gmail.metadata"}, {"gmail.send"}),
    "google_contacts": ({"contacts.readonly"}, set(), set()),
    "google_tasks": (set(), set(), {"tasks"}),
    "graph_calendar": ({"Calendars.ReadBasic"}, set(), set()),
    "graph_mail": ({"Mail.Read"}, {"Mail.ReadBasic"}, {"Mail.Send"}),
    "graph_contacts": ({"Contacts.Read"}, set(), set()),
    "microsoft_todo": (set(), set(), {"Tasks.ReadWrite"}),
}
"""To read, to read headers alone, and to write. Whoever widens it says so here."""
ALWAYS = {"google": {"openid", "email"}, "microsoft": {"openid", "profile", "offline_access"}}
SPECS = [spec for spec in connectors().values() if spec.account in ALWAYS]


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_each_connector_asks_for_what_is_listed(spec: ConnectorSpec) -> None:
    """No more and no less; and each permission says why it is asked for."""
    told = tuple(
        {one.name.removeprefix(AUTH).removeprefix(GRAPH) for one in scopes}
        for scopes in (spec.scopes, spec.headers_scopes, spec.write_scopes)
    )
    assert told == LIST[spec.name]
    assert all(one.reason.endswith(".") for one in (*spec.scopes, *spec.headers_scopes, *spec.write_scopes))


@pytest.mark.parametrize("kind", ALWAYS)
def test_reading_asks_for_no_permission_to_write(kind: str) -> None:
    """The consent URL of whatever can be read holds those permissions and who one is, and nothing that writes."""
    specs = [one for one in SPECS if one.account == kind]
    choice = Choice(reads=tuple(word for word in offered(specs) if word != "tasks"))
    authority = authorities()[kind].open(Client("c"), "", FrozenClock(datetime(2026, 11, 23, tzinfo=UTC)))
    scopes = [one.scope for one in asked_for(specs, choice)]
    url = urlsplit(authority.url(authority.begin("http://127.0.0.1:1", scopes)))
    asked = {
        one.removeprefix(AUTH).removeprefix(GRAPH) for one in dict(parse_qsl(url.query))["scope"].split()
    }
    readable = [LIST[one.name][0] for one in specs]
    assert asked == ALWAYS[kind].union(*readable)
    assert url.scheme == "https"
    assert url.hostname == {"google": "accounts.google.com", "microsoft": "login.microsoftonline.com"}[kind]
