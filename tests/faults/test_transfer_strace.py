"""SIGKILL before, and an error from, every system call of a move that changes something; then recovery."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import select

from processor.tables import TransferRow
from processor.transfers.transfer import Strategy
from tests.faults.traced import REFUSED, Call, changing, run_traced, sample, with_errors
from tests.faults.world import ALBUMS, Steps, World, complaints, converges, move, recovered, tree, unfinished

pytestmark = pytest.mark.strace
WAYS: list[Strategy] = ["link", "copy"]
ALBUM = {b"Band - Two": ALBUMS[b"Band - Two"]}


def calls_of_a_move(quick_path: Path, way: Strategy) -> list[Call]:
    """Every call of an undisturbed move that changes a root or the database, each once."""
    world = fresh(quick_path, "count", way)
    outcome = run_traced(lambda: move(world, Steps(), workers=1), quick_path / "calls")
    assert outcome.status == 0
    assert list(complaints(world)) == []
    return changing(outcome.calls, world.inbound, world.staging)


def fresh(quick_path: Path, name: str, way: Strategy) -> World:
    folder = quick_path / name
    folder.mkdir()
    return World.make(folder, ALBUM, way)


@pytest.mark.parametrize("way", WAYS)
def test_sigkill_before_a_call_loses_nothing(quick_path: Path, way: Strategy) -> None:
    calls = calls_of_a_move(quick_path, way)
    assert {"mkdirat", "renameat2", "unlinkat", "fsync", "linkat" if way == "link" else "pwrite64"} <= {
        c.name for c in calls
    }
    for call in sample(calls, 6):
        world = fresh(quick_path, f"{call.name} {call.n}", way)
        rule = f"{call.name}:signal=SIGKILL:when={call.n}"
        outcome = run_traced(partial(move, world, Steps(), workers=1), quick_path / "log", rule)
        assert outcome.status == -signal.SIGKILL, rule
        assert converges(world) == [], f"killed before {call}"


@pytest.mark.parametrize("way", WAYS)
def test_an_error_from_a_call_loses_nothing(quick_path: Path, way: Strategy) -> None:
    for call, error in with_errors(calls_of_a_move(quick_path, way), 4, each=2):
        name = f"{call.name} {call.n} {error}"
        world = fresh(quick_path, name, way)
        rule = f"{call.name}:error={error}:when={call.n}"
        outcome = run_traced(partial(move, world, Steps(), workers=1), quick_path / "log", rule)
        assert outcome.status in (0, REFUSED), name
        assert list(complaints(world)) == [], name
        wrong = converges(world)
        if "AT_REMOVEDIR" in call.text:  # then an empty folder may stay in the inbound tree
            wrong = [what for what in wrong if not what.startswith("left in the inbound folder: b'Band - Two/")]
        assert wrong == [], name


def test_without_renameat2_the_album_still_appears_whole(quick_path: Path) -> None:
    for error in ("EINVAL", "ENOSYS"):
        world = fresh(quick_path, error, "link")
        outcome = run_traced(partial(move, world, Steps(), workers=1), quick_path / "log", f"renameat2:error={error}")
        assert outcome.status == 0
        assert [*complaints(world), *unfinished(world)] == []


def test_killed_before_the_rename_that_stands_for_renameat2_the_move_goes_on(quick_path: Path) -> None:
    world = fresh(quick_path, "world", "link")
    rules = ("renameat2:error=EINVAL", "renameat,rename:signal=SIGKILL:when=2")  # the first rename is the sidecar's
    outcome = run_traced(lambda: move(world, Steps(), workers=1), quick_path / "log", *rules)
    assert outcome.status == -signal.SIGKILL
    assert not os.path.exists(os.path.join(world.staging, b"B/Band - Two"))
    assert len(recovered(world, Steps(fence=2)).done) == 1
    assert [*complaints(world), *unfinished(world)] == []


def sync_of(calls: list[Call], name: str) -> Call:
    return next(call for call in calls if call.name == "fdatasync" and name in call.text)


def test_a_file_the_disk_could_not_sync_is_copied_to_a_new_inode(quick_path: Path) -> None:
    call = sync_of(calls_of_a_move(quick_path, "link"), "CD 1/01.flac")
    world = fresh(quick_path, "world", "link")
    rule = f"{call.name}:error=EIO:when={call.n}"
    outcome = run_traced(lambda: move(world, Steps(), workers=1), quick_path / "log", rule)
    assert outcome.status == 0
    assert [*complaints(world), *unfinished(world)] == []
    with world.database.read() as connection:
        assert connection.scalar(select(TransferRow.strategy)) == "copy"


def test_a_disk_that_goes_on_failing_costs_nothing(quick_path: Path) -> None:
    world = fresh(quick_path, "world", "copy")
    rule = "fsync,fdatasync:error=EIO:when=1+"
    outcome = run_traced(lambda: move(world, Steps(), workers=1), quick_path / "log", rule)
    assert outcome.status in (0, REFUSED)
    assert list(complaints(world)) == []
    assert {path: data for path, data in tree(world.inbound).items() if data} == {
        path: data for path, data in ALBUM[b"Band - Two"].items() if data
    }
    assert converges(world) == []


def write_of_a_copy(calls: list[Call]) -> tuple[Call, int]:
    """The write of the first disc's bytes, of which there is one, and how many bytes it is."""
    (call,) = [call for call in calls if call.name == "write" and "CD 1/01.flac>" in call.text]
    return call, len(ALBUM[b"Band - Two"][b"Band - Two/CD 1/01.flac"])


def test_a_write_that_never_reached_the_file_is_noticed_and_the_copy_made_again(quick_path: Path) -> None:
    call, size = write_of_a_copy(calls_of_a_move(quick_path, "copy"))
    world = fresh(quick_path, "world", "copy")
    rule = f"write:retval={size}:when={call.n}"  # the call is not made, and answered as if it had been
    outcome = run_traced(lambda: move(world, Steps(), workers=1), quick_path / "log", rule)
    assert outcome.status == 0
    assert any("(INJECTED)" in call.text for call in outcome.calls)
    assert [*complaints(world), *unfinished(world)] == []


def test_a_disk_that_goes_on_losing_what_is_written_costs_no_source(quick_path: Path) -> None:
    call, size = write_of_a_copy(calls_of_a_move(quick_path, "copy"))
    world = fresh(quick_path, "world", "copy")
    rule = f"write:retval={size}:when={call.n}..{call.n + 1}"
    outcome = run_traced(lambda: move(world, Steps(), workers=1), quick_path / "log", rule)
    assert outcome.status in (0, REFUSED)
    assert sum("(INJECTED)" in call.text for call in outcome.calls) == 2
    assert list(complaints(world)) == []
    assert not os.path.exists(os.path.join(world.staging, b"B"))
    assert {path for path in tree(world.inbound) if not path.endswith(b"/")} == ALBUM[b"Band - Two"].keys()
    assert converges(world) == []
