"""A database at any revision → this version's schema."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

from sqlalchemy import JSON, Connection, Text, func, inspect, select, text, type_coerce

from config.database import Database
from config.errors import Misconfigured, Retryable
from config.tables import Base

MIGRATIONS = Path(__file__).parent / "migrations"
PATIENCE = 300.0  # seconds for another process's migration
MIGRATION_LOCK = 0x67726E726D  # any constant will do, as long as it stays


Told = Callable[[int, int, str], None]  # which step of how many begins, and its revision


def silent(_step: int, _of: int, _revision: str) -> None:
    """Tell nobody."""


def migrate(database: Database, newest: str | None = None, told: Told = silent) -> tuple[str | None, str]:
    """Run the revisions that are missing, in one transaction; return the revisions before and after.

    `newest` is where to stop, to read what an older version wrote; this version's own, if not given. `told` hears of
    each step, unless the database is new, which takes no time.

    Every command calls this at its start, so a database that is up to date costs one look, and no import of Alembic.
    Raises Misconfigured when the database was written by a newer Greenroom, or when our own files cannot be read.
    """
    known = _revisions()
    newest = newest or max(known)
    if newest not in known:
        raise Misconfigured(f"revision {newest} of the schema is a newer Greenroom's; install that one")
    with database.read() as connection:
        before = revision(connection)
    if before != newest:
        if database.is_sqlite:
            _wait_for_others(database)
        with database.begin() as connection:
            # Two hosts may start at once; SQLite's writer lock already makes the second one wait.
            if not database.is_sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATION_LOCK})
            before = revision(connection)
            if before is not None and before not in known:
                raise Misconfigured(
                    f"the database is at revision {before}, made by a newer Greenroom; install that one"
                )
            _upgrade(connection, newest, [one for one in sorted(known) if (before or one) < one <= newest], told)
    database.revision = newest
    return before, newest


def _wait_for_others(database: Database) -> None:
    """Wait until nobody writes: a migration in another process may take minutes, and SQLite waits for seconds only."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with database.begin():
                return
        except Retryable:
            if time.monotonic() > until:
                raise


def _revisions() -> set[str]:
    """Return the revisions this version has, which their files are named after: 0001_first_tables.py."""
    folder = MIGRATIONS / "versions"
    try:
        found = {name.partition("_")[0] for name in os.listdir(folder) if name[0].isdigit() and name.endswith(".py")}
    except OSError as error:
        raise _unreadable(folder, error.strerror or str(error)) from error
    if not found:
        raise _unreadable(folder, "there are none")
    return found


def _unreadable(folder: Path, why: str) -> Misconfigured:
    return Misconfigured(
        f"the migrations of the database in {folder} cannot be read: {why}; install Greenroom again, or let the user it"
        " runs as read its files",
        code="migrations_unreadable",
    )


def revision(connection: Connection) -> str | None:
    """Return the revision a database is at, None if it has no tables yet."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def no_json(database: Database) -> list[str]:
    """Return where a database holds no JSON in columns of JSON, a row each; PostgreSQL lets nobody write that."""
    if not database.is_sqlite:
        return []
    every = (column for table in Base.metadata.sorted_tables for column in table.columns)
    columns = [column for column in every if isinstance(getattr(column.type, "impl", column.type), JSON)]
    found = []
    with database.read() as connection:
        for column in columns:
            kept = type_coerce(column, Text)
            # A number is valid JSON to SQLite, but nothing that we wrote: it is no text.
            is_none = (func.typeof(kept) != "text") | (func.json_valid(kept) == 0)
            wrong = kept.is_not(None) & is_none  # to SQLite before 3.45 NULL is no valid JSON
            rows = connection.scalars(select(text("rowid")).select_from(column.table).where(wrong))
            found += [f"{column.table.name}.{column.name} in row {row}" for row in rows]
    return found


def _upgrade(connection: Connection, newest: str, steps: list[str], told: Told) -> None:
    from alembic import command
    from alembic.config import Config

    waiting = iter(enumerate(steps, 1))

    def begin(**_applied: object) -> None:
        for n, one in islice(waiting, 1):
            told(n, len(steps), one)

    alembic = Config()
    alembic.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))  # a ConfigParser reads it
    alembic.attributes.update(connection=connection, applied=begin)
    begin()
    command.upgrade(alembic, newest)
