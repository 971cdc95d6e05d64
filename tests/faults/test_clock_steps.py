"""The wall clock jumps by years, while cycles wait and while they move: nothing is hurried, lost, given up or kept."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from tests.databases import TEMPLATE, PostgresServer, opened, start_postgres
from tests.engine_worker import MARKS, marks, plays
from tests.faults.cycles import House, converges, lost, unsettled, wrong_items
from tests.faults.steps import begin, labels
from tests.faults.subjects import CYCLE
from tests.faults.test_engine_workers import Crew, all_done, submit
from tests.faults.test_two_hosts import goes_well_on, on_host
from tests.faults.traced import missing
from tests.waiting import until
from workflow.engine.engine import Engine

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


def faked(offset: Path) -> dict[str, str]:
    """Return what to start a program with whose clock is off by what a file says."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    if not found:
        missing("libfaketime is not installed; apt-get install libfaketime")
    read = {"LD_PRELOAD": str(found[0]), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    only_that_clock = {"FAKETIME_DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1", "FAKETIME_DONT_RESET": "1"}
    return {**read, **only_that_clock}


def run(house: House, start: str, at: int, jump: str, *command: str) -> dict[str, Any]:
    """Run a command on a clock that is `start` off, and `jump` off from step `at` on; return what it printed."""
    offset = house.folder / "clock"
    offset.write_text(start)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(offset), f"{at}", jump, *command],
        env={**os.environ, **house.environ, **faked(offset)},
        cwd=SOURCES,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended
    assert offset.read_text() == jump or at == 0
    return dict(json.loads(ended.stdout))


class Faked(PostgresServer):
    """A server whose clock is off by what the file `clock` in its folder says, which each of its sessions reads."""

    def _as_ordinary(self) -> dict[str, Any]:
        given = super()._as_ordinary()
        return {**given, "env": {**given["env"], **faked(self.folder / "clock")}}


def set_clock(server: PostgresServer, offset: str) -> None:
    (server.folder / "clock").write_text(offset)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server, and on its clock it is ten years from now."""
    started = start_postgres(Faked)
    set_clock(started, AHEAD)
    yield started
    started.stop()


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


@pytest.mark.postgres
def test_a_clock_that_is_set_back_keeps_no_dead_worker_alive(server: PostgresServer, tmp_path: Path) -> None:
    with server.database(TEMPLATE) as url:
        database = opened(url)
        with database.begin() as connection:
            connection.execute(text(MARKS))
        engine, crew = Engine(database, plays()), Crew(database, tmp_path)
        first, second = crew.hire("first", alpha=[2]), crew.hire("second", alpha=[2])
        for item in range(8):
            submit(engine, "alpha", item, do="hold", seconds=0.5)
        until(lambda: first.pid in {mark.pid for mark in marks(database, "began")})
        first.kill()
        set_clock(server, "+0d")
        until(all_done(engine, 8))
        until(lambda: [worker.pid for worker in engine.workers()] == [second.pid])
        crew.end()


@pytest.mark.postgres
def test_a_clock_that_is_set_back_keeps_no_lease_of_a_dead_host(server: PostgresServer, quick_path: Path) -> None:
    with server.database(TEMPLATE) as url:
        house = House(quick_path / "house", url=url, workers=1)
        dead = begin(house, 5, lambda _: os.kill(os.getpid(), signal.SIGKILL), *CYCLE, before=partial(on_host, "one"))
        os.waitpid(dead, 0)
        set_clock(server, "+0d")
        assert not goes_well_on(house, "two")
        until(partial(goes_well_on, house, "two"))
        assert [*lost(house), *wrong_items(house)] == []
