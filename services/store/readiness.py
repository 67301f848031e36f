"""Whether the store can be worked with: it answers, and its tables are of this release."""

from collections.abc import Iterator

from sqlalchemy.exc import SQLAlchemyError

from services.store.migrate import HEAD, current
from services.store.unit import Store


def troubles(store: Store) -> Iterator[str]:
    """What keeps the store from being ready, each in one sentence without anything private."""
    try:
        with store.read() as unit:
            revision = current(unit.connection)
    except SQLAlchemyError as error:
        yield f"database: it cannot be reached ({type(error).__name__})."
        return
    if revision != HEAD:
        yield f"migrations: the tables are at {revision or 'nothing'}, this release needs {HEAD}. Run: kith migrate"
