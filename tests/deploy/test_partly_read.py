"""One collection of several that cannot be read is told of, and slows nothing: the others are read at their own pace."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from deploy.connecting import Wish, connect
from deploy.settings import read_settings
from deploy.wiring import Application
from schemas.clock import FrozenClock
from schemas.connector import Access, ConnectorSpec, Page, Survey, Upsert
from schemas.decisions import OwnerDeclared
from schemas.errors import PartlyRead
from schemas.ids import Cursor, ExternalId, StreamName
from tests.cli.runner import Kith
from tests.services.builders import MARA, NOW, a_message

_INTERVAL = timedelta(minutes=5)
_WHY = "Team: there is nothing there (404)."


class _Server:
    """A mail each time that it is asked, and one folder more, which may be broken."""

    def __init__(self) -> None:
        self.is_broken = True

    def spec(self) -> ConnectorSpec:
        return ConnectorSpec(
            "team_mail",
            "Team mail",
            StreamName("mail"),
            lambda access: _Source(self, access),
            account="team",
            survey=lambda _: Survey(MARA),
            interval=_INTERVAL,
        )


class _Source:
    def __init__(self, server: _Server, access: Access) -> None:
        self._server, self._access = server, access

    def pull(self, cursor: Cursor | None, /) -> Iterator[Page]:
        number = int(cursor or 0)
        mail = a_message(f"m{number}", "ana@example.org")
        yield Page(
            (Upsert(ExternalId(f"m{number}"), mail),), StreamName("mail"), checkpoint=Cursor(str(number + 1))
        )
        if self._server.is_broken:
            raise PartlyRead(_WHY)


def test_one_of_several_that_fails_slows_nothing(tmp_path: Path) -> None:
    """However often it fails, the next reading is due as ever; each command that tells of accounts says why, until it works."""
    server, clock = _Server(), FrozenClock(NOW)
    known = {"team_mail": server.spec()}
    key = {"KITH_SECRET_KEY": "k" * 43}
    app = Application(read_settings(str(tmp_path / "home"), key), known)
    app.clock = clock
    book = app.make(OwnerDeclared(name="Mara Lindholm", emails=(MARA,), timezone="Europe/Berlin"))
    account = connect(app, book, Wish(kind="team")).account.id
    app.close()
    kith = Kith(tmp_path / "home", settings=key, connectors=known)
    for count in range(15):
        kith.environment["KITH_NOW"] = clock.now().isoformat()
        told = kith("sync", account)
        assert (told.status, _WHY in told.out, "could not be read" in told.out) == (3, True, False), told
        (one,) = kith.json("accounts", shape="accounts")["accounts"]
        (feed,) = one["feeds"]
        assert (feed["failures"], feed["reason"], feed["is_complete"]) == (0, _WHY, True), count
        assert feed["next_at"] == (clock.now() + _INTERVAL).isoformat().replace("+00:00", "Z")
        assert feed["ok_at"] == clock.now().isoformat().replace("+00:00", "Z")
        clock.advance(_INTERVAL)
    assert _WHY in kith("status").out
    checks = kith.json("doctor", status=0)["checks"]
    assert [one["finding"] for one in checks if one["state"] == "warning" and _WHY in one["finding"]]
    server.is_broken = False
    assert kith("sync", account).status == 0
    (one,) = kith.json("accounts", shape="accounts")["accounts"]
    assert one["feeds"][0]["reason"] is None
    assert _WHY not in kith("status").out
