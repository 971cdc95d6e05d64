"""The rows of this floor: transfers, staging items and their files, and what was put into libraries.

Their SQL is in journal.py, storing.py and repository.py of items, and publication/ledger.py.
"""

from __future__ import annotations

import datetime as dt
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, false, text

from config.tables import Base, BigId, SomeRows, column, optional

# As text, because SQLite uses an index of some rows only where it sees their states in the statement.
IS_OPEN: Final = text("state IN ('planned', 'materialised', 'published')")
IS_UNSETTLED: Final = text("state IN ('planned', 'materialised', 'published', 'attention')")
IS_UNDO: Final = text("undoes IS NOT NULL")
IS_MUSIC: Final = text("role = 'audio'")


class TransferRow(Base):
    """One journalled move of one item. The states and who moves them on are in journal.py."""

    __tablename__ = "transfers"
    # While a move is open nobody may plan another one to the same folder.
    __table_args__ = (
        SomeRows("uq_transfers_open_target", ("dst_root", "target"), IS_OPEN, unique=True),
        SomeRows("ix_transfers_unsettled", ("state",), IS_UNSETTLED),
        SomeRows("ix_transfers_undoes", ("undoes",), IS_UNDO),
    )

    # A uuid4 made before the insert, so that a commit whose answer was lost can be looked up.
    id = column(str, primary_key=True)
    kind = column(str)  # how it is performed: a key of processor.moves.MOVES
    state = column(str)  # planned → materialised → published → done | attention | cancelled
    src_root = column(bytes)
    dst_root = column(bytes)
    target = column(bytes)  # the final folder, relative to dst_root
    strategy = optional(str)  # link, clone or copy; None until the first file is there
    files = column(list[Any])  # see Transfer.files
    item = column(dict[str, Any])  # what the staging item will say; lets recovery publish without a new scan
    before = optional(dict[str, Any])  # what the item said before, if there was one; lets undo say it again
    undoes = optional(str)  # the transfer an undo takes back
    source_folders = optional(list[Any])  # see Transfer.source_folders; None where nobody noted them
    released_at = optional(dt.datetime)  # since when a cycle may have again what an undo took back
    trash_seconds = optional(int, BigInteger)  # how long what it replaced has lain in the trash
    trash_seen_at = optional(dt.datetime)  # when that was counted last; None once it was emptied
    fence = column(int, BigInteger)
    boot_id = column(str)  # the kernel's; another one means that the machine was restarted in between
    attempt = column(int)
    error = optional(str)
    run_id = optional(str, index=True)
    created_at = column(dt.datetime)
    updated_at = column(dt.datetime, index=True)


class StagingItem(Base):
    """One album in staging: the identity that survives. Upserted on `key`; a change bumps `revision`."""

    __tablename__ = "staging_items"
    # Half-full pages let PostgreSQL update a row in its page, without touching the indexes: re-ingests are updates.
    __table_args__ = (
        # processor/items/listing.py: an index for each order, with all that is filtered by
        Index("ix_staging_items_queue", "status", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_changed", "status", "updated_at", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_artist", "status", "search", "id", "confidence", "warned"),
        Index("ix_staging_items_album", "status", "sort_album", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_year", "status", "sort_year", "id", "confidence", "warned", "search"),
        Index("ix_staging_items_status", "status", "size"),  # what is counted of all
        {"postgresql_with": {"fillfactor": 50}, "sqlite_autoincrement": True},
    )

    id = column(int, BigId, Identity(), primary_key=True)
    key = column(str, unique=True)
    kind = column(str)  # music_album
    status = column(str)  # pending_review until a person or a rule decides
    revision = column(int)
    album_artist = optional(str)
    album = optional(str)
    year = optional(int)
    discs = column(int)
    track_count = column(int)
    duration_ms = optional(int, BigInteger)
    size = column(int, BigInteger)  # bytes of all files
    release_id = optional(str)  # MusicBrainz release
    compilation = optional(bool)
    confidence = column(float)  # 0…1, of the grouping
    root_uuid = column(str, index=True)  # the staging root
    path = column(bytes)  # the album's folder, relative to the staging root
    evidence = column(list[Any])  # why these files are one album
    warnings = column(list[Any])  # what a reviewer should look at
    sources = column(dict[str, Any])  # value → tag, cue, file_name, folder, majority
    search = column(str, server_default="")  # artist and album as they are searched
    warned = column(bool, server_default=false())  # whether there are warnings
    sort_album = column(str, server_default="")  # the album alone, as it is searched
    sort_year = column(int, server_default="0")  # 0 where nobody knows it: NULL has no place
    checksum = column(str)  # of everything above that content decides; equal means nothing changed
    transfer_id = column(str)
    run_id = optional(str)
    created_at = column(dt.datetime)
    updated_at = column(dt.datetime)


class StagingFile(Base):
    """One file of a staged album."""

    __tablename__ = "staging_files"
    __table_args__ = (SomeRows("ix_staging_files_music", ("size", "item_id"), IS_MUSIC),)  # items with the same music

    item_id = column(int, BigId, ForeignKey("staging_items.id", ondelete="CASCADE"), primary_key=True)
    path = column(bytes, primary_key=True)  # relative to the album's folder
    role = column(str)
    source = column(bytes)  # where it came from, relative to the inbound root
    disc = optional(int)
    track = optional(int)
    title = optional(str)
    size = column(int, BigInteger)
    mtime_ns = column(int, BigInteger)
    digest = optional(str)  # "blake3:…" where the bytes were copied; None where the file was linked
    facts = column(dict[str, Any])  # tags and stream, of audio


class PublicationRow(Base):
    """Where an item was published."""

    __tablename__ = "publications"
    __table_args__ = (Index("uq_publications_root_uuid_path", "root_uuid", "path", unique=True),)

    item_id = column(int, BigId, primary_key=True, autoincrement=False)
    root_uuid = column(str)  # of the library
    path = column(bytes)  # the album's folder, relative to the library
    mode = column(str)  # move, copy, hardlink, reflink
    artist = optional(str, index=True)  # whose folder is above it
    revision = column(int)  # of the item, when it was published last
    transfer_id = column(str, index=True)  # the one that brought the album; an undo takes it back
    published_at = column(dt.datetime)
    updated_at = column(dt.datetime)
    news_at = optional(dt.datetime, index=True)  # since when more is known than is in the library


class LedgerRow(Base):
    """One file Greenroom put into a library."""

    __tablename__ = "ledger"
    __table_args__ = (
        Index("uq_ledger_root_uuid_path", "root_uuid", "path", unique=True),
        Index("ix_ledger_item_id", "item_id", "size"),  # with the size, so that counting bytes reads no row
    )

    id = column(int, BigId, Identity(), primary_key=True)
    root_uuid = column(str)
    path = column(bytes)  # relative to the library
    role = column(str)  # audio or another role of a staged file; nfo, picture, lyrics, sidecar: what Greenroom made
    size = column(int, BigInteger)
    mtime_ns = optional(int, BigInteger)  # of music, which keeps its time; None of what we made
    digest = optional(str)  # "blake3:…" or "sha256:…"; None where music was linked and nobody read it
    base = optional(str)  # SHA-256 of what we would have written had nobody changed it; None where that is digest
    item_id = optional(int, BigId)  # None: it is the artist's
    artist = optional(str, index=True)
    revision = column(int)  # of the item it was written for
    transfer_id = column(str)
    written_at = column(dt.datetime)
