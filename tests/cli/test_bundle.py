"""`kith doctor --bundle`: what it holds, that nothing private is in it, and that it harms no file that is there."""

import json
import sqlite3
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.acme import FEED_PATH, PASSWORD, Acme, acme_connectors, running
from tests.cli.runner import Kith, a_mail

PARTS = {"doctor.json", "status.json", "config.json", "versions.json", "rejects.json"}


@pytest.fixture
def acme() -> Iterator[Acme]:
    with running() as server:
        yield server


def parts(file: Path) -> dict[str, Any]:
    """Every document of a bundle by its name."""
    with zipfile.ZipFile(file) as bundle:
        return {name: json.loads(bundle.read(name)) for name in bundle.namelist()}


def words(file: Path) -> str:
    """Everything that a bundle says, as it stands."""
    with zipfile.ZipFile(file) as bundle:
        return "\n".join([*bundle.namelist(), *(bundle.read(name).decode() for name in bundle.namelist())])


def test_a_sound_home_tells_how_it_is(kith: Kith, tmp_path: Path) -> None:
    """Five parts, the checks equal to those printed, versions of everything; printed is what is in it."""
    (tmp_path / "letters.mbox").write_bytes(b"From - Tue Nov 17 10:00:00 2026\nX: \n\n")
    (tmp_path / "old.pst").write_bytes(b"!BDN" + bytes(600))
    kith("import", tmp_path / "letters.mbox", tmp_path / "old.pst")
    file = tmp_path / "help.zip"
    result = kith("doctor", "--bundle", file)
    assert result.status == 0, result
    assert all(name in result.out for name in PARTS)
    assert "read it before you pass it on" in " ".join(result.out.split())
    held = parts(file)
    assert set(held) == PARTS
    told = kith.json("doctor")
    assert [one["name"] for one in held["doctor.json"]["checks"]][:-1] == [
        one["name"] for one in told["checks"]
    ][:-1]
    assert (
        held["versions.json"]["database"]["migration"]
        == held["versions.json"]["database"]["newest_migration"]
    )
    assert held["versions.json"]["libraries"]["sqlalchemy"]
    assert held["status.json"]["owners"][0]["totals"] == kith.json("status")["totals"]
    settings = {one["name"]: one for one in held["config.json"]["settings"]}
    assert settings["KITH_SECRET_KEY"]["value"] == "********"
    assert settings["KITH_PUBLIC_URL"]["value"] == "http://127.0.0.1:8321"
    assert sum(one["count"] for one in held["rejects.json"]["rejects"]) == len(
        kith.json("rejects")["rejects"]
    )


def test_it_is_the_owners_alone_and_takes_no_files_place(kith: Kith, tmp_path: Path) -> None:
    """Mode 0600, nothing beside it; what is there already stays, and so it does where a link leads nowhere."""
    folder = tmp_path / "out"
    folder.mkdir()
    document = kith.json("doctor", "--bundle", folder / "help.zip")
    assert document["bundle"] == str(folder / "help.zip")
    assert set(document["holds"]) == PARTS
    assert stat.S_IMODE((folder / "help.zip").stat().st_mode) == 0o600
    before = (folder / "help.zip").read_bytes()
    (folder / "link.zip").symlink_to(tmp_path / "nowhere")
    for name in ("help.zip", "link.zip"):
        result = kith("doctor", "--bundle", folder / name)
        assert result.status == 2
        assert "is there already" in result.err
    assert "no folder" in kith("doctor", "--bundle", folder / "none" / "help.zip").err
    assert (folder / "help.zip").read_bytes() == before
    assert {one.name for one in folder.iterdir()} == {"help.zip", "link.zip"}
    assert not (tmp_path / "nowhere").exists()


def test_nothing_private_is_in_it(tmp_path: Path, acme: Acme) -> None:
    """No canary of addresses, names, subjects, secrets, labels, servers or paths, whatever field it is put in."""
    home, user = tmp_path / "canary-home", tmp_path / "canary-user"
    user.mkdir()
    settings = {
        "HOME": str(user),
        "KITH_WATCH": str(user / "canary watched" / "my letters"),
        "KITH_PUBLIC_URL": "https://canary-public.example.net:8443/canary-path",
        "KITH_GOOGLE_CLIENT_ID": "canary-client-id.apps.example",
        "KITH_GOOGLE_CLIENT_SECRET": "canary-client-secret",
        "KITH_MICROSOFT_TENANT": "canary-tenant.example",
        "KITH_TODOIST_ROOT": "http://canary-user:canary-pass@canary-tools.example/v1?token=canary-query",
    }
    kith = Kith(home, settings=settings, connectors=acme_connectors())
    who = (
        "--name",
        "Canarina Owner",
        "--email",
        "canary@canary-mail.example",
        "--email",
        "kanari@example.org",
    )
    kith("init", *who, "--timezone", "Europe/Berlin", "--domain", "canary-firm.example")
    server = ("--host", "127.0.0.1", "--port", str(acme.port), "--security", "none", "--allow-private")
    acme.passwords["canary@canary-mail.example"] = PASSWORD
    mail = ("connect", "imap", "--user", "canary@canary-mail.example", *server, "--name", "Canary's büro")
    assert kith(*mail, "--no-sync", "--password-file", "-", given=PASSWORD).status == 0
    feed = f"http://127.0.0.1:{acme.port}{FEED_PATH}"
    assert kith("connect", "caldav", "--url", feed, "--no-sync", "--allow-private").status == 0
    letter = a_mail("canary-key", "Canary Person <canary-person@example.org>", subject="Canary subject")
    (user / "canary letters.eml").write_bytes(letter)
    (user / "canary old.pst").write_bytes(b"!BDN" + bytes(600))
    assert kith("import", user / "canary letters.eml", user / "canary old.pst").status in {0, 1, 3}
    said = (
        "canary-host.example.net refused canary-other@example.org at https://canary-url.example/canary?x=canary, "
        f"in {user}/canary/file and /srv/canary/x on 10.77.66.55: 'canary: it\\'s' password=canary-word "
        "for Canary's büro (imap-0cafe001)"
    )
    with sqlite3.connect(home / "kith.db") as database:
        database.execute("UPDATE account SET state = 'reconnect', reason = ?", (said,))
        database.execute(
            "UPDATE account SET settings = json_set(settings, '$.folders', json_array('Canary folder'), "
            "'$.list_name', 'Canary list', '$.ca_file', '/etc/canary certificates/ca.pem') WHERE kind = 'imap'"
        )
        database.execute("UPDATE feed SET failures = 5, failed_at = 1, reason = ?, untold = ?", (said, said))
        owner = database.execute("SELECT owner FROM account").fetchone()[0]
        database.execute(
            "INSERT INTO outbox VALUES (?, 'canary', 'imap-0cafe001', 'put', 'Canary task', '{}', 'failed', 1, 1, ?, 1, 1)",
            (owner, said),
        )
        for key, source in enumerate(("imap-0cafe001", str(user / "canary.mbox"), "stream")):
            database.execute(
                "INSERT INTO reject VALUES (?, ?, ?, 'Canary place', ?, 1)", (owner, key, source, said)
            )
    database.close()
    file = tmp_path / "help.zip"
    assert kith("doctor", "--bundle", file).status == 1
    told = words(file).lower()
    assert len(told) > 5_000
    private = (
        "canar",
        "kanari",
        "owner's",
        "my letters",
        "10.77.66.55",
        "0cafe001",
        PASSWORD,
        "private-",
        "büro",
    )
    found = [word for word in private if word.lower() in told]
    assert found == [], [line for line in told.splitlines() if any(word in line for word in found)]
    assert str(tmp_path).lower() not in told
    secret = (home / "secret.key").read_text().strip()
    assert secret.lower() not in told
    assert "<host-" in told
    assert "<imap-1>" in told
    held = parts(file)
    kinds = {one["kind"] for one in held["rejects.json"]["rejects"]}
    assert {"imap", "files.mbox", "stream"} <= kinds
    assert held["status.json"]["owners"][0]["unsent"][0]["state"] == "failed"


def test_a_book_on_either_database_tells_its_version(tmp_path: Path, database_url: str) -> None:
    """PostgreSQL's version and the tables' are told, and of its address no more than which it is."""
    kith = Kith(tmp_path / "home", settings={"KITH_DATABASE_URL": database_url}).init()
    file = tmp_path / "help.zip"
    assert kith("doctor", "--bundle", file).status == 0
    held = parts(file)
    database = held["versions.json"]["database"]
    assert database["migration"] == database["newest_migration"]
    assert ("postgresql" in database) is database_url.startswith("postgresql")
    (told,) = [one["value"] for one in held["config.json"]["settings"] if one["name"] == "KITH_DATABASE_URL"]
    assert told in {"sqlite", "postgresql", "postgresql+psycopg"}
    assert database_url.rpartition("/")[2] not in words(file)


def test_a_part_that_fails_leaves_the_others(kith: Kith, tmp_path: Path) -> None:
    """A fault of Kith's own where one part is made is told there, as its help is wanted then most of all."""
    with sqlite3.connect(kith.home / "kith.db") as database:
        database.execute("DROP TABLE outbox")
    database.close()
    kith("doctor", "--bundle", tmp_path / "help.zip")
    held = parts(tmp_path / "help.zip")
    assert held["status.json"] == {
        "unknown": "It could not be told: a fault in Kith itself (OperationalError)."
    }
    assert held["rejects.json"] == {"rejects": []}
    assert held["versions.json"]["kith"]


def test_several_owners_are_all_told_of(kith: Kith, tmp_path: Path) -> None:
    """Without --owner, as doctor itself: each owner's status, under placeholders that differ."""
    kith("init", "--name", "Ben Asante", "--email", "ben@example.org", "--timezone", "Europe/Lisbon")
    assert kith("doctor", "--bundle", tmp_path / "help.zip").status == 0
    owners = parts(tmp_path / "help.zip")["status.json"]["owners"]
    assert [one["timezone"] for one in owners] == ["Europe/Berlin", "Europe/Lisbon"]
    assert len({one["email"] for one in owners} | {one["owner"] for one in owners}) == 4
    assert not [word for word in ("Ben", "Mara", "example.") if word in words(tmp_path / "help.zip")]


@pytest.mark.parametrize("broken", ["none", "setting", "damaged", "server"])
def test_a_broken_home_tells_what_can_be_told(kith: Kith, tmp_path: Path, broken: str) -> None:
    """No home, a setting that is none, a damaged database, one out of reach: the bundle is written, and says where to look."""
    file = tmp_path / "help.zip"
    if broken == "none":
        kith = Kith(tmp_path / "canary-none")
    elif broken == "setting":
        kith = Kith(kith.home, settings={"KITH_DIGEST_TIME": "canary-secret-in-the-wrong-place"})
    elif broken == "server":
        server = "postgresql://canary-user:canary-pass@canary-db.example:1/canary-book"
        kith = Kith(kith.home, settings={"KITH_DATABASE_URL": server})
    else:
        (kith.home / "kith.db").write_bytes(b"no database" * 1_000)
    assert kith("doctor", "--bundle", file).status == 1
    held = parts(file)
    assert set(held) == PARTS
    assert set(held["status.json"]) == set(held["rejects.json"]) == {"unknown"}
    assert any(one["state"] == "fault" for one in held["doctor.json"]["checks"])
    assert "canary" not in words(file)
    if broken == "setting":
        assert "KITH_DIGEST_TIME" in words(file)
