"""A wish to stop and a time that is used up → one thing to ask and to wait for."""

from __future__ import annotations

import threading
from typing import Final

from config import leave
from config.machine import boottime

LOOK: Final = 2.0  # seconds between two looks while waiting


class StopOrTimeout:
    """Set when the process was asked to stop, when the cycle has used up its time, or nobody waits for it any more."""

    def __init__(self, stop: threading.Event, timeout_minutes: int = 0) -> None:
        self._stop = stop
        self._ends = boottime() + timeout_minutes * 60 if timeout_minutes else None

    def is_set(self) -> bool:
        """Whether to stop at the next safe place."""
        return self._stop.is_set() or self._is_late() or leave.is_over()

    @property
    def why(self) -> str:
        """What it is set for, as a Stopped says it."""
        if self._stop.is_set() or not self._is_late():
            return "stopped on request"
        return "stopped because the time of a cycle is used up, which staging_scan.timeout_minutes sets"

    def _is_late(self) -> bool:
        return self._ends is not None and boottime() > self._ends

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until it is set."""
        while seconds > 0 and not self.is_set():
            self._stop.wait(min(seconds, LOOK))
            seconds -= LOOK
