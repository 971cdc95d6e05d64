"""The rows of players: those an admin told us of, and the folders each should look at."""

from __future__ import annotations

import datetime as dt
from typing import Any

from sqlalchemy import ForeignKey, Identity, UniqueConstraint, text

from config.tables import Base, BigId, SomeRows, column, optional

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
    """One folder a player should look at; the columns are explained in debts.Debt."""

    __tablename__ = "player_debts"
    __table_args__ = (
        UniqueConstraint("player_id", "root", "folder"),
        SomeRows("ix_player_debts_owed", ("player_id", "since", "id", "missed"), _OWED),
        SomeRows("ix_player_debts_missed", ("player_id", "since", "id"), _MISSED),
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
