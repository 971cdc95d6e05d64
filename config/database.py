"""A database URL → connections to SQLite or PostgreSQL that begin, commit and wait the same way."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from loguru import logger
from sqlalchemy import BigInteger, Connection, Engine, cast, create_engine, event, func, literal_column, select
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.sql.elements import ColumnElement

from config import sqlite_file, sqlite_sides
from config.driver_errors import answering
from config.errors import Misconfigured, Retryable, SchemaChanged
from config.leave import ROWS, changing
from config.secrecy import OPTION, Vault
from config.tables import Base

READ_ONLY = {"greenroom_read": True}
# A process that is stopped inside a transaction would lock its rows for ever. This is longer than any of ours waits
# between two statements, and no longer than the silence after which a worker counts as dead; half a lease.
STANDING_STILL = "idle_in_transaction_session_timeout"
STANDING_STILL_S = 30
POOLED = "greenroom_pooled"  # of Connection.info: whether a pooler stands before PostgreSQL
_AFTER_USER = re.compile(r"^[\w+]+://(?:[^:/]*(?::[^@]*)?@)?")  # what SQLAlchemy takes for driver, user and password
DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg"}
# A connection that died must be noticed in a minute, not in the two hours of the defaults. Seconds, but the last: ms.
KEEPALIVES = {
    "connect_timeout": 10,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


class Database:
    """One database, SQLite or PostgreSQL. Thread-safe; close() when done.

    Raises Misconfigured for a URL that cannot serve. `on_network` lets SQLite's file be on a network filesystem.
    Without a vault, as in the scratch databases of backups, secrets are kept as they come.
    """

    def __init__(self, url: str, *, on_network: bool = False, vault: Vault | None = None) -> None:
        self.url = _parsed(url)
        self.revision: str | None = None  # of the schema, once config.schema has brought it to what this program knows
        self._file: tuple[int, int] | None = None  # device and inode of SQLite's file, once it was opened
        if self.is_sqlite:
            sqlite_file.check_file(self.url, on_network)
            self.engine = sqlite_file.engine_of(self.url)
            event.listen(self.engine, "connect", self._remember_file)
        else:
            self.engine = create_engine(self.url, pool_pre_ping=True, connect_args=keepalives(self.url))
            # Before SQLAlchemy's own first look, which cannot read what a database without an encoding says.
            event.listen(self.engine, "connect", self._refuse_few_letters, insert=True)
            if STANDING_STILL not in str(self.url.query.get("options")):
                event.listen(self.engine, "connect", _end_what_stands_still)
        self.engine.update_execution_options(**{OPTION: vault})

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-file database; then there is one host and nobody else."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that writes; it commits at the end of the block, durably, or not at all.

        Raises Retryable when the database cannot be reached or stays locked; as LeaseLost, before anything is written,
        for work that nobody waits for any more; as SchemaChanged when another Greenroom has migrated it.
        """
        self._check_file()
        with changing(ROWS), answering(self.url), self.engine.begin() as connection:
            self._check_revision(connection)
            yield connection
            self._check_file()
            if self.is_sqlite:
                sqlite_sides.check(self.url.database or "", connection.info)

    @contextmanager
    def read(self, *, snapshot: bool = False) -> Iterator[Connection]:
        """Open a transaction that only reads: on SQLite it does not wait for writers.

        As a snapshot all its statements see the database of one moment; on SQLite they always do. A snapshot may be
        read as slowly as files take that are written of it.
        """
        self._check_file()
        with answering(self.url), self.engine.connect() as connection:
            connection.execution_options(**READ_ONLY)
            if snapshot and not self.is_sqlite:
                connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                if snapshot:
                    may_stand_still(connection)
                yield connection

    def check(self) -> None:
        """Raise SchemaChanged when the schema is not the one this program knows any more."""
        with self.read() as connection:
            self._check_revision(connection)

    def clock(self) -> dt.datetime:
        """Return the time by the clock of the machine the database is on."""
        if self.is_sqlite:
            return dt.datetime.now(dt.UTC)
        with self.read() as connection:
            now: dt.datetime = connection.execute(select(func.clock_timestamp())).scalar_one()
            return now

    def close(self) -> None:
        """Give every connection back."""
        if self._file is not None:
            try:
                sqlite_sides.check_last(self.url.database or "", self._file)
            except Retryable as error:
                logger.bind(error=error.message).error("the database cannot be closed as it was opened")
        self.engine.dispose()

    def _refuse_few_letters(self, dbapi: Any, _record: object) -> None:
        """Raise Misconfigured for a database that cannot hold every name, as made under LANG=C."""
        encoding = dbapi.info.parameter_status("server_encoding")
        if encoding not in {None, "UTF8"}:  # a pooler may not say
            raise Misconfigured(
                f"the database {self.url.database} is in {encoding}, and names need UTF8; make one that is: "
                "`createdb -E UTF8 -T template0 NAME`",
                code="database_encoding",
            )

    def _remember_file(self, _dbapi: object, _record: object) -> None:
        self._file = self._file or sqlite_file.file_identity(self.url)

    def _check_revision(self, connection: Connection) -> None:
        if self.revision is None:
            return
        there = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        if there != self.revision:
            raise SchemaChanged(
                f"the database is at revision {there} now, and this process knows {self.revision}: another version of "
                "Greenroom migrated it, or a backup was put back. Nothing more is written with what is known here; "
                "start it again, and install the newer version first where that is not done yet"
            )

    def _check_file(self) -> None:
        """Raise Retryable if SQLite's file was removed or replaced while we are connected: what we write would be lost.

        The file that took its place is used from the next transaction on.
        """
        if self._file is None or (found := sqlite_file.file_identity(self.url)) == self._file:
            return
        self.engine.dispose()
        shown = self.url.database
        if found is None:  # connecting would make an empty one
            message = f"the database file {shown} is gone; put it back, or restore a backup there"
        else:
            self._file = None
            message = f"the database file {shown} was replaced while it was in use; the new one is used from now on"
        raise Retryable(message, code="database_unavailable")


def one_writer(connection: Connection, table: str) -> None:
    """Let others who call this for the same table wait until our transaction ends, so that what we read stays true.

    SQLite's transactions do so anyway; on PostgreSQL readers are not held up.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE")


def insert_into(connection: Connection, table: type[Base]) -> Any:
    """Return an INSERT that may have an ON CONFLICT; each dialect has its own, and the other one is not loaded."""
    return import_module(f"sqlalchemy.dialects.{connection.dialect.name}").insert(table)


def may_stand_still(connection: Connection) -> None:
    """Let a transaction pause between statements, to write files say; only where nobody waits for its rows."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL {STANDING_STILL} = 0")


def _end_what_stands_still(dbapi: Any, _record: object) -> None:
    # Not as a start-up parameter, which a pooler may refuse.
    dbapi.execute(f"SET {STANDING_STILL} = '{STANDING_STILL_S}s'")
    dbapi.commit()


@event.listens_for(Engine, "connect")
def _know_a_pooler(dbapi: Any, record: Any) -> None:
    """Prepare no statement where a pooler may run the next transaction in another session, which does not know it.

    A pooler gives clients a number of its own for the process that serves them; whether it keeps sessions, nobody can
    ask it. For every engine of the process, because what carries jobs makes one of its own.
    """
    if hasattr(dbapi, "prepare_threshold"):  # psycopg's
        record.info[POOLED] = dbapi.execute("SELECT pg_backend_pid()").fetchone()[0] != dbapi.info.backend_pid
        dbapi.commit()
        if record.info[POOLED]:
            dbapi.prepare_threshold = None


def now_ms(connection: Connection) -> ColumnElement[int]:
    """Return the database's own clock in milliseconds since 1970, for SQL: the only clock all workers share."""
    if connection.dialect.name == "sqlite":
        return literal_column("CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", BigInteger)
    return cast(func.floor(func.extract("epoch", func.clock_timestamp()) * 1000), BigInteger)


def keepalives(url: URL) -> dict[str, int]:
    """Return the connection parameters that notice a dead peer, but for those the URL itself sets."""
    return {name: value for name, value in KEEPALIVES.items() if name not in url.query}


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number is a ValueError; its text could hold a password
        raise Misconfigured("the database URL cannot be read; sqlite:////path or postgresql+psycopg://…") from None
    backend = parsed.get_backend_name()
    if backend not in DRIVERS or parsed.drivername not in (backend, DRIVERS[backend]):
        raise Misconfigured(
            f"{parsed.drivername} databases are not supported; use sqlite:////path or postgresql+psycopg://user@host/name"
        )
    # Whoever wrote a password as it is would be told of a host that is not there, called like the end of it.
    said = "".join(map(str, parsed.query.values()))
    if backend == "postgresql" and "@" in _AFTER_USER.sub("", url) and "@" not in said:
        raise Misconfigured(
            "the database URL has an @ too many; in a name or a password write it as %40, and so what else means "
            "something in a URL: % as %25, / as %2F, # as %23"
        )
    return parsed.set(drivername=DRIVERS[backend])
