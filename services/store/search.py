"""Full-text search over subjects, excerpts and summaries: FTS5 on SQLite, tsvector on PostgreSQL.

The index holds no text: it leads to interactions by their ids. On SQLite what left the history stays in the index until
it is made again, and is not found, as its interaction is gone; erasure makes it again. A query is words; each must occur, the last may be a
beginning. Nothing of the query reaches the engines' own query syntax.
"""

import re
from collections.abc import Sequence

from sqlalchemy import text

from services.store.unit import Unit

_WORDS = re.compile(r"\w+", re.UNICODE)
_INDEXED_CHARS = 600


def add(unit: Unit, who: int, texts: Sequence[tuple[int, str]]) -> None:
    """Index texts by interaction id."""
    values = [{"id": i, "owner": who, "words": words[:_INDEXED_CHARS]} for i, words in texts if words.strip()]
    if not values:
        return
    if unit.is_sqlite:
        unit.connection.execute(text("INSERT INTO search (rowid, words) VALUES (:id, :words)"), values)
    else:
        unit.connection.execute(
            text(
                "INSERT INTO search (rowid, owner, words) VALUES (:id, :owner, to_tsvector('simple', :words)) "
                "ON CONFLICT (rowid) DO UPDATE SET words = excluded.words"
            ),
            values,
        )


def remove(unit: Unit, _who: int, ids: Sequence[int]) -> None:
    """Take interactions out of the index."""
    if ids and not unit.is_sqlite:
        unit.connection.execute(text("DELETE FROM search WHERE rowid = :id"), [{"id": i} for i in ids])


def empty(unit: Unit, who: int) -> None:
    """Take everything of one owner out of the index; call before or after its interactions are dropped."""
    if unit.is_sqlite:
        others = unit.connection.execute(text("SELECT count(*) FROM owner")).scalar_one()
        if others <= 1:
            unit.connection.execute(text("INSERT INTO search (search) VALUES ('delete-all')"))
    else:
        unit.connection.execute(text("DELETE FROM search WHERE owner = :owner"), {"owner": who})


def clear(unit: Unit) -> None:
    """Take everything of everybody out of the index."""
    statement = (
        "INSERT INTO search (search) VALUES ('delete-all')" if unit.is_sqlite else "DELETE FROM search"
    )
    unit.connection.execute(text(statement))


def find(unit: Unit, who: int, query: str, limit: int) -> list[int]:
    """Ids of interactions whose text holds every word of the query, newest first."""
    words = [word.casefold() for word in _WORDS.findall(query)][:12]
    if not words:
        return []
    if unit.is_sqlite:
        match = " AND ".join(f'"{word}"' for word in words[:-1])
        last = f'"{words[-1]}"*'
        statement = text(
            "SELECT interaction.id FROM search JOIN interaction ON interaction.id = search.rowid "
            "WHERE search MATCH :match AND interaction.owner = :owner ORDER BY interaction.at DESC LIMIT :limit"
        )
        match = f"{match} AND {last}" if match else last
    else:
        statement = text(
            "SELECT interaction.id FROM search JOIN interaction ON interaction.id = search.rowid "
            "WHERE search.words @@ to_tsquery('simple', :match) AND interaction.owner = :owner "
            "ORDER BY interaction.at DESC LIMIT :limit"
        )
        match = " & ".join([f"'{word}'" for word in words[:-1]] + [f"'{words[-1]}':*"])
    return list(unit.connection.execute(statement, {"match": match, "owner": who, "limit": limit}).scalars())
