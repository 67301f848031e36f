"""How commands end: statuses, one document or calm text, one line on trouble, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest

from deploy.cli.main import _SECTIONS, app
from deploy.lock import only_here
from tests.cli.runner import MARA, Kith, Result, a_mail, an_mbox, total

HEAVY = (
    "sqlalchemy",
    "alembic",
    "rich.table",
    "rich.progress",
    "dramatiq",
    "jinja2",
    "phonenumbers",
    "msgspec",
    "asyncio",
)
COMMANDS = (
    "init", "up", "import", "status", "people", "show", "followups", "done", "snooze", "dismiss", "role", "tag",
    "cadence", "note", "favour", "merge", "split", "duplicates", "distinct", "digest", "serve", "worker", "scheduler", "rejects", "replay", "export",
    "config", "doctor", "migrate", "schema", "search", "mute", "never", "verdict", "demo", "backup", "restore", "forget",
    "connect", "accounts", "disconnect", "sync", "pause", "resume",
)  # fmt: skip


def test_help_answers_at_once_and_names_every_command() -> None:
    """`kith --help` comes at once (the best of seven: a busy machine is not the command's)."""
    seconds = []
    for _ in range(7):
        began = time.perf_counter()
        answer = subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", "--help"], capture_output=True, text=True, check=True
        )
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.6
    listed = {
        line.split()[0] for line in answer.stdout.splitlines() if line.startswith("  ") and line.split()
    }
    assert set(COMMANDS) <= listed
    assert "..." not in answer.stdout.partition("Begin:")[2], "each says what it does on one line of 80"


def test_help_lists_each_command_once_by_what_it_is_for() -> None:
    """No command is left out of the sections of `kith --help`, and none stands in two."""
    told = [name for names in _SECTIONS.values() for name in names.split()]
    assert sorted(told) == sorted(app.commands)


def test_the_release_is_told(kith: Kith) -> None:
    """`kith --version`, with or without a home; nothing is opened for it."""
    assert kith("--version") == Result(0, f"kith, version {version('kith')}\n", "")


def test_a_misspelt_command_is_asked_after_in_whole_sentences(kith: Kith) -> None:
    """What was probably meant, with one mark at the end of the question."""
    told = kith("peple").err
    assert told == "kith: No such command 'peple'. Did you mean 'people'? See: kith --help\n"
    assert "?." not in kith("people", "--limits", "3").err
    assert kith("nonsense").err == "kith: No such command 'nonsense'. See: kith --help\n"


def loaded(*arguments: str, home: str = "") -> set[str]:
    """The modules that a command loads in its own process."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "deploy.cli.main", *arguments],
        env=os.environ | ({"KITH_HOME": home} if home else {}),
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        line.rpartition("|")[2].strip()
        for line in told.stderr.splitlines()
        if line.startswith("import time:")
    }


@pytest.mark.parametrize("arguments", [["--help"], ["people", "--help"], ["nonsense"]])
def test_what_is_heavy_is_not_imported_to_help(arguments: list[str]) -> None:
    """Neither the help nor a wrong word loads the database, tables, templates or the queue."""
    heavy = HEAVY if arguments == ["--help"] else HEAVY[:4]
    assert not {name for name in loaded(*arguments) if name.startswith(heavy)}


def test_mail_that_nobody_has_to_read_loads_no_reader(kith: Kith, tmp_path: Path) -> None:
    """`kith import` of a mailbox read before loads no grammar, no calendar and no telephone numbers."""
    path = tmp_path / "inbox.mbox"
    path.write_bytes(an_mbox(a_mail("a")))
    assert kith("import", path).status == 0
    names = loaded("import", str(path), home=str(kith.home))
    assert "connectors._mail_formats" in names
    assert not {
        one for one in names if one.startswith(("services.signals.reading", "icalendar", "phonenumbers"))
    }


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(kith: Kith, command: str) -> None:
    """`kith COMMAND --help` and `-h` print its use on standard output, before and after the word."""
    result = kith(command, "--help")
    assert result.status == 0
    assert f"Usage: kith {command}" in result.out
    assert kith(command, "-h").out == result.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense", "people"],
        ["people", "--nonsense"],
        ["show"],
        ["show", "nobody at all"],
        ["people", "--limit", "0"],
        ["people", "--sort", "age"],
        ["init", "--name", "X"],
        ["init", "--name", "X", "--email", "not an address", "--timezone", "Europe/Berlin"],
        ["init", "--name", " ", "--email", "x@example.com", "--timezone", "Europe/Berlin"],
        ["init", "--name", "X", "--email", "x@example.com", "--timezone", "Mars/Olympus"],
        ["digest", "--week", "2026-W99"],
        ["digest", "--week", "next"],
        ["digest", "--week", "0001-W01"],
        ["digest", "--week", "9999-W52"],
        ["search", "x", "--since", "0001-01-01"],
        ["verdict", "@", "human"],
        ["followups", "--rule", "nonsense"],
        ["followups", "--person", "nobody"],
        ["done", "f000000"],
        ["done", ""],
        ["snooze", "f000000", "--until", "tomorrow"],
        ["dismiss", "zz"],
        ["role", "nobody", "mentor"],
        ["cadence", "nobody", "30d"],
        ["favour", "taken", "nobody", "x"],
        ["merge", "a", "b"],
        ["split", "a", "b"],
        ["distinct", "a", "b"],
        ["verdict", "x@example.com", "maybe"],
        ["verdict", "example.com", "human"],
        ["search"],
        ["search", "x", "--since", "May"],
        ["search", "x", "--kind", "nonsense"],
        ["import"],
        ["import", ".", "--since", "31.1.2025"],
        ["import", ".", "--as", "nonsense"],
        ["export"],
        ["--owner", "nobody@example.com", "people"],
    ],
    ids=" ".join,
)
def test_wrong_words_end_with_2_and_one_line(kith: Kith, arguments: list[str]) -> None:
    """Nothing on standard output; one line on standard error that begins with the program's name."""
    result = kith(*arguments)
    assert (result.status, result.out) == (2, ""), result
    assert result.err.startswith("kith: ")
    assert result.err.count("\n") == 1
    assert len(result.err) > 20
    assert kith("--json", *arguments) == result


def test_an_ambiguous_name_lists_who_it_could_be(kith: Kith, tmp_path: Path) -> None:
    """Two of a name: exit 2 and the candidates with ids; an address, an id, or the whole name says which."""
    cards = "".join(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nEMAIL:{email}\r\nEND:VCARD\r\n"
        for name, email in (
            ("Ana Okafor", "ana@example.org"),
            ("Ana Silva", "silva@example.org"),
            ("Mei Tanaka", "mei@example.net"),
        )
    )
    (tmp_path / "cards.vcf").write_text(cards)
    kith("import", tmp_path / "cards.vcf")
    result = kith("show", "Ana")
    assert result.status == 2
    assert "ana@example.org" in result.err
    assert "silva@example.org" in result.err
    assert "Tanaka" not in result.err, (
        "letters inside another name are no likeness while a whole word is there"
    )
    page = kith.json("show", "Ana Silva", shape="show")["person"]
    assert page["emails"] == ["silva@example.org"]
    for who in (
        page["id"],
        "silva@example.org",
        "SILVA@Example.org",
        "Silva",
        "ana silva",
        "Silva Ana",
        " Ana  Silva ",
    ):
        assert kith.json("show", who)["person"]["id"] == page["id"], who
    assert kith.json("show", "Tana")["person"]["name"] == "Mei Tanaka"


def test_a_home_that_is_not_there_says_how_to_make_it(tmp_path: Path) -> None:
    """Every command that needs a home ends with 1 and names `kith init`; none makes one by accident."""
    kith = Kith(tmp_path / "none")
    for command in (
        ["people"],
        ["status"],
        ["import", "."],
        ["followups"],
        ["replay"],
        ["digest"],
        ["export", "--out", str(tmp_path / "o")],
    ):
        result = kith(*command)
        assert (result.status, result.out) == (1, ""), command
        assert "kith init" in result.err
        assert result.err.count("\n") == 1
    assert not (tmp_path / "none").exists()


def test_settings_that_make_no_sense_are_named(tmp_path: Path) -> None:
    """A bad value: which setting, from where, and what it may be; one line, exit 1."""
    Kith(tmp_path / "home").init()
    for name, value in (
        ("KITH_WEEKLY_CAP", "many"),
        ("KITH_LOOKBACK", "long"),
        ("KITH_NOW", "now"),
        ("KITH_KEEP_TEXT", "some"),
        ("KITH_DIGEST_DAY", "someday"),
        ("KITH_LOG_FORMAT", "xml"),
        ("KITH_PUBLIC_URL", "kith.example.com"),
        ("KITH_DIGEST_TIME", "25:99"),
        ("KITH_DATABASE_URL", "nonsense"),
        ("KITH_DATABASE_URL", "mysql://x/y"),
        ("KITH_SECRET_KEY_FILE", "/nowhere"),
    ):
        result = Kith(tmp_path / "home", settings={name: value})("status")
        assert result.status == 1, (name, result)
        assert result.err.startswith("kith: ")
        assert result.err.count("\n") == 1, (name, result.err)
        assert "fault in Kith" not in result.err, (name, result.err)
        assert name.removesuffix("_FILE") in result.err, "by its own name"
    (tmp_path / "home" / "kith.toml").write_text("this is no toml")
    assert "kith.toml" in Kith(tmp_path / "home")("status").err


def test_a_key_that_others_can_read_is_refused(kith: Kith) -> None:
    """The key's mode is 0600 and the home's 0700 as made; a wider key is refused with the way to mend it."""
    key = kith.home / "secret.key"
    assert (key.stat().st_mode & 0o777, kith.home.stat().st_mode & 0o777) == (0o600, 0o700)
    assert (kith.home / "kith.db").stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    assert "chmod 600" in kith("status").err
    assert kith("doctor").status == 1


def test_a_damaged_database_is_one_line(kith: Kith) -> None:
    """Bytes that are no database: exit 1, one line that names the way back."""
    (kith.home / "kith.db").write_bytes(b"not a database at all" * 100)
    result = kith("people")
    assert result.status == 1
    assert result.err.count("\n") == 1
    assert "restore" in result.err
    assert kith("doctor").status == 1


def test_options_stand_before_or_after_the_command(kith: Kith, tmp_path: Path) -> None:
    """`--json`, `--home` and `--owner` mean the same on either side; what follows `--` is words."""
    other = Kith(tmp_path / "other").init()
    one = kith("--json", "--home", other.home, "people")
    for arguments in (
        ["people", "--json", "--home", str(other.home)],
        ["--json", "people", f"--home={other.home}"],
        ["people", "--owner", "mara@example.com", "--home", str(other.home), "--json"],
    ):
        assert kith(*arguments) == one
    assert kith("people", "--", "--json").out.startswith("Nobody matches")


def test_a_running_home_is_busy(kith: Kith) -> None:
    """A second `kith up` ends with 5, and says who has it; reading goes on."""
    with only_here(kith.home):
        result = kith("up", "--port", "0")
        assert result.status == 5, result
        assert result.err.count("\n") == 1
        assert kith("people").status == 0


def test_only_one_document_goes_to_standard_output(kith: Kith, tmp_path: Path) -> None:
    """Every `--json` answer of a program without a terminal is one document and nothing else; never a colour."""
    (tmp_path / "m.mbox").write_bytes(
        an_mbox(a_mail("a"), a_mail("b", "mara@example.com", "ana@example.org"))
    )
    for arguments in (
        ["import", tmp_path / "m.mbox"], ["status"], ["config"], ["people"], ["show", "Ana"], ["followups", "--all"],
        ["duplicates"], ["search", "draft"], ["rejects"], ["digest"], ["digest", "--out", tmp_path / "d"], ["replay"],
        ["export", "--out", tmp_path / "e"], ["schema"], ["migrate"], ["doctor"],
    ):  # fmt: skip
        result = kith(*arguments, "--json")
        assert result.status == 0, arguments
        json.loads(result.out)
        assert "\x1b" not in result.out + result.err


def test_no_colour_and_no_bars_without_a_terminal(kith: Kith, tmp_path: Path) -> None:
    """As a program with its output in pipes: no escape sequence on either stream, and no question asked."""
    (tmp_path / "m.mbox").write_bytes(an_mbox(a_mail("a")))
    for arguments in (
        ["import", tmp_path / "m.mbox"],
        ["people"],
        ["show", "ana@example.org"],
        ["followups"],
    ):
        result = kith.program(*arguments)
        assert result.returncode == 0
        assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.skipif(os.name != "posix", reason="pipes break otherwise elsewhere")
def test_a_reader_who_has_had_enough_is_no_trouble(kith: Kith, tmp_path: Path) -> None:
    """`kith … | head -1` ends well, and says nothing."""
    (tmp_path / "m.mbox").write_bytes(an_mbox(*(a_mail(f"a{n}", subject="x" * 200) for n in range(400))))
    kith("import", tmp_path / "m.mbox")
    for arguments in (["show", "ana@example.org", "--json"], ["search", "x", "--limit", "400"], ["schema"]):
        with subprocess.Popen(
            kith.words(*arguments), env=kith.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(1)
            process.stdout.close()
            assert process.stderr.read() == b""
            assert process.wait(30) == 0


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_ctrl_c_in_an_import_ends_with_130_and_repeating_goes_on(kith: Kith, tmp_path: Path) -> None:
    """Interrupted with its parsing processes: one line, no traceback; what was read stays, the rest comes after."""
    count = 24_000
    path = tmp_path / "m.mbox"
    path.write_bytes(
        an_mbox(*(a_mail(f"a{n}", f"p{n % 300}@example.org", body="x" * 900) for n in range(count)))
    )
    with subprocess.Popen(
        kith.words("import", path),
        env=kith.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        log = kith.home / "kith.db-wal"
        deadline = time.monotonic() + 60
        while (
            process.poll() is None
            and (not log.exists() or log.stat().st_size < 300_000)
            and time.monotonic() < deadline
        ):
            pass
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, (out, err)
    assert err.count("\n") == 1, err
    report = kith.json("import", path, shape="report")
    assert total(report, "read") == count
    assert 0 < total(report, "unchanged") < count
    assert total(report, "added") + total(report, "unchanged") == count


def test_what_is_no_backup_is_called_so(tmp_path: Path) -> None:
    """A file of another kind, in words of the owner's and not of a library."""
    (tmp_path / "c.vcf").write_text("BEGIN:VCARD\n")
    told = Kith(tmp_path / "new")("restore", tmp_path / "c.vcf")
    assert told.status == 1
    assert "c.vcf cannot be restored: it is no backup of Kith." in told.err


def test_another_owner_is_not_made_unawares(kith: Kith) -> None:
    """A known address among those given means its owner; a wholly new one makes another book, and that is said."""
    both = ("--email", "mara@work.example", "--email", "mara@example.com")
    again = kith("init", "--name", "Mara Lindholm", *both, "--timezone", "Europe/Berlin")
    assert "owners" not in again.err
    assert kith("people").status == 0, "one owner still"
    other = kith("init", "--name", "Mara", "--email", "mara@exmaple.com", "--timezone", "Europe/Berlin")
    assert "This home now has 2 owners: mara@example.com, mara@exmaple.com." in other.err
    assert "--email mara@example.com --email mara@exmaple.com" in other.err


def test_init_again_changes_who_the_owner_is(kith: Kith) -> None:
    """A second `init` of the same main address adds addresses; the key stays."""
    key = (kith.home / "secret.key").read_bytes()
    assert kith("init", *MARA, "--email", "mara@work.example", "--domain", "work.example").status == 0
    assert (kith.home / "secret.key").read_bytes() == key
    kith.export(kith.home / "out")
    owner = json.loads((kith.home / "out" / "owner.json").read_text())
    assert owner["emails"] == ["mara@example.com", "mara@work.example"]
    assert "work.example" in owner["domains"]
