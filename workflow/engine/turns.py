"""Requests of all workers of all hosts → a turn each, so far apart as a provider allows. All SQL of turns."""

from __future__ import annotations

from sqlalchemy import BigInteger, Connection, cast, func, insert, literal_column, select, update
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.sql.elements import ColumnElement

from config.database import one_writer
from config.tables import Base


class TurnRow(Base):
    """When the next request to one provider may be made, in milliseconds since 1970 by the database's clock."""

    __tablename__ = "turns"

    name: Mapped[str] = mapped_column(primary_key=True)
    next_ms: Mapped[int] = mapped_column(BigInteger)


def take(connection: Connection, name: str, per_second: float) -> float:
    """Reserve the next turn; return in how many seconds it comes."""
    one_writer(connection, TurnRow.__tablename__)
    query = select(TurnRow.next_ms, now_ms(connection)).where(TurnRow.name == name)
    found = connection.execute(query).first()
    if found is None:
        now = connection.execute(select(now_ms(connection))).scalar_one()
        connection.execute(insert(TurnRow).values(name=name, next_ms=now))
        found_ms = now
    else:
        found_ms, now = found
    mine = max(found_ms, now)
    connection.execute(update(TurnRow).where(TurnRow.name == name).values(next_ms=mine + round(1000 / per_second)))
    return float(mine - now) / 1000


def now_ms(connection: Connection) -> ColumnElement[int]:
    """The database's own clock in milliseconds: the only clock all workers share."""
    if connection.dialect.name == "sqlite":
        return literal_column("CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)", BigInteger)
    return cast(func.floor(func.extract("epoch", func.clock_timestamp()) * 1000), BigInteger)
