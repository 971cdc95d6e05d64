"""A call of Linux that Python does not offer → made on open folders and names, or raised as OSError."""

from __future__ import annotations

import ctypes
import os

RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2  # linux/fs.h
_ASK_ANEW = 0x2000 | 0x100  # AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW, linux/fcntl.h
_BASIC, _STATX = 0x7FF, 256  # STATX_BASIC_STATS, linux/stat.h; bytes of struct statx
libc = ctypes.CDLL(None, use_errno=True)


def rename(above: int, name: bytes, there: int, other: bytes, flags: int) -> None:
    """Rename by one of the flags above; EINVAL or ENOSYS where the file system has no such thing (renameat2(2))."""
    if libc.renameat2(above, name, there, other, flags):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), other)


def refresh(above: int, name: bytes) -> None:
    """Have the kernel ask the file system about a name anew, not its own memory (statx(2)). Never raises."""
    libc.statx(above, name, _ASK_ANEW, _BASIC, ctypes.create_string_buffer(_STATX))
