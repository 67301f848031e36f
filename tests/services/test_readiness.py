"""Whether a store takes what is written: asked without waiting, and without harm to whoever writes."""

from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import event

from services.store.readiness import troubles
from services.store.unit import Store
from tests.services.builders import a_book, a_message, take


def test_a_sound_store_is_ready_again_and_again(store: Store) -> None:
    """Nothing is amiss, however often it is asked."""
    assert [list(troubles(store)) for _ in range(3)] == [[]] * 3


def test_a_store_that_is_being_written_is_ready(store: Store) -> None:
    """A long import keeps nobody waiting who asks, and being busy is no trouble; its writer goes on."""
    with store.write() as unit:
        # What the asking would write as well, so that it has to wait for it on either database.
        unit.connection.exec_driver_sql("DELETE FROM lease")
        list(troubles(store))
        began = monotonic()
        assert list(troubles(store)) == []
        assert monotonic() - began < timedelta(seconds=5).total_seconds()
    take(a_book(store), [a_message("m1", "ana@example.org")])


def test_a_store_that_takes_nothing_is_not_ready_until_it_does(store: Store) -> None:
    """Read-only, as a disk becomes that has failed: it says so, and no longer once it can be written again."""
    refuse = "PRAGMA query_only = 1" if store.file else "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY"

    def read_only(connection: Any, _record: Any) -> None:
        connection.execute(refuse)
        connection.commit()

    event.listen(store.engine, "connect", read_only)
    store.engine.dispose()
    (why,) = troubles(store)
    assert "cannot be written" in why
    event.remove(store.engine, "connect", read_only)
    store.engine.dispose()
    assert list(troubles(store)) == []
