"""Hints that something changed below a folder: from the kernel, and by looking where the kernel is silent."""

from __future__ import annotations

import math
import os
import re
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from config import machine
from config.sentinel import SENTINEL
from processor.transfers.materialise import expected_way
from scanner import watch
from scanner.watch import Watch, folder_times, list_folders, watches_used_up
from tests.waiting import until

LONG = 20.0  # seconds; reached only when a test fails


@pytest.fixture
def listen() -> Iterator[Callable[..., tuple[Watch, threading.Event]]]:
    started: list[Watch] = []

    def begin(root: Path, poll_seconds: float = 3600, since: float = math.inf) -> tuple[Watch, threading.Event]:
        heard = threading.Event()
        one = Watch(os.fsencode(root), heard.set, since=since, poll_seconds=poll_seconds, patience=LONG)
        one.start()
        started.append(one)
        return one, heard

    yield begin
    threads = threading.active_count()
    for one in started:
        one.stop()
    assert threading.active_count() < threads


Listen = Callable[..., tuple[Watch, threading.Event]]


@pytest.mark.parametrize("polled", [False, True])
def test_what_changed_while_nobody_listened_is_heard_at_once_and_what_is_older_is_not(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch, polled: bool
) -> None:
    if polled:
        monkeypatch.setitem(machine.NETWORK_FILESYSTEMS, machine.filesystem_type(os.fsencode(tmp_path)), "NFS")
    for name in ("artist/album/1.flac", ".greenroom-trash/2.flac"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    dropped = (tmp_path / "artist/album").stat().st_ctime
    os.utime(tmp_path / "artist/album/1.flac", (0, 0))  # as of music that was copied with its times
    changed = (tmp_path / "artist/album/1.flac").stat().st_ctime
    while (tmp_path / ".greenroom-trash/2.flac").stat().st_ctime <= changed:  # the trash is younger
        os.utime(tmp_path / ".greenroom-trash/2.flac")
    assert listen(tmp_path, since=dropped - 1)[1].is_set()
    assert not listen(tmp_path, since=changed)[1].is_set()


def test_what_cannot_be_looked_at_hides_nothing_beside_it(tmp_path: Path, listen: Listen) -> None:
    folder = tmp_path
    while len(os.fsencode(folder)) < os.pathconf(tmp_path, "PC_PATH_MAX") - 200:
        folder /= "x" * 90
    folder.mkdir(parents=True)
    (folder / "1.flac").touch()
    opened = os.open(folder, os.O_RDONLY)
    for number in range(30):  # whose paths are longer than any call takes
        os.close(os.open(f"{number}".ljust(250, "y"), os.O_CREAT, dir_fd=opened))
    os.close(opened)
    folders = folder.stat().st_ctime
    while (folder / "1.flac").stat().st_ctime <= folders:
        os.utime(folder / "1.flac")
    assert listen(tmp_path, since=folders)[1].is_set()


def test_who_stops_it_waits_for_no_look_at_a_large_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at, stops = [], threading.Event()

    def slow(name: bytes, is_folder: bool) -> None:
        looked_at.append(name)
        assert stops.wait(LONG)

    monkeypatch.setattr(watch, "built_in", slow)
    for name in ("1.flac", "2.flac", "3.flac"):
        (tmp_path / name).touch()
    one = Watch(os.fsencode(tmp_path), lambda: None, since=math.inf, patience=0.0)
    one.start()
    until(lambda: looked_at)
    one.stop()
    stops.set()
    until(lambda: not one._thread.is_alive())
    assert len(looked_at) == 1


def test_a_file_below_a_new_folder_is_heard(tmp_path: Path, listen: Listen) -> None:
    one, heard = listen(tmp_path)
    assert one.reason is None
    (tmp_path / "album" / "cd1").mkdir(parents=True)
    assert heard.wait(LONG)


def test_folders_that_are_made_while_their_parents_are_found_make_no_noise(tmp_path: Path, listen: Listen) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        _, heard = listen(tmp_path)
        for number in range(200):
            (tmp_path / str(number) / "album" / "cd1").mkdir(parents=True)
        heard.clear()
        (tmp_path / "199" / "album" / "cd1" / "1.flac").touch()  # is heard after all those
        assert heard.wait(LONG)
    assert not told


def test_a_file_that_grows_in_place_is_heard(tmp_path: Path, listen: Listen) -> None:
    path = tmp_path / "1.flac"
    path.write_bytes(b"x")
    _, heard = listen(tmp_path)
    with path.open("ab") as growing:
        growing.write(b"y")
    assert heard.wait(LONG)


def test_another_folder_under_the_same_name_is_heard_as_of_a_disk_that_was_mounted_anew(
    tmp_path: Path, listen: Listen
) -> None:
    root = tmp_path / "inbound"
    root.mkdir()
    _, heard = listen(root, poll_seconds=0.01)
    for name in ("a", "b"):
        root.rename(tmp_path / name)
        heard.clear()
        root.mkdir()
        assert heard.wait(LONG)  # who knows what came meanwhile
        until(lambda: queues(root) == 2)  # that of the events, and that which knows the folder again
        heard.clear()
        (root / "1.flac").touch()
        assert heard.wait(LONG)


def queues(root: Path) -> int:
    """Return how many inotify queues of this process hear of the folder that is there now."""
    mark = re.compile(f"inotify wd:[0-9a-f]+ ino:{root.stat().st_ino:x} ")
    told = [Path(f"/proc/self/fdinfo/{fd}") for fd in os.listdir("/proc/self/fd")]
    return sum(bool(mark.search(one.read_text())) for one in told if one.exists())


def test_a_name_that_is_not_text_is_heard(tmp_path: Path, listen: Listen) -> None:
    _, heard = listen(tmp_path)
    os.close(os.open(os.path.join(os.fsencode(tmp_path), b"\xff.flac"), os.O_CREAT | os.O_WRONLY))
    assert heard.wait(LONG)


@pytest.mark.parametrize(
    ("name", "concerns"),
    [
        (b"a/1.flac", True),
        (b"\xff", True),
        (b".greenroom-trash/x/1.flac", False),
        (b"a/.DS_Store", False),
        (b"", False),
    ],
)
def test_our_own_files_and_junk_make_no_hint(tmp_path: Path, name: bytes, concerns: bool) -> None:
    root = os.fsencode(tmp_path)
    assert Watch(root, lambda: None, since=0.0)._concerns(os.path.join(root, name).rstrip(b"/")) is concerns


def test_reading_is_no_change(tmp_path: Path, listen: Listen) -> None:
    (tmp_path / "1.flac").write_bytes(b"x")
    _, heard = listen(tmp_path)
    (tmp_path / "1.flac").read_bytes()
    _, other = listen(tmp_path / "..")  # a second watch that is told of the marker proves that the first had its turn
    (tmp_path.parent / f"{tmp_path.name}-marker").write_bytes(b"x")
    assert other.wait(LONG)
    assert not heard.is_set()


def test_the_trial_whether_files_clone_is_no_change(tmp_path: Path, listen: Listen) -> None:
    """Or each cycle between two file systems would be heard, and be why the next one begins."""
    inbound, staging = tmp_path / "inbound", tmp_path / "staging"
    for root in (inbound, staging):
        root.mkdir()
        (root / os.fsdecode(SENTINEL)).touch()
    heard = listen(inbound)[1]
    assert expected_way(os.fsencode(inbound), os.fsencode(staging), "clone") in ("clone", "copy")
    assert not heard.wait(0.5)


def test_on_a_network_filesystem_the_folders_are_polled(
    tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(machine.NETWORK_FILESYSTEMS, machine.filesystem_type(os.fsencode(tmp_path)), "NFS")
    one, heard = listen(tmp_path, poll_seconds=0.01)
    assert one.reason is not None
    assert one.reason.code == "watch_remote"
    number = 0
    while not heard.wait(0.05):  # until the first poll has seen the tree before a change
        (tmp_path / str(number)).mkdir()
        number += 1
        assert number < 400


def threads_and_descriptors() -> tuple[int, int]:
    return threading.active_count(), len(os.listdir("/proc/self/fd"))


def test_a_folder_that_cannot_be_watched_says_so_and_leaves_nothing_open(tmp_path: Path) -> None:
    before = threads_and_descriptors()
    one = Watch(os.fsencode(tmp_path / "later"), print, since=math.inf, poll_seconds=3600, patience=LONG)
    one.start()
    assert one.reason is not None
    assert one.reason.code == "watch_unavailable"
    one.stop()
    assert threads_and_descriptors() == before


def test_watches_are_not_used_up_here(tmp_path: Path) -> None:
    assert watches_used_up(os.fsencode(tmp_path)) is None


def test_folder_times_see_what_comes_goes_and_is_renamed_but_follow_no_links(tmp_path: Path) -> None:
    inside = tmp_path / "in"
    (inside / "a").mkdir(parents=True)
    (inside / "a" / "loop").symlink_to(tmp_path)
    (inside / "a" / "1").write_bytes(b"")
    folders = list_folders(os.fsencode(inside))
    assert folders == [os.fsencode(inside), os.fsencode(inside / "a")]

    def changed(act: Callable[[], object]) -> bool:
        before = folder_times(folders)
        stamp = (inside / "a").stat().st_mtime_ns
        while (tmp_path / "clock").write_bytes(b"x") and (tmp_path / "clock").stat().st_mtime_ns <= stamp:
            pass  # until the file system's clock has moved
        act()
        return folder_times(folders) != before

    assert changed(partial((inside / "a" / "2").write_bytes, b""))
    assert changed(partial((inside / "a" / "2").rename, inside / "a" / "3"))
    assert changed((inside / "a" / "3").unlink)
    assert changed((inside / "a" / "cd2").mkdir)
    assert not changed(lambda: None)
