"""btrfs: folders that are subvolumes, snapshots nobody can write to, quotas, compression and files without copies."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
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
def test_a_disk_without_room_for_copies_takes_clones(mode: str) -> None:
    with mounted(BTRFS) as disk:
        roots = [subvolume(disk / name) / name for name in ("inbound", "staging", "library")]
        house = House(disk / "house", roots[1], inbound=roots[0], library=roots[2])
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
