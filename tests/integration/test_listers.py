"""A tree listed by several processes: it is the same tree, whoever of them dies, hangs or cannot be started."""

from __future__ import annotations

import os
import resource
import signal
import sys
from collections import deque
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from config.errors import Stopped
from scanner.ignore import IgnoreRules
from scanner.listers import Listers, _send, list_some, serve
from scanner.walk import Folder, Waiting, walk


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


def with_all(listers: Listers, count: int, folders: Iterator[Folder]) -> Iterator[Folder]:
    """Let a walk go on only when all that are to help it are there; a small one would be over before."""
    yield from islice(folders, 2)
    while len(listers._idle) + len(listers._answers.poll(10)) < count:
        pass
    yield from folders


def a_lister() -> int:
    """Return the process id of one."""
    servers = [pid for pid in _children(os.getpid()) if b"scanner.listers" in _command_line(pid)]
    return next(lister for server in servers for lister in _children(server))


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
            found = list(with_all(listers, count, walk(root, rules, listers)))
        assert sorted(found) == sorted(alone)
        places = {folder.path: place for place, folder in enumerate(found)}
        assert all(places[os.path.dirname(path)] <= place for path, place in places.items()), "parents come first"
    assert len(alone) == len(places) > 100


def test_a_lister_that_dies_leaves_its_folders_to_the_others(tree: Path) -> None:
    root = os.fsencode(tree)
    with Listers(root, 2, nothing, worth=0) as listers:
        folders = with_all(listers, 2, walk(root, IgnoreRules(), listers))
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


def test_a_walk_does_not_wait_for_listers_that_are_not_there_yet(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = tmp_path_factory.mktemp("bin") / "python"
    slow.write_text("#!/bin/sh\ncat\nexit\n")  # it lives as long, and never forks one
    slow.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(slow))
    root, before = os.fsencode(tree), _children(os.getpid())
    with Listers(root, 3, nothing, worth=0) as listers:
        found = listed(walk(root, IgnoreRules(), listers))
        assert _children(os.getpid()) != before
    assert found == listed(walk(root, IgnoreRules()))


def test_a_lister_that_answers_when_the_walk_is_over_ends_without_a_word(tree: Path) -> None:
    questions, ours = os.pipe()
    answers, replies = os.pipe()
    os.close(answers)
    with os.fdopen(ours, "wb") as tasks:
        _send(tasks, (os.fsencode(tree), [b"Artist 1"]))
    serve(questions, replies)


@pytest.mark.parametrize(
    ("seconds", "known", "started"),
    [
        pytest.param(0.3, 0, True, id="a long walk of an unknown tree"),
        pytest.param(0.1, 0, False, id="one that may end soon"),
        pytest.param(0.02, 100, True, id="a walk whose tree was large"),
        pytest.param(0.02, 5, False, id="one whose tree was small"),
        pytest.param(0.3, 1, True, id="one whose tree has grown"),
        pytest.param(0.002, 100_000, False, id="one that has hardly begun"),
    ],
)
def test_others_help_where_much_is_left(tree: Path, seconds: float, known: int, *, started: bool) -> None:
    before = _children(os.getpid())
    with Listers(os.fsencode(tree), 1, nothing, known=known) as listers:
        waiting: Waiting = deque([(b"Artist 1", IgnoreRules())])
        list(listers.share(waiting, seconds))
        assert (_children(os.getpid()) != before) is started


def test_a_walk_that_waits_for_a_disk_can_be_stopped(tree: Path) -> None:
    def stop() -> None:
        raise Stopped("the scan was stopped")

    root = os.fsencode(tree)
    with Listers(root, 1, stop, worth=0) as listers:
        folders = with_all(listers, 1, walk(root, IgnoreRules(), listers))
        assert len([*islice(folders, 3)]) == 3
        os.kill(a_lister(), signal.SIGSTOP)  # as one that waits for a network share that is gone
        with pytest.raises(Stopped):
            list(folders)


def test_a_folder_whose_patterns_hold_below_it_is_left_to_the_walk(tree: Path) -> None:
    listed, waiting, apart = list_some(os.fsencode(tree), [b"Artist 4", b"Artist 3"])
    assert (apart, waiting) == ([b"Artist 3"], [])
    assert not any(path.startswith(b"Artist 3") for path, *_ in listed)
    assert b"Artist 4/Album 4/CD1" in [path for path, *_ in listed], "nothing is below its patterns"
