"""What is logged: whatever library says it, no secret, address, subject or text gets through."""

import json
import logging
import sqlite3
import sys
from collections.abc import Callable, Iterator
from io import StringIO

import pytest
import structlog

from deploy.logs import MASK, Redactor, keep_out, set_up_logs
from schemas.errors import Rejected
from tests.cost import cpu_seconds

CANARIES = (
    "ya29.canary-token-0001",
    "canary-code-4711",
    "hunter2canary",
    "sessioncanary99",
    "Canary subject of a mail",
    "canary.person@example.org",
    "canary body text",
    "canary-secret-key-value",
    "canary app+password/9",
    "canary%20app%2Bpassword%2F9",
)
TOKEN, CODE, PASSWORD, COOKIE, SUBJECT, ADDRESS, BODY, KEY, OPENED, IN_A_URL = CANARIES


@pytest.fixture
def lines() -> Iterator[Callable[[], list[str]]]:
    """Logging to a text, put back as it was afterwards."""
    out = StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    set_up_logs("json", secrets=[KEY], verbose=True, stream=out)
    keep_out(OPENED)
    try:
        yield lambda: out.getvalue().splitlines()
    finally:
        root.handlers = before
        root.setLevel(level)
        structlog.reset_defaults()


def _raise_sql() -> None:
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute(f"SELECT '{BODY}' FROM nowhere_{SUBJECT.replace(' ', '_')}")
    finally:
        connection.close()


def _failing(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:
        logging.getLogger("any.library").exception("it failed for %s", ADDRESS)
        structlog.get_logger("kith.jobs").exception("it failed", subject=SUBJECT)


def _rejected() -> None:
    try:
        int(BODY)
    except ValueError as error:
        raise Rejected(f"the server refused {ADDRESS}") from error


SAYINGS: tuple[Callable[[], object], ...] = (
    lambda: structlog.get_logger("kith.x").info(
        "sent", subject=SUBJECT, address=ADDRESS, token=TOKEN, body=BODY
    ),
    lambda: structlog.get_logger("kith.x").info(
        "sent", event_=ADDRESS, nested={"to": [ADDRESS], "password": PASSWORD}
    ),
    lambda: structlog.get_logger("kith.x").debug("key is %s", KEY),
    lambda: logging.getLogger("httpx").info("GET https://x.test/callback?code=%s&state=1", CODE),
    lambda: logging.getLogger("msal").info('answer: {"access_token": "%s", "expires_in": 3599}', TOKEN),
    lambda: logging.getLogger("urllib3").warning("Authorization: Bearer %s", TOKEN),
    lambda: logging.getLogger("imap").warning("LOGIN as %s", ADDRESS),
    lambda: logging.getLogger("redis").warning("redis://kith:%s@localhost:6379/0 is down", PASSWORD),
    lambda: logging.getLogger("psycopg").error("postgresql://kith:%s@db/kith: refused", PASSWORD),
    lambda: logging.getLogger("http").warning("Cookie: session=%s; theme=dark", COOKIE),
    lambda: logging.getLogger("oauth").info("refresh_token=%s&grant_type=refresh_token", TOKEN),
    lambda: logging.getLogger("googleapiclient").warning("client_secret: '%s'", PASSWORD),
    lambda: logging.getLogger("smtp").warning("subject='%s' was refused", SUBJECT),
    lambda: logging.getLogger("dramatiq.worker.WorkerThread").error("Failed to process %s", ADDRESS),
    lambda: logging.getLogger("imapclient").warning("LOGIN mara '%s' and %s", OPENED, IN_A_URL),
    lambda: _failing(_raise_sql),
    lambda: _failing(lambda: dict[str, int]()[ADDRESS]),
    lambda: _failing(lambda: int(BODY)),
    lambda: _failing(_rejected),
)


@pytest.mark.parametrize("say", SAYINGS, ids=range(len(SAYINGS)))
def test_no_canary_gets_through(say: Callable[[], object], lines: Callable[[], list[str]]) -> None:
    """Tokens, codes, passwords, cookies, subjects, addresses and texts, in words, keys, URLs and exceptions (S22)."""
    say()
    said = "\n".join(lines())
    for canary in CANARIES:
        assert canary not in said
    for line in lines():
        assert json.loads(line)["level"] in {"debug", "info", "warning", "error"}


def test_what_helps_is_said(lines: Callable[[], list[str]]) -> None:
    """Ids, counts, kinds and states stay; an exception is named with its place; Kith's own words are told."""
    structlog.get_logger("kith.jobs").info("digest composed", owner=7, week="2026-W48", attempt=2)
    _failing(lambda: 1 // 0)
    _failing(_rejected)
    first, *rest = (json.loads(line) for line in lines())
    assert (first["event"], first["owner"], first["week"], first["attempt"]) == (
        "digest composed",
        7,
        "2026-W48",
        2,
    )
    assert rest[0]["error"][0].startswith("ZeroDivisionError at deploy/test_logs.py:")
    assert rest[2]["error"][0].startswith(f"Rejected: the server refused {MASK} at ")
    assert rest[2]["error"][1].startswith("ValueError at ")


@pytest.mark.parametrize("known", ["secret", "client", "password"])
def test_a_password_that_is_a_plain_word_uncovers_no_other(known: str) -> None:
    """Whoever has `secret` as their password still has everything masked that a line calls a secret."""
    told = Redactor([known]).scrubbed("client_secret: 'hunter2canary' password=other-canary")
    assert "canary" not in told
    assert known not in told


@pytest.mark.parametrize(
    "seed", ["a", "@", "a@", "token=", "http://", "https://x?", "Bearer ", "code='", "\\", "é"]
)
def test_redaction_is_quick_on_hostile_text(seed: str) -> None:
    """64 KB of anything is redacted in little time."""
    redactor = Redactor()
    text = (seed * 65_536)[:65_536]
    assert cpu_seconds(lambda: redactor.scrubbed(text), 0.2) < 0.2


def test_the_console_style_is_for_terminals(capsys: pytest.CaptureFixture[str]) -> None:
    """By itself JSON where no terminal reads; console when asked for."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    try:
        set_up_logs("", stream=sys.stderr)
        structlog.get_logger("kith.x").info("one", owner=1)
        set_up_logs("console", stream=sys.stderr)
        structlog.get_logger("kith.x").info("two", owner=2)
    finally:
        root.handlers = before
        root.setLevel(level)
        structlog.reset_defaults()
    one, two = capsys.readouterr().err.splitlines()
    assert json.loads(one)["event"] == "one"
    assert "two" in two
    assert "owner=2" in two
