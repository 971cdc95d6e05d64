"""What an undo made durable, and when; and SIGKILL before, or an error from, the system calls of an undo."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from processor.transfer import Strategy
from tests.faults.test_transfer_durable import Disk, Marking
from tests.faults.test_transfer_strace import ERRORS, changes_something, sample
from tests.faults.traced import REFUSED, Call, run_traced
from tests.faults.undoing import Undoing
from tests.faults.world import World, complaints

pytestmark = pytest.mark.strace
WAYS: list[Strategy] = ["link", "copy"]
ALL = os.environ.get("GREENROOM_FAULTS") == "all"


def power_cut_complaints(world: World, calls: list[Call]) -> Iterator[str]:
    """Say what a power cut would lose once the item is unlisted or the undo done, and what went from staging before."""
    inbound, staging = os.fsdecode(world.inbound), os.fsdecode(world.staging)
    disk, reached = Disk(), "planned"
    for call in calls:
        if call.name.endswith(("access", "access2")) and "/greenroom-mark/" in call.text:
            reached = call.text.split("/greenroom-mark/")[1].split('"')[0]
            roots = {"materialised": (), "unlisted": (inbound,), "done": (inbound, staging)}[reached]
            lost = [path for path in (*disk.names, *disk.contents) if path.startswith(roots) and "-tx/." not in path]
            yield from (f"at {reached}: {path} is not durable" for path in sorted(lost))
        elif call.name in ("unlinkat", "renameat2") and staging in call.text and reached != "unlisted":
            yield f"staging changes while {reached}: {call.text}"
        elif call.name == "unlinkat" and (hidden := f"{staging}/.greenroom-tx/") in call.text:
            moved = [name for name in disk.names if name.startswith(staging) and name.count("/", len(hidden)) == 0]
            yield from (f"a file is removed while {name} is not durable" for name in moved if "-tx/." not in name)
            disk.take(call)
        elif " = -1 " not in call.text and "(INJECTED)" not in call.text:
            disk.take(call)


def traced_undo(folder: Path, way: Strategy, *inject: str) -> tuple[Undoing, list[Call], int]:
    undoing = Undoing(folder, way)
    outcome = run_traced(lambda: undoing.perform(Marking(fence=2)), folder / "log", *inject)
    return undoing, outcome.calls, outcome.status


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_synced_before_the_item_is_unlisted_and_before_it_is_done(tmp_path: Path, way: Strategy) -> None:
    undoing, calls, status = traced_undo(tmp_path, way)
    assert status == 0
    assert sum("/greenroom-mark/" in call.text for call in calls) == 3
    assert list(power_cut_complaints(undoing.world, calls)) == []
    assert list(undoing.wrong()) == []


def calls_of_an_undo(quick_path: Path, way: Strategy) -> list[Call]:
    undoing, calls, status = traced_undo(quick_path / "count", way)
    assert status == 0
    return list({(c.name, c.n): c for c in calls if changes_something(c, undoing.world)}.values())


@pytest.mark.parametrize("way", WAYS)
def test_sigkill_before_a_call_loses_nothing(quick_path: Path, way: Strategy) -> None:
    for call in sample(calls_of_an_undo(quick_path, way), 9):
        rule = f"{call.name}:signal=SIGKILL:when={call.n}"
        undoing, _, status = traced_undo(quick_path / f"{call.name} {call.n}", way, rule)
        assert status == -signal.SIGKILL, rule
        assert undoing.converges() == [], f"killed before {call}"
        undoing.world.database.close()


@pytest.mark.parametrize("way", WAYS)
def test_an_error_from_a_call_loses_nothing(quick_path: Path, way: Strategy) -> None:
    calls = [call for call in calls_of_an_undo(quick_path, way) if "greenroom.db" not in call.text]
    for n, call in enumerate(sample(calls, 7)):
        for error in ERRORS if ALL else [ERRORS[n % len(ERRORS)]]:
            name = f"{call.name} {call.n} {error}"
            undoing, _, status = traced_undo(quick_path / name, way, f"{call.name}:error={error}:when={call.n}")
            assert status in (0, REFUSED), name
            assert list(complaints(undoing.world)) == [], name
            wrong = undoing.converges()
            kept = call.name == "utimensat" and error in ("EPERM", "EACCES")  # a folder keeps a time nobody may set
            if kept or "AT_REMOVEDIR" in call.text:  # then an empty folder may stay
                wrong = [said for said in wrong if not said.startswith(("staging", "inbound"))]
            assert wrong == [], f"{name}: {call}"
            undoing.world.database.close()
