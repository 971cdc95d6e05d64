"""Items' statuses and places in the chain ↔ rows; every move is checked, and remembered (`history.py`)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, exists, or_, select, update

from config.database import insert_into
from config.errors import Misconfigured, Retryable
from config.tables import Base, BigId, column
from processor.items import storing
from processor.tables import PublicationRow, StagingItem
from workflow import events, history, telling
from workflow.engine.tables import JobRow
from workflow.states import check_move

GATE_CLOSED: Final = "gate_closed"  # code of a job that found its gate closed when it started; it may come again


class ProgressRow(Base):
    """How far along the chain an item is, apart from its status."""

    __tablename__ = "item_progress"

    item_id = column(int, BigId, primary_key=True, autoincrement=False)
    position = column(str, index=True)
    moved_at = column(dt.datetime)


def staged(connection: Connection, changed: Sequence[storing.Upserted], run_id: str | None, now: dt.datetime) -> None:
    """Write down that items were staged, or staged anew: each is at the chain's beginning."""
    _place(connection, [item.id for item in changed], "staged", now)
    history.staged(connection, changed, run_id, now)


def move(
    connection: Connection,
    item: Mapping[str, Any],
    because: history.Because,
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
    history.note(connection, {**item, "status": then}, because, now)
    if then != item["status"]:
        events.tell(connection, telling.of_decision(item, then, because.why, because.job_id), now)


def names(connection: Connection, item_ids: Collection[int]) -> dict[int, str]:
    """Return what people call items."""
    columns = (StagingItem.id, StagingItem.album_artist, StagingItem.album)
    query = select(*columns).where(StagingItem.id.in_(item_ids))
    return {row.id: telling.album_name(row._asdict()) for row in connection.execute(query)}


def find(connection: Connection, item_id: int) -> dict[str, Any]:
    """Return an item's row with its `position`, and `news_at`: since when more is known of it than is published.

    Raises Misconfigured when there is no such item.
    """
    item = known(connection, item_id)
    if item is None:
        raise Misconfigured(f"there is no item {item_id}", code="unknown_item")
    return item


def known(connection: Connection, item_id: int) -> dict[str, Any] | None:
    """Return what `find` does, None when there is no such item."""
    place = select(ProgressRow.position).where(ProgressRow.item_id == StagingItem.id).scalar_subquery()
    news = select(PublicationRow.news_at).where(PublicationRow.item_id == StagingItem.id).scalar_subquery()
    columns = (StagingItem.__table__, place.label("position"), news.label("news_at"))
    query = select(*columns).where(StagingItem.id == item_id)
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    return {**row, "position": row["position"] or "staged"}  # staged by a version that did not write it down


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
