"""Settings, libraries and an inbound folder → one guarded cycle: lock, recover, scan, plan, move, record, report.

The scheduler's tick, the command line, the web page and the tests all call run_staging_cycle; there is no other way.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import NamedTuple

from loguru import logger

from config import admin
from config.answering import ANSWERS
from config.database import Database
from config.errors import Busy, GreenroomError, Misconfigured
from config.lease import Guard
from config.leave import ROWS, changing
from config.libraries import Library, Roots
from config.reasons import Reason
from config.sections import StagingScan
from processor.filesystem.system_errors import unexpected
from processor.items import grouping_choices
from processor.items.presence import Limits, Presence
from processor.planning.meeting import Rules
from processor.process import ForRun, ProcessOptions, ProcessResult, process_scan
from scanner.options import Progress, ScanOptions
from scanner.scan import scan_into
from scanner.scandb import ScanDb
from scanner.scanfiles import prune
from workflow import recovering, suspension, upkeep
from workflow.aftermath import of_staging
from workflow.history import noticed
from workflow.holding import holding
from workflow.operations.tagging import recover_tagging
from workflow.record import RunRecord
from workflow.report import CycleReport
from workflow.request import Request
from workflow.roots import resolve_roots, scan_db_folder
from workflow.stopping import StopOrTimeout


def run_staging_cycle(
    database: Database,
    data_dir: Path,
    *,
    trigger: str,
    stop: threading.Event,
    request: Request,
    progress: Progress,
    fire_time: dt.datetime | None = None,
) -> CycleReport:
    """Run one cycle with the settings of this moment, and record it as a run.

    An album that cannot be moved is an outcome in the report. The report is `failed` if something stopped the whole
    cycle, `skipped` if somebody else holds the lock, and `done` otherwise, also when there was nothing to do. Raises
    Retryable only if the database cannot be reached, because then nothing can be recorded.
    """
    with database.read() as connection:
        settings, problems = admin.staging_scan(connection)
    run = RunRecord(database, settings, request, trigger=trigger, fire_time=fire_time)
    until = StopOrTimeout(stop, settings.timeout_minutes)
    cycle = _Cycle(database, data_dir, settings, request, run, until, progress)
    with logger.contextualize(run=run.id):
        try:
            if problems:
                raise Misconfigured("; ".join(problems), code="unreadable_setting")
            roots = resolve_roots(database)
            if run.dry_run:  # it only reads, so it needs no lock and disturbs nobody
                work = partial(cycle.carry_out, roots, None)
                return ANSWERS.changing([root.path for root in roots.both], work, until)
            return holding(database, roots.both, f"cycle {run.id}", until, partial(cycle.carry_out, roots))
        except Busy as error:
            return run.skip(error)
        except GreenroomError as error:
            return run.fail(error)
        except OSError as error:
            logger.opt(exception=True).debug("the system refused something")
            return run.fail(unexpected(error))
        finally:
            run.close()


class _Cycle(NamedTuple):
    """One cycle, and what it was begun with."""

    database: Database
    data_dir: Path
    settings: StagingScan
    request: Request
    run: RunRecord
    until: StopOrTimeout
    progress: Progress

    def carry_out(self, roots: Roots, guard: Guard | None) -> CycleReport:
        """Take the steps between two locked roots; without a guard nothing but the scan DB and the run is written."""
        database, settings, run = self.database, self.settings, self.run
        run.start(holding_lock=guard is not None)
        limits = Limits(settings.vanish_files, settings.vanish_percent)
        presence = Presence(database, limits, guard is not None, suspension.telling_of(run.id), noticed)
        presence.check_staging(roots.staging)
        if guard is not None:
            recovering.recover_staging(database, guard, roots, run.id)
            recover_tagging(database, guard, roots.staging)
            recovering.recover_libraries_at_hand(database, self.data_dir, self.until)
        folder = scan_db_folder(database, settings, self.data_dir)
        scan_path = self.request.scan_db or self._scan(roots.inbound, folder)
        with ScanDb.open(scan_path) as found:
            presence.check_inbound(roots.inbound, found)
            result = self._process(roots, found, guard)
        with changing(ROWS):  # also where only dry runs are made, which leave a scan each
            prune(folder, roots.inbound.path, settings.keep_scan_dbs)
        if guard is not None:
            upkeep.prune_trash(database, guard, roots.staging, settings.trash_days, self.until)
        return run.finish(roots.inbound.path, roots.staging.path, result, scan_path)

    def _scan(self, inbound: Library, folder: Path) -> Path:
        options = scan_options(self.database, inbound, self.settings, settle=self.request.settle)
        scan_path, _ = scan_into(folder, inbound.path, options, self.until, self.progress)
        return scan_path

    def _process(self, roots: Roots, found: ScanDb, guard: Guard | None) -> ProcessResult:
        settings = self.settings
        run = ForRun(self.run.id, of_staging(self.run.id), self._restage, self.progress)
        rules = Rules(settings.replace == "better", tuple(settings.quality.split()))
        reserve = settings.reserve_mib << 20
        options = ProcessOptions(settings.workers, settings.rate_limit, reserve, rules, self.request.approved)
        return process_scan(self.database, found, roots, guard, options, run)

    def _restage(self, keys: Collection[str]) -> dict[str, tuple[Reason, ...]]:
        """Put the files of published items back into staging; hardly any cycle has to."""
        from workflow.operations.publishing import restage

        return restage(self.database, self.data_dir, keys, self.until)


def scan_options(database: Database, inbound: Library, settings: StagingScan, *, settle: bool) -> ScanOptions:
    """Return how the inbound library is scanned now: as the settings have it, and people said of its files."""
    with database.begin() as connection:
        choices = grouping_choices.current(connection, inbound, dt.datetime.now(dt.UTC))
    return ScanOptions(settings.quiet_seconds, settle, settings.workers, settings.patterns(), choices)
