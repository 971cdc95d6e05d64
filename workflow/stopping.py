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
        return self._stop.is_set() or (self._ends is not None and boottime() > self._ends) or leave.is_over()

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than until it is set."""
        while seconds > 0 and not self.is_set():
            self._stop.wait(min(seconds, LOOK))
            seconds -= LOOK
