"""Players and what they are owed ↔ rows. All SQL of players.

A debt is one folder of a library that one player should look at: it is wanted again while it is open, it is told and
confirmed together with others, and it is gone once the album was seen. What was missed stays, with why.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from sqlalchemy import (
    Connection,
    ForeignKey,
    Identity,
    Index,
    UniqueConstraint,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from config.database import one_writer
from config.errors import Misconfigured
from config.secrecy import resealed, seal, unseal
from config.tables import Base, BigId, column, optional
from processor.players.paths import Pair
from processor.players.player import Player

Change = Literal["texts", "changed", "new", "gone"]
CHANGES: Final[tuple[Change, ...]] = get_args(Change)  # of two that meet in one debt the later asks for more


_OWED, _MISSED = text("missed IS NULL"), text("missed IS NOT NULL")


class PlayerRow(Base):
    """One player an admin told us of."""

    __tablename__ = "players"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id = column(int, BigId, Identity(), primary_key=True)
    name = column(str, unique=True)
    kind = column(str)
    url = column(str)
    user = optional(str)
    secret = optional(str)
    path_map = column(list[Any])  # [ours, theirs]
    enabled = column(bool)
    created_at = column(dt.datetime)
    heard_at = optional(dt.datetime)  # when it last did what it was asked
    problem = optional(str)  # why it did not since


class DebtRow(Base):
    """One folder a player should look at; the columns are explained in Debt."""

    __tablename__ = "player_debts"
    __table_args__ = (
        UniqueConstraint("player_id", "root", "folder"),
        Index("ix_player_debts_owed", "player_id", "since", "id", "missed", sqlite_where=_OWED, postgresql_where=_OWED),
        Index("ix_player_debts_missed", "player_id", "since", "id", sqlite_where=_MISSED, postgresql_where=_MISSED),
        {"sqlite_autoincrement": True},
    )

    id = column(int, BigId, Identity(), primary_key=True)
    player_id = column(int, BigId, ForeignKey("players.id", ondelete="CASCADE"))
    item_id = column(int, BigId)
    root = column(bytes)
    folder = column(bytes)
    change = column(str)
    since = column(dt.datetime)
    wanted_at = column(dt.datetime)
    missed = optional(str)


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


@dataclass(frozen=True, slots=True)
class Standing:
    """How it goes with one player."""

    player: Player
    heard_at: dt.datetime | None
    problem: str | None
    owed: int  # folders it has not confirmed yet
    missed: int  # and those it never did


_SECRET_FREE: Final = ("name", "kind", "url", "user", "path_map", "enabled")


def players(connection: Connection, *, only_enabled: bool = False) -> list[Player]:
    """Return the players by name."""
    query = select(PlayerRow.__table__).order_by(PlayerRow.name)
    return [_player(connection, row) for row in connection.execute(query) if row.enabled or not only_enabled]


def standings(connection: Connection) -> list[Standing]:
    """Return how it goes with each player, by name."""
    rows = connection.execute(select(PlayerRow.__table__).order_by(PlayerRow.name)).all()
    owed, counted = _count(connection, DebtRow.missed.is_(None)), _count(connection)
    missed = {player: count - owed.get(player, 0) for player, count in counted.items()}
    return [
        Standing(player, row.heard_at, player.lost or row.problem, owed.get(row.id, 0), missed.get(row.id, 0))
        for row in rows
        for player in [_player(connection, row)]
    ]


def _count(connection: Connection, *which: ColumnElement[bool]) -> dict[int, int]:
    """Return how many debts each player has; an index alone tells it of those that are owed, and of all."""
    query = select(DebtRow.player_id, func.count()).where(*which).group_by(DebtRow.player_id)
    return {player: count for player, count in connection.execute(query)}


def find(connection: Connection, name_or_id: str | int) -> Player:
    """Return one player. Raises Misconfigured when there is none."""
    which = PlayerRow.id == name_or_id if isinstance(name_or_id, int) else PlayerRow.name == name_or_id
    row = connection.execute(select(PlayerRow.__table__).where(which)).first()
    if row is None:
        raise Misconfigured(f"there is no player {name_or_id}; `greenroom players` lists them", code="no_player")
    return _player(connection, row)


def add(connection: Connection, player: Player, now: dt.datetime) -> Player:
    """Store a checked player, whose id is given here. Raises Misconfigured when its name is taken."""
    one_writer(connection, PlayerRow.__tablename__)
    if connection.scalar(select(PlayerRow.id).where(PlayerRow.name == player.name)):
        raise Misconfigured(f"there is a player {player.name} already; remove it first", code="player_exists")
    values = {**_values(connection, player), "created_at": now, "heard_at": None, "problem": None}
    return find(connection, int(connection.scalar(insert(PlayerRow).values(values).returning(PlayerRow.id)) or 0))


def change(connection: Connection, player: Player) -> None:
    """Store what an admin changed of a player; a secret that cannot be read stays as it is."""
    one_writer(connection, PlayerRow.__tablename__)
    values = {**_values(connection, player), "problem": None}
    connection.execute(update(PlayerRow).where(PlayerRow.id == player.id).values(values))


def remove(connection: Connection, player: Player) -> None:
    """Forget a player and what it is owed."""
    connection.execute(delete(DebtRow).where(DebtRow.player_id == player.id))
    connection.execute(delete(PlayerRow).where(PlayerRow.id == player.id))


def heard(connection: Connection, player_id: int, now: dt.datetime) -> None:
    """Remember that a player did what it was asked."""
    connection.execute(update(PlayerRow).where(PlayerRow.id == player_id).values(heard_at=now, problem=None))


def in_trouble(connection: Connection, player_id: int, why: str) -> None:
    """Remember why a player did not."""
    connection.execute(update(PlayerRow).where(PlayerRow.id == player_id).values(problem=why))


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


def reseal(connection: Connection) -> int:
    """Encrypt the secret of every player with the newest key; return how many were not."""
    one_writer(connection, PlayerRow.__tablename__)
    done = 0
    for player_id, secret in connection.execute(select(PlayerRow.id, PlayerRow.secret)).all():
        if secret is not None and (fresh := resealed(connection, secret)) is not None:
            connection.execute(update(PlayerRow).where(PlayerRow.id == player_id).values(secret=fresh))
            done += 1
    return done


def _values(connection: Connection, player: Player) -> dict[str, Any]:
    values = {name: getattr(player, name) for name in _SECRET_FREE}
    values["path_map"] = [list(pair) for pair in player.path_map]
    if not player.lost:
        values["secret"] = None if player.secret is None else seal(connection, player.secret)
    return values


def _player(connection: Connection, row: Any) -> Player:
    secret, lost = row.secret, None
    if secret is not None:
        try:
            secret = unseal(connection, secret)
        except Misconfigured as error:
            secret, lost = None, f"its password or token has to be entered again: {error.message}"
    pairs = tuple(Pair(ours, theirs) for ours, theirs in row.path_map)
    return Player(row.id, row.name, row.kind, row.url, row.user, secret, pairs, row.enabled, lost)


def _debt(row: Any) -> Debt:
    owed = Owed(row.item_id, bytes(row.root), bytes(row.folder), row.change)
    return Debt(row.id, row.player_id, owed, row.since, row.wanted_at, row.missed)
