"""The rows of this floor: transfers, staging items and their files, and what was put into libraries.

Their SQL is in journal.py, repository.py and publication/ledger.py.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, Integer, false, text
from sqlalchemy.orm import Mapped, mapped_column

from config.tables import Base, BigId

OPEN_STATES = ("planned", "materialised", "published")
# As text, because SQLite uses an index of some rows only where it sees their states in the statement.
IS_OPEN: Final = text("state IN ('planned', 'materialised', 'published')")
_OF_OPEN: Final[dict[str, Any]] = {"sqlite_where": IS_OPEN, "postgresql_where": IS_OPEN}


class TransferRow(Base):
    """One journalled move of one item. The states and who moves them on are in journal.py."""

    __tablename__ = "transfers"
    # While a move is open nobody may plan another one to the same folder.
    __table_args__ = (
        Index("uq_transfers_open_target", "dst_root", "target", unique=True, **_OF_OPEN),
        Index("ix_transfers_open", "state", **_OF_OPEN),
    )

    # A uuid4 made before the insert, so that a commit whose answer was lost can be looked up.
    id: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]  # how it is performed: a key of processor.moves.MOVES
    state: Mapped[str]  # planned → materialised → published → done | attention | cancelled
    src_root: Mapped[bytes]
    dst_root: Mapped[bytes]
    target: Mapped[bytes]  # the final folder, relative to dst_root
    strategy: Mapped[str | None]  # link, clone or copy; None until the first file is there
    files: Mapped[list[Any]]  # see Transfer.files
    item: Mapped[dict[str, Any]]  # what the staging item will say; lets recovery publish without a new scan
    before: Mapped[dict[str, Any] | None]  # what the item said before, if there was one; lets undo say it again
    undoes: Mapped[str | None] = mapped_column(index=True)  # the transfer an undo takes back
    source_folders: Mapped[list[Any] | None]  # see Transfer.source_folders; None where nobody noted them
    released_at: Mapped[dt.datetime | None]  # since when a cycle may have again what an undo took back
    trash_seconds: Mapped[int | None] = mapped_column(BigInteger)  # how long what it replaced has lain in the trash
    trash_seen_at: Mapped[dt.datetime | None]  # when that was counted last
    fence: Mapped[int] = mapped_column(BigInteger)
    boot_id: Mapped[str]  # the kernel's; another one means that the machine was restarted in between
    attempt: Mapped[int]
    error: Mapped[str | None]
    run_id: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class StagingItem(Base):
    """One album in staging: the identity that survives. Upserted on `key`; a change bumps `revision`."""

    __tablename__ = "staging_items"
    # Half-full pages let PostgreSQL update a row in its page, without touching the indexes: re-ingests are updates.
    __table_args__ = (
        # processor/listing.py: an index for each order, with all that is filtered by
        Index("ix_staging_items_queue", "status", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_changed", "status", "updated_at", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_artist", "status", "search", "id", "confidence", "warned"),
        Index("ix_staging_items_album", "status", "sort_album", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_year", "status", "sort_year", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_status", "status", "size"),  # what is counted of all
        {"postgresql_with": {"fillfactor": 50}, "sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]  # music_album
    status: Mapped[str]  # pending_review until a person or a rule decides
    revision: Mapped[int]
    album_artist: Mapped[str | None]
    album: Mapped[str | None]
    year: Mapped[int | None]
    discs: Mapped[int]
    track_count: Mapped[int]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    size: Mapped[int] = mapped_column(BigInteger)  # bytes of all files
    release_id: Mapped[str | None]  # MusicBrainz release
    compilation: Mapped[bool | None]
    confidence: Mapped[float]  # 0…1, of the grouping
    root_uuid: Mapped[str]  # the staging root
    path: Mapped[bytes]  # the album's folder, relative to the staging root
    evidence: Mapped[list[Any]]  # why these files are one album
    warnings: Mapped[list[Any]]  # what a reviewer should look at
    sources: Mapped[dict[str, Any]]  # value → tag, file_name, folder, majority
    search: Mapped[str] = mapped_column(server_default="")  # artist and album as they are searched
    warned: Mapped[bool] = mapped_column(server_default=false())  # whether there are warnings
    sort_album: Mapped[str] = mapped_column(server_default="")  # the album alone, as it is searched
    sort_year: Mapped[int] = mapped_column(Integer, server_default="0")  # 0 where nobody knows it: NULL has no place
    checksum: Mapped[str]  # of everything above that content decides; equal means nothing changed
    transfer_id: Mapped[str]
    run_id: Mapped[str | None]
    created_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]


class StagingFile(Base):
    """One file of a staged album."""

    __tablename__ = "staging_files"

    item_id: Mapped[int] = mapped_column(BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    path: Mapped[bytes] = mapped_column(primary_key=True)  # relative to the album's folder
    role: Mapped[str]
    source: Mapped[bytes]  # where it came from, relative to the inbound root
    disc: Mapped[int | None] = mapped_column(Integer)
    track: Mapped[int | None] = mapped_column(Integer)
    title: Mapped[str | None]
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int] = mapped_column(BigInteger)
    digest: Mapped[str | None]  # "blake3:…" where the bytes were copied; None where the file was linked
    facts: Mapped[dict[str, Any]]  # tags and stream, of audio


class PublicationRow(Base):
    """Where an item was published."""

    __tablename__ = "publications"
    __table_args__ = (Index("uq_publications_root_uuid_path", "root_uuid", "path", unique=True),)

    item_id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    root_uuid: Mapped[str]  # of the library
    path: Mapped[bytes]  # the album's folder, relative to the library
    mode: Mapped[str]  # move, copy, hardlink, reflink
    artist: Mapped[str | None] = mapped_column(index=True)  # whose folder is above it
    revision: Mapped[int]  # of the item, when it was published last
    transfer_id: Mapped[str] = mapped_column(index=True)  # the one that brought the album; an undo takes it back
    published_at: Mapped[dt.datetime]
    updated_at: Mapped[dt.datetime]
    news_at: Mapped[dt.datetime | None] = mapped_column(index=True)  # since when more is known than is in the library


class LedgerRow(Base):
    """One file Greenroom put into a library."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("uq_ledger_root_uuid_path", "root_uuid", "path", unique=True),
        Index("ix_ledger_item_id", "item_id", "size"),  # with the size, so that counting bytes reads no row
    )

    id: Mapped[int] = mapped_column(BigId, Identity(), primary_key=True)
    root_uuid: Mapped[str]
    path: Mapped[bytes]  # relative to the library
    role: Mapped[str]  # audio or another role of a staged file; nfo, picture, lyrics, sidecar: what Greenroom made
    size: Mapped[int] = mapped_column(BigInteger)
    mtime_ns: Mapped[int | None] = mapped_column(BigInteger)  # of music, which keeps its time; None of what we made
    digest: Mapped[str | None]  # "blake3:…" or "sha256:…"; None where music was linked and nobody read it
    base: Mapped[str | None]  # SHA-256 of what we would have written had nobody changed it; None where that is digest
    item_id: Mapped[int | None] = mapped_column(BigId)  # None: it is the artist's
    artist: Mapped[str | None] = mapped_column(index=True)
    revision: Mapped[int]  # of the item it was written for
    transfer_id: Mapped[str]
    written_at: Mapped[dt.datetime]
