"""Numbers of users and groups, and whose a file is → the words people use for them."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from pathlib import Path
from typing import Final

CAP_FOWNER: Final = 3  # linux/capability.h


def user(uid: int) -> str:
    """Return the name of a user, or the number where it has none here."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def group(gid: int) -> str:
    """Return the name of a group, or the number where it has none here."""
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def acts_for_owners() -> bool:
    """Tell whether this process may do what only the owner of a file may, as root usually does; see capabilities(7)."""
    try:
        status = Path("/proc/self/status").read_bytes()
        return bool(int(status.partition(b"CapEff:")[2].split()[0], 16) >> CAP_FOWNER & 1)
    except (OSError, ValueError, IndexError):
        return os.geteuid() == 0


def me() -> str:
    """Return who this process is to the file system, with the groups that count."""
    groups = sorted({group(gid) for gid in (os.getegid(), *os.getgroups())})
    return f"{user(os.geteuid())} (in {', '.join(groups)})"


def rights(found: os.stat_result) -> str:
    """Return whose a file is and who may do what with it, as ls(1) says it."""
    return f"{user(found.st_uid)}:{group(found.st_gid)} {stat.filemode(found.st_mode)}"


def refusal(folder: bytes) -> str | None:
    """Return what the system says when this user makes a file in a folder; None if nothing, or if that cannot be tried.

    access(2) tells no more than that it may not be: rights, a read-only file system or snapshot, chattr(1).
    """
    try:
        os.close(os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    except OSError as error:
        return error.strerror if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS) else None
    return None
