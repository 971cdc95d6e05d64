"""A stat result → the five numbers that tell whether a file is still the same, untouched file."""

from __future__ import annotations

import os
from typing import NamedTuple


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
        return cls(stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)

    def same_content(self, other: Identity) -> bool:
        """Whether both name one inode with one size and modification time; links made in between are fine."""
        return self[:4] == other[:4]
