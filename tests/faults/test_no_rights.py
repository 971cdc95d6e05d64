"""Disks without rights, and units that forbid setting them, by errors from each such call: all goes on, and is told."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.cycles import House, lost, wrong_items
from tests.faults.libraries import to_publish
from tests.faults.traced import run_traced
from tests.faults.trials import must

pytestmark = pytest.mark.strace
NO_OWNERS, NO_RIGHTS = "fchown:error=EPERM", "fchmod:error=EPERM"


def owned(folder: Path, **publishing: str) -> House:
    """A house with a library, and folders whose set-group-ID bit the folders made in them inherit."""
    house = House(folder, workers=1)
    house.add_library()
    for path in (house.inbound, house.library, *house.inbound.rglob("*")):
        assert path is not None
        if path.is_dir():
            path.chmod(0o2775)
    for name, value in publishing.items():
        must(house, "settings", "set", f"phase.publish.{name}", value)
    return house


def refused(house: House, *command: str, errors: tuple[str, ...]) -> object:
    """What a command told that was refused these calls."""
    run_traced(lambda: house.command(*command), house.folder / "log", *errors)
    ended = house.ended(0)
    assert ended.err == ""
    return json.loads(ended.out)


def codes(told: object) -> list[str]:
    """The codes of the reasons of what was published."""
    assert isinstance(told, list)
    return [reason["code"] for one in told for reason in one["reasons"]]


def modes(root: Path, matches: Callable[[Path], bool]) -> set[int]:
    """The rights below a root of what matches."""
    return {stat.S_IMODE(path.stat().st_mode) for path in root.rglob("*") if matches(path)}


def test_a_disk_without_rights_takes_albums_and_gives_them_back(quick_path: Path) -> None:
    house = owned(quick_path / "house")
    refused(house, "cycle", "--json", errors=(NO_OWNERS, NO_RIGHTS))
    assert [item["status"] for item in house.items()] == ["pending_review"] * 3
    told = refused(house, "undo", house.runs()[0]["id"], "--json", errors=(NO_OWNERS, NO_RIGHTS))
    assert "done" in json.dumps(told)
    assert [*lost(house), *wrong_items(house)] == []
    assert house.items() == []
    assert modes(house.inbound, Path.is_dir) <= {0o2775, 0o2755, 0o700 | stat.S_ISGID}


def test_who_may_not_change_the_owner_still_sets_the_rights(quick_path: Path) -> None:
    house = owned(quick_path / "house", file_mode="664", folder_mode="775", owner=f":{os.getegid() + 1}")
    must(house, "cycle", "--json")
    told = refused(house, *to_publish(house).command, errors=(NO_OWNERS,))
    assert codes(told) == ["rights_kept"] * len(codes(told)) != []
    assert house.library is not None
    assert modes(house.library, lambda path: path.suffix in {".flac", ".nfo"}) == {0o664}
    # Folders keep the set-group-ID bit they have from the one above, as with chmod(1).
    assert modes(house.library, Path.is_dir) >= {0o2775}


def test_what_has_its_rights_already_is_left_alone(quick_path: Path) -> None:
    house = owned(quick_path / "house", owner=f":{os.getegid()}")
    must(house, "cycle", "--json")
    assert codes(refused(house, *to_publish(house).command, errors=(NO_OWNERS,))) == []
