"""A disk hangs at any system call of a publication: who waits goes on without it, and what wakes up changes nothing."""

from __future__ import annotations

import datetime as dt
import math
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any, Final, Literal

import pytest

from config.answering import Answers, Sight
from config.errors import LeaseLost, RootSilent
from processor.transfers.hidden import TX
from processor.transfers.transfer import Strategy
from tests.faults import ALL
from tests.faults.publishing import Scene, converges
from tests.faults.world import Steps, tree
from workflow.operations import published

WAIT: Final = 60.0  # seconds until a test that would hang fails instead
TRIES: Final = 200 if ALL else 7  # of each kind
kinds = pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("publish", "link"), ("publish", "copy"), ("refresh", "link"), ("unpublish", "link"), ("unpublish", "copy"),
        ("restage", "copy"), ("upgrade", "link"), ("rename", "link"),
    ],
)  # fmt: skip


class Waiting(Answers):
    """Say when work is waited for although its disk is silent: to give it up was refused, and it is looked at again."""

    def __init__(self, silent_root: bytes, look: Callable[[bytes], Sight]) -> None:
        super().__init__(0.01, 0.0, look, at_work=math.inf)
        self._root, self._was_silent = silent_root, False
        self.is_for_it = threading.Event()

    def silent(self, roots: Iterable[bytes], after: float | None = None) -> dict[bytes, dt.datetime]:
        """Return as ever which roots are."""
        if self._was_silent:
            self.is_for_it.set()
        found = super().silent(roots, after)
        self._was_silent = self._root in found
        return found


class Disk:
    """The library's, which hangs at one of the system calls of a publication until the test wakes it up."""

    def __init__(self, scene: Scene, hangs_at: int) -> None:
        self._scene, self._hangs_at = scene, hangs_at
        self.calls = 0
        self.hung, self.may_answer, self.is_over = (threading.Event() for _ in range(3))
        self._answers = Waiting(scene.library.path, self._look)
        self.ended: str | BaseException = ""

    def publish(self) -> Literal["given up", "waited for", "done"]:
        """Do what the scene is about; return whether its caller goes on without it while the disk hangs.

        It does not while what hangs is a change of staging: then the disk of staging hangs, whatever it answers else.
        """
        came: list[BaseException | None] = []

        def wait_for_it() -> None:
            try:
                self._answers.changing([self._scene.library.path], self._work)
            except RootSilent as error:
                came.append(error)

        caller = threading.Thread(target=wait_for_it, daemon=True)
        caller.start()
        while caller.is_alive() and not self._answers.is_for_it.is_set():
            caller.join(0.001)
        if not caller.is_alive() and came:
            return "given up"
        is_waited_for = self.hung.is_set()
        self.wake_up()
        return "waited for" if is_waited_for else "done"

    def wake_up(self) -> None:
        """Let the disk answer, and the work end."""
        self.may_answer.set()
        assert self.is_over.wait(WAIT)

    def _look(self, _root: bytes) -> Sight:
        if self.hung.is_set():
            assert self.may_answer.wait(WAIT)
        return Sight("uuid", None)

    def _work(self) -> None:
        sys.setprofile(self._count)
        try:
            self.ended = self._scene.perform(Steps(fence=2))  # a guard that forbids nothing
        except LeaseLost as error:
            self.ended = error
        finally:
            sys.setprofile(None)
            self.is_over.set()

    def _count(self, _frame: object, event: str, called: Any) -> None:
        if event == "c_call" and getattr(called, "__module__", None) == "posix":
            self.calls += 1
            if self.calls == self._hangs_at:
                self._answers.at_work = 0.0
                self.hung.set()
                assert self.may_answer.wait(WAIT)


def rows(scene: Scene) -> list[str]:
    """Return all that the database says."""
    with closing(sqlite3.connect(scene.database.url.database or "")) as connection:
        return list(connection.iterdump())


def seen(root: bytes) -> dict[bytes, bytes]:
    """Return what is below a root, but for the bytes of hidden and unfinished files, which nobody shows or trusts."""
    return {
        path: b"" if path.startswith(TX + b"/") or path.endswith(b".new") else data for path, data in tree(root).items()
    }


@kinds
def test_wherever_its_disk_hangs_it_is_given_up_and_wakes_up_to_change_nothing(
    quick_path: Path, kind: str, way: Strategy
) -> None:
    scene = None
    for name in ("imports modules, too", "whole"):
        scene = Scene.make(quick_path / name, kind, way, scene)
        whole = Disk(scene, -1)
        assert whole.publish() == "done"
    became = []
    for n in range(1, TRIES):
        scene = Scene.make(quick_path / f"{n}", kind, way, scene)
        disk = Disk(scene, whole.calls * n // TRIES)
        how = f"hung at call {whole.calls * n // TRIES}"
        became.append(disk.publish())
        if became[-1] == "given up":
            before = rows(scene), seen(scene.staging.path), seen(scene.library.path)
            disk.wake_up()
            after = rows(scene), seen(scene.staging.path), seen(scene.library.path)
            assert isinstance(disk.ended, LeaseLost), how
            assert before[:2] == after[:2], how
            assert len(before[2].keys() ^ after[2].keys()) <= 2, how  # those of the one call that hung
        else:  # or it was given up as soon as the change was made
            assert isinstance(disk.ended, LeaseLost) or disk.ended in ("done", "undone"), how
        published.heal(scene.database)
        assert converges(scene) == [], how
    assert became.count("given up") > TRIES // 2
