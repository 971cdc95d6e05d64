"""A real command in a forked child → its steps, each with a number, and something that happens before one of them."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, Engine, event

from config.lease import Guard
from config.machine import boot_id
from tests.faults.cycles import House, forked


class Hook:
    """Counts the steps of this process: what the guard allows, and the commits of transactions that write."""

    def __init__(self, at: int | None, act: Callable[[str], object], log: Path | None = None) -> None:
        self._at, self._act, self._log = at, act, log
        self._count = 0
        self._lock = threading.Lock()
        allow = Guard.check

        def check(guard: Guard, label: str) -> None:
            self.step(label)
            allow(guard, label)

        Guard.check = check  # type: ignore[method-assign,assignment]  # for good: this process is a child
        event.listen(Engine, "commit", self._commit)

    def _commit(self, connection: Connection) -> None:
        # The lease is renewed beside the steps, the more often the longer they take.
        if threading.current_thread().name != "lease" and not connection.get_execution_options().get("greenroom_read"):
            self.step("commit")
            self.commit(connection)

    def commit(self, connection: Connection) -> None:
        """Look at what a connection is about to commit."""

    def step(self, label: str) -> None:
        """Note a step; if it is the one, do what is to happen before it, or what says False before the next."""
        with self._lock:
            self._count += 1
            if self._log is not None:
                with self._log.open("a") as log:
                    log.write(label + "\n")
            if self._count == self._at and self._act(label) is False:
                self._at += 1


def labels(house: House, *command: str) -> list[str]:
    """Run a command that nothing disturbs; return the labels of its steps."""
    log = house.folder / "labels"
    log.unlink(missing_ok=True)
    status = run_until(house, None, lambda _label: None, *command, log=log)
    assert status == 0, house.ended(status)
    return log.read_text().splitlines() if log.exists() else []


def run_until(
    house: House,
    at: int | None,
    act: Callable[[str], object],
    *command: str,
    log: Path | None = None,
    before: Callable[[], object] | None = None,
) -> int:
    """Run a command to its end, doing something before its step number `at` (from 1); return how it ended."""
    _, status = os.waitpid(begin(house, at, act, *command, log=log, before=before), 0)
    return os.waitstatus_to_exitcode(status)


def begin(
    house: House,
    at: int | None,
    act: Callable[[str], object],
    *command: str,
    log: Path | None = None,
    before: Callable[[], object] | None = None,
) -> int:
    """Start a command like `run_until`; return its process. `before` is done in it first."""

    def work() -> None:
        boot_id.cache_clear()  # the installation's environment may name another one
        if before is not None:
            before()
        Hook(at, act, log)
        house.command(*command)

    return forked(work)


def die(_label: str) -> None:
    """Be killed, as by SIGKILL."""
    os.kill(os.getpid(), signal.SIGKILL)
