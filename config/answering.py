"""A root folder → its mark and rights, as its disk says in time; or since when the disk has not answered.

A call into a disk that hangs (a NAS that was switched off, a mount whose program stopped) cannot be given up: its
thread stays until the disk answers. So one thread of a process at most looks at each root, and whoever asks meanwhile
is told since when it does. Nor is work that changes something waited for, once its disk has been silent for long: it
has no leave to change anything more then (config.leave).
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple, TypeVar

from config import users
from config.errors import RootSilent
from config.leave import GIVEN_UP, LEAVE, Leave, StopSignal
from config.machine import no_room
from config.mounts import MOUNTINFO, find_mount, is_shut, parse_mountinfo
from config.reasons import show_path, show_time
from config.sentinel import read_sentinel
from config.task import Task

PATIENCE: Final = 30.0  # seconds for which work waits for a disk; one that sleeps takes some ten to wake
AT_WORK: Final = 120.0  # seconds of silence after which work that has begun to change something is waited for no longer
TOLD_AFTER: Final = 10.0  # seconds after which a disk is said to be silent
GLANCE: Final = 5.0  # seconds for which who only wants to know waits

T = TypeVar("T")


class Sight(NamedTuple):
    """What was seen of a root."""

    mark: str | None  # what its sentinel file says
    refusal: str | None  # why it cannot be written


class Silence(NamedTuple):
    """A look that has not ended."""

    since: dt.datetime


class Answers:
    """Who looks at roots, and since when; `look` raises OSError. Thread-safe."""

    def __init__(
        self, patience: float, told_after: float, look: Callable[[bytes], Sight], at_work: float = AT_WORK
    ) -> None:
        self.patience, self.told_after, self.at_work, self._do = patience, told_after, at_work, look
        self._lock = threading.Lock()
        self._looks: dict[bytes, _Look] = {}  # those under way
        self._known: dict[bytes, None] = {}

    def ask(self, root: bytes, patience: float | None = None) -> Sight | Silence:
        """Look at a root, or join the look that is under way, until that is so many seconds old. Raises OSError."""
        look = self._begin(root)
        waited = time.monotonic() - look.began
        if not look.over.wait(max(0.0, (self.patience if patience is None else patience) - waited)):
            return Silence(look.since)
        assert look.came is not None
        if isinstance(look.came, OSError):
            raise look.came
        return look.came

    def begin(self, roots: Iterable[bytes]) -> None:
        """Begin to look at roots, where that is not under way; wait for none."""
        for root in roots:
            self._begin(root)

    def reading(self, roots: Collection[bytes], work: Callable[[], T], stop: StopSignal | None = None) -> T:
        """Do work that changes nothing on roots, in a thread of its own; return what it returns, or raise the same.

        Raises RootSilent when one has not answered for as long as work waits; the work goes on then, for nobody, as
        soon as its disk answers. Raises Stopped in the middle of a large file, if who reads is to stop.
        """
        task = Task(work, Leave(stop=stop))
        while not task.over.wait(self.patience / 2):
            self.begin(roots)
            for root, since in self.silent(roots, self.patience).items():
                raise silence(root, since)
        return task.result()

    def changing(self, roots: Collection[bytes], work: Callable[[], T], stop: StopSignal | None = None) -> T:
        """Do work that changes something on roots, in a thread of its own; return what it returns, or raise the same.

        Raises RootSilent when one has not answered for so long (`at_work`), however long the work lasts while all do.
        Its thread, once its disk answers, meets LeaseLost at the next change it would make; until then the locks of
        roots that do not answer are held, and those of the others are not. Work that does this is given up with all
        its parts. Raises Stopped in the middle of a large file, if who works is to stop.
        """
        leave = Leave(LEAVE.get(), stop)
        task = Task(work, leave)
        while not task.over.wait(self.patience / 2):
            asked = (*roots, *leave.beside)
            silent = self.silent(asked, self.at_work)
            if silent and leave.end(silent):
                GIVEN_UP.append(task.over)
                leave.let_go(self._does_answer)  # to unlock what does not would keep this thread, too
                raise silence(*next(iter(silent.items())))
            self.begin(asked)
        return task.result()

    @contextmanager
    def beside(self, root: bytes) -> Iterator[None]:
        """Let work look at a root that is none of those it holds, and be given up, too, if that one falls silent.

        Raises RootSilent, before anything is looked at, where it does not answer.
        """
        try:
            seen = self.ask(root)
        except OSError:  # that is an answer; whoever looks is told
            seen = None
        if isinstance(seen, Silence):
            raise silence(root, seen.since)
        leave = LEAVE.get() or Leave()
        before, leave.beside = leave.beside, (*leave.beside, root)
        try:
            yield
        finally:
            leave.beside = before

    def _does_answer(self, root: bytes) -> bool:
        try:
            return isinstance(self.ask(root, self.patience / 2), Sight)
        except OSError:  # that is an answer
            return True

    def silent(self, roots: Iterable[bytes], after: float | None = None) -> dict[bytes, dt.datetime]:
        """Return which of these roots a look has waited for so many seconds by now, and since when; look at none.

        That is, usually, for so long that it is to be told.
        """
        after = self.told_after if after is None else after
        with self._lock:
            looks = {root: self._looks[root] for root in roots if root in self._looks}
        now = time.monotonic()
        return {root: look.since for root, look in looks.items() if now - look.began >= after}

    def known(self) -> list[bytes]:
        """Return the roots that this process has asked for."""
        with self._lock:
            return list(self._known)

    def _begin(self, root: bytes) -> _Look:
        with self._lock:
            self._known[root] = None
            if root in self._looks:
                return self._looks[root]
            look = self._looks[root] = _Look()
        try:
            threading.Thread(target=self._run, args=(root, look), name="root", daemon=True).start()
        except RuntimeError as error:  # there are as many as the system allows: that is no silence of the disk
            look.came = OSError(errno.ENOMEM, str(error))
            self._end(root, look)
        return look

    def _run(self, root: bytes, look: _Look) -> None:
        try:
            look.came = self._do(root)
        except OSError as error:
            look.came = error
        finally:
            self._end(root, look)

    def _end(self, root: bytes, look: _Look) -> None:
        with self._lock:
            del self._looks[root]
        look.over.set()


class _Look:
    def __init__(self) -> None:
        self.began, self.since = time.monotonic(), dt.datetime.now(dt.UTC)
        self.over = threading.Event()
        self.came: Sight | OSError | None = None


def look_at(root: bytes) -> Sight:
    """Read the mark of a root, and see whether it can be written. Raises OSError where the mark cannot be seen."""
    mark = read_sentinel(root)
    if mark is None or (os.access(root, os.W_OK | os.X_OK) and not is_shut(root)):
        return Sight(mark, None)
    if full := no_room(root):
        return Sight(mark, full)
    said = users.refusal(root) or "this user may not write there"
    return Sight(mark, f"{said}; it is {users.rights(os.stat(root))}, and this is {users.me()}")


def silence(root: bytes, since: dt.datetime) -> RootSilent:
    """Return the error of a root that does not answer."""
    error = RootSilent(unanswered(root, since), path=root)
    error.seconds = (dt.datetime.now(dt.UTC) - since).total_seconds()
    return error


def unanswered(root: bytes, since: dt.datetime) -> str:
    """Say that a root does not answer, what it is on, and what to do; asks no disk."""
    try:
        mount = find_mount(root, parse_mountinfo(MOUNTINFO.read_bytes()))  # a root's path is a real one
    except OSError:
        mount = None
    on = f" ({mount.type}, {mount.source} at {show_path(mount.point)})" if mount else ""
    point = show_path(mount.point if mount else root)
    return (
        f"the disk of {show_path(root)}{on} was asked at {show_time(since)} and has not answered yet: "
        f"see to its server, its cable or the program that mounts it; what waits goes on by itself then. "
        f"`umount -f {point}` gives it up"
    )


ANSWERS: Final = Answers(PATIENCE, TOLD_AFTER, look_at)
