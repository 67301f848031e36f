"""What is dropped into a watched folder is in the book without a command."""

from datetime import timedelta
from pathlib import Path
from threading import Event, Thread

import pytest

from deploy.settings import read_settings
from deploy.watching import Watch
from deploy.wiring import Application
from schemas.decisions import OwnerDeclared
from schemas.errors import ConfigError

LETTER = b"""\
From: Ana Okafor <ana@example.org>
To: mara@example.com
Date: Thu, 19 Nov 2026 10:00:00 +0000
Message-ID: <%d@example.org>
Subject: Draft

Could you look at section 3 before Friday?
"""


def a_home(tmp_path: Path, emails: tuple[str, ...] = ("mara@example.com",)) -> Application:
    environment = {"KITH_WATCH": str(tmp_path / "drop"), "KITH_NOW": "2026-11-23T09:00:00Z"}
    app = Application(read_settings(str(tmp_path / "home"), environment))
    for email in emails:
        app.make(OwnerDeclared(name="Mara", emails=(email,), timezone="Europe/Berlin"))
    (tmp_path / "drop").mkdir()
    return app


def test_new_files_are_read_and_old_ones_are_not_read_again(tmp_path: Path) -> None:
    """Each look takes in what is new, and wakes the owner."""
    app = a_home(tmp_path)
    woken: list[int] = []
    app.wake = woken.append
    watch = Watch(app)
    for number in (1, 2):
        (tmp_path / "drop" / f"{number}.eml").write_bytes(LETTER % number)
        watch.look()
        app.book().keep()
        assert len(app.book().followups()) == 0  # nobody known asks yet
    with app.store.read() as unit:
        from services.store import events as stream  # noqa: PLC0415

        assert stream.last_seq(unit, 1) == 3
    assert woken
    app.close()


def test_watching_ends_when_told(tmp_path: Path) -> None:
    """The loop stops within its pause."""
    app = a_home(tmp_path)
    stopped = Event()
    thread = Thread(target=Watch(app, timedelta(hours=1)).run, args=(stopped,))
    thread.start()
    stopped.set()
    thread.join(timeout=10)
    assert not thread.is_alive()
    app.close()


def test_files_of_several_owners_are_refused(tmp_path: Path) -> None:
    """Nothing tells whose a watched file is when a home has several owners."""
    app = a_home(tmp_path, ("mara@example.com", "tom@example.net"))
    with pytest.raises(ConfigError, match="several owners"):
        Watch(app)
    app.close()
