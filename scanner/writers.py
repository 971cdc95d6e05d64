"""An open file → whether somebody is writing to it, or has only reserved its room."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from typing import Final

SMALL = 64 * 1024  # bytes; smaller files may be stored inside their inode, without any block
PLACES, PLACE, EMPTY = 64, 512, 1 / 16  # how many are read, bytes of each, share that may be silence
# They grant a lease only where the server has lent us the file, written or not (Linux: nfs4_add_lease, cifs_setlease).
_LEND: Final = frozenset({"nfs4", "cifs", "smb3"})
FULL = 0.9  # share of its size a file has on disk unless somebody only reserved the room


def has_writer(descriptor: int) -> bool:
    """Whether anybody has the file open for writing; fcntl(2) grants a read lease only if nobody has.

    Needs to own the file or CAP_LEASE, and a local filesystem; False when it cannot be told.
    """
    try:
        # Who opens it for writing while we hold the lease makes the kernel signal us; its default, SIGIO, would kill.
        fcntl.fcntl(descriptor, fcntl.F_SETSIG, signal.SIGURG)
    except OSError:
        return False
    if is_written(descriptor):
        from config.mounts import type_of_device  # rarely wanted, and readers start without it

        return type_of_device(os.fstat(descriptor).st_dev) not in _LEND
    with contextlib.suppress(OSError):  # it was not granted for another reason
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def is_written(descriptor: int) -> bool:
    """Answer as `has_writer`, and True for what a share has not lent us.

    SIGIO is to be ignored, and the descriptor closed at once, which ends the lease.
    """
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        pass
    return False


def is_sparse(descriptor: int, size: int, blocks: int) -> bool:
    """Whether an open file has less on disk than its size promises, and zeros for it. `blocks` are of 512 bytes.

    A disk that compresses (NTFS, ZFS) has less on disk, too; so some places are read; False where they cannot be.
    """
    if size <= SMALL or blocks * 512 >= FULL * size:
        return False
    try:
        read = [os.pread(descriptor, PLACE, n * (size // PLACES)) for n in range(PLACES)]
    except OSError:  # whoever reads or moves the file meets the same error, and tells it
        return False
    return sum(not any(place) for place in read) > PLACES * EMPTY
