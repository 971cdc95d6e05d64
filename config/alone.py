"""An open file that others go on reading → locked for one process at a time, on a local disk or on a share."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from typing import Final

from config.plain import open_plain, opened

_BEYOND: Final = 1 << 40  # a byte that no file of ours has


def lock(fd: int, path: bytes) -> None:
    """Lock the file at a path, which `fd` has open. Raises BlockingIOError if somebody else has, and OSError.

    It is opened for writing only where it must be: those who watch the folder would hear of that as a change.
    """
    try:
        _flock(fd)
    except OSError as error:
        if error.errno != errno.EBADF:
            raise
        _open_for_writing(fd, path)  # NFS 4 locks nothing else
        _flock(fd)
    if not _others_can_read(path):  # SMB keeps them from what is locked, and from nothing else in the file
        fcntl.flock(fd, fcntl.LOCK_UN)
        _open_for_writing(fd, path)
        with _taken():
            _range(fd, fcntl.F_WRLCK)  # whoever begins with the whole file meets it


def unlock(fd: int) -> None:
    """Unlock it; closing would not do while a forked child still has it."""
    with contextlib.suppress(OSError):
        fcntl.flock(fd, fcntl.LOCK_UN)
    with contextlib.suppress(OSError):
        _range(fd, fcntl.F_UNLCK)


def _flock(fd: int) -> None:
    with _taken():
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


@contextlib.contextmanager
def _taken() -> Iterator[None]:
    """Turn what SMB says of what somebody else has locked into what others say."""
    try:
        yield
    except PermissionError as error:
        raise BlockingIOError(errno.EAGAIN, error.strerror) from error


def _open_for_writing(fd: int, path: bytes) -> None:
    writable = open_plain(path, os.O_RDWR)
    try:
        os.dup2(writable, fd, inheritable=False)
    finally:
        os.close(writable)


def _others_can_read(path: bytes) -> bool:
    with opened(path) as reader:
        try:
            os.read(reader, 1)
        except PermissionError:
            return False
    return True


def _range(fd: int, kind: int) -> None:
    """Lock or unlock the byte for this open file (struct flock of fcntl(2))."""
    fcntl.fcntl(fd, fcntl.F_OFD_SETLK, struct.pack("hhqqi", kind, os.SEEK_SET, _BEYOND, 1, 0))
