"""Rows of what is to be done at accounts, and of the tasks that stand in to-do tools."""

from collections.abc import Iterable, Sequence
from typing import Literal

from msgspec import Struct
from sqlalchemy import and_, delete, func, select, update

from services.store.tables import account, outbox, task
from services.store.unit import Unit
from services.store.upsert import put_rows

_OPEN = ("pending", "in_flight", "unsure")
_MAIL = "mail"

Side = Literal["tasks", "mail"]
"""What an account may take: an account of one kind may take both."""


class Intent(Struct, frozen=True, kw_only=True):
    """One thing to do at an account, once, however often it is asked for.

    `state` is `pending`, `in_flight` (begun, and its end not yet known), `unsure` (its answer never came), `done` or
    `failed`. `next_at` and `created_at` are in whole seconds UTC.
    """

    key: str
    account: str
    kind: str
    subject: str
    payload: str
    state: str = "pending"
    attempts: int = 0
    next_at: int = 0
    reason: str = ""
    created_at: int = 0


def side_of(one: Intent) -> Side:
    """What an intent is done with at its account."""
    return "mail" if one.kind == _MAIL else "tasks"


class TaskRow(Struct, frozen=True, kw_only=True):
    """A follow-up's task in the tool of an account, as it was last written."""

    followup: str
    account: str
    task_id: str
    url: str
    version: str
    draft: str
    state: str
    written_at: int


# --- what is to be done -----------------------------------------------------------------------------------------------


def ask(unit: Unit, who: int, intents: Iterable[Intent], now: int) -> None:
    """Note what is to be done; what was asked for before is not asked for again."""
    columns = (
        "owner",
        "key",
        "account",
        "kind",
        "subject",
        "payload",
        "state",
        "attempts",
        "next_at",
        "reason",
        "created_at",
        "updated_at",
    )
    rows = [
        (who, i.key, i.account, i.kind, i.subject, i.payload, i.state, i.attempts, now, i.reason, now, now)
        for i in intents
    ]
    put_rows(unit, outbox, columns, rows, "leave")


def due(unit: Unit, who: int, account: str, now: int, only: Side | None = None) -> Intent | None:
    """The oldest thing to be done at an account by now, or of one side of it."""
    statement = select(outbox).where(
        outbox.c.owner == who,
        outbox.c.account == account,
        outbox.c.state.in_(("pending", "unsure")),
        outbox.c.next_at <= now,
    )
    if only is not None:
        statement = statement.where((outbox.c.kind == _MAIL) == (only == "mail"))
    row = unit.connection.execute(
        statement.order_by(outbox.c.created_at, outbox.c.key).limit(1),
    ).first()
    return _intent(row) if row else None


def waiting(unit: Unit, who: int) -> dict[str, int]:
    """The accounts at which there is something to do, and when the first of it is due, in whole seconds UTC."""
    statement = (
        select(outbox.c.account, func.min(outbox.c.next_at).label("next_at"))
        .where(outbox.c.owner == who, outbox.c.state.in_(_OPEN))
        .group_by(outbox.c.account)
    )
    return {row.account: row.next_at for row in unit.connection.execute(statement)}


def waiting_anywhere(unit: Unit) -> list[tuple[int, str, int]]:
    """(owner, account, when it is due in whole seconds UTC) for every active account at which there is something to do.

    What is in flight counts: whoever was at it may have died.
    """
    is_its = and_(account.c.owner == outbox.c.owner, account.c.id == outbox.c.account)
    statement = (
        select(outbox.c.owner, outbox.c.account, func.min(outbox.c.next_at).label("next_at"))
        .join(account, is_its)
        .where(account.c.state == "active", outbox.c.state.in_(_OPEN))
        .group_by(outbox.c.owner, outbox.c.account)
    )
    return [(row.owner, row.account, row.next_at) for row in unit.connection.execute(statement)]


def open_keys(unit: Unit, who: int) -> set[tuple[str, str]]:
    """(account, follow-up or week) of everything that is asked for and not done yet."""
    statement = select(outbox.c.account, outbox.c.subject).where(
        outbox.c.owner == who, outbox.c.state.in_(_OPEN)
    )
    return {(row.account, row.subject) for row in unit.connection.execute(statement)}


def intent(unit: Unit, who: int, key: str) -> Intent | None:
    """One thing that was asked for."""
    row = unit.connection.execute(select(outbox).where(outbox.c.owner == who, outbox.c.key == key)).first()
    return _intent(row) if row else None


def is_ticked(unit: Unit, who: int, account: str, followup: str) -> bool:
    """Whether Kith ticked a follow-up's task off at an account, or is about to, and did not take that back since."""
    row = unit.connection.execute(
        select(outbox.c.kind)
        .where(
            outbox.c.owner == who,
            outbox.c.account == account,
            outbox.c.subject == followup,
            outbox.c.kind.in_(("complete", "reopen")),
            outbox.c.attempts > 0,
        )
        .order_by(outbox.c.created_at.desc(), outbox.c.updated_at.desc())
        .limit(1)
    ).first()
    return row is not None and row.kind == "complete"


def mail(unit: Unit, who: int, subject: str, payload: str) -> Intent | None:
    """The mail about this that was asked for, whatever account it was to go out by."""
    is_it = and_(outbox.c.kind == _MAIL, outbox.c.subject == subject, outbox.c.payload == payload)
    row = unit.connection.execute(
        select(outbox).where(outbox.c.owner == who, is_it).order_by(outbox.c.created_at, outbox.c.key)
    ).first()
    return _intent(row) if row else None


def move_mail(unit: Unit, who: int, accounts: Sequence[str], to: str, now: int) -> int:
    """Mail that was never handed over at some accounts goes out by another; how many there were."""
    moved = unit.connection.execute(
        update(outbox)
        .where(
            outbox.c.owner == who,
            outbox.c.account.in_(accounts),
            outbox.c.kind == _MAIL,
            outbox.c.state == "pending",
        )
        .values(account=to, next_at=now, updated_at=now)
    )
    return moved.rowcount


def standing(unit: Unit, who: int, states: Sequence[str] = ("unsure", "failed")) -> list[Intent]:
    """What was asked for and stands so, oldest first."""
    statement = (
        select(outbox)
        .where(outbox.c.owner == who, outbox.c.state.in_(states))
        .order_by(outbox.c.created_at, outbox.c.key)
    )
    return [_intent(row) for row in unit.connection.execute(statement)]


def set_state(
    unit: Unit, who: int, one: Intent, state: str, now: int, *, next_at: int | None = None, reason: str = ""
) -> None:
    """How it stands now; `attempts` counts its beginnings."""
    unit.connection.execute(
        update(outbox)
        .where(outbox.c.owner == who, outbox.c.key == one.key)
        .values(
            state=state,
            attempts=outbox.c.attempts + int(state == "in_flight"),
            next_at=now if next_at is None else next_at,
            reason=reason,
            updated_at=now,
        )
    )


def drop(unit: Unit, who: int, one: Intent) -> None:
    """It was never done, and is not asked for any more."""
    unit.connection.execute(delete(outbox).where(outbox.c.owner == who, outbox.c.key == one.key))


def try_again(unit: Unit, who: int, account: str, now: int) -> None:
    """What failed for good at an account is asked for again, and looked for first, after the owner mended it."""
    unit.connection.execute(
        update(outbox)
        .where(
            outbox.c.owner == who,
            outbox.c.account == account,
            outbox.c.state == "failed",
            outbox.c.kind != _MAIL,
        )
        .values(state="unsure", attempts=1, next_at=now, reason="", updated_at=now)
    )


def ask_anew(unit: Unit, who: int, account: str, now: int) -> None:
    """Open tasks at an account are asked for again, and looked for first: the list they were in may be gone."""
    is_open = and_(task.c.owner == who, task.c.account == account, task.c.state == "open")
    unit.connection.execute(
        update(outbox)
        .where(
            outbox.c.owner == who,
            outbox.c.account == account,
            outbox.c.kind == "put",
            outbox.c.subject.in_(select(task.c.followup).where(is_open)),
        )
        .values(state="unsure", next_at=now, reason="", updated_at=now)
    )
    unit.connection.execute(delete(task).where(is_open))


def blank_but(unit: Unit, who: int, known: Iterable[str]) -> None:
    """Erase what is said of follow-ups that are none any more; that they had tasks stays, so that the tool can be tidied."""
    gone = {row.followup for row in tasks(unit, who)}
    subjects = select(outbox.c.subject).where(outbox.c.owner == who, outbox.c.kind != _MAIL)
    gone |= set(unit.connection.execute(subjects).scalars())
    for one in sorted(gone - set(known)):
        of_it = and_(outbox.c.owner == who, outbox.c.subject == one, outbox.c.kind != _MAIL)
        # What was to be made is looked for first; the rest is asked for again, in other words.
        unit.connection.execute(delete(outbox).where(of_it, outbox.c.kind != "put"))
        unit.connection.execute(update(outbox).where(of_it).values(payload="{}", reason=""))
        unit.connection.execute(
            update(task).where(task.c.owner == who, task.c.followup == one).values(draft="{}")
        )


def _intent(row: object) -> Intent:
    return Intent(**{name: getattr(row, name) for name in Intent.__struct_fields__})


# --- tasks ------------------------------------------------------------------------------------------------------------


def tasks(unit: Unit, who: int) -> list[TaskRow]:
    """Every task that was made, by follow-up and account."""
    statement = select(task).where(task.c.owner == who).order_by(task.c.followup, task.c.account)
    return [
        TaskRow(**{name: getattr(row, name) for name in TaskRow.__struct_fields__})
        for row in unit.connection.execute(statement)
    ]


def task_of(unit: Unit, who: int, account: str, followup: str) -> TaskRow | None:
    """A follow-up's task in the tool of an account."""
    row = unit.connection.execute(
        select(task).where(task.c.owner == who, task.c.account == account, task.c.followup == followup)
    ).first()
    return TaskRow(**{name: getattr(row, name) for name in TaskRow.__struct_fields__}) if row else None


def set_task(unit: Unit, who: int, row: TaskRow) -> None:
    """Keep how a task was last written."""
    columns = ("owner", *TaskRow.__struct_fields__)
    values = (who, *(getattr(row, name) for name in TaskRow.__struct_fields__))
    put_rows(unit, task, columns, [values], "replace", TaskRow.__struct_fields__[2:])
