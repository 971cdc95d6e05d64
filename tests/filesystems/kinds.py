"""A kind of file system → one of it, empty and mounted; a new kind is one row of the table."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faults.disks import Disk, run, seen_by_us_alone
from tests.filesystems import servers
from tests.filesystems.servers import unmount
from tests.memory import memory

WANTED = os.environ.get("GREENROOM_FILESYSTEMS")
ALL, SHARES_ONLY = WANTED in ("all", "shares"), WANTED == "shares"  # the latter by `other_kernel`, where all is slow
ROLES = {"everything": ("inbound", "staging", "library")} | {
    name: (name,) for name in (("library",) if SHARES_ONLY else ("inbound", "staging", "library"))
}
Mount = Callable[[Path, ExitStack], Path]
"""An empty folder to keep things in → the folder to be used; the stack takes it down again."""


LINKS, EXCHANGE = "links", "exchange"  # two names of one file; two folders that change places
FULL = "good end of a full disk"  # once it was full, ntfs-3g makes no file in some folders until it is mounted anew


class Kind(NamedTuple):
    """One kind of file system, and what it takes to have one."""

    name: str
    mount: Mount
    needs: Mapping[str, str] = {}  # program → Debian's package
    lacks: frozenset[str] = frozenset()  # of LINKS, EXCHANGE and FULL
    always: bool = True  # else by scripts/filesystems only; one costs every run of all tests some 7 s


def image(kind: str, *options: str) -> Mount:
    """Have a file system of the kernel in a file, made with these options."""

    def mount(folder: Path, stack: ExitStack) -> Path:
        disk = Disk(folder / "disk", kind, *options)
        stack.callback(unmount, disk.path)
        return disk.path

    return mount


class Driver(NamedTuple):
    """A FUSE driver, its options, and the command that makes a file system for it."""

    type: str
    options: str
    make: Sequence[str]
    packages: Sequence[str]  # Debian's, of the driver and of the command

    @property
    def needs(self) -> Mapping[str, str]:
        """Program → Debian's package."""
        return dict(zip((f"mount.{self.type}", self.make[0]), self.packages, strict=True))

    def why_not(self) -> str | None:
        """Say what is missing; None if nothing is."""
        if os.geteuid() != 0:
            return "it takes root to mount a file system"
        absent = [package for name, package in self.needs.items() if shutil.which(name) is None]
        return f"{', '.join(absent)} is not installed" if absent else None

    def mount(self, folder: Path, stack: ExitStack) -> Path:
        """Have a file system it serves of a block device."""
        disk = Plugged(folder / "disk", self)
        stack.callback(unmount, disk.path)
        return disk.path


class Plugged:
    """A disk as people plug it in, and may pull it out at any moment."""

    def __init__(self, folder: Path, driver: Driver) -> None:
        self.path, image = folder / "mounted", folder / "image"
        self._mount = ("mount", "-t", driver.type, "-o", f"loop,{driver.options}", str(image), str(self.path))
        self.path.mkdir(parents=True)
        with image.open("wb") as file:
            file.truncate(64 << 20)
        run(*driver.make, str(image))
        self.plug_in()

    def plug_in(self) -> None:
        """Mount it, whatever was left of it."""
        run(*self._mount)

    def pull_out(self) -> None:
        """Kill its driver: from now on every call fails, and what was not synced is lost."""
        tell_driver(self.path, signal.SIGKILL)


def tell_driver(path: Path, number: signal.Signals) -> None:
    """Send a signal to the program that serves a mounted folder: stopped, it answers nothing until it may go on."""
    served = os.fsencode(path)
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if served in (process / "cmdline").read_bytes().split(b"\0"):
                os.kill(int(process.name), number)


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


def over(client: Callable[[Path, Path, ExitStack], Path]) -> Mount:
    """Have a folder of an ext4 over the network, as a function of `servers` does."""

    def mount(folder: Path, stack: ExitStack) -> Path:
        share = image("ext4")(folder / "server", stack) / "share"
        share.mkdir()
        return client(share, folder, stack)

    return mount


def folded(mount: Mount) -> Mount:
    """Have a folder in it whose names are the same in any case, as chattr(1) calls it."""

    def mount_folded(folder: Path, stack: ExitStack) -> Path:
        path = mount(folder, stack) / "folded"
        path.mkdir()
        run("chattr", "+F", str(path))
        return path

    return mount_folded


_MKNTFS = ("mkntfs", "--quick", "--force", "--quiet")
DRIVERS = {
    "exfat": Driver("exfat-fuse", "rw", ["mkfs.exfat"], ["exfat-fuse", "exfatprogs"]),
    "ntfs": Driver("ntfs-3g", "windows_names", _MKNTFS, ["ntfs-3g", "ntfs-3g"]),
    "ntfs with permissions": Driver("ntfs-3g", "permissions,big_writes", _MKNTFS, ["ntfs-3g", "ntfs-3g"]),
}
_NTFS_LACKS = frozenset({EXCHANGE, FULL})
_NO_EXCHANGE = frozenset({EXCHANGE})
_NEITHER = frozenset({LINKS, EXCHANGE})
# An sshfs whose ssh is sftp-server itself, so that it takes no keys and no port.
_SSHFS = (
    "printf '#!/bin/sh\\nexec /usr/lib/openssh/sftp-server\\n' >{b}/ssh && chmod +x {b}/ssh && "
    "sshfs -o ssh_command={b}/ssh here:{a} {at}"
)
_GOCRYPTFS = "gocryptfs -q -init -scryptn 10 -extpass 'echo x' {a} && gocryptfs -q -extpass 'echo x' {a} {at}"
_RCLONE = (
    "rclone mount {{a}} {{at}} --daemon --allow-other --vfs-cache-mode {mode} --cache-dir {{b}} --vfs-write-back 1s"
)
KINDS: tuple[Kind, ...] = (
    Kind("btrfs", image("btrfs"), {"mkfs.btrfs": "btrfs-progs"}),
    Kind(
        "ext4 casefold", folded(image("ext4", "-O", "casefold", "-E", "encoding=utf8")), {"mkfs.ext4": "e2fsprogs"},
        always=False,
    ),
    Kind(
        "overlay", upon("mount", "-t", "overlay", "-o", "lowerdir={a},upperdir={b},workdir={c}", "o", "{at}"),
        always=False,
    ),
    Kind("exfat", DRIVERS["exfat"].mount, DRIVERS["exfat"].needs, frozenset({LINKS, EXCHANGE})),
    *(
        Kind(name, DRIVERS[name].mount, DRIVERS[name].needs, _NTFS_LACKS, always=False)
        for name in ("ntfs", "ntfs with permissions")
    ),
    Kind(
        "mergerfs", upon("mergerfs", "-o", "minfreespace=1M,use_ino", "{a}:{b}", "{at}"), {"mergerfs": "mergerfs"},
        _NO_EXCHANGE, always=False,
    ),
    Kind(
        "mergerfs at random", upon("mergerfs", "-o", "minfreespace=1M,category.create=rand", "{a}:{b}", "{at}"),
        {"mergerfs": "mergerfs"}, _NEITHER,
    ),
    Kind(
        "sshfs", upon("sh", "-c", _SSHFS),
        {"sshfs": "sshfs", "/usr/lib/openssh/sftp-server": "openssh-sftp-server"}, _NEITHER, always=False,
    ),
    Kind("gocryptfs", upon("sh", "-c", _GOCRYPTFS), {"gocryptfs": "gocryptfs"}, always=False),
    Kind("bindfs", upon("bindfs", "{a}", "{at}"), {"bindfs": "bindfs"}, _NO_EXCHANGE, always=False),
    Kind(
        "unionfs-fuse", upon("unionfs-fuse", "-o", "cow", "{a}=RW:{b}=RW", "{at}"), {"unionfs-fuse": "unionfs-fuse"},
        _NEITHER, always=False,
    ),
)  # fmt: skip
# Shares as most people mount them. A kernel that has no clients of its own leaves them to `other_kernel`.
_NFS = {"mount.nfs": "nfs-common", "rpc.nfsd": "nfs-kernel-server", "rpcbind": "rpcbind", "modprobe": "kmod"}
_CIFS = {"smbd": "samba", "smbpasswd": "samba", "mount.cifs": "cifs-utils", "modprobe": "kmod"}
SHARES = (
    Kind("NFS 4", over(partial(servers.nfs, options="vers=4.2")), _NFS, _NO_EXCHANGE, always=False),
    Kind("NFS 3", over(partial(servers.nfs, options="vers=3,nolock")), _NFS, _NO_EXCHANGE, always=False),
    # What is open by one of its names cannot be opened by another (Linux 6.1); what a full server did not take is
    # tried for ever.
    Kind("SMB by cifs", over(servers.smb_by_the_kernel), _CIFS, _NEITHER | {FULL}, always=False),
    Kind(
        "SMB by cifs, its own numbers", over(partial(servers.smb_by_the_kernel, options=",noserverino")), _CIFS,
        _NEITHER | {FULL}, always=False,
    ),
)  # fmt: skip
LENDS_NOTHING = Kind(  # as many servers of NFS and SMB: nothing is open for writing, and yet no lease is to be had
    "SMB by cifs, without leases", over(partial(servers.smb_by_the_kernel, options=",nolease")), _CIFS, always=False,
)  # fmt: skip
KINDS = SHARES if SHARES_ONLY else (*KINDS, *SHARES)
# What says that bytes are safe which are still on their way, or keeps names from others while a dead process has them.
LATE = (
    Kind(
        "SMB, without attributes",
        over(servers.smb_without_attributes),
        {"smbd": "samba", "smbpasswd": "samba", "smbnetfs": "smbnetfs", "bindfs": "bindfs"},
    ),
    *(
        Kind(f"rclone {mode}", upon("sh", "-c", _RCLONE.format(mode=mode)), {"rclone": "rclone"})
        for mode in ("writes", "full")
    ),
    Kind("WebDAV by rclone", over(servers.webdav_by_rclone), {"rclone": "rclone"}),
)
# What no album is safe on.
UNFIT = (
    Kind("SMB by smbnetfs", over(servers.smb), {"smbd": "samba", "smbpasswd": "samba", "smbnetfs": "smbnetfs"}),
    Kind("WebDAV by davfs2", over(servers.webdav_by_davfs2), {"mount.davfs": "davfs2", "rclone": "rclone"}),
)


@contextlib.contextmanager
def mounted(kind: Kind) -> Iterator[Path]:
    """Mount one, in memory where that is possible, seen by this process and its children alone, or skip the test."""
    if absent := [f"{name} ({package})" for name, package in kind.needs.items() if shutil.which(name) is None]:
        pytest.skip(f"{kind.name} takes {', '.join(absent)}")
    with ExitStack() as stack:
        try:
            seen_by_us_alone()
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-fs-", dir=memory()))
            path = kind.mount(Path(folder), stack)
        except (OSError, subprocess.CalledProcessError) as error:
            said = str(getattr(error, "stderr", None) or error).strip()
            pytest.skip(f"{kind.name} cannot be mounted here: {said}")
        yield path


if __name__ == "__main__":
    absent = {
        package
        for kind in (*KINDS, *LATE, *UNFIT)
        for name, package in kind.needs.items()
        if shutil.which(name) is None
    }
    if not (servers.is_known("nfs") or shutil.which("linux.uml")):
        absent.add("user-mode-linux")
    print(*sorted(absent))
