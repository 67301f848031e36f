"""Connects an account: finds its server, signs in, chooses what to read, and keeps it.

No secret leaves this machine before the place it goes to was given, or is known for sure, or was confirmed.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from deploy.accounts import (
    FEED,
    TASKS,
    Keys,
    access,
    connectors_of,
    keys_given,
    place_of,
    word_of,
)
from deploy.consent import may_read, may_use, may_write, offered, sends_mail, words_chosen
from deploy.mailers import redirect_mail
from deploy.vaults import Secrets, sealed
from deploy.wiring import Application
from schemas.clock import epoch
from schemas.connector import Access, Collection, ConnectorSpec, Location, Survey
from schemas.errors import Rejected, UsageError
from services import accounts
from services.accounts import Account, account_id
from services.book import Book, append_decisions
from services.digest.words import listed
from services.people import OwnersWords, owners_words
from services.store import events as stream
from services.store import outbox
from services.store.unit import Unit

Confirm = Callable[[Location], None]
"""Told where a server was found; raises unless the owner takes it for the right one."""


_PLACED = {
    "imap": "--host H",
    "smtp": "--host H",
    "caldav": "--url URL",
    "carddav": "--url URL",
    "exchange": "--url URL",
}
"""The kinds whose server is anywhere, and what names it."""


class Wish(Struct, frozen=True, kw_only=True):
    """What the owner gave of an account to connect; what was left out stays as it was, or as it is by default."""

    kind: str
    name: str = ""
    read: tuple[str, ...] = ()
    tasks: str = ""
    folders: tuple[str, ...] = ()
    calendars: tuple[str, ...] = ()
    settings: Mapping[str, Any] = {}
    secrets: Secrets = Secrets()
    sends: bool = False
    """The digest goes out by it."""
    account: str = ""
    """The account that is connected again, whatever its user is called by now."""


class Connection(Struct, frozen=True):
    """An account as it was kept, and what signing in showed."""

    account: Account
    survey: Survey
    declared: str = ""
    """The address of it that now counts as the owner's own."""
    off: tuple[str, ...] = ()
    """What was chosen and is not done, as its permission was not given."""


def located(app: Application, wish: Wish, confirm: Confirm) -> Wish:
    """The wish with the place of its server, found where none was given.

    Raises:
        Rejected: nothing was found; says what to give.
    """
    if wish.kind not in _PLACED or place_of(wish.settings):
        return wish
    locate = next((spec.locate for spec in connectors_of(app, wish.kind) if spec.locate), None)
    if locate is None:
        raise UsageError(f"Say where the server is: kith connect {wish.kind} {_PLACED[wish.kind]} …")
    found = locate(wish.settings)
    confirm(found)
    return msgspec.structs.replace(wish, settings={**found.settings, **wish.settings})


def connect(app: Application, book: Book, wish: Wish) -> Connection:
    """Sign in and keep the account; it is read from then on, but nothing is yet.

    Raises:
        ConnectorError: nobody could sign in there; nothing was kept.
        UsageError: something chosen is not there.
    """
    specs = connectors_of(app, wish.kind)
    with book.store.read() as unit:
        said = owners_words(unit, book.owner)
    now = app.clock.now().replace(microsecond=0)
    user = str(wish.settings.get("user", ""))
    check_wish(specs, wish)
    draft = Account(book.owner, _id(wish, user), wish.kind, "", "active", "", wish.settings, now)
    keys = keys_given(wish.secrets)
    chosen = {**wish.settings, "reads": wish.read, "list": wish.tasks, "sends": wish.sends}
    survey = surveyed(app, draft, said, keys, chosen)
    # A feed is signed in to by nobody, unless it wants a password.
    user = user or (survey.user if wish.kind != FEED else "")
    key = wish.account or _id(wish, user)
    with book.store.read() as unit:
        before = accounts.account_of(unit, book.owner, key) or msgspec.structs.replace(draft, settings={})
    settings = {**before.settings, **wish.settings, **survey.settings, "user": user}
    if wish.sends:
        settings["sends"] = True
    is_other_list = False
    if wish.tasks and _has_tool(specs, settings):
        made = _list(app, msgspec.structs.replace(draft, settings=settings), said, wish, keys, survey)
        settings |= {"list": made.id, "list_name": made.name}
        is_other_list = before.settings.get("list") != made.id
        if made.id not in {one.id for one in survey.collections if one.role == TASKS}:
            is_other_list = True
            survey = msgspec.structs.replace(survey, collections=(*survey.collections, made))
    settings |= _chosen(specs, settings, wish, survey)
    settings, off = _permitted(specs, settings, wish)
    if wish.kind == FEED:
        settings["host"] = urlsplit(wish.secrets.url).hostname
    if any(sends_mail(spec, settings) for spec in specs):
        settings = _addressed(settings, said)
    called = survey.collections[0].name if wish.kind == FEED and survey.collections else ""
    name = wish.name or before.name or user or called or str(settings.get("host", wish.kind))
    account = msgspec.structs.replace(before, id=key, name=name, state="active", reason="", settings=settings)
    followed = [spec.name for spec in specs if may_read(spec, settings)]
    with book.store.write() as unit:
        account, declared = _declared(unit, account, said, now)
        accounts.keep_account(unit, account, sealed(app, wish.secrets), followed, now)
        # What was refused may be taken now that its owner has looked after the account.
        outbox.try_again(unit, account.owner, account.id, epoch(now))
        redirect_mail(app, unit, account.owner)
        if is_other_list:
            _move_tasks(unit, account, specs, now)
    return Connection(account, survey, declared, off)


def _move_tasks(unit: Unit, account: Account, specs: Sequence[ConnectorSpec], now: datetime) -> None:
    """Go on in another list: what is not there any more was left behind, and nobody said no to it."""
    outbox.ask_anew(unit, account.owner, account.id, epoch(now))
    for spec in specs:
        if spec.open_sink is not None:
            stream.set_cursor(unit, account.owner, account.id, spec.name, None, epoch(now))


def _id(wish: Wish, user: str) -> str:
    return account_id(wish.kind, user, wish.secrets.url or place_of(wish.settings))


def surveyed(
    app: Application,
    account: Account,
    said: OwnersWords,
    keys: Keys,
    chosen: Mapping[str, Any] | None = None,
) -> Survey:
    """What signing in shows to all connectors that an account is for, together; nothing is kept of it.

    Args:
        chosen: what it is for, where that is not in its settings yet.

    Raises:
        ConnectorError: the first reason why somebody could not sign in.
    """
    user, settings = account.user, dict[str, Any]()
    collections: dict[tuple[str, str], Collection] = {}
    abilities: dict[str, None] = {}
    for spec in connectors_of(app, account.kind):
        if spec.survey is None or not may_use(spec, account.settings if chosen is None else chosen):
            continue
        found = spec.survey(_handed(app, account, spec, said, keys))
        user = user or found.user
        settings |= found.settings
        collections |= {(one.id, one.role): one for one in found.collections}
        abilities |= dict.fromkeys(found.abilities)
    return Survey(user, tuple(collections.values()), tuple(abilities), settings)


# --- what is chosen -----------------------------------------------------------------------------------------------------


def check_wish(specs: Sequence[ConnectorSpec], wish: Wish) -> None:
    """That the kind of account can do what is asked of it, before anybody signs in."""
    there = offered(specs)
    wrong = [word for word in wish.read if word not in there]
    if wrong:
        can = ", ".join(there) or "nothing"
        raise UsageError(f"--read {wrong[0]}: an account of the kind {wish.kind} has {can} to read.")
    if wish.tasks and not any(spec.open_sink for spec in specs):
        raise UsageError(f"--tasks: an account of the kind {wish.kind} holds no tasks.")


def option_of(kind: str, one: Collection) -> str:
    """Which option chooses among collections like this one; empty where all of them are read, or none."""
    if one.role == TASKS or (one.role == "contacts" and kind != "carddav"):
        return ""
    return "calendars" if one.role in {"calendar", "contacts"} else "folders"


def _chosen(
    specs: Sequence[ConnectorSpec], settings: Mapping[str, Any], wish: Wish, survey: Survey
) -> dict[str, Any]:
    chosen: dict[str, Any] = {}
    for option, names in (("folders", wish.folders), ("calendars", wish.calendars)):
        there = [one for one in survey.collections if option_of(wish.kind, one) == option]
        if names:
            chosen[option] = [_named(name, there, option).id for name in names]
    writes = bool(settings.get("list"))
    chosen["reads"] = list(words_chosen(specs, wish.read, settings.get("reads", ()), writes_tasks=writes))
    if not chosen["reads"] and not writes and any(spec.open_sink for spec in specs):
        raise UsageError("A to-do tool is connected for its tasks. Say which list: --tasks [LIST]")
    return chosen


def _permitted(
    specs: Sequence[ConnectorSpec], settings: Mapping[str, Any], wish: Wish
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settings without what their permissions are not enough for, and that in words."""
    kept, off = dict(settings), list[str]()
    again = f"To allow it, connect again: kith connect {wish.kind} --user {settings.get('user')}"
    lost = [
        word
        for word in settings["reads"]
        if not any(may_read(spec, settings) for spec in specs if word_of(spec) == word)
    ]
    kept["reads"] = [word for word in settings["reads"] if word not in lost]
    if lost:
        off.append(
            f"Kith does not read {listed(lost)}: that was not allowed. {again} --read {','.join(settings['reads'])}"
        )
    if (wish.tasks or settings.get("list")) and not _has_tool(specs, settings):
        kept.pop("list", None)
        kept.pop("list_name", None)
        off.append(f"Kith writes no tasks: that was not allowed. {again} --tasks")
    if settings.get("sends") and not any(sends_mail(spec, settings) for spec in specs):
        kept.pop("sends")
        off.append(f"Kith does not send the digest by it: that was not allowed. {again} --digest")
    return kept, tuple(off)


def _has_tool(specs: Sequence[ConnectorSpec], settings: Mapping[str, Any]) -> bool:
    return any(spec.open_sink is not None and may_write(spec, settings) for spec in specs)


def _named(name: str, collections: Sequence[Collection], option: str) -> Collection:
    for one in collections:
        if name in {one.id, one.name}:
            return one
    found = [one for one in collections if one.name.lower() == name.lower()]
    if len(found) == 1:
        return found[0]
    there = ", ".join(one.name for one in collections) or "none"
    raise UsageError(f"--{option}: there is no {name}. There are: {there}.")


def _list(
    app: Application, account: Account, said: OwnersWords, wish: Wish, keys: Keys, survey: Survey
) -> Collection:
    """The list that follow-ups go to, made where there is none of that name."""
    lists = [one for one in survey.collections if one.role == TASKS]
    for one in lists:
        if wish.tasks in {one.id, one.name}:
            return one
    for spec in connectors_of(app, wish.kind):
        if spec.make_list is not None:
            return spec.make_list(_handed(app, account, spec, said, keys), wish.tasks)
    there = ", ".join(one.name for one in lists) or "none"
    raise Rejected(
        f"There is no list {wish.tasks}, and Kith cannot make one there. Make it, or name one of: {there}."
    )


def _handed(app: Application, account: Account, spec: ConnectorSpec, said: OwnersWords, keys: Keys) -> Access:
    """What a connector is handed of an account that is not kept yet."""
    return access(app, account, spec, said, keys, is_kept=False)


def _addressed(settings: dict[str, Any], said: OwnersWords) -> dict[str, Any]:
    """Whom mail comes from and goes to, where that was not said."""
    user, main = settings["user"], said.emails[0] if said.emails else ""
    return {"from": user if "@" in user else main, "to": main or user, **settings}


def _declared(unit: Unit, account: Account, said: OwnersWords, now: datetime) -> tuple[Account, str]:
    """The account's own address counts as the owner's, who signed in with it; noted, so that it can be taken back."""
    address = account.user.lower()
    if said.owner is None or "@" not in address or address in said.emails:
        return account, ""
    word = msgspec.structs.replace(said.owner, emails=(*said.owner.emails, address))
    append_decisions(unit, account.owner, epoch(now), [word])
    settings = {**account.settings, "declared": stream.last_seq(unit, account.owner)}
    return msgspec.structs.replace(account, settings=settings), address


def still_there(account: Account, collections: Sequence[Collection]) -> list[str]:
    """The names of what an account was told to read or write, and which is there no more."""
    there = {one.id for one in collections}
    wanted = {
        str(one): str(one) for option in ("folders", "calendars") for one in account.settings.get(option, ())
    }
    if account.settings.get("list"):
        wanted[str(account.settings["list"])] = str(account.settings.get("list_name"))
    return [name for key, name in wanted.items() if key not in there]
