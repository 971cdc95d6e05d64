"""Folders of the inbound tree → how they were before anything was taken from them; and back, once the files are."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Mapping
from contextlib import suppress

from config.leave import changing
from processor.filesystem.files import Tree, is_folder
from processor.filesystem.paths import folders
from processor.filesystem.rights import rights_spared
from processor.transfers.guard import Guard
from processor.transfers.transfer import SourceFolder, Transfer


def look_at(root: bytes, paths: Iterable[bytes]) -> Mapping[bytes, SourceFolder]:
    """Return every folder the relative paths are in or below, the root as b"" among them, as far as it can be seen.

    Reads only. A folder that cannot be seen is left out; whoever takes its files meets the error and reports it.
    """
    found = {}
    with Tree(root) as tree:
        for path in folders(paths):
            with suppress(OSError):
                there = tree.stat(path) if path else os.fstat(tree.folder(path))
                if there is not None and is_folder(there):
                    found[path] = _of(path, there)
    return found


def above(known: Mapping[bytes, SourceFolder], paths: Iterable[bytes]) -> tuple[SourceFolder, ...]:
    """Return those of the known folders that the paths are in or below."""
    return tuple(known[folder] for folder in folders(paths) if folder in known)


def put_back(undo: Transfer, guard: Guard) -> None:
    """Give the folders that the undo's row names their time, owner and rights again, durably. Repeatable.

    Rights are only restored with the owner. Without root a folder stays ours, and as open as the one above it. What
    somebody changed of a folder meanwhile, or what we may not set, stays as it is.
    """
    with Tree(undo.src_root) as tree, tree.explained("put back the time of") as at:
        for folder in undo.source_folders:
            at.path = folder.path
            guard.check("folder as it was")
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):
                descriptor = tree.folder(folder.path)
                with changing(tree.root):
                    _renew(descriptor, folder)
                tree.sync(folder.path)


def _of(path: bytes, found: os.stat_result) -> SourceFolder:
    return SourceFolder(path, found.st_mtime_ns, stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid)


def _renew(descriptor: int, folder: SourceFolder) -> None:
    now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) != (folder.uid, folder.gid):
        with rights_spared():
            os.fchown(descriptor, folder.uid, folder.gid)
        now = os.fstat(descriptor)
    if (now.st_uid, now.st_gid) == (folder.uid, folder.gid) and stat.S_IMODE(now.st_mode) != folder.mode:
        with rights_spared():
            os.fchmod(descriptor, folder.mode)
    os.utime(descriptor, ns=(now.st_atime_ns, folder.mtime_ns))
