"""Folders with file names → identity and reading of every file, by a few limited child processes."""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from config.errors import Retryable
from scanner.identity import Identity
from scanner.tags import wire
from scanner.tags.read import Reading

BATCH = 128  # files a frame
IN_FLIGHT = 2  # batches a worker has, so that it never waits for us
WALL_LIMIT = 30.0  # seconds without a sign of life; a worker gives one every second between two files
_PIPE_SIZE = 1 << 20  # bytes
_F_SETPIPE_SZ = 1031  # fcntl(2)
_ENVIRONMENT = ("LD_LIBRARY_PATH", "LANG", "LC_ALL")  # no password may reach a process that reads hostile files
_PACKAGE = Path(__file__).parents[2]


class ReaderUnavailableError(Retryable):
    """A worker died before it could do anything: the fault is ours or the machine's, not a file's."""

    code = "tag_reader_unavailable"


class Task(NamedTuple):
    """Files of one folder, to be read in any order."""

    folder: bytes  # absolute
    names: list[tuple[int, bytes]]  # the caller's token, and the name in the folder


class Result(NamedTuple):
    """One file. `identity` is that of the descriptor the tags were read from; None if it could not be opened."""

    token: int
    identity: Identity | None
    reading: Reading


Batch = list[tuple[str, list[tuple[int, str]]]]


class TagPool:
    """A context manager around `workers` child processes. Enter and use it in one thread: they die with that thread."""

    def __init__(self, workers: int, *, wall_limit: float = WALL_LIMIT) -> None:
        self._count = max(1, workers)
        self._wall_limit = wall_limit
        self._workers: list[_Worker] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> TagPool:
        for _ in range(self._count):
            self._start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill and reap every child; safe to call twice."""
        while self._workers:
            self._stop(self._workers[-1])
        self._selector.close()

    def map(self, tasks: Iterable[Task]) -> Generator[Result, None, None]:
        """Read every file of every task and yield the results as they come; close it to stop early.

        Every token is answered exactly once. Raises ReaderUnavailableError when no worker can be started.
        """
        batches = _batches(tasks)
        again: deque[Batch] = deque()  # what a worker left behind, file by file
        try:
            while self._feed(batches, again):
                yield from self._turn(again)
        finally:  # a caller that stops early leaves answers behind that belong to nobody
            for worker in [worker for worker in self._workers if worker.batches]:
                self._stop(worker)
                self._start()

    def _feed(self, batches: Iterator[Batch], again: deque[Batch]) -> bool:
        """Keep every worker busy; return whether anything is left to wait for."""
        for worker in self._workers:
            while len(worker.batches) < IN_FLIGHT:
                batch = again.popleft() if again else next(batches, None)
                if batch is None:
                    break
                worker.give(batch)
            self._watch(worker)
        return any(worker.batches for worker in self._workers)

    def _turn(self, again: deque[Batch]) -> Iterator[Result]:
        """Wait for the workers once and yield what they say; replace those that died or hang."""
        nearest = min(worker.deadline(self._wall_limit) for worker in self._workers if worker.batches)
        for key, events in self._selector.select(max(0.0, nearest - time.monotonic())):
            worker: _Worker = key.data
            if worker not in self._workers:  # replaced since
                continue
            try:
                if events & selectors.EVENT_WRITE:
                    worker.push()
                if events & selectors.EVENT_READ:
                    yield from worker.pull()
            except (OSError, wire.BadFrameError, EOFError):
                yield from self._replace(worker, again, None)
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.batches and now > worker.deadline(self._wall_limit):
                yield from self._replace(worker, again, "reader_timeout")

    def _replace(self, worker: _Worker, again: deque[Batch], code: str | None) -> Iterator[Result]:
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
            yield Result(culprit, None, Reading(None, _why(code, status), False, "mutagen"))
        again.extend([(folder, [(token, name)])] for folder, token, name in left if token != culprit)

    def _start(self) -> None:
        worker = _Worker()
        self._workers.append(worker)
        self._selector.register(worker.answers, selectors.EVENT_READ, worker)

    def _watch(self, worker: _Worker) -> None:
        """Ask the selector for the worker's input only while there is something to write."""
        if worker.outgoing and not worker.watched:
            self._selector.register(worker.tasks, selectors.EVENT_WRITE, worker)
        elif worker.watched and not worker.outgoing:
            self._selector.unregister(worker.tasks)
        worker.watched = bool(worker.outgoing)

    def _stop(self, worker: _Worker, *, wait: bool = False) -> int:
        self._workers.remove(worker)
        self._selector.unregister(worker.answers)
        if worker.watched:
            self._selector.unregister(worker.tasks)
        return worker.end(wait)


class _Worker:
    """One child process, and what it still owes us."""

    def __init__(self) -> None:
        found = find_spec("mutagen")
        mutagen = Path(found.origin).parents[1] if found and found.origin else _PACKAGE
        script = _PACKAGE / "scanner" / "tags" / "worker.py"
        self.process = subprocess.Popen(
            [sys.executable, "-I", "-S", os.fspath(script), os.fspath(_PACKAGE), os.fspath(mutagen), str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            cwd="/",
            env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ},
        )
        assert self.process.stdin
        assert self.process.stdout
        self.tasks, self.answers = self.process.stdin.fileno(), self.process.stdout.fileno()
        for fd in (self.tasks, self.answers):
            os.set_blocking(fd, False)
            _enlarge(fd)
        self.ready = False
        self.watched = False
        self.heard = time.monotonic()
        self.outgoing = bytearray()
        self.incoming = bytearray()
        self.batches: deque[dict[int, tuple[str, str]]] = deque()  # token → folder and name, of what is not answered

    def give(self, batch: Batch) -> None:
        """Queue one batch."""
        if not self.batches:
            self.heard = time.monotonic()
        self.batches.append({token: (folder, name) for folder, names in batch for token, name in names})
        self.outgoing += wire.frame(batch)
        self.push()

    def deadline(self, wall_limit: float) -> float:
        """Return until when we wait for a sign of life; a start may take its time on a busy machine."""
        return self.heard + (wall_limit if self.ready else max(wall_limit, WALL_LIMIT))

    def push(self) -> None:
        """Write as much as the pipe takes."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # a dead child shows when we read
            while self.outgoing:
                del self.outgoing[: os.write(self.tasks, self.outgoing)]

    def pull(self) -> Iterator[Result]:
        """Read what is there. Raises EOFError when the child is gone, BadFrameError when it speaks nonsense."""
        with contextlib.suppress(BlockingIOError):
            received = os.read(self.answers, _PIPE_SIZE)
            if not received:
                raise EOFError
            self.incoming += received
        self.heard = time.monotonic()
        for message in wire.take_frames(self.incoming):
            if message == "ready":
                self.ready = True
            elif not message:
                self._finish_batch()
            else:
                yield from self._results(message)

    def _results(self, rows: Any) -> Iterator[Result]:
        for row in rows:
            result = Result(*wire.from_row(row))
            if not self.batches or self.batches[0].pop(result.token, None) is None:
                raise wire.BadFrameError("an answer nobody asked for")
            yield result

    def _finish_batch(self) -> None:
        if not self.batches or self.batches[0]:
            raise wire.BadFrameError("a batch that ends too early")
        self.batches.popleft()

    def culprit(self) -> int | None:
        """Return the token of the file the process was reading, if that is certain."""
        return next(iter(self.batches[0])) if self.batches and len(self.batches[0]) == 1 else None

    def left(self) -> list[tuple[str, int, str]]:
        """Return folder, token and name of everything that was not answered."""
        return [(folder, token, name) for batch in self.batches for token, (folder, name) in batch.items()]

    def end(self, wait: bool) -> int:
        """Close the pipes, kill the process unless it is dying by itself, reap it, and return its status."""
        assert self.process.stdin
        assert self.process.stdout
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        if wait:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return self.process.wait(timeout=1)
        self.process.kill()
        return self.process.wait()


def _batches(tasks: Iterable[Task]) -> Iterator[Batch]:
    """Fill batches of `BATCH` files from small and large folders."""
    batch: Batch = []
    room = BATCH
    for folder, names in tasks:
        place = wire.name_to_text(folder)
        start = 0
        while start < len(names):
            part = names[start : start + room]
            batch.append((place, [(token, wire.name_to_text(name)) for token, name in part]))
            start += len(part)
            room -= len(part)
            if not room:
                yield batch
                batch, room = [], BATCH
    if batch:
        yield batch


def _why(code: str | None, status: int) -> tuple[str, str]:
    """Return the reason for a file on which a worker died."""
    if code == "reader_timeout" or status == -signal.SIGXCPU:
        return "reader_timeout", "Reading its tags took longer than one file may take."
    if status == -signal.SIGKILL:
        return (
            "reader_out_of_memory",
            "The system killed the process that read its tags; usually memory ran out.",
        )
    return "reader_crashed", f"The process that read its tags ended unexpectedly (status {status})."


def _enlarge(fd: int) -> None:
    import fcntl

    with contextlib.suppress(OSError):  # an ordinary user may be over his share; it is only faster
        fcntl.fcntl(fd, _F_SETPIPE_SZ, _PIPE_SIZE)
