"""Kill the undo of a merge and of a replacement before each of its steps: nothing is lost, all is as it was before."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from processor.items import repository
from processor.tables import TransferRow
from processor.taking_back import TakenBack, take_back
from processor.transfers import journal, sidecar
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.transfer import Strategy
from processor.transfers.trash import TRASH
from tests.faults import ALL
from tests.faults.changes import OLD, TARGET, Scene, complaints
from tests.faults.undoing import Dying
from tests.faults.world import Killed, Steps, put, tree

both = pytest.mark.parametrize("kind", ["merge", "replace"])
ways = pytest.mark.parametrize("way", ["link", "copy"])


class Changed:
    """An album that was changed, about to be what it was before."""

    def __init__(self, folder: Path, kind: str, way: Strategy, like: Changed | None = None) -> None:
        self.scene: Scene = Scene.make(folder, kind, way, like.scene if like else None)
        self.inbound, self.album = tree(self.scene.inbound), self.look()
        assert self.scene.perform(Steps(fence=2)) == "done"

    def look(self) -> dict[bytes, object]:
        """What is in staging but for empty hidden folders; the sidecar as what it says of the album's files."""
        found: dict[bytes, object] = dict(tree(self.scene.staging))
        written = sidecar.decode(tree(self.scene.staging)[TARGET + b"/" + sidecar.NAME])
        targets = {(file.target, file.source) for file in written.files}
        found[TARGET + b"/" + sidecar.NAME] = (written.transfer_id, written.kind, targets)
        hidden = {folder + b"/" + name for folder in (TX, TRASH) for name in (b"", *PLAYER_IGNORES)}
        return {path: value for path, value in found.items() if path not in hidden}

    def undo(self, guard: Steps) -> TakenBack:
        usual = self.scene.performance(guard)
        run = Dying(usual.database, guard, usual.record, usual.now, usual.boot_id, usual.strongest, 1)
        with self.scene.database.read() as connection:
            (transfer,) = journal.named(connection, "second")
        return take_back(run, transfer)

    def wrong(self) -> Iterator[str]:
        """Say what is not as it was before the change."""
        if tree(self.scene.inbound) != self.inbound:
            yield f"inbound: {tree(self.scene.inbound).keys() ^ self.inbound.keys()}"
        if self.look() != self.album:
            yield f"staging: {self.look().keys() ^ self.album.keys()} or {self.look()[TARGET + b'/' + sidecar.NAME]}"
        with self.scene.database.read() as connection:
            recorded = repository.recorded(connection, ["k"])["k"]
            rows = connection.execute(select(TransferRow.state, TransferRow.error)).all()
        if {file.path for file in recorded.item.files} != set(OLD) or recorded.item.transfer_id != "first":
            yield f"the item lists {[file.path for file in recorded.item.files]} of {recorded.item.transfer_id}"
        yield from (f"a transfer is {row.state}: {row.error}" for row in rows if row.state not in ("done", "cancelled"))


@both
@ways
def test_an_undisturbed_undo_leaves_everything_as_it_was_before(quick_path: Path, kind: str, way: Strategy) -> None:
    changed = Changed(quick_path / "scene", kind, way)
    seeds = changed.scene.seeds()
    taken = changed.undo(Steps(fence=3))
    assert (taken.outcome, taken.reasons) == ("undone", ())
    assert [*complaints(changed.scene), *changed.wrong()] == []
    assert changed.scene.seeds() == seeds


@both
@ways
def test_killed_before_any_step_everything_converges(quick_path: Path, kind: str, way: Strategy) -> None:
    step, came_so_far, changed = 0, True, None
    while came_so_far:
        step += 1 if ALL else 2
        changed = Changed(quick_path / str(step), kind, way, changed)
        try:
            changed.undo(Steps(step, fence=3))
            came_so_far = False
        except Killed:
            assert list(complaints(changed.scene)) == [], f"killed before step {step}"
            changed.scene.recovered(Steps(fence=4))
            assert list(complaints(changed.scene)) == [], f"killed before step {step}"
        changed.scene.recovered(Steps(fence=5))
        changed.undo(Steps(fence=6))
        assert [*complaints(changed.scene), *changed.wrong()] == [], f"killed before step {step}"
    assert step > 40


@both
def test_a_name_taken_at_the_last_moment_leaves_the_change_as_it_is(quick_path: Path, kind: str) -> None:
    class Rival(Steps):
        def check(self, label: str) -> None:
            super().check(label)
            if label == "back 2/3":
                put(changed.scene.inbound, {sorted(changed.inbound)[-1]: b"somebody's"})

    changed = Changed(quick_path / "scene", kind, "link")
    before = changed.look()
    guard = Rival(fence=3)
    taken = changed.undo(guard)
    assert (taken.outcome, [reason.code for reason in taken.reasons]) == ("failed", ["target_exists"])
    assert changed.look() == before
    assert [data for data in tree(changed.scene.inbound).values() if data] == [b"somebody's"]


def test_what_is_not_in_the_trash_any_more_cannot_come_back(quick_path: Path) -> None:
    changed = Changed(quick_path / "scene", "replace", "link")
    trashed = Path(os.fsdecode(os.path.join(changed.scene.staging, TRASH, b"second")))
    trashed.rename(trashed.parent / "elsewhere")
    before = tree(changed.scene.staging)
    assert [reason.code for reason in changed.undo(Steps(fence=3)).reasons] == ["trash_gone"]
    assert (tree(changed.scene.staging), tree(changed.scene.inbound)) == (before, {})
