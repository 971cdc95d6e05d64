"""Requests of all workers of all hosts → one after the other, so far apart as a service allows. All SQL of turns.

Who has the turn hands it on when the service has begun to answer, and the next one begins a whole interval after that:
so no two requests reach a service closer together than it allows, however long each is on its way.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from sqlalchemy import BigInteger, Connection, delete, or_, select, update

from config.database import Database, insert_into, now_ms
from config.tables import Base, column, optional

LOOK: Final = 0.1  # seconds between two looks whether somebody who has the turn handed it on
ROUNDED: Final = 2  # ms that two readings of the database's clock may be off, both rounded
SET_BACK: Final = 600_000  # ms; further ahead than this no turn ends, so the clock was set back meanwhile


class TurnRow(Base):
    """Whose turn it is at something, or when the next one is; in milliseconds since 1970 by the database's clock."""

    __tablename__ = "turns"

    name = column(str, primary_key=True)
    next_ms = column(int, BigInteger)  # when anybody may have it, even if it was not handed on
    holder = optional(str)  # who has it; None: it was handed on


@contextmanager
def turn(
    database: Database, name: str, wait: Callable[[float], None], *, apart: float = 0, longest: float
) -> Iterator[None]:
    """Have the turn at `name` within the block; the next one begins `apart` seconds after its end. Times: seconds.

    Whoever keeps it for `longest`, and so has died, loses it. What `wait` raises passes through.
    """
    holder = str(uuid.uuid4())
    while True:
        with database.read() as connection:
            seconds = left(connection, name, apart)
        if seconds:
            wait(seconds)
            continue
        with database.begin() as connection:
            if take(connection, name, holder, longest, apart):
                break
    try:
        yield
    finally:
        with database.begin() as connection:
            hand_on(connection, name, holder, apart)


def left(connection: Connection, name: str, apart: float = 0) -> float:
    """Return for how many seconds to wait before the turn may be had; while somebody has it, before the next look."""
    query = select(TurnRow.next_ms - now_ms(connection), TurnRow.holder).where(TurnRow.name == name)
    found = connection.execute(query).first()
    if found is None or not 0 < found[0] <= SET_BACK + _ms(apart):
        return 0
    return min(LOOK, apart or LOOK) if found.holder else float(found[0]) / 1000


def take(connection: Connection, name: str, holder: str, longest: float, apart: float = 0) -> bool:
    """Have the turn, unless somebody else has; return whether we do."""
    now = now_ms(connection)
    mine = {"next_ms": now + _ms(longest + apart), "holder": holder}
    free = or_(TurnRow.next_ms <= now, TurnRow.next_ms > now + SET_BACK + _ms(apart))
    query = insert_into(connection, TurnRow).values(name=name, **mine)
    query = query.on_conflict_do_update(index_elements=[TurnRow.name], set_=mine, where=free)
    return connection.execute(query.returning(TurnRow.name)).first() is not None


def hand_on(connection: Connection, name: str, holder: str, apart: float) -> None:
    """Let the next one have the turn, `apart` seconds from now; what was taken from us meanwhile stays as it is."""
    mine = (TurnRow.name == name, TurnRow.holder == holder)
    if not apart:
        connection.execute(delete(TurnRow).where(*mine))
    else:
        then = {"next_ms": now_ms(connection) + _ms(apart) + ROUNDED, "holder": None}
        connection.execute(update(TurnRow).where(*mine).values(then))


def _ms(seconds: float) -> int:
    return math.ceil(1000 * seconds)
