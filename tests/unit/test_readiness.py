"""When an album may be taken: our own looks, what is unfinished around it, and one careful look at each file."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from config.reasons import Reason
from scanner.identity import SECOND_NS
from scanner.readiness import (
    CUT_SHORT,
    PATIENCE_NS,
    FileState,
    FolderState,
    Tree,
    folder_reasons,
    probe,
    unfinished_reasons,
)
from scanner.writers import has_writer, is_sparse, is_written

MINUTE = 60 * SECOND_NS
NOW = 1000 * MINUTE
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def still(minutes: float, samples: int = 3) -> FolderState:
    return FolderState(1, b"digest", NOW - int(minutes * MINUTE), samples)


def tree(states: Mapping[bytes, FolderState], music: set[bytes], unseen: Mapping[bytes, Reason] | None = None) -> Tree:
    return Tree(sorted(states), states, frozenset(music), unseen or {})


def codes(
    folders: list[bytes],
    home: bytes,
    states: Mapping[bytes, FolderState],
    *,
    unseen: Mapping[bytes, Reason] | None = None,
    music: set[bytes] | None = None,
    quiet_ns: int = MINUTE,
) -> list[tuple[str, bytes | None]]:
    found = folder_reasons(folders, home, tree(states, music or set(folders), unseen), NOW, quiet_ns, NOON)
    return [(reason.code, reason.path) for reason in found]


def test_three_looks_over_the_quiet_period_are_enough() -> None:
    assert codes([b"a"], b"a", {b"": still(0, 1), b"a": still(1)}) == []


@pytest.mark.parametrize("state", [still(0.99), still(60, 2), still(0, 1)])
def test_a_shorter_time_or_fewer_looks_are_not(state: FolderState) -> None:
    assert codes([b"a"], b"a", {b"a": state}) == [("still_changing", b"a")]


def test_the_reason_says_since_when_it_is_still_and_when_it_is_taken_which_stays_true() -> None:
    [reason] = folder_reasons([b"a"], b"a", tree({b"a": still(0.5, 2)}, {b"a"}), NOW, MINUTE, NOON)
    assert reason.message == (
        "It has not changed since 2026-01-01 11:59:30 UTC, seen 2 times; "
        "it is taken from 2026-01-01 12:00:30 UTC on, once seen 3 times."
    )
    both = tree({b"a": still(0.9), b"a/cd2": still(0.5, 2)}, {b"a"})
    [last] = folder_reasons([b"a"], b"a", both, NOW, MINUTE, NOON)
    assert last == reason._replace(path=b"a/cd2"), "of several folders it is the one that changed last"


def test_without_a_quiet_period_one_look_is_enough() -> None:
    assert codes([b"a"], b"a", {b"a": still(0, 1)}, quiet_ns=0) == []
    assert codes([b"a"], b"a", {b"a": still(0, 0)}, quiet_ns=0) == [("still_changing", b"a")]


def test_a_folder_that_appears_below_the_album_holds_it_up_because_it_may_be_another_disc() -> None:
    states = {b"": still(9), b"a": still(9), b"a/cd1": still(9), b"a/cd2": still(0, 1), b"a0": still(0, 1)}
    assert codes([b"a/cd1"], b"a", states) == [("still_changing", b"a/cd2")]


def test_loose_tracks_in_the_root_do_not_wait_for_the_albums_below_it() -> None:
    assert codes([b""], b"", {b"": still(9), b"a": still(0, 1)}) == []
    assert codes([b"CD 1", b"CD 2"], b"", {b"": still(0, 1), b"CD 1": still(9), b"CD 2": still(9)}) == []


def test_a_folder_that_was_not_looked_at_holds_nothing_up() -> None:
    assert codes([b"a/cd1"], b"a", {b"": still(9), b"a/cd1": still(9)}) == []


def test_what_is_not_whole_is_told_by_path() -> None:
    paths = [b"a/%d" % n for n in range(8)]
    unseen = {path: Reason("partial_download", "…", path) for path in reversed(paths)}
    assert [path for _, path in codes([b"a"], b"a", dict.fromkeys(paths, still(9)), unseen=unseen)] == paths


def test_something_unfinished_holds_up_the_album_it_lies_in_and_no_other() -> None:
    part = Reason("partial_download", "…", b"artist/x/1.part")
    states = {b"artist": still(9), b"artist/x": still(9), b"artist/y": still(9), b"artist/y/scans": still(9)}
    music = {b"artist", b"artist/x", b"artist/y"}
    assert codes([b"artist/x"], b"artist/x", states, unseen={b"artist/x": part}, music=music) == [
        (part.code, part.path)
    ]
    assert codes([b"artist/y"], b"artist/y", states, unseen={b"artist/x": part}, music=music) == []
    assert codes([b"artist"], b"artist", states, unseen={b"artist/x": part}, music=music) == []
    assert codes([b"artist/y"], b"artist/y", states, unseen={b"artist/y/scans": part}, music=music) != []


def file(unfinished: str | None) -> FileState:
    return FileState(1, b"a/1.flac", unfinished, probed=False)


def test_a_truncated_file_waits_a_day_and_then_goes_through_with_a_warning() -> None:
    waits, warnings = unfinished_reasons([file("truncated"), file(None)], PATIENCE_NS - 1, MINUTE)
    assert ([reason.code for reason in waits], warnings) == (["truncated"], ())
    waits, warnings = unfinished_reasons([file("truncated")], PATIENCE_NS, MINUTE)
    assert (waits, [reason.code for reason in warnings]) == ((), ["truncated"])
    assert [reason.message for reason in warnings] == [CUT_SHORT]


def test_an_empty_file_waits_a_day_and_is_then_only_unreadable() -> None:
    waits, _ = unfinished_reasons([file("empty_file")], 0, MINUTE)
    assert [reason.code for reason in waits] == ["empty_file"]
    assert unfinished_reasons([file("empty_file")], PATIENCE_NS, MINUTE) == ((), ())


def test_without_a_quiet_period_nothing_unfinished_is_waited_for() -> None:
    waits, warnings = unfinished_reasons([file("truncated")], 0, 0)
    assert (waits, [reason.code for reason in warnings]) == ((), ["truncated"])


WRITER = "import sys; f = open(sys.argv[1], 'ab'); print(flush=True); sys.stdin.read()"


def code(path: Path) -> str | None:
    reason = probe(os.fsencode(path), b"shown")
    assert reason is None or reason.path == b"shown"
    return reason.code if reason else None


def test_a_file_another_program_writes_to_is_noticed_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "1.flac"
    path.write_bytes(b"x")
    arguments = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdin
        writer.stdout.readline()
        assert code(path) == "open_for_writing"
        writer.stdin.close()
        writer.wait()
    assert code(path) is None


def test_readers_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "1.flac"
    path.write_bytes(b"x")
    with path.open("rb"):
        assert code(path) is None


OPENER = "import os, sys\nprint(flush=True)\nfor _ in range(3000): os.close(os.open(sys.argv[1], os.O_WRONLY))"


def test_a_program_that_opens_the_file_while_we_look_does_not_kill_us(tmp_path: Path) -> None:
    path = tmp_path / "1.flac"
    path.write_bytes(b"x")
    with subprocess.Popen([sys.executable, "-c", OPENER, str(path)], stdout=subprocess.PIPE) as opener:
        assert opener.stdout
        opener.stdout.readline()
        while opener.poll() is None:
            assert code(path) in (None, "open_for_writing")


def test_the_look_leaves_no_lease_behind_and_nothing_open(tmp_path: Path) -> None:
    path = tmp_path / "1.flac"
    path.write_bytes(b"x")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        assert not has_writer(descriptor)
        assert fcntl.fcntl(descriptor, fcntl.F_GETLEASE) == fcntl.F_UNLCK
    finally:
        os.close(descriptor)
    left_open = len(os.listdir("/proc/self/fd"))
    assert code(path) is None
    assert len(os.listdir("/proc/self/fd")) == left_open


@pytest.mark.parametrize("flags", [os.O_RDONLY | os.O_DIRECTORY, os.O_PATH])
def test_what_the_system_lends_to_nobody_is_not_taken_for_being_written(tmp_path: Path, flags: int) -> None:
    descriptor = os.open(tmp_path, flags)
    try:
        assert not has_writer(descriptor)
        assert not is_written(descriptor)
    finally:
        os.close(descriptor)


def test_a_preallocated_file_is_noticed_until_it_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "1.flac"
    with path.open("wb") as growing:
        growing.truncate(1 << 20)
    assert code(path) == "sparse_file"
    path.write_bytes(os.urandom(1 << 20))
    assert code(path) is None


@pytest.mark.parametrize("read", [False, True])
def test_room_that_is_all_there_but_not_all_written_is_noticed(tmp_path: Path, read: bool) -> None:
    """fallocate(2), as torrent clients reserve it; also if somebody has read it, and while the rest is in memory."""
    path = tmp_path / "1.flac"
    with path.open("wb", buffering=0) as growing:
        os.posix_fallocate(growing.fileno(), 0, 1 << 20)
        if os.lseek(growing.fileno(), 0, os.SEEK_HOLE) == 1 << 20:
            pytest.skip("this file system does not tell reserved room from zeros")
    for start, end, found in ((1 << 19, 1 << 20, "sparse_file"), (0, 1 << 18, "sparse_file"), (1 << 18, 1 << 19, None)):
        assert not read or path.read_bytes()
        assert code(path) == "sparse_file"
        with path.open("rb+", buffering=0) as growing:
            os.pwrite(growing.fileno(), os.urandom(end - start), start)
        assert code(path) == found


@pytest.mark.parametrize(("size", "blocks", "sparse"), [(65536, 0, False), (65537, 0, True), (1 << 20, 1844, False)])
def test_only_larger_files_with_less_than_nine_tenths_on_disk_are_sparse(
    tmp_path: Path, size: int, blocks: int, sparse: bool
) -> None:
    with (tmp_path / "1.wav").open("wb+") as file:
        file.truncate(size)
        assert is_sparse(file.fileno(), size, blocks) is sparse


@pytest.mark.parametrize(("music", "sparse"), [(1.0, False), (0.97, False), (0.5, True)])
def test_what_a_disk_compressed_is_not_taken_for_one_that_is_not_filled(
    tmp_path: Path, music: float, sparse: bool
) -> None:
    """NTFS and ZFS can; some silence is no hole."""
    with (tmp_path / "1.wav").open("wb+", buffering=0) as file:
        file.write(bytes([1, 2, 3, 4]) * int(music * (1 << 18)))
        file.truncate(1 << 20)
        assert is_sparse(file.fileno(), 1 << 20, 1168) is sparse


def test_what_is_no_regular_file_any_more_is_neither_followed_nor_waited_on_for_ever(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("fifo")
    assert code(tmp_path / "fifo") == "still_changing"
    assert code(tmp_path / "link") is None
    assert code(tmp_path / "gone") is None
