"""What a move made durable, and when, read off its system calls; and proof that dropping one sync would be noticed."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from processor.recover import recover
from processor.transfer import Strategy, Transfer
from tests.faults.traced import Call, Outcome, mark, run_traced
from tests.faults.world import ALBUMS, NOW, Killed, Steps, World, move, publish, tree

pytestmark = pytest.mark.strace
WAYS: list[Strategy] = ["link", "copy"]
ALBUM = {b"Band - Two": ALBUMS[b"Band - Two"]}
_AT = r'(?:AT_FDCWD(?:<[^>]*>)?|\d+<(?P<{0}dir>[^>]*)>), "(?P<{0}name>[^"]*)"'
_ONE = re.compile(_AT.format("a"))
_TWO = re.compile(_AT.format("a") + ", " + _AT.format("b"))
_FD = re.compile(r"\d+<(?P<path>[^>]*)>")


class Marking(Steps):
    """Leaves a mark at each commit, so that the calls before and after can be told apart."""

    def check(self, label: str) -> None:
        super().check(label)
        if label.startswith("commit"):
            mark(label.removeprefix("commit "))


class Dying(Steps):
    """Dies before the first step of a kind that comes after one of another kind."""

    def __init__(self, kind: str, after: str) -> None:
        super().__init__()
        self._kind, self._after = kind, after

    def check(self, label: str) -> None:
        if label.startswith(self._kind) and self._after in self.labels:
            raise Killed(label)
        super().check(label)


class Disk:
    """What would be lost if the power failed now: the names and the contents nobody synced."""

    def __init__(self) -> None:
        self.names: set[str] = set()  # changed since their folder was synced
        self.contents: set[str] = set()  # new files, since they were synced
        self.synced: set[str] = set()  # files of others whose bytes were synced before they were linked

    def take(self, call: Call) -> None:
        """Follow one successful call."""
        if call.name in ("fsync", "fdatasync"):
            path = _path(call)
            self.contents.discard(path)
            self.synced.add(path)
            self.names = {name for name in self.names if os.path.dirname(name) != path}
        elif call.name in ("mkdirat", "unlinkat") or (call.name == "openat" and "O_CREAT" in call.text):
            (path,) = _paths(_ONE, call.text, "a")
            if call.name == "unlinkat":  # with a folder all that was below it is gone
                self.names = {name for name in self.names if not name.startswith(path + "/")}
            self.names.add(path)
            self.contents.discard(path)
            if call.name == "openat":
                self.contents.add(path)
        elif call.name == "linkat":
            old, new = _paths(_TWO, call.text, "ab")
            self.names.add(new)
            # Bytes that nobody synced may never have been synced by whoever wrote them.
            (self.synced if old in self.synced else self.contents).add(new)
        elif call.name in ("renameat", "renameat2"):
            self._rename(*_paths(_TWO, call.text, "ab"))
        elif call.name in ("write", "pwrite64", "fchmod", "utimensat", "ftruncate", "fallocate"):
            self.contents.add(_path(call))
            self.synced.discard(_path(call))

    def _rename(self, old: str, new: str) -> None:
        def moved(path: str) -> str:
            return new + path[len(old) :] if path == old or path.startswith(old + "/") else path

        self.names = {moved(path) for path in self.names} | {old, new}
        self.contents = {moved(path) for path in self.contents}


def _path(call: Call) -> str:
    found = _FD.match(call.text)
    return found["path"] if found else ""


def _paths(pattern: re.Pattern[str], text: str, sides: str) -> list[str]:
    found = pattern.search(text)
    return (
        [os.path.join(found[f"{side}dir"] or "", found[f"{side}name"]) for side in sides]
        if found
        else [""] * len(sides)
    )


def power_cut_complaints(world: World, calls: list[Call]) -> Iterator[str]:
    """Say what a power cut at a commit would lose, and what was removed before the album was published."""
    inbound, staging = os.fsdecode(world.inbound), os.fsdecode(world.staging)
    disk, reached = Disk(), "planned"
    for call in calls:
        if call.name.endswith(("access", "access2")) and "/greenroom-mark/" in call.text:
            reached = call.text.split("/greenroom-mark/")[1].split('"')[0]
            root = inbound if reached == "done" else staging
            players = f"{staging}/.greenroom-tx/."  # the files that keep players out hold nothing
            lost = [
                path for path in (*disk.names, *disk.contents) if path.startswith(root) and not path.startswith(players)
            ]
            yield from (f"at {reached}: {path} is not durable" for path in sorted(lost))
        elif call.name == "unlinkat" and inbound in call.text and reached != "published":
            yield f"a source is removed while {reached}: {call.text}"
        elif " = -1 " not in call.text and "(INJECTED)" not in call.text:
            disk.take(call)


def traced_move(tmp_path: Path, name: str, way: Strategy, *inject: str) -> tuple[World, Outcome]:
    folder = tmp_path / name
    folder.mkdir()
    world = World.make(folder, ALBUM, way)
    outcome = run_traced(lambda: move(world, Marking(), workers=1), tmp_path / "log", *inject)
    world.database.close()
    assert outcome.status == 0
    return world, outcome


@pytest.mark.parametrize("way", WAYS)
def test_everything_is_synced_before_each_commit(tmp_path: Path, way: Strategy) -> None:
    world, outcome = traced_move(tmp_path, "move", way)
    assert sum("/greenroom-mark/" in call.text for call in outcome.calls) == 3
    assert list(power_cut_complaints(world, outcome.calls)) == []


@pytest.mark.parametrize("way", WAYS)
def test_recovery_takes_nothing_it_finds_for_durable(tmp_path: Path, way: Strategy) -> None:
    world = World.make(tmp_path, ALBUM, way)
    with pytest.raises(Killed):
        move(world, Dying("fsync above", after="switch"))
    staging = os.fsdecode(world.staging)
    found = {os.path.join(staging, os.fsdecode(path)).rstrip("/") for path in tree(world.staging)}
    ours = {path for path in found if not path.startswith((f"{staging}/M", f"{staging}/.greenroom-tx"))}

    def published(connection: Connection, transfer: Transfer) -> None:
        mark("published")
        publish(connection, transfer)

    roots = (world.inbound, world.staging)
    outcome = run_traced(
        lambda: recover(world.database, Steps(fence=2), published, roots, now=NOW, boot_id="boot", strongest=way),
        tmp_path / "log",
    )
    world.database.close()
    assert outcome.status == 0
    disk = Disk()
    disk.names |= ours  # they can all be read, and may be in memory only; their bytes were synced before the switch
    for call in outcome.calls:
        if "/greenroom-mark/" in call.text:
            break
        disk.take(call)
    assert disk.names == set()


def synced_twice(call: Call, calls: list[Call]) -> bool:
    """Tell whether a sync only repeats another: folders are synced as they fill, and again in the end."""
    same = [other for other in calls if other.name == call.name and _path(other) == _path(call)]
    return len(same) > 1


@pytest.mark.parametrize("way", WAYS)
def test_a_dropped_sync_is_noticed(tmp_path: Path, way: Strategy) -> None:
    world, outcome = traced_move(tmp_path, "move", way)
    roots = (os.fsdecode(world.inbound), os.fsdecode(world.staging))
    syncs = [call for call in outcome.calls if call.name in ("fsync", "fdatasync") and _path(call).startswith(roots)]
    needed = [call for call in syncs if not synced_twice(call, syncs)]
    assert len(needed) > len(ALBUM[b"Band - Two"])
    for n, call in enumerate(needed):
        world, dropped = traced_move(tmp_path, f"drop {n}", way, f"{call.name}:retval=0:when={call.n}")
        path = os.path.relpath(_path(call), tmp_path / "move")
        # the album, which has another name at the next commit; a source is missed under its name in there
        what = re.sub(r"^(out/\.greenroom-tx/[^/]+|in/Band - Two(?=/.*\.))", "", path)
        assert any(what in said for said in power_cut_complaints(world, dropped.calls)), f"nobody noticed: {call}"
