"""Does what is asked for at an account, once, whatever fails between.

    pending ──begin──► in_flight ──answer───────────────► done
       ▲                   │ ├──refused for good────────► failed
       └──later, same key──┘ └──answer never came───────► unsure ──ask first──► done, or begin again

That something is begun is durable before the other side hears of it. What was in flight when its process ended, and
what was never answered, is in doubt: a to-do tool is asked what became of it before anything is sent again; a mail
cannot be asked for, so it counts as sent and is listed, since no digest is better than two.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import msgspec
from msgspec import Struct

from schemas.clock import Clock, epoch
from schemas.connector import MailSink, TaskDraft, TaskRef, TaskSink
from schemas.decisions import FollowupDismissed
from schemas.errors import (
    Ambiguous,
    ConnectorError,
    Deleted,
    Missing,
    QuotaSpent,
    RateLimited,
    ReauthRequired,
    Transient,
)
from schemas.ids import IdempotencyKey
from services.book import append_decisions
from services.quotas import rest, rests_until
from services.store import followups, outbox
from services.store.outbox import Intent, Side, TaskRow, side_of
from services.store.unit import Store, Unit

GIVE_UP_AFTER = 200
"""Beginnings after which something is not tried again: at the longest delay, eight days."""
_OF_ALL = (Transient, ReauthRequired, Ambiguous, Missing)
"""Errors that the next thing to do would meet as well: the other side is down, or the list is gone."""
_OF_ACCOUNT = (RateLimited, ReauthRequired, Missing)
"""Those of them that whatever else is to be done at the account would meet too."""
_IN_DOUBT: Mapping[Side, str] = {"tasks": "unsure", "mail": "failed"}
"""How that stands which may or may not have been done: nobody can be asked what became of a mail."""
_OTHER: Mapping[Side, Side] = {"tasks": "mail", "mail": "tasks"}
_SOON = timedelta(seconds=2)
_LONGEST = timedelta(hours=1)
_ENDED = "The process that did it ended before the answer came."
_draft = msgspec.json.Decoder(TaskDraft).decode
_text = msgspec.json.Decoder(str).decode
_encode = msgspec.json.Encoder().encode


class Work(Protocol):
    """How what is asked for is done."""

    def do(self, intent: Intent, /) -> Callable[[Unit], None]:
        """Do it; gives what is to be written together with its being done."""
        ...


class Delivered(Struct):
    """What came of delivering: how much was done and refused, and what keeps the rest waiting."""

    done: int = 0
    failed: int = 0
    has_put: bool = False
    """Whether a task was made, which no reading of its tool has seen yet."""
    error: ConnectorError | None = None
    """Why it stopped before the end; the account may need its owner."""


class Delivery:
    """Delivers to one account of one owner; one at a time, as whoever calls holds the account's turn."""

    def __init__(
        self,
        store: Store,
        owner: int,
        account: str,
        work: Callable[[Side], Work],
        clock: Clock,
        chance: Callable[[], float],
    ) -> None:
        """Nothing is begun yet.

        Args:
            work: opens what does the tasks, or the mail, of the account; raises what doing them would.
            chance: gives 0 to 1, by which delays differ between installations.
        """
        self._store = store
        self._owner = owner
        self._account = account
        self._work = work
        self._clock = clock
        self._chance = chance

    def run(self, at_most: int = 100) -> Delivered:
        """Do what is due, oldest first, until nothing is, or the other side wants to be left alone.

        A to-do list that is down keeps no mail from going out, and no post office that is keeps tasks waiting.
        """
        told = Delivered()
        with self._store.write() as unit:
            if rests_until(unit, self._owner, self._account, self._clock.now()):
                return told
            self._doubt(unit)
        only: Side | None = None
        for _ in range(at_most):
            intent = self._begin(only)
            if intent is None:
                break
            side = side_of(intent)
            try:
                write = self._work(side).do(intent)
            except ConnectorError as error:
                self._refused(intent, error)
                if not isinstance(error, _OF_ALL):
                    told.failed += 1
                    continue
                told.error = error
                if only is not None or isinstance(error, _OF_ACCOUNT):
                    break
                only = _OTHER[side]
                continue
            with self._store.write() as unit:
                write(unit)
                outbox.set_state(unit, self._owner, intent, "done", self._now())
            told.done += 1
            told.has_put |= intent.kind == "put"
        return told

    def _doubt(self, unit: Unit) -> None:
        """Of what was in flight when whoever did it ended, nobody knows whether it was done."""
        for intent in outbox.standing(unit, self._owner, ("in_flight",)):
            if intent.account == self._account:
                state = _IN_DOUBT[side_of(intent)]
                outbox.set_state(unit, self._owner, intent, state, self._now(), reason=_ENDED)

    def _now(self) -> int:
        return epoch(self._clock.now())

    def _begin(self, only: Side | None) -> Intent | None:
        with self._store.write() as unit:
            intent = outbox.due(unit, self._owner, self._account, self._now(), only)
            if intent is not None:
                outbox.set_state(unit, self._owner, intent, "in_flight", self._now())
        return intent

    def _refused(self, intent: Intent, error: ConnectorError) -> None:
        now = self._clock.now()
        match error:
            case Ambiguous():
                state, next_at = _IN_DOUBT[side_of(intent)], now + _SOON
            case RateLimited():
                state, next_at = "pending", now + error.retry_after
            case Transient() | ReauthRequired() | Missing() if intent.attempts < GIVE_UP_AFTER:
                state, next_at = "pending", self._later(now, intent.attempts)
            case _:
                state, next_at = "failed", now
        with self._store.write() as unit:
            outbox.set_state(
                unit, self._owner, intent, state, epoch(now), next_at=epoch(next_at), reason=str(error)
            )
            if isinstance(error, RateLimited) and not isinstance(error, QuotaSpent):
                rest(unit, self._owner, self._account, next_at)

    def _later(self, now: datetime, attempts: int) -> datetime:
        """Delays double from two seconds to an hour, and differ by up to half, so that many do not come at once."""
        delay = min(_SOON * 2 ** min(attempts, 16), _LONGEST)
        spread: timedelta = delay * (0.5 + self._chance() / 2)
        return now + spread


class TaskWork:
    """Writes tasks into a to-do tool."""

    def __init__(self, store: Store, owner: int, account: str, sink: TaskSink, clock: Clock) -> None:
        self._store = store
        self._owner = owner
        self._account = account
        self._sink = sink
        self._clock = clock

    def do(self, intent: Intent, /) -> Callable[[Unit], None]:
        """Do it; the task as it stands then is to be written. What nobody needs any more may be asked for again."""
        row = self._put(intent) if intent.kind == "put" else self._changed(intent)
        now = self._clock.now()

        def write(unit: Unit) -> None:
            if row is None:
                outbox.drop(unit, self._owner, intent)
                return
            outbox.set_task(unit, self._owner, row)
            if intent.kind == "put" and row.state == "gone":
                # No reading saw the task, so none tells that it is gone.
                said = FollowupDismissed(followup=intent.subject, at=now, by="tool")
                append_decisions(unit, self._owner, epoch(now), [said])

        return write

    def _put(self, intent: Intent) -> TaskRow | None:
        key = IdempotencyKey(intent.subject)
        # A first attempt was never sent before; any other may have been.
        ref, state = self._sink.find(key) if intent.attempts else None, "open"
        if ref is None:
            with self._store.read() as unit:
                is_open = followups.state_of(unit, self._owner, intent.subject) in {"open", "snoozed"}
            if not is_open:
                # It closed meanwhile; perhaps because its task was made, and deleted by the owner.
                return None
            try:
                ref = self._sink.put(key, _draft(intent.payload))
            except Deleted:
                # It was made by an attempt whose answer never came: a lasting no.
                ref, state = TaskRef(""), "gone"
        return TaskRow(
            followup=intent.subject,
            account=self._account,
            task_id=ref.id,
            url=ref.url,
            version=ref.version,
            draft=intent.payload,
            state=state,
            written_at=epoch(self._clock.now()),
        )

    def _changed(self, intent: Intent) -> TaskRow | None:
        """Each of these is the same done twice, so that what is unsure is just done again.

        Raises:
            Missing: the list is gone; in another one the task is made anew, as nobody said no to it.
        """
        with self._store.read() as unit:
            row = outbox.task_of(unit, self._owner, self._account, intent.subject)
        if row is None:
            return None
        ref, draft, state = TaskRef(row.task_id, row.url, row.version), row.draft, "open"
        try:
            match intent.kind:
                case "complete":
                    ref, state = self._sink.complete(ref, _text(intent.payload)), "done"
                case "reopen":
                    ref = self._sink.reopen(ref)
                case _:
                    ref = self._sink.update(ref, _draft(row.draft), _draft(intent.payload))
                    draft = intent.payload
        except Deleted:
            state = "gone"
        return msgspec.structs.replace(
            row,
            task_id=ref.id,
            url=ref.url,
            version=ref.version,
            draft=draft,
            state=state,
            written_at=epoch(self._clock.now()),
        )


class Letter(Struct, frozen=True):
    """One whole mail (RFC 5322, CRLF lines), from whom and to whom."""

    content: bytes
    sender: str
    to: str


class MailWork:
    """Sends digests; each once, or not at all where nobody can tell."""

    def __init__(self, sink: MailSink, letter_of: Callable[[Intent], Letter | None]) -> None:
        """Nothing is sent yet; `letter_of` makes the mail that is asked for, or None where nobody needs it any more."""
        self._sink = sink
        self._letter_of = letter_of

    def do(self, intent: Intent, /) -> Callable[[Unit], None]:
        """Send it, if it is needed still."""
        letter = self._letter_of(intent)
        if letter is not None:
            self._sink.send(letter.content, letter.sender, letter.to)
        return lambda _unit: None
