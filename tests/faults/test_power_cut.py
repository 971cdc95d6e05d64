"""The power fails in the middle of a cycle: nothing is lost, nothing listed is missing, all is done in the end."""

from __future__ import annotations

import itertools
import os

import pytest

from tests.faults.disks import why_not
from tests.faults.power import PLACES, STORIES, tell

ALL = os.environ.get("GREENROOM_FAULTS") == "all"
# Some points of some pairs; all of all of them with scripts/faults, and when everything is asked for.
SAMPLE = [
    ("ext4, link", "power cut"),
    ("ext4, link", "power cut, sources not synced"),
    ("xfs, clone", "power cut"),
    ("ext4 → xfs, copy", "kill, recover, power cut"),
]
PLACE = {place.name: place for place in PLACES}


@pytest.fixture(scope="module", autouse=True)
def _power() -> None:
    if missing := why_not():
        pytest.skip(f"power cuts are not tried here: {missing}")


@pytest.mark.timeout(7200 if ALL else 300)
@pytest.mark.parametrize(("place", "story"), itertools.product(PLACE, STORIES) if ALL else SAMPLE)
def test_a_power_cut_loses_nothing_and_shows_nothing_that_is_not_there(place: str, story: str) -> None:
    tally = tell(PLACE[place], story, 1 if ALL else 29)
    assert tally.complaints == []
    assert tally.died >= tally.points // 2 > 0
