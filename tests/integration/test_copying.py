"""Copies of every awkward length, past the page cache and through it, on a disk and in memory."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from blake3 import blake3

from processor.filesystem.copying import BLOCK, BUFFER, copy, digest, disk_digest
from tests.faults.traced import run_traced

LENGTHS = (0, 1, BLOCK, BUFFER - 1, BUFFER, BUFFER + 1, BUFFER + BLOCK, 2 * BUFFER + 4097)


@pytest.fixture(params=["disk", "memory"])
def copied(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[int]:
    """A new, empty file."""
    with tempfile.TemporaryFile(dir=tmp_path if request.param == "disk" else "/dev/shm") as file:
        yield file.fileno()


@pytest.mark.parametrize("length", LENGTHS)
def test_a_copy_has_the_bytes_the_digest_and_the_length(tmp_path: Path, copied: int, length: int) -> None:
    data = os.urandom(length)
    (tmp_path / "source").write_bytes(data)
    with (tmp_path / "source").open("rb") as source:
        made = copy(source.fileno(), copied, length)
    os.fsync(copied)
    assert os.fstat(copied).st_size == length
    os.lseek(copied, 0, os.SEEK_SET)
    assert disk_digest(copied) == made == f"blake3:{blake3(data).hexdigest()}"
    os.lseek(copied, 0, os.SEEK_SET)
    assert digest(copied) == made


@pytest.mark.strace
def test_where_no_room_can_be_reserved_nothing_is_written_twice(tmp_path: Path) -> None:
    data = os.urandom(BUFFER)
    (tmp_path / "source").write_bytes(data)

    def work() -> None:
        with (tmp_path / "source").open("rb") as source, (tmp_path / "target").open("xb") as copied:
            copy(source.fileno(), copied.fileno(), len(data))

    outcome = run_traced(work, tmp_path / "log", "fallocate:error=EOPNOTSUPP", "pwrite64:delay_enter=1")
    assert outcome.status == 0
    assert [call.name for call in outcome.calls if "target" in call.text and "write" in call.name] == ["write"]
    assert (tmp_path / "target").read_bytes() == data


@pytest.mark.strace
@pytest.mark.parametrize(
    ("rule", "forgets"),
    [
        ("fcntl:error=EINVAL:when=2+2", True),
        ("readv:error=EINVAL:when=5", True),
        ("write:error=EINVAL:when=1", False),  # a disk that is written through memory, and read past it
    ],
)
def test_where_the_cache_cannot_be_bypassed_it_forgets_the_copy_before_that_is_read_back(
    tmp_path: Path, rule: str, forgets: bool
) -> None:
    data, target = os.urandom(2 * BUFFER + 4097), tmp_path / "target"
    (tmp_path / "source").write_bytes(data)

    def work() -> None:
        with (tmp_path / "source").open("rb") as source, target.open("xb+") as copied:
            made = copy(source.fileno(), copied.fileno(), len(data))
            os.fsync(copied.fileno())
            copied.seek(0)
            assert disk_digest(copied.fileno()) == made

    outcome = run_traced(work, tmp_path / "log", rule, "fadvise64:delay_enter=1")  # to see these, too
    assert outcome.status == 0
    assert any("(INJECTED)" in call.text for call in outcome.calls)
    assert any("FADV_DONTNEED" in call.text for call in outcome.calls) == forgets
    assert target.read_bytes() == data
