"""What a running job may ask of the engine: whether to go on, or to wait."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Final

from config.database import Database
from config.errors import LeaseLost, Stopped
from workflow.engine.failure import Cancelled
from workflow.engine.job import Job

LOOK: Final = 0.2  # seconds between two looks while waiting


class Context:
    """Given to a phase with its job. Thread-safe; the worker sets what the job is to learn."""

    def __init__(self, database: Database, data_dir: Path, job: Job, stop: threading.Event) -> None:
        self.database = database
        self.data_dir = data_dir  # of this host, or one that all hosts share
        self.job = job
        self._stop = stop
        self._cancelled = threading.Event()
        self._lost = threading.Event()

    def check(self) -> None:
        """Return when the job may go on; call it wherever nothing is half done.

        Raises Stopped when the worker is asked to stop, Cancelled, and LeaseLost when another worker has the job.
        """
        if self._lost.is_set():
            raise LeaseLost(f"job {self.job.id} was given to another worker; this one stops")
        if self._cancelled.is_set():
            raise Cancelled(f"job {self.job.id} was cancelled")
        if self._stop.is_set():
            raise Stopped("the worker is asked to stop; the job goes on later")

    def is_set(self) -> bool:
        """Whether `check` would raise; by this name a lock asks it."""
        return self._stop.is_set() or self._cancelled.is_set() or self._lost.is_set()

    def wait(self, seconds: float) -> None:
        """Wait, but raise as `check` does meanwhile."""
        while seconds > 0:
            self.check()
            self._stop.wait(min(seconds, LOOK))
            seconds -= LOOK
        self.check()

    @property
    def is_cancelled(self) -> bool:
        """Whether somebody cancelled the job, and it may have learned so."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Let the job learn that somebody cancelled it."""
        self._cancelled.set()

    def lose(self) -> None:
        """Let the job learn that it is not ours any more."""
        self._lost.set()
