"""Signing in to an account by OAuth: what is asked of its owner and why, and what becomes of their answer.

Neither browser nor terminal is known here: the command and the page both go through it.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from deploy.accounts import connectors_of, keys_given
from deploy.connecting import Wish, check_wish, surveyed
from deploy.consent import Asked, Choice, asked_for, words_chosen
from deploy.grants import authority_of, client_for, client_of
from deploy.vaults import Secrets, mask, secrets_of
from deploy.wiring import Application
from schemas.errors import ConfigError, KithError, ReauthRequired, Rejected, UsageError
from schemas.oauth import Authority, AuthoritySpec, Grant
from services import accounts
from services.accounts import Account, account_id
from services.people import owners_words

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class SignIn(Struct, frozen=True, kw_only=True):
    """One sign-in to come: who lets in, what is asked and why, and which account it is for, where it is kept already."""

    owner: int
    wish: Wish
    spec: AuthoritySpec
    asked: tuple[Asked, ...]
    before: Account | None = None

    @property
    def scopes(self) -> tuple[str, ...]:
        """The permissions that are asked for."""
        return tuple(one.scope for one in self.asked)

    @property
    def user(self) -> str:
        """The address that is expected to sign in; empty for any."""
        return str(self.wish.settings.get("user", ""))


def sign_in_for(app: Application, owner: int, wish: Wish) -> SignIn:
    """What is to be asked for a wish. The one account of a kind that is kept already is meant, unless another is named.

    Raises:
        UsageError: nothing like it can be done, or not together; or there are several, and none is named.
    """
    spec = app.authorities[wish.kind]
    specs = connectors_of(app, wish.kind)
    check_wish(specs, wish)
    if wish.sends and not any(one.open_mail for one in specs):
        raise UsageError(f"--digest: an account of the kind {wish.kind} sends no mail.")
    before = _meant(app, owner, wish)
    kept = before.settings if before else {}
    if before and before.user:
        wish = msgspec.structs.replace(wish, settings={**wish.settings, "user": before.user})
    writes_tasks = bool(wish.tasks or kept.get("list"))
    choice = Choice(
        reads=words_chosen(specs, wish.read, kept.get("reads", ()), writes_tasks=writes_tasks),
        is_headers_only=bool(wish.settings.get("headers_only") or kept.get("headers_only")),
        writes_tasks=writes_tasks,
        sends=wish.sends or bool(kept.get("sends")),
    )
    asked = asked_for(specs, choice)
    clash = spec.clash([one.scope for one in asked])
    if clash:
        chosen = (
            f" What was chosen before counts as well; to choose anew: kith disconnect {before.id}"
            if before
            else ""
        )
        raise UsageError(f"{clash}{chosen}")
    wish = msgspec.structs.replace(wish, read=choice.reads)
    return SignIn(owner=owner, wish=wish, spec=spec, asked=asked, before=before)


def _meant(app: Application, owner: int, wish: Wish) -> Account | None:
    with app.store.read() as unit:
        known = [one for one in accounts.accounts(unit, owner) if one.kind == wish.kind]
    user = str(wish.settings.get("user", "")).lower()
    if user:
        return next((one for one in known if one.user.lower() == user), None)
    if len(known) > 1:
        users = ", ".join(one.user for one in known)
        raise UsageError(
            f"Several accounts of the kind {wish.kind} are connected ({users}). Say which: --user …"
        )
    return known[0] if known else None


# --- the client ---------------------------------------------------------------------------------------------------------


def is_hosted(app: Application) -> bool:
    """Whether owners sign in through the page at `KITH_PUBLIC_URL`, as that is no address of this machine alone."""
    return (urlsplit(app.settings.public_url).hostname or "") not in _LOOPBACK


def callback_of(app: Application, kind: str) -> str:
    """Where an authority sends browsers back to, when they signed in through the page: by the settings alone."""
    return f"{app.settings.public_url.rstrip('/')}/oauth/{kind}/callback"


def check_client(app: Application, sign_in: SignIn) -> None:
    """That the owner has registered a client, before anybody is sent anywhere.

    Raises:
        ConfigError: there is none; with the way to one.
    """
    kind, title = sign_in.spec.kind, sign_in.spec.title
    client = client_of(app.settings, kind)
    if client.id and (client.secret or not sign_in.spec.needs_secret):
        return
    redirect = callback_of(app, kind)
    steps = {
        (
            "google",
            False,
        ): "(1) make a project at console.cloud.google.com and enable its APIs; (2) under Google Auth Platform "
        'fill in Branding, and under Audience press "Publish app", or every sign-in ends after 7 days; (3) under Clients make '
        "one of the type Desktop app, which needs no redirect URI",
        (
            "google",
            True,
        ): "(1) make a project at console.cloud.google.com and enable its APIs; (2) under Google Auth Platform "
        'fill in Branding, and under Audience press "Publish app", or every sign-in ends after 7 days; (3) under Clients make '
        f"one of the type Web application with the redirect URI {redirect}",
        (
            "microsoft",
            False,
        ): "(1) at entra.microsoft.com, App registrations, make a new one; (2) choose whose accounts it is "
        "for; (3) under Authentication add the platform Mobile and desktop applications with the redirect URI http://localhost",
        (
            "microsoft",
            True,
        ): "(1) at entra.microsoft.com, App registrations, make a new one; (2) choose whose accounts it is "
        f"for; (3) under Authentication add the platform Web with the redirect URI {redirect}; (4) make a client secret",
    }[kind, is_hosted(app)]
    names = f"KITH_{kind.upper()}_CLIENT_ID"
    names += (
        f" and KITH_{kind.upper()}_CLIENT_SECRET"
        if sign_in.spec.needs_secret or is_hosted(app)
        else " (and KITH_MICROSOFT_TENANT, where it is for one directory)"
    )
    what = f"{names.split()[0]} is not set" if not client.id else f"{names.split()[-1]} is not set"
    raise ConfigError(
        f"Kith signs in to {title} as a client of your own, and {what}. Once: {steps}; then set {names}. Step by step: "
        f"docs/{kind}.md"
    )


# --- what came of it ----------------------------------------------------------------------------------------------------


def from_file(app: Application, sign_in: SignIn, text: str) -> Grant:
    """The grant that one of the vendor's own tools keeps in a file, refreshed, so that it is known to be good.

    Raises:
        ConnectorError: there is none in it, it is over, or it allows what does not go together.
    """
    grant = sign_in.spec.read_file(text, app.clock.now())
    mask(Secrets(grant=grant))
    ours = client_of(app.settings, sign_in.spec.kind)
    client = grant.client
    if client.id == ours.id and not client.secret:
        client = msgspec.structs.replace(client, secret=ours.secret)
    grant = authority_of(app, sign_in.spec.kind, client).refresh(grant)
    if sign_in.spec.clash(grant.scopes):
        names = ", ".join(one.rpartition("/")[2] or one for one in grant.scopes)
        raise Rejected(
            f"{sign_in.spec.title} refuses to be read with all that the file allows together ({names[:500]}). Nothing was "
            f"changed. Make the file anew without one of them: docs/{sign_in.spec.kind}.md"
        )
    return grant


def granted_wish(app: Application, sign_in: SignIn, grant: Grant) -> Wish:
    """The wish with what its owner allowed, for the account that they signed in to.

    Raises:
        Rejected: they signed in to another account than was meant, or allowed nothing.
    """
    mask(Secrets(grant=grant))
    kind = sign_in.spec.kind
    authority = authority_of(app, kind, client_for(app.settings, kind, grant))
    missing = authority.missing(sign_in.scopes, grant)
    given = [one for one in sign_in.scopes if one not in missing]
    scopes = sorted({*given, *grant.scopes})
    if not grant.user:
        grant = msgspec.structs.replace(grant, user=_user_at_apis(app, sign_in, grant, scopes))
    account = _account_of(app, sign_in, grant)
    if not given and sign_in.scopes:
        give_back(app, authority, kind, grant)
        raise Rejected(
            f"You signed in, and allowed nothing of what Kith asked for. Nothing is kept. To allow it: {again(sign_in)}"
        )
    wish = sign_in.wish
    settings = {**wish.settings, "scopes": scopes, "user": grant.user}
    if grant.subject:
        settings["subject"] = grant.subject
    return msgspec.structs.replace(
        wish, settings=settings, secrets=Secrets(grant=grant), account=account.id if account else ""
    )


def _user_at_apis(app: Application, sign_in: SignIn, grant: Grant, scopes: Sequence[str]) -> str:
    """Whose a grant is that does not say so, where signing in at the APIs shows it."""
    wish = sign_in.wish
    settings = {
        **wish.settings,
        "user": "",
        "scopes": scopes,
        "reads": wish.read,
        "list": wish.tasks,
        "sends": wish.sends,
    }
    nobody = Account(sign_in.owner, "", wish.kind, "", "active", "", settings, app.clock.now())
    with app.store.read() as unit:
        said = owners_words(unit, sign_in.owner)
    user = surveyed(app, nobody, said, keys_given(Secrets(grant=grant))).user
    return user.lower() if "@" in user else ""


def give_back(app: Application, authority: Authority, kind: str, grant: Grant) -> None:
    """What is not kept is given back, unless that would end what is kept of the same person."""
    if _is_lived_by(app, kind, grant):
        return
    try:
        authority.revoke(grant)
    except KithError:
        return  # What went wrong before is what its owner has to hear of.


def _is_lived_by(app: Application, kind: str, grant: Grant, but: Account | None = None) -> bool:
    """Whether an account of this home but one, of whichever owner, is let in by what the same person allowed the same client.

    An authority ends all of that at once.
    """
    owners = app.owners()
    with app.store.read() as unit:
        known = [one for owner, _ in owners for one in accounts.accounts(unit, owner)]
    others = [one for one in known if one.kind == kind and (but is None or _key(one) != _key(but))]
    return any(_is_let_in_by(app, one, grant) for one in others if not _is_another(one, grant))


def _is_let_in_by(app: Application, account: Account, grant: Grant) -> bool:
    try:
        kept = secrets_of(app, account).grant
    except ReauthRequired:
        return False  # Nobody can use it any more.
    return kept is not None and kept.client.id == grant.client.id


def _key(account: Account) -> tuple[int, str]:
    return account.owner, account.id


def again(sign_in: SignIn) -> str:
    """The command that begins anew."""
    user = f" --user {sign_in.user}" if sign_in.user else ""
    return f"kith connect {sign_in.spec.kind}{user}"


def _account_of(app: Application, sign_in: SignIn, grant: Grant) -> Account | None:
    """The account that is kept of whoever signed in: addresses change, and are given to others; a subject is not."""
    if not grant.subject and not grant.user:
        return None
    kind = sign_in.spec.kind
    with app.store.read() as unit:
        known = [one for one in accounts.accounts(unit, sign_in.owner) if one.kind == kind]
    theirs = next((one for one in known if grant.subject and _subject(one) == grant.subject), None)
    meant = sign_in.before
    if meant is not None and (theirs.id if theirs else "") != meant.id and _is_another(meant, grant):
        raise Rejected(
            f"You signed in as {grant.user or 'somebody else'}; this account is of {meant.user}. Nothing was changed. Sign in "
            f"as {meant.user}; or connect the other as well: kith connect {kind} --user {grant.user or 'ADDRESS'}"
        )
    if meant is None and sign_in.user and grant.user and grant.user != sign_in.user.lower():
        raise Rejected(
            f"You signed in as {grant.user}, and not as {sign_in.user}. Nothing was changed. To connect it: "
            f"kith connect {kind} --user {grant.user}"
        )
    same = next((one for one in known if one.id == account_id(kind, grant.user, "")), None)
    if theirs is None and meant is None and same is not None and _is_another(same, grant):
        raise Rejected(
            f"{grant.user} is somebody else's now than when it was connected. Nothing was changed. Let go of the old account "
            f"first: kith disconnect {same.id}"
        )
    return theirs or meant or same


def _subject(account: Account) -> str:
    return str(account.settings.get("subject") or "")


def _is_another(account: Account, grant: Grant) -> bool:
    known = _subject(account)
    if known and grant.subject:
        return known != grant.subject
    return bool(grant.user) and bool(account.user) and grant.user != account.user.lower()


def give_back_kept(app: Application, account: Account) -> str:
    """Revoke the grant of an account that is let go of; what its owner has to do by themselves, or nothing."""
    spec = app.authorities[account.kind]
    try:
        grant = secrets_of(app, account).grant
        if grant is None:
            return ""
        if _is_lived_by(app, account.kind, grant, but=account):
            return (
                f"{spec.title} still lets Kith in there: another account here is let in by the same permission, which would "
                "end as well. To end it: disconnect that one too."
            )
        if authority_of(app, account.kind, client_for(app.settings, account.kind, grant)).revoke(grant):
            return ""
        why = f"{spec.title} lets no program give a permission back by itself"
    except KithError as error:
        why = f"{spec.title} could not be told, and may still list Kith ({str(error).rstrip('.')})"
    return f"{why}. Remove it there: {spec.removal}"
