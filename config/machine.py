"""The running machine → its names, clocks and disks; a block of work during which no garbage is collected."""

from __future__ import annotations

import datetime as dt
import errno
import functools
import gc
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# f_type of statfs(2) where SQLite's locks cannot be trusted: another machine may write the same file.
NETWORK_FILESYSTEMS = {
    0x6969: "NFS",
    0x517B: "SMB",
    0xFF534D42: "CIFS",
    0xFE534D42: "SMB2",
    0x65735546: "FUSE",
}
ROOM_TO_WORK = 64 << 10  # bytes; SQLite's shared memory alone is half of it
M_ARENA_MAX = -8  # of mallopt(3)
BOOT_ID_FILE = Path("/proc/sys/kernel/random/boot_id")


@functools.cache
def boot_id() -> str:
    """Return the kernel's boot id: the same for every process until the next boot, containers included.

    Where /proc hides it (ProcSubset=pid of systemd), GREENROOM_BOOT_ID can pass it in; else one is made up for this
    process, which makes every recovery assume a reboot: slower, never wrong.
    """
    given = os.environ.get("GREENROOM_BOOT_ID")
    if given:
        return given
    try:
        return BOOT_ID_FILE.read_text(encoding="ascii").strip()
    except OSError:
        import uuid  # imported here, like ctypes, because it is rarely needed and every command would pay for it

        return str(uuid.uuid4())


def boottime() -> float:
    """Return seconds since boot, counting suspend; never jumps with the wall clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def utc_now() -> dt.datetime:
    """Return the time rows are written with."""
    return dt.datetime.now(dt.UTC)


@contextmanager
def uncollected() -> Iterator[None]:
    """Switch the garbage collector off for a block that makes many objects and no reference cycles.

    It would walk over all of them each time they grew by a quarter, which took a third of the time of grouping. Objects
    nothing refers to are freed at once all the same.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def keep_imported() -> None:
    """Let the collector of cycles pass over what there is by now, which is imported and stays.

    It would look through it again and again, and once more at the end: a quarter of a command that has little to do.
    """
    gc.freeze()


def share_heaps() -> None:
    """Let all threads of this process, which will run for long, take memory from two heaps.

    glibc gives them eight a processor, and each keeps what was freed in it: 95 MB after twenty minutes of albums, and
    10 with two. Python's threads take turns anyway. Call it before there are threads.
    """
    import ctypes

    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):  # musl has one heap, and no such call
        mallopt(M_ARENA_MAX, 2)


def open_streams() -> None:
    """Let a closed standard stream be an empty one: the next file that is opened, an album's say, would be it."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def umask() -> int:
    """Return which rights this process takes from what it makes; asked of the kernel, since umask(2) would set it."""
    told = Path("/proc/self/status").read_text()
    return int(told.partition("Umask:")[2].split()[0], 8)


def sync_folder(folder: bytes | Path) -> None:
    """Make what became of the names in a folder survive a power cut. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def filesystem_type(path: bytes) -> int:
    """Return the kind of filesystem a path is on, as statfs(2) numbers them. Raises OSError as a stat would."""
    import ctypes

    buffer = (ctypes.c_ulong * 32)()  # struct statfs has 15 words; f_type is the first
    if ctypes.CDLL(None, use_errno=True).statfs(path, buffer) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), path)
    return int(buffer[0]) & 0xFFFFFFFF


def free_bytes(found: os.statvfs_result) -> int | None:
    """Return the bytes an ordinary user may still write; None where a file system does not count them."""
    return found.f_bavail * found.f_frsize if found.f_blocks else None


def free_files(found: os.statvfs_result) -> int | None:
    """Return how many files can still be made; None where a file system does not count them.

    What has no number of its own (f_fsid) is a program's (FUSE), and one that cannot count says 0 (rclone does).
    """
    is_counted = found.f_files and (found.f_favail or found.f_fsid)
    return found.f_favail if is_counted else None


def no_room(folder: bytes, wanted: int = ROOM_TO_WORK) -> str | None:
    """Say why nothing, or not so many bytes, can be written on the disk of a folder, and what to do; else None."""
    from config.mounts import is_shut  # a scan starts without it

    found = os.statvfs(folder)
    if found.f_flag & os.ST_RDONLY or is_shut(folder):
        return "its disk is mounted read-only, as the kernel does after an error: look at its log, then mount it anew"
    free = free_bytes(found)
    if free is not None and free < wanted:
        return "its disk is full: make room there"
    if free_files(found) == 0:
        return "its disk can hold no more files: remove some there"
    return None


def no_room_by_trying(folder: bytes, wanted: int = ROOM_TO_WORK) -> str | None:
    """Return what `no_room` does of so many bytes, and tell of a quota, too: something without a name is written.

    Raises OSError.
    """
    from tempfile import TemporaryFile

    if why := no_room(folder, wanted):
        return why
    try:
        with TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, wanted)
            if filesystem_type(folder) in NETWORK_FILESYSTEMS:
                os.fsync(file)  # a server may refuse no earlier
    except OSError as error:
        if error.errno not in (errno.EDQUOT, errno.ENOSPC):
            raise
        used_up = "its quota is used up: raise it, or make room there"
        return used_up if error.errno == errno.EDQUOT else "its disk is full: make room there"
    return None
