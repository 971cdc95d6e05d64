"""A house whose commands are killed and done again, all under strace → what they told of that nobody had synced."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator

from sqlalchemy import Connection, select

from config.tables import LibraryRow, SettingRow
from processor.artwork.tables import BlobRow
from processor.tables import LedgerRow, PublicationRow, StagingFile, StagingItem, TransferRow
from processor.transfers import journal
from processor.transfers.hidden import TX
from processor.transfers.transfer import Transfer
from tests.faults.cycles import House
from tests.faults.steps import Hook, die
from tests.faults.subjects import RECOVER
from tests.faults.traced import Outcome, mark, run_traced
from tests.faults.unsynced import Disk

# Of the data folder: the database, which syncs its own, and what may go at any time.
_SCRATCH = re.compile(r"/data/(greenroom\.db|scan-db|previews|(blobs/)?\.)")
# What rows tell of files; what else they say of them hangs on the transfers' states.
_TELLING = (
    select(TransferRow.id, TransferRow.state),
    select(StagingItem.id, StagingItem.status, StagingItem.path),
    select(StagingFile.item_id, StagingFile.path),
    select(PublicationRow.item_id, PublicationRow.path, PublicationRow.revision),
    select(LedgerRow.path, LedgerRow.digest, LedgerRow.revision),
    select(BlobRow.sha256),
    select(LibraryRow.root_uuid, LibraryRow.path),
    select(SettingRow.key, SettingRow.value),
)
_Told = list[set[tuple[object, ...]]]


class Telling(Hook):
    """Leaves a mark at each commit that tells of files, and notes whose they are: of what has moved on, of others."""

    def __init__(self, at: int | None, house: House, before: _Told) -> None:
        super().__init__(at, die, house.folder / "labels")
        self._database, self._told, self._whose = str(house.data / "greenroom.db"), before, house.folder / "whose"

    def commit(self, connection: Connection) -> None:
        """Leave it, where this is the house's own database."""
        if connection.engine.url.database != self._database or (told := _told(connection)) == self._told:
            return
        moved = [str(id) for id, _ in told[0] - self._told[0]]
        others = (one for one in journal.unsettled(connection) if one.id not in moved)
        whose = (
            [_places(one) for one in journal.these(connection, moved)],
            [[*_hidden(one), *_places(one)] for one in others],  # the folder of all that is hidden may be theirs alone
        )
        self._told = told
        with self._whose.open("a") as file:
            file.write(json.dumps(whose) + "\n")
        mark("told")


def _told(connection: Connection) -> _Told:
    return [{tuple(map(str, row)) for row in connection.execute(query)} for query in _TELLING]


def _places(transfer: Transfer) -> list[str]:
    """Where a transfer puts what it finds where; the last is in the names of what it hides."""
    sources = (os.path.join(transfer.src_root, file.source) for file in transfer.files)
    return [*map(os.fsdecode, (os.path.join(transfer.dst_root, transfer.target), *sources)), transfer.id]


def _hidden(transfer: Transfer) -> list[str]:
    roots = (transfer.src_root, transfer.dst_root)
    return [os.fsdecode(os.path.join(root, TX, transfer.id.encode())) for root in roots]


def _is_of(path: str, transfers: list[list[str]]) -> bool:
    """Whether a path is at, above or below a place of one of some transfers, or is named after it."""
    return any(
        name in path or any(f"{place}/".startswith(f"{path}/") or path.startswith(f"{place}/") for place in places)
        for *places, name in transfers
    )


class Explored:
    """A house through the lives of several processes: one that dies leaves to the next what nobody had synced.

    `risks` says what a power cut at a commit, or at the end of a command that succeeded, would have lost. `refuses` is
    what its disks cannot do, as strace(1) injects it.
    """

    def __init__(self, house: House, *refuses: str) -> None:
        self.house, self._refuses = house, refuses
        self.labels: list[str] = []  # of the latest command's steps
        self.risks: list[str] = []
        self._disk = Disk()
        staged = (path for root in (*house.roots[1:], house.data) for path in root.rglob("*"))
        self._disk.synced = set(map(str, staged))  # inbound is what people put there just now

    def run(self, *command: str, die_at: int | None = None) -> int:
        """Run a command, killed before its step of that number; return how it ended."""
        labels, whose = (self.house.folder / name for name in ("labels", "whose"))
        for path in (labels, whose):
            path.write_text("")
        with self.house.database() as database, database.read() as connection:
            before = _told(connection)

        def work() -> None:
            Telling(die_at, self.house, before)
            self.house.command(*command)

        outcome = run_traced(work, self.house.folder / "log", *self._refuses)
        self.labels = labels.read_text().splitlines()
        told = [json.loads(line) for line in whose.read_text().splitlines()]
        self.risks += (f"{command[0]}, {risk}" for risk in self._found(outcome, told))
        if outcome.status == 0 and command != RECOVER:  # whose end promises nothing of what others go on with
            self.risks += (f"{command[0]}, at the end: {path} is not durable" for path in self._at_risk())
        return outcome.status

    def _found(self, outcome: Outcome, told: list[list[list[list[str]]]]) -> Iterator[str]:
        commits = enumerate(told, 1)
        for call in outcome.calls:
            if call.mark:
                n, (moved, others) = next(commits)
                for path in self._at_risk():
                    if _is_of(path, moved) or not _is_of(path, others):
                        yield f"at commit {n}: {path} is not durable"
            else:
                self._disk.take(call)

    def _at_risk(self) -> list[str]:
        data = str(self.house.data)
        lost = self._disk.lost(*map(str, self.house.roots), data)
        known = (path for path in lost if not _SCRATCH.search(path))
        # What is gone from the data folder may come back: no row tells of it.
        return [path for path in known if not path.startswith(data) or os.path.lexists(path)]
