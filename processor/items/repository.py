"""Rows of staged albums → what plans, pages and repairs ask of them; how rows come to be is in `storing.py`."""

from __future__ import annotations

import datetime as dt
import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, exists, func, select, update

from config.batches import STATEMENT, batched
from config.errors import Misconfigured
from config.reasons import Reason
from processor.items.item import NewItem, as_reasons
from processor.tables import IS_MUSIC, StagingFile, StagingItem
from processor.verification import rows as checks

WITH_FILES: Final = 50  # items that are read at once with all that is known of their files
MOST_ALIKE: Final = 200  # tracks of one size; what more of them share tells nothing of what they are
_NOT_NEEDED: Final = ("missing", "publishing", "published")  # statuses of items whose folder may be gone


class Folder(NamedTuple):
    """Where an item says it is."""

    item_id: int
    path: bytes  # relative to the staging root
    files: int  # tracks


class Head(NamedTuple):
    """What an item is called, and where it is."""

    item_id: int
    key: str
    album_artist: str | None
    album: str | None
    root_uuid: str
    path: bytes  # the album's folder, relative to that root
    status: str
    tracks: int


class Recorded(NamedTuple):
    """All an item says of its album, and what was decided about it."""

    status: str
    revision: int
    item: NewItem


class StagedFile(NamedTuple):
    """One file of an item."""

    path: bytes  # relative to the album's folder
    role: str
    source: bytes  # relative to the inbound root it came from
    disc: int | None
    track: int | None
    title: str | None
    size: int
    mtime_ns: int
    digest: str | None
    facts: dict[str, Any]


def unlist(connection: Connection, key: str, path: bytes) -> None:
    """Forget the item of a key, with its files, if it still lists that folder."""
    ours = (StagingItem.key == key, StagingItem.path == path)
    connection.execute(delete(StagingFile).where(StagingFile.item_id.in_(select(StagingItem.id).where(*ours))))
    gone = connection.scalars(delete(StagingItem).where(*ours).returning(StagingItem.id)).all()
    checks.forget(connection, gone)


def staged_folders(connection: Connection, root_uuid: str) -> dict[str, bytes]:
    """Return the folder of every item below one staging root, by key; what `plan.World.staged` wants."""
    query = select(StagingItem.key, StagingItem.path).where(StagingItem.root_uuid == root_uuid)
    return {key: path for key, path in connection.execute(query)}


def is_anothers(connection: Connection, item: NewItem) -> bool:
    """Return whether an item of another key is recorded in this one's folder."""
    there = (StagingItem.root_uuid == item.root_uuid, StagingItem.path == item.path)
    return connection.execute(select(exists().where(*there, StagingItem.key != item.key))).scalar_one()


def folders(connection: Connection, root_uuid: str) -> list[Folder]:
    """Return the folder of every item that should be below one staging root.

    Left out are items known to be missing, and published ones, whose files in staging may be gone without any loss.
    """
    columns = (StagingItem.id, StagingItem.path, StagingItem.track_count)
    query = select(*columns).where(StagingItem.root_uuid == root_uuid, StagingItem.status.not_in(_NOT_NEEDED))
    return [Folder(*row) for row in connection.execute(query)]


def of_sizes(connection: Connection, sizes: Collection[int]) -> list[tuple[int, int, int]]:
    """Return each size in bytes that music of items has, with an item and how many of its tracks have it."""
    size, is_music, found = StagingFile.size, IS_MUSIC, list[tuple[int, int, int]]()
    for chunk in batched(sorted(sizes)):
        query = select(size).where(is_music, size.in_(chunk)).group_by(size).having(func.count() <= MOST_ALIKE)
        # Lists of sizes, not a join: PostgreSQL looks these up even in a table that it knows nothing of yet.
        if telling := list(connection.scalars(query)):
            counted = select(size, StagingFile.item_id, func.count()).where(is_music, size.in_(telling))
            rows = connection.execute(counted.group_by(size, StagingFile.item_id))
            found += [(each, item_id, count) for each, item_id, count in rows]
    return found


def heads(connection: Connection, item_ids: Collection[int]) -> list[Head]:
    """Return what items are called and where they are, first staged first."""
    names = ("id", "key", "album_artist", "album", "root_uuid", "path", "status", "track_count")
    query = select(*(getattr(StagingItem, name) for name in names)).order_by(StagingItem.id)
    some = (query.where(StagingItem.id.in_(ids)) for ids in batched(sorted(item_ids)))
    return [Head(*row) for one in some for row in connection.execute(one)]


def mark_missing(connection: Connection, item_ids: Collection[int], now: dt.datetime) -> None:
    """Mark items as missing; all else about them stays."""
    for ids in batched(sorted(item_ids)):
        change = update(StagingItem).where(StagingItem.id.in_(ids))
        connection.execute(change.values(status="missing", revision=StagingItem.revision + 1, updated_at=now))


def files(connection: Connection, item_ids: Collection[int]) -> dict[int, tuple[StagedFile, ...]]:
    """Return the files of items, by item, in the order of their paths."""
    columns = (getattr(StagingFile, name) for name in ("item_id", *StagedFile._fields))
    query = select(*columns).order_by(StagingFile.item_id, StagingFile.path)
    found: defaultdict[int, list[StagedFile]] = defaultdict(list)
    for ids in batched(sorted(item_ids)):
        for item_id, *values in connection.execute(query.where(StagingFile.item_id.in_(ids))):
            found[item_id].append(StagedFile(*values))
    return {item_id: tuple(rows) for item_id, rows in found.items()}


def ids(connection: Connection, status: str | None = None) -> list[int]:
    """Return the ids of items, of one status or of all, first staged first."""
    query = select(StagingItem.id).order_by(StagingItem.id)
    return list(connection.scalars(query if status is None else query.where(StagingItem.status == status)))


def these(connection: Connection, item_ids: Sequence[int], *, with_files: bool) -> Iterator[dict[str, Any]]:
    """Yield the items of these ids, in their order, as dicts of their columns.

    With files, each has `files`, a list of dicts as StagedFile has them.
    """
    for wanted in batched(item_ids, WITH_FILES if with_files else STATEMENT):
        found = connection.execute(select(StagingItem.__table__).where(StagingItem.id.in_(wanted))).mappings()
        rows = {row["id"]: row for row in found}
        listed = files(connection, rows) if with_files else {}
        for one in wanted:
            if one in rows:
                its = {"files": [file._asdict() for file in listed.get(one, ())]} if with_files else {}
                yield {**rows[one], **its}


def item(connection: Connection, item_id: int) -> tuple[dict[str, Any], tuple[StagedFile, ...]]:
    """Return an item's row and its files. Raises Misconfigured (`unknown_item`)."""
    row = connection.execute(select(StagingItem.__table__).where(StagingItem.id == item_id)).mappings().first()
    if row is None:
        raise Misconfigured(f"there is no item {item_id}", code="unknown_item")
    return dict(row), files(connection, [item_id]).get(item_id, ())


def set_warnings(connection: Connection, item_id: int, kind: str, reasons: Sequence[Reason]) -> None:
    """Replace the warnings of an item whose codes begin with `kind`; the others stay."""
    query = select(StagingItem.warnings).where(StagingItem.id == item_id).with_for_update()
    before = connection.scalar(query) or []
    after = [one for one in before if not one["code"].startswith(kind)] + json.loads(as_reasons(reasons))
    if after != before:
        values = {"warnings": after, "warned": bool(after)}
        connection.execute(update(StagingItem).where(StagingItem.id == item_id).values(values))


def recorded(connection: Connection, keys: Collection[str]) -> dict[str, Recorded]:
    """Return the whole items that have one of the keys, by key."""
    found: dict[str, Recorded] = {}
    for chunk in batched(sorted(keys)):
        query = select(StagingItem.__table__).where(StagingItem.key.in_(chunk))
        rows = connection.execute(query).mappings().all()
        known = files(connection, [row["id"] for row in rows])
        for row in rows:
            item = NewItem.of_row(dict(row), known.get(row["id"], ()))
            found[row["key"]] = Recorded(row["status"], row["revision"], item)
    return found


def of_id(connection: Connection, item_id: int) -> Recorded | None:
    """Return the whole item of an id."""
    key = connection.scalar(select(StagingItem.key).where(StagingItem.id == item_id))
    return None if key is None else recorded(connection, [key]).get(key)


def id_of(connection: Connection, key: str) -> int:
    """Return the id of the item of a key; there must be one."""
    return connection.execute(select(StagingItem.id).where(StagingItem.key == key)).scalar_one()


def count_by_status(connection: Connection) -> dict[str, int]:
    """Return how many items have each status that any has."""
    query = select(StagingItem.status, func.count()).group_by(StagingItem.status).order_by(StagingItem.status)
    return {status: count for status, count in connection.execute(query)}


def count_outside(connection: Connection, roots: Collection[str]) -> int:
    """Return how many items that are neither published nor missing are in none of these roots, which are uuids."""
    theirs = _outside(connection, roots)
    return (connection.scalar(select(func.count()).where(*theirs)) or 0) if theirs else 0


def outside(connection: Connection, roots: Collection[str], keys: Collection[str]) -> dict[str, tuple[str, bytes]]:
    """Return those of some keys that are neither published nor missing and in none of these roots: transfer, folder."""
    theirs = _outside(connection, roots)
    query = select(StagingItem.key, StagingItem.transfer_id, StagingItem.path).where(*theirs)
    some = (query.where(StagingItem.key.in_(chunk)) for chunk in batched(sorted(keys)) if theirs)
    return {row.key: (row.transfer_id, row.path) for one in some for row in connection.execute(one)}


def _outside(connection: Connection, roots: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    elsewhere = [root for root in _roots(connection) if root not in roots]
    if not elsewhere:
        return ()
    return StagingItem.root_uuid.in_(elsewhere), StagingItem.status.not_in(("published", "missing"))


def _roots(connection: Connection) -> Iterator[str]:
    """Yield the uuids of roots that items are in, with one look into an index for each: there are few of them."""
    root: str | None = ""
    while root := connection.scalar(select(func.min(StagingItem.root_uuid)).where(StagingItem.root_uuid > root)):
        yield root


def totals(connection: Connection) -> tuple[dict[str, int], int]:
    """Return how many items have each status that any has, and the bytes of all items' files."""
    query = select(StagingItem.status, func.count(), func.sum(StagingItem.size)).group_by(StagingItem.status)
    found = connection.execute(query.order_by(StagingItem.status)).all()
    return {status: count for status, count, _ in found}, sum(int(size) for _, _, size in found)
