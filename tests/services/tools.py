"""A to-do tool in memory that keeps its promises, loses answers when told to, and whose owner has hands."""

from collections.abc import Callable, Iterator

from msgspec import Struct

from schemas.connector import Page, TaskDraft, TaskRef, Tombstone, Upsert
from schemas.errors import Ambiguous, ConnectorError, Deleted
from schemas.ids import Cursor, ExternalId, IdempotencyKey, StreamName
from schemas.records import Task


class Item(Struct):
    """One task as the tool holds it."""

    key: str
    draft: TaskDraft
    is_done: bool = False
    closing: str = ""


class Tool:
    """A sink and a source over the same tasks."""

    def __init__(self) -> None:
        self.items: dict[str, Item] = {}
        self.calls: list[str] = []
        self.faults: list[Callable[[str], ConnectorError | None]] = []
        self.refused: dict[str, ConnectorError] = {}
        """What is said of the tasks with these keys, by whatever asks for more than where they are."""
        self.lost: set[int] = set()
        """The writes, by number, whose answer never comes though they are done."""
        self.writes = 0
        self._made = 0
        self._told: dict[str, Task] = {}

    # --- as a sink ------------------------------------------------------------------------------------------------------

    def find(self, key: IdempotencyKey, /) -> TaskRef | None:
        self._called("find")
        return next((TaskRef(name) for name, one in self.items.items() if one.key == key), None)

    def put(self, key: IdempotencyKey, draft: TaskDraft, /) -> TaskRef:
        """Deliberately naive: only asking first keeps two from being made."""
        self._called("put", key)
        self._made += 1
        self.items[f"t{self._made}"] = Item(key, draft)
        return self._answered(f"t{self._made}")

    def update(self, ref: TaskRef, was: TaskDraft, draft: TaskDraft, /) -> TaskRef:
        self._called("update")
        item = self._item(ref)
        if item.draft == was:
            item.draft = draft
        return self._answered(ref.id)

    def complete(self, ref: TaskRef, closing: str, /) -> TaskRef:
        self._called("complete")
        item = self._item(ref)
        if not item.is_done:
            item.is_done, item.closing = True, closing
        return self._answered(ref.id)

    def reopen(self, ref: TaskRef, /) -> TaskRef:
        self._called("reopen")
        self._item(ref).is_done = False
        return self._answered(ref.id)

    def _called(self, what: str, key: str = "") -> None:
        self.calls.append(what)
        if key in self.refused:
            raise self.refused[key]
        for fault in self.faults:
            error = fault(what)
            if error is not None:
                raise error

    def _item(self, ref: TaskRef) -> Item:
        if ref.id not in self.items:
            raise next(iter(self.refused.values()), Deleted("the task is gone"))
        return self.items[ref.id]

    def _answered(self, name: str) -> TaskRef:
        self.writes += 1
        if self.writes in self.lost:
            raise Ambiguous("the answer never came")
        return TaskRef(name, version=str(self.writes))

    # --- as a source ----------------------------------------------------------------------------------------------------

    def pull(self, _cursor: Cursor | None, /) -> Iterator[Page]:
        now = {
            name: Task(key=one.key, title=one.draft.title, due=one.draft.due, is_done=one.is_done)
            for name, one in self.items.items()
        }
        changes: list[Upsert | Tombstone] = [
            Upsert(ExternalId(name), task, stamp=f"{len(self.calls):06}.{self.writes:06}")
            for name, task in now.items()
            if self._told.get(name) != task
        ]
        changes += [Tombstone(ExternalId(name)) for name in self._told if name not in now]
        self._told = now
        yield Page(tuple(changes), StreamName("tasks"), checkpoint=Cursor("1"), last=True)

    # --- the owner's hands ----------------------------------------------------------------------------------------------

    def tick(self, key: str, *, done: bool = True) -> None:
        self.of(key).is_done = done

    def delete(self, key: str) -> None:
        self.items = {name: one for name, one in self.items.items() if one.key != key}

    def of(self, key: str) -> Item:
        return next(one for one in self.items.values() if one.key == key)

    def held(self) -> list[str]:
        return [one.key for one in self.items.values()]
