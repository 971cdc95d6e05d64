"""Transfers ↔ journal rows: intent before action, state after state, each write fenced."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Row, Select, and_, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from config.database import insert_into
from config.errors import LeaseLost, Retryable
from processor.tables import IS_OPEN, IS_UNSETTLED, PublicationRow, StagingItem, TransferRow
from processor.transfers.transfer import (
    SourceFolder,
    State,
    Transfer,
    file_from_json,
    file_to_json,
    path_from_json,
    path_to_json,
)

# The states before each state. The state itself is allowed, too: the answer to an earlier commit may have got lost.
_BEFORE: dict[State, tuple[State, ...]] = {
    "materialised": ("planned",),
    "published": ("materialised",),
    "done": ("published",),
    "cancelled": ("planned", "materialised"),
    "attention": ("planned", "materialised", "published"),
}
# Undos that put nothing into inbound, where cycles would have to be kept off; nobody releases them.
_HOLDS_NOTHING: Final = ("restore", "unpublish")
_ROWS: Final = select(TransferRow.__table__)
_OLDEST_FIRST: Final = (TransferRow.created_at, TransferRow.id)


class Reserved(NamedTuple):
    """What unfinished transfers hold: nobody may plan with it until they are settled."""

    sources: frozenset[bytes]  # relative to the source root
    targets: frozenset[bytes]  # relative to the destination root


def plan(connection: Connection, transfers: Sequence[Transfer], now: dt.datetime) -> None:
    """Write down what is intended (T0). Safe to repeat after a commit whose answer was lost.

    Raises Retryable (`target_reserved`) when an unfinished transfer holds one of the targets; see `reserved`.
    """
    rows = [_values(transfer) | {"created_at": now, "updated_at": now} for transfer in transfers]
    if not rows:
        return
    try:
        connection.execute(insert_into(connection, TransferRow).on_conflict_do_nothing(index_elements=["id"]), rows)
    except IntegrityError as error:
        message = (
            "an unfinished transfer already holds one of the target folders; it is planned again once that is settled"
        )
        raise Retryable(message, code="target_reserved") from error


def advance(connection: Connection, transfers: Iterable[Transfer], to: State, now: dt.datetime) -> tuple[Transfer, ...]:
    """Move transfers on to a state, each only while its fence is ours; write digests, strategy and error with it.

    Safe to repeat. Raises LeaseLost when another holder has taken one over, or it was settled otherwise.
    """
    # whatever stopped earlier attempts did not stop this one, which is the first in the new state
    moved = tuple(replace(transfer, state=to, attempt=min(transfer.attempt, 1)) for transfer in transfers)
    alike: defaultdict[Any, list[Transfer]] = defaultdict(list)  # transfers that one statement can update
    for transfer in moved:
        new = to == "materialised" and any(file.digest for file in transfer.files)  # else the row has the files already
        same = transfer.fence, transfer.strategy, transfer.error, transfer.attempt
        alike[*same, transfer.id if new else None].append(transfer)
    for (_, strategy, error, attempt, new), group in alike.items():
        values = {"state": to, "strategy": strategy, "error": error, "attempt": attempt, "updated_at": now}
        if new:
            values["files"] = [file_to_json(file) for file in group[0].files]
        _update(connection, group, (*_BEFORE[to], to), values)
    return moved


def adopt(connection: Connection, transfer: Transfer, fence: int, now: dt.datetime) -> Transfer:
    """Take an unfinished transfer over, and count the attempt. Raises LeaseLost if a newer holder has it."""
    if transfer.fence > fence:
        raise LeaseLost(f"transfer {transfer.id} belongs to a newer holder of the root; this one stops")
    adopted = replace(transfer, fence=fence, attempt=transfer.attempt + 1)
    _update(connection, [transfer], (transfer.state,), {"fence": fence, "attempt": adopted.attempt, "updated_at": now})
    return adopted


def reopen(connection: Connection, transfer: Transfer, state: State, fence: int | None, now: dt.datetime) -> None:
    """Hand a transfer that waits for a person to recovery again, with its attempts counted from 0.

    `fence` is None if the caller does not hold its root: it keeps its own then, for fences of two roots cannot be
    compared.
    Raises LeaseLost when a newer holder has it, or it was settled meanwhile.
    """
    if fence is not None and transfer.fence > fence:
        raise LeaseLost(f"transfer {transfer.id} belongs to a newer holder of the root; this one stops")
    values = {"state": state, "fence": transfer.fence if fence is None else fence, "attempt": 0, "updated_at": now}
    _update(connection, [transfer], ("attention",), values)


def postpone(connection: Connection, transfer: Transfer, error: str, now: dt.datetime) -> Transfer:
    """Leave a transfer open for a later try that does not count as another attempt, and say why."""
    waiting = replace(transfer, attempt=max(0, transfer.attempt - 1), error=error)
    _update(connection, [transfer], (transfer.state,), {"attempt": waiting.attempt, "error": error, "updated_at": now})
    return waiting


def note_item(connection: Connection, transfer: Transfer) -> None:
    """Write what a transfer says of its item, where that is known only now. Raises LeaseLost."""
    _update(connection, [transfer], (transfer.state,), {"item": transfer.item})


def states(connection: Connection, ids: Collection[str]) -> dict[str, State]:
    """Return the state of each transfer that has a row; also tells whether a commit without an answer happened."""
    return {
        row.id: row.state
        for row in connection.execute(select(TransferRow.id, TransferRow.state).where(TransferRow.id.in_(ids)))
    }


def named(connection: Connection, name: str) -> list[Transfer]:
    """Return the transfer of that id, or those a run of that id made, newest first; undos left out."""
    return these(connection, ids(connection, name))


def ids(connection: Connection, name: str) -> list[str]:
    """Return the ids of the transfers a name means, as `named`."""
    ours = (or_(TransferRow.id == name, TransferRow.run_id == name), TransferRow.undoes.is_(None))
    query = select(TransferRow.id).where(*ours).order_by(TransferRow.created_at.desc(), TransferRow.id.desc())
    return list(connection.scalars(query))


def these(connection: Connection, ids: Sequence[str]) -> list[Transfer]:
    """Return the transfers of these ids, in their order, without those that are gone."""
    found = {transfer.id: transfer for transfer in _read(connection, _ROWS.where(TransferRow.id.in_(ids)))}
    return [found[id] for id in ids if id in found]


def undo_state(connection: Connection, transfer_id: str) -> State | None:
    """Return the state of the undo that took a transfer back, or is about to; None if there is none."""
    undo = (TransferRow.undoes == transfer_id, TransferRow.state != "cancelled")
    state: State | None = connection.scalar(select(TransferRow.state).where(*undo))
    return state


def taken_back(connection: Connection, src_root: bytes, dst_root: bytes) -> list[Transfer]:
    """Return the finished undos between two roots whose albums nobody has released for another cycle, newest first."""
    ours = (TransferRow.src_root == src_root, TransferRow.dst_root == dst_root, TransferRow.undoes.is_not(None))
    kept = (TransferRow.state == "done", TransferRow.released_at.is_(None))
    return _read(connection, _ROWS.where(*ours, *kept).order_by(TransferRow.created_at.desc()))


def release(connection: Connection, transfer_ids: Collection[str], now: dt.datetime) -> int:
    """Let the next cycle have what undos of these transfers took back; return how many undos that concerned."""
    kept = (TransferRow.undoes.in_(transfer_ids), TransferRow.state == "done", TransferRow.released_at.is_(None))
    return connection.execute(update(TransferRow).where(*kept).values(released_at=now)).rowcount


def moved_on(connection: Connection, transfer_id: str) -> dt.datetime:
    """Return when a transfer came to its state."""
    return connection.execute(select(TransferRow.updated_at).where(TransferRow.id == transfer_id)).scalar_one()


def settled(connection: Connection, ids: Collection[str]) -> set[str]:
    """Return which of the transfers are done or cancelled, without an undo under way."""
    over = select(TransferRow.id).where(TransferRow.id.in_(ids), TransferRow.state.in_(("done", "cancelled")))
    busy = select(TransferRow.undoes).where(TransferRow.undoes.in_(ids), IS_UNSETTLED)
    return set(connection.scalars(over)) - set(connection.scalars(busy))


def open_transfers(connection: Connection, src_root: bytes, dst_root: bytes) -> list[Transfer]:
    """Return what was begun between two roots and is not settled, oldest first."""
    ours = (TransferRow.src_root == src_root, TransferRow.dst_root == dst_root, IS_OPEN)
    return _read(connection, _ROWS.where(*ours).order_by(*_OLDEST_FIRST))


def moving(connection: Connection, key: str) -> list[Transfer]:
    """Return what was begun with the item of a key and is not settled, oldest first."""
    begun = _read(connection, _ROWS.where(IS_OPEN).order_by(*_OLDEST_FIRST))
    return [transfer for transfer in begun if transfer.item.get("key") == key]


def unsettled(connection: Connection) -> list[Transfer]:
    """Return every transfer that is neither done nor cancelled, between whichever roots, oldest first."""
    return _read(connection, _ROWS.where(IS_UNSETTLED).order_by(*_OLDEST_FIRST))


def count_open(connection: Connection) -> int:
    """Return how many transfers were begun and are not settled."""
    query = select(func.count()).select_from(TransferRow).where(IS_OPEN)
    return connection.execute(query).scalar_one()


def count_held(connection: Connection) -> int:
    """Return how many transfers wait for a person."""
    query = select(func.count()).select_from(TransferRow).where(IS_UNSETTLED, TransferRow.state == "attention")
    return connection.execute(query).scalar_one()


def reserved(connection: Connection, src_root: bytes, dst_root: bytes) -> Reserved:
    """Return what no scan or plan may use: what transfers hold that are open or wait for a person."""
    taken = select(TransferRow.files).where(IS_UNSETTLED, TransferRow.src_root == src_root)
    held = select(TransferRow.target).where(IS_UNSETTLED, TransferRow.dst_root == dst_root)
    leaving = select(TransferRow.before).where(IS_UNSETTLED, TransferRow.src_root == dst_root)  # for a library
    sources = frozenset(path_from_json(file["source"]) for (files,) in connection.execute(taken) for file in files)
    homes = {path_from_json(item["path"]) for (item,) in connection.execute(leaving) if item}
    return Reserved(sources, frozenset({*connection.scalars(held), *homes}))


def sources_since(connection: Connection, src_root: bytes, since: dt.datetime) -> set[bytes]:
    """Return the source files of all transfers from a root that something happened to since then."""
    lately = select(TransferRow.files).where(TransferRow.src_root == src_root, TransferRow.updated_at >= since)
    return {path_from_json(file["source"]) for (files,) in connection.execute(lately) for file in files}


def sources_taken(connection: Connection, src_root: bytes, gone: Mapping[bytes, tuple[int, int, int]]) -> set[bytes]:
    """Return which of the gone files a transfer took, at any time, and did not give back; by inode, size and time.

    Reads the whole journal.
    """
    undone = select(TransferRow.undoes).where(TransferRow.undoes.is_not(None), TransferRow.state == "done")
    took = (TransferRow.src_root == src_root, TransferRow.state.in_(("published", "done")))
    query = select(TransferRow.files).where(*took, TransferRow.undoes.is_(None), TransferRow.id.not_in(undone))
    rows = connection.execute(query, execution_options={"yield_per": 100})
    files = (file_from_json(file) for (files,) in rows for file in files)
    return {file.source for file in files if gone.get(file.source) == file.identity[1:4]}


def old(connection: Connection, before: dt.datetime, limit: int) -> Sequence[str]:
    """Return transfers settled before a time that nothing needs any more.

    Kept are transfers that can still be taken back, because an item is in their folder; undos that hold sources back
    from cycles, with what they took back; those that put an album into the trash, until it is emptied of it, or the
    album restored; and those that brought an album into its library. Undos that hold nothing back go after what they
    took back.
    """
    # Joined, and so sorted once: `exists` would read all items for each on SQLite, `not in` on PostgreSQL if they are
    # more than its memory holds.
    there = TransferRow.__table__.outerjoin(StagingItem.__table__, StagingItem.path == TransferRow.target)
    over = or_(TransferRow.state == "cancelled", and_(TransferRow.state == "done", StagingItem.id.is_(None)))
    kind = TransferRow.kind.not_in(("replace", "undo_replace", "retag", "undo_retag", "discard", "upgrade"))
    went = and_(TransferRow.trash_seconds.is_not(None), TransferRow.trash_seen_at.is_(None))
    published = exists().where(PublicationRow.transfer_id == TransferRow.id)
    undo, undone = TransferRow.__table__.alias(), TransferRow.__table__.alias()
    holds = undo.c.kind.not_in(_HOLDS_NOTHING)
    named = exists().where(undo.c.undoes == TransferRow.id, or_(holds, undo.c.state != "done"))
    restored = exists().where(undo.c.undoes == TransferRow.id, undo.c.kind == "restore", undo.c.state == "done")
    # Last, and by a look of its own: in SQLite these columns lie behind the files, and would be read through for each.
    first = ~holds & exists().where(undone.c.id == undo.c.undoes)
    of_undo = (undo.c.undoes.is_not(None), undo.c.state == "done", or_(holds & undo.c.released_at.is_(None), first))
    held = exists().where(undo.c.id == TransferRow.id, *of_undo)
    query = select(TransferRow.id).select_from(there).where(TransferRow.updated_at < before, over)
    return connection.scalars(query.where(kind | went | restored, ~published, ~named, ~held).limit(limit)).all()


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """Remove transfers."""
    connection.execute(delete(TransferRow).where(TransferRow.id.in_(ids)))


def move_root(connection: Connection, before: bytes, now: bytes) -> None:
    """Let every move name a root by the path it has now: what is begun goes on there, what is done can be undone."""
    for root in (TransferRow.src_root, TransferRow.dst_root):
        connection.execute(update(TransferRow).where(root == before).values({root: now}))


def _update(
    connection: Connection, transfers: Sequence[Transfer], from_states: tuple[State, ...], values: dict[str, Any]
) -> None:
    """Write the same values to transfers of one fence, all of them or none."""
    ids, fence = [transfer.id for transfer in transfers], transfers[0].fence
    mine = (TransferRow.id.in_(ids), TransferRow.fence == fence, TransferRow.state.in_(from_states))
    written = set(connection.scalars(update(TransferRow).where(*mine).values(**values).returning(TransferRow.id)))
    for id in ids:
        if id not in written:
            raise LeaseLost(f"transfer {id} is no longer ours: another holder took it over; this one stops at once")


def _values(transfer: Transfer) -> dict[str, Any]:
    values = {name: getattr(transfer, name) for name in Transfer.__dataclass_fields__}
    homes = [[path_to_json(folder.path), *folder[1:]] for folder in transfer.source_folders] or None
    return values | {"files": [file_to_json(file) for file in transfer.files], "source_folders": homes}


def _read(connection: Connection, query: Select[Any]) -> list[Transfer]:
    return [_transfer(row) for row in connection.execute(query)]


def _transfer(row: Row[Any]) -> Transfer:
    values = {name: getattr(row, name) for name in Transfer.__dataclass_fields__}
    homes = tuple(SourceFolder(path_from_json(path), *numbers) for path, *numbers in row.source_folders or ())
    return Transfer(**values | {"files": tuple(map(file_from_json, row.files)), "source_folders": homes})
