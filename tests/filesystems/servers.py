"""A folder on a disk → the same folder over the network, served on this machine and mounted by a client here."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from tests.faults.disks import run

PATIENCE = 60.0  # seconds for a server or a client to begin
_SHARES = """[global]
server role = standalone server
interfaces = {address}/8
bind interfaces only = yes
smb ports = 445
disable netbios = yes
private dir = {at}
passdb backend = tdbsam:{at}/passdb.tdb
lock directory = {at}
state directory = {at}
cache directory = {at}
pid directory = {at}
ncalrpc dir = {at}/ncalrpc
log file = {at}/log
load printers = no
printcap name = /dev/null
disable spoolss = yes
[music]
path = {share}
read only = no
force user = root
"""
_DAVFS = "use_locks 0\ndelay_upload 0\nask_auth 0\ndir_refresh 1\nfile_refresh 1\ncache_dir {at}/cache\n"


def unmount(path: Path) -> None:
    """Take it down, as soon as the last process that a test killed lets go of it."""
    run("umount", "--lazy", str(path))


def address(port: int) -> str:
    """Return an address of this machine's own on which nobody listens at the port."""
    for n in range(os.getpid() % 200, 250):
        name = f"127.77.{os.getpid() // 200 % 250}.{n + 1}"
        with socket.socket() as free, contextlib.suppress(OSError):
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((name, port))
            return name
    raise OSError(f"port {port} is taken on all addresses that were tried")


@contextlib.contextmanager
def served(address: str, port: int, *command: str) -> Iterator[None]:
    """Run a server until the end, with whatever it starts, once it answers at its port."""
    server = subprocess.Popen(
        command, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: socket.create_connection((address, port)).close())
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


def until(attempt: Callable[[], object]) -> None:
    """Try until it does not fail any more; raise what it fails with when that takes too long."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            attempt()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def smb(share: Path, folder: Path, stack: ExitStack) -> Path:
    """Serve a folder by Samba and mount it by smbnetfs."""
    at, home, mounted = _samba(share, folder, stack), folder / "home", folder / "mounted"
    (home / ".smb").mkdir(parents=True)
    mounted.mkdir()
    settings = home / ".smb" / "smbnetfs.conf"
    settings.write_text('auth "root" "x"\n')
    settings.chmod(0o600)  # it wants no others to read passwords
    (home / ".smb" / "smb.conf").write_text("[global]\nclient min protocol = SMB2\n")
    run("env", f"HOME={home}", "smbnetfs", str(mounted), "-o", "allow_other,smb_query_browsers=false")
    stack.callback(unmount, mounted)
    until(lambda: os.listdir(mounted / at / "music"))
    return mounted / at / "music"


def _samba(share: Path, folder: Path, stack: ExitStack) -> str:
    at = address(445)
    (folder / "ncalrpc").mkdir()
    conf = folder / "smb.conf"
    conf.write_text(_SHARES.format(address=at, at=folder, share=share))
    subprocess.run(
        ["smbpasswd", "-c", str(conf), "-a", "-s", "root"], input="x\nx\n", text=True, check=True, capture_output=True
    )
    command = ("smbd", "--foreground", "--no-process-group", f"--configfile={conf}", f"--log-basename={folder}")
    stack.enter_context(served(at, 445, *command))
    return at


def smb_by_the_kernel(share: Path, folder: Path, stack: ExitStack, options: str = "") -> Path:
    """Serve a folder by Samba and mount it by the kernel's own client."""
    if not is_known("cifs"):
        raise OSError("this kernel has no cifs")
    at, mounted = _samba(share, folder, stack), folder / "mounted"
    mounted.mkdir()
    until(lambda: _mount("cifs", f"username=root,password=x{options}", f"//{at}/music", mounted))
    stack.callback(unmount, mounted)
    return mounted


def nfs(share: Path, folder: Path, stack: ExitStack, options: str) -> Path:
    """Serve a folder by the kernel's NFS server, which nobody else may be using, and mount it by its client."""
    if not (is_known("nfs") and is_known("nfsd")):
        raise OSError("this kernel has no nfs, or no nfsd")
    threads, mounted = Path("/proc/fs/nfsd/threads"), folder / "mounted"
    if not threads.exists():
        run("mount", "-t", "nfsd", "nfsd", str(threads.parent))
        stack.callback(unmount, threads.parent)
    if threads.read_text() != "0\n":
        raise OSError("this machine serves NFS already")
    mounted.mkdir()
    Path("/run/rpcbind").mkdir(exist_ok=True)
    stack.enter_context(served("127.0.0.1", 111, "rpcbind", "-w", "-f"))
    stack.callback(run, "exportfs", "-u", f"127.0.0.1:{share}")
    run("exportfs", "-o", "rw,no_root_squash,no_subtree_check,insecure,fsid=0", f"127.0.0.1:{share}")
    stack.callback(run, "rpc.nfsd", "0")
    run("rpc.nfsd", "--host", "127.0.0.1", "--lease-time", "10", "--grace-time", "10", "4")
    stack.enter_context(served("127.0.0.1", 2050, "rpc.mountd", "--foreground", "--port", "2050"))
    at = "127.0.0.1:/" if "vers=4" in options else f"127.0.0.1:{share}"
    until(lambda: _mount("nfs", options, at, mounted))
    stack.callback(unmount, mounted)
    return mounted


def _mount(kind: str, options: str, what: str, place: Path) -> None:
    """Mount it. Raises OSError, also for as long as the client takes to forget a server that had the address."""
    try:
        run("mount", "-t", kind, "-o", options, what, str(place))
    except subprocess.CalledProcessError as error:
        raise OSError(error.stderr) from error


def is_known(name: str) -> bool:
    """Tell whether the kernel has a file system, or a module that brings it."""
    if shutil.which("modprobe"):
        subprocess.run(["modprobe", "-q", name], check=False)
    return any(line.split()[-1] == name for line in Path("/proc/filesystems").read_text().splitlines())


def smb_without_attributes(share: Path, folder: Path, stack: ExitStack) -> Path:
    """Do what `smb` does, but with nobody asking for attributes, at which smbnetfs loses its files."""
    path = folder / "without"
    path.mkdir()
    run("bindfs", "--xattr-none", str(smb(share, folder, stack)), str(path))
    stack.callback(unmount, path)
    return path


def webdav_by_davfs2(share: Path, folder: Path, stack: ExitStack) -> Path:
    """Serve a folder over WebDAV and mount it by davfs2."""
    at, mounted, cache = _webdav(share, stack), folder / "mounted", folder / "cache"
    for path in (mounted, cache):
        path.mkdir()
    folder.chmod(0o711)  # its daemon gives our rights away
    cache.chmod(0o777)
    (folder / "davfs2.conf").write_text(_DAVFS.format(at=folder))
    run("mount.davfs", at, str(mounted), "-o", f"conf={folder}/davfs2.conf")
    stack.callback(unmount, mounted)
    return mounted


def webdav_by_rclone(share: Path, folder: Path, stack: ExitStack) -> Path:
    """Serve a folder over WebDAV and mount it by rclone."""
    at, mounted = _webdav(share, stack), folder / "mounted"
    mounted.mkdir()
    cache = ("--vfs-cache-mode", "writes", "--cache-dir", str(folder / "cache"), "--vfs-write-back", "1s")
    run("rclone", "mount", ":webdav:", str(mounted), "--webdav-url", at, "--daemon", "--allow-other", *cache)
    stack.callback(unmount, mounted)
    return mounted


def _webdav(share: Path, stack: ExitStack) -> str:
    at = address(8080)
    server = ("rclone", "serve", "webdav", str(share), "--addr", f"{at}:8080", "--dir-cache-time", "0")
    stack.enter_context(served(at, 8080, *server))
    return f"http://{at}:8080/"
