"""Composes the weekly digest from the book: what it shows is thereby surfaced, and that is itself an event."""

from datetime import UTC, datetime, time, timedelta

from schemas.clock import epoch
from schemas.decisions import DigestComposed
from schemas.events import decode_body
from schemas.interface import Digest, Followup, encode
from services.book import Book
from services.digest import Numbers, acted_on, build
from services.digest.build import monday_of
from services.followups import surface
from services.followups.days import week_of
from services.history.parts import Kind
from services.state import State
from services.store import history as rows


def compose(book: Book, week: str | None = None) -> Digest:
    """The digest of a week; of the present one when none is given.

    The present week's digest surfaces follow-ups within the weekly cap and is kept as an event, once for what it says:
    composing it again changes nothing. Another week's digest shows what was surfaced in it, and is not kept.

    Raises:
        UsageError: `week` is not an ISO week.
    """
    book.keep()
    state = book.situation()
    present = week_of(state.now, state.zone)
    wanted = week or present
    monday_of(wanted)
    followups = book.followups()
    if wanted != present:
        shown = {one.followup for one in state.surfaced if one.week == wanted}
        return _built(book, state, [one for one in followups if one.id in shown], wanted)
    fresh = set(surface(followups, state))
    chosen = [
        one for one in followups if one.state == "open" and (one.id in fresh or one.surfaced_at is not None)
    ]
    digest = _built(book, state, chosen, wanted)
    body = encode(digest).decode()
    if _last_body(book, wanted) != body:
        ids = tuple(sorted(one.id for one in chosen))
        book.decide([DigestComposed(week=wanted, at=state.now, followups=ids, body=body)])
        book.keep()
    return digest


def _built(book: Book, state: State, chosen: list[Followup], week: str) -> Digest:
    monday = monday_of(week)
    start = datetime.combine(monday, time(), state.zone).astimezone(UTC)
    with book.store.read() as unit:
        week_before = epoch(start - timedelta(days=7)), epoch(start)
        before = list(rows.interactions_between(unit, book.owner, *week_before))
    suggested, acted = acted_on(book.followups(), monday)
    numbers = Numbers(
        suggested=suggested,
        acted=acted,
        mails=sum(row.kind == Kind.EMAIL for row in before),
        meetings=sum(row.kind == Kind.MEETING and row.is_held for row in before),
    )
    return build(state, chosen, week, numbers)


def _last_body(book: Book, week: str) -> str | None:
    last = None
    with book.store.read() as unit:
        for _, kind, body in rows.words(unit, book.owner, ("digest",)):
            record = decode_body(body, kind, 1)
            if isinstance(record, DigestComposed) and record.week == week:
                last = record.body
    return last
