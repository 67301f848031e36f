"""Where follow-ups stand in to-do tools, told with them whenever they are read; it is not derived, and so not kept with them."""

from collections.abc import Iterable, Iterator

from msgspec.structs import replace

from schemas.interface import Followup, TaskLink
from services.store import accounts, outbox
from services.store.unit import Unit


def with_tasks(unit: Unit, who: int, followups: Iterable[Followup]) -> Iterator[Followup]:
    """The follow-ups with their tasks; of an account that is gone, its tool is not told."""
    written = outbox.tasks(unit, who)
    if not written:
        yield from followups
        return
    kinds = {row.id: row.kind for row in accounts.accounts(unit, who)}
    links: dict[str, list[TaskLink]] = {}
    for row in written:
        link = TaskLink(kinds.get(row.account, ""), row.account, row.task_id, row.url or None, row.state)
        links.setdefault(row.followup, []).append(link)
    for one in followups:
        yield replace(one, tasks=links[one.id]) if one.id in links else one
