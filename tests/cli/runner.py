"""The command as its user has it: in this process where that is quick, as a program where it matters."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import msgspec

from deploy.cli.main import main
from schemas.connector import ConnectorSpec
from schemas.interface import schema

NOW = "2026-11-23T09:00:00Z"
MARA = ("--name", "Mara Lindholm", "--email", "mara@example.com", "--timezone", "Europe/Berlin")
_SCHEMA = schema()


class Result(NamedTuple):
    """What a command left behind."""

    status: int
    out: str
    err: str


class Kith:
    """`kith` on one home at one instant."""

    def __init__(
        self,
        home: Path,
        now: str = NOW,
        settings: Mapping[str, str] | None = None,
        connectors: Mapping[str, ConnectorSpec] | None = None,
    ) -> None:
        self.home = home
        self.connectors = connectors
        self.environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("KITH_", "COLUMNS", "NO_COLOR"))
        }
        self.environment |= {"KITH_HOME": str(home), "KITH_NOW": now, **(settings or {})}

    def __call__(self, *arguments: str | Path, given: str = "") -> Result:
        """Run a command in this process, with a text on standard input."""
        out, err = io.StringIO(), io.StringIO()
        before, terminal = dict(os.environ), sys.stdin
        os.environ.clear()
        os.environ.update(self.environment)
        try:
            with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
                sys.stdin = io.StringIO(given)
                status = main([str(one) for one in arguments], self.connectors)
        finally:
            sys.stdin = terminal
            os.environ.clear()
            os.environ.update(before)
        return Result(status, out.getvalue(), err.getvalue())

    def json(self, *arguments: str | Path, shape: str | None = None, status: int = 0, given: str = "") -> Any:
        """The one document that a command printed, held to its shape in `kith schema`."""
        result = self("--json", *arguments, given=given)
        assert result.status == status, result
        document = json.loads(result.out)
        assert result.out.count("\n") == 1, "one document, on one line"
        assert result.err == ""
        if shape is not None:
            jsonschema.validate(document, {"$ref": _SCHEMA["shapes"][shape], "$defs": _SCHEMA["$defs"]})
        return document

    def init(self) -> "Kith":
        """Make Mara's home."""
        assert self("init", *MARA).status == 0
        return self

    def program(self, *arguments: str | Path, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run a command as a program of its own, without a terminal."""
        return subprocess.run(
            self.words(*arguments),
            env=self.environment,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=120,
            check=False,
            **options,
        )

    def words(self, *arguments: str | Path) -> list[str]:
        """The words of the program and its arguments."""
        return [sys.executable, "-m", "deploy.cli.main", *map(str, arguments)]

    def export(self, folder: Path, *, without: tuple[str, ...] = ()) -> dict[str, bytes]:
        """Every exported file but some, by name."""
        assert self("export", "--out", folder).status == 0
        return {one.name: one.read_bytes() for one in sorted(folder.iterdir()) if one.name not in without}


def adds_up(report: Mapping[str, Any]) -> bool:
    """read = added + changed + unchanged + skipped + rejected, for every source; every reject is listed."""
    parts = ("added", "changed", "unchanged", "skipped", "rejected")
    return all(
        one["read"] == sum(one[part] for part in parts) and one["skipped"] == sum(one["skips"].values())
        for one in report["sources"]
    ) and len(report["rejects"]) == sum(one["rejected"] for one in report["sources"])


def total(report: Mapping[str, Any], figure: str) -> int:
    """One figure of a report over all its sources."""
    return sum(one[figure] for one in report["sources"])


def lines(path: Path) -> list[Any]:
    """The documents of a JSON Lines file."""
    return [msgspec.json.decode(line) for line in path.read_bytes().splitlines()]


MAIL = """\
From: {sender}
To: {to}
Subject: {subject}
Date: {date}
Message-ID: <{key}@example.com>
Content-Type: text/plain; charset=utf-8

{body}
"""


def a_mail(
    key: str,
    sender: str = "Ana Okafor <ana@example.org>",
    to: str = "mara@example.com",
    *,
    subject: str = "Draft",
    date: str = "Tue, 17 Nov 2026 10:00:00 +0100",
    body: str = "Could you look at section 3 before Friday?",
) -> bytes:
    """The bytes of one mail."""
    return MAIL.format(key=key, sender=sender, to=to, subject=subject, date=date, body=body).encode()


def an_mbox(*mails: bytes) -> bytes:
    """Mails as one mbox."""
    return b"".join(b"From - Tue Nov 17 10:00:00 2026\n" + mail + b"\n" for mail in mails)
