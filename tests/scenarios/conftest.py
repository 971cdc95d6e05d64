"""Nothing → a house for each test: two empty roots, a migrated database, and no waiting."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.house import House

SHM = Path("/dev/shm")


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A house on SQLite."""
    made = House.make(tmp_path, sqlite_url)
    yield made
    made.database.close()


@pytest.fixture
def postgres_house(tmp_path: Path, postgres_url: str) -> Iterator[House]:
    """A house on PostgreSQL."""
    made = House.make(tmp_path, postgres_url)
    yield made
    made.database.close()


@pytest.fixture
def divided_house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A house whose inbound and staging are on two file systems, so that nothing can be linked or renamed."""
    if not SHM.is_dir() or SHM.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs a second file system at /dev/shm")
    inbound = Path(tempfile.mkdtemp(prefix="greenroom-", dir=SHM))
    made = House.make(tmp_path, sqlite_url, inbound)
    yield made
    made.database.close()
    shutil.rmtree(inbound)


@pytest.fixture(params=["house", pytest.param("postgres_house", marks=pytest.mark.postgres), "divided_house"])
def any_house(request: pytest.FixtureRequest) -> House:
    """A house on either database, and one whose roots are on two file systems."""
    made = request.getfixturevalue(request.param)
    assert isinstance(made, House)
    return made
