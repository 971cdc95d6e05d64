"""What players are owed ↔ rows.

A debt is one folder of a library that one player should look at: it is wanted again while it is open, it is told and
confirmed together with others, and it is gone once the album was seen. What was missed stays, with why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.sql.elements import ColumnElement

from config.database import one_writer
from processor.players.tables import DebtRow, PlayerRow

Change = Literal["texts", "changed", "new", "gone"]
CHANGES: Final[tuple[Change, ...]] = get_args(Change)  # of two that meet in one debt the later asks for more


@dataclass(frozen=True, slots=True)
class Owed:
    """One folder of a library, and what changed in it."""

    item_id: int
    root: bytes  # the library
    folder: bytes  # relative to it
    change: Change  # texts: NFO files; changed: other files, too; new: the folder was not there; gone: it is no more


@dataclass(frozen=True, slots=True)
class Debt:
    """What one player is owed."""

    id: int
    player_id: int
    owed: Owed
    since: dt.datetime  # when it was wanted first
    wanted_at: dt.datetime  # and last
    missed: str | None  # why it was given up


def counted(connection: Connection, *which: ColumnElement[bool]) -> dict[int, int]:
    """Return how many debts each player has; an index alone tells it of those that are owed, and of all."""
    query = select(DebtRow.player_id, func.count()).where(*which).group_by(DebtRow.player_id)
    return {player: count for player, count in connection.execute(query)}


def owe(connection: Connection, player_ids: Collection[int], owed: Owed, now: dt.datetime) -> None:
    """Want players to look at a folder; what one is owed already is wanted anew, and what it missed again."""
    one_writer(connection, DebtRow.__tablename__)
    for player_id in player_ids:
        same = (DebtRow.player_id == player_id, DebtRow.root == owed.root, DebtRow.folder == owed.folder)
        before = connection.scalar(select(DebtRow.change).where(*same))
        values = {"item_id": owed.item_id, "change": _both(before, owed.change), "wanted_at": now, "missed": None}
        if before is None:
            row = {"player_id": player_id, "root": owed.root, "folder": owed.folder, "since": now, **values}
            connection.execute(insert(DebtRow).values(row))
        else:
            connection.execute(update(DebtRow).where(*same).values(values))


def _both(before: str | None, now: Change) -> Change:
    """Return what two changes of one folder come to: what is gone came after all else, and what is there after it."""
    if before is None or "gone" in (before, now):
        return now
    return next(one for one in reversed(CHANGES) if one in (before, now))


def debts(connection: Connection, player_id: int | None = None) -> list[Debt]:
    """Return what players are owed; what waits longest comes first."""
    query = select(DebtRow.__table__).where(DebtRow.missed.is_(None))
    if player_id is not None:
        query = query.where(DebtRow.player_id == player_id)
    return [_debt(row) for row in connection.execute(query.order_by(DebtRow.since, DebtRow.id))]


def missed(connection: Connection, player_id: int, limit: int) -> list[Debt]:
    """Return the folders a player never showed that were wanted longest ago."""
    query = select(DebtRow.__table__).where(DebtRow.missed.is_not(None), DebtRow.player_id == player_id)
    return [_debt(row) for row in connection.execute(query.order_by(DebtRow.since, DebtRow.id).limit(limit))]


def debtors(connection: Connection) -> list[int]:
    """Return the players that are on and owed anything; holds off whoever wants to owe more until this ends."""
    one_writer(connection, DebtRow.__tablename__)
    query = select(PlayerRow.id).join(DebtRow, DebtRow.player_id == PlayerRow.id)
    return list(connection.scalars(query.where(DebtRow.missed.is_(None), PlayerRow.enabled).distinct()))


def is_owed(connection: Connection) -> bool:
    """Whether any player that is on is owed anything."""
    query = select(DebtRow.id).join(PlayerRow, DebtRow.player_id == PlayerRow.id)
    return connection.scalar(query.where(DebtRow.missed.is_(None), PlayerRow.enabled).limit(1)) is not None


def move_root(connection: Connection, before: bytes, now: bytes) -> None:
    """Let what is owed of a library be at the path that it has now, where no other one can be any more."""
    connection.execute(delete(DebtRow).where(DebtRow.root == now))
    connection.execute(update(DebtRow).where(DebtRow.root == before).values(root=now))


def settle(connection: Connection, debt: Debt) -> None:
    """Forget a debt that was confirmed, unless it was wanted anew meanwhile."""
    connection.execute(delete(DebtRow).where(DebtRow.id == debt.id, DebtRow.wanted_at == debt.wanted_at))


def give_up(connection: Connection, debt: Debt, why: str) -> None:
    """Keep a debt as missed, unless it was wanted anew meanwhile."""
    same = (DebtRow.id == debt.id, DebtRow.wanted_at == debt.wanted_at)
    connection.execute(update(DebtRow).where(*same).values(missed=why))


def want_again(connection: Connection, player_id: int, now: dt.datetime) -> int:
    """Want what a player missed once more; return how much that is."""
    lost = (DebtRow.player_id == player_id, DebtRow.missed.is_not(None))
    return connection.execute(update(DebtRow).where(*lost).values(missed=None, wanted_at=now)).rowcount


def _debt(row: Any) -> Debt:
    owed = Owed(row.item_id, bytes(row.root), bytes(row.folder), row.change)
    return Debt(row.id, row.player_id, owed, row.since, row.wanted_at, row.missed)
