"""An open file → its bytes by offset, read four kibibytes at a time."""

from __future__ import annotations

from os import pread

LONGEST = 1 << 17  # bytes the header readers ever ask for at once
BLOCK = 4096  # bytes; one page of the cache: reading more costs more than reading again


class DoubtError(Exception):
    """The header reader is not sure; mutagen decides. The message says what it saw, for tests and profiles."""


class Source:
    """The first block of a file, and a window of one block that moves when bytes outside it are asked for."""

    __slots__ = ("base", "fd", "head", "size", "window")

    def __init__(self, fd: int, size: int) -> None:
        self.fd = fd
        self.size = size
        self.window = self.head = pread(fd, BLOCK, 0)
        self.base = 0  # file offset of the window

    def reach(self, offset: int, length: int) -> int:
        """Make `window` hold `length` bytes from `offset` and return where they start in it; DoubtError at the end."""
        start = offset - self.base
        if start >= 0 and start + length <= len(self.window):
            return start
        if length > LONGEST:
            raise DoubtError("a very long text")
        if offset > self.size:  # the system takes no number above 63 bits
            raise DoubtError("the file ends early")
        self.window = pread(self.fd, max(length, BLOCK), offset)
        self.base = offset
        if length > len(self.window):
            raise DoubtError("the file ends early")
        return 0

    def bytes_at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`; DoubtError when the file ends before."""
        start = offset - self.base
        if start < 0 or start + length > len(self.window):
            start = self.reach(offset, length)
        return self.window[start : start + length]
