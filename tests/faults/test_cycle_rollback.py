"""The database is set back to an older copy after a crash: the files say what is, and nothing is lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.faults import ALL
from tests.faults.cycles import House, lost, wrong_items
from tests.faults.steps import die, labels, run_until

CYCLE = ("cycle", "--json")


def copy_database(source: Path, target: Path) -> None:
    """Copy a database with all its commits, as a backup does."""
    for name in ("-wal", "-shm", ""):
        Path(f"{target}{name}").unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as now, closing(sqlite3.connect(target)) as copy:
        now.backup(copy)


@pytest.mark.parametrize("taken", ["before", "at a step"])
def test_a_database_set_back_after_a_crash_loses_no_file_and_no_album(quick_path: Path, taken: str) -> None:
    steps = labels(House(quick_path / "count", workers=1), *CYCLE)
    for n in range(1, len(steps) + 1, 1 if ALL else 17):
        house = House(quick_path / f"{n}", workers=1)
        file, older = house.data / "greenroom.db", house.folder / "older.db"
        copy_database(file, older)
        if taken == "at a step":
            run_until(house, n // 2 + 1, die, *CYCLE)
            copy_database(file, older)
            house.run("recover")
        run_until(house, n, die, *CYCLE)
        for name in ("greenroom.db-wal", "greenroom.db-shm"):
            (house.data / name).unlink(missing_ok=True)
        shutil.copy(older, file)
        assert list(lost(house)) == [], n
        for command in (("recover",), ("fsck", "--adopt")):
            ended = house.run(*command)
            assert "Traceback" not in ended.err
            assert [*lost(house), *wrong_items(house)] == [], (n, command)
        ended = house.run(*CYCLE)
        assert ended.status == 0
        # What the forgotten cycle had moved but not cleared away is there twice; it is named and left to a person.
        assert {album["outcome"] for album in json.loads(ended.out)["albums"]} <= {"staged", "duplicate"}, n
        assert [*lost(house), *wrong_items(house)] == [], n
        assert len(house.items()) == 3
