"""A folder for hundreds of little worlds: in memory, where syncing costs nothing; a kill does not need a disk."""

from __future__ import annotations

import errno
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest

from processor.filesystem.files import Tree
from processor.transfers.materialise import FICLONE
from tests.databases import PostgresServer, start_postgres
from tests.faults import ALL
from tests.memory import memory


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """An empty folder in memory; on disk where there is too little of it."""
    if (where := memory()) is None:
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(prefix="greenroom-", dir=where) as folder:
        yield Path(folder)


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test alone."""
    started = start_postgres()
    yield started
    started.stop()


@pytest.fixture
def no_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders cannot change places, as on NFS and SMB."""

    def refused(_tree: Tree, _one: bytes, _other: bytes) -> NoReturn:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(Tree, "exchange", refused)


@pytest.fixture
def cloning(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let files be cloned where the disk cannot, by copying what is cloned, of which nobody sees anything."""
    ioctl = fcntl.ioctl

    def cloned(fd: int, request: int, *arguments: Any) -> Any:
        if request != FICLONE:
            return ioctl(fd, request, *arguments)
        (original,) = arguments
        if os.fstat(original).st_dev != os.fstat(fd).st_dev:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        os.pwrite(fd, os.pread(original, os.fstat(original).st_size, 0), 0)
        return 0

    monkeypatch.setattr(fcntl, "ioctl", cloned)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every case of a test the time it takes when all of them are asked for."""
    if ALL:
        for item in items:
            if "faults" in item.path.parts:
                item.add_marker(pytest.mark.timeout(7200))
