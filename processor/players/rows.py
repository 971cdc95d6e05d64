"""Players ↔ rows, and how it goes with each."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    Connection,
    delete,
    insert,
    select,
    update,
)

from config.database import one_writer
from config.errors import Misconfigured
from config.secrecy import resealed, seal, unseal
from processor.players import debts
from processor.players.paths import Pair
from processor.players.player import Player
from processor.players.tables import DebtRow, PlayerRow


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
    owed, counted = debts.counted(connection, DebtRow.missed.is_(None)), debts.counted(connection)
    missed = {player: count - owed.get(player, 0) for player, count in counted.items()}
    return [
        Standing(player, row.heard_at, player.lost or row.problem, owed.get(row.id, 0), missed.get(row.id, 0))
        for row in rows
        for player in [_player(connection, row)]
    ]


def find(connection: Connection, name_or_id: str | int) -> Player:
    """Return one player. Raises Misconfigured when there is none."""
    which = PlayerRow.id == name_or_id if isinstance(name_or_id, int) else PlayerRow.name == name_or_id
    row = connection.execute(select(PlayerRow.__table__).where(which)).first()
    if row is None:
        raise Misconfigured(f"there is no player {name_or_id}; `greenroom players` lists them", code="unknown_player")
    return _player(connection, row)


def add(connection: Connection, player: Player, now: dt.datetime) -> Player:
    """Store a checked player, whose id is given here. Raises Misconfigured when its name is taken."""
    one_writer(connection, PlayerRow.__tablename__)
    if connection.scalar(select(PlayerRow.id).where(PlayerRow.name == player.name)):
        raise Misconfigured(f"there is a player {player.name} already; remove it first", code="player_exists")
    values = {**_values(connection, player), "created_at": now, "heard_at": None, "problem": None}
    return find(connection, int(connection.scalar(insert(PlayerRow).values(values).returning(PlayerRow.id)) or 0))


def to_change(connection: Connection, player_id: int) -> Player:
    """Return a player that is about to be changed: whoever else would change one waits until our transaction ends.

    Raises Misconfigured when there is none.
    """
    one_writer(connection, PlayerRow.__tablename__)
    return find(connection, player_id)


def change(connection: Connection, player: Player) -> None:
    """Store what an admin changed of a player; a secret that cannot be read stays as it is."""
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
