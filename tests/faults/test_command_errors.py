"""An error from a system call of a publication, its refresh and undo, or of an undo: it is told, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.faults import ALL
from tests.faults.cycles import Ended, House, albums, calls_of, lost, wrong_items
from tests.faults.libraries import to_exchange, to_join, to_publish, to_publish_anew, to_rename, to_take_out
from tests.faults.subjects import Subject
from tests.faults.traced import Call, run_traced
from tests.faults.trashing import to_restore, to_trash
from tests.faults.trials import Trial

pytestmark = pytest.mark.strace
SAMPLE = 1  # calls of each command; all of them when everything is asked for, but of the database's every tenth
ERRORS = ["ENOSPC", "EIO", "EROFS", "EACCES", "EDQUOT", "EMFILE", "EBUSY", "EPERM"]


def one_album() -> Mapping[str, bytes]:
    """The one with side files."""
    return {place: data for place, data in albums().items() if place.startswith("Nora Vale")}


SUBJECTS = (
    Subject("publish", {}, one_album, then=to_publish),
    Subject("publish anew", {}, one_album, then=to_publish_anew),
    Subject("publish --undo", {}, one_album, then=to_take_out),
    Subject("undo", {}, one_album, undone=True),
    Subject("publish --rename", {}, one_album, then=to_rename),
    Subject("late tracks, published", {}, one_album, then=to_join),
    Subject("publish late tracks", {}, one_album, then=to_exchange),
    Subject("review trash", {}, one_album, then=to_trash),
    Subject("trash restore", {}, one_album, then=to_restore),
)


def begun(folder: Path, subject: Subject) -> tuple[House, Trial]:
    """A house about to do what is to be disturbed."""
    folder.mkdir()
    house = House(folder, filled=False, workers=1)
    subject.make_ready(house)
    house.drop(subject.dropped())
    return house, subject.begin(house)


def chosen(calls: list[Call]) -> Iterator[tuple[int, Call]]:
    """Give the calls that get an error, each with its number."""
    files = [call for call in calls if call.name != "pwrite64"]
    if ALL:
        yield from enumerate([*files, *[call for call in calls if call.name == "pwrite64"][::10]])
    else:
        yield from ((n, files[(2 * n + 1) * len(files) // (2 * SAMPLE)]) for n in range(SAMPLE))


def untold(ended: Ended) -> Iterator[str]:
    """Say what a person or a script would miss in how a command ended."""
    if ended.status not in (0, 1) or "Traceback" in ended.err:
        yield f"it ended with {ended.status}: {ended.err}"
    if not ended.out:
        yield from [] if ended.status and ended.err.strip() else ["nothing is said at all"]
        return
    told: Any = json.loads(ended.out)
    of_albums = told["albums"] if isinstance(told, dict) else told
    of_all = told.get("error") if isinstance(told, dict) else None  # why a cycle got to no album
    if ended.status and not of_all and not any(reason["message"] for one in of_albums for reason in one["reasons"]):
        yield f"no reason is given: {ended.out} {ended.err}"


@pytest.mark.parametrize("subject", SUBJECTS, ids=lambda subject: subject.name)
def test_an_error_from_any_call_is_told_and_everything_converges(quick_path: Path, subject: Subject) -> None:
    house, trial = begun(quick_path / "count", subject)
    found = {}
    for number, call in chosen(calls_of(house, *trial.command)):
        name = f"{call.name} {call.n} {ERRORS[number % len(ERRORS)]}"
        house, trial = begun(quick_path / name, subject)
        rule = f"{call.name}:error={ERRORS[number % len(ERRORS)]}:when={call.n}"
        status = run_traced(partial(house.command, *trial.command), house.folder / "log", rule)
        wrong = [*untold(house.ended(status.status)), *lost(house), *wrong_items(house), *trial.converges(house)]
        if wrong:
            found[f"{name}: {call.text}"] = wrong
    assert found == {}
