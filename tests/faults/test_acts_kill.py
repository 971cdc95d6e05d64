"""SIGKILL before a system call of what people ask for beside cycles, or before a commit: it ends as if never begun."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.faults import ALL
from tests.faults.cycles import calls_of
from tests.faults.steps import die, labels, run_until
from tests.faults.subjects import SUBJECTS, Subject
from tests.faults.test_fsck_kill import ready
from tests.faults.traced import run_traced

SAMPLE = 1  # of the calls, and of the steps
FIRST = [one.name for one in SUBJECTS].index("trash empty")  # those before are killed by steps of their own, or short
ACTS = SUBJECTS if ALL else SUBJECTS[FIRST:]


def some(count: int) -> list[int]:
    """Some of so many, all of them when everything is asked for."""
    return list(range(count)) if ALL else sorted({(2 * n + 1) * count // (2 * SAMPLE) for n in range(SAMPLE)})


@pytest.mark.parametrize("subject", ACTS, ids=lambda subject: subject.name)
def test_killed_before_any_step_or_commit_it_converges(quick_path: Path, subject: Subject) -> None:
    house, trial = ready(quick_path / "count", subject)
    steps = labels(house, *trial.command)
    assert trial.converges(house) == []
    for n in some(len(steps)):
        house, trial = ready(quick_path / f"{n}", subject)
        assert run_until(house, n + 1, die, *trial.command) < 0
        assert trial.converges(house) == [], (n, steps[n])


@pytest.mark.strace
@pytest.mark.parametrize("subject", ACTS, ids=lambda subject: subject.name)
def test_killed_before_any_system_call_it_converges(quick_path: Path, subject: Subject) -> None:
    house, trial = ready(quick_path / "count", subject)
    calls = [call for call in calls_of(house, *trial.command) if call.name != "pwrite64"]
    for n in some(len(calls)):
        call = calls[n]
        house, trial = ready(quick_path / f"{n}", subject)
        rule = f"{call.name}:signal=SIGKILL:when={call.n}"
        run_traced(partial(house.command, *trial.command), house.folder / "log", rule)
        assert trial.converges(house) == [], (call.name, call.n, call.text)
