"""`kith connect` and what follows: signing in at a real server, choosing, reading, and keeping secrets secret."""

import os
import pty
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from schemas.connector import Location
from tests.cli.acme import FEED_PATH, PASSWORD, TOKEN, Acme, acme_connectors, running
from tests.cli.runner import Kith, total
from tests.services.builders import a_meeting, a_message


@pytest.fixture
def acme() -> Iterator[Acme]:
    with running() as server:
        server.items["mail"] = [
            a_message(f"m{number}", "ana@example.org", days_ago=number + 1, name="Ana Okafor")
            for number in range(5)
        ]
        server.items["calendar"] = [a_meeting("u1", ["ana@example.org"])]
        server.items["feed"] = [a_meeting("f1", ["ben@example.org"])]
        yield server


@pytest.fixture
def kith(tmp_path: Path, acme: Acme) -> Kith:
    settings = {"KITH_TODOIST_ROOT": f"http://127.0.0.1:{acme.port}"}
    return Kith(tmp_path / "home", settings=settings, connectors=acme_connectors()).init()


def imap(acme: Acme, *more: str, user: str = "mara@example.com") -> tuple[str, ...]:
    server = ("--host", "127.0.0.1", "--port", str(acme.port), "--allow-private")
    return ("connect", "imap", "--user", user, *server, "--password-file", "-", *more)


def dav(acme: Acme, *more: str) -> tuple[str, ...]:
    url = f"http://127.0.0.1:{acme.port}/"
    return ("connect", "caldav", "--url", url, "--user", "mara@example.com", "--allow-private", *more)


# --- connecting ---------------------------------------------------------------------------------------------------------


def test_an_account_is_connected_and_read(kith: Kith, acme: Acme) -> None:
    """Signed in, told what is there, read to the end; then listed, and a second sync brings nothing."""
    made = kith.json(*imap(acme), given=PASSWORD, shape="connect")
    assert [one["id"] for one in made["collections"]] == ["INBOX", "Junk"]
    assert [one["is_read"] for one in made["collections"]] == [True, False]
    assert total(made["report"], "added") == 5
    (account,) = kith.json("accounts", shape="accounts")["accounts"]
    assert account == made["account"]
    assert account["id"].startswith("imap-")
    assert (account["state"], account["reason"], account["reads"]) == ("active", None, ["mail"])
    assert (account["last_sync_at"], account["lag"]) == ("2026-11-23T09:00:00Z", 0)
    (feed,) = account["feeds"]
    assert (feed["is_complete"], feed["failures"], feed["newest_at"]) == (True, 0, "2026-11-22T09:00:00Z")
    assert feed["next_at"] == "2026-11-23T09:15:00Z"
    again = kith.json("sync", shape="sync")
    assert (total(again, "read"), again["accounts"][0]["reason"]) == (0, None)
    assert kith.json("people")["people"][0]["name"] == "Ana Okafor"


def test_the_text_says_what_happened(kith: Kith, acme: Acme) -> None:
    """Who signed in where, what there is, what is read, and what came; with `accounts` and `sync` after it."""
    told = kith(*imap(acme), given=PASSWORD)
    assert told.status == 0
    for words in (
        "Signed in as mara@example.com at 127.0.0.1.",
        "Inbox",
        "Kith reads its mail.",
        "is connected: imap-",
    ):
        assert words in told.out
    assert "added" in told.out
    listed = kith("accounts")
    assert "mara@example.com" in listed.out
    assert "active" in listed.out
    assert kith("sync").status == 0
    assert PASSWORD not in told.out + told.err + listed.out


def test_nothing_is_kept_of_what_cannot_sign_in(kith: Kith, acme: Acme) -> None:
    """A wrong password ends with 4 and words; no account is there afterwards."""
    result = kith(*imap(acme), given="wrong")
    assert (result.status, result.err.count("\n")) == (4, 1)
    assert "refused the sign-in" in result.err
    assert kith.json("accounts", shape="accounts")["accounts"] == []


def test_connecting_again_mends_the_same_account(kith: Kith, acme: Acme) -> None:
    """Another password, the same id; what was chosen before stays, and reading goes on where it stopped."""
    kith(*imap(acme, "--name", "Work", "--folders", "inbox", "--since", "2020-01-01"), given=PASSWORD)
    acme.passwords["mara@example.com"] = "another-canary"
    refused = kith("sync")
    assert (refused.status, kith.json("accounts")["accounts"][0]["state"]) == (4, "reconnect")
    assert "refused the sign-in" in refused.out
    before = len(acme.asked)
    assert kith("sync").status == 4
    assert len(acme.asked) == before, "a sign-in that was refused is not tried again by itself"
    acme.items["mail"].append(a_message("m9", "ana@example.org", days_ago=0.5))
    made = kith.json(*imap(acme), given="another-canary")
    assert (made["account"]["state"], made["account"]["name"], made["account"]["reason"]) == (
        "active",
        "Work",
        None,
    )
    assert (total(made["report"], "read"), total(made["report"], "added")) == (1, 1)
    assert len(kith.json("accounts")["accounts"]) == 1


def test_what_to_read_is_chosen(kith: Kith, acme: Acme) -> None:
    """By kind and by collection; what is not there is told with what is."""
    for options, words in (
        (("--read", "photos"), "has mail to read"),
        (("--folders", "Inbox,Nowhere"), "There are: Inbox, Junk"),
        (("--tasks",), "holds no tasks"),
        (("--url", "https://x.test/"), "--url says nothing"),
        (("--from", "a@example.com"), "--from says nothing"),
        (("--since", "yesterday"), "not a date"),
    ):
        result = kith(*imap(acme, *options), given=PASSWORD)
        assert (result.status, result.err.count("\n")) == (2, 1), result
        assert words in result.err
    assert kith.json("accounts")["accounts"] == []


def test_a_calendar_account_may_be_a_to_do_tool(kith: Kith, acme: Acme) -> None:
    """A list is made when missing and no second time; its tasks are then read as well."""
    made = kith.json(*dav(acme, "--password-file", "-", "--no-sync"), given=PASSWORD, shape="connect")
    assert (made["account"]["reads"], made["account"]["tasks"], made["report"]) == (["calendar"], None, None)
    for _ in range(2):
        made = kith.json(*dav(acme, "--password-file", "-", "--no-sync", "--tasks"), given=PASSWORD)
        assert (made["account"]["reads"], made["account"]["tasks"]) == (["calendar", "tasks"], "Kith")
        assert [one["name"] for one in made["collections"]] == ["Work", "Groceries", "Kith"]
        assert [one["connector"] for one in made["account"]["feeds"]] == ["caldav", "caldav_tasks"]
        assert list(acme.lists.values()) == ["Groceries", "Kith"]
    told = kith(*dav(acme, "--password-file", "-", "--no-sync"), given=PASSWORD).out
    used = {
        line.split()[0]: line.endswith("yes") for line in told.splitlines() if line.endswith(("yes", "tasks"))
    }
    assert used == {"Work": True, "Groceries": False, "Kith": True}
    made = kith.json(*dav(acme, "--password-file", "-", "--tasks", "Groceries"), given=PASSWORD)
    assert (made["account"]["tasks"], list(acme.lists)) == ("Groceries", ["l1", "l2"])


def test_a_to_do_tool_by_token(kith: Kith, acme: Acme, tmp_path: Path) -> None:
    """The token comes from a file; who it is tells the server, and another token of the same is the same account."""
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    none = kith("connect", "todoist", "--token-file", file)
    assert (none.status, "--tasks [LIST]" in none.err) == (2, True)
    made = kith.json("connect", "todoist", "--token-file", file, "--tasks", "Network", shape="connect")
    assert (made["account"]["user"], made["account"]["tasks"]) == ("mara@example.com", "Network")
    acme.tokens = {"second-token-canary": "mara@example.com"}
    file.write_text("second-token-canary")
    again = kith.json("connect", "todoist", "--token-file", file)
    assert (again["account"]["id"], again["account"]["tasks"]) == (made["account"]["id"], "Network")


def test_a_feed_is_told_by_its_address(kith: Kith, acme: Acme) -> None:
    """`….ics` at caldav is a feed; its address lets anybody in and is shown nowhere."""
    url = f"http://127.0.0.1:{acme.port}{FEED_PATH}"
    made = kith.json("connect", "caldav", "--url", "-", "--allow-private", given=url, shape="connect")
    assert (made["account"]["kind"], made["account"]["server"]) == ("feed", "127.0.0.1")
    assert total(made["report"], "added") == 1
    for text in (kith("accounts").out, kith("--json", "accounts").out, kith("config").out):
        assert "private-canary" not in text
    acme.has_feed = False
    gone = kith("sync")
    assert (gone.status, "has it no more" in gone.out) == (1, True)
    assert "private-canary" not in gone.out + gone.err


def test_mail_goes_out_from_and_to_the_owner(kith: Kith, acme: Acme) -> None:
    """Unless it was said otherwise; without a user nobody signs in."""
    server = (
        "--host",
        "127.0.0.1",
        "--port",
        str(acme.port),
        "--allow-private",
        "--user",
        "mara@example.com",
    )
    made = kith.json("connect", "smtp", *server, "--password-file", "-", given=PASSWORD, shape="connect")
    assert (made["account"]["reads"], made["account"]["feeds"]) == ([], [])
    assert kith("connect", "smtp", *server[:-2]).status == 4


def test_the_users_address_is_the_owners(kith: Kith, acme: Acme) -> None:
    """An address that signed in counts as the owner's own, once."""
    acme.passwords["mara@work.example"] = PASSWORD
    told = kith(*imap(acme, user="mara@work.example"), given=PASSWORD)
    assert "mara@work.example counts as your own" in told.out
    assert "counts as your own" not in kith(*imap(acme, user="mara@work.example"), given=PASSWORD).out
    acme.items["mail"].append(a_message("w1", "mara@work.example", ["zoe@example.net"]))
    kith("sync")
    found = kith.json("show", "zoe@example.net")
    assert found["person"]["counts"]["sent"] == 1


def test_what_shall_never_be_kept_is_left_out_from_the_start(kith: Kith, acme: Acme) -> None:
    """`--never` holds before the first mail is read."""
    acme.items["mail"].append(a_message("b1", "shop@ads.example"))
    made = kith.json(*imap(acme, "--never", "ads.example", "--never", "@more.example"), given=PASSWORD)
    assert made["report"]["sources"][0]["skips"] == {"on your never-ingest list": 1}


# --- where it goes ------------------------------------------------------------------------------------------------------


def found(acme: Acme, *, is_sure: bool) -> dict[str, Location]:
    settings = {"host": "127.0.0.1", "port": acme.port}
    return {"example.com": Location(settings, "the records of example.com", is_sure=is_sure)}


def test_a_server_that_is_sure_is_used(kith: Kith, acme: Acme) -> None:
    """Found by the address alone, and told."""
    kith.connectors = acme_connectors(found(acme, is_sure=True))
    words = ("connect", "imap", "--user", "mara@example.com", "--password-file", "-", "--allow-private")
    told = kith(*words, given=PASSWORD)
    assert told.status == 0
    assert f"Found host 127.0.0.1, port {acme.port}, by the records of example.com." in told.err


def test_no_secret_goes_where_others_could_have_led(kith: Kith, acme: Acme) -> None:
    """Without a terminal an unsure server is not used; the words to confirm it are given, and nobody was asked (S12)."""
    kith.connectors = acme_connectors(found(acme, is_sure=False))
    words = ("connect", "imap", "--user", "mara@example.com", "--password-file", "-", "--allow-private")
    told = kith(*words, given=PASSWORD)
    assert told.status == 2
    assert f"--host 127.0.0.1 --port {acme.port}" in told.err
    assert acme.asked == []
    nowhere = kith(
        "connect", "imap", "--user", "mara@nowhere.example", "--password-file", "-", given=PASSWORD
    )
    assert (nowhere.status, "--host H" in nowhere.err) == (1, True)


def test_a_private_address_is_not_reached_unless_allowed(kith: Kith, acme: Acme) -> None:
    """Loopback is refused with the option that allows it, and nobody was asked (S11)."""
    words = [word for word in imap(acme) if word != "--allow-private"]
    told = kith(*words, given=PASSWORD)
    assert (told.status, "--allow-private" in told.err, acme.asked) == (1, True, [])


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("connect", "jmap"), "Kith connects"),
        (("connect", "todist"), "not todist. Did you mean todoist?"),
        (("connect", "caldv"), "not caldv. Did you mean caldav?"),
        (("connect", "IMAP"), "not IMAP. Did you mean imap?"),
        (("connect", "imap"), "--user"),
        (("connect", "imap", "--user", "m@example.com", "--host", "x.test"), "--password-file FILE"),
        (("connect", "caldav", "--user", "m", "--url", "https://m:pw@x.test/"), "Leave them out"),
        (("connect", "caldav", "--user", "m", "--url", "ftp://x.test/"), "Write it like"),
        (("connect", "todoist"), "--token-file FILE"),
        (("connect", "caldav", "--user", "m"), "--url URL"),
        (
            ("connect", "imap", "--user", "m@example.com", "--host", "x.test", "--ca-file", "/none"),
            "--ca-file",
        ),
        (("connect", "feed"), "--url"),
        (("sync", "nobody"), "No account is connected"),
        (("pause", "nobody"), "No account is connected"),
        (("disconnect", "nobody"), "No account is connected"),
    ],
)
def test_wrong_words_are_told(kith: Kith, words: tuple[str, ...], says: str) -> None:
    """With what to write instead, in one line; nothing prompts without a terminal."""
    result = kith(*words)
    assert (result.status, result.err.count("\n")) == (2, 1), result
    assert says in result.err
    assert "m:pw" not in result.err


def test_secrets_come_from_readable_files(kith: Kith, acme: Acme, tmp_path: Path) -> None:
    """A file that is not there, holds no text, or nothing, is told by its name."""
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    for name in ("none", "bytes", "empty"):
        words = [str(tmp_path / name) if word == "-" else word for word in imap(acme)]
        result = kith(*words)
        assert result.status in {1, 2}
        assert name in result.err
    assert acme.asked == []


# --- on a terminal ------------------------------------------------------------------------------------------------------


def typed(kith: Kith, answers: dict[str, str], *arguments: str) -> tuple[int, str]:
    """Status and screen of a command on a terminal of its own, where each question is answered as it comes."""
    control, terminal = pty.openpty()
    words = [sys.executable, "-m", "tests.cli.acme", *arguments]
    with subprocess.Popen(
        words, env=kith.environment, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    ) as program:
        os.close(terminal)
        screen, deadline = b"", time.monotonic() + 60
        waiting = dict(answers)
        while time.monotonic() < deadline:
            try:
                read = os.read(control, 4_096)
            except OSError:
                break
            if not read:
                break
            screen += read
            for question in [one for one in waiting if one.encode() in screen]:
                os.write(control, f"{waiting.pop(question)}\n".encode())
        status = program.wait(timeout=10)
    os.close(control)
    return status, screen.decode(errors="replace")


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
def test_a_password_is_asked_for_and_not_shown(kith: Kith, acme: Acme) -> None:
    """On a terminal without a file; what is typed does not appear."""
    words = [word for word in imap(acme, "--no-sync") if word not in {"--password-file", "-"}]
    status, screen = typed(kith, {"Password of mara@example.com at 127.0.0.1": PASSWORD}, *words)
    assert status == 0, screen
    assert "is connected: imap-" in screen
    assert PASSWORD not in screen


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of POSIX")
@pytest.mark.parametrize(("answer", "status"), [("y", 0), ("n", 2)])
def test_a_server_that_is_not_sure_is_confirmed(kith: Kith, acme: Acme, answer: str, status: int) -> None:
    """On a terminal the owner says whether it is the right one, before the password is asked for; a no sends nothing."""
    kith.environment["ACME_PORT"] = str(acme.port)
    words = ("connect", "imap", "--user", "mara@example.com", "--allow-private", "--no-sync")
    answers = {"Is that your server?": answer, "Password of mara@example.com at 127.0.0.1": PASSWORD}
    told, screen = typed(kith, answers, *words)
    assert told == status, screen
    assert bool(acme.asked) is (answer == "y")
    assert ("Password of" in screen) is (answer == "y")


# --- states and keys ----------------------------------------------------------------------------------------------------


def test_paused_accounts_are_left_alone(kith: Kith, acme: Acme) -> None:
    """Until they are resumed; asked for by name they are read once."""
    kith(*imap(acme, "--name", "Work"), given=PASSWORD)
    assert kith.json("pause", "Work", shape="account")["state"] == "paused"
    acme.items["mail"].append(a_message("m9", "ana@example.org", days_ago=0.5))
    assert kith.json("sync")["accounts"] == []
    assert total(kith.json("sync", "Work"), "added") == 1
    assert kith.json("accounts")["accounts"][0]["state"] == "paused"
    assert kith.json("resume", "work", shape="account")["state"] == "active"
    assert total(kith.json("sync"), "read") == 0


def feed_of(kith: Kith, name: str) -> Any:
    (account,) = [one for one in kith.json("accounts")["accounts"] if one["name"] == name]
    (feed,) = account["feeds"]
    return feed


def test_one_that_fails_keeps_no_other_from_being_read(kith: Kith, acme: Acme) -> None:
    """The exit status says how it went in all: 3 for some, 4 for one to reconnect, 1 for all."""
    kith(*imap(acme), given=PASSWORD)
    with running() as other:
        other.items["mail"] = [a_message("o1", "ben@example.org")]
        words = imap(other, "--name", "Other", "--no-sync")
        kith(*words, given=PASSWORD)
        acme.is_down = True
        report = kith.json("sync", status=3, shape="sync")
        assert {one["name"]: bool(one["reason"]) for one in report["accounts"]} == {
            "mara@example.com": True,
            "Other": False,
        }
        assert total(report, "added") == 1
        feed = feed_of(kith, "mara@example.com")
        assert (feed["failures"], feed["next_at"]) == (1, "2026-11-23T09:00:02Z")
        acme.is_down, acme.retry_after = False, 77
        assert (
            kith.json("sync", "mara@example.com", status=1)["accounts"][0]["reason"]
            == "127.0.0.1 asks for patience."
        )
        feed = feed_of(kith, "mara@example.com")
        assert (feed["failures"], feed["next_at"]) == (2, "2026-11-23T09:01:17Z")
        assert feed["failing_since"] == "2026-11-23T09:00:00Z"
        asked = len(acme.asked)
        told = kith.json("sync", "mara@example.com", status=1)["accounts"][0]["reason"]
        assert told.startswith("The server asked to be left alone until 09:01 UTC.")
        assert len(acme.asked) == asked, "whoever asks for patience has it, also by hand"
        kith.environment["KITH_NOW"] = "2026-11-23T09:02:00Z"
        other.passwords = {}
        assert kith("sync").status == 4
        acme.retry_after = None
    kith.environment["KITH_NOW"] = "2026-11-23T09:05:00Z"
    assert kith("sync", "mara@example.com").status == 0


def test_everything_can_be_read_anew(kith: Kith, acme: Acme) -> None:
    """`--full` goes back to the beginning, and holds all already."""
    kith(*imap(acme), given=PASSWORD)
    report = kith.json("sync", "--full", shape="sync")
    assert (total(report, "read"), total(report, "unchanged")) == (5, 5)


def test_keys_are_changed(kith: Kith, acme: Acme) -> None:
    """A new key takes over, the old one still opens old backups; taken away, nothing is lost."""
    kith(*imap(acme), given=PASSWORD)
    key = kith.home / "secret.key"
    old = key.read_text().strip()
    assert kith.json("accounts", "--rotate") == {"secrets": 1, "keys": 2}
    assert key.read_text().split()[1] == old
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_text(key.read_text().split()[0])
    assert kith("sync").status == 0
    given = Kith(kith.home, settings={"KITH_SECRET_KEY": "n" * 40}, connectors=kith.connectors)
    assert given("accounts", "--rotate").status == 1
    listed = Kith(
        kith.home, settings={"KITH_SECRET_KEY": f"{'n' * 40},{key.read_text()}"}, connectors=kith.connectors
    )
    assert listed.json("accounts", "--rotate") == {"secrets": 1, "keys": 2}
    assert given("sync").status == 0


def test_a_lost_key_is_told(kith: Kith, acme: Acme) -> None:
    """The account waits to be reconnected; put back, the key opens it again."""
    kith(*imap(acme), given=PASSWORD)
    key = kith.home / "secret.key"
    old = key.read_text()
    key.write_text("x" * 43)
    told = kith("sync")
    assert (told.status, "key that this home no longer has" in told.out) == (4, True)
    key.write_text(old)
    assert kith("sync", "mara@example.com").status == 0
    assert kith.json("accounts")["accounts"][0]["state"] == "active"


def test_what_is_disconnected_is_gone_but_for_what_came(kith: Kith, acme: Acme) -> None:
    """The secret and the account go, what it brought stays; connected again, nothing comes twice."""
    kith(*imap(acme), given=PASSWORD)
    before = kith.export(kith.home.parent / "before", without=("events.jsonl",))
    assert kith("disconnect", "mara@example.com").status == 0
    assert kith.json("accounts")["accounts"] == []
    assert kith.export(kith.home.parent / "after", without=("events.jsonl",)) == before
    report = kith.json(*imap(acme), given=PASSWORD)["report"]
    assert (total(report, "read"), total(report, "added")) == (5, 0)


def test_an_account_can_be_forgotten_with_all_it_brought(kith: Kith, acme: Acme, tmp_path: Path) -> None:
    """No byte of it is left in the home; connected again, all comes back."""
    acme.passwords["mara@secret-work.example"] = PASSWORD
    acme.items["mail"] = [a_message("c1", "zoe@canary.example", days_ago=2, name="Zoe Heliotrope")]
    kith(*imap(acme, "--name", "Heliotrope", user="mara@secret-work.example"), given=PASSWORD)
    assert kith("digest", "--out", kith.home / "digests").status == 0
    canaries = (b"zoe@canary", b"heliotrope", b"secret-work")

    def everything() -> bytes:
        return b"".join(one.read_bytes() for one in kith.home.rglob("*") if one.is_file()).lower()

    assert [one for one in canaries if one not in everything()] == []
    told = kith.json("disconnect", "Heliotrope", "--forget")
    assert told["events"] == 1
    assert [one for one in canaries if one in everything()] == []
    assert kith.json("people")["people"] == []
    assert kith.json("status")["sources"] == []
    assert kith.json("accounts")["accounts"] == []
    words = imap(acme, "--name", "Heliotrope", user="mara@secret-work.example")
    assert total(kith.json(*words, given=PASSWORD)["report"], "added") == 1


# --- nothing is told ----------------------------------------------------------------------------------------------------


def test_no_secret_is_in_any_file(kith: Kith, acme: Acme, tmp_path: Path) -> None:
    """Database, its log, backup, export and config hold no byte of passwords, tokens and secret addresses (S3, S22)."""
    file = tmp_path / "token"
    file.write_text(TOKEN)
    url = f"http://127.0.0.1:{acme.port}{FEED_PATH}"
    kith(*imap(acme), given=PASSWORD)
    kith("connect", "todoist", "--token-file", file, "--tasks")
    kith("connect", "caldav", "--url", "-", "--allow-private", given=url)
    assert len(kith.json("accounts")["accounts"]) == 3
    acme.passwords, acme.tokens, acme.has_feed = {}, {}, False
    assert kith("sync").status == 4
    file.unlink()
    assert kith("backup", tmp_path / "kept").status == 0
    kith.export(tmp_path / "out")
    (tmp_path / "unpacked").mkdir()
    subprocess.run(["tar", "-xzf", tmp_path / "kept", "-C", tmp_path / "unpacked"], check=True)
    assert (tmp_path / "unpacked" / "account").is_dir()
    everything = b"".join(one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())
    assert b"imap-" in everything
    for canary in (PASSWORD, TOKEN, "private-canary"):
        assert canary.encode() not in everything
    assert not any(b"account" in one.read_bytes() for one in (tmp_path / "out").glob("[!e]*"))


def test_a_backup_without_the_key_needs_accounts_reconnected(kith: Kith, acme: Acme, tmp_path: Path) -> None:
    """With the key they go on; without it each says what to do."""
    kith(*imap(acme), given=PASSWORD)
    kith("backup", tmp_path / "bare")
    kith("backup", tmp_path / "keyed", "--with-key")
    for name, state in (("bare", "reconnect"), ("keyed", "active")):
        fresh = Kith(tmp_path / f"home-{name}", connectors=kith.connectors)
        told = fresh("restore", tmp_path / name)
        assert told.status == 0
        (account,) = fresh.json("accounts", shape="accounts")["accounts"]
        assert account["state"] == state
        assert ("mara@example.com" in told.err) is (state == "reconnect")
        assert fresh("sync").status == (4 if state == "reconnect" else 0)
    bare = Kith(tmp_path / "home-bare", connectors=kith.connectors)
    made = bare.json(*imap(acme), given=PASSWORD)
    assert (made["account"]["state"], total(made["report"], "added")) == ("active", 0)
