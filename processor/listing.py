"""Filters and a place in the list → one page of items, newest first, found by an index alone. All SQL of the queue.

The ids of a page come from the index `ix_staging_items_queue`, which holds all that can be asked for, so that the wide
rows of the others are never read. Its order is that of one status; so SQLite makes a list of all of one list a status.
PostgreSQL looks up rows it has not vacuumed yet, index or not, and so reads each once, in the order of their ids.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Select, and_, asc, desc, func, literal, select, text, union_all
from sqlalchemy.sql.elements import ColumnElement

from processor.tables import StagingItem

LONGEST: Final = 600  # bytes of the text that is searched; a PostgreSQL index takes no row above 2,704
MOST_WORDS: Final = 8  # of a search
MOST_COUNTED: Final = 1000  # items of a status; to count all of many takes longer than to find a page of them
_SHOWN: Final = (
    "id", "key", "status", "revision", "album_artist", "album", "year", "discs", "track_count", "duration_ms", "size",
    "confidence", "warnings", "created_at", "updated_at", "run_id",
)  # fmt: skip


# The statuses that any item has: one look at the index for each, where DISTINCT would read all of it.
_STATUSES: Final = text(
    """
    WITH RECURSIVE known (status) AS (
        SELECT min(status) FROM staging_items
        UNION ALL
        SELECT (SELECT min(status) FROM staging_items WHERE status > known.status) FROM known
        WHERE known.status IS NOT NULL
    )
    SELECT status FROM known WHERE status IS NOT NULL
    """
)


@dataclass(frozen=True, slots=True)
class Filter:
    """Which items are wanted; None is all."""

    status: str | None = None
    below: float | None = None  # confidence, 0…1
    warned: bool | None = None  # with something a reviewer should look at, or without
    words: str = ""  # of artist and album, in any order, whatever their case and accents


def searchable(*texts: str | None) -> str:
    """Return texts as they are searched: without case and accents, cut where an index would not take more."""
    joined = " ".join(text for text in texts if text)
    if joined.isascii():  # as nearly all are, and there are many
        return joined.lower()[:LONGEST].replace("\0", "")
    bare = "".join(c for c in unicodedata.normalize("NFKD", joined) if not unicodedata.combining(c))
    return bare.casefold().encode("utf-8", "ignore")[:LONGEST].decode("utf-8", "ignore").replace("\0", "")


def page(connection: Connection, wanted: Filter, *, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Return items without evidence and files, newest first; `before` is the id the page before ended with."""
    found = _ids(connection, wanted, limit, before=before)
    query = select(*(getattr(StagingItem, name) for name in _SHOWN)).where(StagingItem.id.in_(found))
    return [dict(row) for row in connection.execute(query.order_by(StagingItem.id.desc())).mappings()]


def counts(connection: Connection, most: int = MOST_COUNTED) -> dict[str, int]:
    """Return how many items have each status that any has; of each at most so many and one are counted."""
    each = [
        select(literal(status).label("status"), func.count().label("n")).select_from(
            select(StagingItem.id).where(StagingItem.status == status).limit(most + 1).subquery()
        )
        for status in connection.scalars(_STATUSES)
    ]
    return {row.status: row.n for row in connection.execute(union_all(*each))} if each else {}


def ids(connection: Connection, wanted: Filter) -> list[int]:
    """Return the ids of all items that are wanted, newest first."""
    return _ids(connection, wanted, None)


def neighbours(connection: Connection, wanted: Filter, item_id: int) -> tuple[int | None, int | None]:
    """Return the ids before and after an item in the list, newest first."""
    newer, older = _ids(connection, wanted, 1, after=item_id), _ids(connection, wanted, 1, before=item_id)
    return newer[0] if newer else None, older[0] if older else None


def _ids(
    connection: Connection, wanted: Filter, limit: int | None, *, before: int | None = None, after: int | None = None
) -> list[int]:
    """Return the ids next to a place in the list: before one id, newest first, or after one, oldest first."""
    where = _where(wanted)
    if before is not None:
        where.append(StagingItem.id < before)
    if after is not None:
        where.append(StagingItem.id > after)
    in_order = asc if after is not None else desc

    def of(*status: ColumnElement[bool]) -> Select[Any]:
        return select(StagingItem.id).where(*status, *where).order_by(in_order(StagingItem.id)).limit(limit)

    if wanted.status is not None:
        return list(connection.scalars(of(StagingItem.status == wanted.status)))
    if wanted == Filter() or connection.dialect.name == "postgresql":
        return list(connection.scalars(of()))
    each = [of(StagingItem.status == one).subquery() for one in connection.scalars(_STATUSES)]
    if not each:
        return []
    merged = union_all(*(select(one.c.id) for one in each)).order_by(in_order("id")).limit(limit)
    return list(connection.scalars(merged))


def _where(wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.status is not None:
        found.append(StagingItem.status == wanted.status)
    if wanted.below is not None:
        found.append(StagingItem.confidence < wanted.below)
    if wanted.warned is not None:
        found.append(StagingItem.warned.is_(wanted.warned))
    words = searchable(wanted.words).split()[:MOST_WORDS]
    if words:
        found.append(and_(*(StagingItem.search.contains(word, autoescape=True) for word in words)))
    return found
