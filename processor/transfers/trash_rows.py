"""Transfers that put something into the trash ↔ what their rows say of it, and how long it has lain there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from typing import NamedTuple

from sqlalchemy import Connection, func, select, update

from processor.tables import TransferRow


class GaveWay(NamedTuple):
    """What lies in the trash: an album, and the kind of the transfer that put it there."""

    kind: str
    artist: str | None
    album: str | None
    item_id: int | None = None  # of what was published there, where that is known


def trash_ages(connection: Connection, ids: Collection[str]) -> dict[str, tuple[dt.timedelta, dt.datetime | None]]:
    """Return how long what each transfer put into the trash has lain there, and when that was counted last."""
    query = select(TransferRow.id, TransferRow.trash_seconds, TransferRow.trash_seen_at).where(TransferRow.id.in_(ids))
    return {
        row.id: (dt.timedelta(seconds=row.trash_seconds or 0), row.trash_seen_at) for row in connection.execute(query)
    }


def gave_way(connection: Connection, ids: Collection[str]) -> dict[str, GaveWay]:
    """Return of each transfer what it put into the trash, if it put something there."""
    query = select(TransferRow.id, TransferRow.kind, TransferRow.before, TransferRow.item)
    found = {}
    for row in connection.execute(query.where(TransferRow.id.in_(ids))):
        was, intent = row.before or {}, row.item.get("intent") or {}
        found[row.id] = GaveWay(row.kind, was.get("album_artist"), was.get("album"), intent.get("item_id"))
    return found


def count_in_trash(connection: Connection, ages: Mapping[str, dt.timedelta], now: dt.datetime) -> None:
    """Write down how long what each transfer put into the trash has lain there by now."""
    for id, age in ages.items():
        values = {"trash_seconds": int(age.total_seconds()), "trash_seen_at": now}
        connection.execute(update(TransferRow).where(TransferRow.id == id).values(**values))


def went_for_good(connection: Connection, ids: Collection[str]) -> None:
    """Write down that what these transfers put into the trash is removed, so that the journal may forget them."""
    values = {"trash_seconds": func.coalesce(TransferRow.trash_seconds, 0), "trash_seen_at": None}
    connection.execute(update(TransferRow).where(TransferRow.id.in_(ids)).values(**values))
