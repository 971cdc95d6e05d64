"""Limited processes that look at pictures → tasks given to them, answers taken, those that die or hang replaced."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import time
from collections import deque
from concurrent.futures import Future
from typing import Any, Final

from config.errors import GreenroomError, Rejected, Retryable
from processor.artwork import wire
from processor.artwork.wire import Task
from scanner.tags.forkserver import ForkServer
from scanner.tags.wire import BadFrameError, take_frames

IN_FLIGHT: Final = 2  # tasks a process has, so that it never waits for us
START_LIMIT: Final = 60.0  # seconds a start may take on a busy machine
DEADLY: Final = frozenset({"reader_killed", "reader_crashed", "reader_timeout", "reader_cpu_limit"})
_READ_SIZE: Final = 1 << 20  # bytes


class PictureReaderUnavailable(Retryable):
    """A process died before it could do anything: the fault is ours or the machine's, not a picture's."""

    code = "picture_reader_unavailable"


class Asked:
    """A task, and where its answer goes."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.future: Future[Any] = Future()


class Readers:
    """The processes of one run of the thread."""

    def __init__(self, count: int, wall_limit: float, wake: int) -> None:
        self._count, self._wall_limit, self._wake = count, wall_limit, wake
        self._servers: list[ForkServer] = []
        self._readers: list[_Reader] = []
        self._homeless: deque[Asked] = deque()  # what a process that died had not begun
        self._used = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._selector.register(wake, selectors.EVENT_READ)

    def __enter__(self) -> Readers:
        return self

    def __exit__(self, *_: object) -> None:
        for reader in list(self._readers):
            self._stop(reader)
        for server in self._servers:
            server.close()
        self._selector.close()

    @property
    def are_busy(self) -> bool:
        return any(reader.asked for reader in self._readers)

    @property
    def idle_for(self) -> float:
        return time.monotonic() - self._used

    def take_back(self) -> list[Asked]:
        """Return everything that was not answered."""
        return [*self._homeless, *(asked for reader in self._readers for asked in reader.asked)]

    def feed(self, waiting: deque[Asked]) -> None:
        """Give every process what it can take, the least busy first; start one while all have enough."""
        while waiting:
            reader = min(self._readers, key=lambda one: len(one.asked), default=None)
            if (reader is None or reader.asked) and len(self._readers) < self._count:
                reader = self._start()
            assert reader is not None
            if len(reader.asked) >= IN_FLIGHT:
                return
            reader.give(waiting.popleft())

    def turn(self, idle: float) -> None:
        """Wait once for answers, or for something to do; replace the processes that died or hang."""
        limits = [reader.deadline(self._wall_limit) for reader in self._readers if reader.asked]
        timeout = min(limits) - time.monotonic() if limits else idle
        for key, _ in self._selector.select(max(0.0, timeout) + 0.001):
            if key.fd == self._wake:
                os.eventfd_read(self._wake)
                self._used = time.monotonic()
                continue
            reader: _Reader = key.data
            self._used = time.monotonic()
            try:
                reader.pull()
            except (OSError, BadFrameError, EOFError):
                self._bury(reader, None)
        for reader in list(self._readers):
            if reader.asked and time.monotonic() > reader.deadline(self._wall_limit):
                self._bury(reader, "reader_timeout")

    def _bury(self, reader: _Reader, code: str | None) -> None:
        """Reap a process: of its tasks the first is the culprit, another goes to a fresh process."""
        status = self._stop(reader, wait=code is None)
        if reader.ready and reader.asked:
            reader.asked.popleft().future.set_exception(_why(code, status))
        if reader.ready:
            self._homeless += reader.asked
            reader.asked.clear()
        while self._homeless:
            self._start().give(self._homeless.popleft())
        for asked in reader.asked:
            message = f"a process that looks at pictures ended before it was ready (status {status})"
            asked.future.set_exception(PictureReaderUnavailable(f"{message}; look at the memory this machine has"))

    def _start(self) -> _Reader:
        if not self._servers or self._servers[-1].is_spent:
            self._servers.append(ForkServer(self._count, "processor.artwork.serve"))
        reader = _Reader(self._servers[-1])
        self._readers.append(reader)
        self._selector.register(reader.answers, selectors.EVENT_READ, reader)
        return reader

    def _stop(self, reader: _Reader, *, wait: bool = False) -> int:
        self._readers.remove(reader)
        self._selector.unregister(reader.answers)
        status = reader.end(wait=wait)
        for server in [server for server in self._servers if server.is_over]:
            self._servers.remove(server)
            server.close()
        return status


class _Reader:
    """One process, its pipes, and the tasks it has not answered."""

    def __init__(self, server: ForkServer) -> None:
        self._server = server
        self._number, self._tasks, self.answers = server.fork()
        self.ready = False
        self.asked: deque[Asked] = deque()
        self._incoming = bytearray()
        self._heard = time.monotonic()

    def give(self, asked: Asked) -> None:
        """Send a task; two of them always fit into a pipe."""
        if not self.asked:
            self._heard = time.monotonic()
        self.asked.append(asked)
        with contextlib.suppress(BrokenPipeError):  # a dead process shows when we read
            os.write(self._tasks, wire.task_frame(asked.task))

    def deadline(self, wall_limit: float) -> float:
        """Return until when an answer has to be there."""
        return self._heard + (wall_limit if self.ready else max(wall_limit, START_LIMIT))

    def pull(self) -> None:
        """Read what is there. Raises EOFError when the process is gone, BadFrameError when it speaks nonsense."""
        received = os.read(self.answers, _READ_SIZE)
        if not received:
            raise EOFError
        self._incoming += received
        for body in take_frames(self._incoming, wire.FRAME_LIMIT):
            self._heard = time.monotonic()
            if not self.ready:
                self.ready = True
            elif not self.asked:
                raise BadFrameError("an answer nobody asked for")
            else:
                found = wire.answer_of(self.asked[0].task.op, body)
                self._settle(self.asked.popleft(), found)

    def _settle(self, asked: Asked, found: Any) -> None:
        if type(found) is tuple:
            code, message = found
            asked.future.set_exception(Rejected(message, code=code, path=asked.task.path))
        else:
            asked.future.set_result(found)

    def end(self, *, wait: bool) -> int:
        """Close the pipes, kill the process unless it is dying by itself, and return its status."""
        os.close(self._tasks)
        os.close(self.answers)
        return self._server.end(self._number, wait=wait)


def _why(code: str | None, status: int) -> GreenroomError:
    """Return the reason for a picture on which a process died."""
    if code == "reader_timeout":
        return Rejected("Looking at it took longer than one picture may take.", code=code)
    if status == -signal.SIGXCPU:
        return Rejected("Looking at it takes more work than one picture may make.", code="reader_cpu_limit")
    if status == -signal.SIGKILL:
        return Rejected("The system killed the process that looked at it, for want of memory.", code="reader_killed")
    return Rejected(f"The process that looked at it ended unexpectedly (status {status}).", code="reader_crashed")
