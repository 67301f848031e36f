"""Signing in at Google and Microsoft: the whole way at fakes that refuse what the vendors refuse, and the cause of each end."""

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import msgspec
import pytest

from connectors import authorities
from deploy.clock import SystemClock
from schemas.clock import FrozenClock
from schemas.errors import KithError, RateLimited, ReauthRequired, Rejected, Transient
from schemas.oauth import Authority, Client, ClientRefused, Grant, Pending
from tests.fakes.api import ApiServer
from tests.fakes.authority import (
    GoogleSignIn,
    MicrosoftSignIn,
    Registration,
    Someone,
    signing_in,
)
from tests.fakes.visitor import consented, fetch

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
MARA, BEN = "mara@example.com", "ben@example.com"
REDIRECT = {"google": "http://127.0.0.1:4711", "microsoft": "http://localhost:4711"}
AUTH = "https://www.googleapis.com/auth/"
SCOPES = {
    "google": (f"{AUTH}calendar.events.readonly", f"{AUTH}gmail.readonly"),
    "microsoft": ("Calendars.Read", "Mail.Read"),
}
SECRET = "client-secret-canary"


class Desk:
    """An authority at a fake, and the fake."""

    def __init__(
        self, kind: str, sign_in: GoogleSignIn | MicrosoftSignIn, server: ApiServer, clock: FrozenClock
    ) -> None:
        self.kind, self.sign_in, self.server, self.clock = kind, sign_in, server, clock
        self.client = Client("kith-client", SECRET if kind == "google" else "")

    def authority(self, **changes: str) -> Authority:
        client = msgspec.structs.replace(self.client, **changes)
        return authorities()[self.kind].open(client, self.server.url, self.clock)

    def answer(self, authority: Authority, **more: Any) -> tuple[Any, str]:
        """A sign-in that its owner allowed, and the query of the redirect."""
        attempt = authority.begin(REDIRECT[self.kind], SCOPES[self.kind])
        back = consented(authority.url(attempt), MARA, **more)
        assert back.startswith(f"{REDIRECT[self.kind]}?"), back
        return attempt, urlsplit(back).query

    def signed_in(self, **more: Any) -> Grant:
        authority = self.authority()
        return authority.finish(*self.answer(authority, **more))


def fake(kind: str, clock: FrozenClock) -> GoogleSignIn | MicrosoftSignIn:
    people = [Someone(MARA, "1001", "directory-1"), Someone(BEN, "1002", "directory-1")]
    if kind == "google":
        return GoogleSignIn(clock, [Registration("kith-client", SECRET)], people)
    return MicrosoftSignIn(clock, [Registration("kith-client")], people)


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock(NOW)


@pytest.fixture(params=["google", "microsoft"])
def desk(request: pytest.FixtureRequest, clock: FrozenClock) -> Iterator[Desk]:
    sign_in = fake(request.param, clock)
    with signing_in(sign_in) as server:
        yield Desk(request.param, sign_in, server, clock)


@pytest.fixture
def google(clock: FrozenClock) -> Iterator[Desk]:
    sign_in = fake("google", clock)
    with signing_in(sign_in) as server:
        yield Desk("google", sign_in, server, clock)


@pytest.fixture
def microsoft(clock: FrozenClock) -> Iterator[Desk]:
    sign_in = fake("microsoft", clock)
    with signing_in(sign_in) as server:
        yield Desk("microsoft", sign_in, server, clock)


# --- the whole way ------------------------------------------------------------------------------------------------------


def test_a_consent_becomes_a_grant(desk: Desk) -> None:
    """With who signed in, what was granted, until when; a refresh gives another access token, and a revocation ends it."""
    grant = desk.signed_in()
    assert (grant.user, grant.consented_at, grant.expires_at) == (MARA, NOW, NOW + timedelta(hours=1))
    assert grant.subject == {"google": "1001", "microsoft": "1001.directory-1"}[desk.kind]
    assert desk.authority().missing(SCOPES[desk.kind], grant) == ()
    assert set(SCOPES[desk.kind]) <= (desk.sign_in.grants(grant.access_token) or set())
    assert grant.client.secret == ""
    desk.clock.advance(timedelta(hours=2))
    assert desk.sign_in.grants(grant.access_token) is None
    again = desk.authority().refresh(grant)
    assert desk.sign_in.grants(again.access_token)
    assert (again.refresh_token == grant.refresh_token) is (desk.kind == "google")
    assert (again.refreshed_at, again.consented_at) == (NOW + timedelta(hours=2), NOW)
    assert (again.subject, again.user, again.scopes) == (grant.subject, grant.user, grant.scopes)
    assert desk.authority().revoke(again) is (desk.kind == "google")
    if desk.kind == "google":
        with pytest.raises(ReauthRequired):
            desk.authority().refresh(again)
        assert desk.authority().revoke(again), "what is given back already is given back"


def test_what_is_asked_for(desk: Desk) -> None:
    """PKCE by S256, a state of its own, the least scopes and none of before; the address is only a hint."""
    authority = desk.authority()
    first, second = (authority.begin(REDIRECT[desk.kind], SCOPES[desk.kind]) for _ in range(2))
    assert len({first.state, first.verifier, first.nonce, second.state, second.verifier, second.nonce}) == 6
    url = urlsplit(authority.url(first, MARA))
    asked = dict(parse_qsl(url.query))
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert asked["login_hint"] == MARA
    assert "include_granted_scopes" not in asked
    assert first.verifier not in url.query
    assert SECRET not in url.query
    wanted = {
        "google": ["openid", "email", *SCOPES["google"]],
        "microsoft": [
            *("openid", "profile", "offline_access"),
            *(f"https://graph.microsoft.com/{one}" for one in SCOPES["microsoft"]),
        ],
    }
    assert asked["scope"].split() == wanted[desk.kind]


def test_unticked_permissions_are_missed(google: Desk) -> None:
    """What the owner did not allow is told apart from what they did."""
    grant = google.signed_in(untick=["gmail.readonly"])
    assert google.authority().missing(SCOPES["google"], grant) == (f"{AUTH}gmail.readonly",)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("calendar.readonly gmail.modify contacts", ("tasks",)),
        ("calendar https://mail.google.com/ contacts.readonly tasks", ()),
        ("calendar.events gmail.compose", ("calendar.calendarlist.readonly", "gmail.readonly", "contacts.readonly", "tasks")),
        ("gmail.readonly gmail.labels calendar.freebusy tasks.readonly", (
            "calendar.events.readonly", "calendar.calendarlist.readonly", "gmail.send", "contacts.readonly", "tasks",
        )),
    ],
)  # fmt: skip
def test_more_than_was_asked_for_is_enough(google: Desk, given: str, missing: tuple[str, ...]) -> None:
    """A file of Google's tools may hold a permission that includes what Kith asks for; and none that only looks so."""
    asked = ("calendar.events.readonly", "calendar.calendarlist.readonly", "gmail.readonly", "gmail.send", "contacts.readonly", "tasks")  # fmt: skip
    scopes = tuple(one if "://" in one else f"{AUTH}{one}" for one in given.split())
    grant = Grant(client=google.client, refresh_token="r", scopes=scopes, consented_at=NOW, refreshed_at=NOW)
    told = google.authority().missing([f"{AUTH}{one}" for one in asked], grant)
    assert told == tuple(f"{AUTH}{one}" for one in missing)


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("Mail.ReadWrite Calendars.ReadWrite Contacts.ReadWrite Tasks.ReadWrite Mail.Send", ()),
        ("https://graph.microsoft.com/Mail.Read calendars.read contacts.read Tasks.ReadWrite.Shared", ("Mail.Send",)),
        ("Mail.ReadBasic Calendars.ReadBasic Contacts.Read Tasks.Read", ("Mail.Read", "Tasks.ReadWrite", "Mail.Send")),
        ("User.Read Mail.ReadWriteFoo MailboxSettings.ReadWrite https://outlook.office.com/Mail.ReadWrite", (
            "Calendars.ReadBasic", "Mail.Read", "Mail.ReadBasic", "Contacts.Read", "Tasks.ReadWrite", "Mail.Send",
        )),
    ],
)  # fmt: skip
def test_more_than_was_asked_for_is_enough_at_microsoft(
    microsoft: Desk, given: str, missing: tuple[str, ...]
) -> None:
    """A cache of msal may hold a permission that includes what Kith asks for; and none that only looks so."""
    asked = ("Calendars.ReadBasic", "Mail.Read", "Mail.ReadBasic", "Contacts.Read", "Tasks.ReadWrite", "Mail.Send")  # fmt: skip
    grant = Grant(
        client=microsoft.client,
        refresh_token="r",
        scopes=tuple(given.split()),
        consented_at=NOW,
        refreshed_at=NOW,
    )
    assert microsoft.authority().missing(asked, grant) == missing


def test_saying_no_changes_nothing(desk: Desk) -> None:
    """A refused consent is told as what it is."""
    authority = desk.authority()
    with pytest.raises(Rejected, match="You allowed nothing"):
        authority.finish(*desk.answer(authority, answer="cancel"))


# --- hostile answers (S1) -----------------------------------------------------------------------------------------------


def _changed(query: str, **values: str | None) -> str:
    said = dict(parse_qsl(query)) | values
    return urlencode({name: value for name, value in said.items() if value is not None})


HOSTILE: dict[str, Callable[[str], str]] = {
    "no state": lambda query: _changed(query, state=None),
    "another state": lambda query: _changed(query, state="x" * 43),
    "an empty state": lambda query: _changed(query, state=""),
    "two states": lambda query: f"{query}&state=forged",
    "two codes": lambda query: f"{query}&code=forged",
    "no code": lambda query: _changed(query, code=None),
    "another issuer": lambda query: _changed(query, iss="https://login.evil.test/v2.0"),
    "nothing": lambda _query: "",
    "a huge query": lambda query: f"{query}&x={'x' * 100_000}",
    "a thousand fields": lambda query: query + "&a=b" * 1_000,
    "a code of nobody": lambda query: _changed(query, code="4/forged"),
    "HTML in the words": lambda query: _changed(
        query, error="<script>", error_description="<script>alert(1)</script>"
    ),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_hostile_answers_are_refused(desk: Desk, how: str) -> None:
    """Whatever comes back but the very answer to this sign-in is refused, with no word of its own repeated."""
    authority = desk.authority()
    attempt, query = desk.answer(authority)
    with pytest.raises(KithError) as refused:
        authority.finish(attempt, HOSTILE[how](query))
    words = str(refused.value)
    assert isinstance(refused.value, Rejected)
    for canary in ("script", "canary", "forged", attempt.state):
        assert canary not in words
    assert len(words) < 400


def test_a_code_serves_once_and_for_its_own_sign_in(desk: Desk) -> None:
    """A code that was taken from another sign-in has another verifier; one that was used is used."""
    authority = desk.authority()
    attempt, query = desk.answer(authority)
    other, _ = desk.answer(authority)
    injected = _changed(query, state=other.state)
    with pytest.raises(Rejected, match=r"no longer takes|refused the sign-in"):
        authority.finish(other, injected)
    authority.finish(attempt, query)
    with pytest.raises(Rejected):
        authority.finish(attempt, query)


def test_an_answer_of_the_other_vendor_is_refused(clock: FrozenClock) -> None:
    """A mix-up: the state is right, the issuer is not."""
    with signing_in(fake("google", clock)) as one, signing_in(fake("microsoft", clock)) as two:
        google = Desk("google", fake("google", clock), one, clock).authority()
        attempt = google.begin(REDIRECT["google"], SCOPES["google"])
        query = urlencode({"state": attempt.state, "code": "c", "iss": f"{two.url}/directory-1/v2.0"})
        with pytest.raises(Rejected, match="does not come from Google"):
            google.finish(attempt, query)
        assert one.requests == []


def test_a_sign_in_has_its_time(desk: Desk) -> None:
    """Ten minutes after its beginning nothing answers it any more."""
    authority = desk.authority()
    attempt, query = desk.answer(authority)
    desk.clock.advance(timedelta(minutes=11))
    with pytest.raises(Rejected, match="too long"):
        authority.finish(attempt, query)


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "another-client"},
        {"nonce": "another"},
        {"iss": "https://accounts.evil.test"},
        {"exp": 1_000_000_000},
        None,
    ],
)
def test_who_signed_in_must_be_said_to_us(google: Desk, claims: dict[str, Any] | None) -> None:
    """An identity for another client, sign-in or time, or from elsewhere, or that is none, lets nobody in."""
    authority = google.authority()
    attempt, query = google.answer(authority)
    before = google.sign_in._claims
    google.sign_in._claims = lambda given, nonce: before(given, nonce) | (claims or {"iss": 5})  # type: ignore[method-assign]
    with pytest.raises(Rejected):
        authority.finish(attempt, query)


def test_a_refresh_is_not_lost_for_a_word(desk: Desk) -> None:
    """Whose grant it is is known: a refresh whose identity cannot be read, or is over by a clock that goes wrong, counts."""
    grant = desk.signed_in()
    before = desk.sign_in._claims
    for claims in ({"exp": 1_000_000_000}, {"iss": 5}):
        desk.sign_in._claims = lambda given, nonce, claims=claims: before(given, nonce) | claims  # type: ignore[method-assign, misc]
        grant = desk.authority().refresh(grant)
        assert desk.sign_in.grants(grant.access_token)
        assert grant.user == MARA


@pytest.mark.parametrize(("seconds", "hours"), [(10**18, 48), (-5, 0), ("1800", 0.5), (0, 0)])
def test_a_length_that_no_token_has(desk: Desk, seconds: Any, hours: float) -> None:
    """However long an authority says that a token lasts, it is taken for two days at most, and never for less than nothing."""
    grant = desk.signed_in()
    before = desk.sign_in._tokens
    desk.sign_in._tokens = lambda *a, **k: before(*a, **k) | {"expires_in": seconds}  # type: ignore[method-assign]
    again = desk.authority().refresh(grant)
    assert again.expires_at == NOW + timedelta(hours=hours)


def test_redirects_are_compared_letter_by_letter(desk: Desk) -> None:
    """Another host, path or port than was registered is refused before anybody is asked."""
    desk.sign_in.clients["kith-client"] = Registration(
        "kith-client",
        desk.client.secret,
        ("https://kith.example.com/oauth/google/callback",),
        is_desktop=False,
    )
    authority = desk.authority()
    for redirect in (
        "https://kith.example.com/oauth/google/callback/x",
        "https://kith.example.com:444/oauth/google/callback",
        "https://evil.test/oauth/google/callback",
        "http://127.0.0.1:4711",
    ):
        page = fetch(authority.url(authority.begin(redirect, SCOPES[desk.kind])))
        assert (page.status, page.location) == (400, "")


# --- the client ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"secret": "wrong"}, {"id": "nobody"}])
def test_a_wrong_client_is_told(desk: Desk, changes: dict[str, str]) -> None:
    """With the settings to compare; it is no end of the grant."""
    grant = desk.signed_in()
    with pytest.raises(ClientRefused, match=r"KITH_(GOOGLE|MICROSOFT)_CLIENT"):
        desk.authority(**changes).refresh(grant)
    desk.authority().refresh(grant)


# --- how it ends --------------------------------------------------------------------------------------------------------


def _aged(desk: Desk, days: float, *, used_until: float = 0) -> Grant:
    grant = desk.signed_in()
    if used_until:
        desk.clock.advance(timedelta(days=used_until))
        grant = desk.authority().refresh(grant)
    desk.clock.advance(timedelta(days=days - used_until))
    return grant


def test_seven_days_of_testing_are_told_with_their_cure(google: Desk) -> None:
    """A consent that ends on its seventh day ends because of the project's status, whatever was used before."""
    assert isinstance(google.sign_in, GoogleSignIn)
    google.sign_in.is_testing = True
    grant = _aged(google, 7.01, used_until=6.9)
    with pytest.raises(ReauthRequired) as ended:
        google.authority().refresh(grant)
    words = str(ended.value)
    assert "kept since 23 November" in words
    assert "in Testing end after 7 days" in words
    assert '"In production"' in words


@pytest.mark.parametrize(
    ("days", "used_until", "subtype", "words"),
    [
        (3, 2.9, "", "withdrawn at https://myaccount.google.com"),
        (30, 29.9, "", "or your password was changed"),
        (1, 0.9, "invalid_rapt", "your organisation wants you to sign in again"),
        (200, 0.1, "", "not used for six months"),
        (
            30,
            3,
            "",
            "most likely as consents of a Google project in Testing end after 7 days; else it was withdrawn",
        ),
    ],
)
def test_other_ends_at_google(google: Desk, days: float, used_until: float, subtype: str, words: str) -> None:
    """Withdrawn, a changed password, a session of the organisation, no use: each by its own words, and no guess as sure."""
    assert isinstance(google.sign_in, GoogleSignIn)
    grant = _aged(google, days, used_until=used_until)
    google.sign_in.end(MARA)
    google.sign_in.subtype = subtype
    with pytest.raises(ReauthRequired, match=words):
        google.authority().refresh(grant)


@pytest.mark.parametrize(
    ("error", "number", "words"),
    [
        ("invalid_grant", 700082, "not used for 90 days"),
        ("invalid_grant", 50173, "password was changed"),
        ("interaction_required", 50076, "second factor"),
        ("interaction_required", 99999, "wants to see you yourself"),
        ("invalid_grant", 65001, "withdrawn, or was never given"),
        ("consent_required", 99999, "withdrawn, or was never given"),
        ("invalid_grant", 53003, "Conditional Access"),
        ("invalid_grant", 70000, "AADSTS70000"),
    ],
)
def test_ends_at_microsoft(microsoft: Desk, error: str, number: int, words: str) -> None:
    """Each number has its cause; one that nobody knows is told as a number."""
    assert isinstance(microsoft.sign_in, MicrosoftSignIn)
    grant = microsoft.signed_in()
    microsoft.sign_in.refuses = error, number
    with pytest.raises(ReauthRequired, match=words) as ended:
        microsoft.authority().refresh(grant)
    assert not isinstance(ended.value, ClientRefused)
    assert "Trace" not in str(ended.value)


@pytest.mark.parametrize(
    ("error", "number", "words"),
    [
        ("invalid_client", 7000215, "secret is wrong"),
        ("invalid_client", 7000222, "secret has expired"),
        ("invalid_client", 7000218, "public client flows"),
        ("unauthorized_client", 700016, "KITH_MICROSOFT_CLIENT_ID"),
        ("invalid_request", 90002, "KITH_MICROSOFT_TENANT"),
        ("invalid_request", 50194, "one directory alone"),
        ("invalid_client", 99999, "invalid_client"),
    ],
)
def test_clients_that_microsoft_refuses(microsoft: Desk, error: str, number: int, words: str) -> None:
    """What is wrong with the client is mended in settings, and told apart from a grant that is over."""
    assert isinstance(microsoft.sign_in, MicrosoftSignIn)
    grant = microsoft.signed_in()
    microsoft.sign_in.refuses = error, number
    with pytest.raises(ClientRefused, match=words):
        microsoft.authority().refresh(grant)
    microsoft.sign_in.refuses = None
    microsoft.authority().refresh(grant)


def test_a_directory_that_is_not_there(microsoft: Desk) -> None:
    """Is told by its setting."""
    grant = microsoft.signed_in()
    with pytest.raises(ClientRefused, match="KITH_MICROSOFT_TENANT"):
        microsoft.authority(tenant="nowhere.example").refresh(grant)


@pytest.mark.parametrize("fault", ["500", "503", "die_before", "lose_answer", "cut", "web_page", "429"])
def test_an_authority_in_trouble_ends_no_grant(desk: Desk, fault: Any) -> None:
    """Whatever fails on the way is tried again; the grant that was held is good still."""
    grant = desk.signed_in()
    desk.server.faults.order(fault)
    with pytest.raises(Transient) as failed:
        desk.authority().refresh(grant)
    assert isinstance(failed.value, RateLimited) is (fault == "429")
    desk.authority().refresh(grant)


@pytest.mark.parametrize(
    ("error", "words"),
    [("temporarily_unavailable", ""), ("server_error", ""), ("invalid_request", "internal_failure")],
)
def test_a_busy_google_is_no_end(google: Desk, error: str, words: str) -> None:
    """What Google's own library asks again after (google-auth, `oauth2/_client.py`) comes with a 400 and is no refusal."""
    assert isinstance(google.sign_in, GoogleSignIn)
    authority = google.authority()
    grant = google.signed_in()
    attempt, query = google.answer(authority)
    google.sign_in.refuses = error, words
    with pytest.raises(Transient):
        authority.refresh(grant)
    with pytest.raises(Transient):
        authority.finish(attempt, query)
    google.sign_in.refuses = None
    authority.refresh(grant)


@pytest.mark.parametrize(
    ("error", "number"), [("temporarily_unavailable", 90033), ("server_error", 1), ("invalid_grant", 50195)]
)
def test_a_busy_microsoft_is_no_end(microsoft: Desk, error: str, number: int) -> None:
    """`temporarily_unavailable` comes with a 400 and is no refusal."""
    assert isinstance(microsoft.sign_in, MicrosoftSignIn)
    grant = microsoft.signed_in()
    microsoft.sign_in.refuses = error, number
    with pytest.raises(Transient):
        microsoft.authority().refresh(grant)


# --- Google: headers alone ----------------------------------------------------------------------------------------------


def test_headers_alone_come_alone(google: Desk) -> None:
    """That permission is never asked for beside another for mail; where Google adds one, all of it is given back."""
    assert isinstance(google.sign_in, GoogleSignIn)
    clash = authorities()["google"].clash
    assert "--headers-only" in clash([f"{AUTH}gmail.metadata", f"{AUTH}gmail.send"])
    assert clash([f"{AUTH}gmail.metadata", f"{AUTH}calendar.events.readonly"]) == ""
    authority = google.authority()
    first = authority.begin(REDIRECT["google"], [f"{AUTH}gmail.metadata"])
    authority.finish(first, urlsplit(consented(authority.url(first), MARA)).query)
    google.sign_in.merges = True
    google.sign_in.after_tokens = lambda _form: google.server.faults.order("503")
    with pytest.raises(Rejected, match=r"headers alone .* Remove Kith at https://myaccount"):
        authority.finish(*google.answer(authority))
    google.sign_in.after_tokens = lambda _form: None
    with pytest.raises(Rejected, match=r"headers alone .* gave both back"):
        authority.finish(*google.answer(authority))
    assert all(one.over for one in google.sign_in.given)
    grant = google.signed_in()
    assert f"{AUTH}gmail.metadata" not in grant.scopes


# --- other devices ------------------------------------------------------------------------------------------------------


def _typed(desk: Desk, code: Any, answer: str = "allow") -> None:
    consented(code.url, MARA, answer=answer, code=code.user_code)


def test_a_sign_in_on_another_device(microsoft: Desk) -> None:
    """The code is typed elsewhere; until then it is asked for again, and then there is a grant."""
    authority = microsoft.authority()
    code = authority.begin_device(SCOPES["microsoft"])
    assert code.url.startswith(microsoft.server.url)
    assert isinstance(microsoft.sign_in, MicrosoftSignIn)
    microsoft.sign_in.hurried = 2
    apart = [authority.finish_device(code) for _ in range(3)]
    assert apart == [Pending(timedelta(seconds=5)), Pending(timedelta(seconds=5)), Pending()]
    _typed(microsoft, code)
    grant = authority.finish_device(code)
    assert isinstance(grant, Grant)
    assert (grant.user, grant.subject) == (MARA, "1001.directory-1")
    authority.refresh(grant)


def test_another_device_can_say_no_or_nothing(microsoft: Desk) -> None:
    """Declined, too late, or not allowed by the client: each by its words."""
    assert isinstance(microsoft.sign_in, MicrosoftSignIn)
    authority = microsoft.authority()
    code = authority.begin_device(SCOPES["microsoft"])
    _typed(microsoft, code, "cancel")
    with pytest.raises(Rejected, match="allowed nothing"):
        authority.finish_device(code)
    code = authority.begin_device(SCOPES["microsoft"])
    microsoft.clock.advance(timedelta(minutes=16))
    with pytest.raises(Rejected, match="time is over"):
        authority.finish_device(code)
    code = authority.begin_device(SCOPES["microsoft"])
    microsoft.sign_in.allows_public = False
    with pytest.raises(ClientRefused, match="public client flows"):
        authority.finish_device(code)


def test_google_lets_no_device_in(google: Desk) -> None:
    """And it is said what to do instead."""
    with pytest.raises(Rejected, match="--authorized-user FILE"):
        google.authority().begin_device(SCOPES["google"])


# --- the libraries of the vendors, as judges ----------------------------------------------------------------------------


def test_the_fake_of_google_satisfies_googles_library(google: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """oauthlib's flow, on which Google's own is built, signs in there; google-auth refreshes, and what it writes is read."""
    import google.auth.transport.requests as transport  # noqa: PLC0415
    from google.oauth2.credentials import Credentials  # noqa: PLC0415
    from requests_oauthlib import (  # type: ignore[import-untyped]  # noqa: PLC0415  # it has no stubs
        OAuth2Session,
    )

    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("OAUTHLIB_RELAX_TOKEN_SCOPE", "1")
    root = google.server.url
    session = OAuth2Session(
        "kith-client", scope=["openid", *SCOPES["google"]], redirect_uri=REDIRECT["google"], pkce="S256"
    )
    url, _ = session.authorization_url(f"{root}/o/oauth2/v2/auth", access_type="offline", prompt="consent")
    back = consented(url, MARA)
    told = session.fetch_token(
        f"{root}/token", authorization_response=back, client_secret=SECRET, include_client_id=True
    )
    theirs = Credentials(  # type: ignore[no-untyped-call]
        told["access_token"],
        refresh_token=told["refresh_token"],
        token_uri=f"{root}/token",
        client_id="kith-client",
        client_secret=SECRET,
        scopes=list(told["scope"]),
    )
    theirs.refresh(transport.Request())  # type: ignore[no-untyped-call]
    assert google.sign_in.grants(str(theirs.token))
    grant = authorities()["google"].read_file(theirs.to_json(), NOW)  # type: ignore[no-untyped-call]
    assert grant.client == Client("kith-client", SECRET)
    renewed = authorities()["google"].open(grant.client, root, google.clock).refresh(grant)
    assert (renewed.subject, renewed.refresh_token) == ("1001", told["refresh_token"])


class _ToTheFake:
    """msal's way out, which speaks https to Microsoft alone: here it leads to the fake."""

    def __init__(self, root: str) -> None:
        import requests  # noqa: PLC0415

        self._session = requests.Session()
        self._session.trust_env = False
        self._root = root

    def _to(self, url: str) -> str:
        return url.replace("https://login.microsoftonline.com", self._root)

    def get(self, url: str, **given: Any) -> Any:
        return self._session.get(self._to(url), **given)

    def post(self, url: str, **given: Any) -> Any:
        return self._session.post(self._to(url), **given)

    def close(self) -> None:
        self._session.close()


@pytest.mark.filterwarnings("ignore:response_mode")
def test_the_fake_of_microsoft_satisfies_msal(microsoft: Desk) -> None:
    """msal signs in there, by browser and by device, and refreshes; the cache it writes is read, and its grant goes on."""
    import msal  # noqa: PLC0415

    # msal looks at the machine's clock.
    microsoft.clock.advance(SystemClock().now() - NOW)
    microsoft.sign_in.root = "https://login.microsoftonline.com"
    way = _ToTheFake(microsoft.server.url)
    cache = msal.SerializableTokenCache()
    app = msal.PublicClientApplication(
        "kith-client",
        authority="https://login.microsoftonline.com/directory-1",
        instance_discovery=False,
        http_client=way,
        token_cache=cache,
    )
    flow = app.initiate_auth_code_flow(["Mail.Read"], redirect_uri=REDIRECT["microsoft"])
    back = consented(way._to(flow["auth_uri"]), MARA)
    told = app.acquire_token_by_auth_code_flow(
        flow, {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
    )
    assert "access_token" in told, told
    (account,) = app.get_accounts()
    again = app.acquire_token_silent(["Mail.Read"], account=account, force_refresh=True)
    assert microsoft.sign_in.grants(again["access_token"])
    grant = authorities()["microsoft"].read_file(cache.serialize(), NOW)
    assert (grant.client, grant.user) == (Client("kith-client", tenant="directory-1"), MARA)
    ours = authorities()["microsoft"].open(grant.client, microsoft.server.url, microsoft.clock)
    microsoft.sign_in.root = microsoft.server.url
    renewed = ours.refresh(grant)
    assert ours.missing(["Mail.Read"], renewed) == ()
    assert renewed.subject == account["home_account_id"] == grant.subject
    microsoft.sign_in.root = "https://login.microsoftonline.com"
    device = app.initiate_device_flow(["Mail.Read"])
    consented(way._to(device["verification_uri"]), MARA, code=device["user_code"])
    assert "access_token" in app.acquire_token_by_device_flow(device)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"client_id": 5}', "\x00", "[" * 10_000, '{"type": "service_account"}']
)
@pytest.mark.parametrize("kind", ["google", "microsoft"])
def test_files_that_hold_no_grant(kind: str, text: str) -> None:
    """Are refused in words that repeat nothing of them."""
    with pytest.raises(Rejected) as refused:
        authorities()[kind].read_file(text, NOW)
    assert "docs/" in str(refused.value) or "accounts" in str(refused.value)


def test_a_service_account_is_no_person(clock: FrozenClock) -> None:
    """A key of another kind is told as such."""
    text = json.dumps(
        {"type": "service_account", "client_id": "1", "client_secret": "2", "refresh_token": "3"}
    )
    with pytest.raises(Rejected, match="signs in as a person"):
        authorities()["google"].read_file(text, clock.now())


def test_nonsense_of_an_authority_is_no_refusal(google: Desk) -> None:
    """An identity that is no token at all is refused, and answers that are no JSON are tried again."""
    authority = google.authority()
    attempt, query = google.answer(authority)
    before = google.sign_in._tokens
    bad = urlsafe_b64encode(b"{").decode()
    google.sign_in._tokens = lambda *a, **k: before(*a, **k) | {"id_token": f"a.{bad}.c"}  # type: ignore[method-assign]
    with pytest.raises(Rejected, match="in a way that can be understood"):
        authority.finish(attempt, query)
