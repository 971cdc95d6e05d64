"""SQLite's -wal and -shm, as a connection opened them → refused once others stand under their names.

The -wal has the commits that are not in the database file yet, the -shm is the index of them. Who writes beside a
process that has another -shm writes over its commits; the checkpoint of one is the loss of the other.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import weakref
from typing import Any, Final

from config.errors import Retryable

Identity = tuple[int, int]  # device and inode
Sides = tuple[Identity | None, ...]  # in the order of NAMES; without a -wal, where no memory can be shared, none

NAMES: Final = ("-wal", "-shm")
_OPENED: weakref.WeakSet[Any] = weakref.WeakSet()  # records of all connections of this process
_HELD: dict[Identity, int] = {}  # by database file: descriptors with a lock, see _leave_alone
_SHARED: Final = (0x40000002, 510)  # the bytes of a database file that whoever has it open has locked for reading


def identity(path: str) -> Identity | None:
    """Return what tells a file from another one under its name; None if there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def remember(file: str, record: Any) -> None:
    """Note in the `info` of a new connection which ones it has open; its `file` is there already."""
    record.info["sides"] = _shared(record.info["file"]) or _found(file)
    _OPENED.add(record)


def check(file: str, info: dict[str, Any]) -> None:
    """Raise Retryable if those a connection of this `info` has open are not the ones on disk any more."""
    found, opened = _found(file), info["sides"]
    if found == opened:
        return
    if found[0] == opened[0]:
        _leave_alone(file, info["file"])
    names = " and ".join(name for name, one, other in zip(NAMES, found, opened, strict=True) if one != other)
    raise Retryable(
        f"{names} of the database file {file} was removed or replaced while it was in use. What is there is "
        "used from now on, and what was recorded meanwhile may be lost: stop every Greenroom that works with it, run "
        "`greenroom fsck --adopt`, and let programs for backups leave -wal and -shm alone",
        code="database_unavailable",
    )


def check_last(file: str, of: Identity) -> None:
    """Check the connections to a database file that are open still, before the last of them is closed."""
    if sides := _shared(of):
        check(file, {"file": of, "sides": sides})


def _found(file: str) -> Sides:
    return tuple(identity(f"{file}{name}") for name in NAMES)


def _shared(of: Identity | None) -> Sides | None:
    """Return which ones this process has open of a database file: all its connections share one -shm."""
    for other in list(_OPENED):
        sides: Sides | None = other.info.get("sides")
        if sides is not None and other.dbapi_connection is not None and other.info["file"] == of:
            return sides
    return None


def _leave_alone(file: str, of: Identity) -> None:
    """Let no connection of this process write back and remove the -wal when it is closed, to the end of the process.

    It is everybody's still, and others have commits in there that our index does not know; whoever makes a new index
    finds them all. The lock of an open file description counts against connections of the same process, too.
    """
    if of not in _HELD:
        with contextlib.suppress(OSError):
            _HELD[of] = os.open(file, os.O_RDONLY | os.O_CLOEXEC)  # to close it would free all locks
            lock = struct.pack("hhqqi", fcntl.F_RDLCK, os.SEEK_SET, *_SHARED, 0)
            fcntl.fcntl(_HELD[of], fcntl.F_OFD_SETLK, lock)
