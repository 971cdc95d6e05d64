"""A command is killed before any of its steps, and its recovery, too: what is told of then was synced by somebody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Final

import pytest

from tests.faults import ALL
from tests.faults.cycles import Ended, another_filesystem
from tests.faults.exploring import Explored
from tests.faults.subjects import RECOVER, SUBJECTS, Subject
from tests.faults.test_bare_disks import BARE
from tests.faults.test_fsck_kill import ready
from tests.faults.trials import Trial
from tests.faults.unsynced import unsynced

pytestmark = pytest.mark.strace
TWO = "two"  # staging is a file system of its own, so all is copied
DISKS: Final[dict[str, tuple[str, ...]]] = {  # what they refuse, as strace(1) injects it
    "one": (),
    TWO: (),
    "share": ("renameat2:error=EINVAL",),  # NFS: nothing is exchanged, and a rename may replace
    "bare": BARE,
}
ODD: Final = {"undo": "bare", "publish anew": "share", "late tracks, published": TWO}  # of the sample
CHOSEN = [one for n, one in enumerate(SUBJECTS) if n % 3 == 0 or one.name == "verify"]
# What is said of what recovery went on with to its end.
DONE: Final = ("undone_before", "not_published", "there is no item", "nothing in the trash of")
SAMPLE = [(one, ODD.get(one.name, "one")) for one in CHOSEN]
EXPLORED = [(subject, disks) for disks in DISKS for subject in SUBJECTS] if ALL else SAMPLE


def deaths(labels: list[str], each: int) -> list[tuple[int, int]]:
    """Return before which steps to kill, of the command and of its recovery, which may have ended before.

    All steps of a recovery are met as those of the command go on. A sample is one pair, where most is not synced.
    """
    if ALL:
        return [(n, 1 + 7 * n % 31) for n in range(1, len(labels) + 1, each)]
    before = list(unsynced(labels)) or [len(labels)]
    return [(before[len(before) // 2], 9)]


def is_well(ended: Ended, undisturbed: int) -> bool:
    """Whether a command that was killed and recovered did all the second time, or says that it was done already."""
    return "Traceback" not in ended.err and (
        ended.status in (0, undisturbed) or any(one in ended.out + ended.err for one in DONE)
    )


@pytest.fixture
def elsewhere(quick_path: Path, disks: str) -> Iterator[Path | None]:
    """Where staging is, if it is not on the one disk."""
    with another_filesystem(quick_path) if disks == TWO else nullcontext() as folder:
        yield folder


@pytest.mark.parametrize(
    ("subject", "disks"), EXPLORED, ids=[one.name + f", {disks}" * (disks != "one") for one, disks in EXPLORED]
)
def test_recovery_takes_nothing_it_finds_for_durable(
    quick_path: Path, elsewhere: Path | None, subject: Subject, disks: str
) -> None:
    def begun(name: str) -> tuple[Explored, Trial]:
        house, trial = ready(quick_path / name, subject, elsewhere and elsewhere / name)
        return Explored(house, *DISKS[disks]), trial

    whole, trial = begun("whole")
    undisturbed = whole.run(*trial.command)  # what a disk cannot do is refused then, too
    assert whole.risks == []
    for first, second in deaths(whole.labels, 1 if disks == "one" else 7):
        found, trial = begun(f"{first} {second}")
        assert found.run(*trial.command, die_at=first) < 0
        found.run(*RECOVER, die_at=second)
        ended = found.house.ended(found.run(*RECOVER))
        assert "Traceback" not in ended.err, (first, second, ended)
        ended = found.house.ended(found.run(*trial.command))
        assert is_well(ended, undisturbed), (first, whole.labels[first - 1], second, ended)
        assert found.risks == [], (first, whole.labels[first - 1], second)
