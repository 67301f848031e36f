"""What reading costs at the vendors, counted at their fakes: `python -m tests.bench.costs [--update]`.

Counts, not seconds: they are the same on every machine. `--update` writes the table into docs/bench.md.
"""

import argparse
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

from msgspec import Struct

from connectors import connectors
from schemas.clock import FrozenClock
from schemas.connector import Access, TaskDraft, TaskRef
from schemas.ids import Cursor, IdempotencyKey
from tests.connectors.exchange import a_contact, a_letter, a_meeting
from tests.connectors.mail import a_mail
from tests.contract.live_source import a_live_access, live_pages
from tests.contract.source import NOW
from tests.fakes.exchange_wire import Element, e
from tests.fakes.google_calendar import timed
from tests.fakes.network import Network
from tests.fakes.todoist import Todoist
from tests.fakes.vendors import MARA, VENDORS, Vendor

PAGE = Path(__file__).parents[2] / "docs" / "bench.md"
BEGIN, END = "<!-- costs: made by python -m tests.bench.costs --update -->", "<!-- costs: end -->"
ITEMS, TASKS, CHANGES = 1_000, 100, 100
_AUTH = "https://www.googleapis.com/auth/"
_SCOPES = frozenset(
    {
        *(f"{_AUTH}{one}" for one in ("gmail.readonly", "contacts.readonly", "tasks")),
        f"{_AUTH}calendar.events.readonly",
        f"{_AUTH}calendar.calendarlist.readonly",
        *("Mail.Read", "Calendars.Read", "Contacts.Read", "Tasks.ReadWrite"),
    }
)


class Spent(Struct, frozen=True):
    """Requests that went over the wire, and what the vendor counts: calls, parts of a batch each; or units."""

    requests: int
    counted: int

    def __sub__(self, before: "Spent") -> "Spent":
        return Spent(self.requests - before.requests, self.counted - before.counted)


class Cost(Struct, frozen=True):
    """What one connector costs its vendor."""

    connector: str
    items: int
    made: float
    """Requests for each task that is written; 0 for what is read alone."""
    first: Spent
    quiet: Spent
    changed: Spent


class Side(Struct, kw_only=True):
    """One connector's vendor: how to fill it, how to change what is there, and how it counts."""

    name: str
    access: Access
    fill: Callable[[int], object]
    change: Callable[[int], object]
    spent: Callable[[], Spent]
    writes: bool = False


def measured(side: Side) -> Cost:
    """Read for the first time, with nothing new, and after a hundred changes."""
    spec = connectors()[side.name]
    items = TASKS if side.writes else ITEMS
    begun = side.spent()
    for number in range(items):
        side.fill(number)
    made = (side.spent() - begun).requests / items
    first, cursor = _read(side, spec, None)
    quiet, cursor = _read(side, spec, cursor)
    for number in range(CHANGES):
        side.change(number)
    changed, cursor = _read(side, spec, cursor)
    return Cost(side.name, items, made, first, quiet, changed)


def _read(side: Side, spec: Any, cursor: Cursor | None) -> tuple[Spent, Cursor | None]:
    before = side.spent()
    pages = live_pages(spec, side.access, cursor)
    last = next((page.checkpoint for page in reversed(pages) if page.checkpoint is not None), cursor)
    return side.spent() - before, last


# --- the vendors --------------------------------------------------------------------------------------------------------


def sides() -> Generator[Side, None, None]:
    """Every connector to a vendor's API, each at an empty account."""
    for name, spec in sorted(connectors().items(), key=lambda one: (one[1].account, one[0])):
        kind = spec.account
        if kind == "todoist":
            with Todoist(FrozenClock(NOW)).serve() as todoist:
                yield _at_todoist(name, todoist)
        elif kind in VENDORS:
            with VENDORS[kind](Network((), (), ()), FrozenClock(NOW)) as vendor:
                if kind != "exchange":
                    vendor.server.grants = lambda _token: _SCOPES
                yield _SIDES[name](name, vendor)
                assert vendor.breaches == []


def _api(vendor: Vendor, **more: Any) -> Access:
    kind = vendor.words[0]
    return a_live_access(
        kind, base_url=vendor.server.url, user=MARA, scopes=_SCOPES, allow_private=True, **more
    )


def _counted(vendor: Vendor) -> Callable[[], Spent]:
    """Requests at a vendor; those within a batch came without a host of their own."""

    def spent() -> Spent:
        asked = vendor.server.requests
        outer = [one for one in asked if "host" in one.headers]
        batches = [one for one in outer if "batch" in one.path.rpartition("/v1.0")[2][:8]]
        return Spent(len(outer), len(asked) - len(batches))

    return spent


def _mail(number: int) -> tuple[bytes, datetime]:
    """A mail between people, and when it came: the newest an hour ago, an hour between each and the next."""
    when = NOW - timedelta(hours=number + 1)
    raw = a_mail(number, To=f"Mara <{MARA}>", Date=f"{when:%a, %d %b %Y %H:%M:%S} +0000")
    return raw, when


def _gmail(name: str, vendor: Vendor) -> Side:
    gmail = vendor.parts["gmail"]

    def put(number: int) -> None:
        raw, when = _mail(number)
        gmail.deliver(raw, at=when)

    def spent() -> Spent:
        return Spent(_counted(vendor)().requests, gmail.spent)

    return Side(
        name=name, access=_api(vendor), fill=put, change=lambda number: put(ITEMS + number), spent=spent
    )


def _google_calendar(name: str, vendor: Vendor) -> Side:
    calendars = vendor.parts["calendars"]
    ids: list[str] = []

    def put(number: int) -> None:
        at = NOW - timedelta(hours=number)
        fields = {"start": timed(at), "end": timed(at + timedelta(hours=1))}
        ids.append(calendars.add(MARA, summary=f"Meeting {number}", **fields))

    return Side(
        name=name,
        access=_api(vendor),
        fill=put,
        change=lambda number: calendars.change(ids[number], MARA, summary="Another"),
        spent=_counted(vendor),
    )


def _google_contacts(name: str, vendor: Vendor) -> Side:
    people = vendor.parts["people"]
    ids: list[str] = []
    return Side(
        name=name,
        access=_api(vendor),
        fill=lambda number: ids.append(people.add(f"Ana {number}", f"ana{number}@example.com")),
        change=lambda number: people.change(ids[number], nicknames=[{"value": "A"}]),
        spent=_counted(vendor),
    )


def _google_tasks(name: str, vendor: Vendor) -> Side:
    tasks = vendor.parts["tasks"]
    access = _api(vendor, list=tasks.add_list("Kith"), list_name="Kith")
    return _tool(name, access, _counted(vendor), lambda ref: tasks.complete(ref.id.rpartition("/")[2]))


def _graph_mail(name: str, vendor: Vendor) -> Side:
    mail = vendor.parts["mail"]

    def put(number: int) -> None:
        raw, when = _mail(number)
        mail.put(raw, at=when)

    return Side(
        name=name,
        access=_api(vendor),
        fill=put,
        change=lambda number: put(ITEMS + number),
        spent=_counted(vendor),
    )


def _graph_calendar(name: str, vendor: Vendor) -> Side:
    calendars = vendor.parts["calendars"]
    ids: list[str] = []
    return Side(
        name=name,
        access=_api(vendor),
        fill=lambda number: ids.append(calendars.add(f"Meeting {number}", NOW - timedelta(hours=number))),
        change=lambda number: calendars.change(ids[number], subject="Another"),
        spent=_counted(vendor),
    )


def _graph_contacts(name: str, vendor: Vendor) -> Side:
    contacts = vendor.parts["contacts"]
    ids: list[str] = []
    return Side(
        name=name,
        access=_api(vendor),
        fill=lambda number: ids.append(contacts.add(f"Ana {number}", [f"ana{number}@example.com"])),
        change=lambda number: contacts.change(ids[number], jobTitle="Architect"),
        spent=_counted(vendor),
    )


def _microsoft_todo(name: str, vendor: Vendor) -> Side:
    todo = vendor.parts["todo"]
    access = _api(vendor, list=todo.add_list("Kith"), list_name="Kith")
    made = count()

    def tick(_ref: TaskRef) -> None:
        task = todo.tasks()[next(made)]
        todo.change(task.id, status="completed")

    return _tool(name, access, _counted(vendor), tick)


def _exchange(name: str, vendor: Vendor) -> Side:
    server = vendor.server
    ids: list[str] = []

    def spent() -> Spent:
        return Spent(len(server.asked), len(server.asked))

    access = a_live_access(
        "exchange", secret=vendor.secret, url=server.url, user=MARA, auth="basic", allow_private=True
    )
    if name == "exchange_tasks":
        known = connectors()[name]
        assert known.make_list is not None
        list_ = known.make_list(access, "Kith").id
        access = a_live_access(
            "exchange", secret=vendor.secret, url=server.url, user=MARA, auth="basic", allow_private=True,
            list=list_, list_name="Kith",
        )  # fmt: skip
        done = count()

        def tick(_ref: TaskRef) -> None:
            item = [one for one in server.items() if one.element.tag.endswith("}Task")][next(done)]
            server.change(item.id, e("t:Status", "Completed"))

        return _tool(name, access, spent, tick)
    made: dict[str, tuple[str, Callable[[int], Element]]] = {
        "exchange_mail": ("inbox", lambda number: a_letter(_mail(number)[0], received=_mail(number)[1])),
        "exchange_calendar": (
            "calendar",
            lambda number: a_meeting(f"u{number}", start=NOW - timedelta(hours=number)),
        ),
        "exchange_contacts": (
            "contacts",
            lambda number: a_contact(f"Ana {number}", emails=[f"ana{number}@example.com"]),
        ),
    }
    folder, make = made[name]
    return Side(
        name=name,
        access=access,
        fill=lambda number: ids.append(server.add(folder, make(number))),
        change=lambda number: server.add(folder, make(ITEMS + number)),
        spent=spent,
    )


def _at_todoist(name: str, todoist: Todoist) -> Side:
    access = a_live_access(
        "todoist", secret=todoist.token, base_url=todoist.url, list=todoist.add_project("Kith")
    )

    def spent() -> Spent:
        return Spent(todoist.asked, todoist.asked)

    return _tool(name, access, spent, lambda ref: todoist.complete(ref.id))


def _tool(name: str, access: Access, spent: Callable[[], Spent], tick: Callable[[TaskRef], object]) -> Side:
    """A to-do tool: tasks are written by Kith, and ticked off by their owner."""
    spec = connectors()[name]
    assert spec.open_sink is not None
    sink = spec.open_sink(access)
    refs: list[TaskRef] = []
    draft = TaskDraft("Answer Ana", note="She asked on Tuesday.", due=NOW.date())
    return Side(
        name=name,
        access=access,
        fill=lambda number: refs.append(sink.put(IdempotencyKey(f"f{number:06x}"), draft)),
        change=lambda number: tick(refs[number]),
        spent=spent,
        writes=True,
    )


_SIDES: dict[str, Callable[[str, Vendor], Side]] = {
    "gmail": _gmail,
    "google_calendar": _google_calendar,
    "google_contacts": _google_contacts,
    "google_tasks": _google_tasks,
    "graph_mail": _graph_mail,
    "graph_calendar": _graph_calendar,
    "graph_contacts": _graph_contacts,
    "microsoft_todo": _microsoft_todo,
    "exchange_mail": _exchange,
    "exchange_calendar": _exchange,
    "exchange_contacts": _exchange,
    "exchange_tasks": _exchange,
}


# --- the table ----------------------------------------------------------------------------------------------------------


def table(costs: Sequence[Cost]) -> str:
    """The costs in Markdown."""
    lines = [
        "| connector | first reading of | requests | nothing new | 100 changes | a task written |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for one in costs:
        unit = " units" if one.connector == "gmail" else ""
        cells = [f"{one.items:,}", *(_told(spent, unit) for spent in (one.first, one.quiet, one.changed))]
        lines.append(f"| `{one.connector}` | {' | '.join(cells)} | {f'{one.made:.3g}' if one.made else ''} |")
    return "\n".join(lines) + "\n"


def _told(spent: Spent, unit: str) -> str:
    if not unit and spent.counted == spent.requests:
        return f"{spent.requests:,}"
    return f"{spent.requests:,} ({spent.counted:,}{unit})"


def whole_table() -> str:
    """Everything, measured now."""
    # Closed in any case: a server that goes on would keep the program from its end.
    with closing(sides()) as found:
        return table([measured(side) for side in found])


def main(arguments: Sequence[str]) -> None:
    """Measure and print; with `--update` into the page as well."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.costs")
    parser.add_argument("--update", action="store_true", help=f"write the table into {PAGE.name}")
    given = parser.parse_args(arguments)
    made = whole_table()
    sys.stdout.write(made)
    if given.update:
        text = PAGE.read_text(encoding="utf-8")
        before, _, rest = text.partition(f"{BEGIN}\n")
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\n{made}{END}{after}", encoding="utf-8")


def told_on_page() -> str:
    """The table as the page has it."""
    return PAGE.read_text(encoding="utf-8").partition(f"{BEGIN}\n")[2].partition(END)[0]


if __name__ == "__main__":
    main(sys.argv[1:])
