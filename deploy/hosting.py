"""Sign-ins through the page of a server: links that allow one, and what the browser holds on to in the middle.

Nothing of a sign-in under way is kept here: all of it is in a cookie, sealed under a key of its own, which the very
browser that began has to bring back within minutes, and which serves once. Any process of the home can end what another
began. Where browsers are sent back to, the settings say, and never a request.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from hmac import compare_digest
from typing import TypeVar
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Struct

from deploy.accounts import TASKS, connectors_of, how_mail_is_told, push_url
from deploy.connecting import Wish, connect
from deploy.consent import Asked, Choice, asked_for, choice_of, offered
from deploy.grants import authority_of
from deploy.signing import SignIn, callback_of, check_client, granted_wish, is_hosted, sign_in_for
from deploy.wiring import Application
from schemas.clock import epoch
from schemas.connector import ConnectorSpec
from schemas.errors import ReauthRequired, Rejected, UsageError
from schemas.oauth import SIGN_IN_WITHIN, Attempt, ForeignAnswer
from services.accounts import Account
from services.digest.words import listed
from services.links import ACTS_FOR
from services.vault import Vault
from services.web.sign_in import Begun, Ended, Offer, Option, Want

ALLOWS_FOR = timedelta(hours=1)
_COOKIE = 3_900
"""Browsers drop a cookie of more than 4,096 bytes (RFC 6265 6.1), its name and attributes among them, without a word."""
_PURPOSE = b"kith: sign-ins at the page"
T = TypeVar("T", bound=Struct)


class _Ticket(Struct, frozen=True):
    """Who may sign in, to what, until when."""

    owner: int
    wish: Wish
    ends_at: int


class _Held(Struct, frozen=True):
    """A sign-in under way, as its browser holds it."""

    owner: int
    wish: Wish
    attempt: Attempt


def _vault(app: Application) -> Vault:
    return Vault(app.settings.secret_key, _PURPOSE)


def _ticket_url(app: Application, ticket: _Ticket) -> str:
    sealed = _vault(app).sealed(msgspec.json.encode(ticket).decode())
    base = app.settings.public_url.rstrip("/")
    return f"{base}/connect/{ticket.wish.kind}?{urlencode({'ask': sealed})}"


def ticket_url(app: Application, sign_in: SignIn) -> tuple[str, datetime]:
    """The link by which this sign-in can be made at the page, and when it ends."""
    ends_at = app.clock.now().replace(microsecond=0) + ALLOWS_FOR
    return _ticket_url(app, _Ticket(sign_in.owner, sign_in.wish, epoch(ends_at))), ends_at


def reconnect_url(app: Application, account: Account, at: datetime) -> str:
    """The link by which an account can be signed in to again, from `at` on for as long as those of a digest.

    Empty where the page is of this machine alone.
    """
    if account.kind not in app.authorities or not is_hosted(app):
        return ""
    wish = Wish(kind=account.kind, settings={"user": account.user} if account.user else {})
    return _ticket_url(app, _Ticket(account.owner, wish, epoch(at + ACTS_FOR)))


class Hosted:
    """What the page does to sign in (`services.web.sign_in.SignIns`)."""

    def __init__(self, app: Application) -> None:
        self._app = app

    @cached_property
    def _seal(self) -> Vault:
        return _vault(self._app)

    def offer(self, kind: str, ticket: str) -> Offer:
        """What would be asked, and why.

        Raises:
            KithError: nothing can be asked for; says why.
        """
        owner, wish = self._wished(kind, ticket)
        sign_in = sign_in_for(self._app, owner, wish)
        check_client(self._app, sign_in)
        specs = connectors_of(self._app, kind)
        return Offer(
            kind=kind,
            title=sign_in.spec.title,
            user=sign_in.user,
            wants=_wants(sign_in.asked),
            options=() if ticket else tuple(_options(specs, sign_in)),
        )

    def begin(self, kind: str, ticket: str, chosen: Mapping[str, str]) -> Begun:
        """Where the browser goes, and what it has to bring back.

        Args:
            chosen: what was ticked, where no ticket says what is wanted.

        Raises:
            KithError: nothing can be asked for; says why.
        """
        owner, wish = self._wished(kind, ticket)
        if not ticket:
            wish = self._chosen(wish, chosen)
        sign_in = sign_in_for(self._app, owner, wish)
        check_client(self._app, sign_in)
        authority = authority_of(self._app, kind)
        attempt = authority.begin(callback_of(self._app, kind), sign_in.scopes)
        held = _Held(owner, wish, attempt)
        cookie = self._seal.sealed(msgspec.json.encode(held).decode())
        if len(cookie) > _COOKIE:
            raise UsageError(
                "So many calendars and folders by their names are more than a browser holds on to. Name fewer of them, or "
                f"none, in: kith connect {kind}"
            )
        return Begun(authority.url(attempt, sign_in.user), cookie, SIGN_IN_WITHIN)

    def finish(self, kind: str, query: str, cookie: str) -> Ended:
        """What came of a sign-in.

        Raises:
            ForeignAnswer: it answers nothing that this browser began; that goes on.
            KithError: nothing; says why.
        """
        held = self._opened(cookie, _Held)
        if held is None or held.attempt.kind != kind or not _answers(query, held.attempt):
            raise ForeignAnswer(
                "That answer belongs to no sign-in that this browser began here, or its time is over. Nothing was changed. "
                "Begin again from Kith."
            )
        which = sha256(held.attempt.state.encode()).hexdigest()[:32]
        sign_in = sign_in_for(self._app, held.owner, held.wish)
        authority = authority_of(self._app, kind)
        if not self._app.turns.once(held.owner, "sign-in", which, SIGN_IN_WITHIN):
            raise Rejected("That sign-in has had its answer. Begin again from Kith.")
        wish = granted_wish(self._app, sign_in, authority.finish(held.attempt, query))
        made = connect(self._app, self._app.book_of(held.owner), wish)
        self._app.wake(held.owner)
        account = made.account
        reads = account.settings["reads"]
        lines = [f"Kith reads its {listed(reads)} from now on."] if reads else []
        if account.settings.get("list_name"):
            lines.append(f"Follow-ups are written to {account.settings['list_name']}.")
        if account.settings.get("sends"):
            lines.append("The weekly digest goes out by it.")
        told = f"{how_mail_is_told(self._app, account)} {push_url(self._app, account)}".strip()
        lines += filter(None, (*made.off, told))
        return Ended(title=sign_in.spec.title, user=account.user or account.name, lines=tuple(lines))

    def _wished(self, kind: str, ticket: str) -> tuple[int, Wish]:
        if ticket:
            found = self._opened(ticket, _Ticket)
            if found is None or found.wish.kind != kind or found.ends_at <= epoch(self._app.clock.now()):
                raise Rejected(f"This link does not work, or no longer. For another: kith connect {kind}")
            return found.owner, found.wish
        spec = self._app.authorities[kind]
        if not is_hosted(self._app) and not spec.has_paths:
            raise UsageError(
                f"{spec.title} sends nobody back to this page, but to where the command waits. In a terminal on this "
                f"computer: kith connect {kind}"
            )
        owners = self._app.owners()
        if is_hosted(self._app) or len(owners) != 1:
            raise UsageError(
                f"Begin on the computer that runs Kith, which gives you a link to go on here: kith connect {kind}"
            )
        return owners[0][0], Wish(kind=kind)

    def _chosen(self, wish: Wish, chosen: Mapping[str, str]) -> Wish:
        specs = connectors_of(self._app, wish.kind)
        read = tuple(word for word in offered(specs) if chosen.get(f"read_{word}"))
        if not read and not chosen.get("tasks"):
            raise UsageError("Choose what Kith shall read.")
        # What is read by default is not read where all of it is ticked off.
        return msgspec.structs.replace(
            wish,
            read=read or (TASKS,),
            tasks="Kith" if chosen.get("tasks") else "",
            sends=bool(chosen.get("digest")),
        )

    def _opened(self, sealed: str, kind: type[T]) -> T | None:
        """What this home sealed, of this kind; None for anything else."""
        if not sealed or len(sealed) > 8_000:
            return None
        try:
            return msgspec.json.decode(self._seal.opened(sealed), type=kind)
        except (ReauthRequired, msgspec.MsgspecError, ValueError):
            return None


def _answers(query: str, attempt: Attempt) -> bool:
    """Whether a query says the state of this sign-in, so that another's does not use it up."""
    try:
        said = dict(parse_qsl(query, max_num_fields=20))
    except ValueError:
        return False
    return compare_digest(said.get("state", "").encode(), attempt.state.encode())


def _wants(asked: Sequence[Asked]) -> tuple[Want, ...]:
    return tuple(Want(one.title, one.reason, one.scope.rpartition("/")[2]) for one in asked)


def _options(specs: Sequence[ConnectorSpec], sign_in: SignIn) -> Iterator[Option]:
    settings = sign_in.before.settings if sign_in.before else {}
    kept = choice_of(settings)
    for word in offered(specs):
        wants = _wants(asked_for(specs, Choice(reads=(word,), is_headers_only=kept.is_headers_only)))
        if word != TASKS:
            yield Option(f"read_{word}", f"Read {word}", word in sign_in.wish.read, wants)
    if any(spec.open_sink for spec in specs):
        wants = _wants(asked_for(specs, Choice(reads=(TASKS,), writes_tasks=True)))
        label = "Write follow-ups to a list called Kith"
        if kept.writes_tasks:
            label = f"Write follow-ups to {settings.get('list_name')}, as before"
        yield Option("tasks", label, kept.writes_tasks, wants, is_settled=kept.writes_tasks)
    if any(spec.open_mail for spec in specs):
        wants = _wants(asked_for(specs, Choice(reads=(), sends=True)))
        label = "Send you the weekly digest, as before" if kept.sends else "Send you the weekly digest"
        yield Option("digest", label, kept.sends, wants, is_settled=kept.sends)
