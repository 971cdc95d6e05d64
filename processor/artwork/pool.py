"""Tasks about pictures → their answers, by a few limited processes that come with the first task and go when idle."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from functools import cache
from typing import Any, Final

from config.errors import Rejected
from processor.artwork.readers import Asked, PictureReaderUnavailable, Readers
from processor.artwork.wire import Task

AHEAD: Final = 64  # tasks `each` takes from its iterator before it waits for the first answer
WALL_LIMIT: Final = 30.0  # seconds for one task
IDLE: Final = 20.0  # seconds without a task after which the processes end


class PicturePool:
    """Up to `workers` processes. Thread-safe; `close` is for tests and for who wants them gone at once."""

    def __init__(self, workers: int, *, wall_limit: float = WALL_LIMIT, idle: float = IDLE) -> None:
        self._workers, self._wall_limit, self._idle = max(1, workers), wall_limit, idle
        self._lock = threading.Lock()
        self._waiting: deque[Asked] = deque()
        self._thread: threading.Thread | None = None
        self._closing = False
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)

    def submit(self, task: Task) -> Future[Any]:
        """Have a task done; see `wire.Task` for what comes of it.

        The future raises Rejected with the reason where nothing can be made of the file, one of DEADLY where a process
        died of it, and PictureReaderUnavailable when no process can be started.
        """
        asked = Asked(task)
        with self._lock:
            self._waiting.append(asked)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="pictures", daemon=True)
                self._thread.start()
        os.eventfd_write(self._wake, 1)
        return asked.future

    def ask(self, task: Task) -> Any:
        """Have one task done, and wait for it; raises as its future would."""
        return self.submit(task).result()

    def each(self, tasks: Iterable[Task]) -> Iterator[tuple[Task, Any]]:
        """Have many tasks done; yield each with its answer, or the Rejected that says why not, in their order."""
        ahead: deque[tuple[Task, Future[Any]]] = deque()
        for task in tasks:
            ahead.append((task, self.submit(task)))
            if len(ahead) > AHEAD:
                yield _outcome(*ahead.popleft())
        while ahead:
            yield _outcome(*ahead.popleft())

    def close(self) -> None:
        """Wait for what was asked, and end the processes."""
        with self._lock:
            self._closing, thread = True, self._thread
        os.eventfd_write(self._wake, 1)
        if thread:
            thread.join()
        self._closing = False

    def _run(self) -> None:
        """Be the thread that has the processes: they die with it."""
        with Readers(self._workers, self._wall_limit, self._wake) as readers:
            try:
                while not self._is_over(readers):
                    with self._lock:
                        readers.feed(self._waiting)
                    readers.turn(self._idle)
            except OSError as error:  # no process, no pipe, no memory for them
                self._give_up(readers, f"no process that looks at pictures could be started: {error.strerror}")
            except BaseException:  # nobody may wait for an answer that never comes
                self._give_up(readers, "the thread that has the processes that look at pictures ended")
                raise

    def _is_over(self, readers: Readers) -> bool:
        with self._lock:
            if self._waiting or readers.are_busy or not (self._closing or readers.idle_for > self._idle):
                return False
            self._thread = None
            return True

    def _give_up(self, readers: Readers, message: str) -> None:
        with self._lock:
            self._thread = None
            left = [*readers.take_back(), *self._waiting]
            self._waiting.clear()
        for asked in left:
            asked.future.set_exception(PictureReaderUnavailable(message))


@cache
def shared() -> PicturePool:
    """Return the pool of this process."""
    return PicturePool(min(4, os.cpu_count() or 1))


def _outcome(task: Task, future: Future[Any]) -> tuple[Task, Any]:
    try:
        return task, future.result()
    except Rejected as rejected:
        return task, rejected
