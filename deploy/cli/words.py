"""Commands by which the owner says something; each is an event of the stream."""

import re
import shlex
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from deploy.cli.context import Context
from deploy.cli.ending import OK
from deploy.cli.paper import plain, say
from deploy.settings import duration
from schemas.decisions import (
    AnyDecision,
    CadenceSet,
    Distinct,
    FavourNoted,
    FollowupDismissed,
    FollowupDone,
    FollowupSnoozed,
    Merge,
    NoteWritten,
    PersonMuted,
    RolesSet,
    Split,
    TagsSet,
    VerdictGiven,
)
from schemas.errors import ConfigError, UsageError
from schemas.ids import public_id
from services.digest.words import counted
from services.identity.joining import split_decision
from services.identity.keys import mailbox_key
from services.lookup import find_followup, find_person
from services.mailing import set_mail
from services.people import PersonRow, owners_words, person_shape
from services.vocabulary import WEEKDAYS

_WORD = re.compile(r"[\w][\w .&/+-]{0,39}", re.UNICODE)


def _decide(context: Context, decisions: Sequence[AnyDecision]) -> None:
    context.book.decide(decisions)
    context.book.keep()


def _tell_person(context: Context, row: PersonRow, sentence: str) -> int:
    if context.as_json:
        told = find_person(context.book, name_of(row).partition(":")[2])
        context.put(person_shape(told, _now(context)))
    else:
        say(plain(sentence, 300))
    return OK


def _handle(row: PersonRow) -> str:
    return public_id("p", row.key)


def name_of(row: PersonRow) -> str:
    """The identity that a decision names a person by."""
    if not row.identities:
        raise UsageError(f"{row.name} has no address or profile that a decision could name.")
    first = next(
        (one for one in row.identities if one.kind in {"email", "linkedin", "phone"}), row.identities[0]
    )
    return f"{first.kind}:{first.value}"


def _now(context: Context) -> datetime:
    return context.book.clock.now()


# --- follow-ups ---------------------------------------------------------------------------------------------------


def _tell_followup(context: Context, key: str, sentence: str) -> int:
    if context.as_json:
        context.put(find_followup(context.book, key))
    else:
        say(plain(sentence, 300))
    return OK


def done(context: Context, key: str) -> int:
    """The owner did it."""
    context.kept()
    found = find_followup(context.book, key)
    _decide(context, [FollowupDone(followup=found.id, at=_now(context))])
    return _tell_followup(context, found.id, f"Done: {found.title}")


def snooze(context: Context, key: str, until: str) -> int:
    """Not before a day."""
    context.kept()
    found = find_followup(context.book, key)
    day = _day(context, until)
    _decide(context, [FollowupSnoozed(followup=found.id, at=_now(context), until=day)])
    return _tell_followup(context, found.id, f"Until {day.day} {day:%B}: {found.title}")


def _day(context: Context, text: str) -> date:
    with context.book.store.read() as unit:
        said = owners_words(unit, context.book.owner)
    zone = ZoneInfo(said.owner.timezone) if said.owner else UTC
    today = _now(context).astimezone(zone).date()
    try:
        day = _named_day(text, today) or date.fromisoformat(text)
    except ValueError:
        try:
            day = today + max(timedelta(days=1), duration(text, "--until"))
        except ConfigError as error:
            raise UsageError(
                f"{text} is not a day. Write it like 2026-12-01, tomorrow, friday, or 7d for a week from now."
            ) from error
    if day <= today:
        raise UsageError(f"{day} is not in the future. Snooze until a later day.")
    return day


def _named_day(text: str, today: date) -> date | None:
    """Tomorrow, or the next day of that name; None where no day is named."""
    name = text.strip().capitalize()
    if name == "Tomorrow":
        return today + timedelta(days=1)
    if name not in WEEKDAYS:
        return None
    return today + timedelta(days=(WEEKDAYS.index(name) - today.weekday() - 1) % 7 + 1)


def dismiss(context: Context, key: str, never: bool) -> int:
    """Not this one; with `never` none of this rule for this person."""
    context.kept()
    found = find_followup(context.book, key)
    person = name_of(find_person(context.book, found.person)) if found.person else ""
    _decide(
        context,
        [FollowupDismissed(followup=found.id, at=_now(context), never=never, rule=found.rule, person=person)],
    )
    return _tell_followup(context, found.id, f"Dismissed{' for good' if never else ''}: {found.title}")


# --- people -------------------------------------------------------------------------------------------------------


def role(context: Context, who: str, roles: Sequence[str], remove: bool) -> int:
    """Give or take roles."""
    row = find_person(context.kept(), who)
    _decide(context, [RolesSet(person=name_of(row), roles=_words(roles), remove=remove)])
    return _tell_person(
        context, row, f"{row.name}: {'no longer ' if remove else ''}{', '.join(_words(roles))}."
    )


def tag(context: Context, who: str, tags: Sequence[str], remove: bool) -> int:
    """Give or take tags."""
    row = find_person(context.kept(), who)
    _decide(context, [TagsSet(person=name_of(row), tags=_words(tags), remove=remove)])
    return _tell_person(context, row, f"{row.name}: {'without ' if remove else ''}{', '.join(_words(tags))}.")


def _words(given: Sequence[str]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(one.strip().lower() for one in given if one.strip()))
    wrong = [one for one in words if not _WORD.fullmatch(one)]
    if wrong or not words:
        raise UsageError(
            f"{plain(wrong[0], 40) if wrong else 'Nothing'} is no word to use here. Use letters and digits."
        )
    return words


def cadence(context: Context, who: str, every: str) -> int:
    """How often to be in touch."""
    row = find_person(context.kept(), who)
    days: int | None = None
    if every.lower() != "off":
        try:
            days = max(1, duration(every, "The rhythm").days)
        except ConfigError as error:
            raise UsageError(f"{every} is no rhythm. Write it like 30d or 6w, or off.") from error
    _decide(context, [CadenceSet(person=name_of(row), days=days)])
    return _tell_person(
        context, row, f"{row.name}: every {days} days." if days else f"{row.name}: no rhythm."
    )


def note(context: Context, who: str, text: str) -> int:
    """A note into the timeline."""
    row = find_person(context.kept(), who)
    if not text.strip():
        raise UsageError("The note is empty.")
    _decide(context, [NoteWritten(person=name_of(row), at=_now(context), text=plain(text, 2_000))])
    return _tell_person(context, row, f"Noted for {row.name}.")


def favour(context: Context, direction: str, who: str, text: str) -> int:
    """A favour into the ledger."""
    if direction not in {"given", "received"}:
        raise UsageError(f"A favour is given or received; not {plain(direction, 20)}.")
    row = find_person(context.kept(), who)
    way: Literal["given", "received"] = "given" if direction == "given" else "received"
    _decide(
        context, [FavourNoted(person=name_of(row), at=_now(context), direction=way, text=plain(text, 2_000))]
    )
    return _tell_person(context, row, f"A favour {direction}: {row.name}, {plain(text, 100)}.")


def mute(context: Context, who: str, off: bool) -> int:
    """No follow-ups for somebody, or follow-ups again."""
    row = find_person(context.kept(), who)
    _decide(context, [PersonMuted(person=name_of(row), at=_now(context), muted=not off)])
    return _tell_person(context, row, f"{row.name}: {'follow-ups again' if off else 'no follow-ups'}.")


def verdict(context: Context, address: str, is_what: str) -> int:
    """An address or domain is human, or a machine."""
    if is_what not in {"human", "automated"} or not address.partition("@")[2].strip():
        raise UsageError(
            "Write it like: kith verdict shop@example.com automated, or kith verdict @example.com human"
        )
    known = address.lower() if address.startswith("@") else mailbox_key(address)
    context.kept()
    _decide(context, [VerdictGiven(identity=f"email:{known}", is_automated=is_what == "automated")])
    if context.as_json:
        context.put({"address": known, "is_automated": is_what == "automated"})
    else:
        say(f"{plain(known)} is {is_what}, you said.")
    return OK


def never(context: Context, pattern: str) -> int:
    """Keep nothing of a pattern, backwards and from now on."""
    from services.erasure import never_ingest  # noqa: PLC0415

    removed = never_ingest(context.kept(), pattern)
    if context.as_json:
        context.put({"pattern": pattern.lower(), "removed": removed})
    else:
        say(
            f"{plain(pattern)} is kept out; {counted(removed, 'item')} it had brought {'is' if removed == 1 else 'are'} gone."
        )
    return OK


def merge(context: Context, a: str, b: str) -> int:
    """Two entries are one person."""
    book = context.kept()
    left, right = find_person(book, a), find_person(book, b)
    if left.key == right.key:
        raise UsageError(f"{left.name} and {right.name} are one person already.")
    _decide(context, [Merge(a=name_of(left), b=name_of(right))])
    row = find_person(book, name_of(left).partition(":")[2])
    undo = f"kith split {_handle(row)} {shlex.quote(name_of(right).partition(':')[2])}"
    return _tell_person(context, row, f"{left.name} and {right.name} are one person now. To undo it: {undo}")


def distinct(context: Context, a: str, b: str) -> int:
    """Two entries are two people, and are not proposed as one again."""
    book = context.kept()
    left, right = find_person(book, a), find_person(book, b)
    if left.key == right.key:
        raise UsageError(
            f"{left.name} is one entry. To take an identity out of it: kith split {_handle(left)} IDENTITY"
        )
    _decide(context, [Distinct(a=name_of(left), b=name_of(right))])
    if context.as_json:
        context.put({"a": _handle(left), "b": _handle(right), "distinct": True})
    else:
        say(plain(f"{left.name} and {right.name} are two people; Kith does not ask again.", 300))
    return OK


def split(context: Context, who: str, identity: str) -> int:
    """An identity belongs to somebody else."""
    book = context.kept()
    row = find_person(book, who)
    found = [one for one in row.identities if identity.lower() in {one.value, f"{one.kind}:{one.value}"}]
    if not found:
        have = ", ".join(one.value for one in row.identities)
        raise UsageError(f"{plain(identity, 60)} is not an identity of {row.name}. It has: {have}.")
    decision: Split | None = split_decision(book.store, book.owner, f"{found[0].kind}:{found[0].value}")
    if decision is None:
        raise UsageError(f"{found[0].value} is all there is of {row.name}; there is nothing to split.")
    _decide(context, [decision])
    return _tell_person(context, row, f"{', '.join(decision.left)} stands for itself now.")


# --- the digest ---------------------------------------------------------------------------------------------------


def digest_mail(context: Context, *, is_on: bool) -> int:
    """Whether the digest comes by mail."""
    book = context.book
    with book.store.write() as unit:
        set_mail(unit, book.owner, book.clock, is_on=is_on)
    book.keep()
    if context.as_json:
        context.put({"mail": "on" if is_on else "off"})
    elif is_on:
        say("The weekly digest comes by mail, once an smtp account is connected.")
    else:
        say("The weekly mail is off. The digest still comes every week, as a page in the home.")
    return OK
