"""Filters, an order and a place in it → one page of items, found by an index alone. All SQL of the queue.

The ids of a page come from the index of its order, which holds all that can be filtered by, so that the wide rows are
read for this page only. Each index begins with the status; a list of all statuses is merged of one list for each.
PostgreSQL looks rows up that it has not vacuumed yet, index or not; sorted by id it reads each page of them once.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, asc, desc, false, func, literal, select, text, tuple_, union_all
from sqlalchemy.sql.elements import ColumnElement, KeyedColumnElement

from config.errors import Rejected
from processor.tables import StagingItem

LONGEST: Final = 600  # bytes of the text that is searched; a PostgreSQL index takes no row above 2,704
MOST_WORDS: Final = 8  # of a search
MOST_COUNTED: Final = 1000  # items of one status; counting more takes longer than finding a page
_SHOWN: Final = (
    "id", "key", "status", "revision", "album_artist", "album", "year", "discs", "track_count", "duration_ms", "size",
    "confidence", "warnings", "created_at", "updated_at", "run_id",
)  # fmt: skip
Sort = Literal[
    "added", "-added", "changed", "-changed", "artist", "-artist", "album", "-album", "year", "-year"
]  # fmt: skip
Place = tuple[Any, ...]
"""Where an item is in an order: what it is sorted by, then its id."""


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


class Page(NamedTuple):
    """Some items, and where the page after them begins; None after the last."""

    items: list[dict[str, Any]]
    next: str | None


class Order(NamedTuple):
    """What items are sorted by, before their ids, which decide between equal ones in the same direction."""

    column: KeyedColumnElement[Any] | None  # None: the id alone
    ascending: bool
    read: Callable[[str], Any] = str  # a value of the column, as it stands in a place

    @property
    def keys(self) -> tuple[KeyedColumnElement[Any], ...]:
        """The columns of a place."""
        return (StagingItem.id,) if self.column is None else (self.column, StagingItem.id)

    def turned(self) -> Order:
        """Return it the other way around."""
        return self._replace(ascending=not self.ascending)

    def after(self, place: Place) -> ColumnElement[bool]:
        """Return what is true of what follows a place."""
        here = tuple_(*(literal(value, key.type) for value, key in zip(place, self.keys, strict=True)))
        return tuple_(*self.keys) > here if self.ascending else tuple_(*self.keys) < here

    def place(self, told: str) -> Place:
        """Return the place a page ended with, as it told. Raises Rejected (`bad_place`)."""
        number, _, value = told.partition(":")
        try:
            if not (number.isascii() and number.isdecimal() and len(number) < 19):
                raise ValueError(number)
            return (int(number),) if self.column is None else (self.read(value), int(number))
        except (ValueError, OverflowError):
            raise Rejected("no page of this order ends there; begin with the first", code="bad_place") from None


def _time(told: str) -> dt.datetime:
    return dt.datetime.fromisoformat(told).astimezone(dt.UTC)


def _number(told: str) -> int:
    number = int(told)
    if abs(number) >= 1 << 31:
        raise ValueError(told)
    return number


def _words(told: str) -> str:
    return told.replace("\0", "")[:LONGEST]


ORDERS: Final[dict[str, Order]] = {
    "added": Order(None, ascending=False),
    "changed": Order(StagingItem.updated_at, ascending=False, read=_time),
    "artist": Order(StagingItem.search, ascending=True, read=_words),  # then by album
    "album": Order(StagingItem.sort_album, ascending=True, read=_words),
    "year": Order(StagingItem.sort_year, ascending=False, read=_number),
}


def order_of(sort: Sort) -> Order:
    """Return the order of a name; a - before it turns it around."""
    return ORDERS[sort[1:]].turned() if sort.startswith("-") else ORDERS[sort]


def searchable(*texts: str | None) -> str:
    """Return texts as they are searched: without case and accents, cut where an index would not take more."""
    joined = " ".join(filter(None, texts))
    if joined.isascii():  # as nearly all are, and there are many
        return joined.lower()[:LONGEST].replace("\0", "")
    bare = "".join(c for c in unicodedata.normalize("NFKD", joined) if not unicodedata.combining(c))
    return bare.casefold().encode("utf-8", "ignore")[:LONGEST].decode("utf-8", "ignore").replace("\0", "")


def page(
    connection: Connection, wanted: Filter, sort: Sort = "added", *, before: str | None = None, limit: int = 50
) -> Page:
    """Return items without evidence and files, in an order; `before` is the `next` of the page before.

    Raises Rejected (`bad_place`) for one that is not of this order.
    """
    order = order_of(sort)
    places = _places(connection, wanted, order, limit + 1, None if before is None else order.place(before))
    query = select(*(getattr(StagingItem, name) for name in _SHOWN))
    query = query.where(StagingItem.id.in_([place[-1] for place in places[:limit]])).order_by(*_sorted(order))
    following = ":".join(str(value) for value in reversed(places[limit - 1])) if len(places) > limit else None
    return Page([dict(row) for row in connection.execute(query).mappings()], following)


def counts(connection: Connection, most: int = MOST_COUNTED) -> dict[str, int]:
    """Return how many items have each status, counting at most so many and one of each."""
    each = [
        select(literal(status).label("status"), func.count().label("n")).select_from(
            select(StagingItem.id).where(StagingItem.status == status).limit(most + 1).subquery()
        )
        for status in connection.scalars(_STATUSES)
    ]
    return {row.status: row.n for row in connection.execute(union_all(*each))} if each else {}


def ids(connection: Connection, wanted: Filter, sort: Sort = "added", limit: int | None = None) -> list[int]:
    """Return the ids of the items that are wanted, in an order."""
    return [place[-1] for place in _places(connection, wanted, order_of(sort), limit)]


def neighbours(
    connection: Connection, wanted: Filter, item_id: int, sort: Sort = "added"
) -> tuple[int | None, int | None]:
    """Return the ids before and after an item in the list, whether or not it is in there."""
    order = order_of(sort)
    here = connection.execute(select(*order.keys).where(StagingItem.id == item_id)).first()
    if here is None:
        return None, None
    before, after = (_places(connection, wanted, one, 1, tuple(here)) for one in (order.turned(), order))
    return before[0][-1] if before else None, after[0][-1] if after else None


def _places(
    connection: Connection, wanted: Filter, order: Order, limit: int | None, after: Place | None = None
) -> Sequence[Row[Any]]:
    """Return the places of the items that follow a place."""
    where = _where(wanted) + ([] if after is None else [order.after(after)])

    def of(*status: ColumnElement[bool]) -> Select[Any]:
        return select(*order.keys).where(*status, *where).order_by(*_sorted(order)).limit(limit)

    if wanted.status is not None:
        return connection.execute(of(StagingItem.status == wanted.status)).all()
    if order.column is None and (wanted == Filter() or connection.dialect.name == "postgresql"):
        return connection.execute(of()).all()
    each = [of(StagingItem.status == one).subquery() for one in connection.scalars(_STATUSES)]
    if not each:
        return []
    direction = asc if order.ascending else desc
    merged = union_all(*(select(*one.c) for one in each)).order_by(*(direction(key.name) for key in order.keys))
    return connection.execute(merged.limit(limit)).all()


def _sorted(order: Order) -> list[ColumnElement[Any]]:
    return [key.asc() if order.ascending else key.desc() for key in order.keys]


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
    elif wanted.words.strip():  # an accent alone, or bytes that are no text, fold to no word: no album has those
        found.append(false())
    return found
