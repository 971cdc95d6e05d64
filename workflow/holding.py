"""Work on libraries → done under their locks, and given up when the disk of one hangs in the middle of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from config.answering import ANSWERS
from config.database import Database
from config.lease import Guard
from config.leave import StopSignal
from config.libraries import Library
from config.locks import hold

T = TypeVar("T")


def holding(
    database: Database, libraries: Sequence[Library], what: str, stop: StopSignal, work: Callable[[Guard], T]
) -> T:
    """Do work in a thread that holds libraries; return what it returns, or raise the same, or what `hold` does.

    Raises RootSilent when the disk of one has not answered for long, and lets go of those that do (Answers.changing).
    """

    def do() -> T:
        with hold(database, libraries, what, stop) as guard:
            return work(guard)

    return ANSWERS.changing([library.path for library in libraries], do, stop)


def reading(libraries: Sequence[Library], work: Callable[[], T], stop: StopSignal | None = None) -> T:
    """Do work that only reads libraries, in a thread; return what it returns, or raise the same.

    Raises RootSilent when the disk of one has not answered for as long as work waits (Answers.reading).
    """
    return ANSWERS.reading([library.path for library in libraries], work, stop)
