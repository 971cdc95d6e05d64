"""Drops, wishes, people behind our back, moved roots and kills in any order: no promise is broken in all of a life."""

from __future__ import annotations

import pytest

from tests.conftest import BOTH
from tests.faults import ALL
from tests.faults.walk import live, walk

# Seeds: of the trash, jobs and months that pass; of full disks and calls that fail; of what is taken back, dry runs,
# roots swapped and libraries added again; of people's hands and backups put back. `scripts/faults life` lives others.
LIVES = range(60) if ALL else (211, 751, 1439, 3121)


@pytest.mark.strace
@pytest.mark.parametrize("seed", LIVES)
@pytest.mark.parametrize("kind", BOTH.values())
def test_a_whole_life(kind: str, seed: int, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    wrong = live(happenings := walk(seed, 40 if ALL else 15), server)
    assert wrong is None, f"{happenings}\n{wrong}"
