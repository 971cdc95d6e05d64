"""Folders with file names → a row of every file's reading, by a few limited child processes."""

from __future__ import annotations

import selectors
import signal
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator

from config.errors import Retryable
from scanner.tags import wire
from scanner.tags.child import Child
from scanner.tags.columns import blocks_of, columns_of
from scanner.tags.forkserver import ForkServer
from scanner.tags.wire import BATCH, Answer, Batch, Task

__all__ = ["Answer", "ReaderUnavailableError", "TagPool", "Task"]

IN_FLIGHT = 2  # batches a worker has, so that it never waits for us
AHEAD = 32  # batches that may wait; they are made while no answer is there to be taken
WALL_LIMIT = 30.0  # seconds without a sign of life; a worker gives one every second between two files


class ReaderUnavailableError(Retryable):
    """A worker died before it could do anything: the fault is ours or the machine's, not a file's."""

    code = "tag_reader_unavailable"


class TagPool:
    """A context manager around up to `workers` child processes, started when those before have enough to do.

    Enter and use it in one thread: they die with that thread.
    """

    def __init__(self, workers: int, *, wall_limit: float = WALL_LIMIT) -> None:
        self._count = max(1, workers)
        self._wall_limit = wall_limit
        self._servers: list[ForkServer] = []
        self._workers: list[Child] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> TagPool:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill and reap every child; safe to call twice."""
        while self._workers:
            self._stop(self._workers[-1])
        while self._servers:
            self._servers.pop().close()
        self._selector.close()

    def map(self, tasks: Iterable[Task]) -> Generator[Answer, None, None]:
        """Read every file of every task and yield the answers as they come; close it to stop early.

        Tasks are taken from their iterator as the workers get on, and a few ahead. Every token is answered
        exactly once. Raises ReaderUnavailableError when no worker can be started.
        """
        batches = _batches(tasks)
        # for a worker: what was taken ahead, and what another left behind, file by file
        waiting: deque[Batch] = deque()
        try:
            while self._feed(batches, waiting):
                if self._selector.select(0) or not _take_ahead(batches, waiting):
                    yield from self._turn(waiting)
        finally:  # a caller that stops early leaves answers behind that belong to nobody
            for worker in [worker for worker in self._workers if worker.batches]:
                self._stop(worker)
                self._start()

    def _feed(self, batches: Iterator[Batch], waiting: deque[Batch]) -> bool:
        """Keep every worker busy, and start another while there is more to do; return whether any has something."""
        index = 0
        while index < len(self._workers):
            worker = self._workers[index]
            while len(worker.batches) < IN_FLIGHT:
                batch = waiting.popleft() if waiting else next(batches, None)
                if batch is None:
                    break
                worker.give(batch)
            self._watch(worker)
            index += 1
            if index == len(self._workers) < self._count and len(worker.batches) == IN_FLIGHT:
                self._start()
        return any(worker.batches for worker in self._workers)

    def _turn(self, waiting: deque[Batch]) -> Iterator[Answer]:
        """Wait for the workers once and yield what they say; replace those that died or hang."""
        nearest = min(worker.deadline(self._wall_limit) for worker in self._workers if worker.batches)
        for key, events in self._selector.select(max(0.0, nearest - time.monotonic())):
            worker: Child = key.data
            if worker not in self._workers:  # replaced since
                continue
            try:
                if events & selectors.EVENT_WRITE:
                    worker.push()
                if events & selectors.EVENT_READ:
                    yield from worker.pull()
            except (OSError, wire.BadFrameError, EOFError):
                yield from self._replace(worker, waiting, None)
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.batches and now > worker.deadline(self._wall_limit):
                yield from self._replace(worker, waiting, "reader_timeout")

    def _replace(self, worker: Child, waiting: deque[Batch], code: str | None) -> Iterator[Answer]:
        """Reap a worker and start another; a file that was alone in its batch is the culprit, others are read again."""
        ready, culprit, left = worker.ready, worker.culprit(), worker.left()
        status = self._stop(worker, wait=code is None)
        if not ready:
            raise ReaderUnavailableError(
                f"A process that reads tags ended before it was ready (status {status}). Nothing was changed. "
                "Look at its messages above, and at the memory this machine has left."
            )
        self._start()
        if culprit is not None:
            yield Answer(blocks_of([columns_of(culprit, False, (None, _why(code, status), False, "mutagen"))]), {})
        waiting.extend([(folder, [file])] for folder, file in left if file[0] != culprit)

    def _start(self) -> None:
        if not self._servers or self._servers[-1].is_spent:
            try:
                self._servers.append(ForkServer(self._count))
            except OSError as error:
                message = f"No process that reads tags can be started: {error.strerror}. Nothing was changed. Look at "
                message += "what this machine has left."
                raise ReaderUnavailableError(message) from error
        worker = Child(self._servers[-1])
        self._workers.append(worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)

    def _watch(self, worker: Child) -> None:
        """Ask the selector for the worker's input only while there is something to write."""
        if worker.outgoing and not worker.watched:
            self._selector.register(worker.tasks, selectors.EVENT_WRITE, worker)
        elif worker.watched and not worker.outgoing:
            self._selector.unregister(worker.tasks)
        worker.watched = bool(worker.outgoing)

    def _stop(self, worker: Child, *, wait: bool = False) -> int:
        self._workers.remove(worker)
        self._selector.unregister(worker.answers)
        if worker.watched:
            self._selector.unregister(worker.tasks)
        status = worker.end(wait=wait)
        for server in [server for server in self._servers if server.is_over]:
            self._servers.remove(server)
            server.close()
        return status


def _take_ahead(batches: Iterator[Batch], waiting: deque[Batch]) -> bool:
    """Take one more batch while no worker needs us; return whether there was one, and room for it."""
    batch = next(batches, None) if len(waiting) < AHEAD else None
    if batch is not None:
        waiting.append(batch)
    return batch is not None


def _batches(tasks: Iterable[Task]) -> Iterator[Batch]:
    """Fill batches of `BATCH` files from small and large folders; only one that is larger is torn apart."""
    batch: Batch = []
    room = BATCH
    for folder, files in tasks:
        if batch and room < len(files) <= BATCH:
            yield batch
            batch, room = [], BATCH
        start = 0
        while start < len(files):
            part = files[start : start + room]
            batch.append((folder, part))
            start += len(part)
            room -= len(part)
            if not room:
                yield batch
                batch, room = [], BATCH
    if batch:
        yield batch


def _why(code: str | None, status: int) -> tuple[str, str]:
    """Return the reason for a file on which a worker died."""
    if code == "reader_timeout":
        return code, "Reading its tags took longer than one file may take; the next scan tries again."
    if status == -signal.SIGXCPU:
        return "reader_cpu_limit", "Reading its tags takes more work than one file may make."
    if status == -signal.SIGKILL:
        return "reader_killed", (
            "The system killed the process that read its tags, usually for want of memory; the next scan tries again."
        )
    return "reader_crashed", (
        f"The process that read its tags ended unexpectedly (status {status}); the next scan tries again."
    )
