"""Hidden transfer folders without a journal row → swept where the sources hold it all, else explained."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from loguru import logger

from config.database import Database
from config.errors import Rejected
from config.reasons import Reason
from processor.filesystem.files import Tree, is_folder
from processor.filesystem.paths import ancestors, relative, within
from processor.transfers import journal, sidecar
from processor.transfers.comparing import is_same
from processor.transfers.guard import Guard
from processor.transfers.hidden import TX, names_in, remove_hidden
from processor.transfers.transfer import TransferFile


def sweep(database: Database, guard: Guard, src_root: bytes, dst_root: bytes) -> list[Reason]:
    """Remove hidden folders no row knows (the database was set back, or restored from a backup), or report them.

    A folder goes only if every file in it is at its source, too, durably, as the same inode or with the same digest.
    Paths in the reasons are absolute: a recovery is of several roots.
    """
    with Tree(src_root) as source, Tree(dst_root) as destination, destination.explained("look at", TX):
        # Names first, rows second: whoever makes a folder has committed its row before.
        names = names_in(destination, TX)
        if not names:
            return []
        with database.read() as connection:
            known = journal.states(connection, [name.decode("utf-8", "replace") for name in names])
        kept_for_a_person = {id.encode() for id, state in known.items() if state not in ("done", "cancelled")}
        return [
            reason
            for name in names
            if name not in kept_for_a_person
            for reason in _sweep(source, destination, name, guard)
        ]


def _sweep(source: Tree, destination: Tree, name: bytes, guard: Guard) -> Iterator[Reason]:
    folder = within(TX, name)
    try:
        files = _files_of(destination, folder, name)
        if files is not None and all(_is_spare(source, destination, folder, file) for file in files):
            _sync(source, [file.source for file in files])
            remove_hidden(destination, folder, [file.target for file in files], guard)
            return
    except (Rejected, OSError) as error:
        logger.bind(path=destination.shown(folder), error=str(error)).warning("hidden folder cannot be looked at")
    message = "No known transfer made this hidden folder, and it may hold the only copy of something; look at it."
    yield Reason("orphan_transfer_folder", message, os.path.join(destination.root, folder))


def _files_of(tree: Tree, folder: bytes, name: bytes) -> tuple[TransferFile, ...] | None:
    """Return what the folder's sidecar lists; None if another's album gave way, or there is what it does not list."""
    written = sidecar.read(tree, folder)
    files = written.files if written else ()  # without a sidecar nothing else was begun
    if written and written.transfer_id.encode() != name:
        return None
    ours = {file.target for file in files} | {sidecar.NAME, sidecar.NAME + b".new"}
    there = (relative(path, folder) for path, found in tree.below(folder) if not is_folder(found))
    return files if ours.issuperset(there) else None


def _is_spare(source: Tree, destination: Tree, folder: bytes, file: TransferFile) -> bool:
    """Tell whether the source has the same bytes as the hidden file, or there is no hidden file."""
    path = within(folder, file.target)
    return destination.stat(path) is None or is_same(source, file.source, destination, path)


def _sync(source: Tree, paths: Iterable[bytes]) -> None:
    """Make durable what stays: somebody may have put it there a moment ago."""
    there = [path for path in paths if source.stat(path) is not None]
    for path in there:
        source.sync_content(path)
    for folder in dict.fromkeys(above for path in there for above in (*ancestors(path), b"")):
        source.sync(folder)
