"""An album that was switched into place → all its copies can be read there; or Retryable, and nothing is taken away.

A program behind a mount may have bytes on their way that it said were synced, and find them under a folder's new name
only when they got there: rclone shows empty or unreadable files until then.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from functools import partial

from config.errors import Rejected, Retryable
from config.machine import boottime
from processor.filesystem.files import Tree
from processor.filesystem.paths import within
from processor.transfers import sidecar
from processor.transfers.guard import Guard
from processor.transfers.hidden import hidden_folder
from processor.transfers.transfer import Transfer

LATE = 30.0  # seconds that files may take to appear under their new name
_PAUSE = 0.5


def await_copies(transfer: Transfer, guard: Guard, late: float = LATE) -> None:
    """Return once the end of every copied file, and their sidecar, can be read at its place.

    Raises Retryable `late`, Stopped.
    """
    copies = [(within(transfer.target, file.target), file.identity.size) for file in transfer.files if file.digest]
    deadline = boottime() + late
    with Tree(transfer.dst_root) as tree:
        for path, size in copies:
            if not _in_time(partial(_can_be_read, tree, path, size), guard, deadline):
                raise _late(tree, path)
        if copies and not _in_time(partial(_is_shown, tree, transfer.target), guard, deadline):
            raise _late(tree, within(transfer.target, sidecar.NAME))


def await_sidecars(transfer: Transfer, guard: Guard) -> None:
    """Return once the sidecars of an interrupted transfer can be read where they are, or after a while. Raises Stopped.

    What is not shown by then whoever reads it tells of.
    """
    deadline = boottime() + LATE
    for root in {transfer.src_root, transfer.dst_root}:
        with Tree(root) as tree:
            for folder in (transfer.target, hidden_folder(transfer)):
                _in_time(partial(_is_shown, tree, folder), guard, deadline)


def _in_time(is_there: Callable[[], bool], guard: Guard, deadline: float) -> bool:
    while not is_there():
        guard.check("await copy")
        guard.check_stop()
        if boottime() > deadline:
            return False
        time.sleep(_PAUSE)
    return True


def _late(tree: Tree, path: bytes) -> Retryable:
    message = (
        f"{tree.shown(path)} was written and synced, but cannot be read since its folder was renamed; "
        "its source is kept, and it is tried again"
    )
    return Retryable(message, code="late", path=path)


def _can_be_read(tree: Tree, path: bytes, size: int) -> bool:
    try:
        found = tree.stat_anew(path)
        if found is None or found.st_size != size:
            return False
        with tree.opened(path) as fd:
            return not size or len(os.pread(fd, 1, size - 1)) == 1
    except (OSError, Rejected):
        return False


def _is_shown(tree: Tree, folder: bytes) -> bool:
    """Tell whether a folder's sidecar can be read as far as the mount is concerned, or there is none."""
    try:
        sidecar.read(tree, folder)
    except Rejected:
        return True  # it is somebody else's
    except OSError as error:
        return not tree.is_made_up or error.errno not in (errno.EAGAIN, errno.EIO)
    return True
