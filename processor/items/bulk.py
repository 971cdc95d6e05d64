"""Many rows of values → one table, the quickest way its database has."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

Rows = Iterable[tuple[Any, ...]]


def load(connection: Connection, table: str, columns: Sequence[str], rows: Rows) -> None:
    """Insert rows, whose values are as the driver takes them; names are ours. Raises what SQLAlchemy would."""
    errors = connection.dialect.loaded_dbapi.Error
    try:
        _LOAD[connection.dialect.name](connection, table, columns, rows)
    except errors as error:
        raise DBAPIError.instance(None, None, error, errors) from error


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
