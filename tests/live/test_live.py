"""At a vendor itself: a first reading, a quiet second one, and a task there and back. Nothing is told of what was read."""

import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from deploy.accounts import accesses
from deploy.clock import SystemClock, SystemSleeper
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.connector import Access, ConnectorSpec, Survey, TaskDraft, TaskSink, Upsert
from schemas.ids import IdempotencyKey
from schemas.records import Task
from services import accounts
from tests.cli.runner import Kith, adds_up
from tests.live.vendors import LIST, LIVE, settings_of

pytestmark = pytest.mark.live
VENDOR = os.environ["KITH_LIVE"]
RECENTLY = timedelta(days=14)
PATIENCE = timedelta(seconds=30)


class Rig:
    """A home with one account, for as long as the tests run."""

    def __init__(self, folder: Path) -> None:
        self.live = LIVE[VENDOR]
        self.kith = Kith(folder / "home", settings=settings_of(os.environ))
        del self.kith.environment["KITH_NOW"]
        address = os.environ.get("KITH_LIVE_EMAIL", "nobody@example.com")
        made = self.kith("init", "--name", "Live Test", "--email", address, "--timezone", "Europe/Berlin")
        assert made.status == 0, made

    def connect(self) -> None:
        """Sign in, and have a list for tasks."""
        since = (SystemClock().now() - RECENTLY).date().isoformat()
        options = [*self.live.options(os.environ), "--tasks", LIST, "--no-sync"]
        told = self.kith(
            "connect", VENDOR, *options, *(["--since", since] if len(self.live.reads) > 1 else [])
        )
        assert told.status == 0, told.err

    def opened(self) -> Application:
        """The home, as a program has it."""
        return Application(read_settings(str(self.kith.home), self.kith.environment))

    def account(self) -> dict[str, Any]:
        (one,) = self.kith.json("accounts", shape="accounts")["accounts"]
        return dict(one)


@pytest.fixture(scope="module")
def rig() -> Iterator[Rig]:
    """The account, connected; at the end its list is taken away, and all that was read. What Kith was allowed stays."""
    with tempfile.TemporaryDirectory(prefix="kith-live-") as folder:
        made = Rig(Path(folder))
        made.connect()
        try:
            yield made
        finally:
            _remove_list(made)


def _tool(app: Application) -> tuple[ConnectorSpec, Access]:
    """The to-do tool of the one account."""
    book = app.book("")
    with app.store.read() as unit:
        (account,) = accounts.accounts(unit, book.owner)
    return next((spec, access) for spec, access in accesses(app, account) if spec.open_sink)


def _surveyed(spec: ConnectorSpec, access: Access) -> Survey:
    assert spec.survey is not None
    return spec.survey(access)


def _remove_list(rig: Rig) -> None:
    app = rig.opened()
    try:
        spec, access = _tool(app)
        lists = [one for one in _surveyed(spec, access).collections if one.id == access.settings["list"]]
        # Only ever the list of this test, by its name.
        assert [one.name for one in lists] == [LIST]
        rig.live.remove(access, lists[0].id)
        freed = {name: value for name, value in access.settings.items() if name != "list"}
        left = _surveyed(spec, replace(access, settings=freed)).collections
        assert LIST not in {one.name for one in left}
    finally:
        app.close()


def test_it_signs_in(rig: Rig) -> None:
    """All that was asked for was allowed, and doctor finds nothing wrong."""
    account = rig.account()
    assert account["state"] == "active"
    assert set(account["reads"]) == rig.live.reads
    assert rig.kith("doctor").status == 0


def test_the_last_two_weeks_are_read(rig: Rig) -> None:
    """Everything is accounted for, next to nothing is set aside, and what was read is read once."""
    first = rig.kith.json("sync", shape="sync", status=0)
    for one in first["sources"]:
        # Whoever runs it sees how it went, and nothing of what was read.
        sys.stdout.write(f"{one['kind']}: {one['read']} read, {one['rejected']} rejected\n")
    assert adds_up(first)
    second = rig.kith.json("sync", shape="sync", status=0)
    assert sum(one["read"] for one in second["sources"]) <= 20, "a second reading brings news alone"


def test_a_task_goes_there_and_back(rig: Rig) -> None:
    """Made once, found by its key, changed, ticked off by Kith, and read back as done."""
    app = rig.opened()
    try:
        spec, access = _tool(app)
        assert spec.open_sink is not None
        sink = spec.open_sink(access)
        key = IdempotencyKey(f"flive{int(SystemClock().now().timestamp()):x}")
        draft = TaskDraft("Kith live test", note="Made by a test of Kith; it goes again.")
        made = sink.put(key, draft)
        assert sink.put(key, draft).id == made.id
        found = _found(sink, key)
        assert found == made.id
        changed = sink.update(made, draft, TaskDraft("Kith live test, changed", note=draft.note))
        sink.complete(changed, "Done: by the test.")
        assert _is_read_back(spec, access, key)
    finally:
        app.close()


def _found(sink: TaskSink, key: IdempotencyKey) -> str:
    """The task by its key, as soon as the vendor shows it."""
    waited = timedelta()
    while waited < PATIENCE:
        ref = sink.find(key)
        if ref is not None:
            return ref.id
        SystemSleeper().sleep(timedelta(seconds=2))
        waited += timedelta(seconds=2)
    return ""


def _is_read_back(spec: ConnectorSpec, access: Access, key: IdempotencyKey) -> bool:
    """Whether the source tells that the task of a key is done, as soon as the vendor shows it."""
    assert spec.open_source is not None
    waited = timedelta()
    while waited < PATIENCE:
        changes = [change for page in spec.open_source(access).pull(None) for change in page.changes]
        records = [one.record for one in changes if isinstance(one, Upsert)]
        if any(isinstance(one, Task) and one.key == key and one.is_done for one in records):
            return True
        SystemSleeper().sleep(timedelta(seconds=2))
        waited += timedelta(seconds=2)
    return False
