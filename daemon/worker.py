"""An open application → the process that carries jobs, beside the daemon's cycles or for itself on another host."""

from __future__ import annotations

import contextlib
import datetime as dt
import math
import threading
from collections.abc import Collection, Iterator, Mapping
from typing import Final

from loguru import logger

from config.database import Database
from config.errors import GreenroomError, Misconfigured, Retryable, SchemaChanged
from config.logs import log_threads
from config.machine import boottime, share_heaps
from config.mounts import Remounts
from daemon.bootstrap import Application
from daemon.hanging import Hanging, roots
from workflow import events, succession
from workflow.chores.notify import Notifier
from workflow.chorework import want_daily
from workflow.engine import dispatches
from workflow.engine.work import Work
from workflow.engine.worker import Worker, working
from workflow.phases.sync import Withdrawn

RECONCILE_SECONDS: Final = 30.0  # between two looks for items that are due and have no job
DAILY_SECONDS: Final = 600.0  # between two looks for what is wanted daily: those read most of what is kept
DISPATCH_SECONDS: Final = 2.0  # between two looks for new events
REST_SECONDS: Final = 300.0  # without a job to do, until the daemon stops looking for some; retries wait no longer
GRACE_SECONDS: Final = 20  # for running jobs, of the 90 that systemd gives us
CONCURRENCY: Final = 8
SUBSCRIBERS: Final = (Notifier(), Withdrawn())


def works_of(phases: Collection[str]) -> Mapping[str, Work]:
    """Return what a worker carries; every phase when none is named. Raises Misconfigured for one without jobs."""
    there = succession.works()
    if unknown := set(phases) - set(there):
        raise Misconfigured(f"no phase with jobs is called {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    return {name: work for name, work in there.items() if not phases or name in phases}


def work(app: Application, carried: Mapping[str, Work], concurrency: int, stop: threading.Event) -> None:
    """Carry jobs until `stop` is set.

    Raises Retryable when the database is away at the start, SchemaChanged once another Greenroom migrated it.
    """
    share_heaps()
    log_threads()
    with _working(app, carried, concurrency) as worker:
        upkeep, hanging = Upkeep(app.database), Hanging()
        while not stop.is_set():
            with _told():
                app.database.check()
                upkeep.look()
                hanging.look(roots(app.database), busy=worker.is_busy)
            stop.wait(DISPATCH_SECONDS)


class Upkeep:
    """What any process with the database does beside carrying: gives events to who hears them, closes gaps."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._reconciled = self._wanted = -math.inf
        self._remounts = Remounts()

    def look(self) -> None:
        """Dispatch events; now and then look for items that are due, and for what is wanted daily.

        Where a root lies on another mount than before, what waits for one that was away is tried at once.
        """
        now = dt.datetime.now(dt.UTC)
        events.dispatch(self._database, SUBSCRIBERS, now)
        if self._remounts.seen(lambda: roots(self._database)):
            with self._database.begin() as connection:
                dispatches.call_back(connection, now)
        if boottime() - self._reconciled > RECONCILE_SECONDS:
            succession.reconcile(self._database)
            self._reconciled = boottime()
        if boottime() - self._wanted > DAILY_SECONDS:
            want_daily(self._database, succession.works(), now)
            self._wanted = boottime()


class Carrying:
    """The daemon's own worker: begun when there is a job to do, ended when there was none for some minutes.

    Who carries jobs writes a sign of life every two seconds, and no disk of the database sleeps meanwhile.
    """

    def __init__(self, app: Application) -> None:
        self._app = app
        self._engine = app.engine
        self._stack = contextlib.ExitStack()
        self._worker: Worker | None = None
        self._due = 0.0  # when there was something to do
        self._upkeep = Upkeep(app.database)

    def look(self) -> None:
        """Keep events and the chain going; begin to work when there is something to do, and rest when there is not.

        Raises Retryable while the worker's own work fails again and again, which is told as any trouble of a beat is.
        """
        self._upkeep.look()
        if self._engine.is_due():
            self._due = boottime()
            self._worker = self._worker or self._stack.enter_context(
                _working(self._app, succession.works(), CONCURRENCY)
            )
        elif self._worker is not None and boottime() - self._due > REST_SECONDS:
            self._worker = None
            self.stop()
        if self._worker is not None and self._worker.trouble:
            raise Retryable(self._worker.trouble, code="worker_trouble")

    @property
    def is_busy(self) -> bool:
        """Whether a job is being done."""
        return self._worker is not None and self._worker.is_busy

    def stop(self) -> None:
        """Let running jobs reach a safe place and give the others back."""
        self._stack.close()


def _working(
    app: Application, carried: Mapping[str, Work], concurrency: int
) -> contextlib.AbstractContextManager[Worker]:
    return working(
        app.database, app.boot.data_dir, carried, succession.limits, concurrency=concurrency, grace=GRACE_SECONDS
    )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except SchemaChanged:
        raise
    except GreenroomError as error:
        logger.bind(error=error.message).warning("the chain could not be looked through; it is tried again")
