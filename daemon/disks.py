"""Questions to disks that may be slow or hang → what was seen now, or else last; whoever asks never waits long.

A call into a filesystem that hangs cannot be given up: its thread stays until the disk answers. So each look has a
thread of its own, one at most for each thing looked at, and who asks takes what was seen last once patience is over.
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final, Generic, NamedTuple, TypeVar

from config.errors import Busy, GreenroomError, Retryable
from processor.filesystem.system_errors import unexpected

PATIENCE: Final = 0.5  # seconds for which a page waits for all its looks together
WORTH_IT: Final = 20  # times as long waits who asked a program, or another machine, to do something
MOST: Final = 32  # looks under way at once; a disk that hangs must not eat the threads of a process
REMEMBERED: Final = 1000  # things that were seen, the newest
FEW: Final = 4  # of them of a kind, where there may be one for each album
NOT_OVER: Final = "not_over"  # code of what went on by itself after nobody waited any more

T = TypeVar("T")
S = TypeVar("S")


class Seen(NamedTuple, Generic[T]):
    """What the last look that ended has seen; `late` is for how many seconds a newer one has been waiting."""

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

    def ask(self, things: Mapping[Hashable, Callable[[], T]], *, few: bool = False) -> dict[Hashable, Seen[T]]:
        """Look at things, all at once, and return what was seen of each. A look must not raise.

        Of a kind of which there may be any number, `few` are under way at once; a thing's kind is its first part.
        """
        looks = {thing: self._begin(thing, look, few) for thing, look in things.items()}
        until = time.monotonic() + self._patience
        for look in looks.values():
            if look is not None and time.monotonic() - look.began < self._patience:  # else others have waited for it
                look.over.wait(max(0.0, until - time.monotonic()))
        return {thing: self._result(thing, look) for thing, look in looks.items()}

    def see(self: Disks[Any], thing: Hashable, look: Callable[[], S]) -> Seen[S]:
        """Look at one album; return what was seen of it, or what was seen last, with its age.

        Raises what the look raises, and Retryable (`disk_late`) while nothing is known of it.
        """
        return told(self.ask({thing: lambda: raised(look)}, few=True)[thing])

    def do(self: Disks[Any], thing: Hashable, work: Callable[[], S], *, times: int = 1) -> S:
        """Do what may have to wait for a disk or another machine; it goes on by itself when whoever asked has gone.

        Raises what the work raises; Busy while it is being done already, or nothing more can be begun; and Retryable
        (`NOT_OVER`) when patience, or so many times that, is over.
        """

        def mine() -> S | GreenroomError:
            return raised(work)

        begun = self._begin(thing, mine, few=True)
        if begun is None:
            raise Busy("a disk or a machine does not answer, and too many wait for it; nothing was begun")
        if begun.look is not mine:
            raise Busy("something is being done about it already; look again later")
        if not begun.over.wait(times * self._patience):
            raise Retryable("a disk or a machine has not answered yet; what was begun goes on", code=NOT_OVER)
        with self._lock:
            self._seen.pop(thing, None)
        came: Any = begun.came[0]
        if isinstance(came, GreenroomError):
            raise came
        value: S = came
        return value

    def came_of(self, thing: Hashable) -> Seen[T] | None:
        """Return what became of works that `do` did not wait for to the end; those that have ended are told once."""
        with self._lock:
            look = self._looks.get(thing)
            if look is not None:
                return Seen(None, None, time.monotonic() - look.began)
            return self._seen.pop(thing, None)

    def _begin(self, thing: Hashable, look: Callable[[], T], few: bool) -> _Look | None:
        """Begin a look, unless one is under way; None when there are too many of them."""
        with self._lock:
            known = self._looks.get(thing)
            alike = sum(_kind(other) == _kind(thing) for other in self._looks) if few else 0
            if known is not None or len(self._looks) >= MOST or alike >= FEW:
                return known
            made = self._looks[thing] = _Look(time.monotonic(), threading.Event(), look, [])
        try:
            self._start(lambda: self._look(thing, look, made))
        except RuntimeError:  # there are as many threads as the system allows
            with self._lock:
                del self._looks[thing]
            return None
        return made

    def _look(self, thing: Hashable, look: Callable[[], T], made: _Look) -> None:
        try:
            seen = Seen(look(), dt.datetime.now(dt.UTC))
            made.came.append(seen.value)
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


def raised(look: Callable[[], S]) -> S | GreenroomError:
    """Return what a look returns, or the typed error it raises."""
    try:
        return look()
    except GreenroomError as error:
        return error
    except OSError as error:
        return unexpected(error)


def told(seen: Seen[Any]) -> Seen[Any]:
    """Return what was seen. Raises the error a look ended with, and Retryable (`disk_late`) where nothing is known."""
    if seen.value is None or (seen.late is not None and isinstance(seen.value, GreenroomError)):
        raise Retryable(f"its disk has not answered for {seen.late or 0:.0f} s; try again", code="disk_late")
    if isinstance(seen.value, GreenroomError):
        raise seen.value
    return seen


def _kind(thing: Hashable) -> object:
    return thing[0] if isinstance(thing, tuple) else thing


def _in_thread(act: Callable[[], None]) -> None:
    threading.Thread(target=act, name="look", daemon=True).start()


class _Look(NamedTuple):
    began: float
    over: threading.Event
    look: Callable[[], object]
    came: list[object]  # of it, once it is over
