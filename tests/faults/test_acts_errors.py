"""An error from a system call of what people ask for beside cycles: told in a sentence, and all ends as it should."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.faults.cycles import Ended, calls_of, lost
from tests.faults.subjects import Subject
from tests.faults.test_acts_kill import ACTS, some
from tests.faults.test_fsck_kill import ready
from tests.faults.traced import ERRORS, run_traced

pytestmark = pytest.mark.strace


def untold(ended: Ended) -> Iterator[str]:
    """Say what a person would miss in how a command ended."""
    if "Traceback" in ended.err or ended.status < 0:
        yield f"it ended with {ended.status}: {ended.err}"
    if not ended.err.strip() and not ended.out.strip():
        yield f"it ended with {ended.status}, and nothing is said at all"


@pytest.mark.parametrize("subject", ACTS, ids=lambda subject: subject.name)
def test_an_error_from_any_call_is_told_and_everything_converges(quick_path: Path, subject: Subject) -> None:
    house, trial = ready(quick_path / "count", subject)
    calls = [call for call in calls_of(house, *trial.command) if call.name != "pwrite64"]
    found = {}
    for n in some(len(calls)):
        call, error = calls[n], ERRORS[n % len(ERRORS)]
        house, trial = ready(quick_path / f"{n}", subject)
        rule = f"{call.name}:error={error}:when={call.n}"
        status = run_traced(partial(house.command, *trial.command), house.folder / "log", rule).status
        wrong = [*untold(house.ended(status)), *lost(house), *trial.converges(house)]
        if wrong:
            found[f"{call.name} {call.n} {error}: {call.text}"] = wrong
    assert found == {}, found
