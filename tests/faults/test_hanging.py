"""A disk hangs at any system call of work under locks: that is given up, and what wakes up later changes nothing."""

from __future__ import annotations

import itertools
import os
import sqlite3
import threading
from collections.abc import Collection, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from config.libraries import list_libraries
from config.locks import hold
from processor.transfers.hidden import TX
from tests.faults import ALL
from tests.faults.cycles import House, converges
from tests.faults.hanging import NAMING, Child
from tests.faults.subjects import CYCLE, SUBJECTS, Subject
from tests.faults.test_fsck_kill import ready
from tests.faults.world import tree

TRIES: Final = 100 if ALL else 3  # of each kind
SILENT: Final = (["inbound"], ["staging"], ["inbound", "staging"])
LATE: Final = (["library"], ["staging"], ["inbound"])  # where a library has a part in a cycle
ELSEWHERE: Final = (
    "publish",  # in tests/faults/test_publish_hanging.py
    *("review split", "review merge"),  # is undo, and then a cycle that it does not answer for
    *("libraries add", "export", "secrets rotate", "pictures give"),  # hold no disk
    *("tag", "undo of tags"),  # in tests/faults/test_retag_kill.py
    "items forget",  # looks, and ends in one commit
)
kinds = pytest.mark.parametrize(
    "subject",
    [one for one in SUBJECTS if not one.name.startswith(ELSEWHERE)],
    ids=lambda subject: subject.name,
)


def rows(house: House) -> list[str]:
    """Return all that the database says, but for who holds what."""
    with closing(sqlite3.connect(house.data / "greenroom.db")) as connection:
        return [line for line in connection.iterdump() if '"leases"' not in line]


def seen(roots: Collection[bytes]) -> dict[bytes, dict[bytes, bytes]]:
    """Return what is below roots, but for the bytes of hidden and unfinished files, which nobody shows or trusts."""

    def told(path: bytes, data: bytes) -> bytes:
        is_hidden = path.startswith(TX + b"/") or b"/.greenroom-verify-" in path
        return b"" if is_hidden or path.endswith(b".new") else data

    return {root: {path: told(path, data) for path, data in tree(root).items()} for root in roots}


def are_free(house: House, roots: Collection[bytes]) -> bool:
    """Hold roots for a moment. Raises Busy where somebody else does."""
    with house.database() as database:
        with database.read() as connection:
            found = [library for library in list_libraries(connection) if library.path in roots]
        with hold(database, found, "a test", threading.Event()):
            return True


def silences(subject: Subject) -> Iterator[Collection[str]]:
    """Yield whose disks are silent, try after try: mostly one with which the work is busy then."""
    if subject.name == "trash empty, library":  # after that of staging, which takes it two calls of five
        return itertools.chain(itertools.repeat(["staging"], TRIES * 2 // 5), itertools.repeat(["library"]))
    if subject.name == "verify":
        return itertools.repeat(["library"])
    return itertools.cycle(LATE if subject.name.startswith("late") else SILENT)


@kinds
def test_wherever_a_disk_hangs_work_is_given_up_and_wakes_up_to_change_nothing(
    quick_path: Path, subject: Subject
) -> None:
    house, trial = ready(quick_path / "whole", subject)
    work = Child(partial(house.command, *trial.command), (), 0)
    assert (work.wake_up(), work.came.how) == (0, "done")
    count, became = work.came.calls, []
    for n, roles in zip(range(1, TRIES), silences(subject), strict=False):
        house, trial = ready(quick_path / f"{n}", subject)
        roots = {role: os.fsencode(getattr(house, role)) for role in ("inbound", "staging", *roles)}
        silent = [roots[role] for role in roles]
        others = [root for root in roots.values() if root not in silent]
        goes_on = "library" in roles and subject.name != "verify"  # a library that hangs is passed over
        work = Child(partial(house.command, *trial.command), silent, count * n // TRIES)
        how = f"{work.came}, {roles} silent, {house.ended(0)}"
        became.append(work.came.how)
        before = rows(house), seen(others), seen(silent)
        if work.came.how == "given-up":
            assert others == [] or are_free(house, others), how
            assert goes_on or "has not answered yet" in "".join(house.ended(0)[1:]), how
        status = work.wake_up()
        if work.came.how == "given-up":
            assert status == (0 if goes_on else 1), how
            after = rows(house), seen(others), seen(silent)
            assert before[:2] == after[:2], how
            assert work.came.call in NAMING or before[2] == after[2], how
        assert trial.converges(house) == [], how
    assert became.count("given-up") >= TRIES // 2


def test_a_cycle_whose_disk_hangs_when_its_lock_is_given_back_was_done(quick_path: Path) -> None:
    house = House(quick_path / "house", workers=1)
    work = Child(partial(house.command, *CYCLE), [os.fsencode(house.inbound)], "_flock")
    assert (work.came.how, work.came.call) == ("given-up", "close")
    assert work.wake_up() == 0
    assert [run["status"] for run in house.runs()] == ["done"]
    assert converges(house) == []
