"""Nothing → a house for each test: two empty roots, a migrated database, and no waiting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenarios.house import House


@pytest.fixture
def house(tmp_path: Path, sqlite_url: str) -> Iterator[House]:
    """A house on SQLite."""
    made = House.make(tmp_path, sqlite_url)
    yield made
    made.database.close()
