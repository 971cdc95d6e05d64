"""A path → the mount it is on, and in sentences what a filesystem mounted so cannot promise."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MOUNTINFO: Final = Path("/proc/self/mountinfo")
SYS: Final = Path("/sys")
_SHUT: Final = "emergency_ro"  # what ext4 says, from Linux 6.15 on, of itself after an error; the mount stays "rw"
_OCTAL: Final = re.compile(rb"\\([0-7]{3})")

_NETWORK: Final = (
    "it is on the network: changes made by other machines raise no events, and programs that write there are not "
    "noticed; give `staging_scan.quiet_seconds` 300 or more"
)
_NO_JOURNAL: Final = (
    "it has no journal, or its driver writes none: a power cut, or pulling it out, may damage it, whatever was synced; "
    "use ext4, XFS or btrfs"
)
_LATE: Final = (
    "it says that bytes are safe which are still on their way, and files of a folder that was renamed cannot be read "
    "until they got there; keep staging and libraries on a disk, and let rclone copy from there"
)
_BRANCHES: Final = (
    "it renames a folder that lies on several disks on one after the other: for an instant, or until the next cycle if "
    "it dies then, only a part of an album is seen; and what is free there is not free on every disk"
)
_SHARES: Final = ("nfs", "nfs4", "cifs", "smb3", "9p", "ceph", "glusterfs", "fuse.sshfs", "fuse.smbnetfs", "davfs")
_BY_TYPE: Final[dict[str, str]] = {
    **dict.fromkeys(_SHARES, _NETWORK),
    **dict.fromkeys(("fuse.mergerfs", "fuse.unionfs-fuse", "fuse.unionfs", "fuse.shfs"), _BRANCHES),
    "fuse.rclone": _LATE,
    **dict.fromkeys(("vfat", "msdos", "exfat", "fuse.exfat", "ntfs", "ntfs3", "fuseblk", "hfsplus"), _NO_JOURNAL),
    **dict.fromkeys(("tmpfs", "ramfs"), "it lives in memory: the next reboot empties it"),
    "overlay": "it is a container's own layer and goes with the container; mount a volume here",
}
_BARRIERS_OFF: Final = frozenset(("nobarrier", "barrier=0"))
_NO_BARRIERS: Final = "write barriers are off: a power cut may lose what was synced; mount it with barriers"


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of mountinfo, proc_pid_mountinfo(5)."""

    root: bytes  # the folder of its filesystem that is mounted; not / of a bind mount, or of a subvolume
    point: bytes  # where it is mounted
    type: str  # ext4, nfs4, fuse.mergerfs …
    source: str  # the device, or the server's path
    options: frozenset[str]  # of the filesystem
    device: str  # "8:1", as st_dev has it

    @property
    def weaknesses(self) -> list[str]:
        """Return what it cannot promise, each a sentence's half that begins with "it" or names the option's effect."""
        found = [_BY_TYPE[self.type]] if self.type in _BY_TYPE else []
        return found + ([_NO_BARRIERS] if self.options & _BARRIERS_OFF else [])


def mount_of(path: bytes) -> Mount | None:
    """Return the mount a path is on; None where /proc does not say."""
    return find_mount(os.path.realpath(path), _mounts())


def is_shut(path: bytes) -> bool:
    """Tell whether the file system of a path takes no changes after an error, which only its options say."""
    with suppress(OSError):
        if _SHUT.encode() in MOUNTINFO.read_bytes():
            mount = mount_of(path)
            return mount is not None and _SHUT in mount.options
    return False


def damage(path: bytes) -> str | None:
    """Say that the kernel found errors in the ext4 of a path since it was last checked; touches no disk.

    None of other file systems, and where nothing says so.
    """
    mount = find_mount(path, _mounts())
    if mount is None or not mount.type.startswith("ext"):
        return None
    with suppress(OSError, ValueError):
        name = os.path.basename(os.readlink(SYS / "dev/block" / mount.device))
        if count := int((SYS / "fs/ext4" / name / "errors_count").read_text()):
            found = "an error" if count == 1 else f"{count} errors"
            return f"the kernel found {found} in its file system: unmount it, and run `e2fsck -f {mount.source}`"
    return None


def place_of(path: bytes) -> tuple[str, bytes] | None:
    """Return the device a real path is on, and the path there, the same whatever mount it is seen through.

    None where /proc does not say. Touches no disk.
    """
    mount = find_mount(path, _mounts())
    if mount is None:
        return None
    return mount.device, mount.root.rstrip(b"/") + path[len(mount.point.rstrip(b"/")) :]


class Remounts:
    """Remembers what paths lie on, to tell when that became another mount. Touches no disk."""

    def __init__(self) -> None:
        self._table = b""
        self._mounts: dict[bytes, Mount | None] = {}

    def seen(self, paths: Callable[[], Iterable[bytes]]) -> bool:
        """Tell whether any of the real paths lies on another mount than it did; so does each at the first look.

        They are asked for only if something was mounted or unmounted since the look before.
        """
        try:
            table = MOUNTINFO.read_bytes()
        except OSError:
            return False
        if table == self._table:
            return False
        found = list(parse_mountinfo(table))
        before, self._mounts = self._mounts, {path: find_mount(path, found) for path in paths()}
        self._table = table
        return self._mounts != before


def type_of_device(device: int) -> str | None:
    """Return the type of the filesystem that has this `st_dev`; None where /proc does not say."""
    numbers = f"{os.major(device)}:{os.minor(device)}"
    return next((mount.type for mount in _mounts() if mount.device == numbers), None)


def _mounts() -> Iterator[Mount]:
    try:
        text = MOUNTINFO.read_bytes()
    except OSError:
        return iter(())
    return parse_mountinfo(text)


def find_mount(path: bytes, mounts: Iterable[Mount]) -> Mount | None:
    """Return the mount with the longest point above a real path; of several on one point the last, which hides them."""
    found: Mount | None = None
    for mount in mounts:
        inside = mount.point == b"/" or (path + b"/").startswith(mount.point + b"/")
        if inside and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def parse_mountinfo(text: bytes) -> Iterator[Mount]:
    """Yield the mounts of a mountinfo file; lines of another shape are passed by."""
    for line in text.splitlines():
        own, _, rest = line.partition(b" - ")
        before, after = own.split(b" "), rest.split(b" ")
        if len(before) >= 5 and len(after) >= 3:
            options = frozenset(after[2].decode("utf-8", "replace").split(","))
            kind, source = after[0].decode("ascii", "replace"), after[1].decode("utf-8", "replace")
            root, point = _unescaped(before[3]), _unescaped(before[4])
            yield Mount(root, point, kind, source, options, before[2].decode("ascii", "replace"))


def _unescaped(field: bytes) -> bytes:
    return _OCTAL.sub(lambda found: bytes([int(found[1], 8)]), field)
