"""An error from a system call of a whole cycle: told with its cause, nothing lost, and the next cycle completes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.faults import ALL
from tests.faults.cycles import (
    House,
    another_filesystem,
    calls_of_a_cycle,
    converges,
    lost,
    traced_cycle,
    wrong_items,
)
from tests.faults.traced import sample

pytestmark = pytest.mark.strace
PARTS = 2  # tests that share the calls of one way, to run beside each other
BUSY = {("flock", "EACCES"): (75, "skipped")}  # so SMB says that somebody else has it locked
ERRORS = ["ENOSPC", "EIO", "EROFS", "EDQUOT", "EACCES", "EMFILE"]


def report_of(house: House, status: int, busy: tuple[int, str] | None = None) -> dict[str, Any]:
    """The one object on stdout; a failed cycle and a failed album say why, and nobody sees a traceback."""
    ended = house.ended(status)
    report: dict[str, Any] = json.loads(ended.out)
    assert (ended.status, report["status"]) in ((0, "done"), (1, "failed"), busy)
    if "tag_reader_unavailable" not in ended.err:  # the reader's own messages are shown as they are
        assert "Traceback" not in ended.err
    assert (report["error"] is None) == (report["status"] == "done")
    failed = [album["reasons"][0] for album in report["albums"] if album["outcome"] == "failed"]
    for reason in [*failed, *filter(None, [report["error"]])]:
        assert reason["code"]
        assert reason["message"]
    return report


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("way", ["link", "copy"])
def test_an_error_from_any_call_is_told_and_the_next_cycle_completes(quick_path: Path, way: str, part: int) -> None:
    with another_filesystem(quick_path) as elsewhere:
        calls = calls_of_a_cycle(House(quick_path / "count", elsewhere / "count" if way == "copy" else None))
        calls = [call for call in calls if str(quick_path) in call.text or str(elsewhere) in call.text]
        for number, call in list(enumerate(sample(calls, 150)))[part::PARTS]:
            for error in ERRORS if ALL else [ERRORS[number % len(ERRORS)]]:
                name = f"{call.name} {call.n} {error}"
                house = House(quick_path / name, elsewhere / name if way == "copy" else None)
                status = traced_cycle(house, f"{call.name}:error={error}:when={call.n}").status
                report_of(house, status, BUSY.get((call.name, error)))
                assert [*lost(house), *wrong_items(house)] == [], name
                assert converges(house) == [], name


@pytest.mark.parametrize("call", ["flock", "pwrite64", "linkat", "fsync", "renameat2", "mkdirat"])
def test_what_goes_on_failing_is_told_and_loses_nothing(quick_path: Path, call: str) -> None:
    house = House(quick_path / "house")
    status = traced_cycle(house, f"{call}:error=EIO").status
    # what cannot be linked is copied, whatever the error is called: some have no other one for what they have not
    assert report_of(house, status)["status"] == ("done" if call == "linkat" else "failed")
    assert converges(house) == []


def test_a_full_disk_of_a_pool_that_has_room_elsewhere_stops_one_album_alone(quick_path: Path) -> None:
    with another_filesystem(quick_path) as elsewhere:
        house = House(quick_path / "house", elsewhere / "house")
        house.set(workers=1)  # strace counts the calls of each thread
        report = report_of(house, traced_cycle(house, "fallocate:error=ENOSPC:when=1").status)
        assert sorted(album["outcome"] for album in report["albums"]) == ["failed", "staged", "staged"]
        (failed,) = (album for album in report["albums"] if album["outcome"] == "failed")
        assert failed["reasons"][0]["code"] == "part_full"
        assert converges(house) == []
