"""Files a second → the guard of a transfer that also waits for its turn."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from config.lease import Guard

STOP_CHECK = 0.2  # seconds a slow pace sleeps before it looks whether it should stop


class Pace:
    """Lets so many files a second go; 0 lets them all go at once."""

    def __init__(self, rate: float) -> None:
        self._gap = 1 / rate if rate else 0.0
        self._next = time.monotonic()
        self._lock = threading.Lock()

    def take(self, check_stop: Callable[[], None]) -> None:
        """Wait for the turn of one file; `check_stop` raises when we should not go on waiting."""
        if not self._gap:
            return
        with self._lock:
            mine = max(self._next, time.monotonic())
            self._next = mine + self._gap
        while (left := mine - time.monotonic()) > 0:
            check_stop()
            time.sleep(min(left, STOP_CHECK))


class PacedGuard:
    """The guard a transfer sees: it keeps the pace besides."""

    def __init__(self, guard: Guard, pace: Pace) -> None:
        self.fence = guard.fence
        self._guard = guard
        self._pace = pace

    def check(self, label: str) -> None:
        """Return when the step may be taken; raises LeaseLost."""
        if label.startswith("link"):  # tried first with every file, also with one that is copied then
            self._pace.take(self.check_stop)
        self._guard.check(label)

    def check_stop(self) -> None:
        """Raise Stopped when somebody asked us to stop."""
        self._guard.check_stop()
