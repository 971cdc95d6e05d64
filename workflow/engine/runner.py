"""A job that was handed to this worker → started, run, and ended in one transaction with what it changed."""

from __future__ import annotations

import contextlib
import random
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.driver_errors import may_be_own
from config.errors import Busy, GreenroomError, LeaseLost, Retryable
from config.machine import utc_now
from config.reasons import show_text
from processor.filesystem.system_errors import unexpected
from workflow.engine import dispatches, jobs
from workflow.engine.context import Context
from workflow.engine.failure import AWAY, BUSY_SECONDS, OUTAGE, NotHere, RootAway, judge
from workflow.engine.job import Job, Limits
from workflow.engine.work import Ending, Work

DATABASE_SECONDS: Final = 0.5  # between two tries while the database is away
MAX_TRACEBACK: Final = 8000  # characters, the last ones

_T = TypeVar("_T")


class Runner:
    """Runs jobs in the threads that call it."""

    def __init__(
        self,
        database: Database,
        data_dir: Path,
        works: Mapping[str, Work],
        executor: str,
        stop: threading.Event,
        slot_seconds: float,
    ) -> None:
        self.executor = executor
        self._database, self._data_dir, self._works, self._stop = database, data_dir, works, stop
        self._running: dict[int, Context | None] = {}  # None before its row says so
        self._slots: Counter[str] = Counter()
        self._limits: Mapping[str, Limits] = {}
        self._away: dict[str, float] = {}  # phases that cannot be worked on here → when to look again
        self._passed: dict[int, float] = {}  # jobs that are for other hosts first → until when
        self._slot_seconds = slot_seconds
        self._changed = threading.Condition()

    def limit(self, limits: Mapping[str, Limits]) -> None:
        """Say how many jobs of each phase may run here at once."""
        self._limits = limits

    def run(self, job_id: int, dispatch: int) -> None:
        """Use a dispatch as a slot: carry jobs of its phase, the most urgent first, until the time of the slot is over.

        Which job the dispatch was made for does not matter. A stale one is ignored, and so is one too many for this
        process: DBOS counts late what it just claimed.
        """
        phase = self._persist(lambda connection: dispatches.phase_of(connection, job_id, dispatch))
        if phase is None:
            return
        with self._slot(phase) as free:
            ends = time.monotonic() + self._slot_seconds
            while free and self._carry_next(phase) and time.monotonic() < ends and self._may_go_on(phase):
                pass
        self._persist(lambda connection: dispatches.uncarry(connection, [(job_id, dispatch)]))

    def is_away(self, phase: str) -> bool:
        """Tell whether no job of the phase could be done here a moment ago, so that they are for other hosts."""
        return time.monotonic() < self._away.get(phase, 0)

    def passed(self) -> set[int]:
        """Return jobs that could not be done here a moment ago, as the root of their album is away."""
        with self._changed:
            self._passed = {job_id: until for job_id, until in self._passed.items() if until > time.monotonic()}
            return set(self._passed)

    @contextlib.contextmanager
    def _slot(self, phase: str) -> Iterator[bool]:
        with self._changed:
            free = self._is_open(phase) and self._slots[phase] < self._limits[phase].here
            self._slots[phase] += free
        try:
            yield free
        finally:
            with self._changed:
                self._slots[phase] -= free
                self._changed.notify_all()

    def _may_go_on(self, phase: str) -> bool:
        with self._changed:
            return self._is_open(phase) and self._slots[phase] <= self._limits[phase].here

    def _is_open(self, phase: str) -> bool:
        return not self._stop.is_set() and not self.is_away(phase)

    def running(self) -> dict[int, Context | None]:
        """Return what runs now. Call it before reading the rows for `tell`, so that these are never older."""
        with self._changed:
            return dict(self._running)

    def tell(self, running: Mapping[int, Context | None], held: Mapping[int, tuple[int, bool]]) -> dict[int, int]:
        """Tell running jobs what their rows say: cancelled, or no longer ours.

        Return jobs that are ours by their rows and do not run here, with their fences: the process before us was
        killed while it committed their start.
        """
        for context in running.values():
            if context is not None:
                fence, cancelled = held.get(context.job.id, (None, False))
                if fence != context.job.fence:
                    context.lose()
                elif cancelled:
                    context.cancel()
        here = self.running()
        return {job_id: fence for job_id, (fence, _) in held.items() if job_id not in here}

    def is_idle(self, timeout: float) -> bool:
        """Wait up to so many seconds for the running jobs; return whether no slot is in use."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._slots.total(), timeout)

    def _carry_next(self, phase: str) -> bool:
        """Carry the next job of a phase from start to end; False if there is none."""
        chosen: int | None = None

        def start(connection: Connection) -> Job | None:
            nonlocal chosen
            chosen = self._choose(connection, phase) if chosen is None else chosen
            return None if chosen is None else jobs.start(connection, chosen, self.executor, utc_now())

        try:
            job = self._persist(start)
            if job is not None:
                context = Context(self._database, self._data_dir, job, self._stop)
                with self._changed:
                    self._running[job.id] = context
                with logger.contextualize(job=job.id, phase=job.phase, item=job.item_id):
                    self._carry(context, job)
        except Busy:
            pass  # the other job has the item now, so this one is not chosen again
        finally:
            if chosen is not None:
                with self._changed:
                    self._running.pop(chosen, None)
        return chosen is not None

    def _choose(self, connection: Connection, phase: str) -> int | None:
        """Return the next job of a phase; it is in `_running` before its row says that it runs."""
        while (job_id := dispatches.next_due(connection, phase, utc_now(), self.passed())) is not None:
            with self._changed:
                if job_id not in self._running:
                    self._running[job_id] = None
                    return job_id
            jobs.postpone(connection, job_id, utc_now())  # an older start of it has not noticed yet that it lost it
        return None

    def _carry(self, context: Context, job: Job) -> None:
        try:
            ending = self._work(context, job)
            self._end(job, ending)
        except LeaseLost as error:
            logger.bind(error=error.message).warning("a job was taken over; what it did here is not recorded")
        except GreenroomError as error:
            if seconds := AWAY.get(type(error)):
                self._away[job.phase] = time.monotonic() + seconds
            if isinstance(error, RootAway):
                with self._changed:
                    self._passed[job.id] = time.monotonic() + BUSY_SECONDS
            self._fail(context, job, error)
        except Exception as error:  # noqa: BLE001 - the job runner: one broken phase must not end the worker
            self._fail(context, job, error)

    def _work(self, context: Context, job: Job) -> Ending | None:
        work = self._works[job.phase]
        if job.payload_version > work.payload.version:
            raise NotHere(f"the payload has version {job.payload_version}, made by a newer Greenroom")
        try:
            return work.run(context, job, work.payload.read(job.payload, job.payload_version))
        except OSError as error:
            raise unexpected(error) from error

    def _end(self, job: Job, ending: Ending | None) -> None:
        def done(connection: Connection) -> None:
            if jobs.finish(connection, job, utc_now()) and ending is not None:
                ending(connection, job)

        self._persist(done)

    def _fail(self, context: Context, job: Job, error: Exception) -> None:
        retries = self._works[job.phase].retries
        jitter = random.random()  # noqa: S311  no secret
        verdict = judge(error, job.attempt, retries, jitter, job.code, is_own=self._is_own(error))
        ours = isinstance(error, GreenroomError)
        failure = {
            "attempt": job.attempt,
            "at": utc_now().isoformat(),
            "executor": self.executor,
            "code": error.reason_code if isinstance(error, GreenroomError) else "unexpected",
            # What is quoted may hold what no database takes.
            "message": show_text(error.message if isinstance(error, GreenroomError) else repr(error)),
            "traceback": "\n".join(map(show_text, _lines_of(error)))[-MAX_TRACEBACK:],
        }
        log = logger.bind(code=failure["code"], error=failure["message"], becomes=verdict.status)
        asked = context.is_cancelled
        if self._persist(lambda connection: jobs.fail(connection, job, verdict, failure, utc_now(), asked=asked)):
            level, said = ("WARNING", "a job failed") if verdict.counts else ("INFO", "a job goes on later")
            if verdict.status == "cancelled":  # by a person, or since another one did what it was to do
                level, said = "INFO", "a job was cancelled"
            log.opt(exception=None if ours else error).log(level, said)

    def _is_own(self, error: Exception) -> bool:
        """Tell whether the database refuses a job alone: it does what others ask of it just now."""
        if not may_be_own(self._database.url, error):
            return False
        try:
            with self._database.begin() as connection:
                jobs.held_by(connection, self.executor)
        except GreenroomError:
            return False
        return True

    def _persist(self, write: Callable[[Connection], _T]) -> _T:
        """Commit; while the database is away, try again, because what was done must not be forgotten."""
        while True:
            try:
                with self._database.begin() as connection:
                    return write(connection)
            except Retryable as error:
                if error.reason_code != OUTAGE or self._stop.is_set():
                    raise
                logger.bind(error=error.message).debug("the end of a job waits for the database")
            self._stop.wait(DATABASE_SECONDS)


def _lines_of(error: Exception) -> list[str]:
    return "".join(traceback.format_exception(error)).split("\n")


def failure_of(values: Mapping[str, Any]) -> str:
    """Return one failure of a job as one line for people."""
    return f"attempt {values['attempt']}, {values['code']}: {values['message']}"
