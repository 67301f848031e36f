"""Keeps to-do tools in line with the follow-ups: what should stand in a tool, and what has to be done for it.

Nothing here reaches a tool. Follow-ups that the owner is to see are surfaced within the week's cap, which is an event;
then what should be is compared with what was written last, and each difference becomes an intent of the outbox. Only
Kith's own wish makes a difference: what the owner changed in the tool is left to them.

    surfaced, open, no task    put
    closed, its task open      complete, saying what closed it
    open again, its task done  reopen
    title or day differs       update
    task gone from the tool    nothing, ever again
"""

from collections.abc import Iterable, Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from schemas.clock import epoch
from schemas.connector import TaskDraft, TaskLimits, Upsert
from schemas.decisions import FollowupDismissed, FollowupDone, FollowupsSurfaced
from schemas.events import VERSION, decode_body
from schemas.interface import Followup
from schemas.records import Task
from services.book import Book
from services.followups import surface
from services.followups.days import week_of
from services.refusal import Admit
from services.store import events as stream
from services.store import history as rows
from services.store import outbox
from services.store.outbox import Intent, TaskRow
from services.store.unit import Store, Unit

_ENDED = {
    "dismissed": "Set aside in Kith.",
    "expired": "No longer needed: its time has passed.",
    "done": "Done, as you told Kith.",
}
_encode = msgspec.json.Encoder().encode
_draft = msgspec.json.Decoder(TaskDraft).decode


class Tool(Struct, frozen=True):
    """An account into which follow-ups are written, and what its tool can hold."""

    account: str
    limits: TaskLimits = TaskLimits()


def reconcile(book: Book, tools: Sequence[Tool], public_url: str, *, may_begin: bool = True) -> list[str]:
    """Surface what the owner is to see in their tools, and ask for whatever keeps the tools in line.

    Args:
        public_url: where links back to Kith lead.
        may_begin: whether new tasks may be made; not while an account is read for the first time, as what would answer
            a follow-up may not have come yet.

    Returns:
        The accounts at which there is something to do now.
    """
    if not tools:
        return []
    if may_begin:
        _surface(book)
    now = book.clock.now()
    with book.store.write() as unit:
        _note_ended(unit, book.owner)
        wanted = list(
            intents(
                book.followups(),
                outbox.tasks(unit, book.owner),
                tools,
                public_url,
                may_begin=may_begin,
                asked=outbox.open_keys(unit, book.owner),
            )
        )
        outbox.ask(unit, book.owner, wanted, epoch(now))
        waiting = outbox.waiting(unit, book.owner)
    names = {tool.account for tool in tools}
    return sorted(one for one, due_at in waiting.items() if one in names and due_at <= epoch(now))


def telling_ticks_apart(store: Store, who: int, account: str, admit: Admit) -> Admit:
    """What becomes of an item, and of a task that is done whether it was Kith that ticked it off."""

    def told(change: Upsert) -> Upsert | str:
        record = change.record
        if isinstance(record, Task) and record.is_done:
            with store.read() as unit:
                if outbox.is_ticked(unit, who, account, record.key):
                    change = replace(change, record=replace(record, is_kiths_tick=True))
        return admit(change)

    return told


def is_in_line(book: Book, tools: Sequence[Tool], public_url: str) -> bool:
    """Whether nothing is left to ask for: what was under way is not asked for again, and may be over by now."""
    with book.store.read() as unit:
        rows_now, asked = outbox.tasks(unit, book.owner), outbox.open_keys(unit, book.owner)
    left = intents(book.followups(), rows_now, tools, public_url, asked=asked)
    return next(left, None) is None


def _note_ended(unit: Unit, who: int) -> None:
    """What the owner ticked off or deleted in a tool needs no writing there."""
    said: dict[int, tuple[str, str]] = {}
    for seq, kind, body in rows.words(unit, who, ("done", "dismiss")):
        match decode_body(body, kind, VERSION):
            case FollowupDone(followup=followup, by="tool"):
                said[seq] = (followup, "done")
            case FollowupDismissed(followup=followup, by="tool"):
                said[seq] = (followup, "gone")
            case _:
                pass
    accounts = stream.sources(unit, who)
    events = stream.read_these(unit, who, said)
    ended = {(said[seq][0], accounts[event.source][0]): said[seq][1] for seq, event in events.items()}
    for row in outbox.tasks(unit, who) if ended else ():
        state = ended.get((row.followup, row.account), row.state)
        if row.state == "open" and state != "open":
            outbox.set_task(unit, who, replace(row, state=state))


def _surface(book: Book) -> None:
    followups = book.followups()
    if not any(one.state == "open" and one.surfaced_at is None for one in followups):
        return
    state = book.situation()
    chosen = surface(followups, state)
    if not chosen:
        return
    book.decide(
        [FollowupsSurfaced(week=week_of(state.now, state.zone), at=state.now, followups=tuple(chosen))]
    )
    book.keep()


def intents(
    followups: Iterable[Followup],
    tasks: Iterable[TaskRow],
    tools: Sequence[Tool],
    public_url: str,
    *,
    may_begin: bool = True,
    asked: set[tuple[str, str]] = frozenset(),  # type: ignore[assignment]  # never changed here
) -> Iterator[Intent]:
    """What has to be done at the tools; nothing for what is asked for already, so that one follows the other.

    Args:
        asked: (account, follow-up) of what is under way.
    """
    written = {(row.followup, row.account): row for row in tasks}
    known = {one.id: one for one in followups}
    for tool in tools:
        for one in known.values():
            row = written.get((one.id, tool.account))
            if (tool.account, one.id) in asked:
                continue
            found = (
                _made(one, tool, public_url, may_begin) if row is None else _kept(one, row, tool, public_url)
            )
            if found is not None:
                yield found
        for (followup, account), row in written.items():
            # What was erased, or what a better rule took back, leaves nothing open behind.
            is_left = account == tool.account and followup not in known and row.state == "open"
            if is_left and (account, followup) not in asked:
                yield _intent("complete", row, _encode("").decode())


def _made(one: Followup, tool: Tool, public_url: str, may_begin: bool) -> Intent | None:
    if not may_begin or one.state != "open" or one.surfaced_at is None:
        return None
    draft = draft_of(one, tool.limits, public_url)
    return Intent(
        key=f"{tool.account} put {one.id}",
        account=tool.account,
        kind="put",
        subject=one.id,
        payload=_encode(draft).decode(),
    )


def _kept(one: Followup, row: TaskRow, tool: Tool, public_url: str) -> Intent | None:
    is_open = one.state in {"open", "snoozed"}
    if row.state == "open" and not is_open:
        return _intent("complete", row, _encode(closing_of(one)).decode())
    if row.state == "done" and is_open:
        return _intent("reopen", row, "{}")
    if row.state == "open" and row.draft != "{}":
        was, draft = _draft(row.draft), draft_of(one, tool.limits, public_url)
        # The reason is told anew each day ("9 weeks ago"): only what the owner would act on is worth a write.
        if (was.title, was.due) != (draft.title, draft.due):
            return _intent("update", row, _encode(draft).decode())
    return None


def _intent(kind: str, row: TaskRow, payload: str) -> Intent:
    # Its key names the state it changes, so that going there and back asks for each step once.
    return Intent(
        key=f"{row.account} {kind} {row.followup} {row.version or row.task_id} {row.written_at} {row.state}",
        account=row.account,
        kind=kind,
        subject=row.followup,
        payload=payload,
    )


def draft_of(one: Followup, limits: TaskLimits, public_url: str) -> TaskDraft:
    """A follow-up as a task: what to do, why, when, and where its evidence can be seen."""
    return TaskDraft(
        title=_cut(one.title, limits.title),
        note=_cut(one.why, limits.note),
        due=one.until if one.state == "snoozed" and one.until is not None else one.due,
        url=f"{public_url.rstrip('/')}/followups/{one.id}",
    )


def closing_of(one: Followup) -> str:
    """The line that a task ends with; what closed itself says by what."""
    if one.state == "satisfied":
        return one.why[one.why.rfind("Done: ") :] if "Done: " in one.why else "Done."
    if one.closed_by == "tool":
        return ""
    return _ENDED.get(one.state, "")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
