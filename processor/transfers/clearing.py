"""A published transfer → its sources removed where their bytes are safe, empty folders too, the rest explained."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Set

from config.reasons import Reason
from processor.filesystem.files import Tree, is_file
from processor.filesystem.paths import folders, parent, within
from processor.transfers.comparing import digest_at, is_like, is_planned, is_planned_inode, is_same_inode, is_still
from processor.transfers.guard import Guard
from processor.transfers.steps import sync_above
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import storable_time

SECOND = 10**9  # in nanoseconds


def remove_sources(transfer: Transfer, guard: Guard, known: Set[bytes] = frozenset()) -> tuple[Reason, ...]:
    """Remove each source that is whole in the published album, then the folders left empty (F5). Repeatable.

    Sources that changed meanwhile are kept. Whatever is left in a folder is named, but for the paths in `known`, which
    other decisions explain.
    """
    reasons = clear(transfer, guard, known)
    sync_above(transfer.src_root, emptied(transfer), guard, missing_ok=True)
    return reasons


def emptied(transfer: Transfer) -> Iterable[bytes]:
    """Return the folders a clearing may have changed, relative to the source root; some may be gone."""
    return folders(file.source for file in transfer.files)


def clear(transfer: Transfer, guard: Guard, known: Set[bytes] = frozenset()) -> tuple[Reason, ...]:
    """Do what `remove_sources` does but for making it durable."""
    reasons: list[Reason] = []
    with Tree(transfer.src_root) as source, Tree(transfer.dst_root) as destination:
        total, album = len(transfer.files), transfer.target + b"/"
        with source.explained("remove") as at:
            for n, file in enumerate(transfer.files, 1):
                at.path = file.source
                guard.check(f"unlink {n}/{total}")
                found = source.stat(file.source)
                if found is None:  # an earlier try removed it
                    continue
                kept = _why_keep(source, found, destination.stat(album + file.target), file)
                if kept is None:
                    source.unlink(file.source, missing_ok=True)
                else:
                    reasons.append(kept)
        reasons += _tidy_folders(source, transfer, guard, known)
    return tuple(reasons)


def _why_keep(source: Tree, found: os.stat_result, there: os.stat_result | None, file: TransferFile) -> Reason | None:
    """Say why a source must stay, given what stands at its place and in the album; None if it may go."""
    if there is not None and os.path.samestat(found, there) and is_planned_inode(found, file):
        return None  # as nearly always: one file under two names
    if not is_like(there, file):
        message = "The file in the album is not the one that was put there, so the source is kept."
        return Reason("final_changed_kept", message, file.source)
    if not is_planned(found, file):
        return Reason("source_changed_kept", "It changed after it was scanned, so it is kept.", file.source)
    untouched = is_same_inode(found, file.identity) and _same_change(found, file)
    if untouched or (file.digest is not None and _is_read_as(source, found, file)):
        return None
    return Reason("source_changed_kept", "Its change time moved after it was scanned, so it is kept.", file.source)


def _is_read_as(source: Tree, found: os.stat_result, file: TransferFile) -> bool:
    """Read a source; tell whether it has the digest, and still is what stood there before, for that takes minutes."""
    return digest_at(source, file.source) == file.digest and is_still(source, file.source, found)


def _same_change(found: os.stat_result, file: TransferFile) -> bool:
    """Tell whether the change time is the planned one; one in whole seconds may be made up (sshfs)."""
    ns = storable_time(found.st_ctime_ns)
    return ns == file.identity.ctime_ns and (ns != file.identity.mtime_ns or ns % SECOND != 0)


def _tidy_folders(source: Tree, transfer: Transfer, guard: Guard, known: Set[bytes]) -> list[Reason]:
    """Remove the folders that are empty now, deepest first and never the root; explain what stays in the others."""
    taken_from = {parent(file.source) for file in transfer.files}
    reasons: list[Reason] = []
    for folder in folders(file.source for file in transfer.files)[:-1]:
        guard.check("rmdir")
        with source.explained("tidy", folder):
            if not _is_gone(source, folder, reasons) and folder in taken_from:
                reasons += _left_behind(source, folder, known)
    return reasons


def _is_gone(source: Tree, folder: bytes, reasons: list[Reason]) -> bool:
    """Remove a folder if it is empty; tell whether it is gone, now or since an earlier try."""
    try:
        source.rmdir(folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.EBUSY, errno.EACCES, errno.EPERM):
            reasons.append(Reason("folder_kept", f"The folder could not be removed: {error.strerror}.", folder))
        elif error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        return False
    return True


def _left_behind(source: Tree, folder: bytes, known: Set[bytes]) -> Iterator[Reason]:
    paths = [within(folder, name) for name in source.names(folder)]
    left = [path for path in paths if path not in known and is_file(source.stat(path))]
    if left:
        message = f"{len(left)} file(s) stay in this folder that the scan did not know; the next one sees them."
        yield Reason("left_behind", message, folder)
