"""btrfs: folders that are subvolumes, snapshots nobody can write to, quotas, compression and files without copies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy import select

from config.errors import Misconfigured
from processor.filesystem.files import Tree
from processor.tables import TransferRow
from tests.faults.cycles import House, albums, converges, lost, music, wrong_items
from tests.faults.disks import run
from tests.faults.libraries import to_publish, to_take_out
from tests.faults.subjects import CYCLE
from tests.faults.trashing import to_empty
from tests.faults.trials import must
from tests.filesystems.kinds import ALL, KINDS, mounted

BTRFS = next(kind for kind in KINDS if kind.name == "btrfs")
THOROUGH = pytest.mark.skipif(not ALL, reason="scripts/filesystems tries it")


@pytest.fixture(scope="module")
def btrfs() -> Iterator[Path]:
    """One for all tests of this file."""
    with mounted(BTRFS) as path:
        yield path


@pytest.fixture
def here(btrfs: Path, request: pytest.FixtureRequest) -> Path:
    """A folder there for one test."""
    path = btrfs / str(request.node.name)
    path.mkdir()
    return path


def subvolume(path: Path) -> Path:
    """Make one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    run("btrfs", "subvolume", "create", str(path))
    return path


def reasons(house: House) -> dict[str, list[str]]:
    """Run a cycle; say by album why it is not staged."""
    ended = house.run(*CYCLE)
    assert "Traceback" not in ended.err
    albums = json.loads(ended.out)["albums"]
    return {a["album"]: [r["code"] for r in a["reasons"]] for a in albums if a["outcome"] != "staged"}


def ways(house: House) -> set[str]:
    """How files got from root to root."""
    with house.database() as database, database.read() as connection:
        return set(connection.scalars(select(TransferRow.strategy)))


def test_between_subvolumes_files_are_cloned_and_all_is_as_between_folders(here: Path) -> None:
    roots = [subvolume(here / name) / name for name in ("inbound", "staging", "library")]
    house = House(here / "house", roots[1], inbound=roots[0], library=roots[2])
    house.add_library()
    assert (reasons(house), ways(house)) == ({}, {"clone"})
    taking_out = to_take_out(house)  # it is published by now
    assert [*lost(house), *wrong_items(house)] == []
    must(house, *taking_out.command)
    assert not ALL or taking_out.converges(house) == []
    assert ways(house) == {"clone"}
    assert [*lost(house), *wrong_items(house)] == []


@pytest.mark.parametrize("mode", ["move", "reflink"])
def test_a_disk_without_room_for_copies_takes_clones(tmp_path: Path, mode: str) -> None:
    with mounted(BTRFS) as disk:
        roots = [subvolume(disk / name) / name for name in ("inbound", "staging", "library")]
        house = House(tmp_path, roots[1], inbound=roots[0], library=roots[2])
        house.add_library()
        scan = next(house.inbound.rglob("*.mp3")).with_name("booklet.pdf")
        scan.write_bytes(os.urandom(40 << 20))  # for which there is no room a second time
        run("sync", "-f", str(disk))  # until then btrfs counts on more
        must(house, "settings", "set", "phase.publish.library_reserve_mib", "0")
        must(house, "settings", "set", "phase.publish.transfer", mode)
        assert (reasons(house), ways(house)) == ({}, {"clone"})
        must(house, *to_publish(house).command)
        assert ways(house) == {"clone"}
        assert [*lost(house)] == []


@THOROUGH
def test_an_album_or_a_disc_that_is_a_subvolume_is_staged_whole(here: Path) -> None:
    house = House(here, filled=False)
    for folder in ("Nora Vale - Low Tide", "Live at the Cannery/CD2"):
        subvolume(house.inbound / folder)
    house.fill()
    assert converges(house) == []


def test_a_folder_of_an_artist_that_is_a_subvolume_is_told_before_anything_is_copied(here: Path) -> None:
    house = House(here)
    house.add_library()
    artist = subvolume(house.staging / "NV" / "Nora Vale")
    assert reasons(house) == {"Low Tide": ["other_filesystem", "album_and_artist_agree"]}
    with house.database() as database, database.read() as connection:
        assert len(connection.scalars(select(TransferRow.id)).all()) == 2
    artist.rmdir()
    must(house, *CYCLE)
    assert house.library is not None
    artist = subvolume(house.library / "Nora Vale")
    publication = to_publish(house)
    ended = house.run(*publication.command)
    (refused,) = (one for one in json.loads(ended.out) if one["reasons"])
    assert [reason["code"] for reason in refused["reasons"]] == ["other_filesystem"]
    artist.rmdir()
    assert publication.converges(house) == []


@THOROUGH
def test_a_snapshot_nobody_can_write_to_is_no_inbound_folder_and_says_why(here: Path) -> None:
    (subvolume(here / "live") / "inbound").mkdir()
    run("btrfs", "subvolume", "snapshot", "-r", str(here / "live"), str(here / "snapshot"))
    with pytest.raises(Misconfigured, match="Read-only file system"):
        House(here / "house", inbound=here / "snapshot" / "inbound")
    house = House(here / "other", filled=False)
    run("btrfs", "subvolume", "snapshot", "-r", str(here / "live"), str(house.inbound / "albums"))
    assert reasons(house) == {}


def test_a_folder_that_is_open_already_shows_what_came_into_it_since(here: Path) -> None:
    """There a descriptor lists what was in it when it was opened, or last rewound."""
    (here / "album").mkdir()
    with Tree(bytes(here)) as tree:
        assert tree.stat(b"album/01.mp3") is None
        for n in (1, 2):
            (here / "album" / f"0{n}.mp3").touch()
            assert len(tree.names(b"album")) == n


def test_what_the_trash_is_emptied_of_is_gone_then_and_not_with_the_next_cycle(here: Path) -> None:
    house = House(here, workers=1)
    must(house, *CYCLE)
    must(house, *to_empty(house).command)
    assert [path for path in (house.staging / ".greenroom-trash").iterdir() if path.is_dir()] == []


@THOROUGH
def test_a_quota_that_is_used_up_is_told_and_costs_nothing(here: Path) -> None:
    house = House(here, subvolume(here / "staging"), inbound=subvolume(here / "inbound"), filled=False)
    house.fill()
    run("sync", "-f", str(here))
    run("btrfs", "quota", "enable", str(here))
    run("btrfs", "quota", "rescan", "-w", str(here))
    run("btrfs", "qgroup", "limit", "40k", str(house.staging))
    told = reasons(house)
    assert {codes[0] for codes in told.values()} == {"quota_full"}
    assert [*lost(house), *wrong_items(house)] == []
    run("btrfs", "qgroup", "limit", "none", str(house.staging))
    assert converges(house) == []
    run("btrfs", "quota", "disable", str(here))


def test_a_quota_of_the_data_folder_is_named_by_every_command_and_by_doctor(here: Path, tmp_path: Path) -> None:
    house = House(here, data=subvolume(here / "data"), filled=False)
    house.fill()
    run("btrfs", "quota", "enable", str(here))
    run("btrfs", "quota", "rescan", "-w", str(here))
    run("btrfs", "qgroup", "limit", "16k", str(house.data))
    for command in (["status"], ["fsck"], CYCLE, ["export", str(tmp_path / "backup.gz")]):
        ended = house.run(*command)
        assert ended.status == 1
        assert "its quota is used up: raise it, or make room there" in ended.err
    ended = house.run("doctor")
    assert ended.status == 1
    assert f"✗ nothing can be written into the data folder {house.data}: its quota is used up" in ended.out
    run("btrfs", "quota", "disable", str(here))
    assert [*lost(house), *wrong_items(house)] == []
    assert converges(house) == []


WRITER = """
import sys, time
from pathlib import Path
from sqlalchemy import text
from config.database import Database
from config.errors import Retryable

refused = []
database = Database(f"sqlite:///{sys.argv[1]}")
with database.begin() as connection:
    connection.execute(text("CREATE TABLE large AS SELECT 1 AS n, hex(randomblob(4000)) AS text"))
while len(refused) < 20:
    try:
        with database.begin() as connection:
            connection.execute(text("INSERT INTO large SELECT 1, hex(randomblob(4000)) FROM large LIMIT 20"))
    except Retryable as error:
        refused.append(error.message)
print(refused[-1])
"""


@pytest.mark.parametrize("full", ["its quota is used up", "its disk is full"])
def test_no_room_for_the_memory_that_sqlite_shares_is_told_and_ends_nobody_without_a_word(
    tmp_path: Path, full: str
) -> None:
    """Where a write to mapped memory takes a new block, one that there is no room for is a signal (SIGBUS)."""
    with mounted(BTRFS) as here:
        house = House(tmp_path, data=subvolume(here / "data"), filled=False)
        if full == "its quota is used up":
            run("btrfs", "quota", "enable", str(here))
            run("btrfs", "quota", "rescan", "-w", str(here))
            run("btrfs", "qgroup", "limit", "24m", str(house.data))
        else:
            with suppress(OSError), (here / "filler").open("wb", buffering=0) as filler:
                while True:
                    filler.write(bytes(1 << 20))
            os.truncate(here / "filler", (here / "filler").stat().st_size - (24 << 20))
            run("sync", "-f", str(here))
        command = [sys.executable, "-c", WRITER, str(house.data / "greenroom.db")]
        written = subprocess.run(command, check=False, capture_output=True, text=True, cwd=Path(__file__).parents[2])
        assert (written.returncode, written.stderr) == (0, "")
        assert full in written.stdout
        with suppress(OSError), (house.data / "more").open("wb", buffering=0) as filler:
            while True:
                filler.write(bytes(1 << 20))
        for asked in (["status"], ["settings", "set", "staging_scan.workers", "3"], CYCLE, ["doctor"]):
            ended = house.run(*asked)
            assert ended.status == 1
            assert full in ended.err + ended.out


@THOROUGH
@pytest.mark.parametrize("what", ["compression", "no copies of what is written"])
def test_what_a_folder_does_with_its_files_changes_nothing(here: Path, what: str) -> None:
    house = House(here, filled=False)
    flag = {"compression": "+c"}.get(what, "+C")
    for root in house.roots[:1] if flag == "+C" else house.roots:
        run("chattr", flag, str(root))
    house.drop({**albums(), "Live at the Cannery/zero.log": bytes(1 << 20)})
    os.sync()
    house.set(workers=1)
    assert converges(house) == []
    assert ways(house) == {"link"}
    assert b"zero.log" in {path.rpartition(b"/")[2] for path in music(house.staging)}
