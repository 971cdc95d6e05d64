"""What was verified of each item, when, and what came of it ↔ rows. All SQL of verification."""

from __future__ import annotations

import datetime as dt
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import BigInteger, Connection, Index, and_, delete, exists, func, insert, or_, select, text, union

from config.reasons import Reason
from config.tables import Base, BigId, SomeRows, column
from processor.filesystem.paths import within
from processor.items.item import as_reasons
from processor.tables import IS_OPEN, LedgerRow, StagingFile, StagingItem, TransferRow
from processor.transfers.transfer import path_from_json, path_to_json
from processor.verification.judging import Known, Subject

ARTISTS: Final = 0  # stands for the item of the files that belong to artists
MAX_FINDINGS: Final = 100  # kept of one item
# As text, because SQLite uses an index of some rows only where it sees in the statement which these are.
_FOUND, _MENDED = text("findings_count > 0"), text("mended_count > 0")
Place = tuple[str, bytes]  # uuid of a root, and a path in it


class CheckRow(Base):
    """The last look at all files of one item."""

    __tablename__ = "checks"
    __table_args__ = (
        SomeRows("ix_checks_found", ("item_id",), _FOUND),
        SomeRows("ix_checks_mended", ("item_id",), _MENDED),
        Index("ix_checks_checked_at", "checked_at", "files", "size"),  # what is counted of all
    )

    item_id = column(int, BigId, primary_key=True, autoincrement=False)
    checked_at = column(dt.datetime)
    files = column(int)
    size = column(int, BigInteger)  # bytes read
    known = column(list[Any])  # [[root, path, size, mtime_ns, digest, code]]
    findings = column(list[Any])  # [{code, message, path}], bounded
    findings_count = column(int)
    mended = column(list[Any], server_default="[]")  # what was made anew, as findings are
    mended_count = column(int, server_default="0")


class Checked(NamedTuple):
    """One row, as it is written."""

    item_id: int
    files: int
    size: int
    known: Mapping[Place, Known]
    findings: Sequence[Reason]
    mended: Sequence[Reason] = ()


def due(connection: Connection, before: dt.datetime, limit: int) -> list[int]:
    """Return items not looked at since a time, those never looked at first, then the longest ago."""
    items = (
        select(StagingItem.id, CheckRow.checked_at)
        .outerjoin(CheckRow, CheckRow.item_id == StagingItem.id)
        .where(StagingItem.status != "missing", or_(CheckRow.item_id.is_(None), CheckRow.checked_at < before))
        .order_by(CheckRow.checked_at.is_not(None), CheckRow.checked_at, StagingItem.id)
        .limit(limit)
    )
    found = [row.id for row in connection.execute(items)]
    return found if len(found) == limit else [*found, *_artists_due(connection, before)]


def _artists_due(connection: Connection, before: dt.datetime) -> list[int]:
    there = connection.execute(select(LedgerRow.id).where(LedgerRow.item_id.is_(None)).limit(1)).first()
    recent = and_(CheckRow.item_id == ARTISTS, CheckRow.checked_at >= before)
    return [ARTISTS] if there and not connection.execute(select(CheckRow.item_id).where(recent)).first() else []


def subjects(connection: Connection, item_id: int) -> list[Subject]:
    """Return the files there should be of an item: what is recorded of it, and what was put into libraries for it."""
    columns = (LedgerRow.root_uuid, LedgerRow.path, LedgerRow.role, LedgerRow.size, LedgerRow.mtime_ns,
               LedgerRow.digest, LedgerRow.written_at)  # fmt: skip
    mine = LedgerRow.item_id.is_(None) if item_id == ARTISTS else LedgerRow.item_id == item_id
    found = {
        (root, path): Subject(root, path, role, size, mtime, digest, _nanoseconds(at) if mtime is None else None)
        for root, path, role, size, mtime, digest, at in connection.execute(select(*columns).where(mine))
    }
    item = select(StagingItem.root_uuid, StagingItem.path, StagingItem.status).where(StagingItem.id == item_id)
    row = connection.execute(item).first()
    if row is not None and row.status != "missing":
        names = (StagingFile.path, StagingFile.role, StagingFile.size, StagingFile.mtime_ns, StagingFile.digest)
        for path, role, size, mtime, digest in connection.execute(select(*names).where(StagingFile.item_id == item_id)):
            place = (row.root_uuid, within(row.path, path))
            if place not in found or found[place].digest is None:
                found[place] = Subject(*place, role, size, mtime, digest)
    return [found[place] for place in sorted(found)]


def is_moving(connection: Connection, item_id: int) -> bool:
    """Tell whether a move of an item, or for artists of any, is not settled: its files may be where no row says."""
    key = connection.scalar(select(StagingItem.key).where(StagingItem.id == item_id))
    return any(key in (None, item["key"]) for item in connection.scalars(select(TransferRow.item).where(IS_OPEN)))


def known(connection: Connection, item_id: int) -> dict[Place, Known]:
    """Return what is remembered of an item's files."""
    rows = connection.scalar(select(CheckRow.known).where(CheckRow.item_id == item_id)) or []
    return {(root, path_from_json(path)): Known(*said) for root, path, *said in rows}


def write(connection: Connection, checked: Checked, now: dt.datetime) -> None:
    """Remember a look at an item."""
    connection.execute(delete(CheckRow).where(CheckRow.item_id == checked.item_id))
    kept = [[root, path_to_json(path), *said] for (root, path), said in checked.known.items()]
    findings, mended = (json.loads(as_reasons(of[:MAX_FINDINGS])) for of in (checked.findings, checked.mended))
    values = {"item_id": checked.item_id, "files": checked.files, "size": checked.size, "known": kept}
    told = {"findings": findings, "findings_count": len(checked.findings)}
    told |= {"mended": mended, "mended_count": len(checked.mended)}
    connection.execute(insert(CheckRow).values(**values, **told, checked_at=now))


def forget(connection: Connection, item_ids: Sequence[int]) -> None:
    """Forget the looks at items that go."""
    connection.execute(delete(CheckRow).where(CheckRow.item_id.in_(item_ids)))


def forget_gone(connection: Connection) -> None:
    """Forget looks at items that an older version let go without."""
    gone = ~exists().where(StagingItem.id == CheckRow.item_id)
    connection.execute(delete(CheckRow).where(gone, CheckRow.item_id != ARTISTS))


class Totals(NamedTuple):
    """What verification came to, over all items."""

    files: int
    size: int  # bytes
    oldest: dt.datetime | None  # look at any item that was ever looked at
    never: int  # items nobody has looked at
    findings: Mapping[str, int]  # by code
    mended: int  # files made anew at the last looks


def totals(connection: Connection) -> Totals:
    """Count."""
    query = select(func.count(), func.sum(CheckRow.files), func.sum(CheckRow.size), func.min(CheckRow.checked_at))
    looks, files, size, oldest = connection.execute(query).one()
    of_artists = connection.scalar(select(func.count()).where(CheckRow.item_id == ARTISTS)) or 0
    items = connection.scalar(select(func.count()).select_from(StagingItem)) or 0
    never = max(0, items - looks + of_artists)  # an item that goes takes its look along; to compare ids costs seconds
    troubled = connection.scalars(select(CheckRow.findings).where(_FOUND))
    found = Counter(one["code"] for row in troubled for one in row)
    mended = connection.scalar(select(func.sum(CheckRow.mended_count)).where(_MENDED))
    return Totals(int(files or 0), int(size or 0), oldest, never, found, int(mended or 0))


class Look(NamedTuple):
    """The last look at one item."""

    item_id: int
    checked_at: dt.datetime
    files: int
    size: int  # bytes
    findings: list[dict[str, Any]]
    mended: list[dict[str, Any]]


_LOOK: Final = tuple(getattr(CheckRow, name) for name in Look._fields)


def look(connection: Connection, item_id: int) -> Look | None:
    """Return the last look at an item; None if there was none."""
    row = connection.execute(select(*_LOOK).where(CheckRow.item_id == item_id)).first()
    return None if row is None else Look(*row)


def troubled(connection: Connection, after: int, limit: int) -> list[Look]:
    """Return looks that found or mended anything, by item; `after` is the item the page before ended with."""
    each = (
        select(CheckRow.item_id).where(of, CheckRow.item_id > after).order_by(CheckRow.item_id).limit(limit).subquery()
        for of in (_FOUND, _MENDED)
    )
    ids = connection.scalars(union(*(select(one.c.item_id) for one in each)).order_by("item_id").limit(limit)).all()
    query = select(*_LOOK).where(CheckRow.item_id.in_(ids))
    return [Look(*row) for row in connection.execute(query.order_by(CheckRow.item_id))]


def _nanoseconds(at: dt.datetime) -> int:
    return int(at.timestamp() * 1_000_000_000)
