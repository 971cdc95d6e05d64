"""Drops, wishes, people behind our back, moved roots and kills in any order: no promise is broken in all of a life."""

from __future__ import annotations

import pytest

from tests.faults import ALL
from tests.faults.walk import live, walk

# Seeds: of the trash, jobs and months that pass; of full disks and calls that fail; of what is taken back, dry runs,
# roots swapped and libraries added again; of people's hands and backups put back. `scripts/faults life` lives others.
SAMPLE = {"sqlite": (751, 3121), "postgresql": (211, 1439)}
LIVES = [
    pytest.param(kind, seed, marks=pytest.mark.postgres if kind == "postgresql" else ())
    for kind, some in SAMPLE.items()
    for seed in (range(60) if ALL else some)
]


@pytest.mark.strace
@pytest.mark.parametrize(("kind", "seed"), LIVES)
def test_a_whole_life(kind: str, seed: int, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    wrong = live(happenings := walk(seed, 40 if ALL else 15), server)
    assert wrong is None, f"{happenings}\n{wrong}"
