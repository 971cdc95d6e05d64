"""The libraries of an installation → findings about their disks: mounted, writable, room, and what they can do."""

from __future__ import annotations

import os
from collections.abc import Iterator

from config.errors import GreenroomError
from config.libraries import Library, verify_root
from config.mounts import mount_of
from config.reasons import show_path
from daemon.finding import Finding
from processor.probe import probe_pair
from processor.space import human_size, reserve

FEW_INODES = 10_000


def examine_root(library: Library, wanted_reserve: int) -> Iterator[Finding]:
    """Look at one root; `wanted_reserve` is what settings keep free, in bytes."""
    try:
        verify_root(library)
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, error.message)
        return
    shown = f"{library.role} {show_path(library.path)}"
    mount = mount_of(library.path)
    where = f", {mount.type} mounted at {show_path(mount.point)}" if mount else ""
    yield _space(library, shown, where, wanted_reserve)
    for weakness in mount.weaknesses if mount else ():
        yield Finding("note", "filesystem", f"{shown}: {weakness}")


def _space(library: Library, shown: str, where: str, wanted_reserve: int) -> Finding:
    found = os.statvfs(library.path)
    free = found.f_bavail * found.f_frsize
    kept = reserve(wanted_reserve, found.f_blocks * found.f_frsize)
    message = f"{shown}{where}: {human_size(free)} free"
    if found.f_files and found.f_favail < FEW_INODES:
        return Finding("problem", "inodes", f"{message}, but only {found.f_favail} files can still be made")
    if library.role != "inbound" and free < kept:
        text = f"{message}, less than the reserve of {human_size(kept)}: no album that has to be copied fits; free some"
        return Finding("problem", "disk_reserve", text)
    return Finding("ok", "root", message)


def examine_pair(inbound: Library, staging: Library) -> Iterator[Finding]:
    """Try what a transfer relies on between two roots."""
    try:
        for code, well, message in probe_pair(inbound.path, staging.path):
            yield Finding("ok" if well else "note", code, message)
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, error.message)
