"""The wall clock jumps by years, while cycles wait and while they move: nothing is hurried, lost or given up."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cycles import House, converges, lost, unsettled, wrong_items
from tests.faults.steps import labels
from tests.faults.subjects import CYCLE
from tests.faults.traced import missing

SOURCES = Path(__file__).parents[2]
AHEAD, BACK = "+3650d", "-3650d"
# A command whose clock jumps before its n-th step: libfaketime(1) reads the file at every question for the time.
PROGRAM = """
import pathlib, sys
from daemon.cli import main
from tests.faults.steps import Hook
file, at, jump, *command = sys.argv[1:]
Hook(int(at), lambda label: pathlib.Path(file).write_text(jump))
main(command)
"""


def run(house: House, start: str, at: int, jump: str, *command: str) -> dict[str, Any]:
    """Run a command on a clock that is `start` off, and `jump` off from step `at` on; return what it printed."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        missing("libfaketime is not installed; apt-get install libfaketime")
    offset = house.folder / "clock"
    offset.write_text(start)
    faked = {"LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    only_that_clock = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "FAKETIME_DONT_RESET": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(offset), f"{at}", jump, *command],
        env={**os.environ, **house.environ, **faked, **only_that_clock},
        cwd=SOURCES,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended
    assert offset.read_text() == jump or at == 0
    return dict(json.loads(ended.stdout))


def outcomes(report: dict[str, Any]) -> set[str]:
    return {album["outcome"] for album in report["albums"]}


@pytest.mark.parametrize("jump", [AHEAD, BACK])
def test_a_clock_that_jumps_while_an_album_settles_does_not_end_its_quiet_period(quick_path: Path, jump: str) -> None:
    house = House(quick_path / "house", quiet_seconds=3600)
    for offset in ("+0d", jump, jump):  # as many looks as quiet takes
        assert outcomes(run(house, offset, 0, "", *CYCLE, "--no-wait")) == {"waiting"}
    assert house.items() == []
    assert list(lost(house)) == []


@pytest.mark.parametrize("jump", [AHEAD, BACK])
def test_a_clock_that_jumps_does_not_keep_an_album_waiting_either(quick_path: Path, jump: str) -> None:
    house = House(quick_path / "house", quiet_seconds=1)
    assert outcomes(run(house, "+0d", 1, jump, *CYCLE)) == {"staged"}
    assert converges(house) == []


@pytest.mark.parametrize("jump", [AHEAD, BACK])
def test_a_clock_that_jumps_while_albums_move_costs_neither_the_lease_nor_a_file(quick_path: Path, jump: str) -> None:
    steps = labels(House(quick_path / "count", workers=1), *CYCLE)
    for at in (steps.index("mkdir album") + 1, len(steps) - 3):
        house = House(quick_path / f"{at}", workers=1)
        assert outcomes(run(house, "+0d", at, jump, *CYCLE)) == {"staged"}
        assert [*lost(house), *wrong_items(house), *unsettled(house)] == []
        assert converges(house) == [], at
