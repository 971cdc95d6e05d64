"""A scenario as data → a drop, a cycle, and a comparison with what should have become of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.scenarios.drops import Drop
from tests.scenarios.house import House


@dataclass(frozen=True)
class Scenario:
    """What is dropped, and what is expected: each album as one line, and whatever else matters in this case."""

    name: str
    drop: Drop
    albums: tuple[str, ...]
    staged: tuple[str, ...] | None = None  # every file in staging
    codes: frozenset[str] = frozenset()  # among the reasons of the albums
    ignored: dict[str, str] = field(default_factory=dict)  # path → code; all of them


def play(house: House, scenario: Scenario) -> None:
    """Play a scenario, with every check of the house."""
    house.drop(scenario.drop)
    assert house.cycle() == sorted(scenario.albums)
    if scenario.staged is not None:
        assert house.staged() == sorted(scenario.staged)
    assert scenario.codes <= house.codes()
    assert house.ignored() == scenario.ignored
