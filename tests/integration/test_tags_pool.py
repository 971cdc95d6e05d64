"""Files of every kind, also hostile ones → a reading or a reason each, with the parent unharmed."""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scanner.facts import Facts
from scanner.identity import numbers_of
from scanner.tags import wire
from scanner.tags.columns import READING_COLUMNS, facts_of
from scanner.tags.pool import Answer, ReaderUnavailableError, TagPool, Task
from scanner.tags.wire import BATCH, BadFrameError, File
from tests.music import EXTENSIONS, write_album, write_track

BASE = {"title": "Title", "artist": "Artist", "album": "Album"}


class Result(NamedTuple):
    """What the pool said of one file."""

    token: int
    unwritten: bool
    code: str | None  # of the problem
    truncated: bool
    facts: Facts | None


def task_for(folder: Path, first: int = 0) -> Task:
    names = sorted(os.listdir(os.fsencode(folder)))
    return Task(os.fsencode(folder), [(token, name, None) for token, name in enumerate(names, first)])


def results_of(answers: Iterable[Answer]) -> Iterator[Result]:
    for block in (block for answer in answers for block in answer.blocks):
        for values in zip(*block.values, strict=True):
            row: list[Any] = [None] * len(READING_COLUMNS)
            for index, value in zip(block.columns, values, strict=True):
                row[index] = value
            token, unwritten, code, _message, truncated, _reader, *facts = row
            yield Result(token, bool(unwritten), code, bool(truncated), facts_of(facts))


def read_folder(folder: Path, workers: int = 1, **limits: float) -> dict[bytes, Result]:
    task = task_for(folder)
    with TagPool(workers, **limits) as pool:
        results = {result.token: result for result in results_of(pool.map([task]))}
    assert sorted(results) == [token for token, _, _ in task.files]
    return {name: results[token] for token, name, _ in task.files}


def codes(results: dict[bytes, Result]) -> dict[bytes, str | None]:
    return {name: result.code for name, result in results.items()}


def memory_bomb() -> bytes:
    """An ID3v2.3 tag whose one compressed frame unpacks to a gigabyte."""
    squeezer = zlib.compressobj(9)
    first, other = (squeezer.compress(bytes(1 << 24)) + squeezer.flush(zlib.Z_FULL_FLUSH) for _ in range(2))
    packed = first + other * 63  # after a full flush the same zeros are the same bytes again
    frame = b"TIT2" + (len(packed) + 4).to_bytes(4, "big") + b"\0\x80" + (1 << 30).to_bytes(4, "big") + packed
    size = len(frame)
    synchsafe = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + synchsafe + frame


def test_a_machine_without_descriptors_is_told_of_and_gets_back_those_it_gave(tmp_path: Path) -> None:
    before, limits = os.listdir("/proc/self/fd"), resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(before) + 7, limits[1]))
    try:
        with pytest.raises(ReaderUnavailableError, match="Too many open files"), TagPool(3):
            pass
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert os.listdir("/proc/self/fd") == before


def test_every_format_is_read(tmp_path: Path) -> None:
    for extension in EXTENSIONS:
        write_track(tmp_path / f"x.{extension}", seconds=0.3, track="3/12", **BASE)
    for name, result in read_folder(tmp_path, workers=2).items():
        facts = result.facts
        assert facts is not None, name
        assert (facts.title, facts.artist, facts.album, facts.track, facts.track_total) == (*BASE.values(), 3, 12)
        assert facts.duration_ms
        assert not result.truncated


def test_a_file_that_is_not_what_the_walk_saw_is_told_with_the_identity_it_was_read_under(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.flac", seconds=0.2, **BASE)
    now = numbers_of(file.stat())
    files: list[File] = [(1, b"x.flac", now), (2, b"x.flac", (*now[:4], now[4] - 1)), (3, b"gone.flac", now)]
    with TagPool(1) as pool:
        [answer] = pool.map([Task(os.fsencode(tmp_path), files)])
    assert answer.moved == {2: now}


def test_files_that_changed_are_told_also_when_their_folder_is_answered_in_parts(tmp_path: Path) -> None:
    files: list[File] = []
    for token, name in enumerate((b"1.flac", b"2.flac", b"3.flac")):
        now = numbers_of(write_track(tmp_path / os.fsdecode(name), seconds=0.2, **BASE).stat())
        files.append((token, name, (*now[:4], now[4] - 1)))
    impatient = "from scanner.tags import serve; serve.REPORT_EVERY = 0.0; serve.serve(0, 1)"
    asked = wire.batch_frame([(os.fsencode(tmp_path), files)])
    done = subprocess.run([sys.executable, "-c", impatient], input=asked, capture_output=True, check=True)
    _ready, *answers = wire.take_frames(bytearray(done.stdout))
    told = [wire.answer_of(answer) for answer in answers]
    assert [answer.tokens() for answer in told] == [[0], [1], [2]]
    assert [list(answer.moved) for answer in told] == [[0], [1], [2]]


def test_a_file_somebody_is_writing_to_is_read_and_told(tmp_path: Path) -> None:
    for name in ("idle.flac", "busy.flac"):
        write_track(tmp_path / name, seconds=0.2, **BASE)
    with (tmp_path / "busy.flac").open("ab"):
        found = read_folder(tmp_path)
    assert {name: result.unwritten for name, result in found.items()} == {b"idle.flac": True, b"busy.flac": False}
    assert all(result.facts for result in found.values())


HOSTILE = [
    b"no JSON",
    b"[" * 100_000,
    b"[[], []]",
    b'{"rows": []}',
    b"[[[[0, 1], [[1]]]], []]",  # a column too few
    b"[[[[0], [[1], [1]]]], []]",  # a column too many
    b"[[[[0, 0], [[1], [1]]]], []]",  # a column twice
    b"[[[[0, 99], [[1], [1]]]], []]",  # a column there is not
    b"[[[[1], [[1]]]], []]",  # no token
    b"[[[[0], []]], []]",
    b"[[[[0], [[]]]], []]",  # no file
    b'[[[[0], "1"]], []]',
    b'[[[[0], ["1"]]], []]',  # a token that is no number
    b"[[[[0, 1], [[1], [1, 1]]]], []]",  # a value too many
    b'[[[[0, 2], [[1], "x|y"]]], []]',  # a text too many
    b"[[[[0, 1], [[1], [null]]]], []]",
    b"[[[[0, 1], [[1], [[1]]]]], []]",
    b'[[[[0, 1], [[1], {"x": 1}]]], []]',
    b"[[[[0, 1], [[1], 1]]], []]",
    b"[[[[0], [[2]]]], []]",  # another file
    b"[[[[0], [[" + b"1," * 128 + b"1]]]], []]",  # more than were asked for
    b'[[[[0], [[1]]]], [[1, ["x", 1, 1, 1, 1]]]]',
    b"[[[[0], [[1]]]], [[1, [1]]]]",
    b"[[[[0], [[1]]]], [[[], [1, 1, 1, 1, 1]]]]",
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_an_answer_made_up_by_a_process_that_was_taken_over_is_no_answer(body: bytes) -> None:
    with TagPool(1) as pool:
        list(pool.map([Task(b"/nowhere", [(0, b"x", None)])]))
        [child] = pool._workers
        child.give([(b"/nowhere", [(1, b"x", None)])])
        child.incoming += len(body).to_bytes(4, "big") + body
        with pytest.raises(BadFrameError):
            list(child.pull())


def test_special_files_are_refused_and_never_waited_for(tmp_path: Path) -> None:
    write_track(tmp_path / "good.flac", seconds=0.2, **BASE)
    os.mkfifo(tmp_path / "fifo.mp3")
    (tmp_path / "folder.mp3").mkdir()
    (tmp_path / "link.mp3").symlink_to("good.flac")
    (tmp_path / "empty.mp3").touch()
    (tmp_path / "text.mp3").write_bytes(b"no music " * 2000)
    (tmp_path / "text.txt").write_bytes(b"no music")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "socket.mp3"))
        assert codes(read_folder(tmp_path)) == {
            b"good.flac": None,
            b"fifo.mp3": "not_a_regular_file",
            b"folder.mp3": "not_a_regular_file",
            b"link.mp3": "link",
            b"socket.mp3": "not_a_regular_file",
            b"empty.mp3": "empty_file",
            b"text.mp3": "not_audio",
            b"text.txt": "unsupported",
        }


def test_what_is_gone_is_told_for_files_and_folders(tmp_path: Path) -> None:
    tasks = [
        Task(os.fsencode(tmp_path), [(1, b"gone.mp3", None)]),
        Task(os.fsencode(tmp_path / "gone"), [(2, b"a", None), (3, b"b", None)]),
    ]
    with TagPool(1) as pool:
        assert [result.code for result in results_of(pool.map(tasks))] == ["vanished"] * 3


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_told(tmp_path: Path) -> None:
    write_track(tmp_path / "x.mp3", seconds=0.2, **BASE).chmod(0)
    assert codes(read_folder(tmp_path)) == {b"x.mp3": "permission_denied"}


def test_names_that_are_no_text_survive_the_journey(tmp_path: Path) -> None:
    source = write_track(tmp_path / "x.mp3", seconds=0.2, **BASE)
    names = [b"\xff\xfe.mp3", b"new\nline.mp3", "日本.mp3".encode()]
    for name in names:
        os.link(source, os.path.join(os.fsencode(tmp_path), name))
    results = read_folder(tmp_path)
    assert set(results) == {*names, b"x.mp3"}
    assert set(codes(results).values()) == {None}


def test_a_memory_bomb_becomes_a_reason_and_its_neighbours_are_read(tmp_path: Path) -> None:
    write_album(tmp_path, artist="Artist", album="Album", tracks=5, ext="mp3", seconds=0.2)
    (tmp_path / "03 - bomb.mp3").write_bytes(memory_bomb())
    found = codes(read_folder(tmp_path))
    assert found.pop(b"03 - bomb.mp3") == "reader_out_of_memory"
    assert set(found.values()) == {None}


def test_a_child_that_is_killed_is_replaced_and_every_file_is_answered_once(tmp_path: Path) -> None:
    write_album(tmp_path, artist="Artist", album="Album", tracks=3 * BATCH, ext="mp3", seconds=0.2)
    with TagPool(2) as pool:
        results: list[Result] = []
        for result in results_of(pool.map([task_for(tmp_path)])):
            if not results:
                os.kill(readers()[0], 9)
            results.append(result)
    assert sorted(result.token for result in results) == list(range(3 * BATCH))
    assert [result for result in results if result.facts is None] == []


def test_however_many_readers_die_their_places_are_all_that_is_kept(tmp_path: Path) -> None:
    for name in ("x.mp3", "y.mp3"):  # one alone would be taken for what killed it
        write_track(tmp_path / name, seconds=0.2, **BASE)
    before = set(children())
    with TagPool(2) as pool:
        for _ in range(8):
            list(pool.map([task_for(tmp_path)]))
            os.kill(readers()[0], 9)
        assert len(list(results_of(pool.map([task_for(tmp_path)])))) == 2
        assert len(set(children()) - before) <= 2


def test_a_child_that_hangs_is_ended_and_its_file_named(tmp_path: Path) -> None:
    write_track(tmp_path / "x.mp3", seconds=0.2, **BASE)
    with TagPool(1, wall_limit=3.0) as pool:
        list(pool.map([task_for(tmp_path)]))  # it is up and idle
        os.kill(readers()[0], 19)  # SIGSTOP: as if the disk did not answer
        results = list(results_of(pool.map([task_for(tmp_path)])))
        assert [result.code for result in results] == ["reader_timeout"]
        again = list(results_of(pool.map([task_for(tmp_path)])))
    assert again[0].facts is not None


def test_a_caller_that_stops_early_leaves_nothing_behind_for_the_next(tmp_path: Path) -> None:
    write_album(tmp_path, artist="Artist", album="Album", tracks=2 * BATCH, ext="mp3", seconds=0.2)
    with TagPool(2) as pool:
        first = pool.map([task_for(tmp_path)])
        next(first)
        first.close()
        tokens = sorted(result.token for result in results_of(pool.map([task_for(tmp_path, first=1000)])))
    assert tokens == list(range(1000, 1000 + 2 * BATCH))


def test_no_child_is_left_when_the_pool_closes_also_in_another_thread(tmp_path: Path) -> None:
    write_track(tmp_path / "x.mp3", seconds=0.2, **BASE)
    before = set(children())
    found: list[dict[bytes, Result]] = []
    thread = threading.Thread(target=lambda: found.append(read_folder(tmp_path, workers=3)))
    thread.start()
    thread.join()
    assert codes(found[0]) == {b"x.mp3": None}
    assert set(children()) <= before


def test_the_readers_die_with_the_process_that_forked_them_and_others_take_over(tmp_path: Path) -> None:
    for name in ("x.mp3", "y.mp3"):  # one alone would be taken for what killed it
        write_track(tmp_path / name, seconds=0.2, **BASE)
    with TagPool(1) as pool:
        list(pool.map([task_for(tmp_path)]))
        [reader] = readers()
        os.kill(int(fields_of(reader)[1]), 9)
        while fields_of(reader)[:1] not in ([], ["Z"]):
            os.sched_yield()
        again = list(results_of(pool.map([task_for(tmp_path)])))
    assert [result.facts is not None for result in again] == [True, True]


def test_the_children_may_write_nothing_and_gain_nothing() -> None:
    with TagPool(1) as pool:
        list(pool.map([Task(b"/nowhere", [(1, b"x", None)])]))
        status = Path(f"/proc/{readers()[0]}/status").read_text()
        limits = Path(f"/proc/{readers()[0]}/limits").read_text()
    assert "NoNewPrivs:\t1" in status
    assert limits_of(limits, "Max file size") == ("0", "0")
    assert limits_of(limits, "Max core file size") == ("0", "0")
    assert limits_of(limits, "Max address space") == (str(512 << 20), str(512 << 20))


def test_the_children_may_have_no_more_than_who_started_us_may() -> None:
    limit = "import os, resource; from scanner.tags.worker import limit_yourself; limit_yourself(os.getppid())"
    script = f"{limit}; print(resource.getrlimit(resource.RLIMIT_AS))"
    command = ["bash", "-c", 'ulimit -v 400000; "$0" -c "$1"; true', sys.executable, script]
    told = subprocess.run(command, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == str((400_000 << 10, 400_000 << 10))


def limits_of(text: str, name: str) -> tuple[str, str]:
    line = next(line for line in text.splitlines() if line.startswith(name))
    soft, hard = line.removeprefix(name).split()[:2]
    return soft, hard


def readers() -> list[int]:
    """Return the processes that read tags; a test process may have other children, such as its database server."""
    servers = [pid for pid in children() if b"scanner.tags.serve" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return [pid for server in servers for pid in children(server)]


def fields_of(pid: int) -> list[str]:
    """Return what proc(5) says of a process from its state on; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def children(parent: int | None = None) -> list[int]:
    """Return the living children of a process, or of ours, the reapable dead among them too."""
    me = str(parent or os.getpid())
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            pid = int(entry.name)
            if fields_of(pid)[1:2] == [me]:
                found.append(pid)
    return sorted(found)
