"""A command is killed, and the folder of a root moved before anybody recovers: it goes on where that is now."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults import ALL
from tests.faults.steps import die, labels, run_until
from tests.faults.subjects import SUBJECTS, Subject
from tests.faults.test_fsck_kill import ready
from tests.faults.trials import must

NAMES = ("cycle", "undo", "review trash", *(("replace", "undo of a replacement", "trash restore") if ALL else ()))
MOVED = [one for one in SUBJECTS if one.name in NAMES]
EVERY = 1 if ALL else 37


@pytest.mark.parametrize("role", ["inbound", "staging"])
@pytest.mark.parametrize("subject", MOVED, ids=lambda subject: subject.name)
def test_what_was_cut_off_goes_on_where_the_root_is_now(quick_path: Path, subject: Subject, role: str) -> None:
    house, trial = ready(quick_path / "count", subject)
    steps = labels(house, *trial.command)
    for n in range(1 if ALL else len(steps) // 2, len(steps) + 1, EVERY):
        house, trial = ready(quick_path / f"{n}", subject)
        assert run_until(house, n, die, *trial.command) < 0
        now = getattr(house, role).rename(quick_path / f"{n}" / "another disk")
        setattr(house, role, now)
        must(house, "libraries", "add", role, str(now))
        assert trial.converges(house) == [], (n, steps[n - 1])
