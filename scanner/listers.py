"""Folders a large walk has before it → those below them as well, listed by other processes meanwhile."""

from __future__ import annotations

import marshal
import os
import select
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from config.reasons import Reason
from scanner.ignore import IgnoreRules
from scanner.walk import Folder, Waiting, list_folder

if TYPE_CHECKING:
    from scanner.tags.forkserver import ForkServer

SAMPLE = 0.01  # seconds of listing that tell how long the rest will take, if it is known how large a tree was
WORTH = 0.2  # seconds of listing that are left when others are asked to help: more than twice what starting them takes
HANDED_OVER = 32  # folders at a time, at most
ANSWERED = 256  # folders in one answer, at most, and unless it took
PROMPTLY = 0.2  # seconds
CHECK_EVERY = 1.0  # seconds in which a disk does not answer
PREFIX = 8  # bytes of a length
NO_RULES = IgnoreRules()


class Listers:
    """Up to `count` child processes that list what is below `root`, started once a walk turns out to be long.

    A context manager; enter and use it in one thread, because they die with that. `check` is called while nothing
    comes from them, and may raise. Whoever of them dies leaves its folders to the others and to the walk, which gives
    none away before somebody is there to take them. `known` is how many folders the tree had when it was last walked.
    """

    def __init__(
        self, root: bytes, count: int, check: Callable[[], None], *, known: int = 0, worth: float = WORTH
    ) -> None:
        self._root, self._count, self._check, self._known, self._worth = root, count, check, known, worth
        self._alone = 0  # folders that the walk listed before they were started
        self._server: ForkServer | None = None
        self._idle: list[_Lister] = []
        self._busy: dict[int, _Lister] = {}  # by the descriptor its answer comes from
        self._answers = select.poll()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        for lister in (*self._idle, *self._busy.values()):
            lister.close()
        if self._server:
            self._server.close()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._count > 0

    def share(self, waiting: Waiting, seconds: float) -> Iterator[Folder]:
        """Take folders off the front of `waiting`, yield some that are listed, put those below them into `waiting`.

        All were yielded once `waiting` is empty afterwards. `seconds` is how long the walk has been listing by itself.
        """
        if not self._server:
            self._alone += 1
            if not (waiting and self._count and self._is_worth_it(seconds)):
                return
            self._start()
        while True:
            self._hand_over(waiting)
            if not (waiting or any(lister.asked for lister in self._busy.values())):
                return
            for fd, _ in self._answers.poll(0 if waiting else CHECK_EVERY * 1000):
                yield from self._hear(fd, waiting)
            if waiting:
                return
            self._check()

    def _is_worth_it(self, seconds: float) -> bool:
        """Tell whether so much is left that they are of use; what nobody knows takes as long again as it did so far."""
        return seconds >= min(SAMPLE, self._worth) and seconds * max(1, self._known / self._alone - 1) >= self._worth

    def _start(self) -> None:
        from scanner.tags.forkserver import ForkServer

        try:
            self._server = ForkServer(self._count, "scanner.listers")
        except OSError:  # this machine has nothing left; it does not take them
            self._count = 0
            return
        for _ in range(self._count):
            self._ask(_Lister(self._server, self._root), [])  # which it answers once it is there

    def _hand_over(self, waiting: Waiting) -> None:
        """Give every one that is idle its share; folders with patterns of their own are the walk's."""
        while self._idle and waiting:
            share = min(HANDED_OVER, 1 + len(waiting) // (4 * self._count))
            asked: list[bytes] = []
            while len(asked) < share and waiting and not waiting[0][1].present:
                asked.append(waiting.popleft()[0])
            if not asked:
                return
            self._ask(self._idle.pop(), asked)

    def _ask(self, lister: _Lister, folders: list[bytes]) -> None:
        lister.ask(folders)
        self._busy[lister.answers.fileno()] = lister
        self._answers.register(lister.answers, select.POLLIN)

    def _hear(self, fd: int, waiting: Waiting) -> Iterator[Folder]:
        """Yield what one has listed, and let it have more; if it died, its share waits again."""
        self._answers.unregister(fd)
        lister = self._busy.pop(fd)
        try:
            folders, below, apart = lister.answer()
        except EOFError:
            lister.close()
            waiting.extendleft((path, NO_RULES) for path in lister.asked)
            return
        self._idle.append(lister)
        waiting.extendleft((path, NO_RULES) for path in below)
        self._hand_over(waiting)  # before whoever gets the folders takes his time
        waiting.extend((path, NO_RULES) for path in apart)
        for path, packed, devices, digest, ignored in folders:
            yield Folder(path, packed, devices, digest, [Reason(*reason) for reason in ignored])


class _Lister:
    """One of them, with the pipes to it. One question at a time, so that neither side waits for room in a pipe."""

    def __init__(self, server: ForkServer, root: bytes) -> None:
        _, tasks, answers = server.fork()
        for fd in (tasks, answers):
            os.set_blocking(fd, True)
        self.answers, self._tasks = os.fdopen(answers, "rb"), os.fdopen(tasks, "wb")
        self.asked: list[bytes] = []
        self._root = root

    def ask(self, folders: list[bytes]) -> None:
        """Let it list these folders, and what is below them as far as it gets."""
        self.asked = folders
        with suppress(BrokenPipeError):  # a dead one shows when we read
            _send(self._tasks, (self._root, folders))

    def answer(self) -> Any:
        """Return what `list_some` has returned there. Raises EOFError if it died."""
        return _receive(self.answers)

    def close(self) -> None:
        """Close the pipes; it ends with its server."""
        self.answers.close()
        with suppress(BrokenPipeError):
            self._tasks.close()


def serve(tasks: int, answers: int) -> None:
    """Answer each question; what a worker does once it is limited."""
    over = suppress(EOFError, BrokenPipeError, MemoryError)  # without us the walk goes on, or it is over
    with over, os.fdopen(tasks, "rb") as questions, os.fdopen(answers, "wb") as replies:
        while True:
            _send(replies, list_some(*_receive(questions)))


def _send(file: BinaryIO, message: Any) -> None:
    body = marshal.dumps(message)
    file.write(len(body).to_bytes(PREFIX, "big") + body)
    file.flush()


def _receive(file: BinaryIO) -> Any:
    """Return a message; nobody but us can have sent it, because a lister opens no music that could take it over."""
    length = int.from_bytes(file.read(PREFIX), "big")
    return marshal.loads(file.read(length))  # noqa: S302 - see above


def list_some(root: bytes, waiting: list[bytes]) -> tuple[list[tuple[Any, ...]], list[bytes], list[bytes]]:
    """List folders, and those below, until it is time to answer.

    Return them as plain tuples, the paths that are left, and the paths of those whose own patterns hold below them.
    """
    listed: list[tuple[Any, ...]] = []
    apart: list[bytes] = []
    end = time.monotonic() + PROMPTLY
    while waiting and len(listed) < ANSWERED and time.monotonic() < end:
        path = waiting.pop()
        folder, below = list_folder(root, path, NO_RULES)
        if below and below[0][1].present:
            apart.append(path)
            continue
        waiting.extend(name for name, _ in below)
        if folder:
            listed.append((*folder[:-1], [tuple(reason) for reason in folder.ignored]))
    return listed, waiting, apart
