"""What happened to items, who did it, when and why ↔ rows that are only ever added, and removed with age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Identity, delete, exists, insert, select, text

from config.tables import Base, BigId, SomeRows, column, optional
from processor.items import repository, storing
from processor.tables import StagingItem
from workflow import telling

PASSED_OVER: Final = "passed over: the phase is off"  # why of an entry that is no decision
SAID: Final = frozenset({"edit", "note", "choose", "restage"})  # what of entries that are no decision, either

# Actors that are no person. Written out, because the partial index answers only a condition of these very words.
_BY_PEOPLE = text("actor NOT IN ('chain', 'cycle', 'calendar', 'reconciler')")
_BY_RUNS = text("run_id IS NOT NULL")


class ItemHistoryRow(Base):
    """One thing that happened to an item. Rows are only ever added."""

    __tablename__ = "item_history"

    id = column(int, BigId, Identity(), primary_key=True)
    item_id = column(int, BigId, index=True)
    revision = column(int)
    at = column(dt.datetime)
    actor = column(str)
    what = column(str)  # staged, or the phase, or the decision
    status = column(str)  # after it
    why = column(str)
    job_id = optional(int, BigId)
    run_id = optional(str)
    __table_args__ = (
        SomeRows("ix_item_history_people", ("id",), _BY_PEOPLE),
        SomeRows("ix_item_history_runs", ("run_id", "id"), _BY_RUNS),
    )


class Because(NamedTuple):
    """Who moved an item, in which phase, and why."""

    what: str
    actor: str
    why: str
    job_id: int | None = None


def staged(connection: Connection, changed: Sequence[storing.Upserted], run_id: str | None, now: dt.datetime) -> None:
    """Remember that a cycle staged items, or staged them anew."""
    same = {"at": now, "actor": "cycle", "what": "stage", "status": "pending_review", "job_id": None, "run_id": run_id}
    connection.execute(
        insert(ItemHistoryRow),
        [
            {**same, "item_id": i.id, "revision": i.revision, "why": "staged" if i.revision == 1 else "staged anew"}
            for i in changed
        ],
    )


def note(connection: Connection, item: Mapping[str, Any], because: Because, now: dt.datetime) -> None:
    """Remember something that changed neither status nor place of an item: what a person said of it."""
    row = {"item_id": item["id"], "revision": item["revision"], "at": now, "status": item["status"], "run_id": None}
    connection.execute(insert(ItemHistoryRow).values(**row, **because._asdict()))


def noticed(connection: Connection, item_ids: Collection[int], why: str) -> None:
    """Remember that items have another status since a look at their folders, which are gone or there again."""
    because, now = Because("presence", "reconciler", why), dt.datetime.now(dt.UTC)
    for item in repository.these(connection, sorted(item_ids), with_files=False):
        note(connection, item, because, now)


def passed_over(connection: Connection, skipped: Iterable[tuple[int, int, str, str]], now: dt.datetime) -> None:
    """Remember phases that items came past because they are off: (item, its revision, its status, phase)."""
    same = {"at": now, "actor": "chain", "why": PASSED_OVER, "job_id": None, "run_id": None}
    rows = [
        {**same, "item_id": item_id, "revision": revision, "status": status, "what": phase}
        for item_id, revision, status, phase in skipped
    ]
    if rows:
        connection.execute(insert(ItemHistoryRow), rows)


def moved_by(connection: Connection, run_id: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Return what a run staged, after an entry of the history: that entry's `id`, item, name and status of today.

    Name and `status` are None for an item that is gone.
    """
    item = (StagingItem.album_artist, StagingItem.album, StagingItem.year, StagingItem.status)
    query = (
        select(ItemHistoryRow.id, ItemHistoryRow.item_id, ItemHistoryRow.why, *item)
        .outerjoin(StagingItem, StagingItem.id == ItemHistoryRow.item_id)
        .where(ItemHistoryRow.run_id == run_id, ItemHistoryRow.id > after)
        .order_by(ItemHistoryRow.id)
        .limit(limit)
    )
    return [
        {"id": row.id, "item_id": row.item_id, "why": row.why, "status": row.status}
        | {"name": telling.album_name(row._asdict()) if row.status else None}
        for row in connection.execute(query)
    ]


def old(connection: Connection, before: dt.datetime, limit: int) -> Sequence[int]:
    """Return what happened before a time to items that are no more."""
    gone = ~exists().where(StagingItem.id == ItemHistoryRow.item_id)
    return connection.scalars(select(ItemHistoryRow.id).where(ItemHistoryRow.at < before, gone).limit(limit)).all()


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Remove entries of the history."""
    connection.execute(delete(ItemHistoryRow).where(ItemHistoryRow.id.in_(ids)))


def of_item(connection: Connection, item_id: int) -> list[dict[str, Any]]:
    """Return what happened to an item, oldest first."""
    table = ItemHistoryRow.__table__
    rows = connection.execute(select(table).where(ItemHistoryRow.item_id == item_id).order_by(ItemHistoryRow.id))
    return [dict(row._mapping) for row in rows]


def is_step(entry: Mapping[str, Any]) -> bool:
    """Tell whether an entry of a history moved the item forward or back."""
    return entry["why"] != PASSED_OVER and entry["what"] not in SAID


def newest(connection: Connection, limit: int, *, by_people: bool = False) -> list[dict[str, Any]]:
    """Return what happened to any item, newest first; only what people did, if asked."""
    query = select(ItemHistoryRow.__table__).order_by(ItemHistoryRow.id.desc()).limit(limit)
    rows = connection.execute(query.where(_BY_PEOPLE) if by_people else query)
    return [dict(row._mapping) for row in rows]
