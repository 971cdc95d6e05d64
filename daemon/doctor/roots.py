"""The libraries of an installation → findings about their disks: mounted, writable, room, and what they can do."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from config.errors import GreenroomError
from config.libraries import Library, verify_root
from config.machine import free_bytes, free_files, no_room_by_trying
from config.mounts import damage, mount_of
from config.reasons import show_path
from daemon.finding import Finding
from daemon.status import closed
from processor.filesystem.fitness import refuse_unfit
from processor.planning.space import human_size, reserve
from processor.transfers.probe import probe_pair

FEW_INODES = 10_000
LITTLE = 100 << 20  # bytes; a scan of 100,000 files takes about so much


def examine_root(library: Library, wanted_reserve: int) -> Iterator[Finding]:
    """Look at one root; `wanted_reserve` is what settings keep free, in bytes."""
    try:
        verify_root(library)
        refuse_unfit(library.path)
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, error.message)
        return
    shown = f"{library.role} {show_path(library.path)}"
    mount = mount_of(library.path)
    where = f", {mount.type} mounted at {show_path(mount.point)}" if mount else ""
    yield _space(library, shown, where, wanted_reserve)
    if why := damage(library.path):
        yield Finding("problem", "filesystem_damaged", f"{shown}: {why}")
    for weakness in mount.weaknesses if mount else ():
        yield Finding("note", "filesystem", f"{shown}: {weakness}")


def examine_data(folder: Path) -> Finding:
    """Look at the disk of the data folder, where SQLite, scans, pictures and what exports are proven by are."""
    shown = show_path(os.fsencode(folder))
    if why := closed(folder, no_room_by_trying):
        return Finding("problem", "data_folder", why)
    free = free_bytes(os.statvfs(folder))
    if free is None:
        return Finding("ok", "data_folder", f"data folder {shown}: its disk does not say how much is free")
    if free < LITTLE:
        message = f"data folder {shown}: only {human_size(free)} free; scans and backups may not fit, make room there"
        return Finding("note", "data_folder", message)
    return Finding("ok", "data_folder", f"data folder {shown}: {human_size(free)} free")


def _space(library: Library, shown: str, where: str, wanted_reserve: int) -> Finding:
    found = os.statvfs(library.path)
    free, files = free_bytes(found), free_files(found)
    if free is None:
        return Finding("ok", "root", f"{shown}{where}; it does not say how much is free")
    kept = reserve(wanted_reserve, found.f_blocks * found.f_frsize)
    message = f"{shown}{where}: {human_size(free)} free"
    if library.role != "inbound" and free < kept:
        text = f"{message}, less than the reserve of {human_size(kept)}: no album that has to be copied fits; free some"
        return Finding("problem", "disk_reserve", text)
    if files is not None and files < FEW_INODES:
        return Finding("problem", "inodes", f"{message}, but only {files} files can still be made")
    return Finding("ok", "root", message)


def examine_pair(inbound: Library, staging: Library) -> Iterator[Finding]:
    """Try what a transfer relies on between two roots."""
    try:
        for code, well, message in probe_pair(inbound.path, staging.path):
            yield Finding("ok" if well else "note", code, message)
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, error.message)
