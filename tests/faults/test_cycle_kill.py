"""SIGKILL before every system call of a whole cycle that changes something; then recovery, and the next cycle."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.faults.cycles import House, another_filesystem, calls_of_a_cycle, converges, open_runs, traced_cycle
from tests.faults.traced import sample

pytestmark = pytest.mark.strace
PARTS = 2  # tests that share the calls of one way, to run beside each other


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("way", ["link", "copy"])
def test_killed_before_any_call_the_cycle_converges(quick_path: Path, way: str, part: int) -> None:
    with another_filesystem(quick_path) as elsewhere:
        counted = House(quick_path / "count", elsewhere / "count" if way == "copy" else None)
        calls = calls_of_a_cycle(counted)
        assert {"fallocate" if way == "copy" else "linkat", "renameat2", "unlinkat", "fdatasync"} <= {
            c.name for c in calls
        }
        chosen = list(sample(calls, 40))[part::PARTS]
        died = 0
        for call in chosen:
            name = f"{call.name} {call.n}"
            house = House(quick_path / name, elsewhere / name if way == "copy" else None)
            status = traced_cycle(house, f"{call.name}:signal=SIGKILL:when={call.n}").status
            died += status == -signal.SIGKILL
            assert converges(house, interrupted=open_runs(house) > 0) == [], f"killed before {call}"
        assert died * 2 > len(chosen)  # which thread comes to a call first differs a little from run to run
