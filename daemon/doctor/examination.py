"""An installation → findings, one sentence each: well, worth knowing, or wrong, with how to mend it."""

from __future__ import annotations

import datetime as dt
import os
import resource
from collections.abc import Iterator
from pathlib import Path

import daemon.tables  # noqa: F401  what is looked for is looked for in all of them
from config import admin, schema
from config.answering import ANSWERS
from config.boot import BootSettings, unknown_variables
from config.errors import GreenroomError, Misconfigured
from config.libraries import Library, Role, list_libraries, sole_library
from config.reasons import counted, show_path, show_text, show_time
from config.sections import StagingScan
from daemon import secrecy
from daemon.actions import players, providers, publishing
from daemon.bootstrap import Application, application
from daemon.doctor import pictures
from daemon.doctor.albums import examine_albums
from daemon.doctor.exposed import examine_exposed
from daemon.doctor.folders import examine_folders
from daemon.doctor.removed import examine_removed, stranded
from daemon.doctor.roots import examine_data, examine_pair, examine_root
from daemon.finding import Finding
from daemon.sole import running_daemon, trouble_of_daemon
from daemon.status import TRY_AGAIN
from daemon.web.address import listening
from processor.filesystem.system_errors import unexpected
from processor.transfers import journal
from workflow import runs

MIN_WATCHES = 8192  # inotify watches; one per folder of the inbound tree
MIN_FILES = 256  # descriptors: workers hold some folders open each, readers and database a few more
MAX_SKEW = 5.0  # seconds; leases are kept by the database's clock, so more is only confusing in logs and rows
INOTIFY = Path("/proc/sys/fs/inotify")


def examine_installation(boot: BootSettings) -> Iterator[Finding]:
    """Look at everything a cycle depends on, cheapest first; without the database at what needs none.

    Raises nothing for what it finds.
    """
    yield examine_data(boot.data_dir)
    yield from _daemon(boot)
    try:
        with application(warn=False) as app:
            yield from examine(app)
    except GreenroomError as error:
        yield Finding("problem", error.reason_code, f"{error.message}; what is in it could not be looked at")
    yield _watches()
    yield from _process()
    yield from _variables()


def examine(app: Application) -> Iterator[Finding]:
    """Look at what the database knows of."""
    shown = app.database.url.render_as_string(hide_password=True)
    yield Finding("ok", "database", f"the database answers: {shown}")
    for where in schema.no_json(app.database):
        message = f"{where} is no JSON: stop Greenroom and put it right with sqlite3, or import a backup"
        yield Finding("problem", "no_json", message)
    yield _clock(app)
    settings, problems = app.staging_settings()
    yield from _settings(settings, problems)
    yield from _unknown_settings(app)
    with app.database.read() as connection:
        found = list_libraries(connection)
    ANSWERS.begin(library.path for library in found)  # all are waited for together
    seen = [finding for library in found for finding in examine_root(library, settings.reserve_mib << 20)]
    yield from seen
    yield from _staging_pair(app, settings, well=all(finding.level != "problem" for finding in seen))
    yield from _transfers(app)
    yield from examine_albums(app)
    yield from examine_removed(app)
    if not any(library.role == "library" for library in found):
        message = "there is no library to publish into; add one with `greenroom libraries add library PATH`"
        yield Finding("note", "no_library", message)
    yield pictures.examine()
    yield from providers.examine(app)
    yield from secrecy.examine(app)
    yield from examine_exposed(app.boot, Path(app.database.url.database or "") if app.database.is_sqlite else None)
    yield from publishing.examine(app)
    yield from players.examine(app)


def _clock(app: Application) -> Finding:
    there, here = app.database.clock(), dt.datetime.now(dt.UTC)
    skew = abs((there - here).total_seconds())
    if skew > MAX_SKEW:
        message = f"this machine's clock and the database's differ by {skew:.0f} s; synchronise them (NTP)"
        return Finding("problem", "clock", message)
    with app.database.read() as connection:
        newest = next(iter(runs.page(connection, limit=1)), None)
    if newest is not None and newest["started_at"] > here + runs.SKEW:
        of = show_time(newest["started_at"])
        message = f"the clock says {show_time(here)}, but the newest run is of {of}: if it was set back, runs of before"
        return Finding("note", "clock", f"{message} stand first in lists until then")
    return Finding("ok", "clock", f"the clock says {here.astimezone():%Y-%m-%d %H:%M:%S %Z}, as the database's does")


def _settings(settings: StagingScan, problems: list[str]) -> Iterator[Finding]:
    for problem in problems:
        yield Finding("problem", "setting", f"{problem}; set it anew")
    if not settings.enabled:
        yield Finding("note", "not_enabled", "the schedule is off: `greenroom settings set staging_scan.enabled true`")
        return
    fire = settings.as_schedule().next_after(dt.datetime.now(dt.UTC))
    when = f"{fire.astimezone():%Y-%m-%d %H:%M %Z}" if fire else "never"
    dry = ", as a dry run" if settings.dry_run else ""
    yield Finding("ok", "schedule", f"cycles run on “{settings.schedule}”, next {when}{dry}")


def _unknown_settings(app: Application) -> Iterator[Finding]:
    with app.database.read() as connection:
        left = admin.unknown(connection)
    for key, is_sealed in left.items():
        kept = "encrypted" if is_sealed else "in clear"
        message = (
            f"{show_text(key)} is set ({kept}), which no setting of this version is called; if none of yours needs it, "
            f"`greenroom settings unset {show_text(key)}` removes it"
        )
        yield Finding("note", "unknown_setting", message)


def _staging_pair(app: Application, settings: StagingScan, *, well: bool) -> Iterator[Finding]:
    """Look at what is between the two; what they can do is tried only when they are well."""
    pair: list[Library] = []
    missing: list[Finding] = []
    roles: tuple[Role, ...] = ("inbound", "staging")
    with app.database.read() as connection:
        for role in roles:
            try:
                pair.append(sole_library(connection, role))
            except GreenroomError as error:
                missing.append(Finding("problem", error.reason_code, error.message))
    yield from missing
    if missing:
        return
    inbound, staging = pair
    if well:
        yield from examine_pair(inbound, staging)
        yield from examine_folders(inbound, settings.patterns())


def _transfers(app: Application) -> Iterator[Finding]:
    with app.database.read() as connection:
        left, lost = journal.unsettled(connection), stranded(connection)
    held = [transfer for transfer in left if transfer.state == "attention"]
    for transfer in held:
        where = show_path(os.path.join(transfer.dst_root, transfer.target))
        message = f"the transfer to {where} is held for a person: {transfer.error}; {TRY_AGAIN}"
        yield Finding("problem", "unsettled_transfer", message)
    if unfinished := len(left) - len(held) - lost.unfinished:
        message = f"{counted(unfinished, 'transfer')} unfinished, settled by the next cycle, or `greenroom recover`"
        yield Finding("note", "unfinished", message)
    elif not left:
        yield Finding("ok", "unfinished", "no transfer is unfinished")


def _daemon(boot: BootSettings) -> Iterator[Finding]:
    """Say what our own daemon fails at; where there is none, try where the page is to listen."""
    try:
        who, trouble = running_daemon(boot.data_dir), trouble_of_daemon(boot.data_dir)
    except OSError as error:
        yield Finding("problem", "daemon", f"whether a daemon runs cannot be told: {unexpected(error).message}")
        return
    if trouble:
        yield Finding("problem", "daemon", trouble)
    if boot.web_address and not who:
        try:
            listening(boot.web_address).close()
        except Misconfigured as error:
            yield Finding("note", "page", f"{error.message}, or stop what listens there")


def _watches() -> Finding:
    try:
        watches, queue = (int((INOTIFY / name).read_text()) for name in ("max_user_watches", "max_queued_events"))
    except (OSError, ValueError):
        return Finding("note", "watches", "file system events are not available here; changes are found by polling")
    if watches < MIN_WATCHES:
        message = f"fs.inotify.max_user_watches is {watches}; a larger inbound tree is polled instead"
        return Finding("note", "watches", message)
    message = f"up to {watches} folders can be watched, {queue} changes at once; beyond that the tree is polled"
    return Finding("ok", "watches", message)


def _process() -> Iterator[Finding]:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < MIN_FILES:
        message = f"only {soft} files may be open at once; raise LimitNOFILE, or `ulimit -n`, to {MIN_FILES} or more"
        yield Finding("problem", "open_files", message)
    if "eatmydata" in os.environ.get("LD_PRELOAD", ""):
        message = "libeatmydata is loaded: nothing is synced, and a power cut loses albums; start without it"
        yield Finding("problem", "no_sync", message)


def _variables() -> Iterator[Finding]:
    """Name what the environment sets in vain: a name typed wrongly changes nothing, and nobody would say so."""
    for name, meant in unknown_variables().items():
        hint = f"; is {meant} meant?" if meant else ""
        yield Finding("note", "unknown_variable", f"{name} is set, which means nothing to Greenroom{hint}")
