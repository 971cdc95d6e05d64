"""Albums, people, crashes and recoveries in any order Hypothesis can think of: no promise is broken in between."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import select, update

from processor.tables import TransferRow
from processor.taking_back import take_back
from processor.transfers import journal
from processor.transfers.transfer import Strategy
from tests.faults import ALL
from tests.faults.undoing import Dying
from tests.faults.world import NOW, Killed, Steps, World, complaints, move, publish, put, recovered, tree, unfinished
from tests.memory import memory

NAMES = [b"Band - A", b"Band - B", b"Solo - \xff"]


def take_back_album(world: World, guard: Steps, album: bytes) -> None:
    """Take the newest transfer of an album back, if it was not taken back before."""
    run = Dying(world.database, guard, publish, NOW, "boot", world.strongest, 1)
    ours = (TransferRow.target == world.target(album), TransferRow.undoes.is_(None))
    with world.database.read() as connection:
        ids = list(connection.scalars(select(TransferRow.id).where(*ours, TransferRow.state == "done")))
        transfers = [found for id in ids for found in journal.named(connection, id)]
    for transfer in transfers[-1:]:
        take_back(run, transfer)


class Life(RuleBasedStateMachine):
    """One inbound folder, one staging tree, and whatever happens to them."""

    @initialize(way=st.sampled_from(["link", "copy"]))
    def begin(self, way: Strategy) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="greenroom-", dir=memory()))
        self.world = World.make(self.folder, {}, way)
        self.fence = 1
        self.touched = False
        self.extra: dict[bytes, bytes] = {}  # what people put somewhere besides the albums

    @rule(name=st.sampled_from(NAMES), files=st.integers(1, 3), discs=st.booleans())
    def drop_an_album(self, name: bytes, files: int, discs: bool) -> None:
        if name not in self.world.albums:
            folder = name + b"/CD 1" if discs else name
            self.world.albums[name] = {folder + b"/%d.mp3" % n: name + b" %d" % n * 300 for n in range(files)}
            put(self.world.inbound, self.world.albums[name])

    @rule(step=st.integers(1, 80))
    def move_and_perhaps_die(self, step: int) -> None:
        self._recover(None)  # every cycle begins with it
        self._run(move, step)

    @rule(step=st.integers(1, 60))
    def recover_and_perhaps_die(self, step: int) -> None:
        self._recover(step)

    @precondition(lambda self: self.world.albums)
    @rule(step=st.none() | st.integers(1, 60), data=st.data())
    def take_back_and_perhaps_die(self, step: int | None, data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(sorted(self.world.albums)))
        self._run(partial(take_back_album, album=name), step)

    @precondition(lambda self: self.world.albums)
    @rule(data=st.data())
    def touch(self, data: st.DataObject) -> None:
        """What a move has begun with may wait for a person then."""
        for path in self.world.albums[data.draw(st.sampled_from(sorted(self.world.albums)))]:
            with suppress(FileNotFoundError):
                os.utime(os.path.join(self.world.inbound, path), ns=(1, 10**18))
                self.touched = True

    @precondition(lambda self: self.world.albums)
    @rule(data=st.data())
    def leave_a_file_beside_an_album(self, data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(self.world.albums))) + b"/late.txt"
        self.extra[path] = b"late %d" % len(self.extra)
        put(self.world.inbound, {path: self.extra[path]})

    @invariant()
    def nothing_is_lost_or_half_shown(self) -> None:
        if hasattr(self, "world"):
            assert list(complaints(self.world)) == []
            here = tree(self.world.inbound)
            assert [path for path, data in self.extra.items() if here.get(path) != data] == []

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._recover(None)
            self._run(move, None)
            self.nothing_is_lost_or_half_shown()
            if self.touched:
                return
            left = [said for said in unfinished(self.world) if "left in the inbound folder" not in said]
            files = {path: data for path, data in tree(self.world.inbound).items() if not path.endswith(b"/")}
            assert left == []
            assert files == self.extra
        finally:
            self.world.database.close()
            shutil.rmtree(self.folder)

    def _recover(self, step: int | None) -> None:
        self._run(recovered, step)

    def _run(self, act: Callable[[World, Steps], object], step: int | None) -> None:
        self.fence += 1
        try:
            act(self.world, Steps(step, self.fence))
        except Killed:
            self._set_aside_the_count()

    def _set_aside_the_count(self) -> None:
        """Crashes are not what is counted here: a transfer that gives up is tested elsewhere."""
        with self.world.database.begin() as connection:
            connection.execute(update(TransferRow).values(attempt=1))


Life.TestCase.settings = settings(
    max_examples=400 if ALL else 20,
    stateful_step_count=30 if ALL else 12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
TestLife = Life.TestCase
