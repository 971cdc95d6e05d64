"""A file as it was planned and what stands there now → whether it is that file, as far as can be told."""

from __future__ import annotations

import os

from config.errors import Retryable
from config.reasons import show_path
from processor.filesystem import copying
from processor.filesystem.files import Tree, is_file
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity, is_untouched, storable_time


def source_changed(file: TransferFile) -> Retryable:
    """Return the error for a source that changed since it was planned."""
    message = f"{show_path(file.source)} changed after it was scanned; the next scan takes it as it is then"
    return Retryable(message, code="source_changed", path=file.source)


def is_planned(found: os.stat_result | None, file: TransferFile) -> bool:
    """Tell whether the planned file stands at its source, its content untouched as far as size and times tell.

    A link moves the change time of an inode. Under another number, it is the planned file by that time, or at least may
    be; then whoever takes it away looks at its bytes first.
    """
    if found is None or not is_unedited(found, file):
        return False
    dev, ino, *_ = file.identity
    return (found.st_ino == ino and found.st_dev == dev) or is_untouched(Identity.of(found), file.identity) is not False


def is_planned_inode(found: os.stat_result | None, file: TransferFile) -> bool:
    """Tell whether this is another name of the planned file, its content untouched as far as size and time tell."""
    return found is not None and (found.st_dev, found.st_ino) == file.identity[:2] and is_unedited(found, file)


def is_unedited(found: os.stat_result | None, file: TransferFile) -> bool:
    """Tell whether a plain file has the planned size and time."""
    if found is None or not is_file(found):
        return False
    _, _, size, mtime_ns, _ = file.identity  # compared one by one, because all of it is asked of every file
    return found.st_size == size and storable_time(found.st_mtime_ns) == mtime_ns


def is_same_inode(found: os.stat_result | None, identity: Identity) -> bool:
    """Tell whether this very inode stands there, edited or not."""
    return found is not None and is_file(found) and (found.st_dev, found.st_ino) == identity[:2]


def is_whole(tree: Tree, path: bytes, file: TransferFile, *, rehash: bool) -> bool:
    """Tell whether a path holds the file's bytes: a copy by size and digest, a link or clone by size and time."""
    return is_like(tree.stat(path), file) and (
        file.digest is None or not rehash or digest_at(tree, path) == file.digest
    )


def is_like(found: os.stat_result | None, file: TransferFile) -> bool:
    """Tell whether what stands there looks like the file: by its size, and by its time where no digest is known."""
    if found is None or not is_file(found) or found.st_size != file.identity.size:
        return False
    return file.digest is not None or storable_time(found.st_mtime_ns) == file.identity.mtime_ns


def is_same(one: Tree, path: bytes, other: Tree, there: bytes) -> bool:
    """Tell whether two names are of one file, or of two plain files with the same bytes, which are read then.

    Reading takes minutes where they are large, so both have to be what they were afterwards.
    """
    found, second = one.stat(path), other.stat(there)
    if found is None or second is None or not (is_file(found) and is_file(second)):
        return False
    if (found.st_dev, found.st_ino) == (second.st_dev, second.st_ino):
        return True
    alike = found.st_size == second.st_size and digest_at(one, path) == digest_at(other, there)
    return alike and is_still(one, path, found) and is_still(other, there, second)


def is_still(tree: Tree, path: bytes, found: os.stat_result) -> bool:
    """Tell whether what was found at a path is there yet, and nobody wrote to it."""
    now = tree.stat(path)
    return now is not None and is_untouched(Identity.of(now), Identity.of(found)) is not False


def digest_at(tree: Tree, path: bytes) -> str:
    """Read a file and return its digest, "blake3:<hex>"."""
    with tree.opened(path) as fd:
        return copying.digest(fd)


def sources_whole(transfer: Transfer, source: Tree) -> bool:
    """Tell whether every source is still as planned."""
    return all(is_planned(source.stat(file.source), file) for file in transfer.files)
