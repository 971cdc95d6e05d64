"""Changes heard in the inbound folder → whether it is time to ask for a cycle earlier than the schedule does."""

from __future__ import annotations

import threading
from collections.abc import Callable

SHORTEST_QUIET = 1.0  # seconds; one copy makes many events, also when quiet_seconds is 0
LONGEST_WAIT = 900.0  # seconds; a folder that never becomes quiet gets its cycle after so long all the same


class Hints:
    """What the watch heard since the last cycle. hear() may be called from any thread; `monotonic` counts seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._first: float | None = None
        self._newest = 0.0

    def hear(self) -> None:
        """Something changed just now."""
        with self._lock:
            self._newest = self._monotonic()
            if self._first is None:
                self._first = self._newest

    def clear(self) -> None:
        """Forget what was heard: a cycle that starts now sees it."""
        with self._lock:
            self._first = None

    def due(self, quiet_seconds: float) -> bool:
        """Whether something changed, and nothing more for `quiet_seconds` (or for too long already)."""
        with self._lock:
            if self._first is None:
                return False
            now = self._monotonic()
            return now - self._newest >= max(quiet_seconds, SHORTEST_QUIET) or now - self._first >= LONGEST_WAIT
