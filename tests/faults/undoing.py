"""A staged album about to be taken back; the verb under test; and the checker of what must be there in the end."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import select

from processor.moves.move import Performance
from processor.tables import StagingItem, TransferRow
from processor.taking_back import TakenBack, take_back
from processor.transfers import journal
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.transfer import State, Strategy, Transfer
from tests.faults.world import ALBUMS, FOREIGN, NOW, Steps, World, complaints, move, publish, recovered_twice, tree

ONE = {b"Band - Two": ALBUMS[b"Band - Two"]}


class Dying(Performance):
    """A performance that can also be killed between the last step on a disk and the commit."""

    def advance(self, transfer: Transfer, state: State) -> Transfer:
        self.guard.check(f"commit {state}")
        return super().advance(transfer, state)

    def taken_back(self, transfer: Transfer) -> Transfer:
        self.guard.check("commit unlisted")
        return super().taken_back(transfer)


class Undoing:
    """A world whose albums were staged, about to be taken back."""

    def __init__(self, folder: Path, way: Strategy, like: World | None = None, elsewhere: Path | None = None) -> None:
        folder.mkdir(exist_ok=True)
        self.world = World.make(folder, ONE, way, like, elsewhere)
        for n, path in enumerate(path for path in tree(self.world.inbound) if path.endswith(b"/")):
            os.utime(os.path.join(self.world.inbound, path), ns=(1, 10**18 + n))
        self.before = self.look()
        move(self.world, Steps())

    def look(self) -> dict[bytes, tuple[bytes, int, int]]:
        """Everything below the inbound root: its bytes, rights and time."""
        root = os.fsdecode(self.world.inbound)
        found = {}
        for path, data in tree(self.world.inbound).items():
            stat = os.stat(os.path.join(root, os.fsdecode(path)))
            found[path] = (data, stat.st_mode, stat.st_mtime_ns)
        return found

    def recovered(self, guard: Steps) -> object:
        """Take what was begun through its recovery."""
        return self.world.recovered(guard)

    def perform(self, guard: Steps) -> list[TakenBack]:
        """Take back what is staged."""
        world = self.world
        run = Dying(world.database, guard, publish, NOW, "boot", world.strongest, 1)
        with world.database.read() as connection:
            ids = list(connection.scalars(select(TransferRow.id).where(TransferRow.undoes.is_(None))))
            transfers = [found for id in ids for found in journal.named(connection, id)]
        return [take_back(run, transfer) for transfer in transfers]

    def wrong(self) -> Iterator[str]:
        """Say what is not as it was before the album was staged."""
        if (found := self.look()) != self.before:
            yield f"inbound: {[path for path in {*found, *self.before} if found.get(path) != self.before.get(path)]}"
        staged = tree(self.world.staging).keys() - {TX + b"/", *(TX + b"/" + name for name in PLAYER_IGNORES)}
        if {path for path in staged if not path.endswith(b"/")} != set(FOREIGN) or b"B/" in staged:
            yield f"staging: {staged}"
        with self.world.database.read() as connection:
            if connection.execute(select(StagingItem.key)).first():
                yield "an item is listed"
            for row in connection.execute(select(TransferRow.state, TransferRow.error)):
                if row.state not in ("done", "cancelled"):
                    yield f"a transfer is {row.state}: {row.error}"

    def converges(self) -> list[str]:
        """Recover twice, take back what was rolled back; return what is broken on the way or wrong at the end."""
        world = self.world
        wrong = recovered_twice(world.recovered, lambda: complaints(world), (world.inbound, world.staging))
        self.perform(Steps(fence=5))
        return [*wrong, *complaints(self.world), *self.wrong()]
