"""An installation → findings, each one sentence: what is well, worth knowing, or wrong, and then how to mend it."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from config.errors import GreenroomError, Misconfigured
from config.libraries import Library, list_libraries, sole_library, verify_root
from config.reasons import show_path
from daemon.bootstrap import Application
from processor import journal
from processor.probe import probe_pair

MIN_WATCHES = 8192  # inotify watches; one per folder of the inbound tree
INOTIFY_LIMIT = Path("/proc/sys/fs/inotify/max_user_watches")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    level: Literal["ok", "note", "problem"]
    code: str
    message: str


def examine(app: Application) -> Iterator[Finding]:
    """Look at everything a cycle depends on, cheapest first; never raises for what it finds."""
    shown = app.database.url.render_as_string(hide_password=True)
    yield Finding("ok", "database", f"the database answers: {shown}")
    yield from _settings(app)
    with app.database.read() as connection:
        found = list_libraries(connection)
    for library in found:
        yield _root(library)
    yield from _staging_pair(app)
    yield _watches()


def _settings(app: Application) -> Iterator[Finding]:
    settings, problems = app.staging_settings()
    for problem in problems:
        yield Finding("problem", "setting", f"{problem}; set it anew")
    if not settings.enabled:
        yield Finding("note", "not_enabled", "the schedule is off: `greenroom settings set staging_scan.enabled true`")
        return
    fire = settings.as_schedule().next_after(dt.datetime.now(dt.UTC))
    when = f"{fire.astimezone():%Y-%m-%d %H:%M %Z}" if fire else "never"
    yield Finding(
        "ok",
        "schedule",
        f"cycles run on “{settings.schedule}”, next {when}" + (", as a dry run" if settings.dry_run else ""),
    )


def _root(library: Library) -> Finding:
    try:
        verify_root(library)
    except Misconfigured as error:
        return Finding("problem", error.reason_code, error.message)
    space = os.statvfs(library.path)
    free, inodes = space.f_bavail * space.f_frsize, space.f_favail
    message = f"{library.role} {show_path(library.path)}: {free / 1e9:.1f} GB free"
    if space.f_files and inodes < 10_000:
        return Finding("problem", "inodes", f"{message}, but only {inodes} files can still be made")
    return Finding("ok", "root", message)


def _staging_pair(app: Application) -> Iterator[Finding]:
    try:
        with app.database.read() as connection:
            inbound = sole_library(connection, "inbound", "music")
            staging = sole_library(connection, "staging", "music")
            unsettled = journal.open_transfers(connection, inbound.path, staging.path)
        for code, well, message in probe_pair(inbound.path, staging.path):
            yield Finding("ok" if well else "note", code, message)
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, error.message)
        return
    if unsettled:
        yield Finding(
            "note",
            "unfinished",
            f"{len(unsettled)} transfers are unfinished; the next cycle, or `greenroom recover`, settles them",
        )
    else:
        yield Finding("ok", "unfinished", "no transfer is unfinished")


def _watches() -> Finding:
    try:
        limit = int(INOTIFY_LIMIT.read_text())
    except (OSError, ValueError):
        return Finding("note", "watches", "file system events are not available here; changes are found by polling")
    if limit < MIN_WATCHES:
        return Finding(
            "note", "watches", f"fs.inotify.max_user_watches is {limit}; a large inbound tree is polled instead"
        )
    return Finding("ok", "watches", f"up to {limit} folders can be watched for changes")
