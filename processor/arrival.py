"""An album that was switched into place → all its copies can be read there; or Retryable, and nothing is taken away.

A program behind a mount may have bytes on their way that it said were synced, and find them under a folder's new name
only when they got there: rclone shows empty or unreadable files until then.
"""

from __future__ import annotations

import os
import time

from config.errors import Rejected, Retryable
from config.machine import boottime
from config.reasons import show_path
from processor.files import Tree
from processor.guard import Guard
from processor.paths import within
from processor.transfer import Transfer

LATE = 30.0  # seconds that files may take to appear under their new name
_PAUSE = 0.5


def await_copies(transfer: Transfer, guard: Guard, late: float = LATE) -> None:
    """Return once the end of every copied file can be read at its place. Raises Retryable `late`, Stopped."""
    copies = [(within(transfer.target, file.target), file.identity.size) for file in transfer.files if file.digest]
    deadline = boottime() + late
    with Tree(transfer.dst_root) as tree:
        for path, size in copies:
            while not _can_be_read(tree, path, size):
                guard.check("await copy")
                guard.check_stop()
                if boottime() > deadline:
                    message = (
                        f"{show_path(path)} was written and synced, but cannot be read since its folder was renamed; "
                        "its source is kept, and it is tried again"
                    )
                    raise Retryable(message, code="late", path=path)
                time.sleep(_PAUSE)


def _can_be_read(tree: Tree, path: bytes, size: int) -> bool:
    try:
        found = tree.stat_anew(path)
        if found is None or found.st_size != size:
            return False
        with tree.opened(path) as fd:
            return not size or len(os.pread(fd, 1, size - 1)) == 1
    except (OSError, Rejected):
        return False
