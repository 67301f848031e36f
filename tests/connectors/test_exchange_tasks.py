"""Follow-ups become tasks in an Exchange mailbox, and what their owner does with them is seen."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from connectors import exchange_tasks
from schemas.clock import FrozenClock
from tests.contract.sink import Seen, SinkContract
from tests.fakes.exchange import NOW, ExchangeServer, a_task
from tests.fakes.exchange_wire import T, e


class ExchangeRig:
    """A mailbox with a list for Kith and one more."""

    spec = exchange_tasks.SPEC
    list_name = "Kith"

    def __init__(self, server: ExchangeServer, clock: FrozenClock, auth: str = "basic") -> None:
        self.server = server
        self.clock = clock
        self.auth = auth
        self.list = server.add_folder(self.list_name, "IPF.Task", "tasks")
        self.elsewhere = server.add_folder("Elsewhere", "IPF.Task")
        self.faults = server.faults
        self._secret = server.token if auth == "oauth" else server.password

    def settings(self) -> dict[str, Any]:
        return {
            "url": self.server.url,
            "user": self.server.user,
            "auth": self.auth,
            "allow_private": True,
            "list": self.list_name,
        }

    def secret(self) -> str:
        return self._secret

    def tasks(self) -> list[Seen]:
        return [
            Seen(
                one.id,
                one.element.findtext(f"{T}Subject"),
                one.element.findtext(f"{T}Body") or "",
                _day(one.element.findtext(f"{T}DueDate")),
                one.element.findtext(f"{T}Status") == "Completed",
                self.server.name_of(one.folder),
            )
            for one in self.server.items()
        ]

    def complete(self, one: str) -> None:
        self.server.change(one, e("t:Status", "Completed"))

    def reopen(self, one: str) -> None:
        self.server.change(one, e("t:Status", "NotStarted"))

    def rename(self, one: str, title: str) -> None:
        self.server.change(one, e("t:Subject", title))

    def reschedule(self, one: str, due: date | None) -> None:
        if due is None:
            self.server.erase(one, "DueDate")
        else:
            self.server.change(one, e("t:DueDate", f"{due:%Y-%m-%dT00:00:00Z}"))

    def move(self, one: str) -> str:
        self.server.move(one, self.elsewhere)
        return "Elsewhere"

    def delete(self, one: str) -> None:
        self.server.delete(one)

    def add_foreign(self, title: str) -> str:
        return self.server.add(self.list, a_task(title))

    def delete_list(self) -> None:
        self.server.delete_folder(self.list)

    def revoke(self) -> None:
        self.server.revoke()


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text[:10]) if text else None


@pytest.fixture
def rig() -> Iterator[ExchangeRig]:
    """A mailbox whose every request and answer must be as Microsoft's schema has it."""
    clock = FrozenClock(NOW)
    with ExchangeServer(clock).serve() as server:
        yield ExchangeRig(server, clock)
        assert server.breaches == []


class TestExchangeTasks(SinkContract):
    """Exchange keeps the promises of every to-do tool."""
