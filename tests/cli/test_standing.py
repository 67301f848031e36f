"""`kith status` on what was to be done at accounts."""

from services.store import outbox
from services.store.outbox import Intent
from services.store.unit import open_store
from tests.cli.runner import Kith


def test_what_was_not_done_is_told_apart_from_what_is_asked_after(kith: Kith) -> None:
    """A task that was refused is not done; of one whose answer never came nobody knows, and the tool is being asked."""
    store = open_store(f"sqlite:///{kith.home / 'kith.db'}")
    with store.write() as unit:
        for key, state, reason in (("f1", "failed", "Too long."), ("f2", "unsure", "No answer came.")):
            one = Intent(key=key, account="todoist-1", kind="put", subject=key, payload="{}")
            outbox.ask(unit, 1, [one], 0)
            outbox.set_state(unit, 1, one, state, 0, reason=reason)
    store.close()
    said = kith("status").out
    assert "Not done: put f1 at todoist-1.\n    Too long.\n" in said
    assert "Being asked after: put f2 at todoist-1.\n    No answer came.\n" in said
    states = {one["subject"]: one["state"] for one in kith.json("status")["unsent"]}
    assert states == {"f1": "failed", "f2": "unsure"}
