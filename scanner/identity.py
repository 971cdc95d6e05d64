"""A stat result → the five numbers that tell whether a file is still the same, untouched file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

SECOND_NS: Final = 1_000_000_000
_HALF, _WRAP = 1 << 63, 1 << 64  # SQLite's integers are signed; mergerfs uses all 64 bits of an inode number


# ns: of NTFS and SMB, of what counts in µs or ms, of exFAT, of SFTP and exFAT through FUSE, of FAT.
_GRAINS: Final = (100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)


class Identity(NamedTuple):
    """Where a file's content lives and when it last changed.

    `ctime_ns` is the honest one: `cp -p` and `rsync -t` set `mtime_ns` to the source's, nobody can set the change time.
    A hard link shares all five with its other names; making or removing a link moves `ctime_ns` only.
    What numbers files as it meets them (exFAT, FAT, much of FUSE) gives one another `ino` after a mount, or once memory
    forgot it; see `is_untouched`.
    """

    dev: int
    ino: int
    size: int  # bytes
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, stat: os.stat_result) -> Identity:
        """Take the identity out of a stat result."""
        return cls(
            stat.st_dev, stat.st_ino, stat.st_size, storable_time(stat.st_mtime_ns), storable_time(stat.st_ctime_ns)
        )


def tells_changes(numbers: tuple[int, ...]) -> bool:
    """Tell whether the change time among the five numbers can be nobody else's: it is its own, and finer than a second.

    Where none is kept (exFAT, FAT, SFTP, WebDAV, SMB) systems repeat the time of the content, or count whole seconds.
    """
    *_, mtime_ns, ctime_ns = numbers
    return ctime_ns != mtime_ns and ctime_ns % SECOND_NS != 0


def is_untouched(found: tuple[int, ...], kept: tuple[int, ...]) -> bool | None:
    """Tell of the five numbers of a name, now and before, whether they are of one file that nobody wrote to.

    Its change time says so under whatever number. None where the number is another one and that time says nothing: then
    only its bytes can tell it from one of the same size and time that was put in its place.
    """
    if found[:2] == kept[:2]:
        return found == kept
    _, _, size, mtime_ns, ctime_ns = found
    if (size, mtime_ns) != (kept[2], kept[3]) or ctime_ns not in (kept[4], mtime_ns):
        return False
    return True if ctime_ns == kept[4] and tells_changes(found) else None


def same_time(given: int, kept: int) -> bool:
    """Tell whether a file has the time it was given, in ns, as far as file systems keep it: some cut off the rest."""
    return given == kept or any(kept == given - given % grain for grain in _GRAINS)


def storable_time(ns: int) -> int:
    """Return a file's time as databases can hold it: one beyond the years 1677 to 2262 becomes the nearest of them."""
    return ns if -_HALF <= ns < _HALF else max(-_HALF, min(ns, _HALF - 1))


def numbers_of(stat: os.stat_result) -> tuple[int, int, int, int, int]:
    """Take the identity out of a stat result as the five plain numbers that SQLite can hold."""
    return storable_numbers(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)


def storable_numbers(dev: int, ino: int, size: int, mtime: int, ctime: int) -> tuple[int, int, int, int, int]:
    """Return the numbers of an identity as SQLite can hold them."""
    if not (-_HALF <= mtime < _HALF and -_HALF <= ctime < _HALF):
        mtime, ctime = storable_time(mtime), storable_time(ctime)
    return dev, ino if ino < _HALF else ino - _WRAP, size, mtime, ctime


def identity_columns(identity: Identity) -> tuple[int, int, int, int, int]:
    """Return the five numbers as SQLite can hold them."""
    ino = identity.ino
    return (identity.dev, ino - _WRAP if ino >= _HALF else ino, *identity[2:])


def identity_from(columns: Sequence[int]) -> Identity:
    """Return what `identity_columns` was given."""
    dev, ino, size, mtime_ns, ctime_ns = columns
    return Identity(dev, ino + _WRAP if ino < 0 else ino, size, mtime_ns, ctime_ns)
