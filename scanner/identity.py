"""A stat result → the five numbers that tell whether a file is still the same, untouched file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Final, NamedTuple

_HALF, _WRAP = 1 << 63, 1 << 64  # SQLite's integers are signed; mergerfs uses all 64 bits of an inode number


# ns: of NTFS and SMB, of what counts in µs or ms, of exFAT, of SFTP and exFAT through FUSE, of FAT.
_GRAINS: Final = (100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)


class Identity(NamedTuple):
    """Where a file's content lives and when it last changed.

    `ctime_ns` is the honest one: `cp -p` and `rsync -t` set `mtime_ns` to the source's, nobody can set the change time.
    A hard link shares all five with its other names; making or removing a link moves `ctime_ns` only.
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
