"""Staged albums → their rows: an upsert on the stable key, in bulk, the quickest way the database has; or one anew."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, text, update
from sqlalchemy.exc import DBAPIError

from config.database import POOLED
from config.tables import UtcDateTime
from processor.items.item import FILE_COLUMNS, ITEM_COLUMNS, NewItem, item_row
from processor.items.listing import searchable
from processor.tables import StagingFile, StagingItem

Rows = Iterable[tuple[Any, ...]]

STORED: Final = (*ITEM_COLUMNS, "search", "warned", "sort_album", "sort_year")
_COLUMNS: Final = ", ".join(STORED)
_CHANGES: Final = ", ".join(f"{name} = excluded.{name}" for name in STORED if name != "key")
# Made once a connection: making and dropping a table costs more than the upsert of a batch. Behind a pooler another
# client gets the session next, and after an upgrade one that knows other columns.
_INCOMING: Final = {
    kind: text(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS incoming_items {emptied} AS"  # noqa: S608  constants
        f" SELECT {_COLUMNS} FROM staging_items WHERE false"
    )
    for kind, emptied in (("postgresql", "ON COMMIT DELETE ROWS"), (POOLED, "ON COMMIT DROP"), ("sqlite", ""))
}
# "WHERE true" keeps SQLite from reading ON as a join's; the order keeps two hosts from waiting for each other's rows.
_UPSERT: Final = text(
    f"""
    INSERT INTO staging_items ({_COLUMNS}, status, revision, created_at, updated_at)
    SELECT {_COLUMNS}, 'pending_review', 1, :now, :now FROM incoming_items WHERE true ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET {_CHANGES}, status = excluded.status, revision = staging_items.revision + 1, updated_at = excluded.updated_at
    WHERE staging_items.checksum <> excluded.checksum OR staging_items.status = 'missing'
    RETURNING key, id, revision
    """  # noqa: S608  the names are ours
).bindparams(bindparam("now", type_=UtcDateTime()))
# The ids are one text: an IN with a parameter for each took a third of the time of a large upsert. ANY is looked up in
# the index even by a PostgreSQL that knows nothing of the table yet; a join with them would read all of it.
_UNLIST: Final = {
    kind: text(f"DELETE FROM staging_files WHERE item_id {among}")  # noqa: S608  constants
    for kind, among in (
        ("postgresql", "= ANY(CAST(string_to_array(:ids, ',') AS bigint[]))"),
        ("sqlite", "IN (SELECT value FROM json_each('[' || :ids || ']'))"),
    )
}
_KNOWN: Final = text("SELECT key, id, revision FROM staging_items WHERE key IN (SELECT key FROM incoming_items)")
_FORGET: Final = text("DELETE FROM incoming_items")


class Upserted(NamedTuple):
    """What an upsert made of one item."""

    id: int
    revision: int
    changed: bool  # new, or other than it was; then it waits for review again


def upsert(connection: Connection, items: Iterable[NewItem], now: dt.datetime) -> dict[str, Upserted]:
    """Insert or update albums by their keys; of two with one key the last counts.

    An album with the checksum it had is left as it is, with every decision about it. One that changed, or had gone
    missing, gets the next revision, its files anew, and goes back to `pending_review`.
    """
    wanted = {item.key: item for item in items}
    if not wanted:
        return {}
    connection.execute(_INCOMING[POOLED if connection.info.get(POOLED) else connection.dialect.name])
    _load(connection, "incoming_items", STORED, map(stored_row, wanted.values()))
    changed = connection.execute(_UPSERT, {"now": now}).all()
    done = {key: Upserted(id, revision, True) for key, id, revision in changed}
    # Their rows are locked by now: whoever listed files under one of the keys at the same time has ended.
    again = ",".join(str(item.id) for item in done.values() if item.revision > 1)
    connection.execute(_UNLIST[connection.dialect.name], {"ids": again})
    new_files = ((done[key].id, *file.row) for key in done for file in wanted[key].files)
    _load(connection, "staging_files", FILE_COLUMNS, new_files)
    if len(done) < len(wanted):
        known = {key: Upserted(id, revision, False) for key, id, revision in connection.execute(_KNOWN)}
        done = known | done
    connection.execute(_FORGET)
    return done


def retell(connection: Connection, item: NewItem, now: dt.datetime) -> None:
    """Write what an item's files say now; decisions about it stay, and its warnings, which may have been settled."""
    values = dict(zip(STORED, stored_row(item), strict=True))
    values |= {name: json.loads(values[name]) for name in ("evidence", "sources")}
    values = {name: value for name, value in values.items() if name not in ("warnings", "warned")}
    changed = update(StagingItem).where(StagingItem.key == item.key).values(**values, updated_at=now)
    for item_id in connection.scalars(changed.returning(StagingItem.id)).all():
        _list_anew(connection, item_id, item)


def relocate(connection: Connection, item_id: int, item: NewItem, now: dt.datetime) -> None:
    """Write where an item's files are now, and how they are called there; all else about it stays."""
    values = {"root_uuid": item.root_uuid, "path": item.path, "checksum": item.checksum, "updated_at": now}
    changed = update(StagingItem).where(StagingItem.id == item_id).values(transfer_id=item.transfer_id, **values)
    if connection.execute(changed).rowcount:
        _list_anew(connection, item_id, item)


def _list_anew(connection: Connection, item_id: int, item: NewItem) -> None:
    connection.execute(delete(StagingFile).where(StagingFile.item_id == item_id))
    _load(connection, "staging_files", FILE_COLUMNS, ((item_id, *file.row) for file in item.files))


def stored_row(item: NewItem) -> tuple[Any, ...]:
    """Return the values of STORED, as a driver takes them."""
    search = searchable(item.album_artist, item.album)
    return (*item_row(item), search, item.warnings != "[]", searchable(item.album), item.year or 0)


def _load(connection: Connection, table: str, columns: Sequence[str], rows: Rows) -> None:
    """Insert rows, whose values are as the driver takes them; names are ours. Raises what SQLAlchemy would."""
    errors = connection.dialect.loaded_dbapi.Error
    try:
        _LOAD[connection.dialect.name](connection, table, columns, rows)
    except errors as error:
        raise DBAPIError.instance(f"load {table}", None, error, errors) from error


def _copy(connection: Connection, table: str, columns: Sequence[str], rows: Rows) -> None:
    """Load rows into PostgreSQL by COPY, which has no statement to compile or to parse."""
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _insert_many(connection: Connection, table: str, columns: Sequence[str], rows: Rows) -> None:
    """Load rows into SQLite by one prepared statement."""
    driver: Any = connection.connection.driver_connection
    marks = ", ".join("?" * len(columns))
    driver.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows)  # noqa: S608  names are ours


_LOAD: Final[dict[str, Callable[[Connection, str, Sequence[str], Rows], None]]] = {
    "postgresql": _copy,
    "sqlite": _insert_many,
}
