"""Which permissions an OAuth account is asked for, by what was chosen of it, and what those that were given are enough for.

The least that each connector needs for what it shall do, and nothing of what it shall not.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from deploy.accounts import TASKS, reads, word_of
from schemas.connector import ConnectorSpec, Scope

_SMTP = "smtp"


class Choice(Struct, frozen=True, kw_only=True):
    """What an account is for: what is read of it, whether tasks are written to it, whether it sends the digest."""

    reads: tuple[str, ...]
    is_headers_only: bool = False
    writes_tasks: bool = False
    sends: bool = False


class Asked(Struct, frozen=True):
    """One permission, for what (`Calendar`, `Tasks`, …), and why, for its owner to read."""

    scope: str
    title: str
    reason: str


def offered(specs: Sequence[ConnectorSpec]) -> list[str]:
    """The words of what there is to read."""
    return list(dict.fromkeys(word_of(spec) for spec in specs if spec.open_source))


def words_chosen(
    specs: Sequence[ConnectorSpec], given: Sequence[str], before: Sequence[str], *, writes_tasks: bool
) -> tuple[str, ...]:
    """What is read: as given, else as before, else all but tasks. What is ticked off can only be seen by reading it."""
    there = offered(specs)
    words = given or before or [word for word in there if word != TASKS]
    return tuple(dict.fromkeys([*words, *([TASKS] if writes_tasks and TASKS in there else [])]))


def choice_of(settings: Mapping[str, Any]) -> Choice:
    """What an account is for, by its settings."""
    return Choice(
        reads=tuple(settings.get("reads", ())),
        is_headers_only=bool(settings.get("headers_only")),
        writes_tasks=bool(settings.get("list")),
        sends=bool(settings.get("sends")),
    )


def asked_for(specs: Sequence[ConnectorSpec], choice: Choice) -> tuple[Asked, ...]:
    """What has to be asked for, each once, in the order of the connectors."""
    found: dict[str, Asked] = {}
    for spec in specs:
        for scope in (*_to_read(spec, choice), *_to_write(spec, choice)):
            found.setdefault(scope.name, Asked(scope.name, spec.title, scope.reason))
    return tuple(found.values())


def may_read(spec: ConnectorSpec, settings: Mapping[str, Any]) -> bool:
    """Whether a connector that was chosen may read, by the permissions that an account was given."""
    choice = choice_of(settings)
    return reads(spec, choice.reads) and _has(settings, _to_read(spec, choice))


def may_write(spec: ConnectorSpec, settings: Mapping[str, Any]) -> bool:
    """Whether a connector may do what was chosen of it besides reading, by the permissions that an account was given."""
    return _has(settings, spec.write_scopes)


def may_use(spec: ConnectorSpec, settings: Mapping[str, Any]) -> bool:
    """Whether a connector does anything with an account: all do where no permissions are asked for."""
    if "scopes" not in settings or not (spec.scopes or spec.headers_scopes or spec.write_scopes):
        return True
    is_wanted = bool(_to_write(spec, choice_of(settings)))
    return may_read(spec, settings) or (is_wanted and may_write(spec, settings))


def sends_mail(spec: ConnectorSpec, settings: Mapping[str, Any]) -> bool:
    """Whether the digest may go out by a connector: an account of SMTP is there for nothing else, others where it is said."""
    return spec.open_mail is not None and (
        spec.account == _SMTP or (bool(settings.get("sends")) and may_write(spec, settings))
    )


def _to_read(spec: ConnectorSpec, choice: Choice) -> tuple[Scope, ...]:
    if not reads(spec, choice.reads):
        return ()
    if choice.is_headers_only and spec.headers_scopes:
        return spec.headers_scopes
    # A to-do tool that knows no permission to read alone is read by the one to write.
    return spec.scopes or (spec.write_scopes if spec.open_sink is not None else ())


def _to_write(spec: ConnectorSpec, choice: Choice) -> tuple[Scope, ...]:
    is_tool = choice.writes_tasks and spec.open_sink is not None
    is_post = choice.sends and spec.open_mail is not None
    return spec.write_scopes if is_tool or is_post else ()


def _has(settings: Mapping[str, Any], scopes: Sequence[Scope]) -> bool:
    given = settings.get("scopes")
    return given is None or all(one.name in given for one in scopes)
