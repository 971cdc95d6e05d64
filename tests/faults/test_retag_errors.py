"""An error from a system call that writes tags, or takes them back: the album is whole at every instant, old or new."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from tests.faults import ALL
from tests.faults.test_retag_kill import Scene
from tests.faults.traced import ERRORS, MUTATING, REFUSED, Call, run_traced
from tests.faults.world import Steps

pytestmark = pytest.mark.strace
SAMPLE = 3  # calls


def changes(calls: list[Call], folder: Path) -> list[Call]:
    """Every call that alters staging, each once; some of them, unless all are wanted."""
    found = [call for call in calls if call.name in MUTATING and f"{folder}/staging" in call.text]
    found = [call for call in found if call.name != "openat" or "O_CREAT" in call.text]
    # strace counts by thread: an error from the first write is one from the first words to the child as well.
    words = {(call.name, call.n) for call in calls if "<pipe:" in call.text}
    found = list({(call.name, call.n): call for call in found if (call.name, call.n) not in words}.values())
    return found if ALL else [found[(2 * n + 1) * len(found) // (2 * SAMPLE)] for n in range(SAMPLE)]


@pytest.mark.parametrize("what", ["tag", "undo"])
def test_an_error_from_any_call_is_told_and_everything_converges(what: str, quick_path: Path, sqlite_url: str) -> None:
    scene, fence, wrong = Scene(quick_path, sqlite_url), 20, {}
    act, other = (scene.tag, scene.undo) if what == "tag" else (scene.undo, scene.tag)
    sounds = scene.sounds()
    scene.tag(Steps(fence=10))
    after = scene.shown()
    if what == "tag":
        scene.undo(Steps(fence=11))
    done = run_traced(lambda: act(Steps(fence=12)), quick_path / "calls")
    assert done.status == 0
    other(Steps(fence=13))
    for number, call in enumerate(changes(done.calls, quick_path)):
        error = ERRORS[number % len(ERRORS)]
        fence += 4
        rule = f"{call.name}:error={error}:when={call.n}"
        status = run_traced(partial(act, Steps(fence=fence)), quick_path / "log", rule).status
        told = [] if status in (0, REFUSED) else [f"it ended with {status}, not in an error of ours"]
        told += scene.complaints(sounds, after)
        scene.recover(Steps(fence=fence + 1))
        scene.recover(Steps(fence=fence + 2))
        if (scene.shown() == scene.before) == (what == "tag"):
            act(Steps(fence=fence + 3))
        told += [*scene.complaints(sounds, after), *scene.settled()]
        if told:
            wrong[f"{call.name} {call.n} {error}: {call.text}"] = told
        other(Steps(fence=fence + 3))
    assert wrong == {}, wrong


def test_a_folder_for_copies_that_cannot_be_made_is_told(quick_path: Path, sqlite_url: str) -> None:
    scene = Scene(quick_path, sqlite_url)
    done = run_traced(lambda: scene.tag(Steps(fence=10)), quick_path / "log", "mkdirat:error=EIO:when=1")
    assert done.status == REFUSED
    assert not (scene.house.staging / ".greenroom-retag").exists()
    scene.tag(Steps(fence=11))
