"""Joins accounts with their connectors: what each of these is handed of the world.

A secret is decrypted when its connector asks for it; an access token is renewed by then, where it has to be.
"""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from deploy.grants import Tokens
from deploy.parsing import ParsingPool
from deploy.vaults import Secrets, secrets_of
from deploy.wiring import Application
from schemas import interface
from schemas.connector import Access, ConnectorSpec, Hook, Workers, no_other, unmetered
from schemas.errors import ConnectorError
from services import accounts
from services.accounts import Account, Feed
from services.ingest import fingerprints_held
from services.notices import Told
from services.people import OwnersWords, owners_words
from services.quotas import spend
from services.signals import READERS
from services.store.channels import channels

FEED, TODOIST, TASKS, MAIL = "feed", "todoist", "tasks", "mail"
_GMAIL = "gmail"
_USUAL = frozenset({25, 143, 465, 587, 993})
LOOK_BACK = timedelta(days=730)
"""How far back a live source is read at first."""


class Keys(Struct, frozen=True):
    """How a connector gets at an account's secrets, at the moment when it needs them."""

    secret: Callable[[], str]
    renew: Callable[[str], str] = no_other
    url: str = ""


def keys_of(app: Application, account: Account) -> Keys:
    """The keys of an account that is kept.

    Raises:
        ReauthRequired: what it needs to be opened at all is locked away with a key that is lost.
    """
    if account.kind in app.authorities:
        tokens = Tokens(app, account)
        return Keys(tokens.token, tokens.renew)
    url = secrets_of(app, account).url if account.kind == FEED else ""
    return Keys(lambda: secrets_of(app, account).secret, url=url)


def keys_given(secrets: Secrets) -> Keys:
    """The keys of an account that is not kept yet."""
    if secrets.grant is not None:
        token = secrets.grant.access_token
        return Keys(lambda: token)
    return Keys(lambda: secrets.secret, url=secrets.url)


# --- connectors of an account -------------------------------------------------------------------------------------------


def connectors_of(app: Application, kind: str) -> list[ConnectorSpec]:
    """The connectors that work with accounts of a kind."""
    return [spec for spec in app.connectors.values() if spec.account == kind]


def word_of(spec: ConnectorSpec) -> str:
    """What `--read` calls that which a connector reads: `mail`, `calendar`, `contacts` or `tasks`."""
    return spec.stream.partition("/")[0]


def reads(spec: ConnectorSpec, words: Sequence[str]) -> bool:
    """Whether a connector is read where these words were chosen."""
    return spec.open_source is not None and word_of(spec) in words


def place_of(settings: Mapping[str, Any]) -> str:
    """Where an account is: its host, with the port where that is an unusual one; or its URL from the host on."""
    if settings.get("host"):
        port = settings.get("port")
        return f"{settings['host']}:{port}" if port and port not in _USUAL else str(settings["host"])
    url = urlsplit(str(settings.get("url", "")))
    return f"{url.netloc}{url.path}"


def how_to_reconnect(account: Account) -> str:
    """The command that connects an account again, without its secret."""
    given = account.settings
    kind = "caldav" if account.kind == FEED else account.kind
    words = ["kith connect", kind]
    if given.get("scopes") is not None:
        # What was chosen of it is kept: it is asked for again.
        return " ".join([*words, *(["--user", str(given["user"])] if given.get("user") else [])])
    words += {FEED: ["--url", "URL"], TODOIST: ["--token-file", "FILE"]}.get(account.kind, [])
    for option in ("user", "host", "port", "security", "url", "ca_file", "auth"):
        if given.get(option) and account.kind not in {FEED, TODOIST}:
            words += [f"--{option.replace('_', '-')}", str(given[option])]
    if given.get("auth") == "oauth":
        words += ["--token-file", "FILE"]
    if given.get("allow_private"):
        words.append("--allow-private")
    return " ".join(words)


def what_to_do(account: Account) -> str:
    """What its owner does about an account whose sign-in is refused, in a sentence."""
    return (
        f"Connect it again: {how_to_reconnect(account)}; or, where what is wrong was set right elsewhere: "
        f"kith resume {account.id}"
    )


# --- access -------------------------------------------------------------------------------------------------------------


def accesses(
    app: Application, account: Account, workers: Workers | None = None
) -> list[tuple[ConnectorSpec, Access]]:
    """Each connector of an account with what it is handed; texts are parsed in this process unless by `workers`.

    Raises:
        ReauthRequired: what the account needs to be opened at all is locked away with a key that is lost.
    """
    with app.store.read() as unit:
        said = owners_words(unit, account.owner)
    keys = keys_of(app, account)
    return [
        (spec, access(app, account, spec, said, keys, workers=workers))
        for spec in connectors_of(app, account.kind)
    ]


def access(
    app: Application,
    account: Account,
    spec: ConnectorSpec,
    said: OwnersWords,
    keys: Keys,
    *,
    workers: Workers | None = None,
    is_kept: bool = True,
) -> Access:
    """What one connector is handed of an account.

    Args:
        said: the owner's words.
        is_kept: the account is in the store, so that what it spends is counted there.
    """
    settings = {**account.settings, "owner_emails": said.emails, "region": app.settings.region}
    if keys.url:
        settings["url"] = keys.url
    root = _root_of(app, account.kind)
    if root:
        # Whoever set it chose the address, so it may be any.
        settings |= {"base_url": root, "allow_private": True}
    quotas = {quota.name: quota for quota in spec.quotas}

    def take(name: str, units: int) -> None:
        spend(app.store, account.owner, account.id, quotas[name], units, app.clock)

    return Access(
        account=account.id,
        clock=app.clock,
        read_text=READERS[app.settings.keep_text],
        workers=workers or ParsingPool(1),
        is_held=fingerprints_held(app.store, account.owner, account.id, spec.stream),
        zone=said.owner.timezone if said.owner else "UTC",
        since=_since(account),
        keep_text=app.settings.keep_text,
        settings=settings,
        secret=keys.secret,
        renew=keys.renew,
        spend=take if is_kept else unmetered,
    )


def _root_of(app: Application, kind: str) -> str:
    settings = app.settings
    return {
        TODOIST: settings.todoist_root,
        "google": settings.google_api_root,
        "microsoft": settings.graph_root,
    }.get(kind, "")


def _since(account: Account) -> date:
    given = account.settings.get("since")
    return date.fromisoformat(given) if given else (account.created_at - LOOK_BACK).date()


def hook_of(app: Application, feed: Feed, spec: ConnectorSpec) -> Hook | None:
    """Where the other side may tell of news of a feed; None where it cannot reach this home."""
    return _hook(app, spec.account, Told(feed.owner, feed.account, feed.connector))


def _hook(app: Application, kind: str, told: Told) -> Hook | None:
    public = app.settings.public_url.rstrip("/")
    if not public.startswith("https://") or app.notice_signer is None:
        return None
    return Hook(f"{public}/hooks/{kind}", app.notice_signer.token(told))


def push_url(app: Application, account: Account) -> str:
    """Where a push subscription of the account's Gmail topic has to post; empty where nothing would come of it."""
    hook = _hook(app, account.kind, Told(account.owner, account.id, _GMAIL))
    is_wanted = account.settings.get("gmail_topic") and MAIL in account.settings.get("reads", ())
    return f"{hook.url}?token={hook.token}" if hook and is_wanted else ""


def how_mail_is_told(app: Application, account: Account) -> str:
    """What its owner does so that Gmail's notices come, in a sentence, before `push_url`; nothing where they want none."""
    topic = account.settings.get("gmail_topic")
    if not topic:
        return ""
    if push_url(app, account):
        return f"Gmail's notices come once a push subscription of {topic} posts to this address:"
    if MAIL not in account.settings.get("reads", ()):
        return f"Gmail tells nothing on {topic}, as no mail is read. To read it: {how_to_reconnect(account)} --read mail"
    return f"Gmail tells nothing on {topic}: that needs an address of this home that Google reaches (KITH_PUBLIC_URL)."


def stop_notices(app: Application, account: Account) -> None:
    """Have the other side tell of nothing any more, as far as it can be asked; its channels end by themselves in days."""
    with app.store.read() as unit:
        standing = {
            spec.name: channels(unit, account.owner, account.id, spec.name)
            for spec in connectors_of(app, account.kind)
            if spec.watch is not None
        }
    if not any(standing.values()):
        return
    for spec, access in accesses(app, account):
        if spec.watch is not None and standing[spec.name]:
            with contextlib.suppress(ConnectorError):
                spec.watch(access, None, standing[spec.name])


# --- what is told of accounts -------------------------------------------------------------------------------------------


def shapes_of(app: Application, owner: int) -> list[interface.Account]:
    """The owner's accounts as the interface tells them."""
    with app.store.read() as unit:
        known = accounts.accounts(unit, owner)
        feeds = accounts.feeds(unit, owner)
    return [shape_of(app, one, [feed for feed in feeds if feed.account == one.id]) for one in known]


def shape_of(app: Application, account: Account, feeds: Sequence[Feed]) -> interface.Account:
    """An account as the interface tells it."""
    scopes = {str(one) for one in account.settings.get("scopes", ())}
    lags = [_lag(one) for one in feeds]
    return interface.Account(
        id=account.id,
        kind=account.kind,
        name=account.name,
        user=account.user,
        server=place_of(account.settings) or None,
        state=account.state,
        reason=account.reason or None,
        reads=list(account.settings.get("reads", ())),
        scopes=sorted(scopes),
        tasks=account.settings.get("list_name"),
        connected_at=account.created_at,
        last_sync_at=max(filter(None, (one.ok_at for one in feeds)), default=None),
        lag=max((lag for lag in lags if lag is not None), default=None),
        feeds=[_feed_shape(app, one) for one in feeds],
        gmail_topic=account.settings.get("gmail_topic") or None,
        push_url=push_url(app, account) or None,
    )


def _lag(feed: Feed) -> int | None:
    if feed.remote_at is None:
        return None
    behind = feed.remote_at - (feed.newest_at or feed.remote_at)
    return max(0, round(behind.total_seconds()))


def _feed_shape(app: Application, feed: Feed) -> interface.Feed:
    spec = app.connectors.get(feed.connector)
    return interface.Feed(
        connector=feed.connector,
        stream=spec.stream if spec else feed.connector,
        next_at=feed.next_at,
        tried_at=feed.tried_at,
        ok_at=feed.ok_at,
        failures=feed.failures,
        failing_since=feed.failed_at,
        reason=feed.reason or None,
        is_complete=feed.is_complete,
        done=feed.done,
        total=feed.total,
        oldest_at=feed.oldest_at,
        newest_at=feed.newest_at,
        remote_at=feed.remote_at,
        checked_at=feed.checked_at,
        untold=feed.untold if spec and feed.untold and hook_of(app, feed, spec) else None,
    )
