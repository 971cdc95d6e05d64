"""A command is killed before any of its steps, and its recovery, too: what is told of then was synced by somebody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import ALL
from tests.faults.exploring import Explored
from tests.faults.subjects import RECOVER, SUBJECTS, Subject
from tests.faults.test_fsck_kill import ready
from tests.faults.unsynced import unsynced

pytestmark = pytest.mark.strace
EXPLORED = [one for n, one in enumerate(SUBJECTS) if ALL or n % 3 == 0 or one.name == "verify"]


def deaths(labels: list[str]) -> list[tuple[int, int]]:
    """Return before which steps to kill, of the command and of its recovery, which may have ended before.

    All steps of a recovery are met as those of the command go on. A sample is one pair, where most is not synced.
    """
    if ALL:
        return [(n, 1 + 7 * n % 31) for n in range(1, len(labels) + 1)]
    before = list(unsynced(labels)) or [len(labels)]
    return [(before[len(before) // 2], 9)]


@pytest.mark.parametrize("subject", EXPLORED, ids=lambda subject: subject.name)
def test_recovery_takes_nothing_it_finds_for_durable(quick_path: Path, subject: Subject) -> None:
    house, trial = ready(quick_path / "whole", subject)
    whole = Explored(house)
    whole.run(*trial.command)
    assert whole.risks == []
    for first, second in deaths(whole.labels):
        house, trial = ready(quick_path / f"{first} {second}", subject)
        found = Explored(house)
        assert found.run(*trial.command, die_at=first) < 0
        found.run(*RECOVER, die_at=second)
        ended = house.ended(found.run(*RECOVER))
        assert "Traceback" not in ended.err, (first, second, ended)
        found.run(*trial.command)
        assert found.risks == [], (first, whole.labels[first - 1], second)
