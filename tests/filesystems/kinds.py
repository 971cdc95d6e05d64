"""A kind of file system → one of it, empty and mounted; a new kind is one row of the table."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.faults.disks import Disk, run, seen_by_us_alone
from tests.memory import memory

ALL = os.environ.get("GREENROOM_FILESYSTEMS") == "all"
ROLES = {"everything": ("inbound", "staging", "library")} | {
    name: (name,) for name in ("inbound", "staging", "library")
}
Mount = Callable[[Path, ExitStack], Path]
"""An empty folder to keep things in → the folder to be used; the stack takes it down again."""


LINKS, EXCHANGE = "links", "exchange"  # two names of one file; two folders that change places


class Kind(NamedTuple):
    """One kind of file system, and what it takes to have one."""

    name: str
    mount: Mount
    needs: Mapping[str, str] = {}  # program → Debian's package
    lacks: frozenset[str] = frozenset()  # of LINKS and EXCHANGE, without which albums do not join and are not replaced
    always: bool = True  # else by scripts/filesystems only; one costs every run of all tests some 7 s


class Unavailable(Exception):
    """This kind cannot be had here; the message says why."""


def image(kind: str, *options: str) -> Mount:
    """Have a file system of the kernel in a file, made with these options."""

    def mount(folder: Path, stack: ExitStack) -> Path:
        disk = Disk(folder / "disk", kind, *options)
        stack.callback(unmount, disk.path)
        return disk.path

    return mount


def driver(kind: str, options: str, *make: str) -> Mount:
    """Have a file system that a FUSE driver serves of a block device, as of a disk that people plug in."""

    def mount(folder: Path, stack: ExitStack) -> Path:
        place, image = folder / "mounted", folder / "image"
        place.mkdir()
        with image.open("wb") as file:
            file.truncate(64 << 20)
        run(*make, str(image))
        run("mount", "-t", kind, "-o", f"loop,{options}", str(image), str(place))
        stack.callback(unmount, place)
        return place

    return mount


def upon(*command: str) -> Mount:
    """Have what a command mounts of other folders; `{a}` to `{c}` are on one ext4, `{at}` is where it is to appear."""

    def mount(folder: Path, stack: ExitStack) -> Path:
        behind = image("ext4")(folder, stack)
        places = {name: behind / name for name in "abc"} | {"at": folder / "mounted"}
        for place in places.values():
            place.mkdir()
        run(*(word.format(**places) for word in command))
        stack.callback(unmount, places["at"])
        return places["at"]

    return mount


def unmount(path: Path) -> None:
    """Take it down, as soon as the last process that a test killed lets go of it."""
    run("umount", "--lazy", str(path))


def folded(mount: Mount) -> Mount:
    """Have a folder in it whose names are the same in any case, as chattr(1) calls it."""

    def mount_folded(folder: Path, stack: ExitStack) -> Path:
        path = mount(folder, stack) / "folded"
        path.mkdir()
        run("chattr", "+F", str(path))
        return path

    return mount_folded


_NTFS = ("mkntfs", "--quick", "--force", "--quiet")
_NO_EXCHANGE = frozenset({EXCHANGE})
_NEITHER = frozenset({LINKS, EXCHANGE})
_FOR_NTFS = {"mount.ntfs-3g": "ntfs-3g", "mkntfs": "ntfs-3g"}
_FOR_EXFAT = {"mount.exfat-fuse": "exfat-fuse", "mkfs.exfat": "exfatprogs"}
KINDS = (
    Kind("btrfs", image("btrfs"), {"mkfs.btrfs": "btrfs-progs"}),
    Kind(
        "ext4 casefold", folded(image("ext4", "-O", "casefold", "-E", "encoding=utf8")), {"mkfs.ext4": "e2fsprogs"},
        always=False,
    ),
    Kind(
        "overlay", upon("mount", "-t", "overlay", "-o", "lowerdir={a},upperdir={b},workdir={c}", "o", "{at}"),
        always=False,
    ),
    Kind("ntfs", driver("ntfs-3g", "windows_names", *_NTFS), _FOR_NTFS, _NO_EXCHANGE, always=False),
    Kind(
        "ntfs with permissions", driver("ntfs-3g", "permissions,big_writes", *_NTFS), _FOR_NTFS, _NO_EXCHANGE,
        always=False,
    ),
    Kind("exfat", driver("exfat-fuse", "rw", "mkfs.exfat"), _FOR_EXFAT, _NEITHER),
)  # fmt: skip


@contextlib.contextmanager
def mounted(kind: Kind) -> Iterator[Path]:
    """Mount one, in memory where that is possible, seen by this process and its children alone; raise Unavailable."""
    if absent := [f"{name} ({package})" for name, package in kind.needs.items() if shutil.which(name) is None]:
        raise Unavailable(f"{kind.name} takes {', '.join(absent)}")
    with ExitStack() as stack:
        try:
            seen_by_us_alone()
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-fs-", dir=memory()))
            path = kind.mount(Path(folder), stack)
        except (OSError, subprocess.CalledProcessError) as error:
            said = str(getattr(error, "stderr", None) or error).strip()
            raise Unavailable(f"{kind.name} cannot be mounted here: {said}") from error
        yield path


if __name__ == "__main__":
    absent = {package for kind in KINDS for name, package in kind.needs.items() if shutil.which(name) is None}
    print(*sorted(absent))
