"""Google's and Microsoft's authorisation servers: a consent page in HTML, codes, tokens, and the refusals of each.

Each is a part of `ApiServer` like the APIs, which it tells what a token was granted (`grants`). They refuse what the
vendors refuse: another redirect, secret, verifier or scope; a code used twice; a grant that was withdrawn, has expired
or was turned over. What tests look at and change are plain attributes.

https://developers.google.com/identity/protocols/oauth2/web-server, https://learn.microsoft.com/entra/
identity-platform/v2-oauth2-auth-code-flow, v2-oauth2-device-code, reference-error-codes (read 2026-11).
"""

import hmac
import json
import re
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from html import escape
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from msgspec import Struct, field

from schemas.clock import Clock, epoch
from tests.fakes.api import ApiServer, Json, Part, Reply, Request
from tests.fakes.google_schema import _methods

IDENTITY = {"openid", "email", "profile"}
HOUR = timedelta(hours=1)


class Registration(Struct):
    """A client as its owner registered it; a desktop client's redirect may be any port of this machine.

    At Google by any path; at Microsoft as it was registered: `http://localhost`
    (https://learn.microsoft.com/entra/identity-platform/reply-url#localhost-exceptions).
    """

    id: str
    secret: str = ""
    redirects: tuple[str, ...] = ()
    is_desktop: bool = True


class Someone(Struct):
    """Who can sign in; `sub` is theirs for ever."""

    address: str
    sub: str
    tenant: str = ""


class Given(Struct):
    """What somebody allowed a client; `over` is why it is no more."""

    client: str
    who: Someone
    scopes: tuple[str, ...]
    consented_at: datetime
    refresh: str = ""
    access: dict[str, datetime] = field(default_factory=dict)
    turned_over: dict[str, datetime] = field(default_factory=dict)
    """Refresh tokens of before, and when another took their place."""
    over: str = ""


class Code(Struct):
    """A code that waits to be exchanged."""

    client: str
    who: Someone
    scopes: tuple[str, ...]
    redirect: str
    challenge: str
    nonce: str
    is_lasting: bool
    made_at: datetime
    is_used: bool = False


class Asked(Struct):
    """A consent page that was shown, or a device that waits."""

    client: str
    scopes: tuple[str, ...]
    query: dict[str, str]
    answer: Given | Literal["denied", ""] = ""
    user_code: str = ""
    made_at: datetime | None = None


Rotation = Literal["never", "kept", "grace"]
"""A refresh token stays; another takes its place and it stays good; the same, but good for `grace` alone, after which
using it ends the whole grant (RFC 9700 4.14.2)."""


class SignIn:
    """What both authorities have in common."""

    rotation: Rotation = "never"
    loopback: re.Pattern[str]
    """The redirects that a desktop client may name."""

    def __init__(self, clock: Clock, clients: Sequence[Registration], people: Sequence[Someone]) -> None:
        self.clock = clock
        self.clients = {one.id: one for one in clients}
        self.people = {one.address: one for one in people}
        self.given: list[Given] = []
        self.codes: dict[str, Code] = {}
        self.pages: dict[str, Asked] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.root = ""
        self.grace = timedelta(seconds=30)
        self.lasts = HOUR
        self.before_tokens: Callable[[dict[str, str]], None] = lambda _form: None
        """Called when tokens are asked for, before anything is done."""
        self.after_tokens: Callable[[dict[str, str]], None] = lambda _form: None
        """Called when it is done, before the answer leaves."""

    # --- for tests

    def grants(self, token: str) -> frozenset[str] | None:
        """What an access token was granted; None for one that is worth nothing."""
        for one in self.given:
            if token in one.access:
                is_good = not one.over and one.access[token] > self.clock.now()
                return frozenset(one.scopes) if is_good else None
        return None

    def end(self, address: str, why: str = "withdrawn") -> None:
        """Every grant of somebody is over."""
        for one in self.given:
            if one.who.address == address:
                one.over = one.over or why

    def refreshes(self) -> int:
        """How often a refresh was asked for."""
        return sum(form.get("grant_type") == "refresh_token" for _, form in self.asked)

    # --- what both do

    def _tokens(self, given: Given, nonce: str = "", *, is_lasting: bool = True) -> Json:
        token = f"access-canary-{secrets.token_urlsafe(24)}"
        given.access[token] = self.clock.now() + self.lasts
        said: Json = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": int(self.lasts.total_seconds()),
            "scope": " ".join(given.scopes),
        }
        if is_lasting and not given.refresh:
            given.refresh = f"refresh-canary-{secrets.token_urlsafe(24)}"
        if is_lasting:
            said["refresh_token"] = given.refresh
        if "openid" in given.scopes:
            said["id_token"] = _jwt(self._claims(given, nonce))
        return said

    def _turned(self, given: Given) -> None:
        """Another refresh token takes the place of the present one."""
        given.turned_over[given.refresh] = self.clock.now()
        given.refresh = f"refresh-canary-{secrets.token_urlsafe(24)}"

    def _by_refresh(self, token: str) -> Given | None:
        """The grant of a refresh token, if that is good still; one that was turned over too long ago ends it."""
        for one in self.given:
            if token == one.refresh and token:
                return one
            if token in one.turned_over:
                is_late = self.clock.now() - one.turned_over[token] > self.grace
                if self.rotation == "grace" and is_late:
                    one.over = "reused"
                return one
        return None

    def _is_redirect(self, client: Registration, uri: str) -> bool:
        return self.loopback.fullmatch(uri) is not None if client.is_desktop else uri in client.redirects

    def _claims(self, given: Given, nonce: str) -> Json:
        raise NotImplementedError


def _jwt(claims: Json) -> str:
    pieces = [json.dumps({"alg": "RS256", "typ": "JWT"}).encode(), json.dumps(claims).encode(), b"signature"]
    return ".".join(urlsafe_b64encode(one).rstrip(b"=").decode() for one in pieces)


def _challenge(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _page(title: str, body: str, status: int = 200) -> Reply:
    text = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><h1>{escape(title)}</h1>{body}'
    return Reply(status, headers={"Content-Type": "text/html; charset=utf-8"}, body=text.encode())


def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body.decode(), keep_blank_values=True))


def _sent_on(uri: str, **said: str) -> Reply:
    return Reply(302, headers={"Location": f"{uri}?{urlencode(said)}"})


# --- Google -------------------------------------------------------------------------------------------------------------


class GoogleSignIn(SignIn):
    """accounts.google.com and oauth2.googleapis.com."""

    rotation: Rotation = "never"
    loopback = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]+)?(/.*)?")

    def __init__(self, clock: Clock, clients: Sequence[Registration], people: Sequence[Someone]) -> None:
        super().__init__(clock, clients, people)
        self.sends_on = ""
        """Another host that serves the same, to which the next browser is sent on before it is asked."""
        self.is_testing = False
        """The project's publishing status is Testing: a grant ends after seven days."""
        self.merges = False
        """What was granted before comes along unasked."""
        self.subtype = ""
        """Said with `invalid_grant`, as of an organisation's session that is over."""
        self.refuses: tuple[str, str] | None = None
        """The error and the words with which tokens are refused, whatever is asked."""

    def serves(self, path: str, /) -> bool:
        """Whether a path is of the sign-in."""
        return path in {"/o/oauth2/v2/auth", "/o/consent", "/token", "/revoke"}

    def answer(self, request: Request, /) -> Reply:
        """One request."""
        match request.method, request.path:
            case "GET", "/o/oauth2/v2/auth":
                return self._authorize(dict(request.query))
            case "POST", "/o/consent":
                return self._consented(request)
            case "POST", "/token":
                form = _form(request)
                self.asked.append((request.path, form))
                self.before_tokens(form)
                reply = self._token(form)
                self.after_tokens(form)
                return reply
            case "POST", "/revoke":
                form = _form(request)
                self.asked.append((request.path, form))
                return self._revoke(form)
            case _:
                return _page("404. That’s an error.", "", 404)

    def _authorize(self, query: dict[str, str]) -> Reply:
        if self.sends_on:
            root, self.sends_on = self.sends_on, ""
            return _sent_on(f"{root}/o/oauth2/v2/auth", **query)
        client = self.clients.get(query.get("client_id", ""))
        if client is None:
            return _page("Error 401: invalid_client", "<p>The OAuth client was not found.", 401)
        if not self._is_redirect(client, query.get("redirect_uri", "")):
            return _page("Error 400: redirect_uri_mismatch", "<p>Add it in the Google Cloud console.", 400)
        scopes = tuple(query.get("scope", "").split())
        unknown = [one for one in scopes if one not in _google_scopes()]
        if unknown or not scopes or query.get("response_type") != "code":
            return _page("Error 400: invalid_scope", f"<p>{escape(' '.join(unknown))}", 400)
        if query.get("code_challenge") and query.get("code_challenge_method") not in {"S256", "plain"}:
            return _page("Error 400: invalid_request", "<p>code_challenge_method", 400)
        key = secrets.token_hex(8)
        self.pages[key] = Asked(client.id, scopes, query)
        people = "".join(
            f'<p><label><input type="radio" name="who" value="{escape(one)}"{" checked" if one == (query.get("login_hint") or next(iter(self.people))) else ""}> {escape(one)}</label>'
            for one in self.people
        )
        boxes = "".join(
            f'<p><label><input type="checkbox" name="scope" value="{escape(one)}" checked> {escape(one)}</label>'
            for one in scopes
            if one not in IDENTITY
        )
        return _page(
            "Kith wants access to your Google Account",
            f'<form method="post" action="/o/consent"><input type="hidden" name="page" value="{key}">{people}{boxes}'
            '<button name="answer" value="cancel">Cancel</button> <button name="answer" value="allow">Continue</button></form>',
        )

    def _consented(self, request: Request) -> Reply:
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
        said = dict(pairs)
        page = self.pages.pop(said.get("page", ""), None)
        if page is None:
            return _page("Something went wrong", "<p>Go back and try again.", 400)
        query = page.query
        back = {"state": query["state"]} if "state" in query else {}
        who = self.people.get(said.get("who", ""))
        if said.get("answer") != "allow" or who is None:
            return _sent_on(query["redirect_uri"], error="access_denied", **back)
        ticked = {value for name, value in pairs if name == "scope"}
        scopes = [one for one in page.scopes if one in ticked or one in IDENTITY]
        before = [one for one in self.given if (one.client, one.who) == (page.client, who) and not one.over]
        if self.merges or query.get("include_granted_scopes") == "true":
            scopes += [one for given in before for one in given.scopes]
        is_lasting = query.get("access_type") == "offline" and (
            not before or "consent" in query.get("prompt", "").split()
        )
        code = f"4/code-canary-{secrets.token_urlsafe(16)}"
        self.codes[code] = Code(
            page.client,
            who,
            tuple(dict.fromkeys(_named(one) for one in scopes)),
            query["redirect_uri"],
            query.get("code_challenge", ""),
            query.get("nonce", ""),
            is_lasting,
            self.clock.now(),
        )
        granted = " ".join(self.codes[code].scopes)
        return _sent_on(query["redirect_uri"], **back, iss=self.root, code=code, scope=granted)

    def _token(self, form: dict[str, str]) -> Reply:
        if self.refuses is not None:
            return _refused(400, *self.refuses)
        client = self.clients.get(form.get("client_id", ""))
        if client is None:
            return _refused(401, "invalid_client", "The OAuth client was not found.")
        # Google's desktop clients have a secret as well, and it is asked for.
        if not hmac.compare_digest(form.get("client_secret", ""), client.secret):
            return _refused(401, "invalid_client", "The provided client secret is invalid.")
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchanged(client, form)
            case "refresh_token":
                return self._refreshed(client, form)
            case _:
                return _refused(400, "unsupported_grant_type", "Invalid grant_type")

    def _exchanged(self, client: Registration, form: dict[str, str]) -> Reply:
        code = self.codes.get(form.get("code", ""))
        if code is None or code.client != client.id or code.is_used:
            return _refused(400, "invalid_grant", "Malformed auth code.")
        if form.get("redirect_uri") != code.redirect:
            return _refused(400, "redirect_uri_mismatch", "Bad Request")
        if code.challenge and _challenge(form.get("code_verifier", "")) != code.challenge:
            return _refused(400, "invalid_grant", "Invalid code verifier.")
        code.is_used = True
        given = Given(client.id, code.who, code.scopes, self.clock.now())
        self.given.append(given)
        return Reply(200, self._tokens(given, code.nonce, is_lasting=code.is_lasting))

    def _refreshed(self, client: Registration, form: dict[str, str]) -> Reply:
        given = self._by_refresh(form.get("refresh_token", ""))
        is_expired = (
            given is not None
            and self.is_testing
            and self.clock.now() - given.consented_at >= timedelta(days=7)
        )
        if given is None or given.client != client.id or given.over or is_expired or self.subtype:
            return _refused(
                400, "invalid_grant", "Token has been expired or revoked.", error_subtype=self.subtype
            )
        if self.rotation == "never":
            said = self._tokens(given)
            del said["refresh_token"]
            return Reply(200, said)
        self._turned(given)
        return Reply(200, self._tokens(given))

    def _revoke(self, form: dict[str, str]) -> Reply:
        token = form.get("token", "")
        found = self._by_refresh(token) or next((one for one in self.given if token in one.access), None)
        if found is None or found.over:
            return _refused(400, "invalid_token", "Token expired or revoked")
        # Everything that this person allowed this client goes.
        for one in self.given:
            if (one.client, one.who) == (found.client, found.who):
                one.over = "withdrawn"
        return Reply(200, {})

    def _claims(self, given: Given, nonce: str) -> Json:
        now = epoch(self.clock.now())
        claims = {"iss": self.root, "aud": given.client, "sub": given.who.sub, "iat": now, "exp": now + 3600}
        if _named("email") in given.scopes:
            claims |= {"email": given.who.address, "email_verified": True}
        return claims | ({"nonce": nonce} if nonce else {})


def _named(scope: str) -> str:
    """As Google spells it in an answer."""
    return f"https://www.googleapis.com/auth/userinfo.{scope}" if scope in {"email", "profile"} else scope


def _google_scopes() -> set[str]:
    """Every scope that some method of Google's APIs takes."""
    return IDENTITY.union(*(one.scopes for one in _methods()))


def _refused(status: int, error: str, description: str, **more: str) -> Reply:
    said = {"error": error, "error_description": description}
    return Reply(status, said | {name: value for name, value in more.items() if value})


# --- Microsoft ----------------------------------------------------------------------------------------------------------

_PATH = re.compile(
    r"/([^/]+)(?:/oauth2/v2\.0/(authorize|token|devicecode)|/(consent|deviceauth)|/v2\.0/\.well-known/(openid-configuration))"
)
_GRAPH = "https://graph.microsoft.com/"
_KNOWN = re.compile(
    r"(Mail|Calendars|Contacts|Tasks|User|MailboxSettings|People)\.(Read|ReadWrite|ReadBasic|Send)(\.Shared|\.All)?"
)
PERSONAL = "9188040d-6c67-4c5b-b112-36a304b66dad"
RESERVED = {"openid", "profile", "offline_access", "email"}


class MicrosoftSignIn(SignIn):
    """login.microsoftonline.com."""

    rotation: Rotation = "kept"
    loopback = re.compile(r"http://localhost(:[0-9]+)?/?")

    def __init__(
        self,
        clock: Clock,
        clients: Sequence[Registration],
        people: Sequence[Someone],
        tenants: Sequence[str] = (),
    ) -> None:
        super().__init__(clock, clients, people)
        self.tenants = {"common", "organizations", "consumers", *tenants, *(one.tenant for one in people)}
        self.devices: dict[str, Asked] = {}
        self.refuses: tuple[str, int] | None = None
        """The error and the number with which tokens are refused, whatever is asked."""
        self.allows_public = True
        self.hurried = 0
        """So often a device is told that it asks too often."""

    def serves(self, path: str, /) -> bool:
        """Whether a path is of the sign-in."""
        return _PATH.fullmatch(path) is not None

    def answer(self, request: Request, /) -> Reply:
        """One request."""
        found = _PATH.fullmatch(request.path)
        if found is None:
            return _page("404", "", 404)
        tenant, what = found[1], next(one for one in found.groups()[1:] if one)
        if what == "consent":
            return self._consented(request)
        if what == "deviceauth":
            return self._device_page(request)
        if tenant not in self.tenants:
            return _aadsts(400, "invalid_request", 90002, f"Tenant '{tenant}' not found.")
        if what == "openid-configuration":
            return Reply(200, self._metadata(tenant))
        if what == "authorize":
            return self._authorize(tenant, dict(request.query))
        form = _form(request)
        self.asked.append((request.path, form))
        client = self.clients.get(form.get("client_id", ""))
        if client is None:
            return _aadsts(400, "unauthorized_client", 700016, "Application was not found in the directory.")
        if what == "devicecode":
            return self._device(tenant, client, form)
        self.before_tokens(form)
        reply = self._token(client, form)
        self.after_tokens(form)
        return reply

    def _metadata(self, tenant: str) -> Json:
        at = f"{self.root}/{tenant}"
        return {
            "issuer": f"{at}/v2.0",
            "authorization_endpoint": f"{at}/oauth2/v2.0/authorize",
            "token_endpoint": f"{at}/oauth2/v2.0/token",
            "device_authorization_endpoint": f"{at}/oauth2/v2.0/devicecode",
        }

    def _authorize(self, tenant: str, query: dict[str, str]) -> Reply:
        client = self.clients.get(query.get("client_id", ""))
        if client is None:
            return _page("AADSTS700016", "<p>Application was not found in the directory.", 400)
        if not self._is_redirect(client, query.get("redirect_uri", "")):
            return _page("AADSTS50011", "<p>The redirect URI does not match.", 400)
        scopes = tuple(query.get("scope", "").split())
        wrong = _wrong(scopes)
        if wrong:
            return _sent_on(
                query["redirect_uri"],
                error="invalid_scope",
                error_description=f"AADSTS{wrong}: The scope is not valid.",
                state=query.get("state", ""),
            )
        key = secrets.token_hex(8)
        self.pages[key] = Asked(client.id, scopes, query)
        return _page(
            "Permissions requested",
            f'<form method="post" action="/{tenant}/consent"><input type="hidden" name="page" value="{key}">'
            f"{self._people(query.get('login_hint', ''))}<ul>{''.join(f'<li>{escape(one)}' for one in scopes)}</ul>"
            '<button name="answer" value="cancel">Cancel</button> <button name="answer" value="allow">Accept</button></form>',
        )

    def _people(self, hint: str) -> str:
        chosen = hint or next(iter(self.people))
        return "".join(
            f'<p><label><input type="radio" name="who" value="{escape(one)}"{" checked" if one == chosen else ""}> {escape(one)}</label>'
            for one in self.people
        )

    def _consented(self, request: Request) -> Reply:
        said = _form(request)
        page = self.pages.pop(said.get("page", ""), None)
        if page is None:
            return _page("AADSTS165900", "", 400)
        query, back = page.query, {"state": page.query.get("state", "")}
        who = self.people.get(said.get("who", ""))
        if said.get("answer") != "allow" or who is None:
            return _sent_on(
                query["redirect_uri"],
                error="access_denied",
                error_subcode="cancel",
                error_description="AADSTS65004: User declined to consent to access the app.",
                **back,
            )
        code = f"0.code-canary-{secrets.token_urlsafe(16)}"
        self.codes[code] = Code(
            page.client,
            who,
            tuple(_graph(one) for one in page.scopes),
            query["redirect_uri"],
            query.get("code_challenge", ""),
            query.get("nonce", ""),
            "offline_access" in page.scopes,
            self.clock.now(),
        )
        return _sent_on(query["redirect_uri"], code=code, session_state="s", **back)

    def _token(self, client: Registration, form: dict[str, str]) -> Reply:
        if self.refuses is not None:
            error, number = self.refuses
            return _aadsts(401 if error == "invalid_client" else 400, error, number, "It is refused.")
        if client.secret and "client_secret" not in form:
            return _aadsts(401, "invalid_client", 7000218, "The request body must contain client_secret.")
        if form.get("client_secret", "") != client.secret:
            number = 7000215 if client.secret else 700025
            return _aadsts(401, "invalid_client", number, "Invalid client secret provided.")
        if _wrong(tuple(form.get("scope", "").split())):
            return _aadsts(400, "invalid_scope", 70011, "The provided value for scope is not valid.")
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchanged(client, form)
            case "refresh_token":
                return self._refreshed(client, form)
            case "urn:ietf:params:oauth:grant-type:device_code":
                return self._device_token(client, form)
            case _:
                return _aadsts(400, "unsupported_grant_type", 70003, "")

    def _exchanged(self, client: Registration, form: dict[str, str]) -> Reply:
        code = self.codes.get(form.get("code", ""))
        if code is None or code.client != client.id:
            return _aadsts(400, "invalid_grant", 9002313, "Invalid request. Request is malformed or invalid.")
        if code.is_used:
            return _aadsts(400, "invalid_grant", 54005, "OAuth2 Authorization code was already redeemed.")
        if form.get("redirect_uri") != code.redirect:
            return _aadsts(400, "invalid_client", 50011, "The redirect URI does not match.")
        if code.challenge and _challenge(form.get("code_verifier", "")) != code.challenge:
            return _aadsts(
                400, "invalid_grant", 501481, "The Code_Verifier does not match the code_challenge."
            )
        code.is_used = True
        given = Given(client.id, code.who, code.scopes, self.clock.now())
        self.given.append(given)
        return Reply(200, self._said(given, code.nonce, form, is_lasting=code.is_lasting))

    def _said(self, given: Given, nonce: str, form: dict[str, str], *, is_lasting: bool = True) -> Json:
        said = self._tokens(given, nonce, is_lasting=is_lasting)
        said["scope"] = " ".join(one for one in given.scopes if one != "offline_access")
        if form.get("client_info") == "1":
            info = json.dumps({"uid": given.who.sub, "utid": given.who.tenant}).encode()
            said["client_info"] = urlsafe_b64encode(info).rstrip(b"=").decode()
        return said

    def _refreshed(self, client: Registration, form: dict[str, str]) -> Reply:
        given = self._by_refresh(form.get("refresh_token", ""))
        if given is None or given.client != client.id:
            return _aadsts(400, "invalid_grant", 9002313, "Invalid request.", suberror="bad_token")
        if given.over:
            number = {"password": 50173, "expired": 700082, "withdrawn": 65001}.get(given.over, 70000)
            return _aadsts(400, "invalid_grant", number, "The grant is over.")
        if self.rotation != "never":
            self._turned(given)
        return Reply(200, self._said(given, "", form))

    # --- other devices

    def _device(self, tenant: str, client: Registration, form: dict[str, str]) -> Reply:
        scopes = tuple(form.get("scope", "").split())
        if _wrong(scopes):
            return _aadsts(400, "invalid_scope", 70011, "The provided value for scope is not valid.")
        key, typed = f"device-canary-{secrets.token_urlsafe(16)}", secrets.token_hex(4).upper()
        self.devices[key] = Asked(client.id, scopes, {}, user_code=typed, made_at=self.clock.now())
        said = {
            "device_code": key,
            "user_code": typed,
            "verification_uri": f"{self.root}/{tenant}/deviceauth",
            "expires_in": 900,
            "interval": 1,
            "message": f"To sign in, enter the code {typed}.",
        }
        return Reply(200, said)

    def _device_page(self, request: Request) -> Reply:
        if request.method == "GET":
            return _page(
                "Enter code",
                f'<form method="post"><input name="code">{self._people("")}'
                '<button name="answer" value="cancel">Cancel</button> <button name="answer" value="allow">Continue</button></form>',
            )
        said = _form(request)
        waiting = next((one for one in self.devices.values() if one.user_code == said.get("code")), None)
        who = self.people.get(said.get("who", ""))
        if waiting is None or who is None:
            return _page("That code didn't work", "", 400)
        if said.get("answer") != "allow":
            waiting.answer = "denied"
        else:
            scopes = tuple(_graph(one) for one in waiting.scopes)
            waiting.answer = Given(waiting.client, who, scopes, self.clock.now())
            self.given.append(waiting.answer)
        return _page("You have signed in", "<p>You may now close this window.")

    def _device_token(self, client: Registration, form: dict[str, str]) -> Reply:
        waiting = self.devices.get(form.get("device_code", ""))
        if not self.allows_public:
            return _aadsts(401, "invalid_client", 7000218, "The request body must contain client_secret.")
        if waiting is None or waiting.client != client.id:
            return _aadsts(400, "bad_verification_code", 70016, "")
        if waiting.made_at is not None and self.clock.now() - waiting.made_at > timedelta(minutes=15):
            return _aadsts(400, "expired_token", 70020, "")
        match waiting.answer:
            case Given() as given:
                return Reply(200, self._said(given, "", form))
            case "denied":
                return _aadsts(400, "authorization_declined", 70018, "")
            case _ if self.hurried:
                self.hurried -= 1
                return _aadsts(400, "slow_down", 70016, "")
            case _:
                return _aadsts(400, "authorization_pending", 70016, "")

    def _claims(self, given: Given, nonce: str) -> Json:
        now, who = epoch(self.clock.now()), given.who
        claims = {
            "iss": f"{self.root}/{who.tenant}/v2.0",
            "aud": given.client,
            "sub": sha256(f"{who.sub}{given.client}".encode()).hexdigest()[:20],
            "oid": who.sub,
            "tid": who.tenant,
            "preferred_username": who.address,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
        }
        return claims | ({"nonce": nonce} if nonce else {})


def _graph(scope: str) -> str:
    return scope.removeprefix(_GRAPH)


def _wrong(scopes: Sequence[str]) -> int:
    """The number with which scopes are refused: unknown, or of several resources; 0 for good ones."""
    asked = [one for one in scopes if one not in RESERVED]
    hosts = {urlsplit(one).hostname or "graph.microsoft.com" for one in asked}
    if len(hosts) > 1:
        return 28000
    return 0 if all(_KNOWN.fullmatch(_graph(one)) for one in asked if "graph" in str(hosts)) else 650053


def _aadsts(status: int, error: str, number: int, words: str, **more: str) -> Reply:
    trace = "Trace ID: 0000aaaa-11bb-cccc-dd22-eeeeee333333"
    said: Json = {
        "error": error,
        "error_description": f"AADSTS{number}: {words} {trace}",
        "error_codes": [number],
        "trace_id": trace[-36:],
    }
    return Reply(status, said | more)


# --- standing by themselves ---------------------------------------------------------------------------------------------


class Plain:
    """A vendor of few words, where no API stands beside the sign-in."""

    def unauthorised(self, _request: Request, /) -> Reply:
        """The token is worth nothing."""
        return Reply(401, {"error": {"code": 401, "status": "UNAUTHENTICATED"}})

    def too_many(self, seconds: int, /) -> Reply:
        """Too many requests."""
        return Reply(429, {"error": "temporarily_unavailable"}, {"Retry-After": str(seconds)})

    def failed(self, status: int, /) -> Reply:
        """A server in trouble."""
        return Reply(status, {"error": {"code": status}})


@contextmanager
def signing_in(sign_in: GoogleSignIn | MicrosoftSignIn, *parts: Part) -> Iterator[ApiServer]:
    """A server with a sign-in, and whatever APIs it lets into, on one URL."""
    server = ApiServer(Plain(), (sign_in, *parts), sign_in.grants, public=sign_in.serves)
    with server.serve():
        sign_in.root = sign_in.root or server.url
        yield server
