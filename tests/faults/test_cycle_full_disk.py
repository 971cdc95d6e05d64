"""A disk that is really full: the albums say so, nothing is lost, and once there is room all of it is done."""

from __future__ import annotations

import errno
import itertools
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import text, update

from config.errors import Misconfigured
from config.machine import utc_now
from scanner.newscan import NewScan
from scanner.scandb import failed
from tests.carrying import carrying
from tests.faults.cycles import Ended, House, converges, forked, lost, wrong_items
from tests.faults.test_cycle_signals import is_moving
from tests.music import write_album
from tests.scenarios.drops import songs
from tests.scenarios.house import House as Rooms
from tests.scenarios.publishing import add_library, approve, check_libraries, published
from tests.waiting import until
from workflow import succession
from workflow.engine.engine import Engine
from workflow.engine.tables import JobRow


@pytest.fixture
def disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A file system of 400 KiB, if not told otherwise, and 80 inodes."""
    size = getattr(request, "param", "400k")
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes=80", "tmpfs", str(place)]
    mounted = subprocess.run(command, check=False, capture_output=True, text=True)
    if mounted.returncode:
        pytest.skip(f"a full disk needs the right to mount one: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.parametrize("disk", ["3m"], indirect=True)
def test_a_full_disk_under_the_database_is_named_by_every_command_and_by_doctor(disk: Path, tmp_path: Path) -> None:
    house = House(tmp_path, data=disk / "data", filled=False)
    backup = tmp_path / "backup.gz"
    assert house.run("export", "--work", str(tmp_path), str(backup)).status == 0
    fill_bytes(disk)
    for command in (["fsck"], ["status"], ["export", str(backup)], ["cycle"]):
        ended = house.run(*command)
        assert ended.status == 1
        assert "greenroom.db did not answer" in ended.err
        assert "its disk is full: make room there" in ended.err
    ended = house.run("doctor")
    assert ended.status == 1
    assert ended.out.startswith(f"✗ nothing can be written into the data folder {house.data}: its disk is full")
    assert "folders can be watched" in ended.out  # what needs no database is looked at all the same
    ended = house.run("import", "--check", str(backup))
    assert ended.status == 1
    assert "disk is full" in ended.err
    assert house.run("import", "--check", "--work", str(tmp_path), str(backup)).status == 0
    free(disk)
    assert house.run("doctor").status == 0
    fill_bytes(disk)
    with (disk / "filler").open("rb+") as filler:
        filler.truncate(filler.seek(0, os.SEEK_END) - (40 << 10))  # SQLite reads yet, as beside a daemon that lives
    ended = house.run("status")
    assert ended.status == 0
    assert f"problem    nothing can be written into the data folder {house.data}: its disk is full" in ended.out


def test_a_scan_db_there_is_no_inode_for_says_that_and_sends_nobody_to_look_for_bytes(disk: Path) -> None:
    def made() -> NewScan:
        return NewScan.create(disk / "scan.db", root=b"/music", started=utc_now(), boot="b", options="{}")

    fill_inodes(disk)
    with pytest.raises(Misconfigured, match="No space left on device; its disk can hold no more files: remove some"):
        made()
    free(disk)
    with made():
        fill_bytes(disk)
        assert "its disk is full: make room there" in failed(disk / "scan.db", OSError(errno.ENOSPC, "full")).message


def fill_bytes(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / "filler").open("wb", buffering=0) as filler:
        for size in (4096, 1):
            until_full(partial(filler.write, bytes(size)))


def fill_inodes(disk: Path) -> None:
    """Leave no inode free."""
    (disk / "fillers").mkdir()
    numbers = itertools.count()
    until_full(lambda: (disk / "fillers" / str(next(numbers))).touch(exist_ok=False))


def until_full(act: Callable[[], object]) -> None:
    """Repeat until the disk is full."""
    try:
        while True:
            act()
    except OSError as error:
        assert error.errno == errno.ENOSPC  # noqa: PT017  it is the loop that ends there


def free(disk: Path) -> None:
    """Take away what filled it."""
    for path in (disk / "filler", *disk.glob("fillers/*")):
        path.unlink(missing_ok=True)


def codes(ended: Ended) -> set[tuple[str, str]]:
    """Outcome and first reason of every album that is not staged."""
    albums = [album for album in json.loads(ended.out)["albums"] if album["outcome"] != "staged"]
    return {(album["outcome"], album["reasons"][0]["code"]) for album in albums}


@pytest.mark.parametrize("fill", [fill_bytes, fill_inodes])
def test_a_disk_that_is_full_at_the_start_is_found_at_plan_time(
    tmp_path: Path, disk: Path, fill: Callable[[Path], None]
) -> None:
    house = House(tmp_path / "house", disk / "staging")
    fill(disk)
    ended = house.run("cycle", "--json")
    assert "Traceback" not in ended.err
    assert codes(ended) == {("failed", "no_space")}
    assert [*lost(house), *wrong_items(house)] == []
    free(disk)
    assert converges(house) == []


@pytest.mark.parametrize("disk", ["3m"], indirect=True)
def test_what_the_undoing_of_one_album_frees_is_not_taken_for_room_that_another_one_had(
    tmp_path: Path, disk: Path
) -> None:
    house = House(tmp_path / "house", disk / "staging", filled=False, rate_limit=5)
    write_album(house.inbound / "a", artist="Ada Fern", album="Harbour", tracks=9, ext="wav")
    write_album(house.inbound / "b", artist="Bea Gill", album="Ledge", tracks=2, ext="mp3")
    child = forked(lambda: house.command("cycle", "--json"))
    until(lambda: any(house.staging.glob(".greenroom-tx/*/*.wav")))
    fill_bytes(disk)
    _, status = os.waitpid(child, 0)
    ended = house.ended(os.waitstatus_to_exitcode(status))
    assert codes(ended) <= {("failed", "disk_full"), ("failed", "not_tried")}
    told = json.loads(ended.out)["error"]["message"]
    assert f"{house.staging}/.greenroom-tx/" in told, "which of the disks it was"
    assert "No space left on device; free some space" in told


@pytest.mark.parametrize("fill", [fill_bytes, fill_inodes])
def test_a_disk_that_fills_up_while_files_are_copied_costs_nothing(
    tmp_path: Path, disk: Path, fill: Callable[[Path], None]
) -> None:
    house = House(tmp_path / "house", disk / "staging", rate_limit=5)
    child = forked(lambda: house.command("cycle", "--json"))
    until(lambda: is_moving(house))
    fill(disk)
    _, status = os.waitpid(child, 0)
    ended = house.ended(os.waitstatus_to_exitcode(status))
    report = json.loads(ended.out)
    assert "Traceback" not in ended.err
    assert (ended.status, report["status"], report["error"]["code"]) == (1, "failed", "disk_full")
    assert codes(ended) <= {("failed", "disk_full"), ("failed", "not_tried")}
    assert [*lost(house), *wrong_items(house)] == []
    free(disk)
    house.set(rate_limit=0)
    assert converges(house) == []


@pytest.mark.parametrize("fill", [fill_bytes, fill_inodes])
def test_publications_wait_for_room_in_the_library_and_go_on_by_themselves_with_one_message(
    tmp_path: Path, sqlite_url: str, disk: Path, fill: Callable[[Path], None]
) -> None:
    house = Rooms.make(tmp_path, sqlite_url)
    library = add_library(house, root=disk)
    for name in ("Low Tide", "Spring Tide"):
        house.drop(songs(name, "mp3", range(1, 3), album=name))
    house.cycle(rehearsed=False)
    ids = approve(house)
    engine = Engine(house.database, succession.works())
    fill(disk)
    for item_id in ids:
        succession.request(engine, "publish", item_id, actor="eva")
    with carrying(house.database, house.data):
        until(lambda: [(job.status, job.code) for job in engine.list(phase="publish")] == [("queued", "disk_full")] * 2)
        assert {job.attempt for job in engine.list(phase="publish")} == {0}
        check_libraries(house)
        assert {item["status"] for item in house.items().values()} == {"approved"}
        free(disk)
        with house.database.begin() as connection:  # as if some minutes had passed
            connection.execute(update(JobRow).values(not_before=utc_now()))
        until(lambda: engine.counts()["publish"] == {"done": 2})
    check_libraries(house)
    assert len([path for path in published(library) if path.endswith(".mp3")]) == 4
    with house.database.read() as connection:
        told = connection.scalars(text("SELECT why FROM events WHERE kind = 'job_dead'")).all()
    assert len(told) == 1
    assert "free some space" in told[0]
    house.database.close()
