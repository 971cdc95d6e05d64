"""How each service stands, and how often it was asked, in rows that all workers share. All SQL of circuits."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, select, update

from config.database import insert_into
from config.tables import Base, column, optional
from processor.client.circuit import Circuit


class CircuitRow(Base):
    """One service that was asked at least once."""

    __tablename__ = "circuits"

    name = column(str, primary_key=True)
    state = column(str)  # closed, open, probing
    failures = column(int)  # in a row
    successes = column(int)  # of probes, in a row
    until = optional(dt.datetime)
    quiet_until = optional(dt.datetime)
    requests = column(int, BigInteger)  # ever made, with every attempt and every redirect
    failed = column(int, BigInteger)  # calls that were not answered, ever
    succeeded_at = optional(dt.datetime)
    failed_at = optional(dt.datetime)
    error = optional(str)  # of the last call that failed


def read(connection: Connection, name: str) -> Circuit:
    """Return how a service stands; as new if it was never asked."""
    found = connection.execute(_circuit(name)).first()
    return Circuit() if found is None else Circuit(*found)


def _circuit(name: str) -> Select[Any]:
    columns = [getattr(CircuitRow, field) for field in Circuit._fields]
    return select(*columns).where(CircuitRow.name == name)


def locked(connection: Connection, name: str) -> Circuit:
    """Return how a service stands, and let nobody else change that until our transaction ends."""
    new = {"name": name, "requests": 0, "failed": 0, **Circuit()._asdict()}
    connection.execute(insert_into(connection, CircuitRow).values(new).on_conflict_do_nothing())
    return Circuit(*connection.execute(_circuit(name).with_for_update()).one())


def write(connection: Connection, name: str, circuit: Circuit) -> None:
    """Store how a service stands; `locked` comes first."""
    connection.execute(update(CircuitRow).where(CircuitRow.name == name).values(circuit._asdict()))


def count(connection: Connection, name: str, requests: int, now: dt.datetime, error: str | None) -> None:
    """Count the requests of one call, which ended with an error or was answered; `write` comes first."""
    change: dict[Any, Any] = {CircuitRow.requests: CircuitRow.requests + requests}
    if error is None:
        change |= {CircuitRow.succeeded_at: now}
    else:
        change |= {CircuitRow.failed: CircuitRow.failed + 1, CircuitRow.failed_at: now, CircuitRow.error: error}
    connection.execute(update(CircuitRow).where(CircuitRow.name == name).values(change))


def standing(connection: Connection) -> dict[str, dict[str, Any]]:
    """Return every row by its name, for people and for figures."""
    rows = connection.execute(select(CircuitRow.__table__).order_by(CircuitRow.name))
    return {row.name: dict(row._mapping) for row in rows}


def reset(connection: Connection, name: str) -> None:
    """Let a service be asked again at once, as if it had never failed; what was counted stays."""
    locked(connection, name)
    write(connection, name, Circuit())
