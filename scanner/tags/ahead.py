"""A batch of names → one open file after the other, while a slow disk already looks for what the next ones need."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

from scanner.tags.read import onward
from scanner.tags.source import BLOCK, Source
from scanner.tags.wire import Batch, Numbers

AHEAD: Final = 8  # files open before their turn, and as many more whose first block is there
SLOW: Final = 50e-6  # seconds for a block; the page cache takes one or two millionths, the quickest disk some sixty
OFTEN: Final = 2  # slow blocks of a batch; one of them may have been slow because others had the processor

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_FORMAT, _REGULAR = 0o170000, 0o100000  # of st_mode, see stat(2)


class Opened:
    """One file of a batch. Open until the next one is asked for."""

    fd = -1  # if it could not be opened, or looked at
    found = os.stat_result([0] * 10)
    source: Source | None = None  # None for what is no regular file
    error: OSError | None = None  # why it cannot be read

    def __init__(self, token: int, name: bytes, known: Numbers | None) -> None:
        self.token = token
        self.name = name
        self.known = known  # what the walk saw

    @property
    def is_regular(self) -> bool:
        """Whether it was opened, and is a regular file."""
        return self.found.st_mode & _FORMAT == _REGULAR

    def read_on(self) -> None:
        """Let the disk read ahead of whoever reads bit by bit, as mutagen does, which takes half the time then."""
        _advise(self.fd, 0, 0, os.POSIX_FADV_NORMAL)

    def close(self) -> None:
        """Close it, if it was opened."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def opened(batch: Batch, slow: float = SLOW) -> Iterator[Opened]:
    """Open the files of a batch, one by one in its order. A block is slow that takes more than `slow` seconds.

    A disk that turns out to be slow is told what will be asked of it: some files ahead the first block, and from there
    on where the header reader goes on. It looks for several of those at once while we read tags, so a cold scan takes a
    quarter less. What is in the page cache is not asked for, because that takes a tenth longer.
    """
    files = _open_each(batch)
    waits = 0
    for one in files:
        began = time.perf_counter()
        _begin(one)
        waits += time.perf_counter() - began > slow
        yield one
        one.close()
        if waits >= OFTEN:
            break
    for one in _later(map(_go_on, _later(map(_announce, files)))):
        yield one
        one.close()


def _open_each(batch: Batch) -> Iterator[Opened]:
    for folder, files in batch:
        directory, error = -1, None
        try:
            directory = os.open(folder, _FOLDER)
        except OSError as refused:
            error = refused
        for file in files:
            one = Opened(*file)
            if error:
                one.error = error
            else:
                try:
                    one.fd = os.open(one.name, _OPEN, dir_fd=directory)
                    one.found = os.fstat(one.fd)
                except OSError as refused:
                    one.error = refused
                    one.close()
            yield one
        if error is None:
            os.close(directory)


def _begin(one: Opened) -> None:
    """Read the first block."""
    if one.is_regular:
        try:
            one.source = Source(one.fd, one.found.st_size)
        except OSError as error:
            one.error = error


def _announce(one: Opened) -> Opened:
    """Let the disk look for the first block, and for nothing around it."""
    if one.is_regular:
        _advise(one.fd, 0, 0, os.POSIX_FADV_RANDOM)
        _advise(one.fd, 0, BLOCK, os.POSIX_FADV_WILLNEED)
    return one


def _go_on(one: Opened) -> Opened:
    """Read the first block, and let the disk look for what is read next."""
    _begin(one)
    for offset in onward(one.source) if one.source else ():
        _advise(one.fd, offset, BLOCK, os.POSIX_FADV_WILLNEED)
    return one


def _later(files: Iterable[Opened]) -> Iterator[Opened]:
    """Give each on when AHEAD more of them are there; fewer at first, because who waits for us wants signs of life."""
    kept: deque[Opened] = deque()
    for number, one in enumerate(files):
        kept.append(one)
        if len(kept) > min(AHEAD, number // 2):
            yield kept.popleft()
    yield from kept


def _advise(fd: int, offset: int, length: int, advice: int) -> None:
    with suppress(OSError):  # some file systems take none
        os.posix_fadvise(fd, offset, length, advice)
