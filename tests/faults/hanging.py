"""Work in a forked child, and a disk → that disk hangs at one of its system calls, until the test wakes it up."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any, Final, Literal, NamedTuple

from config.answering import ANSWERS, Answers, Sight, look_at
from config.leave import GIVEN_UP
from tests.faults.cycles import forked

WAIT: Final = 60.0  # seconds until a test that would hang fails instead
REFUSED: Final = 5  # looks of who waits for the work, after which it is clear that he goes on waiting
NAMING: Final = ("open", "mkdir", "rmdir", "unlink", "link", "rename")  # calls that may change a name when they go on
AT_WORK: Final = ("work", "move")  # what the threads that do such work are called
DATABASE: Final = "config.sqlite_sides"  # looks at the file of the database, which is on no root
How = Literal["given-up", "waited-for", "done"]


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
        self._calls = self._looks = 0
        self._call = "none"

    def meet(self, work: Callable[[], object]) -> None:
        """Do the work; never returns."""
        GIVEN_UP.clear()
        ANSWERS.patience, ANSWERS.at_work = 0.02, math.inf
        ANSWERS._do = self._look
        ANSWERS.ask = self._ask  # type: ignore[method-assign]
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
        if not threading.current_thread().name.startswith(AT_WORK) or frame.f_globals["__name__"] == DATABASE:
            return
        with self._lock:
            self._calls += 1
            is_it = not self._hung.is_set() and self._at in (self._calls, frame.f_code.co_name)
        if is_it:
            self._call = called.__name__
            ANSWERS.at_work = 0.0
            self._hung.set()
            self._may_answer.wait(WAIT)

    def _look(self, root: bytes) -> Sight:
        if self._hung.is_set():
            if root in self._silent:
                self._may_answer.wait(WAIT)
            with self._lock:
                self._looks += 1
                if self._looks == REFUSED * 2:
                    self._may_answer.set()
        return look_at(root)

    def _ask(self, root: bytes, patience: float | None = None) -> Any:
        """Be patient with disks that answer: this machine may be slow."""
        is_slow = self._hung.is_set() and root in self._silent
        return Answers.ask(ANSWERS, root, patience if is_slow else WAIT)
