"""Looks at disks that may be slow or hang → what was seen, now or last; who asks never waits for long.

A call into a filesystem that hangs cannot be given up: its thread stays until the disk answers. So each look has a
thread of its own, one at most for each thing looked at, and who asks takes what was seen last once patience is over.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Final, Generic, NamedTuple, TypeVar

PATIENCE: Final = 0.5  # seconds for which a page waits for all its looks together
MOST: Final = 32  # looks under way at once; a disk that hangs must not eat the threads of a process
REMEMBERED: Final = 1000  # things that were seen, the newest

T = TypeVar("T")


class Seen(NamedTuple, Generic[T]):
    """What came of a look, or of the last one that ended; `late` is for how many seconds the newest has not."""

    value: T | None
    at: dt.datetime | None
    late: float | None = None


class Disks(Generic[T]):
    """Remembers what was seen of each thing asked for; `begin` is how a look gets its thread. Thread-safe."""

    def __init__(self, patience: float = PATIENCE, begin: Callable[[Callable[[], None]], None] | None = None) -> None:
        self._patience, self._start = patience, begin or _in_thread
        self._lock = threading.Lock()
        self._seen: dict[Hashable, Seen[T]] = {}
        self._looks: dict[Hashable, _Look] = {}

    def ask(self, things: Mapping[Hashable, Callable[[], T]]) -> dict[Hashable, Seen[T]]:
        """Look at things, all at once, and return what was seen of each. A look must not raise."""
        looks = {thing: self._begin(thing, look) for thing, look in things.items()}
        until = time.monotonic() + self._patience
        for look in looks.values():
            if look is not None and time.monotonic() - look.began < self._patience:  # else others have waited for it
                look.over.wait(max(0.0, until - time.monotonic()))
        return {thing: self._result(thing, look) for thing, look in looks.items()}

    def _begin(self, thing: Hashable, look: Callable[[], T]) -> _Look | None:
        """Begin a look, unless one is under way; None when there are too many of them."""
        with self._lock:
            known = self._looks.get(thing)
            if known is not None or len(self._looks) >= MOST:
                return known
            made = self._looks[thing] = _Look(time.monotonic(), threading.Event())
        self._start(lambda: self._look(thing, look, made))
        return made

    def _look(self, thing: Hashable, look: Callable[[], T], made: _Look) -> None:
        try:
            seen = Seen(look(), dt.datetime.now(dt.UTC))
            with self._lock:
                self._seen.pop(thing, None)
                self._seen[thing] = seen
                while len(self._seen) > REMEMBERED:
                    del self._seen[next(iter(self._seen))]
        finally:
            with self._lock:
                del self._looks[thing]
            made.over.set()

    def _result(self, thing: Hashable, look: _Look | None) -> Seen[T]:
        with self._lock:
            seen = self._seen.get(thing, Seen(None, None))
        if look is not None and look.over.is_set():
            return seen
        return seen._replace(late=time.monotonic() - look.began if look else 0.0)


def _in_thread(act: Callable[[], None]) -> None:
    threading.Thread(target=act, name="look", daemon=True).start()


class _Look(NamedTuple):
    began: float
    over: threading.Event
