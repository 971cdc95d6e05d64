"""An open file → whether somebody is writing to it, or has only reserved its room."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from struct import Struct
from typing import Final

SMALL = 64 * 1024  # bytes; smaller files may be stored inside their inode, without any block
PLACES, PLACE, EMPTY = 64, 512, 1 / 16  # how many are read, bytes of each, share that may be silence
# They grant a lease only where the server has lent us the file, written or not (Linux: nfs4_add_lease, cifs_setlease).
_LEND: Final = frozenset({"nfs4", "cifs", "smb3"})
FULL = 0.9  # share of its size a file has on disk unless somebody only reserved the room
PIECE = 16 * 1024  # bytes; the least that BitTorrent asks for
EXTENTS = 64  # of a file, that are looked at
# fiemap.h: the call, what is asked and answered, one extent, "write down first what waits for it", "never written".
_FIEMAP, _ASKED, _EXTENT, _WRITE_FIRST, _UNWRITTEN = 0xC020660B, Struct("=QQIIII"), Struct("=QQQQQIIII"), 1, 0x800


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

    A disk that compresses (NTFS, ZFS) has less on disk, too; so some places are read; False where they cannot be. Room
    that is all there but was never written counts, too.
    """
    if size <= SMALL:
        return False
    if blocks * 512 >= size:
        return _is_reserved(descriptor, size)
    if blocks * 512 >= FULL * size:
        return False
    try:
        read = [os.pread(descriptor, PLACE, n * (size // PLACES)) for n in range(PLACES)]
    except OSError:  # whoever reads or moves the file meets the same error, and tells it
        return False
    return sum(not any(place) for place in read) > PLACES * EMPTY


def _is_reserved(descriptor: int, size: int) -> bool:
    """Whether a part of a file that has all its blocks was never written. False where a file system does not know.

    Torrent clients reserve room with fallocate(2). lseek(2) does not do: it takes for data what somebody has read.
    """
    return _has_unwritten(descriptor, size, 0) and _has_unwritten(descriptor, size, _WRITE_FIRST)


def _has_unwritten(descriptor: int, size: int, flags: int) -> bool:
    """Whether a piece among the first extents counts as unwritten, as does what the system has yet to write down."""
    answer = bytearray(_ASKED.size + EXTENTS * _EXTENT.size)
    _ASKED.pack_into(answer, 0, 0, size, flags, 0, EXTENTS, 0)
    try:
        fcntl.ioctl(descriptor, _FIEMAP, answer)
    except OSError:
        return False
    found = memoryview(answer)[_ASKED.size :][: _ASKED.unpack_from(answer)[3] * _EXTENT.size]
    return any(
        state & _UNWRITTEN and min(start + length, size) - start >= PIECE
        for start, _, length, _, _, state, *_ in _EXTENT.iter_unpack(found)
    )
