"""A database ↔ a backup file that was restored once before it is called one; from either kind of database to either."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from sqlalchemy import (
    JSON,
    Connection,
    DateTime,
    LargeBinary,
    MetaData,
    column,
    false,
    func,
    insert,
    literal,
    select,
    table,
    text,
)
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import TableClause
from sqlalchemy.types import TypeEngine

from config import schema
from config.backup_file import BATCH, Content, Header, Kind, Tally, encode_row, reading, writing
from config.database import Database, may_stand_still
from config.errors import Misconfigured, Rejected, Retryable, Stopped
from config.leave import StopSignal
from config.machine import sync_folder
from config.scratch import scratch_file, scratch_folder
from config.tables import Base, UtcDateTime

# Who works at this moment is written as ended: nobody works on a restored database. The fence of a lease goes along,
# because rows of the journal carry it and it must never fall behind them.
ENDED: Final[dict[str, dict[str, Any]]] = {"leases": {"expires_at": 0}}

# Rows that mean nothing where they were not made: who was logged in has to log in again. Column and values.
LEFT_OUT: Final[dict[str, tuple[str, tuple[str, ...]]]] = {"tokens": ("purpose", ("session", "setup"))}

# Tables that are written without their rows: what was answered to us is worth asking again, and may be large.
NOT_KEPT: Final = frozenset({"answers"})

# Columns that go on naming a row of these tables when it is gone: its number is never that of another one.
NAMED: Final = {"staging_items": "item_id"}

NEVER: Final = threading.Event()  # nobody sets it


class Backup(NamedTuple):
    """What a backup file holds: the revision of its schema, and each table's count and checksum."""

    revision: str
    made_at: str
    tables: dict[str, Content]


def export_database(database: Database, file: Path, work: Path, stop: StopSignal = NEVER) -> Backup:
    """Write a whole database to a file, prove it by restoring it into a scratch database below `work`, then name it.

    What is written is the database of one moment. An older file of that name is replaced by the proven one, or stays.
    Raises Rejected `backup_unproven` if the restored tables are not those that were written, Retryable when the
    database does not answer, Misconfigured where there is no room for it, Stopped between two batches of rows, and
    OSError.
    """
    with _written_whole(file) as unproven:
        try:
            with unproven.open("wb") as stream, database.read(snapshot=True) as connection:
                made = _write(connection, stream, stop)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise Misconfigured(f"no backup can be written to {file.parent}: {error.strerror}") from error
        with _restored(unproven, work, stop) as (restored, _):
            if restored != made:
                raise Rejected(f"{unproven} does not read back as it was written", code="backup_unproven")
    return made


def import_database(database: Database, file: Path, work: Path, stop: StopSignal = NEVER) -> Backup:
    """Fill an empty database from a backup file of this or an older version, in one transaction; compare every table.

    The file is first restored into a scratch database below `work` and brought up to date there. Raises Rejected
    when it is damaged, Misconfigured when the database is not empty or the file is a newer version's, and Stopped
    between two batches of rows.
    """
    with _restored(file, work, stop) as (made, scratch):
        schema.migrate(database)
        with scratch.read() as source, database.begin() as target:
            _require_empty(target)
            may_stand_still(target)
            for name, rows in _tables(Base.metadata):
                found = (dict(row._mapping) for row in _select(source, rows, stop))
                while batch := list(islice(found, BATCH)):
                    _insert(target, rows, batch)
                if _content(source, rows, stop) != _content(target, rows, stop):
                    raise Rejected(f"{name} came out different in this database", code="backup_refused")
            _restart_identities(target)
    return made


def check_backup(file: Path, work: Path, stop: StopSignal = NEVER) -> Backup:
    """Restore a backup file into a scratch database below `work`; raise Rejected if it is not whole, and Stopped."""
    with _restored(file, work, stop) as (made, _):
        return made


@contextlib.contextmanager
def _written_whole(file: Path) -> Iterator[Path]:
    """Yield a temporary file beside the wanted one, readable by nobody else, that takes its name when all went well."""
    file = Path(os.path.realpath(file))  # a link goes on leading to it
    if file.exists() and not file.is_file():  # root may rename over /dev/null, and everybody's would be gone
        raise Misconfigured(f"{file} is no file; no backup takes its place")
    with contextlib.ExitStack() as stack:
        try:
            # Not called after the file: backups are called by their day, and what was left of one goes with any other.
            fresh = stack.enter_context(scratch_file(file.parent, ".greenroom-export-", ".new"))
        except OSError as error:
            raise Misconfigured(f"no backup can be made in {file.parent}: {error.strerror}") from error
        yield fresh
        os.rename(fresh, file)
    sync_folder(file.parent)


def _write(connection: Connection, stream: Any, stop: StopSignal) -> Backup:
    header = Header(schema.revision(connection) or "", dt.datetime.now(dt.UTC).isoformat(timespec="seconds"))
    contents: dict[str, Content] = {}
    with writing(stream, header) as write:
        for name, rows in _tables(Base.metadata):
            columns = {c.name: _kind(c.type) for c in rows.columns}
            contents[name] = write(name, columns, _select(connection, rows, stop))
    return Backup(header.revision, header.made_at, contents)


@contextlib.contextmanager
def _restored(file: Path, work: Path, stop: StopSignal) -> Iterator[tuple[Backup, Database]]:
    """Restore a file into a new SQLite database, at the file's revision, and then bring that up to date."""
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(scratch_folder(work, ".greenroom-restore-"))
        except OSError as error:
            message = f"no backup can be restored for a test in {work}: {error.strerror}; --work names another folder"
            raise Misconfigured(message) from error
        scratch = Database(f"sqlite:///{quote(str(folder))}/scratch.db", on_network=True)
        try:
            try:
                restored = _restore(file, scratch, stop)
            except Retryable as error:
                message = f"{file} could not be restored for a test in {work}: {error.message}"
                raise Retryable(f"{message}; --work names another folder", code="backup_unproven") from error
            yield restored, scratch
        finally:
            scratch.close()


def _restore(file: Path, scratch: Database, stop: StopSignal) -> Backup:
    with reading(file) as (header, batches, contents):
        schema.migrate(scratch, header.revision)
        with scratch.begin() as connection:
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            there = dict(_tables(_reflected(connection)))
            for batch in batches:
                _go_on(stop)
                _insert(connection, there[batch.table], batch.rows)
            if {name: _content(connection, there[name], stop) for name in contents} != contents:
                raise Rejected(f"{file} does not restore to what was written", code="backup_unproven")
    schema.migrate(scratch)
    return Backup(*header, contents)


def _reflected(connection: Connection) -> MetaData:
    found = MetaData()
    found.reflect(connection)
    return found


def _tables(metadata: MetaData) -> Iterator[tuple[str, TableClause]]:
    """Yield every table but Alembic's own, those that others refer to first, with its columns ordered by name."""
    for made in metadata.sorted_tables:
        if made.name != "alembic_version":
            columns = sorted(made.columns, key=lambda c: c.name)
            yield made.name, table(made.name, *(column(c.name, _stored_as(c.type)) for c in columns))


def _stored_as(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """Return the type that brings values of a column in and out as they are: times with their zone, no JSON null."""
    if isinstance(kind, JSON):
        return JSON(none_as_null=True)
    return UtcDateTime() if isinstance(kind, DateTime) else kind


def _kind(kind: TypeEngine[Any]) -> Kind:
    if isinstance(kind, LargeBinary):
        return "bytes"
    return "time" if isinstance(kind, UtcDateTime) else "value"


def _select(connection: Connection, rows: TableClause, stop: StopSignal) -> Iterator[Any]:
    _go_on(stop)
    ended = ENDED.get(rows.name, {})
    values: list[ColumnElement[Any]] = [
        literal(ended[c.name], c.type).label(c.name) if c.name in ended else c for c in rows.columns
    ]
    query = select(*values).execution_options(yield_per=BATCH)
    if rows.name in LEFT_OUT:
        name, left_out = LEFT_OUT[rows.name]
        query = query.where(rows.c[name].not_in(left_out))
    if rows.name in NOT_KEPT:
        query = query.where(false())
    for batch in connection.execute(query).partitions():
        _go_on(stop)
        yield from batch


def _go_on(stop: StopSignal) -> None:
    """Raise Stopped when somebody asked for it. Asked, because a KeyboardInterrupt gets lost in Python's finalizers."""
    if stop.is_set():
        raise Stopped("asked to stop; nothing is left of what was begun")


def _content(connection: Connection, rows: TableClause, stop: StopSignal) -> Content:
    tally = Tally()
    for row in _select(connection, rows, stop):
        tally.add(encode_row(row))
    return tally.content


def _insert(connection: Connection, into: TableClause, rows: Sequence[dict[str, Any]]) -> None:
    try:
        connection.execute(insert(into), rows)
    except (DataError, IntegrityError) as error:  # SQLite takes a NUL in text, PostgreSQL does not
        message = f"rows of {into.name} cannot be stored in this database: {error.orig}"
        raise Rejected(message, code="backup_refused") from error


def _require_empty(connection: Connection) -> None:
    counts = {
        name: connection.execute(select(func.count()).select_from(rows)).scalar_one()
        for name, rows in _tables(Base.metadata)
    }
    held = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    if held:
        raise Misconfigured(
            f"the database is not empty (rows of {held}), and a backup is only imported into an empty one; point "
            "GREENROOM_DATABASE_URL at a new one",
            code="not_empty",
        )


def _restart_identities(connection: Connection) -> None:
    """Let the next rows get the numbers after those that came in, and after those that were once given."""
    tables = Base.metadata.sorted_tables
    for made in tables:
        name = NAMED.get(made.name, "")
        named = [other.c[name] for other in tables if name in other.c]
        for identity in (c for c in made.columns if c.identity is not None):
            highest = max(connection.scalar(select(func.max(given))) or 0 for given in (identity, *named))
            if connection.dialect.name == "postgresql":
                sequence = func.pg_get_serial_sequence(made.name, identity.name)
                connection.execute(select(func.setval(sequence, max(highest, 1), highest > 0)))
            elif named:  # SQLite goes on after those that came in by itself
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), {"name": made.name})
                connection.execute(
                    text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :highest)"),
                    {"name": made.name, "highest": highest},
                )
