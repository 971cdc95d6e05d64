"""Disks that people plug in, and pull out in the middle of a cycle: told in a sentence, and nothing is lost by it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.faults.cycles import House, albums, converges
from tests.faults.disks import run, seen_by_us_alone
from tests.faults.steps import labels, run_until
from tests.faults.subjects import CYCLE
from tests.faults.trials import must
from tests.filesystems.kinds import ALL, DRIVERS, Plugged
from tests.filesystems.servers import unmount
from tests.filesystems.test_any import outcomes, report_of
from tests.memory import memory


@pytest.fixture(params=[name for name in DRIVERS if ALL or name == "exfat"])
def plugged(request: pytest.FixtureRequest) -> Iterator[Plugged]:
    """An empty disk of each driver."""
    driver = DRIVERS[request.param]
    if why := driver.why_not():
        pytest.skip(why)
    seen_by_us_alone()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-fs-", dir=memory())))
        disk = Plugged(folder / "disk", driver)
        stack.callback(unmount, disk.path)
        yield disk


def house_on(disk: Plugged, folder: Path, name: str = "house") -> House:
    """A house whose roots are all on the disk, with albums that are safely there."""
    there = disk.path / name
    (folder / name).mkdir()
    house = House(folder / name, there / "staging", inbound=there / "inbound", library=there / "library", filled=False)
    house.drop(albums())
    run("sync", "-f", str(disk.path))
    return house


def plugged_in_again(disk: Plugged) -> None:
    unmount(disk.path)
    disk.plug_in()


def test_a_disk_that_is_pulled_out_in_the_middle_is_told_and_loses_nothing(plugged: Plugged, tmp_path: Path) -> None:
    count = len(labels(house_on(plugged, tmp_path), *CYCLE))
    for n in range(2, count, 3) if ALL else (count // 3, count * 3 // 4):
        house = house_on(plugged, tmp_path, f"{n}")
        status = run_until(house, n, lambda _label: plugged.pull_out(), *CYCLE)
        ended = house.ended(status)
        report = json.loads(ended.out)
        assert "Traceback" not in ended.err
        if status or n < count * 4 // 5:  # later it may have been done
            message = report["error"]["message"]
            assert any(said in message for said in ("endpoint is not connected", "caused connection abort")), ended
            assert "what it needs" not in message
        else:
            assert report["counts"]["staged"] == len(report["albums"])
        plugged_in_again(plugged)
        assert converges(house) == [], f"pulled out before step {n}"


def test_what_was_planned_and_remembered_holds_after_the_disk_was_plugged_in_again(
    plugged: Plugged, tmp_path: Path
) -> None:
    """Inode numbers, and that of the device, are others then."""
    house = house_on(plugged, tmp_path)
    house.drop({f"again/{place}": data for place, data in albums().items() if "Cannery" not in place})
    report = report_of(house)
    assert outcomes(report) == ["duplicate", "duplicate", "staged", "staged", "staged"], report
    must(house, "undo", report["run_id"])
    run("sync", "-f", str(plugged.path))
    plugged_in_again(plugged)
    again = report_of(house)
    assert sorted(album["reasons"][0]["code"] for album in again["albums"])[-3:] == ["taken_back"] * 3, again
    assert "Traceback" not in house.ended(0).err
