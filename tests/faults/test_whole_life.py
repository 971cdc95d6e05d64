"""Drops, wishes, people behind our back, moved roots and kills in any order: no promise is broken in all of a life."""

from __future__ import annotations

import pytest

from tests.conftest import BOTH
from tests.faults import ALL
from tests.faults.walk import live, walk

# Seeds: of a cycle while tags are written and a trash half emptied; of kills and what people do to staging by hand;
# of cycle, undo and split killed, and a root moved. `scripts/faults life` lives others.
LIVES = range(60) if ALL else (9, 34, 141)


@pytest.mark.parametrize("seed", LIVES)
@pytest.mark.parametrize("kind", BOTH.values())
def test_a_whole_life(kind: str, seed: int, request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
    wrong = live(happenings := walk(seed, 40 if ALL else 15), server)
    assert wrong is None, f"{happenings}\n{wrong}"
