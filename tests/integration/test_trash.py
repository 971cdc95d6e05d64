"""The trash of a root: what is put there stays whole, ages, and goes only when nobody can need it any more."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from config import libraries
from config.database import Database
from config.errors import NeedsReview
from config.lease import Guard
from config.libraries import Library
from processor.filesystem.files import Tree
from processor.transfers import journal, trash, trash_rows
from processor.transfers.hidden import PLAYER_IGNORES
from processor.transfers.transfer import State, Transfer
from scanner.ignore import OWN, built_in
from tests.faults.traced import run_traced
from tests.faults.world import NOW, At, Killed, Steps, put, tree
from workflow.upkeep import prune_trash

ALBUM = {b"A/Ada/Low Tide/CD 1/1.mp3": b"one", b"A/Ada/Low Tide/caf\xe9.jpg": b"cover"}
MINUTE = dt.timedelta(minutes=1)
AT_ONCE, IN_A_MONTH = dt.timedelta(0), dt.timedelta(days=30)


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    put(os.fsencode(tmp_path / "root"), ALBUM)
    return os.fsencode(tmp_path / "root")


def transfer(name: str, undoes: str | None = None) -> Transfer:
    target = name.encode()
    return Transfer(name, "album", "planned", b"/in", b"/out", target, (), {}, 1, "boot", undoes=undoes)


def remember(database: Database, planned: Transfer, *states: State) -> None:
    with database.begin() as connection:
        journal.plan(connection, [planned], NOW)
        for state in states:
            journal.advance(connection, [planned], state, NOW)


def staging(folder: Path) -> Library:
    """An empty one, which a cycle holds."""
    return Library(0, "staging", "music", os.fsencode(folder), "held")


def dying() -> None:
    raise Killed


def throw_away(root: bytes, name: str) -> None:
    with Tree(root) as there:
        trash.put(there, b"A/Ada/Low Tide", name, Steps())


def test_what_was_taken_out_just_now_is_no_trouble_to_whoever_lists_or_removes_the_rest(root: bytes) -> None:
    throw_away(root, "t")
    with Tree(root) as tree:
        assert trash.look(tree, b"t") is not None
        trash.erase(tree, trash.place("t"), Steps())
        trash.erase(tree, trash.place("t"), Steps())
        assert trash.look(tree, b"t") is None


def test_what_is_taken_out_while_it_is_looked_at_is_no_trouble_either(
    root: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    throw_away(root, "t")
    below = Tree.below

    def taken_out_then(tree: Tree, folder: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        os.rename(os.path.join(root, folder), os.path.join(root, b"elsewhere"))
        return below(tree, folder)

    monkeypatch.setattr(Tree, "below", taken_out_then)
    with Tree(root) as there:
        assert trash.look(there, b"t") is None


DONE: tuple[State, ...] = ("materialised", "published", "done")


def test_what_is_put_there_is_whole_hidden_from_players_and_from_the_scan(root: bytes, database: Database) -> None:
    throw_away(root, "t")
    there = tree(root)
    assert there[b".greenroom-trash/t/CD 1/1.mp3"] == b"one"
    assert b"A/Ada/Low Tide/" not in there
    assert all(b".greenroom-trash/" + name in there for name in PLAYER_IGNORES)
    assert built_in(trash.TRASH, True) == OWN
    (listed,) = trash.listed(database, root)
    assert (listed.transfer_id, listed.files, listed.size) == ("t", 2, 8)


def test_what_is_there_already_is_never_written_over(root: bytes) -> None:
    throw_away(root, "t")
    put(root, ALBUM)
    with pytest.raises(FileExistsError):
        throw_away(root, "t")
    assert tree(root).items() >= ALBUM.items()


def test_what_has_lain_long_enough_goes_and_nothing_else(root: bytes, database: Database) -> None:
    remember(database, transfer("t"), *DONE)
    throw_away(root, "t")
    assert trash.empty(database, Steps(), root, IN_A_MONTH) == ([], [])
    assert len(trash.listed(database, root)) == 1
    gone, kept = trash.empty(database, Steps(), root, AT_ONCE)
    assert ([g.transfer_id for g in gone], kept, trash.listed(database, root)) == (["t"], [], [])
    assert trash.empty(database, Steps(), root, AT_ONCE) == ([], [])


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("chattr"), reason="root alone makes files immutable")
def test_one_file_that_nobody_may_remove_keeps_nothing_else(root: bytes, database: Database) -> None:
    for name in ("a", "b"):
        remember(database, transfer(name), *DONE)
        throw_away(root, name)
        put(root, ALBUM)
    song = os.path.join(root, b".greenroom-trash/a/CD 1/1.mp3")
    if subprocess.run(["chattr", "+i", song], check=False, capture_output=True).returncode:
        pytest.skip("this file system has no such attribute")
    try:
        with pytest.raises(NeedsReview, match=r"CD 1/1\.mp3"):
            trash.empty(database, Steps(), root, AT_ONCE)
    finally:
        subprocess.run(["chattr", "-R", "-i", root], check=True)
    assert {*os.listdir(os.path.join(root, trash.TRASH))} == {b"a.going", *PLAYER_IGNORES}
    assert trash.empty(database, Steps(), root, AT_ONCE) == ([], [])
    assert trash.is_empty(root)


def test_what_put_an_album_into_the_trash_is_remembered_until_that_is_gone(root: bytes, database: Database) -> None:
    for name in ("t", "seen", "unseen"):
        remember(database, replace(transfer(name), kind="retag"), *DONE)
    for name in ("t", "seen"):
        throw_away(root, name)
        put(root, ALBUM)
    trash.grow_older(database, root, NOW)
    trash.empty(database, Steps(), root, AT_ONCE, only=["t"])
    with database.read() as connection:
        assert journal.old(connection, NOW + dt.timedelta(days=400), 9) == ["t"]


def test_days_in_the_trash_are_counted_by_looks_and_not_read_off_a_clock(root: bytes, database: Database) -> None:
    remember(database, transfer("t"), *DONE)
    throw_away(root, "t")
    ages = []
    for days in (0, 1, 2, 3000, 3001, 2, 3, 3.01):  # forward by years, and back
        trash.grow_older(database, root, NOW + dt.timedelta(days=days))
        ages.append(trash.listed(database, root)[0].age.days)
    assert ages == [0, 1, 2, 3, 4, 4, 5, 5]
    assert trash.empty(database, Steps(), root, dt.timedelta(days=6)) == ([], [])
    assert len(trash.empty(database, Steps(), root, dt.timedelta(days=5))[0]) == 1


def test_looks_within_an_hour_write_nothing_and_lose_none_of_it(root: bytes, database: Database) -> None:
    """A cycle may look every minute; each write would keep others from the database."""
    remember(database, transfer("t"), *DONE)
    throw_away(root, "t")
    found = []
    for minutes in (0, 20, 59, 60, 80, 121):
        trash.grow_older(database, root, NOW + dt.timedelta(minutes=minutes))
        with database.read() as connection:
            ((age, seen),) = trash_rows.trash_ages(connection, ["t"]).values()
        assert seen is not None
        found.append((age // MINUTE, (seen - NOW) // MINUTE))
    assert found == [(0, 0), (0, 0), (0, 0), (60, 60), (60, 60), (121, 121)]


@pytest.mark.parametrize(("name", "states"), [("open", DONE[:2]), ("stuck", ("attention",)), ("unknown", None)])
def test_what_somebody_may_need_stays_however_old(
    root: bytes, database: Database, name: str, states: tuple[State, ...] | None
) -> None:
    if states is not None:
        remember(database, transfer(name), *states)
    throw_away(root, name)
    gone, kept = trash.empty(database, Steps(), root, AT_ONCE)
    assert (gone, [reason.code for reason in kept]) == ([], ["trash_kept"])
    assert len(trash.listed(database, root)) == 1


def test_what_an_undo_is_bringing_back_stays(root: bytes, database: Database) -> None:
    remember(database, transfer("t"), *DONE)
    remember(database, replace(transfer("u"), undoes="t"), "materialised")
    throw_away(root, "t")
    assert trash.empty(database, Steps(), root, AT_ONCE)[0] == []


def test_killed_while_emptying_the_rest_goes_the_next_time_whatever_its_age(root: bytes, database: Database) -> None:
    remember(database, transfer("t"), *DONE)
    steps = Steps()
    throw_away(root, "t")
    trash.empty(database, steps, root, AT_ONCE)
    for step in range(2, len(steps.labels) + 1):  # before the first one it has no mark yet
        put(root, ALBUM)
        throw_away(root, "t")
        with pytest.raises(Killed):
            trash.empty(database, Steps(step), root, AT_ONCE)
        trash.empty(database, Steps(), root, IN_A_MONTH)
        assert not [path for path in tree(root) if path.startswith(b".greenroom-trash/t")], f"killed before step {step}"
    assert len(steps.labels) > 4


def test_what_is_half_removed_from_the_trash_of_a_library_goes_with_the_next_cycle(
    root: bytes, database: Database, tmp_path: Path
) -> None:
    with database.begin() as connection:
        libraries.add_library(connection, "library", root, now=NOW)
    remember(database, replace(transfer("t"), kind="discard"), *DONE)
    throw_away(root, "t")
    with pytest.raises(Killed):
        trash.empty(database, At("trash remove", dying), root, AT_ONCE)
    assert [one for one in trash.listed(database, root) if one.told] == []
    prune_trash(database, cast(Guard, Steps()), staging(tmp_path), 30, threading.Event())
    assert not [path for path in tree(root) if path.startswith(b".greenroom-trash/t")]
    with database.read() as connection:
        assert journal.old(connection, NOW + dt.timedelta(days=400), 9) == ["t"]


@pytest.mark.strace
def test_a_library_whose_disk_fails_keeps_no_cycle_from_its_end(
    root: bytes, database: Database, tmp_path: Path
) -> None:
    with database.begin() as connection:
        libraries.add_library(connection, "library", root, now=NOW)
    remember(database, replace(transfer("t"), kind="discard"), *DONE)
    throw_away(root, "t")
    done = run_traced(
        lambda: prune_trash(database, cast(Guard, Steps()), staging(tmp_path), 0, threading.Event()),
        tmp_path / "log",
        "unlinkat:error=EIO",
    )
    assert done.status == 0
    assert [path for path in tree(root) if path.startswith(b".greenroom-trash/t")]


def test_a_link_in_the_trash_is_removed_and_not_followed(root: bytes, database: Database, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "song").write_bytes(b"mine")
    os.symlink(tmp_path / "mine", os.path.join(root, b"A/Ada/Low Tide/link"))
    remember(database, transfer("t"), *DONE)
    throw_away(root, "t")
    trash.empty(database, Steps(), root, AT_ONCE)
    assert (tmp_path / "mine" / "song").read_bytes() == b"mine"
    assert trash.listed(database, root) == []
