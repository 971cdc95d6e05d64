"""Items as comparing needs them, and the few changes a comparison asks for; checksums kept true. Its own SQL."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Connection, bindparam, delete, select, update

from processor.fsck.disk import Listed
from processor.items import storing
from processor.items.item import NewItem
from processor.tables import StagingFile, StagingItem
from processor.verification import rows as checks

MISSING = "missing"


class Mark(NamedTuple):
    """Enough of an item to see whether it changed since it was read: publishing moves one without a new revision."""

    key: str
    revision: int
    root_uuid: str
    path: bytes


@dataclass(frozen=True, slots=True)
class Row:
    """One item, with its files."""

    id: int
    key: str
    status: str
    revision: int
    root_uuid: str
    path: bytes
    transfer_id: str
    size: int
    files: tuple[Listed, ...]
    sources: tuple[bytes, ...]  # where each file came from, relative to the inbound root

    @property
    def mark(self) -> Mark:
        """What tells it from what it may become while somebody looks."""
        return Mark(self.key, self.revision, self.root_uuid, self.path)


def read(connection: Connection) -> list[Row]:
    """Return every item, oldest first: two statements, however many there are."""
    listed: dict[int, list[Listed]] = {}
    sources: dict[int, list[bytes]] = {}
    of_file = (StagingFile.item_id, StagingFile.source, *(getattr(StagingFile, name) for name in Listed._fields))
    query = select(*of_file).order_by(StagingFile.item_id, StagingFile.path)
    for item_id, source, *values in connection.execute(query.execution_options(yield_per=10_000)):
        listed.setdefault(item_id, []).append(Listed(*values))
        sources.setdefault(item_id, []).append(source)
    names = ("id", "key", "status", "revision", "root_uuid", "path", "transfer_id", "size")
    items = connection.execute(select(*(getattr(StagingItem, name) for name in names)).order_by(StagingItem.id))
    return [
        Row(**row, files=tuple(listed.get(row["id"], ())), sources=tuple(sources.get(row["id"], ())))
        for row in items.mappings()
    ]


def listed(connection: Connection, transfer_ids: Collection[str]) -> set[str]:
    """Return which of the transfers an item says it came with."""
    return set(connection.scalars(select(StagingItem.transfer_id).where(StagingItem.transfer_id.in_(transfer_ids))))


def marks(connection: Connection) -> dict[int, Mark]:
    """Return the mark of every item, by id."""
    query = select(StagingItem.id, *(getattr(StagingItem, name) for name in Mark._fields))
    return {id: Mark(*rest) for id, *rest in connection.execute(query)}


def found(connection: Connection, item_ids: Collection[int], now: dt.datetime) -> Sequence[int]:
    """Let items that were missing wait for review again, and return them; those that were not stay as they are."""
    was = (StagingItem.id.in_(item_ids), StagingItem.status == MISSING)
    lost = connection.scalars(select(StagingItem.id).where(*was)).all()
    changed = {"status": "pending_review", "revision": StagingItem.revision + 1, "updated_at": now}
    connection.execute(update(StagingItem).where(*was).values(changed))
    return lost


def rewrite(connection: Connection, item_id: int, item: NewItem, now: dt.datetime) -> None:
    """Say of an item where it is now and what its files look like; all else of it stays, its status included."""
    changed: dict[str, Any] = {"root_uuid": item.root_uuid, "path": item.path, "checksum": item.checksum}
    changed |= {"revision": StagingItem.revision + 1, "updated_at": now}
    connection.execute(update(StagingItem).where(StagingItem.id == item_id).values(**changed))
    query = update(StagingFile).where(StagingFile.item_id == item_id, StagingFile.path == bindparam("file_path"))
    files = [{"file_path": file.path, "mtime_ns": file.mtime_ns, "digest": file.digest} for file in item.files]
    if files:
        connection.execute(query, files)


def restore(connection: Connection, items: Collection[NewItem], now: dt.datetime) -> list[int]:
    """Record items as their sidecars tell them, whatever their rows said; return their ids."""
    keys = [item.key for item in items]
    connection.execute(update(StagingItem).where(StagingItem.key.in_(keys)).values(checksum=""))  # so that all differ
    return [item.id for item in storing.upsert(connection, items, now).values()]


def forget(connection: Connection, item_id: int) -> None:
    """Delete an item, its files' rows and what was verified of it."""
    connection.execute(delete(StagingItem).where(StagingItem.id == item_id))
    checks.forget(connection, [item_id])
