"""One cycle → its run row, from start to end, whatever happens in between."""

from __future__ import annotations

import datetime as dt
import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.errors import Busy, GreenroomError, Stopped
from config.reasons import Reason
from config.sections import StagingScan
from processor.planning.plan import AlbumPlan
from processor.process import ProcessResult
from workflow import events, plans, runs, telling
from workflow.report import CycleReport, staying, stored_reasons, why_failed
from workflow.request import Request
from workflow.telling import RunEnd

if TYPE_CHECKING:
    from loguru import Logger


class RunRecord:
    """Writes the row of one run; whichever of finish, fail and skip is called makes the report."""

    def __init__(
        self,
        database: Database,
        settings: StagingScan,
        request: Request,
        *,
        trigger: str,
        fire_time: dt.datetime | None,
    ) -> None:
        now = dt.datetime.now(dt.UTC)
        self.id = request.run_id or runs.new_run_id(now)
        self.dry_run = settings.dry_run if request.dry_run is None else request.dry_run
        self._database = database
        self._began = time.monotonic()
        self._open = False
        self._done: CycleReport | None = None
        self._row: dict[str, Any] = {
            "id": self.id,
            "status": "running",
            "trigger": trigger,
            "dry_run": self.dry_run,
            "fire_time": fire_time,
            "started_at": now,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "settings": settings.model_dump(mode="json"),
            "asked_by": request.asked_by,
            "approves": request.approves,
        }

    def start(self, *, holding_lock: bool) -> None:
        """Insert the row. Under the lock no other run can be alive: those left running are interrupted."""
        with self._database.begin() as connection:
            if holding_lock and (left := runs.mark_interrupted(connection, now := dt.datetime.now(dt.UTC))):
                logger.bind(runs=len(left)).warning("an earlier run was interrupted")
                for run_id, dry_run in left.items():
                    _tell(connection, RunEnd(run_id, dry_run, "interrupted", runs.INTERRUPTED), now)
            runs.start(connection, self._row)
        self._open = True

    def finish(self, inbound: bytes, staging: bytes, result: ProcessResult, scan_db: Path) -> CycleReport:
        """Record a cycle that tried its albums; it failed if trouble kept it from trying them all."""
        trouble = result.trouble
        report = CycleReport(
            status="failed" if trouble else "done",
            run_id=self.id,
            dry_run=self.dry_run,
            duration_ms=self._elapsed(),
            inbound=inbound,
            staging=staging,
            albums=result.albums,
            ignored=result.ignored,
            error=trouble.reason() if trouble else None,
            exit_code=trouble.exit_code if trouble else 0,
        )
        if self.dry_run:
            with self._database.begin() as connection:
                plans.keep(connection, self.id, inbound, staging, result.albums)
        self._end(
            _row_status(trouble),
            counts=report.counts,
            reasons=stored_reasons(result.albums),
            error=trouble,
            albums=result.albums,
            scan_db=str(scan_db),
        )
        log = logger.bind(**report.counts, duration_ms=report.duration_ms, dry_run=self.dry_run)
        if trouble is None:
            log.info("cycle done")
        else:
            self._log_end(log, trouble)
        self._done = report
        return report

    def fail(self, error: GreenroomError) -> CycleReport:
        """Record a cycle that could not go on: failed, or interrupted if it was asked to stop.

        Not one that had come to its end, whose disk hung when its lock was given back.
        """
        if self._done is not None:
            return self._done
        self._end(_row_status(error), error=error)
        self._log_end(logger, error)
        return self._report("failed", error)

    def skip(self, error: Busy) -> CycleReport:
        """Record a cycle that did not begin because somebody else holds the lock."""
        self._end("skipped", error=error)
        self._log_end(logger, error, "skipped")
        return self._report("skipped", error)

    def close(self) -> None:
        """Mark the run as failed if an exception nobody foresaw ends it; the tick catches that one."""
        if self._open:
            self._end(
                "failed", error=GreenroomError("an unexpected error ended the cycle; the log has it", code="unexpected")
            )

    def _report(self, status: Literal["failed", "skipped"], error: GreenroomError) -> CycleReport:
        return CycleReport(
            status=status,
            run_id=self.id,
            dry_run=self.dry_run,
            duration_ms=self._elapsed(),
            error=error.reason(),
            exit_code=error.exit_code,
        )

    def _end(
        self,
        status: runs.RunStatus,
        error: GreenroomError | None,
        albums: Sequence[AlbumPlan] | None = None,
        **columns: Any,
    ) -> None:
        with self._database.begin() as connection:
            if not self._open:
                runs.start(connection, self._row)
            now, message = dt.datetime.now(dt.UTC), error and error.message
            runs.finish(connection, self.id, status=status, finished_at=now, error=message, **columns)
            code = error.reason_code if error else None
            why = message or why_failed(albums or ()) or status
            stays = None if albums is None else staying(albums)
            end = RunEnd(self.id, self.dry_run, status, why, code, columns.get("counts", {}), stays)
            _tell(connection, end, now)
        self._open = False

    def _log_end(self, log: Logger, error: GreenroomError, how: str = "failed") -> None:
        how = "stopped" if isinstance(error, Stopped) else how
        level = {"failed": "ERROR", "skipped": "WARNING", "stopped": "INFO"}[how]
        if self._row["trigger"] == "command":  # whose report says it to the person who typed it
            level = "INFO"
        log.bind(code=error.reason_code, error=error.message).log(level, f"cycle {how}")

    def _elapsed(self) -> int:
        return round((time.monotonic() - self._began) * 1000)


def record_skip(database: Database, settings: StagingScan, fire_time: dt.datetime, why: Reason) -> None:
    """Record a fire time of the schedule at which no cycle could begin."""
    run = RunRecord(database, settings, Request(), trigger="schedule", fire_time=fire_time)
    run.skip(Busy(why.message, code=why.code))


def _tell(connection: Connection, end: RunEnd, now: dt.datetime) -> None:
    """Tell of a run's end; of one that could not count what it staged, as many albums as were told of one by one."""
    counts = end.counts or {"staged": len(events.of_run(connection, end.run_id, events.STAGED))}
    events.tell(connection, telling.of_run(end._replace(counts=counts), events.last_end(connection)), now)


def _row_status(error: GreenroomError | None) -> runs.RunStatus:
    if error is None:
        return "done"
    return "interrupted" if isinstance(error, Stopped) else "failed"
