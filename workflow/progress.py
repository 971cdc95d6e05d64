"""Items' statuses and places in the chain ↔ rows; every move is checked, and kept with who, when and why."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Identity, Index, and_, delete, exists, insert, or_, select, text, update

from config.database import insert_into
from config.errors import Misconfigured, Retryable
from config.tables import Base, BigId, column, optional
from processor.items import repository
from processor.tables import PublicationRow, StagingItem
from workflow import events, telling
from workflow.engine.tables import JobRow
from workflow.states import check_move

GATE_CLOSED: Final = "gate_closed"  # code of a job that found its gate closed when it started; it may come again

PASSED_OVER: Final = "passed over: the phase is off"  # why of an entry that is no decision
SAID: Final = frozenset({"edit", "note", "choose", "restage"})  # what of entries that are no decision, either


class ProgressRow(Base):
    """How far along the chain an item is, apart from its status."""

    __tablename__ = "item_progress"

    item_id = column(int, BigId, primary_key=True, autoincrement=False)
    position = column(str, index=True)
    moved_at = column(dt.datetime)


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
        Index("ix_item_history_people", "id", sqlite_where=_BY_PEOPLE, postgresql_where=_BY_PEOPLE),
        Index("ix_item_history_runs", "run_id", "id", sqlite_where=_BY_RUNS, postgresql_where=_BY_RUNS),
    )


class Because(NamedTuple):
    """Who moved an item, in which phase, and why."""

    what: str
    actor: str
    why: str
    job_id: int | None = None


def staged(
    connection: Connection, changed: Sequence[repository.Upserted], run_id: str | None, now: dt.datetime
) -> None:
    """Write down that items were staged, or staged anew: each is at the chain's beginning."""
    _place(connection, [item.id for item in changed], "staged", now)
    same = {"at": now, "actor": "cycle", "what": "stage", "status": "pending_review", "job_id": None, "run_id": run_id}
    connection.execute(
        insert(ItemHistoryRow),
        [
            {**same, "item_id": i.id, "revision": i.revision, "why": "staged" if i.revision == 1 else "staged anew"}
            for i in changed
        ],
    )


def move(
    connection: Connection,
    item: Mapping[str, Any],
    because: Because,
    now: dt.datetime,
    *,
    status: str | None = None,
    position: str | None = None,
    arrived: bool = False,
) -> None:
    """Give an item a status, a place in the chain, or both, if nobody changed it since it was read; remember it.

    What `arrived` in a library is there whatever its status was; a refusal would leave its transfer open for ever.

    Raises IllegalMove, and Retryable when it is another than it was.
    """
    then = item["status"] if status is None else status
    if then != item["status"] and not arrived:
        check_move(item["id"], item["status"], then)
    same = (StagingItem.id == item["id"], StagingItem.revision == item["revision"])
    changed = update(StagingItem).where(*same, StagingItem.status == item["status"])
    if connection.execute(changed.values(status=then)).rowcount != 1:
        raise Retryable(f"item {item['id']} was changed meanwhile; look at it again", code="item_changed")
    if position is not None:
        _place(connection, [item["id"]], position, now)
    note(connection, {**item, "status": then}, because, now)
    if then != item["status"]:
        events.tell(connection, telling.of_decision(item, then, because.why, because.job_id), now)


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


def names(connection: Connection, item_ids: Collection[int]) -> dict[int, str]:
    """Return what people call items."""
    columns = (StagingItem.id, StagingItem.album_artist, StagingItem.album)
    query = select(*columns).where(StagingItem.id.in_(item_ids))
    return {row.id: telling.album_name(row._asdict()) for row in connection.execute(query)}


def old(connection: Connection, before: dt.datetime, limit: int) -> Sequence[int]:
    """Return what happened before a time to items that are no more."""
    gone = ~exists().where(StagingItem.id == ItemHistoryRow.item_id)
    return connection.scalars(select(ItemHistoryRow.id).where(ItemHistoryRow.at < before, gone).limit(limit)).all()


def remove(connection: Connection, ids: Sequence[int]) -> None:
    """Remove entries of the history."""
    connection.execute(delete(ItemHistoryRow).where(ItemHistoryRow.id.in_(ids)))


def find(connection: Connection, item_id: int) -> dict[str, Any]:
    """Return an item's row with its `position`, and `news_at`: since when more is known of it than is published.

    Raises Misconfigured when there is no such item.
    """
    place = select(ProgressRow.position).where(ProgressRow.item_id == StagingItem.id).scalar_subquery()
    news = select(PublicationRow.news_at).where(PublicationRow.item_id == StagingItem.id).scalar_subquery()
    columns = (StagingItem.__table__, place.label("position"), news.label("news_at"))
    query = select(*columns).where(StagingItem.id == item_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        raise Misconfigured(f"there is no item {item_id}", code="unknown_item")
    return {**row, "position": row["position"] or "staged"}  # staged by a version that did not write it down


def known(connection: Connection, item_id: int) -> dict[str, Any] | None:
    """Return what `find` does, None when there is no such item."""
    try:
        return find(connection, item_id)
    except Misconfigured:
        return None


def due(
    connection: Connection, position: str, phase: str, statuses: Iterable[str], now: dt.datetime, limit: int
) -> list[int]:
    """Return items at a position that have no open job, and had none of the phase since they came there.

    Where the clock was set back since, any job of the phase counts: each would be before they came there, and be
    wanted again and again.
    """
    busy = _busy(phase, ProgressRow.item_id, ProgressRow.moved_at, now)
    query = select(ProgressRow.item_id).join(StagingItem, StagingItem.id == ProgressRow.item_id)
    wanted = (ProgressRow.position == position, StagingItem.status.in_(list(statuses)), ~busy)
    return list(connection.scalars(query.where(*wanted).order_by(ProgressRow.item_id).limit(limit)))


def outdated(connection: Connection, phase: str, status: str, before: dt.datetime, limit: int) -> list[int]:
    """Return items of a status whose library lacks what became known of them before a time, the longest ago first.

    Only items without an open job, and without one of the phase since the last change.
    """
    busy = _busy(phase, PublicationRow.item_id, PublicationRow.news_at, before)
    # Neither joined nor by item: SQLite would begin with all items of the status, or with all that is published.
    is_so = exists().where(StagingItem.id == PublicationRow.item_id, StagingItem.status == status)
    query = select(PublicationRow.item_id).where(PublicationRow.news_at <= before, is_so, ~busy)
    return list(connection.scalars(query.order_by(PublicationRow.news_at).limit(limit)))


def _busy(phase: str, item_id: Any, since: Any, now: dt.datetime) -> Any:
    """Return the condition that an item has an open job, or had one of a phase since a time, or ever if it is ahead."""
    tried = and_(
        JobRow.phase == phase,
        or_(JobRow.created_at >= since, since > now),
        or_(JobRow.code.is_(None), JobRow.code != GATE_CLOSED),
    )
    return exists().where(JobRow.item_id == item_id, or_(JobRow.status.in_(("queued", "running")), tried))


def adopt(connection: Connection, now: dt.datetime) -> None:
    """Put items at the beginning of the chain that an older version staged, or fsck recorded from a sidecar.

    What is published has come along the chain, so those are not looked through.
    """
    unplaced = select(StagingItem.id).where(
        StagingItem.status.in_(("pending_review", "approved")),
        ~exists().where(ProgressRow.item_id == StagingItem.id),
    )
    if ids := connection.scalars(unplaced).all():
        _place(connection, ids, "staged", now, only_new=True)


def _place(
    connection: Connection, item_ids: Collection[int], position: str, now: dt.datetime, *, only_new: bool = False
) -> None:
    """Say where items are in the chain; of `only_new` where nobody said so meanwhile, for several hosts adopt."""
    new = insert_into(connection, ProgressRow)
    then = {"position": new.excluded.position, "moved_at": new.excluded.moved_at}
    moved = new.on_conflict_do_update(index_elements=[ProgressRow.item_id], set_=then)
    rows = [{"item_id": item_id, "position": position, "moved_at": now} for item_id in item_ids]
    connection.execute(new.on_conflict_do_nothing() if only_new else moved, rows)


def history(connection: Connection, item_id: int) -> list[dict[str, Any]]:
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
