"""SIGINT and SIGTERM → a stop signal that a command obeys at the next safe place, or its end where a disk keeps it."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

ASKS: Final = frozenset({signal.SIGINT, signal.SIGTERM})
EVERY: Final = 2.0  # seconds between two looks
GIVEN_UP_AFTER: Final = 10.0  # seconds for which somebody at a terminal waits for a disk; a kill loses nothing
_STOP: Final = threading.Event()  # a process is one command


def stop_on_signals() -> threading.Event:
    """Return an event that the first SIGINT or SIGTERM sets; nothing is left half done."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        _STOP.set()

    _STOP.clear()
    for number in ASKS:
        signal.signal(number, ask)
    return _STOP


@contextmanager
def attended() -> Iterator[None]:
    """Say which disks keep a command waiting, and end the process when it cannot obey a signal for them.

    A thread that waits for a disk hears no signal: Python's handlers are run by the main thread, between its steps.
    """
    over = threading.Event()
    threading.Thread(target=_attend, args=(over,), name="attend", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _attend(over: threading.Event) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKS)  # here alone: so sigpending(2) tells what nobody has heard yet
    if over.wait(EVERY):
        return
    from config.answering import ANSWERS  # most commands have ended by now

    hanging, asked = None, None
    while not over.wait(EVERY):
        roots = ANSWERS.known()
        if roots and hanging is None:  # `scan-inbound` knows none, and this loads SQLAlchemy
            from daemon.hanging import Hanging

            hanging = Hanging()
        late = hanging.look(roots, busy=True) if hanging else []
        unheard = bool(signal.sigpending() & ASKS)
        if unheard or _STOP.is_set():
            asked = asked or time.monotonic()
            if (late or unheard) and time.monotonic() - asked >= GIVEN_UP_AFTER:
                why = "; ".join(late) or "a disk does not answer"
                sys.stderr.write(
                    f"greenroom: {why}; it is waited for no longer, the next cycle settles what was begun\n"
                )
                sys.stderr.flush()
                os._exit(1)
