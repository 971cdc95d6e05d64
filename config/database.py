"""A database URL → connections to SQLite or PostgreSQL that begin, commit and wait the same way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from config.errors import Misconfigured, Retryable

SQLITE_BUSY_MS = 10_000  # how long a writer waits for another writer before it gives up
READ_ONLY = {"greenroom_read": True}
MIGRATION_LOCK = 0x67726E726D  # any constant will do, as long as it stays
SUPPORTED = {"sqlite", "postgresql"}


class Database:
    """One database, SQLite or PostgreSQL. Thread-safe; close() when done."""

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except ArgumentError as error:
            raise Misconfigured("the database URL cannot be read; sqlite:////path or postgresql+psycopg://…") from error
        if parsed.get_backend_name() not in SUPPORTED:
            raise Misconfigured(
                f"{parsed.get_backend_name()} databases are not supported; use sqlite or postgresql+psycopg"
            )
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        self.url = parsed
        self.engine = _sqlite_engine(parsed) if self.is_sqlite else create_engine(parsed, pool_pre_ping=True)

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the one-file database; then there is one host and nobody else."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """Open a transaction that writes; it commits at the end of the block, durably, or not at all.

        Raises Retryable when the database cannot be reached or stays locked.
        """
        with _as_retryable(self), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Open a transaction that only reads: on SQLite it does not wait for writers."""
        with _as_retryable(self), self.engine.connect() as connection:
            connection.execution_options(**READ_ONLY)
            with connection.begin():
                yield connection

    def migrate(self) -> tuple[str | None, str]:
        """Bring the schema up to date; return the revisions before and after.

        Raises Misconfigured when the database was written by a newer Greenroom.
        """
        alembic = AlembicConfig()
        alembic.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        newest = ScriptDirectory.from_config(alembic).get_current_head()
        assert newest is not None
        with self.begin() as connection:
            if (
                not self.is_sqlite
            ):  # two hosts may start at once; SQLite's writer lock already makes the second one wait
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
            before = MigrationContext.configure(connection).get_current_revision()
            if before == newest:
                return before, newest
            known = {script.revision for script in ScriptDirectory.from_config(alembic).walk_revisions()}
            if before is not None and before not in known:
                raise Misconfigured(
                    f"the database is at revision {before}, made by a newer Greenroom; install that one"
                )
            alembic.attributes["connection"] = connection
            command.upgrade(alembic, "head")
        return before, newest

    def close(self) -> None:
        """Give every connection back."""
        self.engine.dispose()


def _sqlite_engine(url: Any) -> Engine:
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_MS / 1000, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def _prepare(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # the driver must not open transactions of its own; _begin does
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={SQLITE_BUSY_MS}"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A writer takes the write lock at once: a read that later upgrades would fail instead of waiting.
        reads = connection.get_execution_options().get("greenroom_read", False)
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


@contextmanager
def _as_retryable(database: Database) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        where = database.url.render_as_string(hide_password=True)
        raise Retryable(f"the database {where} did not answer: {error.orig}", code="database_unavailable") from error
