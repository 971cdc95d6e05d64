"""A tree listed by several processes: it is the same tree, whoever of them dies, hangs or cannot be started."""

from __future__ import annotations

import os
import resource
import signal
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from config.errors import Stopped
from scanner.ignore import IgnoreRules
from scanner.listers import Listers, list_some
from scanner.walk import Folder, walk


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """200 folders, some with patterns of their own, some with what is left alone; one far deeper than it is wide."""
    for number in range(60):
        for disc in ("CD1", "CD2"):
            folder = tmp_path / f"Artist {number % 7}" / f"Album {number}" / disc
            folder.mkdir(parents=True)
            (folder / "01.flac").write_bytes(b"x" * number)
            (folder / "Thumbs.db").touch()
    (tmp_path / "Artist 3" / ".greenroomignore").write_text("CD2/\n*.log\n")
    (tmp_path / "Artist 4" / "Album 4" / "CD1" / ".greenroomignore").write_text("/01.flac\n/[z\n")
    (tmp_path / "Artist 5" / "Album 5" / "CD1" / "02.flac.part").touch()
    (tmp_path / "/".join(f"d{n}" for n in range(40))).mkdir(parents=True)
    os.mkdir(os.fsencode(tmp_path) + b"/\xff\xfe")
    os.mkfifo(tmp_path / "Artist 6" / "pipe.mp3")
    return tmp_path


def nothing() -> None:
    """Let the walk go on."""


def listed(folders: Iterator[Folder]) -> dict[bytes, Folder]:
    return {folder.path: folder for folder in folders}


def a_lister() -> int:
    """Wait until there is one; return its process id."""
    while True:
        servers = [pid for pid in _children(os.getpid()) if b"scanner.listers" in _command_line(pid)]
        for lister in [lister for server in servers for lister in _children(server)]:
            return lister
        time.sleep(0.01)


def _command_line(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.parametrize("patterns", [[], ["*.flac", "Album 1*/"]], ids=["no patterns", "the admin's patterns"])
def test_a_tree_is_the_same_however_many_list_it(tree: Path, patterns: list[str]) -> None:
    root, rules = os.fsencode(tree), IgnoreRules.of(patterns)
    alone = list(walk(root, rules))
    for count in (0, 1, 3):
        with Listers(root, count, nothing, worth=0) as listers:
            found = list(walk(root, rules, listers))
        assert sorted(found) == sorted(alone)
        places = {folder.path: place for place, folder in enumerate(found)}
        assert all(places[os.path.dirname(path)] <= place for path, place in places.items()), "parents come first"
    assert len(alone) == len(places) > 100


def test_a_lister_that_dies_leaves_its_folders_to_the_others(tree: Path) -> None:
    root = os.fsencode(tree)
    with Listers(root, 2, nothing, worth=0) as listers:
        folders = walk(root, IgnoreRules(), listers)
        found = listed(islice(folders, 3))
        os.kill(a_lister(), signal.SIGKILL)
        found |= listed(folders)
    assert found == listed(walk(root, IgnoreRules()))


def test_no_lister_at_all_is_no_trouble(tree: Path) -> None:
    root, limits = os.fsencode(tree), resource.getrlimit(resource.RLIMIT_NOFILE)
    used = len(os.listdir("/proc/self/fd"))
    with Listers(root, 4, nothing, worth=0) as listers:
        resource.setrlimit(resource.RLIMIT_NOFILE, (used + 6, limits[1]))
        try:
            found = listed(walk(root, IgnoreRules(), listers))
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert found == listed(walk(root, IgnoreRules()))


def test_a_walk_that_waits_for_a_disk_can_be_stopped(tree: Path) -> None:
    def stop() -> None:
        raise Stopped("the scan was stopped")

    root = os.fsencode(tree)
    with Listers(root, 1, stop, worth=0) as listers:
        folders = walk(root, IgnoreRules(), listers)
        assert len([*islice(folders, 2)]) == 2
        os.kill(a_lister(), signal.SIGSTOP)  # as one that waits for a network share that is gone
        with pytest.raises(Stopped):
            list(folders)


def test_a_folder_whose_patterns_hold_below_it_is_left_to_the_walk(tree: Path) -> None:
    listed, waiting, apart = list_some(os.fsencode(tree), [b"Artist 4", b"Artist 3"])
    assert (apart, waiting) == ([b"Artist 3"], [])
    assert not any(path.startswith(b"Artist 3") for path, *_ in listed)
    assert b"Artist 4/Album 4/CD1" in [path for path, *_ in listed], "nothing is below its patterns"
