"""Settings, libraries and an inbound folder → one guarded cycle: lock, recover, scan, plan, move, record, report.

The scheduler's tick, the command line, the web page and the tests all call run_staging_cycle; there is no other way.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from loguru import logger
from sqlalchemy import Connection

from config import admin, libraries
from config.database import Database
from config.errors import Busy, GreenroomError, LeaseLost, Misconfigured
from config.lease import Guard
from config.libraries import Library, list_libraries, sole_library, verify_root
from config.locks import hold
from config.machine import boottime
from config.reasons import show_path
from config.settings import StagingScan
from processor import presence, trash
from processor.files import unexpected
from processor.journal import Transfer
from processor.meeting import Rules
from processor.process import ProcessOptions, ProcessResult, process_scan, recover_transfers
from processor.publishing import ForRun, Then
from processor.recover import RecoveryReport
from scanner.scan import Progress, ScanOptions, ScanStats, scan_into, silent
from scanner.scandb import ScanDb
from scanner.scanfiles import prune
from workflow import events, telling
from workflow.record import Asked, RunRecord
from workflow.report import CycleReport
from workflow.succession import after_staging


@dataclass(frozen=True, slots=True)
class Request:
    """What one caller wants of one cycle, beside the settings; None leaves it to the setting, or to the cycle."""

    dry_run: bool | None = None
    settle: bool = True  # wait, within the cycle, for what is not quiet yet
    scan_db: Path | None = None  # go on from this scan instead of making one
    run_id: str | None = None  # made by the caller, who wants to know it before the end
    asked_by: str | None = None  # the person or key that asked
    approves: str | None = None  # the dry run whose plan is to be carried out, and nothing else
    approved: Mapping[str, str] | None = None  # that plan; see processor.approval


@dataclass(frozen=True, slots=True)
class Roots:
    """The two libraries a cycle works between."""

    inbound: Library
    staging: Library


class StopOrTimeout:
    """Set when the process was asked to stop, or when the cycle has used up its time."""

    def __init__(self, stop: threading.Event, timeout_minutes: int = 0) -> None:
        self._stop = stop
        self._ends = boottime() + timeout_minutes * 60 if timeout_minutes else None

    def is_set(self) -> bool:
        """Whether to stop at the next safe place."""
        return self._stop.is_set() or (self._ends is not None and boottime() > self._ends)

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until somebody asks to stop."""
        self._stop.wait(seconds)


def run_staging_cycle(
    database: Database,
    data_dir: Path,
    *,
    trigger: str,
    stop: threading.Event,
    fire_time: dt.datetime | None = None,
    request: Request | None = None,
    progress: Progress = silent,
) -> CycleReport:
    """Run one cycle with the settings of this moment, and record it as a run.

    An album that cannot be moved is an outcome in the report; what stops the whole cycle makes the report `failed`,
    and somebody else's lock makes it `skipped`. Nothing to do is `done`. Only a database that cannot be reached raises
    (Retryable), because then there is nowhere to record anything.
    """
    request = request or Request()
    with database.read() as connection:
        settings, problems = admin.staging_scan(connection)
    dry_run = settings.dry_run if request.dry_run is None else request.dry_run
    run = RunRecord(
        database,
        settings,
        trigger=trigger,
        fire_time=fire_time,
        dry_run=dry_run,
        asked=Asked(request.run_id, request.asked_by, request.approves),
    )
    until = StopOrTimeout(stop, settings.timeout_minutes)
    with logger.contextualize(run=run.id):
        try:
            if problems:
                raise Misconfigured("; ".join(problems), code="unreadable_setting")
            roots = resolve_roots(database)
            with _lock(database, roots, run, until, dry_run) as guard:
                run.start(holding_lock=guard is not None)
                limits = presence.Limits(settings.vanish_files, settings.vanish_percent)
                now, act, suspended = dt.datetime.now(dt.UTC), guard is not None, _tells_suspension(run.id)
                presence.check(database, roots.staging, limits, now, act=act, suspended=suspended)
                if guard is not None:
                    recover_transfers(database, guard, roots.inbound, roots.staging, then(run.id), undone)
                folder = scan_db_folder(database, settings, data_dir)
                scan_path = request.scan_db
                if scan_path is None:
                    scan_path, _ = scan(roots.inbound, settings, folder, until, request.settle, progress)
                result = _process(database, roots, settings, scan_path, guard, run.id, progress, request.approved)
                if guard is not None:
                    prune(folder, roots.inbound.path, settings.keep_scan_dbs)
                    _prune_trash(database, guard, roots.staging, settings.trash_days)
                return run.finish(roots.inbound.path, roots.staging.path, result, scan_path)
        except Busy as error:
            return run.skip(error)
        except GreenroomError as error:
            return run.fail(error)
        except OSError as error:
            logger.opt(exception=True).debug("the system refused something")
            return run.fail(unexpected(error))
        finally:
            run.close()


def then(run_id: str | None) -> Then:
    """Let what follows the staging be wanted in the transaction that stages."""
    return lambda connection, items, now: after_staging(connection, items, run_id, now)


def undone(connection: Connection, transfer: Transfer) -> None:
    """Tell of an undo in the transaction that publishes it."""
    told = telling.of_undo(transfer.item, transfer.undoes or transfer.id)
    events.tell(connection, [told], dt.datetime.now(dt.UTC))


def _tells_suspension(run_id: str) -> presence.Suspended:
    return lambda connection, library, why: events.tell(
        connection, [telling.of_suspension(library, why, run_id)], dt.datetime.now(dt.UTC)
    )


def _process(
    database: Database,
    roots: Roots,
    settings: StagingScan,
    scan_path: Path,
    guard: Guard | None,
    run_id: str,
    progress: Progress,
    approved: Mapping[str, str] | None,
) -> ProcessResult:
    rules = Rules(settings.replace == "better", tuple(settings.quality.split()))
    options = ProcessOptions(settings.workers, settings.rate_limit, settings.reserve_mib << 20, rules, approved)
    limits = presence.Limits(settings.vanish_files, settings.vanish_percent)
    with ScanDb.open(scan_path) as found:
        suspended = _tells_suspension(run_id)
        presence.check_inbound(database, roots.inbound, found, limits, act=guard is not None, suspended=suspended)
        run = ForRun(run_id, then(run_id))
        return process_scan(database, found, roots.inbound, roots.staging, guard, options, run, progress)


def scan(
    inbound: Library, settings: StagingScan, folder: Path, until: StopOrTimeout, settle: bool, progress: Progress
) -> tuple[Path, ScanStats]:
    """Scan the inbound library into a new scan DB in `folder`; return its path and what was found."""
    patterns = tuple(line.strip() for line in settings.ignore.replace(",", "\n").splitlines() if line.strip())
    options = ScanOptions(settings.quiet_seconds, settle, settings.workers, patterns)
    return scan_into(folder, inbound.path, options, until, progress)


def recover(database: Database, stop: threading.Event) -> RecoveryReport:
    """Settle unfinished transfers under the lock, and do nothing else.

    Raises Busy when somebody else holds the lock, Misconfigured when there are no libraries to work between.
    """
    roots = resolve_roots(database)
    with hold(database, [roots.staging, roots.inbound], "recover", StopOrTimeout(stop)) as guard:
        return recover_transfers(database, guard, roots.inbound, roots.staging, then(None), undone)


def _prune_trash(database: Database, guard: Guard, staging: Library, days: int) -> None:
    """Empty the trash of what has lain there long enough; trouble with that is none of the cycle's."""
    try:
        trash.grow_older(database, staging.path, dt.datetime.now(dt.UTC))
        trash.empty(database, guard, staging.path, dt.timedelta(days=days))
    except LeaseLost:
        raise
    except GreenroomError as error:
        logger.bind(code=error.reason_code, error=error.message).warning("the trash could not be emptied")


def resolve_roots(database: Database) -> Roots:
    """Return the inbound and the staging library, both checked.

    Raises Misconfigured when one is missing, doubled, not mounted or not writable.
    """
    with database.read() as connection:
        roots = Roots(sole_library(connection, "inbound", "music"), sole_library(connection, "staging", "music"))
    verify_root(roots.inbound)
    verify_root(roots.staging)
    return roots


def scan_db_folder(database: Database, settings: StagingScan, data_dir: Path) -> Path:
    """Return where scan DBs are written. Raises Misconfigured when that lies inside a library."""
    folder = Path(settings.scan_db_data_path) if settings.scan_db_data_path else data_dir / "scan-db"
    with database.read() as connection:
        for library in list_libraries(connection):
            if (bytes(folder.resolve()) + b"/").startswith(library.path + b"/"):
                raise Misconfigured(
                    f"staging_scan.scan_db_data_path {folder} lies inside the {library.role} library "
                    f"{show_path(library.path)}; choose a folder outside"
                )
    return folder


@contextlib.contextmanager
def _lock(
    database: Database, roots: Roots, run: RunRecord, until: StopOrTimeout, dry_run: bool
) -> Iterator[Guard | None]:
    if dry_run:
        yield None  # it only reads, so it needs no lock and disturbs nobody
        return
    with hold(database, [roots.staging, roots.inbound], f"cycle {run.id}", until) as guard:
        yield guard


def resume(database: Database, path: bytes) -> tuple[Library, int]:
    """Let cycles work on a suspended library again; return it as it was, and how many items are now known as missing.

    Raises Misconfigured when the path is no library.
    """
    with database.begin() as connection:
        library = libraries.resume(connection, path)
        gone = presence.accept(connection, library, dt.datetime.now(dt.UTC)) if library.role == "staging" else 0
    return library, gone
