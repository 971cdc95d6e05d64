"""What Greenroom put into libraries ↔ rows: one publication for an item, one ledger entry for a file."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, func, insert, select, update

from config.batches import batched
from processor.tables import IS_UNSETTLED, LedgerRow, PublicationRow, StagingItem, TransferRow
from scanner.grouping.folding import fold


class Publication(NamedTuple):
    """Where an item was published, how and when."""

    item_id: int
    root_uuid: str
    path: bytes
    mode: str
    artist: str | None
    revision: int
    transfer_id: str
    published_at: dt.datetime
    updated_at: dt.datetime
    news_at: dt.datetime | None = None  # the last change that is not in the library yet


class Home(NamedTuple):
    """Where the item of a key is published, and whether its files were moved there."""

    item_id: int
    key: str
    root_uuid: str
    path: bytes
    moved: bool


class Entry(NamedTuple):
    """One file Greenroom put into a library."""

    root_uuid: str
    path: bytes
    role: str
    size: int
    mtime_ns: int | None
    digest: str | None
    base: str | None
    item_id: int | None
    artist: str | None
    revision: int
    transfer_id: str

    @property
    def sha256(self) -> str | None:
        """The digest of what Greenroom made, in hex; None of music."""
        return self.digest.removeprefix("sha256:") if self.digest and self.digest.startswith("sha256:") else None

    @property
    def alone(self) -> str | None:
        """The digest of what Greenroom made alone, in hex; what holds edits is another file. None of music."""
        return self.base or self.sha256


def artist_key(name: str, artist_id: str | None) -> str:
    """Return what tells an artist from another one of the same name, where that is known."""
    return f"mbid:{artist_id}" if artist_id else f"name:{fold(name) or name}"


def is_identified(artist: str | None) -> bool:
    """Tell whether an artist's key is an id."""
    return artist is not None and artist.startswith("mbid:")


def publication(connection: Connection, item_id: int) -> Publication | None:
    """Return where an item is published."""
    row = connection.execute(select(PublicationRow.__table__).where(PublicationRow.item_id == item_id)).first()
    return None if row is None else Publication(*row)


def publications(connection: Connection, root_uuid: str, artist: str) -> list[Publication]:
    """Return what is published of an artist in one library, by item."""
    query = select(PublicationRow.__table__).where(PublicationRow.root_uuid == root_uuid)
    rows = connection.execute(query.where(PublicationRow.artist == artist).order_by(PublicationRow.item_id))
    return [Publication(*row) for row in rows]


def first_of(connection: Connection, artist: str) -> int | None:
    """Return the item of an artist that was published first, of those that still are."""
    query = select(PublicationRow.item_id).where(PublicationRow.artist == artist)
    return connection.scalar(query.order_by(PublicationRow.published_at, PublicationRow.item_id).limit(1))


def homes(connection: Connection, keys: Collection[str]) -> list[Home]:
    """Return where items of these keys are published; those that are not are left out."""
    columns = (StagingItem.id, StagingItem.key, PublicationRow.root_uuid, PublicationRow.path)
    query = select(*columns, StagingItem.root_uuid)
    query = query.join(PublicationRow, PublicationRow.item_id == StagingItem.id)
    some = (query.where(StagingItem.key.in_(chunk)) for chunk in batched(sorted(keys)))
    rows = (row for one in some for row in connection.execute(one))
    return [Home(item_id, key, root, path, root == where) for item_id, key, root, path, where in rows]


def artists(connection: Connection) -> set[str]:
    """Return the keys of the artists of all that is published."""
    query = select(PublicationRow.artist).where(PublicationRow.artist.is_not(None)).distinct()
    return {one for one in connection.scalars(query) if one is not None}


def count_outside(connection: Connection, roots: Collection[str]) -> int:
    """Return how many albums were published in none of these roots, which are uuids."""
    return connection.scalar(select(func.count()).where(PublicationRow.root_uuid.not_in(roots))) or 0


def longer(connection: Connection, most: int) -> list[bytes]:
    """Return the paths of files whose names, from their library down, have more bytes than this."""
    found = select(LedgerRow.path).where(func.length(LedgerRow.path) > most).order_by(LedgerRow.path)
    return [bytes(path) for path in connection.scalars(found)]


def below(connection: Connection, root_uuid: str, folder: bytes) -> dict[bytes, str | None]:
    """Return the folders of published albums anywhere below a folder of a library, each with its artist."""
    query = select(PublicationRow.path, PublicationRow.artist).where(*is_below(root_uuid, folder))
    return {bytes(path): artist for path, artist in connection.execute(query)}


def is_below(root_uuid: str, folder: bytes) -> tuple[Any, ...]:
    """Return what holds of publications anywhere below a folder of a library."""
    first, last = (folder + b"/", folder + b"0") if folder else (b"", b"\xff" * 4)  # "0" comes after "/"
    return PublicationRow.root_uuid == root_uuid, PublicationRow.path >= first, PublicationRow.path < last


def home_of(connection: Connection, key: str) -> Publication | None:
    """Return where the item of a key is published."""
    item_id = connection.scalar(select(StagingItem.id).where(StagingItem.key == key))
    return None if item_id is None else publication(connection, item_id)


def entries(
    connection: Connection, *, item_id: int | None = None, artist: str | None = None, root_uuid: str | None = None
) -> list[Entry]:
    """Return what was put into libraries: for an item, for an artist, or into one library, by path."""
    query = select(*(getattr(LedgerRow, name) for name in Entry._fields))
    if item_id is not None:
        query = query.where(LedgerRow.item_id == item_id)
    if artist is not None:
        query = query.where(LedgerRow.artist == artist, LedgerRow.item_id.is_(None))
    if root_uuid is not None:
        query = query.where(LedgerRow.root_uuid == root_uuid)
    # Sorted here: told to, SQLite would read a whole library by path, for the few files of an artist.
    return sorted(Entry(*row) for row in connection.execute(query))


def made_of(connection: Connection, sha256s: Collection[str]) -> list[Entry]:
    """Return the files that Greenroom made of blobs."""
    query = select(*(getattr(LedgerRow, name) for name in Entry._fields))
    wanted = LedgerRow.digest.in_([f"sha256:{one}" for one in sha256s])
    return [Entry(*row) for row in connection.execute(query.where(wanted))]


def held_blobs(connection: Connection) -> set[str]:
    """Return the SHA-256 of every file Greenroom made that is in a library, and of what it would have been."""
    made = select(LedgerRow.digest, LedgerRow.base).where(LedgerRow.digest.startswith("sha256:"))
    return {one.removeprefix("sha256:") for pair in connection.execute(made) for one in pair if one}


class Totals(NamedTuple):
    """What Greenroom put into libraries, all in all."""

    albums: int
    files: int
    size: int  # bytes


def totals(connection: Connection) -> Totals:
    """Count."""
    albums = connection.scalar(select(func.count()).select_from(PublicationRow)) or 0
    files, size = connection.execute(select(func.count(), func.sum(LedgerRow.size)).select_from(LedgerRow)).one()
    return Totals(albums, files, int(size or 0))


def write(connection: Connection, entries: Iterable[Entry], now: dt.datetime) -> None:
    """Write entries, over those of the same paths."""
    rows = [entry._asdict() | {"written_at": now} for entry in entries]
    for row in rows:
        connection.execute(delete(LedgerRow).where(*_at(row["root_uuid"], [row["path"]])))
    if rows:
        connection.execute(insert(LedgerRow), rows)


def forget(connection: Connection, root_uuid: str, paths: Collection[bytes]) -> None:
    """Delete entries of files that are no longer ours."""
    if paths:
        connection.execute(delete(LedgerRow).where(*_at(root_uuid, paths)))


def forget_files(connection: Connection, item_id: int) -> None:
    """Delete the entries of an item's files."""
    connection.execute(delete(LedgerRow).where(LedgerRow.item_id == item_id))


def forget_item(connection: Connection, item_id: int) -> None:
    """Delete an item's publication and the entries of its files."""
    forget_files(connection, item_id)
    connection.execute(delete(PublicationRow).where(PublicationRow.item_id == item_id))


def publish(connection: Connection, made: Publication, *, brought: bool) -> None:
    """Write where an item is published; when it first was is kept.

    `brought`: the transfer brought the whole album; else the one that did stays the one that an undo takes back.
    """
    again = {"revision": made.revision, "updated_at": made.updated_at, "artist": made.artist}
    if brought:
        again |= {"path": made.path, "mode": made.mode, "transfer_id": made.transfer_id}
    known = update(PublicationRow).where(PublicationRow.item_id == made.item_id).values(**again)
    if connection.execute(known).rowcount == 0:
        connection.execute(insert(PublicationRow).values(made._asdict()))


def adrift(connection: Connection) -> list[tuple[int, bool]]:
    """Return items with status `publishing` that no transfer is publishing, and whether a library has them."""
    busy = select(TransferRow.item).where(TransferRow.kind.in_(("publish", "refresh", "upgrade")), IS_UNSETTLED)
    open_items = {item["intent"]["item_id"] for (item,) in connection.execute(busy)}
    query = select(StagingItem.id, PublicationRow.item_id).outerjoin(
        PublicationRow,
        (PublicationRow.item_id == StagingItem.id) & (PublicationRow.revision == StagingItem.revision),
    )
    rows = connection.execute(query.where(StagingItem.status == "publishing"))
    return [(item_id, published is not None) for item_id, published in rows if item_id not in open_items]


def _at(root_uuid: str, paths: Collection[bytes]) -> tuple[Any, ...]:
    return LedgerRow.root_uuid == root_uuid, LedgerRow.path.in_(paths)
