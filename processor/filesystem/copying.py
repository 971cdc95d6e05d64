"""An open source file → its bytes in another file, digested on the way, and the digest of what the disk then has.

Large copies go past the page cache (O_DIRECT): bytes are moved half as often, what other programs have in memory stays
there, and reading back asks the disk itself. Where a file system refuses that, they go through the cache.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
from collections.abc import Iterator
from contextlib import contextmanager

from blake3 import blake3

from config import leave
from processor.filesystem.syscalls import libc

BUFFER = 1 << 20  # bytes; mapped, so that it starts on a page, as direct writing needs and copying likes
BLOCK = 1 << 16  # bytes; a multiple of the blocks of any disk
_fallocate = getattr(libc, "fallocate64", None) or libc.fallocate  # sizes have 64 bits on machines of 32, too
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def copy(original: int, copied: int, size: int) -> str:
    """Write the bytes of an open file to a new one; return their digest. The caller syncs it. Raises OSError, Stopped.

    Who is to stop is asked once a buffer, here and wherever a file is read to its end: a large one takes minutes.
    """
    if size:
        _preallocate(copied, size)  # a full disk shows before the work is done
    direct = size >= BUFFER and _bypass(copied, True)
    hasher = blake3()
    with _buffer() as view:
        while count := _fill(original, view):
            leave.check_stop()
            hasher.update(view[:count])
            if direct and count % BLOCK:  # the end of the file is no whole block
                direct = not _bypass(copied, False)
            _write(copied, view, count, direct)
    return _named(hasher)


def _preallocate(copied: int, size: int) -> None:
    """Reserve room if the file system can. posix_fallocate(3) would write zeros where it cannot, as on most FUSE."""
    if _fallocate(copied, 0, ctypes.c_int64(0), ctypes.c_int64(size)):
        code = ctypes.get_errno()
        if code in _NO_ROOM:  # any other error only means that room cannot be reserved
            raise OSError(code, os.strerror(code))


def digest(file: int) -> str:
    """Read an open file from where it stands to its end; return the digest, "blake3:<hex>". Raises OSError, Stopped."""
    hasher = blake3()
    with _buffer() as view:
        while count := _fill(file, view):
            leave.check_stop()
            hasher.update(view[:count])
    return _named(hasher)


def disk_digest(file: int) -> str:
    """Return the digest of an open, synced file as it is on the disk, not as the page cache has it; as `digest`."""
    if _bypass(file, True):
        try:
            return digest(file)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
        _bypass(file, False)
        os.lseek(file, 0, os.SEEK_SET)
    os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    return digest(file)


def _bypass(file: int, on: bool) -> bool:
    """Let an open file go past the page cache, or through it again; tell whether that could be done."""
    flags = fcntl.fcntl(file, fcntl.F_GETFL)
    try:
        fcntl.fcntl(file, fcntl.F_SETFL, flags | os.O_DIRECT if on else flags & ~os.O_DIRECT)
    except OSError:
        return False
    return True


@contextmanager
def _buffer() -> Iterator[memoryview]:
    with mmap.mmap(-1, BUFFER) as buffer, memoryview(buffer) as view:
        yield view


def _fill(file: int, view: memoryview) -> int:
    """Read until the buffer is full; return how many bytes are in it, 0 at the end of the file."""
    count = 0
    while count < BUFFER and (more := os.readv(file, [view[count:]])):
        count += more
        if more % BLOCK:  # the end, as a rule; to ask again from there is refused where the cache is bypassed
            break
    return count


def _write(file: int, view: memoryview, count: int, direct: bool) -> None:
    written = 0
    while written < count:
        try:
            written += os.write(file, view[written:count])
        except OSError as error:
            if not (direct and error.errno == errno.EINVAL and _bypass(file, False)):
                raise
            direct = False


def _named(hasher: blake3) -> str:
    return f"blake3:{hasher.hexdigest()}"
