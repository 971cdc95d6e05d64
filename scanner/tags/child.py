"""One child process that reads tags → its answers, and what it still owes."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterator

from scanner.tags import wire
from scanner.tags.forkserver import ForkServer
from scanner.tags.wire import Answer, Batch, File

START_LIMIT = 30.0  # seconds a start may take on a busy machine
_READ_SIZE = 1 << 20  # bytes


class Child:
    """A worker with its pipes, which never block, and the batches it has not answered."""

    def __init__(self, server: ForkServer) -> None:
        self._server = server
        self._number, self.tasks, self.answers = server.fork()
        self.ready = False
        self.watched = False
        self.heard = time.monotonic()
        self.outgoing = bytearray()
        self.incoming = bytearray()
        self.batches: deque[_Asked] = deque()  # those that are not answered

    def give(self, batch: Batch) -> None:
        """Queue one batch."""
        if not self.batches:
            self.heard = time.monotonic()
        self.batches.append(_Asked(batch))
        self.outgoing += wire.batch_frame(batch)
        self.push()

    def deadline(self, wall_limit: float) -> float:
        """Return until when we wait for a sign of life; a start may take its time on a busy machine."""
        return self.heard + (wall_limit if self.ready else max(wall_limit, START_LIMIT))

    def push(self) -> None:
        """Write as much as the pipe takes."""
        with contextlib.suppress(BlockingIOError, BrokenPipeError):  # a dead child shows when we read
            while self.outgoing:
                del self.outgoing[: os.write(self.tasks, self.outgoing)]

    def pull(self) -> Iterator[Answer]:
        """Read what is there. Raises EOFError when the child is gone, BadFrameError when it speaks nonsense."""
        with contextlib.suppress(BlockingIOError):
            received = os.read(self.answers, _READ_SIZE)
            if not received:
                raise EOFError
            self.incoming += received
        self.heard = time.monotonic()
        for body in wire.take_frames(self.incoming):
            if self.ready:
                answer = wire.answer_of(body)
                self._tick_off(answer.tokens())
                yield answer
            self.ready = True

    def _tick_off(self, tokens: list[int]) -> None:
        """Note what was answered; answers come in the order of the batch."""
        if not self.batches or not tokens or self.batches[0].tokens[: len(tokens)] != tokens:
            raise wire.BadFrameError("an answer nobody asked for")
        del self.batches[0].tokens[: len(tokens)]
        if not self.batches[0].tokens:
            self.batches.popleft()

    def culprit(self) -> int | None:
        """Return the token of the file the process was reading, if that is certain."""
        return self.batches[0].tokens[0] if self.batches and len(self.batches[0].tokens) == 1 else None

    def left(self) -> list[tuple[bytes, File]]:
        """Return everything that was not answered, each file with its folder."""
        return [one for asked in self.batches for one in asked.left()]

    def end(self, *, wait: bool) -> int:
        """Close the pipes, kill the process unless it is dying by itself, and return its status."""
        os.close(self.tasks)
        os.close(self.answers)
        return self._server.end(self._number, wait=wait)


class _Asked:
    """A batch that was given, and the tokens of it that were not answered."""

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self.tokens = [file[0] for _, files in batch for file in files]

    def left(self) -> Iterator[tuple[bytes, File]]:
        tokens = set(self.tokens)
        return ((folder, file) for folder, files in self._batch for file in files if file[0] in tokens)
