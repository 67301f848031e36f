"""The status in the owner's words: every string of the page is made here, and escaped in the template."""

from collections.abc import Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from msgspec import Struct

from services.digest.words import clean, counted, day_words, number_word
from services.standing import TROUBLED, AccountStanding
from services.status import SourceStatus, Status, Unsent, gathered
from services.vocabulary import upper_first

_STREAMS = {
    "mail": ("Mail", "message"),
    "calendar": ("Calendar", "entry"),
    "contacts": ("Address book", "card"),
    "tasks": ("Tasks", "task"),
    "linkedin": ("LinkedIn", "record"),
}
"""What each stream is called, and what it holds; in the order of the page."""
_ACCOUNTS = {"files": "from files"}


class Moment(Struct, frozen=True):
    """An instant: as it is said, exactly, and for machines."""

    said: str
    exact: str
    machine: str


class SourceView(Struct, frozen=True):
    """One line of the sources."""

    name: str
    origin: str
    items: str
    newest: Moment | None
    read: Moment | None


class AccountView(Struct, frozen=True):
    """One account: how it stands, in words, and what came from it."""

    name: str
    stands: str
    reason: str
    is_troubled: bool
    came: str
    times: list[tuple[str, Moment]]
    percent: int | None
    again: str
    """What its owner does where its sign-in is refused."""


class RejectView(Struct, frozen=True):
    """One record that could not be read."""

    place: str
    reason: str


class BookView(Struct, frozen=True, kw_only=True):
    """Everything the page tells of one owner's book."""

    owner: str
    email: str
    answer: str
    detail: str
    is_moving: bool
    is_empty: bool
    accounts: list[AccountView]
    unsent: list[RejectView]
    asked_after: list[RejectView]
    """What may have been done: the other side is asked."""
    sources: list[SourceView]
    figures: list[tuple[str, str]]
    followups: str
    rejected: str
    rejects: list[RejectView]
    more_rejects: str
    next_digest: Moment | None
    told: Moment | None
    queued: str


def book_view(status: Status) -> BookView:
    """What the page says of a status."""
    zone = ZoneInfo(status.timezone)
    totals = status.totals
    is_empty = not any(one.items for one in status.sources)
    answer, detail = _answer(status, is_empty=is_empty)
    waiting = sum(status.queues.values())
    names = _names(status)
    hidden = status.rejected - len(status.rejects)
    return BookView(
        owner=clean(status.owner, 80),
        email=clean(status.email, 120),
        answer=answer,
        detail=detail,
        is_moving=status.lag > 0,
        is_empty=is_empty,
        accounts=[_account(one, names[one.id], status.at, zone) for one in status.accounts],
        unsent=[_unsent(one) for one in status.unsent if one.state != "unsure"],
        asked_after=[_unsent(one) for one in status.unsent if one.state == "unsure"],
        sources=_sources(status, zone),
        figures=[]
        if is_empty
        else [
            (f"{totals.people:,}", "person" if totals.people == 1 else "people"),
            (f"{totals.messages:,}", "message" if totals.messages == 1 else "messages"),
            (f"{totals.meetings:,}", "meeting" if totals.meetings == 1 else "meetings"),
            (f"{totals.threads:,}", "thread" if totals.threads == 1 else "threads"),
        ],
        followups=_followups(status),
        rejected=counted(status.rejected, "record") if status.rejected else "",
        rejects=[RejectView(_place(one.source, one.where), clean(one.reason, 240)) for one in status.rejects],
        more_rejects=f"And {counted(hidden, 'more record')}: kith rejects lists them all."
        if hidden > 0
        else "",
        next_digest=_moment(status.next_digest, status.at, zone),
        told=_moment(status.told_at, status.at, zone),
        queued=f"{counted(waiting, 'job')} in the queue." if waiting else "",
    )


_STANDS = {
    "well": "in sync",
    "reading": "being read for the first time",
    "silent": "has newer items that did not come",
    "failing": "cannot be read just now",
    "paused": "paused",
    "reconnect": "must be connected again",
}
_KINDS = {
    "mail": "A mail to you",
    "put": "A task to be made",
    "update": "A task to be changed",
    "complete": "A task to be completed",
    "reopen": "A task to be reopened",
}


def _names(status: Status) -> dict[str, str]:
    """What each account is called; where two are called alike, what kind each is stands with it."""
    called = [one.name for one in status.accounts]
    return {
        one.id: f"{one.name} ({one.kind})" if called.count(one.name) > 1 else one.name
        for one in status.accounts
    }


def _account(one: AccountStanding, name: str, now: datetime, zone: ZoneInfo) -> AccountView:
    return AccountView(
        name=clean(name, 80),
        stands=_STANDS[one.standing] if one.is_read or one.standing != "well" else "sends your mail",
        reason=clean(one.reason or "", 400),
        is_troubled=one.standing in TROUBLED,
        came=f"{counted(one.items_24h, 'item')} in 24 hours" if one.is_read else "",
        times=[
            (words, moment)
            for words, moment in (
                ("newest", _moment(one.newest_at, now, zone)),
                ("back to", _moment(one.oldest_at, now, zone)),
                ("read", _moment(one.read_at, now, zone)),
            )
            if moment is not None
        ],
        percent=100 * one.done // one.total if one.standing == "reading" and one.total else None,
        again=clean(one.again, 400),
    )


def _unsent(one: Unsent) -> RejectView:
    place = f"{_KINDS.get(one.kind, one.kind)} ({one.account})"
    return RejectView(clean(place, 160), clean(one.reason, 240))


def _answer(status: Status, *, is_empty: bool) -> tuple[str, str]:
    troubled = sum(one.standing in TROUBLED for one in status.accounts)
    if troubled:
        every = len(status.accounts)
        some = (
            "Your account" if every == 1 else f"{upper_first(number_word(troubled))} of your {every} accounts"
        )
        return "No.", f"{some} cannot be read as {'it' if troubled == 1 else 'they'} should."
    if status.lag:
        more = "more than 100,000 events" if status.lag >= 100_000 else counted(status.lag, "event")
        return (
            "Not yet.",
            f"{upper_first(more)} wait to be taken in. Kith is at it.",
        )
    aside = counted(status.rejected, "record")
    if is_empty:
        begin = "Give Kith your mail, calendar, contacts or LinkedIn export:"
        return (
            ("Nothing could be read.", f"{aside} set aside. {begin}")
            if status.rejected
            else (
                "Nothing has been read yet.",
                begin,
            )
        )
    if status.rejected:
        return f"Yes, but for {aside}.", "Everything else that was read is in your book."
    return "Yes.", "Everything that was read is in your book."


def _followups(status: Status) -> str:
    open_ = status.followups.get("open", 0)
    closed = status.followups.get("satisfied", 0) + status.followups.get("done", 0)
    parts = [f"{counted(open_, 'follow-up')} open" if open_ else "Nothing is waiting for you"]
    if snoozed := status.followups.get("snoozed", 0):
        parts.append(f"{snoozed:,} snoozed")
    if closed:
        parts.append(f"{closed:,} done")
    return f"{', '.join(parts)}."


def _sources(status: Status, zone: ZoneInfo) -> list[SourceView]:
    order = list(_STREAMS)

    def place(one: SourceStatus) -> tuple[int, str, str]:
        stream = one.stream.partition("/")[0]
        return (order.index(stream) if stream in order else len(order), one.account, one.stream)

    names = _ACCOUNTS | _names(status)
    return [_source(one, names, status.at, zone) for one in sorted(gathered(status), key=place)]


def _source(one: SourceStatus, names: Mapping[str, str], now: datetime, zone: ZoneInfo) -> SourceView:
    stream, _, part = one.stream.partition("/")
    name, noun = _STREAMS.get(stream, (upper_first(clean(stream, 60)), "item"))
    origin = clean(
        f"{part}, {names.get(one.account, one.account)}" if part else names.get(one.account, one.account), 90
    )
    day = _day(part)
    if day is not None:
        origin = f"export of {day_words(day, now.astimezone(zone).date())}"
    # A card and an export have no time of their own but that of their reading, or their name.
    newest = None if stream == "contacts" or day is not None else _moment(one.newest_at, now, zone)
    return SourceView(
        name=name,
        origin=origin,
        items=counted(one.items, noun, "entries" if noun == "entry" else ""),
        newest=newest,
        read=_moment(one.read_at, now, zone),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _moment(at: datetime | None, now: datetime, zone: ZoneInfo) -> Moment | None:
    return None if at is None else moment_of(at, now, zone)


def moment_of(at: datetime, now: datetime, zone: ZoneInfo) -> Moment:
    """An instant as the pages say it, in the owner's zone."""
    local = at.astimezone(zone)
    day, today = local.date(), now.astimezone(zone).date()
    said = day_words(day, today)
    near = abs((day - today).days) < 7
    return Moment(
        said=f"{said}, {local:%H:%M}" if near else said,
        exact=f"{local:%Y-%m-%d %H:%M} {zone.key}",
        machine=local.isoformat(),
    )


def _place(source: str, where: str) -> str:
    """Where a record stands, by the end of its path: the folders above are the owner's business."""
    name = clean(where.rpartition("/")[2] or where, 160)
    return name or clean(source.rpartition("/")[2], 160)
