"""Work in a forked child, and a disk → that disk hangs at one of its system calls, until the test wakes it up."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Callable, Collection, Iterable
from types import FrameType
from typing import Any, Final, Literal, NamedTuple, TypeVar

from config.answering import ANSWERS, Answers, Sight, look_at
from config.errors import RootSilent
from config.leave import GIVEN_UP, StopSignal
from tests.faults.cycles import forked

WAIT: Final = 60.0  # seconds until a test that would hang fails instead
REFUSED: Final = 5  # chances of each who waits for work to give it up, after which it is clear that he goes on waiting
NAMING: Final = ("open", "mkdir", "rmdir", "unlink", "link", "rename")  # calls that may change a name when they go on
AT_WORK: Final = ("work", "move")  # what the threads that do such work are called
ON_NO_ROOT: Final = (
    "config.sqlite_sides",  # looks at the file of the database
    "scanner.tags.child",  # reads what a child said, in as many calls as it came in
)
How = Literal["given-up", "waited-for", "done"]
T = TypeVar("T")


class Came(NamedTuple):
    """What came of the work."""

    how: How
    calls: int  # how many system calls it has made
    call: str  # the one that hung


class Child:
    """A process that does the work, and lives until its disk answers again, as the kernel would have it.

    It hangs `at` one of its calls, by number from 1, or at the first one that a function makes, by that one's name.
    """

    def __init__(self, work: Callable[[], object], silent: Collection[bytes], at: int | str) -> None:
        heard, told = os.pipe()
        may_end, end = os.pipe()

        def be() -> None:
            os.close(heard)
            os.close(end)
            _Disk(silent, at, told, may_end).meet(work)

        self._pid = forked(be)
        os.close(told)
        os.close(may_end)
        self._end = end
        with os.fdopen(heard, "r") as lines:
            how, calls, call = lines.readline().split()
        self.came = Came(how, int(calls), call)  # type: ignore[arg-type]

    def wake_up(self) -> int:
        """Let the disk answer, the work end, and the process with it; return how that ended."""
        os.close(self._end)
        _, status = os.waitpid(self._pid, 0)
        return os.waitstatus_to_exitcode(status)


class _Disk:
    """What hangs, in the child; the process has no other purpose, so nothing is put back."""

    def __init__(self, silent: Collection[bytes], at: int | str, told: int, may_end: int) -> None:
        self._silent, self._at, self._told, self._may_end = silent, at, told, may_end
        self._lock = threading.Lock()
        self._hung, self._may_answer = threading.Event(), threading.Event()
        self._calls, self._call = 0, "none"
        self._refused: dict[int, int] = {}  # chances since the disk hung, by the thread that waits for work
        self._is_given_up = False

    def meet(self, work: Callable[[], object]) -> None:
        """Do the work; never returns."""
        GIVEN_UP.clear()
        ANSWERS.patience = 0.02
        ANSWERS._do = self._look
        ANSWERS.ask, ANSWERS.silent = self._ask, self._unanswered  # type: ignore[method-assign, assignment]
        ANSWERS.changing, ANSWERS.reading = self._changing, self._reading  # type: ignore[method-assign]
        exit_now = os._exit

        def end(status: int) -> None:
            is_kept = self._hung.is_set() and not self._may_answer.is_set()
            how: How = "given-up" if is_kept else "waited-for" if self._hung.is_set() else "done"
            os.write(self._told, f"{how} {self._calls} {self._call}\n".encode())
            os.read(self._may_end, 1)
            self._may_answer.set()
            exit_now(status if all(over.wait(WAIT) for over in GIVEN_UP) else 97)

        os._exit = end  # type: ignore[assignment]
        threading.setprofile(self._count)
        work()
        os._exit(0)

    def _count(self, frame: FrameType, event: str, called: Any) -> None:
        if event != "c_call" or getattr(called, "__module__", None) != "posix" or called.__name__ == "fspath":
            return
        if not threading.current_thread().name.startswith(AT_WORK) or frame.f_globals["__name__"] in ON_NO_ROOT:
            return
        with self._lock:
            self._calls += 1
            is_it = not self._hung.is_set() and self._at in (self._calls, frame.f_code.co_name)
        if is_it:
            self._call = called.__name__
            self._hung.set()
            self._may_answer.wait(WAIT)

    def _look(self, root: bytes) -> Sight:
        if self._hung.is_set() and root in self._silent:
            self._may_answer.wait(WAIT)
        return look_at(root)

    def _ask(self, root: bytes, patience: float | None = None) -> Any:
        """Be patient with disks that answer: this machine may be slow."""
        is_slow = self._hung.is_set() and root in self._silent
        return Answers.ask(ANSWERS, root, patience if is_slow else WAIT)

    def _changing(self, roots: Collection[bytes], work: Callable[[], T], stop: StopSignal | None = None) -> T:
        return self._waited_for(lambda: Answers.changing(ANSWERS, roots, work, stop))

    def _reading(self, roots: Collection[bytes], work: Callable[[], T], stop: StopSignal | None = None) -> T:
        return self._waited_for(lambda: Answers.reading(ANSWERS, roots, work, stop))

    def _waited_for(self, wait: Callable[[], T]) -> T:
        with self._lock:
            self._refused[threading.get_ident()] = 0
        try:
            return wait()
        except RootSilent:
            self._is_given_up = True
            raise
        finally:
            with self._lock:
                del self._refused[threading.get_ident()]

    def _unanswered(self, roots: Iterable[bytes], _after: float | None = None) -> dict[bytes, dt.datetime]:
        """Tell at once of disks that hang, and of others never, however long this machine takes to look at them.

        The disk answers when each who waits for work has refused to give it up, but not once one has: then what is left
        to do may last.
        """
        if not self._hung.is_set():
            return {}
        with self._lock:
            if (waits := threading.get_ident()) in self._refused:
                self._refused[waits] += 1
                if min(self._refused.values()) > REFUSED and not self._is_given_up:
                    self._may_answer.set()
        return Answers.silent(ANSWERS, [root for root in roots if root in self._silent], 0.0)
