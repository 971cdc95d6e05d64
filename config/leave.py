"""Work that disks may keep for ever → leave for each change it makes, until nobody waits for the work any more.

A system call that hangs cannot be taken back, nor can its thread be ended: it goes on whenever its disk answers. So who
waits for such work no longer takes its leave to change anything, in one instant at which no change is under way but on
disks that are silent; what it held elsewhere is free for others then. The same leave tells whoever reads or copies a
large file that they are to stop.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from typing import Final, Protocol

from config.errors import LeaseLost, Stopped

ROWS: Final = b""  # what rows are a change of; every other place is the path of a root, or of a folder below one

BEGUN: Final = "what was begun is finished or undone, at the latest by the next cycle"

LetGo = Callable[[Collection[bytes]], None]


class StopSignal(Protocol):
    """What tells that somebody wants us to stop; a threading.Event is one."""

    def is_set(self) -> bool:
        """Whether to stop at the next safe place."""


class Leave:
    """Leave of one work to change things, which is a part of another one or of none. Thread-safe."""

    def __init__(self, whole: Leave | None = None, stop: StopSignal | None = None) -> None:
        self._whole, self._stop = whole, stop
        self.beside: tuple[bytes, ...] = ()  # roots that are looked at just now and are none of those it is waited for
        self._lock = threading.Lock()
        self._under_way: dict[bytes, int] = {}  # changes, by place
        self._is_over = False
        self._holding: list[tuple[Collection[bytes], LetGo]] = []

    def is_over(self) -> bool:
        """Tell whether nobody waits for this work any more, or for what it is a part of."""
        return self._is_over or (self._whole is not None and self._whole.is_over())

    def check(self) -> None:
        """Raise LeaseLost if nobody waits for this work any more."""
        if self.is_over():
            raise LeaseLost("nobody waits for this any more, since a disk hung; what was begun is settled later")

    def check_stop(self) -> None:
        """Raise Stopped if who does this work, or what it is a part of, is to stop."""
        if self._stop is not None:
            check_signal(self._stop)
        if self._whole is not None:
            self._whole.check_stop()

    def change(self, place: bytes) -> AbstractContextManager[None]:
        """Have a change under way. Raises LeaseLost, before anything is changed, if there is no leave any more."""
        return _Change(self, place)

    def begin(self, place: bytes) -> None:
        """Have one under way until `over`, as `change` does."""
        if self._whole is not None:
            self._whole.begin(place)
        try:
            with self._lock:
                self.check()
                self._under_way[place] = self._under_way.get(place, 0) + 1
        except LeaseLost:
            if self._whole is not None:
                self._whole.over(place)
            raise

    def over(self, place: bytes) -> None:
        """Have a change no longer under way."""
        with self._lock:
            self._under_way[place] -= 1
        if self._whole is not None:
            self._whole.over(place)

    def end(self, silent: Collection[bytes]) -> bool:
        """Take the leave, but not while anything is changed outside these roots; return whether it is taken.

        That of a part whose whole has none any more is not: the locks of the whole wait until the part is out, too.
        """
        if self._whole is not None and self._whole.is_over():
            return False
        with self._lock:
            under_way = [place for place, changes in self._under_way.items() if changes]
            self._is_over = all(any(_is_in(place, root) for root in silent) for place in under_way)
            return self._is_over

    def holding(self, roots: Collection[bytes], let_go: LetGo) -> None:
        """Say which roots the work holds, and how to let go of some of them."""
        self._holding.append((roots, let_go))
        if self._whole is not None:
            self._whole.holding(roots, let_go)

    def let_go(self, is_free: Callable[[bytes], bool]) -> None:
        """Let go of the roots that are free to go, for a work whose leave was taken."""
        for roots, let_go in self._holding:
            let_go([root for root in roots if is_free(root)])


class _Change:
    """What stands around a change, of which each file has several: a generator would take four times as long."""

    __slots__ = ("_leave", "_place")

    def __init__(self, leave: Leave, place: bytes) -> None:
        self._leave, self._place = leave, place

    def __enter__(self) -> None:
        self._leave.begin(self._place)

    def __exit__(self, *_error: object) -> None:
        self._leave.over(self._place)


LEAVE: Final[ContextVar[Leave | None]] = ContextVar("leave", default=None)  # of the work this thread does
GIVEN_UP: Final[list[threading.Event]] = []  # the end of each work that nobody waits for any more
_FOR_EVER: Final = nullcontext()


def changing(place: bytes) -> AbstractContextManager[None]:
    """Return what stands around each change of a place. Raises LeaseLost as `Leave.change` does."""
    leave = LEAVE.get()
    return _FOR_EVER if leave is None else leave.change(place)


def is_over() -> bool:
    """Tell whether nobody waits for what this thread does any more."""
    leave = LEAVE.get()
    return leave is not None and leave.is_over()


def check() -> None:
    """Raise LeaseLost if nobody waits for what this thread does any more."""
    if (leave := LEAVE.get()) is not None:
        leave.check()


def check_stop() -> None:
    """Raise Stopped if who does what this thread does is to stop; asked of each block of a file that may be large."""
    if (leave := LEAVE.get()) is not None:
        leave.check_stop()


@contextmanager
def asking(stop: StopSignal) -> Iterator[None]:
    """Let this thread ask a signal, too, whether to stop in the middle of a large file."""
    before = LEAVE.set(Leave(LEAVE.get(), stop))
    try:
        yield
    finally:
        LEAVE.reset(before)


def check_signal(stop: StopSignal, then: str = BEGUN) -> None:
    """Raise Stopped if somebody wants us to stop; it says why, if the signal does, and what comes of that."""
    if stop.is_set():
        why = getattr(stop, "why", "stopped on request")
        raise Stopped(f"{why}; {then}")


def is_kept() -> bool:
    """Tell whether a disk keeps a thread of this process, which would keep the process."""
    return not all(over.is_set() for over in GIVEN_UP)


def _is_in(place: bytes, root: bytes) -> bool:
    return place == root or place.startswith(root + b"/")
