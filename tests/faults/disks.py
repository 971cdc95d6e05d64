"""A file of some megabytes → a mounted file system that can lose its power: what was not synced is gone."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import functools
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.memory import memory

GOING_DOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN and XFS_IOC_GOINGDOWN are one number: _IOR('X', 125, __u32)
NO_LOG_FLUSH = struct.pack("I", 2)  # what is only in memory, the journal's too, is lost as in a power cut
NEW_MOUNTS = 0x00020000  # CLONE_NEWNS of unshare(2)
TO_US_ONLY = 0x4000 | 0x80000  # MS_REC | MS_SLAVE of mount(2): hear of the others' mounts, tell of none
SIZES = {"ext4": 64 << 20, "xfs": 320 << 20, "btrfs": 128 << 20}  # bytes, sparse; XFS refuses less than 300 MiB
MAKE = {"ext4": ["mkfs.ext4", "-q", "-F"], "xfs": ["mkfs.xfs", "-q", "-f"], "btrfs": ["mkfs.btrfs", "-q", "-f"]}
GOES_DOWN = ("ext4", "xfs")  # those that have the call
NEEDS = {"ext4": "e2fsprogs", "xfs": "xfsprogs", "btrfs": "btrfs-progs"}  # Debian's package with its mkfs


class Disk:
    """One file system of a kind in an image file, mounted at `path`."""

    def __init__(self, folder: Path, kind: str, *options: str) -> None:
        folder.mkdir(parents=True)
        self.kind, self.path = kind, folder / "mounted"
        self._image, self._saved = folder / "image", folder / "saved"
        with self._image.open("wb") as image:
            image.truncate(SIZES[kind])
        self.path.mkdir()
        run(*MAKE[kind], *options, str(self._image))
        self.mount()

    def mount(self) -> None:
        """Mount it, which plays its journal."""
        run("mount", "-t", self.kind, "-o", "loop", str(self._image), str(self.path))

    def unmount(self) -> None:
        """Unmount it; nobody may use it any more."""
        run("umount", str(self.path))

    def sync(self) -> None:
        """Make all of it durable."""
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None).syncfs(fd):
                raise OSError(f"syncfs of {self.path} failed")
        finally:
            os.close(fd)

    def cut(self) -> None:
        """Cut the power: nothing that is not on the disk yet gets there, and every call fails, where the kind can that.

        For one that cannot, what its disk was given up to now is set aside, and is what there is when power comes back.
        """
        if self.kind not in GOES_DOWN:
            self._set_aside()
            return
        fd = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.ioctl(fd, GOING_DOWN, NO_LOG_FLUSH)
        finally:
            os.close(fd)

    def _set_aside(self) -> None:
        """Copy the image as it was at one instant: again, if anything was written to it meanwhile."""
        while True:
            before = self._image.stat().st_mtime_ns
            run("cp", "--sparse=always", str(self._image), str(self._saved))
            if self._image.stat().st_mtime_ns == before:
                return

    def power_on(self) -> None:
        """Unmount what is left of it and mount it again."""
        self.unmount()
        if self._saved.exists():
            self._saved.replace(self._image)
            if self.kind == "btrfs":  # it remembers what it unmounted by its id, and takes nothing that is older
                run("btrfs", "device", "scan", "--forget")
        self.mount()


@contextlib.contextmanager
def disks(*kinds: str) -> Iterator[list[Disk]]:
    """Mount one disk of each kind named, in memory where that is possible; unmount and remove them in the end."""
    seen_by_us_alone()
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-disks-", dir=memory())))
        made: list[Disk] = []
        for n, kind in enumerate(kinds):
            made.append(Disk(folder / f"{n}", kind))
            stack.callback(made[-1].unmount)
        yield made


def why_not(*kinds: str) -> str | None:
    """Say what is missing to cut the power of such file systems here; None if nothing is."""
    return next((why for kind in sorted({*kinds}) or MAKE if (why := _why_not(kind)) is not None), None)


@functools.cache
def _why_not(kind: str) -> str | None:
    if os.geteuid() != 0:
        return "it takes root to mount a file system"
    if shutil.which("losetup") is None or shutil.which(MAKE[kind][0]) is None:
        return f"losetup or {MAKE[kind][0]} is not installed (apt-get install mount {NEEDS[kind]})"
    try:
        with disks(kind) as (disk,):
            disk.cut()
    except (OSError, subprocess.CalledProcessError) as error:
        said = getattr(error, "stderr", None) or error
        return f"no {kind} on a loop device whose power can be cut: {str(said).strip()}"
    return None


@functools.cache
def seen_by_us_alone() -> None:
    """
    Give this process a mount namespace, once.

    A namespace made meanwhile, by a test of several hosts say, copies every mount there is: then unmounting a disk
    whose power was cut leaves it alive over there, still cut, and mounting it "again" finds that one.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_MOUNTS) or libc.mount(b"none", b"/", None, TO_US_ONLY, None):
        raise OSError(ctypes.get_errno(), "a mount namespace of its own was refused")


def run(*command: str) -> None:
    """Run a command to its end; raise CalledProcessError, with what it said, if that is a bad one."""
    subprocess.run(command, check=True, capture_output=True, text=True)
