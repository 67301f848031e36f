"""A backup holds one instant of a running home, and restores to the same export on either database."""

import gzip
import io
import os
import random
import stat
import tarfile
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from deploy.cli import keeping
from deploy.cli.context import Context
from schemas.decisions import Merge, OwnerDeclared
from schemas.errors import ConfigError, HomeTooNew, KithError
from services.backup import FORMAT, MANIFEST, Backup, Manifest, write_backup
from services.book import Book, begin_book
from services.composing import compose
from services.store import events as stream
from services.store.migrate import migrate
from services.store.unit import Store, open_store
from tests.services.builders import MARA, NOW, a_book, a_message, exported, take
from tests.services.test_book import some_records


def test_a_reading_unit_sees_one_instant(store: Store) -> None:
    """What others write while a unit reads is not seen by it."""
    book = a_book(store)
    with store.read() as unit:
        before = stream.last_seq(unit, book.owner)
        take(book, [a_message("b1", "ben@example.net")])
        assert stream.last_seq(unit, book.owner) == before


def a_full_book(store: Store) -> Book:
    """A book with records, decisions, a digest, rejects and two owners."""
    book = a_book(store)
    take(book, some_records())  # type: ignore[arg-type]
    book.decide([Merge(a="email:ben@example.net", b="email:cem@example.org")])
    compose(book)
    jo = OwnerDeclared(name="Jo", emails=("jo@example.com",), timezone="Pacific/Kiritimati")
    take(
        Book(store, begin_book(store, jo, book.clock), book.clock),
        [a_message("j", "ann@example.net", ["jo@example.com"])],
    )
    return book


def empty_store(url: str) -> Store:
    store = open_store(url)
    migrate(store)
    return store


def backed_up(store: Store, file: Path) -> Manifest:
    return write_backup(store, file, NOW, "0", {})


def test_a_restored_book_exports_the_same_on_either_database(tmp_path: Path, postgres_database: str) -> None:
    """SQLite to PostgreSQL to SQLite: every file of the export, events included, is byte for byte what it was."""
    stores = [
        empty_store(f"sqlite:///{tmp_path / 'a.db'}"),
        empty_store(postgres_database),
        empty_store(f"sqlite:///{tmp_path / 'b.db'}"),
    ]
    book = a_full_book(stores[0])
    owners = [book.owner, book.owner + 1]
    before = [exported(Book(stores[0], who, book.clock), tmp_path / f"0{who}") for who in owners]
    assert all(files["events.jsonl"] for files in before)
    for number, (old, new) in enumerate(pairwise(stores)):
        file = tmp_path / f"{number}.tar.gz"
        backed_up(old, file)
        Backup(file).load(new)
        for who, files in zip(owners, before, strict=True):
            restored = Book(new, who, book.clock)
            restored.replay()
            assert exported(restored, tmp_path / f"{number}{who}") == files
    assert (tmp_path / "0.tar.gz").read_bytes() == (tmp_path / "1.tar.gz").read_bytes()
    for one in stores:
        one.close()


def test_a_restored_book_goes_on(tmp_path: Path, database_url: str) -> None:
    """New events, sources and owners come after the restored ones, and what was held is held still."""
    with_all = empty_store(f"sqlite:///{tmp_path / 'a.db'}")
    book = a_full_book(with_all)
    backed_up(with_all, tmp_path / "kept.tar.gz")
    url = database_url if not database_url.startswith("sqlite") else f"sqlite:///{tmp_path / 'b.db'}"
    again = empty_store(url)
    Backup(tmp_path / "kept.tar.gz").load(again)
    restored = Book(again, book.owner, book.clock)
    restored.replay()
    report = take(restored, [*some_records(), a_message("new", "ben@example.net")])  # type: ignore[list-item]
    assert (report.added, report.changed, report.unchanged) == (1, 0, 10)
    ola = OwnerDeclared(name="Ola", emails=("ola@example.com",), timezone="UTC")
    assert begin_book(again, ola, book.clock) == book.owner + 2
    take(book, [*some_records(), a_message("new", "ben@example.net")])  # type: ignore[list-item]
    left, right = (
        exported(one, tmp_path / str(n), ["events.jsonl"]) for n, one in enumerate((book, restored))
    )
    assert left == right
    again.close()
    with_all.close()


def test_a_backup_of_a_running_home_is_one_instant(store: Store, tmp_path: Path) -> None:
    """Taken while another thread appends, it holds a whole beginning of the stream and all that belongs to it."""
    book = a_book(store)
    stop = threading.Event()
    seen: list[int] = []

    def write() -> None:
        writer = Book(store, book.owner, book.clock)
        for number in range(400):
            take(writer, [a_message(f"w{number}.{n}", f"p{number % 7}@example.net") for n in range(3)])
            seen.append(number)
            if stop.is_set():
                return

    thread = threading.Thread(target=write)
    thread.start()
    try:
        for number in range(5):
            while len(seen) < 3 * number + 1:
                assert thread.is_alive()
            manifest = backed_up(store, tmp_path / f"{number}.tar.gz")
            new = empty_store(f"sqlite:///{tmp_path / f'{number}.db'}")
            Backup(tmp_path / f"{number}.tar.gz").load(new)
            with new.read() as unit:
                events = list(stream.read_all(unit, book.owner))
                held = stream.held_keys(unit, book.owner, 2)
            assert len(events) == manifest.counts["event"]
            assert (len(events) - 1) % 3 == 0
            assert sorted(held.values()) == [one.seq for one in events[1:]]
            new.close()
    finally:
        stop.set()
        thread.join()


def context_of(home: Path, url: str = "", key: str = "") -> Context:
    environment = {"KITH_HOME": str(home), "KITH_NOW": NOW.isoformat()}
    environment |= {"KITH_DATABASE_URL": url} if url else {}
    environment |= {"KITH_SECRET_KEY": key} if key else {}
    return Context(environment, as_json=True)


def a_home(folder: Path) -> Context:
    context = context_of(folder)
    book = context.application.make(OwnerDeclared(name="Mara", emails=(MARA,), timezone="UTC"))
    take(book, some_records())  # type: ignore[arg-type]
    return context


def unpacked(file: Path) -> dict[str, bytes]:
    with tarfile.open(file) as archive:
        return {one.name: archive.extractfile(one).read() for one in archive}  # type: ignore[union-attr]


def test_the_commands_keep_and_restore_a_home(
    tmp_path: Path, database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """`kith backup` and `kith restore` carry a home to another place and another database; files are private."""
    old = a_home(tmp_path / "old")
    (tmp_path / "old" / "kith.toml").write_text(
        'weekly_cap = 3\nsecret_key = "hush-hush"\nKITH_DATABASE_URL = "sqlite:///elsewhere.db"\n'
        'google_client_secret_file = "/run/secret"\nlookback = "30d"\n'
    )
    file = tmp_path / "kept.tar.gz"
    assert keeping.backup(old, str(file)) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in tmp_path.iterdir() if one.name.startswith(".")] == []
    key = (tmp_path / "old" / "secret.key").read_bytes()
    content = b"".join(unpacked(file).values())
    assert key not in content
    assert b"hush-hush" not in content
    assert b"elsewhere" not in content
    new = context_of(tmp_path / "new", "" if database_url.startswith("sqlite") else database_url)
    capsys.readouterr()
    assert keeping.restore(new, str(file)) == 0
    told = msgspec.json.decode(capsys.readouterr().out)
    assert (told["owners"], told["has_key"]) == ([MARA], False)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "new" / "secret.key").stat().st_mode) == 0o600
    assert (tmp_path / "new" / "secret.key").read_bytes() != key
    assert (tmp_path / "new" / "kith.toml").read_text() == 'weekly_cap = 3\nlookback = "30d"\n'
    left, right = (exported(one.application.book(), tmp_path / str(n)) for n, one in enumerate((old, new)))
    assert left == right
    with pytest.raises(ConfigError, match=f"already holds the book of {MARA}"):
        keeping.restore(new, str(file))
    assert exported(new.application.book(), tmp_path / "still") == right
    for one in (old, new):
        one.close()


def test_the_key_travels_only_when_asked_for(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the key in it, a backup gives the new home the old key."""
    a_home(tmp_path / "old").close()
    old, new = context_of(tmp_path / "old"), context_of(tmp_path / "new")
    assert keeping.backup(old, str(tmp_path / "kept"), with_key=True) == 0
    assert keeping.restore(new, str(tmp_path / "kept")) == 0
    key = (tmp_path / "old" / "secret.key").read_text()
    assert len(key) > 30
    assert (tmp_path / "new" / "secret.key").read_text() == key
    assert [msgspec.json.decode(line)["has_key"] for line in capsys.readouterr().out.splitlines()] == [
        True,
        True,
    ]
    old.close()
    new.close()


def test_forget_sets_the_digests_in_the_home_anew(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`kith forget` leaves no name in any file of the home, digests included."""
    context = a_home(tmp_path / "home")
    take(
        context.book,
        [
            a_message("c9", "canary@example.org", name="Zoe Canary"),
            a_message("m9", MARA, ["canary@example.org"]),
        ],
    )
    from deploy.digests import write_digest  # noqa: PLC0415

    folder = tmp_path / "home" / "digests"
    write_digest(compose(context.book), folder)
    (folder / "2020-W01.html").write_text("Zoe Canary")
    capsys.readouterr()
    assert keeping.forget(context, "canary@example.org") == 0
    assert msgspec.json.decode(capsys.readouterr().out)["events"] >= 2
    context.close()
    content = b"".join(one.read_bytes() for one in (tmp_path / "home").rglob("*") if one.is_file()).lower()
    assert b"canary" not in content
    assert (folder / "2026-W48.html").exists()


# --- what is no backup ----------------------------------------------------------------------------------------------


def packed(members: list[tuple[tarfile.TarInfo | str, bytes]]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for entry, content in members:
            one = tarfile.TarInfo(entry) if isinstance(entry, str) else entry
            one.size = len(content)
            archive.addfile(one, io.BytesIO(content))
    return out.getvalue()


def a_link(name: str, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, "/etc/passwd"
    return entry


def a_bomb(size: int) -> bytes:
    """A gzip of a tar member that says it holds so many bytes, and does."""
    entry = tarfile.TarInfo("event/000001.jsonl")
    entry.size = size
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb") as file:
        file.write(entry.tobuf())
        for _ in range(size // 1_048_576):
            file.write(bytes(1_048_576))
    return out.getvalue()


def a_long_name(size: int) -> bytes:
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, size
    return gzip.compress(entry.tobuf(tarfile.GNU_FORMAT) + bytes(1_048_576))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no gzip": lambda: b"hello" * 200,
    "no tar": lambda: gzip.compress(os.urandom(2_000)),
    "an empty tar": lambda: packed([]),
    "no manifest": lambda: packed([("event/000001.jsonl", b"{}\n")]),
    "a path that leads out": lambda: packed([("../../evil", b"x"), (MANIFEST, b"{}")]),
    "an absolute path": lambda: packed([("/etc/cron.d/evil", b"x")]),
    "a known name below another": lambda: packed([("../kith.toml", b"x")]),
    "a link": lambda: packed([(a_link("kith.toml", tarfile.SYMTYPE), b"")]),
    "a hard link": lambda: packed([(a_link("secret.key", tarfile.LNKTYPE), b"")]),
    "a device": lambda: packed([(a_link("kith.toml", tarfile.CHRTYPE), b"")]),
    "a large part": lambda: a_bomb(64 * 1_048_576),
    "a name of a gigabyte": lambda: a_long_name(2**30),
    "a name of less than nothing": lambda: a_long_name(-1_024),
    "a manifest that is none": lambda: packed([(MANIFEST, b"[" * 100_000)]),
    "a manifest of odd types": lambda: packed([(MANIFEST, b'{"format":"1","tables":1}')]),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    """It is refused in one sentence, and the home stays unmade."""
    file = tmp_path / "x.tar.gz"
    file.write_bytes(HOSTILE[name]())
    context = context_of(tmp_path / "new")
    with pytest.raises(ConfigError, match=r"cannot be restored: .+Nothing was changed") as caught:
        keeping.restore(context, str(file))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """A path with nothing there is told as such; so is a folder to which nothing can be written."""
    with pytest.raises(ConfigError, match="There is no file"):
        Backup(tmp_path / "none")
    context = a_home(tmp_path / "home")
    with pytest.raises(ConfigError, match="cannot be written"):
        keeping.backup(context, str(tmp_path / "none" / "x.tar.gz"))
    context.close()


def repacked(members: dict[str, bytes], *, with_sums: bool) -> bytes:
    """Members put together again; with their new sums in the manifest when asked for."""
    if with_sums:
        manifest = msgspec.json.decode(members[MANIFEST], type=Manifest)
        from hashlib import sha256  # noqa: PLC0415

        again = tuple(
            msgspec.structs.replace(
                one, size_bytes=len(members[one.name]), sha256=sha256(members[one.name]).hexdigest()
            )
            for one in manifest.members
        )
        members = members | {MANIFEST: msgspec.json.encode(msgspec.structs.replace(manifest, members=again))}
    return packed(list(members.items()))


def test_every_damage_is_found_before_anything_is_restored(tmp_path: Path) -> None:
    """A file with any byte changed, or cut anywhere, either restores to the very same or is refused."""
    store = empty_store(f"sqlite:///{tmp_path / 'a.db'}")
    a_full_book(store)
    store.close()
    file = tmp_path / "kept.tar.gz"
    store = open_store(f"sqlite:///{tmp_path / 'a.db'}")
    whole = backed_up(store, file)
    store.close()
    content = file.read_bytes()
    chance = random.Random(5)
    for _ in range(150):
        place = chance.randrange(len(content))
        changed = bytes([content[place] ^ (1 + chance.randrange(255))])
        is_cut = chance.random() < 0.3
        file.write_bytes(content[:place] if is_cut else content[:place] + changed + content[place + 1 :])
        try:
            found = Backup(file)
        except KithError:
            continue
        assert found.manifest == whole


def test_rows_that_are_none_undo_the_whole_restore(tmp_path: Path, database_url: str) -> None:
    """Well-summed parts with odd rows (types, numbers, doubles, unknown tables) are refused, and the store is empty."""
    store = empty_store(database_url)
    with store.read() as unit:
        assert stream.owners(unit) == []
    source = empty_store(f"sqlite:///{tmp_path / 'a.db'}")
    a_full_book(source)
    file = tmp_path / "kept.tar.gz"
    backed_up(source, file)
    source.close()
    members = unpacked(file)
    first = "event/000001.jsonl"
    for odd in (
        members[first] * 2,
        members[first].replace(b'"seq":3', b'"seq":"3"'),
        members[first].replace(b'"seq":3', b'"seq":99999999999999999999'),
        members[first].replace(b'"seq":3', b'"nose":3'),
        b"\xff\n",
        b"[1]\n",
    ):
        file.write_bytes(repacked(members | {first: odd}, with_sums=True))
        with pytest.raises(ConfigError, match="no row of that table"):
            Backup(file).load(store)
        with store.read() as unit:
            assert stream.owners(unit) == []
            assert stream.last_seq(unit, 1) == 0
    file.write_bytes(repacked(members, with_sums=True))
    Backup(file).load(store)
    with store.read() as unit:
        assert [email for _, email in stream.owners(unit)] == [MARA, "jo@example.com"]
    store.close()


@pytest.mark.parametrize("change", [{"format": FORMAT + 1}, {"tables": "9999"}])
def test_a_later_releases_backup_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    """A newer format, or newer tables, is said to be so."""
    store = empty_store(f"sqlite:///{tmp_path / 'a.db'}")
    a_book(store)
    file = tmp_path / "kept.tar.gz"
    backed_up(store, file)
    store.close()
    members = unpacked(file)
    manifest = msgspec.json.decode(members[MANIFEST]) | change | {"also": "unknown"}
    file.write_bytes(packed(list((members | {MANIFEST: msgspec.json.encode(manifest)}).items())))
    with pytest.raises(HomeTooNew, match="later release"):
        Backup(file)


def test_numbers_of_the_database_go_on(postgres_database: str, tmp_path: Path) -> None:
    """PostgreSQL's own counters stand behind the last restored row."""
    source = empty_store(f"sqlite:///{tmp_path / 'a.db'}")
    a_full_book(source)
    backed_up(source, tmp_path / "kept")
    source.close()
    store = empty_store(postgres_database)
    Backup(tmp_path / "kept").load(store)
    with store.write() as unit:
        for table in ("owner", "source", "event"):
            key = "seq" if table == "event" else "id"
            number, last = (
                unit.connection.execute(sa.text(statement)).scalar_one()
                for statement in (
                    f"SELECT nextval(pg_get_serial_sequence('{table}', '{key}'))",
                    f"SELECT max({key}) FROM {table}",
                )
            )
            assert number == last + 1
    store.close()
