"""The sizes of albums and what a file system has left → whether the next album still fits. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from processor.planning.naming import PlannedFile
from processor.transfers.transfer import Strategy

OWN_NAMES: Final = 4  # code, artist, album and sidecar: what an album adds to a file system beside its own files


def reserve(wanted: int, total: int) -> int:
    """Return the bytes to keep free on a file system of `total` bytes: what is wanted, at least 2 %, at most a tenth.

    The tenth keeps a small file system usable, where the default would be more than there is.
    """
    return min(max(wanted, total // 50), total // 10)


def is_too_large(size: int, total: int, kept: int) -> bool:
    """Tell whether a file system of `total` bytes (0: it counts none) cannot take so many, however empty it is."""
    return bool(total) and size > total - kept


@dataclass(frozen=True, slots=True)
class Space:
    """What the staging file system has left. Links need no bytes and no inodes of their own, clones no bytes."""

    free: int | None  # bytes an ordinary user may still write; None where the file system does not count them
    reserve: int  # bytes that stay free
    inodes: int | None  # None where the file system does not count them
    way: Strategy  # how files are to get there
    total: int = 0  # bytes in all; 0 where the file system does not count them

    def lack(self, files: Sequence[PlannedFile]) -> tuple[str, str] | None:
        """Return the code and the sentence of what an album would be short of, None if it fits."""
        size, inodes = self._needs(files)
        if is_too_large(size, self.total, self.reserve):
            return "never_fits", (
                f"The album needs {human_size(size)} in staging, a file system of {human_size(self.total)} of which "
                f"{human_size(self.reserve)} stay in reserve; it can fit there only if staging is made larger."
            )
        if size and self.free is not None and self.free - size < self.reserve:
            return "no_space", (
                f"The album needs {human_size(size)} in staging, where {human_size(self.free)} are free and "
                f"{human_size(self.reserve)} stay in reserve; free some space, and a later cycle takes it."
            )
        if self.inodes is not None and inodes > self.inodes:
            message = f"The album needs {inodes} inodes in staging, where {self.inodes} are free; remove files there."
            return "no_space", message
        return None

    def without(self, files: Sequence[PlannedFile]) -> Space:
        """Return what is left once the album is there."""
        size, inodes = self._needs(files)
        free = None if self.free is None else self.free - size
        left = None if self.inodes is None else self.inodes - inodes
        return replace(self, free=free, inodes=left)

    def _needs(self, files: Sequence[PlannedFile]) -> tuple[int, int]:
        names = OWN_NAMES + len({os.path.dirname(file.target) for file in files} - {b""})
        size = sum(file.identity.size for file in files) if self.way == "copy" else 0
        return size, names if self.way == "link" else names + len(files)


def is_full_in_part(free: int | None, inodes: int | None, sizes: Sequence[int]) -> bool:
    """Tell whether a file system that refuses files of these sizes as full has room for them elsewhere.

    So is a pool (mergerfs) of whose disks the one is full that the album's folder is on.
    """
    has_inodes = inodes is None or inodes >= 2 * (OWN_NAMES + len(sizes))  # each file may be in a folder of its own
    return free is not None and free >= sum(sizes) and has_inodes


def human_size(size: int) -> str:
    """Return bytes as a person reads them: `1.5 GiB`."""
    power = min(max(size.bit_length() - 1, 0) // 10, 4)
    return f"{size / 1024**power:.1f} {'KMGT'[power - 1]}iB" if power else f"{size} bytes"
