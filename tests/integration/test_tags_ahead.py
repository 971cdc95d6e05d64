"""A batch on a slow disk → the same files in the same order, and what is read of them is fetched before their turn."""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
from collections.abc import Callable, Iterator
from itertools import islice, pairwise
from pathlib import Path

import pytest

from scanner.tags.ahead import AHEAD, OFTEN, opened
from scanner.tags.source import BLOCK
from scanner.tags.wire import Batch
from tests.waiting import until

ALWAYS, NEVER = -1.0, 3600.0  # seconds from which on a block counts as slow
SIZE, TAG = 4 << 20, 1 << 20  # bytes


def batch_of(*folders: Path) -> Batch:
    tokens = iter(range(1000))
    return [
        (os.fsencode(folder), [(next(tokens), name, None) for name in sorted(os.listdir(os.fsencode(folder)))])
        for folder in folders
    ]


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def messy(tmp_path: Path) -> Batch:
    """Two folders with whatever may lie there, one that goes away before its turn, and a file that does."""
    first, gone, last = (tmp_path / name for name in ("A", "B", "C"))
    for folder in (first, gone, last):
        folder.mkdir()
        for number in range(AHEAD * 3):
            (folder / f"{number:02}.mp3").write_bytes(b"%02d " % number + os.fsencode(folder.name) * 5000)
    (first / "05.mp3").write_bytes(b"")
    os.mkfifo(first / "06a.mp3")
    (first / "07a.mp3").symlink_to("07.mp3")
    (last / "08a.mp3").mkdir()
    batch = batch_of(first, gone, last)
    (last / "09.mp3").unlink()
    for path in gone.iterdir():
        path.unlink()
    gone.rmdir()
    return batch


def test_a_slow_disk_gives_the_same_files_in_the_same_order(messy: Batch) -> None:
    def told(slow: float) -> Iterator[tuple[object, ...]]:
        for one in opened(messy, slow):
            error = one.error and one.error.errno
            yield one.token, one.name, error, one.source and (one.source.head, one.source.size), one.is_regular

    quick = [*told(NEVER)]

    assert [token for token, *_ in quick] == [*range(len(quick))]
    assert sum(head is not None for *_, head, _ in quick) == 2 * AHEAD * 3 - 1  # all but those that are none, or gone
    assert [*told(ALWAYS)] == quick


@pytest.mark.parametrize("slow", [NEVER, ALWAYS])
def test_a_first_block_that_cannot_be_read_is_told_and_those_behind_it_are_read(tmp_path: Path, slow: float) -> None:
    (tmp_path / "good").write_bytes(b"good")
    memory: Batch = [(b"/proc/self", [(token, b"mem", None) for token in range(8)])]  # nothing is where it begins

    *bad, good = opened([*memory, *batch_of(tmp_path)], slow)

    assert {one.error and one.error.errno for one in bad} == {errno.EIO}
    assert good.source
    assert good.source.head == b"good"


@pytest.mark.parametrize(("slow", "most"), [(NEVER, 1), (ALWAYS, 2 * AHEAD)])
def test_only_a_slow_disk_has_more_than_one_file_open_and_none_is_left_open(
    messy: Batch, slow: float, most: int
) -> None:
    before = descriptors()
    during = [descriptors() - before for _ in opened(messy, slow)]

    assert max(during) == most + 1  # and the folder
    assert descriptors() == before


def test_who_waits_for_the_first_files_of_a_slow_disk_gets_them_at_once(messy: Batch) -> None:
    before = descriptors()
    files = opened(messy, ALWAYS)
    during = [descriptors() - before for _ in islice(files, 2 * AHEAD)]

    assert during[:2] == [2, 2]
    assert all(later - earlier <= 4 for earlier, later in pairwise(during))


def id3(body: bytes) -> bytes:
    size = TAG - 10
    return b"ID3\x04\0\0" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + body


def flac(body: bytes) -> bytes:
    blocks = b"\0\0\0\x22" + bytes(34) + b"\x06" + (TAG - 4 - 38 - 4).to_bytes(3, "big")
    return b"fLaC" + blocks + body


@pytest.mark.parametrize(
    ("made", "offsets"),
    [
        (id3, [0, TAG]),
        (flac, [0, TAG, SIZE - BLOCK]),
        (lambda body: b"OggS" + body, [0, SIZE - BLOCK]),
        (lambda body: b"\0\0\0\x18ftypM4A " + body, [0, SIZE - BLOCK]),
    ],
    ids=["mp3", "flac", "ogg", "m4a"],
)
def test_a_slow_disk_looks_for_what_the_next_files_are_asked(
    tmp_path: Path, made: Callable[[bytes], bytes], offsets: list[int]
) -> None:
    paths = [tmp_path / f"{number:02}" for number in range(8 * AHEAD)]
    for path in paths:
        path.write_bytes(made(bytes(BLOCK)))
        os.truncate(path, SIZE)
        forget(path)
    files = opened(batch_of(tmp_path), ALWAYS)
    for _ in range(3 * AHEAD):
        current = next(files)
    begun, announced = paths[current.token + AHEAD // 2], paths[current.token + AHEAD + AHEAD // 2]
    if in_memory(paths[-1], 0):
        pytest.skip("this file system keeps everything in memory")

    until(lambda: all(in_memory(begun, offset) for offset in offsets), f"{offsets} of a file that is soon read")
    until(lambda: in_memory(announced, 0), "the first block of one that is read later")
    assert not any(in_memory(announced, offset) for offset in offsets[1:])


def test_a_slow_disk_reads_ahead_of_mutagen_alone(tmp_path: Path) -> None:
    """The header reader says where it goes on; what lies between, mostly a picture, nobody wants."""
    for number in range(2 * AHEAD):
        path = tmp_path / f"{number:02}"
        path.write_bytes(bytes(BLOCK))
        os.truncate(path, SIZE)
        forget(path)
    if in_memory(path, 0):
        pytest.skip("this file system keeps everything in memory")

    for one in opened(batch_of(tmp_path), ALWAYS):
        if one.token % 2:
            one.read_on()
        for offset in (TAG, TAG + BLOCK):
            os.pread(one.fd, BLOCK, offset)

    def read_ahead(first: int) -> list[bool]:
        return [in_memory(tmp_path / f"{number:02}", TAG + 2 * BLOCK) for number in range(first, 2 * AHEAD, 2)]

    until(lambda: all(read_ahead(OFTEN + 1)), "what lies behind the block that was read")  # it may be on its way
    assert not any(read_ahead(OFTEN))


def forget(path: Path) -> None:
    """Let the system write a file down, and forget what is in it."""
    descriptor = os.open(path, os.O_RDWR)
    os.fsync(descriptor)
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    os.close(descriptor)


def in_memory(path: Path, offset: int) -> bool:
    """Ask the system whether a block of a file is in the page cache; mincore(2) reads nothing to tell."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY) as mapped:
        byte = ctypes.c_char.from_buffer(mapped, offset // BLOCK * BLOCK)
        told = (ctypes.c_ubyte * 1)()
        failed = ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(byte)), ctypes.c_size_t(BLOCK), told)
        del byte
    assert not failed
    return bool(told[0] & 1)
