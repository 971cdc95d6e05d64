"""This machine's root, under an overlay → another machine, booted by systemd in namespaces; commands in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.waiting import until

CHECKOUT = Path(__file__).parents[2]
HOME = "opt/greenroom"  # where the unit expects it
PARTS = ("config", "scanner", "processor", "workflow", "daemon", "scripts", "pyproject.toml", "requirements.lock")
UNITS = "etc/systemd/system"
PATIENCE = 120  # seconds for what takes a few
_CGROUPS = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified")
# What a container that is left alone does not need, and what would reach out of it.
_MASKED = ("systemd-timesyncd.service", "systemd-logind.service", "systemd-pstore.service", "getty.target")
_OF_A_DAEMON = ("Type", "NotifyAccess", "ExecStart", "ExecReload", "WatchdogSec", "Restart", "RestartSec")
_BOOT = r"""
set -e
mount --make-rprivate /
mount -t proc proc "$1/proc"
mount -t sysfs -o ro sysfs "$1/sys"
mount -t cgroup2 cgroup2 "$1/sys/fs/cgroup"
for name in dev run tmp; do mount -t tmpfs tmpfs "$1/$name"; done
chmod 755 "$1/dev" "$1/run"
for name in null zero full random urandom tty; do touch "$1/dev/$name"; mount --bind "/dev/$name" "$1/dev/$name"; done
mkdir "$1/dev/pts" "$1/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$1/dev/pts"
mount -t tmpfs tmpfs "$1/dev/shm"
ln -s pts/ptmx "$1/dev/ptmx" # without it there are no private devices
exec chroot "$1" /usr/bin/env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    /lib/systemd/systemd --system
"""


def why_not() -> str | None:
    """Return why no machine can be booted here, if so."""
    if os.geteuid() != 0:
        return "only root can boot one"
    if _cgroups() is None:
        return "there is no cgroup2"
    for program in ("/lib/systemd/systemd", "/usr/bin/dbus-daemon", "/usr/bin/python3"):
        if not os.access(program, os.X_OK):
            return f"{program} is not there (Debian: apt-get install systemd dbus python3-venv)"
    return None


class Machine:
    """A booted one: its files below `root`, and its first process."""

    def __init__(self, root: Path, first: int) -> None:
        self.root, self._first = root, first

    def run(self, *command: str, user: str | None = None, ok: bool = True) -> str:
        """Run a command in it, as one of its users; return what it printed."""
        inside = ["nsenter", "-t", str(self._first), "-m", "-p", "-u", "-i", "-C", "-r", "-w"]
        whose = ["/usr/sbin/runuser", "-u", user, "--"] if user else []
        called = [*inside, *whose, *command]
        done = subprocess.run(called, check=False, capture_output=True, text=True, timeout=PATIENCE)
        assert not ok or done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        return done.stdout

    def greenroom(self, *arguments: str) -> str:
        """Run one of our commands as the service's user."""
        return self.run(f"/{HOME}/.venv/bin/greenroom", *arguments, user="greenroom")

    def within_the_unit(self, *arguments: str) -> str:
        """Run one of our commands under all that the unit forbids; return what it printed."""
        unit = (self.root / UNITS / "greenroom.service").read_text()
        kept = [line for line in unit.splitlines() if not line.startswith(_OF_A_DAEMON)]
        shell = f"ExecStart=/{HOME}/.venv/bin/greenroom {' '.join(arguments)}"
        once = "\n".join(kept).replace("[Service]", f"[Service]\nType=oneshot\nReadWritePaths=/srv/music\n{shell}")
        (self.root / UNITS / "once.service").write_text(once)
        self.run("/bin/systemctl", "daemon-reload")
        started = time.time()
        self.run("/bin/systemctl", "start", "once", ok=False)
        return self.run(
            "/bin/journalctl", "-u", "once", "-t", "greenroom", "-o", "cat", "--no-pager", f"--since=@{started:.3f}"
        )

    def asked(self, name: str, *, ok: bool = True) -> str:
        """Return a property of the unit, as systemd sees it."""
        return self.run("/bin/systemctl", "show", "--value", "-p", name, "greenroom", ok=ok).strip()

    def journal(self) -> str:
        """Return what the service logged."""
        return self.run("/bin/journalctl", "-u", "greenroom", "-o", "cat", "--no-pager")


@contextmanager
def booted(folder: Path, prepare: Callable[[Path], None]) -> Iterator[Machine]:
    """Boot a machine below a folder until the end of the block; `prepare` puts files into its root first."""
    if (missing := why_not()) is not None:
        pytest.skip(missing)
    root, above = folder / "root", [folder / name for name in ("upper", "work", "root")]
    for path in above:
        path.mkdir()
    layers = f"lowerdir=/,upperdir={folder / 'upper'},workdir={folder / 'work'}"
    subprocess.run(["mount", "-t", "overlay", "overlay", "-o", layers, root], check=True)
    cgroups = _cgroups()
    assert cgroups is not None
    group = cgroups / f"greenroom-{os.getpid()}"
    try:
        _install(root)
        prepare(root)
        group.mkdir()
        (folder / "boot").write_text(_BOOT)
        spaces = f"unshare -C -p -m -u -i -f --kill-child sh {folder / 'boot'} {root}"
        enter = ["sh", "-c", f"echo $$ > {group}/cgroup.procs; exec {spaces}"]
        with (folder / "console").open("wb") as console:
            boot = subprocess.Popen(enter, cwd="/", stdin=subprocess.DEVNULL, stdout=console, stderr=console)
        try:
            yield Machine(root, until(lambda: _child(boot.pid), "the first process"))
        finally:
            boot.kill()  # and with it its first process, which ends all others
            boot.wait()
    finally:
        _remove(group)
        subprocess.run(["umount", "-l", root], check=False)


def _cgroups() -> Path | None:
    return next((Path(path) for path in _CGROUPS if Path(path, "cgroup.controllers").is_file()), None)


def _child(pid: int) -> int | None:
    """Return the process that `unshare` forked, once it is systemd."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        if Path(f"/proc/{child}/comm").read_text().strip() == "systemd":
            return int(child)
    return None


def _install(root: Path) -> None:
    """Put the program, its unit and its account where docs/operating.md and the unit say, with the system's Python."""
    home = root / HOME
    home.mkdir(parents=True)
    for part in PARTS:
        source = CHECKOUT / part
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, home / part)
    built = f"mount -t proc proc /proc; mount -t devtmpfs dev /dev; cd /{HOME}; PYTHON=/usr/bin/python3 scripts/setup"
    subprocess.run(["unshare", "-m", "chroot", str(root), "sh", "-c", built], check=True, capture_output=True)
    units = root / UNITS
    for unit in _MASKED:
        (units / unit).unlink(missing_ok=True)
        (units / unit).symlink_to("/dev/null")
    shutil.rmtree(units / "timers.target.wants", ignore_errors=True)
    shutil.rmtree(units / "multi-user.target.wants", ignore_errors=True)
    shutil.rmtree(root / "var/lib/greenroom", ignore_errors=True)
    for name, target in (
        ("greenroom.service", units / "greenroom.service"),
        ("greenroom.sysusers", root / "usr/lib/sysusers.d/greenroom.conf"),
        ("greenroom.tmpfiles", root / "usr/lib/tmpfiles.d/greenroom.conf"),
        ("greenroom.service.d/roots.conf.example", units / "greenroom.service.d/roots.conf"),
        ("greenroom.env", root / "etc/greenroom/greenroom.env"),
    ):
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(CHECKOUT / "systemd" / name, target)
    for line in (
        "systemd-sysusers",
        "groupadd -g 2000 music", "groupadd -g 2001 media",
        "usermod -aG music,media greenroom", "systemctl enable greenroom",
    ):  # fmt: skip
        subprocess.run(["chroot", str(root), *line.split()], check=True, capture_output=True)


def _remove(group: Path) -> None:
    """End a group of processes, and remove it."""
    if group.is_dir():
        until(lambda: "populated 0" in (group / "cgroup.events").read_text(), "the end of the machine")
        for path in sorted(group.rglob("*/"), reverse=True):
            path.rmdir()
        group.rmdir()
