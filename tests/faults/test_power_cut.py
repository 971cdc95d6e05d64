"""The power fails in a cycle or an undo: nothing is lost, nothing listed is missing, all is done in the end."""

from __future__ import annotations

import itertools

import pytest

from tests.faults import ALL
from tests.faults.disks import why_not
from tests.faults.power import PLACES, STORIES, UNSYNCED, tell
from tests.faults.subjects import SUBJECTS

# Some points of some pairs; all of all of them with scripts/faults, and when everything is asked for.
SAMPLE = [
    ("ext4, link", "cycle", "power cut", 29),
    ("ext4, link", "cycle", UNSYNCED, 29),
    ("xfs, clone", "cycle", "power cut", 29),
    ("btrfs, link", "cycle", UNSYNCED, 29),
    ("btrfs → btrfs, copy", "cycle", "power cut", 29),
    ("ext4 → xfs, copy", "cycle", "kill, recover, power cut", 29),
    ("ext4, link", "merge", "power cut", 29),
    ("btrfs, clone", "merge", UNSYNCED, 23),
    ("xfs → ext4, copy", "replace", "power cut", 29),
    ("ext4 → xfs, copy", "undo", "power cut", 89),
    ("xfs, link", "undo of a replacement", "power cut", 31),
    ("ext4, link", "fsck of albums", "power cut", 19),
]
PLACE = {place.name: place for place in PLACES}
SUBJECT = {subject.name: subject for subject in SUBJECTS}
EVERYTHING = [
    (place, subject, story, 1)
    for place, subject, story in itertools.product(PLACE, SUBJECT, STORIES)
    if SUBJECT[subject].is_new or story != UNSYNCED
]


@pytest.mark.timeout(7200 if ALL else 300)
@pytest.mark.parametrize(("place", "subject", "story", "every"), EVERYTHING if ALL else SAMPLE)
def test_a_power_cut_loses_nothing_and_shows_nothing_that_is_not_there(
    place: str, subject: str, story: str, every: int
) -> None:
    if missing := why_not(*PLACE[place].kinds):
        pytest.skip(f"no power is cut there: {missing}")
    tally = tell(PLACE[place], SUBJECT[subject], story, every)
    assert tally.complaints == []
    assert tally.died >= tally.points // 2 > 0
