"""Database, staging tree and inbound tree → one sighting of all, consistent also while a cycle works. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from config import leave
from config.database import Database
from config.errors import GreenroomError, Stopped
from config.leave import LEAVE
from config.libraries import Roots, list_libraries
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.fsck import disk, rows, unsettled
from processor.fsck.disk import Disk, Folder, Listed, OnDisk
from processor.fsck.rows import Row
from processor.fsck.unsettled import Leftovers
from processor.transfers import journal
from processor.transfers.comparing import digest_at
from scanner.identity import same_time
from scanner.options import Progress

UNREAD: Final = ""  # stands for the digest of a file that cannot be read


@dataclass(frozen=True, slots=True)
class Sighting:
    """What was seen. `digests` holds what was read, by item and path relative to the album."""

    staging: str  # uuid of its root
    inbound_root: bytes
    staging_root: bytes
    disk: Disk
    items: tuple[Row, ...]  # all but those that changed while we looked
    known: Mapping[str, int]  # the key of every item, and its id
    others: frozenset[str]  # uuids of the other libraries
    left: Leftovers
    digests: Mapping[tuple[int, bytes], str]
    inbound: Mapping[bytes, OnDisk]  # those sources of items that are there


@dataclass(frozen=True, slots=True)
class Effort:
    """How closely to look."""

    verify: bool = False  # read every file whose digest is recorded
    baseline: bool = False  # and those whose digest is not
    workers: int = 4
    read: dict[OnDisk, str] = field(default_factory=dict)  # digests of what was read before; they hold under the lock


def look(database: Database, roots: Roots, effort: Effort, progress: Progress) -> Sighting:
    """Look at everything once: rows first, then the disk, then which rows changed meanwhile."""
    inbound, staging = roots.inbound, roots.staging
    with database.read(snapshot=True) as connection:
        before = rows.read(connection)
        begun = {transfer.id for transfer in journal.unsettled(connection)}
        others = frozenset(lib.root_uuid for lib in list_libraries(connection)) - {staging.root_uuid}
    progress("look", 0, None)
    seen = disk.look(staging.path, {row.path for row in before if row.root_uuid == staging.root_uuid})
    left = unsettled.look(database, inbound.path, staging.path)
    with database.read() as connection:
        now = rows.marks(connection)
    moving = begun | {standing.transfer.id for standing in left.moves}
    moving -= {standing.transfer.id for standing in left.moves if standing.transfer.state == "attention"}
    still = [row for row in before if now.get(row.id) == row.mark and row.transfer_id not in moving]
    return Sighting(
        staging.root_uuid,
        inbound.path,
        staging.path,
        seen,
        tuple(still),
        {row.key: row.id for row in before} | {mark.key: id for id, mark in now.items()},
        others,
        left,
        _digests(staging.path, _to_read(still, seen, effort), effort, progress),
        _sources(inbound.path, {source for row in still for source in row.sources}),
    )


def _to_read(still: Iterable[Row], seen: Disk, effort: Effort) -> list[tuple[Row, dict[bytes, OnDisk]]]:
    """Choose the files to read: of the right size, and either all, or those whose time alone has changed."""
    wanted = []
    for row in still:
        folder = seen.albums.get(row.path)
        if folder is not None:
            files = {f.path: folder.files[f.path] for f in row.files if _is_readable(f, folder, effort)}
            if files:
                wanted.append((row, files))
    return wanted


def _is_readable(file: Listed, folder: Folder, effort: Effort) -> bool:
    found = folder.files.get(file.path)
    if found is None or found.size != file.size:
        return False
    if file.digest is None:
        return effort.baseline and same_time(file.mtime_ns, found.mtime_ns)
    return effort.verify or not same_time(file.mtime_ns, found.mtime_ns)


def _digests(
    root: bytes, wanted: list[tuple[Row, dict[bytes, OnDisk]]], effort: Effort, progress: Progress
) -> dict[tuple[int, bytes], str]:
    found: dict[tuple[int, bytes], str] = {}

    def read(row: Row, files: dict[bytes, OnDisk]) -> None:
        with Tree(root) as tree:
            for path, on_disk in files.items():
                if on_disk not in effort.read:
                    effort.read[on_disk] = _digest(tree, within(row.path, path))
                found[row.id, path] = effort.read[on_disk]

    with ThreadPoolExecutor(effort.workers, initializer=LEAVE.set, initargs=(LEAVE.get(),)) as pool:
        for done, _ in enumerate(pool.map(lambda pair: read(*pair), wanted), 1):
            leave.check()
            progress("verify", done, len(wanted))
    return found


def _digest(tree: Tree, path: bytes) -> str:
    try:
        return digest_at(tree, path)
    except Stopped:
        raise
    except (OSError, GreenroomError):
        return UNREAD


def _sources(root: bytes, wanted: set[bytes]) -> dict[bytes, OnDisk]:
    """Return those of the wanted files that are in the inbound tree, which is mostly empty: one listing a folder."""
    found: dict[bytes, OnDisk] = {}
    left = [b""]
    while left:
        folder = left.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as entries:
                for entry in entries:
                    path = within(folder, entry.name)
                    if entry.is_dir(follow_symlinks=False):
                        left.append(path)
                    elif path in wanted and entry.is_file(follow_symlinks=False):
                        found[path] = OnDisk.of(entry.stat(follow_symlinks=False))
        except OSError:
            continue  # the inbound tree is the scan's to explain
    return found
