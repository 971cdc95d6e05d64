"""Files nobody may move, folders that hand down group and access list, attributes people gave their files."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.cycles import House, another_filesystem, converges, lost, music, wrong_items
from tests.faults.disks import run
from tests.faults.subjects import CYCLE
from tests.faults.trials import must
from tests.filesystems.kinds import ALL, Kind, image, mounted

EXT4 = Kind("ext4", image("ext4"), {"mkfs.ext4": "e2fsprogs", "chattr": "e2fsprogs"})
MEDIA = 1234  # a group


@pytest.fixture
def disk() -> Iterator[Path]:
    """An ext4 that may be told what it likes."""
    with mounted(EXT4) as path:
        yield path
        run("chattr", "-R", "-i", "-a", str(path))


def told(house: House) -> dict[str, str]:
    """Run a cycle; say by album why it was not staged."""
    ended = house.run(*CYCLE)
    assert "Traceback" not in ended.err
    left: list[dict[str, Any]] = [album for album in json.loads(ended.out)["albums"] if album["outcome"] != "staged"]
    return {album["album"]: album["reasons"][0]["code"] for album in left}


@pytest.mark.parametrize(("flag", "way"), [("i", "link"), ("a", "copy")])
def test_a_file_nobody_may_move_keeps_its_album_where_it_is(disk: Path, flag: str, way: str) -> None:
    with another_filesystem(disk) as elsewhere:
        house = House(disk / "house", elsewhere / "staging" if way == "copy" else None)
        kept = house.inbound / "Nora Vale - Low Tide"
        run("chattr", f"+{flag}", str(kept / "02.flac"))
        for _ in range(2):
            assert told(house)["Low Tide"] == "protected"
            assert len(list(kept.iterdir())) == 4
            assert [*lost(house), *wrong_items(house)] == []
        run("chattr", f"-{flag}", str(kept / "02.flac"))
        assert converges(house) == []


@pytest.mark.skipif(not ALL, reason="scripts/filesystems tries it")
@pytest.mark.parametrize("flag", ["i", "a"])
def test_a_folder_nobody_may_change_is_told_before_anything_is_done(disk: Path, flag: str) -> None:
    house = House(disk / "house")
    run("chattr", f"+{flag}", str(house.inbound / "Nora Vale - Low Tide"))
    assert told(house) == {"Low Tide": "permission_denied"}
    run("chattr", f"-{flag}", str(house.inbound / "Nora Vale - Low Tide"))
    assert converges(house) == []


@pytest.mark.parametrize("way", ["link", "copy"])
def test_group_and_access_list_come_from_the_folder_and_attributes_of_files_stay(disk: Path, way: str) -> None:
    with another_filesystem(disk) as elsewhere:
        house = House(disk / "house", inbound=elsewhere / "inbound" if way == "copy" else None)
        os.chown(house.staging, 0, MEDIA)
        house.staging.chmod(0o2775)
        handed_down = shutil.which("setfacl") is not None
        if handed_down:
            run("setfacl", "-d", "-m", f"g:{MEDIA}:rwx", str(house.staging))
        mine = house.inbound / "Nora Vale - Low Tide" / "01.flac"
        mine.chmod(0o640)
        os.chown(mine, 77, 78)
        try:
            os.setxattr(mine, "user.comment", b"from a friend")
        except OSError as error:
            pytest.skip(f"no attributes in {mine.parent}: {error.strerror}")
        must(house, *CYCLE)
        for folder in (path for path in house.staging.glob("[!.]*/**") if path.is_dir()):
            assert (folder.stat().st_gid, bool(folder.stat().st_mode & stat.S_ISGID)) == (MEDIA, True)
            assert not handed_down or "system.posix_acl_default" in os.listxattr(folder)
        (staged,) = house.staging.rglob("01 - Wave 1.flac")
        found = staged.stat()
        assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (77, 78, 0o640)
        assert os.getxattr(staged, "user.comment") == b"from a friend"
        must(house, "undo", str(house.runs()[0]["id"]))
        assert os.getxattr(mine, "user.comment") == b"from a friend"
        assert len(music(house.inbound)) == len(house.dropped)
