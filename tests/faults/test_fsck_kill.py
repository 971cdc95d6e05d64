"""fsck settles what gave up, and is killed itself at any step: what it began goes on the next time."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import update

from processor.tables import IS_OPEN, TransferRow
from tests.faults import ALL
from tests.faults.cycles import House, lost, wrong_items
from tests.faults.repairing import REPAIR
from tests.faults.steps import die, labels, run_until
from tests.faults.subjects import SUBJECTS, Subject
from tests.faults.trials import Trial

UNDOS = [subject for subject in SUBJECTS if subject.undone]
REPAIRS = [subject for subject in SUBJECTS if subject.damage is not None]


def ready(folder: Path, subject: Subject, staging: Path | None = None) -> tuple[House, Trial]:
    """An installation about to do what is the subject."""
    house = House(folder, staging, filled=False, workers=1)
    subject.make_ready(house)
    house.drop(subject.dropped())
    return house, subject.begin(house)


def give_up(house: House) -> int:
    """Let every open transfer wait for a person, as after too many interruptions; return how many."""
    with house.database() as database, database.begin() as connection:
        waits = {"state": "attention", "error": "it was interrupted too often"}
        return connection.execute(update(TransferRow).where(IS_OPEN).values(waits)).rowcount


@pytest.mark.parametrize("subject", UNDOS, ids=lambda subject: subject.name)
def test_an_undo_that_gave_up_at_any_step_is_settled_by_fsck(quick_path: Path, subject: Subject) -> None:
    house, trial = ready(quick_path / "count", subject)
    steps = labels(house, *trial.command)
    for n in range(2, len(steps) + 1, 1 if ALL else len(steps) // 3):
        house, trial = ready(quick_path / f"{n}", subject)
        assert run_until(house, n, die, *trial.command) < 0
        given_up = give_up(house)
        left = house.run("recover")
        assert (left.status, left.out.count("waits for a person: it was interrupted too often")) == (given_up, given_up)
        ended = house.run(*REPAIR)
        assert (ended.status, ended.err) == (0, ""), (n, steps[n - 1], ended)
        assert [*lost(house), *wrong_items(house)] == [], (n, steps[n - 1])
        assert trial.converges(house) == [], (n, steps[n - 1])


@pytest.mark.parametrize("subject", REPAIRS, ids=lambda subject: subject.name)
def test_a_repair_killed_before_any_step_goes_on_the_next_time(quick_path: Path, subject: Subject) -> None:
    house, trial = ready(quick_path / "count", subject)
    steps = labels(house, *trial.command)
    assert trial.converges(house) == []
    for n in range(1, len(steps) + 1, 1 if ALL else len(steps) // 3):
        house, trial = ready(quick_path / f"{n}", subject)
        assert run_until(house, n, die, *trial.command) < 0
        assert trial.converges(house) == [], (n, steps[n - 1])
