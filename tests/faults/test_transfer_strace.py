"""SIGKILL before, and an error from, every system call of a move that changes something; then recovery."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from processor.journal import Strategy
from tests.faults.traced import MUTATING, REFUSED, Call, run_traced
from tests.faults.world import ALBUMS, Steps, World, complaints, converges, move

pytestmark = pytest.mark.strace
WAYS: list[Strategy] = ["link", "copy"]
ALL = os.environ.get("GREENROOM_FAULTS") == "all"
ALBUM = {b"Band - Two": ALBUMS[b"Band - Two"]}
ERRORS = [
    "EIO",
    "ENOSPC",
    "EDQUOT",
    "EROFS",
    "EACCES",
    "EBUSY",
    "EXDEV",
    "EPERM",
    "EMLINK",
    "EINVAL",
    "ENOSYS",
    "EMFILE",
]


def changes_something(call: Call, world: World) -> bool:
    roots = (os.fsdecode(world.inbound), os.fsdecode(world.staging))
    if call.name not in MUTATING or not any(root in call.text for root in (*roots, "greenroom.db")):
        return False
    return call.name != "openat" or "O_CREAT" in call.text


def calls_of_a_move(tmp_path: Path, way: Strategy) -> list[Call]:
    """Every call of an undisturbed move that changes a root or the database, each once."""
    world = fresh(tmp_path, "count", way)
    outcome = run_traced(lambda: move(world, Steps()), tmp_path / "calls")
    assert outcome.status == 0
    assert list(complaints(world)) == []
    return list({(call.name, call.n): call for call in outcome.calls if changes_something(call, world)}.values())


def fresh(tmp_path: Path, name: str, way: Strategy) -> World:
    folder = tmp_path / name
    folder.mkdir()
    return World.make(folder, ALBUM, way)


def sample(calls: list[Call], every: int) -> Iterator[Call]:
    """Some of the calls, though of each kind the first."""
    seen = set()
    for n, call in enumerate(calls):
        if ALL or call.name not in seen or n % every == 0:
            yield call
        seen.add(call.name)


@pytest.mark.parametrize("way", WAYS)
def test_sigkill_before_a_call_loses_nothing(tmp_path: Path, way: Strategy) -> None:
    calls = calls_of_a_move(tmp_path, way)
    assert {"mkdirat", "renameat2", "unlinkat", "fsync", "linkat" if way == "link" else "pwrite64"} <= {
        c.name for c in calls
    }
    for call in sample(calls, 6):
        world = fresh(tmp_path, f"{call.name} {call.n}", way)
        rule = f"{call.name}:signal=SIGKILL:when={call.n}"
        outcome = run_traced(lambda world=world: move(world, Steps()), tmp_path / "log", rule)
        assert outcome.status == -signal.SIGKILL, rule
        assert converges(world) == [], f"killed before {call}"


@pytest.mark.parametrize("way", WAYS)
def test_an_error_from_a_call_loses_nothing(tmp_path: Path, way: Strategy) -> None:
    calls = [call for call in calls_of_a_move(tmp_path, way) if "greenroom.db" not in call.text]
    for n, call in enumerate(sample(calls, 4)):
        for error in ERRORS if ALL else [ERRORS[n % len(ERRORS)], ERRORS[(n * 5 + 3) % len(ERRORS)]]:
            name = f"{call.name} {call.n} {error}"
            world = fresh(tmp_path, name, way)
            rule = f"{call.name}:error={error}:when={call.n}"
            outcome = run_traced(lambda world=world: move(world, Steps()), tmp_path / "log", rule)
            assert outcome.status in (0, REFUSED), name
            assert list(complaints(world)) == [], name
            wrong = converges(world)
            if "AT_REMOVEDIR" in call.text:  # then an empty folder may stay in the inbound tree
                wrong = [what for what in wrong if not what.startswith("left in the inbound folder: b'Band - Two/")]
            assert wrong == [], name
