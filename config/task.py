"""Work → done in a thread of its own, for whoever waits for it, or does so no longer."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Generic, TypeVar

from config.errors import Retryable
from config.leave import LEAVE, Leave

T = TypeVar("T")


class Task(Generic[T]):
    """Work that has begun; what it raises is for whoever asks for its result. Raises Retryable if it cannot begin."""

    def __init__(self, work: Callable[[], T], leave: Leave | None = None) -> None:
        self.over = threading.Event()
        self._work, self._leave = work, leave
        self._came: list[T] = []
        self._error: BaseException | None = None
        told = contextvars.copy_context()  # the log goes on to say whose work it is
        start(threading.Thread(target=told.run, args=(self._run,), name="work", daemon=True))

    def result(self) -> T:
        """Return what it returned, or raise what it raised."""
        if self._error is not None:
            raise self._error
        return self._came[0]

    def _run(self) -> None:
        LEAVE.set(self._leave)
        with self:
            self._came.append(self._work())

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> bool:
        self._error = error
        self.over.set()
        return True


def start(thread: threading.Thread) -> None:
    """Start a thread. Raises Retryable where none can be had."""
    try:
        thread.start()
    except RuntimeError as error:  # there are as many as the system allows
        raise Retryable(f"nothing was begun: {error}", code="no_thread") from error
