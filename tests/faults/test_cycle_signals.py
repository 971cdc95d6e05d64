"""A cycle that is asked to stop, a daemon that is killed, cycles at once: nothing half done, all done in the end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cycles import Ended, House, completes, converges, forked, lost, open_runs, unsettled, wrong_items
from tests.waiting import until

SOURCES = Path(__file__).parents[2]
WAIT = 60.0  # seconds until a test that would hang fails instead


def is_moving(house: House) -> bool:
    """Whether an album's hidden folder is there."""
    return any(path.is_dir() for path in house.staging.glob(".greenroom-tx/*"))


def is_scanning(house: House) -> bool:
    """Whether a scan DB is being written."""
    return any(house.data.glob("scan-db/*.db"))


def is_settled(house: House) -> bool:
    """Whether all is as it has to be, asked while somebody is at it."""
    with suppress(FileNotFoundError):  # moved between the listing and the look
        return not list(unsettled(house))
    return False


def ended_by_sigterm(house: House, once: Callable[[House], bool]) -> Ended:
    """Run a cycle and ask it to stop once something is so."""
    child = forked(lambda: house.command("cycle", "--json"))
    until(lambda: once(house))
    os.kill(child, signal.SIGTERM)
    _, status = os.waitpid(child, 0)
    return house.ended(os.waitstatus_to_exitcode(status))


@pytest.mark.parametrize(
    ("settings", "once"),
    [
        ({"quiet_seconds": 300}, lambda house: open_runs(house) > 0),
        ({"quiet_seconds": 300}, is_scanning),
        ({"rate_limit": 0.01}, is_moving),
    ],
    ids=["settling", "scanning", "moving"],
)
def test_a_cycle_that_is_asked_to_stop_is_interrupted_with_nothing_half_done(
    tmp_path: Path, settings: dict[str, Any], once: Callable[[House], bool]
) -> None:
    house = House(tmp_path, **settings)
    ended = ended_by_sigterm(house, once)
    report = json.loads(ended.out)
    assert (ended.status, report["status"], report["error"]["code"]) == (1, "failed", "stopped")
    assert [run["status"] for run in house.runs()] == ["interrupted"]
    assert not is_moving(house)
    assert [*lost(house), *wrong_items(house)] == []
    house.set(quiet_seconds=0, rate_limit=0)
    assert converges(house) == []


def test_a_daemon_that_is_killed_while_files_move_recovers_at_its_next_start(tmp_path: Path) -> None:
    house = House(tmp_path, enabled=True, schedule="every 10s", rate_limit=0.01)
    command = [sys.executable, "-m", "daemon.cli", "run"]
    with subprocess.Popen(
        command, cwd=SOURCES, env={**os.environ, **house.environ}, stderr=subprocess.DEVNULL
    ) as daemon:
        until(lambda: is_moving(house))
        daemon.kill()
    assert [*lost(house), *wrong_items(house)] == []
    house.set(rate_limit=0)
    with subprocess.Popen(
        command, cwd=SOURCES, env={**os.environ, **house.environ}, stderr=subprocess.DEVNULL
    ) as daemon:
        until(lambda: is_settled(house))
        daemon.terminate()
        assert daemon.wait(WAIT) == 0
    assert "interrupted" in [run["status"] for run in house.runs()]
    assert completes(house) == []


def test_of_two_cycles_at_once_one_works_and_the_other_names_it(tmp_path: Path) -> None:
    house = House(tmp_path, quiet_seconds=300)
    first = forked(lambda: house.command("cycle", "--json", output=house.data))
    until(lambda: open_runs(house) > 0)
    second = house.run("cycle", "--json")
    report = json.loads(second.out)
    assert (second.status, report["status"]) == (75, "skipped")
    assert f"pid {first} " in report["error"]["message"]
    assert house.run("recover").status == 75
    os.kill(first, signal.SIGTERM)
    os.waitpid(first, 0)
    house.set(quiet_seconds=0)
    assert completes(house) == []


def test_many_cycles_at_once_lose_nothing_and_do_it_all(tmp_path: Path) -> None:
    house = House(tmp_path)
    outputs = [tmp_path / f"{n}" for n in range(3)]
    for output in outputs:
        output.mkdir()
    ended = []
    for _ in range(3):
        children = [forked(partial(house.command, "cycle", "--json", output=output)) for output in outputs]
        ended += [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
        assert [*lost(house), *wrong_items(house)] == []
    assert set(ended) <= {0, 75}
    assert 0 in ended
    assert converges(house) == []
