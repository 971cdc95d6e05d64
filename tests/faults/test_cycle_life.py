"""Drops, edits, rivals, undos, crashes and databases set back, in any order Hypothesis finds, around real commands."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import Row, select

from config.libraries import list_libraries, resume
from processor.tables import TransferRow
from processor.transfers.hidden import TX
from processor.transfers.transfer import path_from_json
from tests.faults import ALL
from tests.faults.cycles import House, albums, another_filesystem, late_tracks, music, snapshot
from tests.faults.soak import set_aside_the_count
from tests.faults.steps import die, run_until
from tests.faults.subjects import better_album
from tests.faults.test_cycle_rollback import copy_database
from tests.memory import memory

# What is dropped together, and where grouping and naming will put it.
DROPS = {
    "Nora": "NV/Nora Vale/2014 - Low Tide",
    "Live": "CA/The Cannery/2019 - Live",
    "single": "雨/雨宮/2021 - 夜の庭",
}
STEPS = st.none() | st.integers(1, 90)  # None: nothing disturbs it


class CycleLife(RuleBasedStateMachine):
    """One installation, the people around it, and whatever happens to them."""

    @initialize(copied=st.booleans(), staged=st.sampled_from([(), (albums,), (albums, late_tracks, better_album)]))
    def begin(self, copied: bool, staged: Sequence[Callable[[], Mapping[str, bytes]]]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="greenroom-", dir=memory()))
        self.stack = contextlib.ExitStack()
        staging = self.stack.enter_context(another_filesystem(self.folder)) / "staging" if copied else None
        self.house = House(self.folder / "house", staging, filled=False, workers=1, replace="better")
        self.owed: dict[str, bytes] = {}  # where a person put it in inbound → the digest of what must be somewhere
        self.foreign: dict[Path, bytes] = {}  # in staging, and none of our business
        self.ever: set[bytes] = set()  # every content a person put in inbound
        self.number = 0
        self.was_set_back = False  # the journal does not tell everything any more
        self.outdated: set[object] = set()  # what a database of before lists, and nobody has looked at since
        for files in staged:
            self._drop(files())
            self._run(None, "cycle", "--json")

    @rule(which=st.sampled_from(sorted(DROPS)))
    def drop(self, which: str) -> None:
        self._drop({place: data for place, data in albums().items() if place.startswith(which)})

    @rule()
    def drop_late_tracks(self) -> None:
        self._drop(late_tracks())

    @rule()
    def drop_a_better_album(self) -> None:
        self._drop(better_album())

    @rule(which=st.sampled_from(["Nora Vale - Low Tide/cover.jpg", "Nora Vale - Low Tide/rip.log"]))
    def edit(self, which: str) -> None:
        if (self.house.inbound / which).exists():
            self.number += 1
            self._put(which, b"edited %d" % self.number)

    @rule()
    def touch(self) -> None:
        for path in self.house.inbound.rglob("*.flac"):
            os.utime(path, ns=(1, 10**18 + self.number))

    @rule()
    def leave_something_late(self) -> None:
        if (self.house.inbound / "Nora Vale - Low Tide").is_dir():
            self.number += 1
            self._put(f"Nora Vale - Low Tide/late {self.number}.txt", b"late %d" % self.number)

    @rule(which=st.sampled_from(sorted(DROPS)))
    def take_its_place(self, which: str) -> None:
        path = self.house.staging / DROPS[which] / "mine.txt"
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
            path.write_bytes(b"somebody else's")
            self.foreign[path] = b"somebody else's"

    @rule(step=STEPS)
    def cycle(self, step: int | None) -> None:
        self._run(step, "cycle", "--json")

    @rule(step=STEPS)
    def recover(self, step: int | None) -> None:
        self._run(step, "recover", "--json")

    @rule(step=STEPS, data=st.data())
    def take_back(self, step: int | None, data: st.DataObject) -> None:
        done = [transfer.id for transfer in self._journal() if (transfer.state, transfer.undoes) == ("done", None)]
        if done:
            self._run(step, "undo", data.draw(st.sampled_from(done)), "--json")

    @rule(step=STEPS)
    def take_a_run_back(self, step: int | None) -> None:
        moved = [transfer.run_id for transfer in self._journal() if transfer.run_id is not None]
        if moved:
            self._run(step, "undo", moved[-1], "--json")

    @rule()
    def release(self) -> None:
        for transfer in self._journal():
            if transfer.undoes is not None:
                self._run(None, "undo", "--release", transfer.undoes)

    @rule()
    def back_up(self) -> None:
        copy_database(self.house.data / "greenroom.db", self.folder / "older.db")

    @precondition(lambda self: (self.folder / "older.db").exists())
    @rule()
    def set_back(self) -> None:
        copy_database(self.folder / "older.db", self.house.data / "greenroom.db")
        self.was_set_back = True
        self.outdated = {_version(item) for item in self.house.items() if not self._is_there(item)}

    @invariant()
    def nothing_is_lost_half_shown_or_overwritten(self) -> None:
        if not hasattr(self, "house"):
            return
        there = {sha256(data).digest() for root in self._roots() for data in music(root).values()}
        assert [place for place, digest in self.owed.items() if digest not in there] == []
        assert {path: path.read_bytes() for path in self.foreign} == self.foreign
        changing = [t for t in self._journal() if t.kind.endswith("replace") and t.state == "materialised"]
        for item in self.house.items():
            # Between an exchange and its commit the row tells of the album of a moment ago.
            told = _version(item) in self.outdated or item["path"] in [transfer.target for transfer in changing]
            told = told or (self.was_set_back and item["status"] == "missing")  # a cycle saw it, and says so
            assert told or self._is_there(item), item

    @invariant()
    def no_source_is_gone_that_was_not_published(self) -> None:
        """And its file is in the album, or in what gave way to a better one."""
        if not hasattr(self, "house") or self.was_set_back:
            return
        published = [transfer for transfer in self._journal() if transfer.state in ("published", "done")]
        moved = {path_from_json(file["source"]) for transfer in published for file in transfer.files}
        there = music(self.house.staging)
        for place, digest in self.owed.items():
            path = self.house.inbound / place
            if path.exists() and sha256(path.read_bytes()).digest() == digest:
                continue
            assert os.fsencode(place) in moved, f"{place} is gone, but nothing with it was published"
            shown = [name for name, data in there.items() if sha256(data).digest() == digest]
            assert any(not name.startswith(TX + b"/") or self._gives_way(name) for name in shown), (place, shown)

    def teardown(self) -> None:
        if not hasattr(self, "house"):
            return
        try:
            for command in ("recover", "cycle", "cycle"):
                self._run(None, command, "--json")
                self.nothing_is_lost_half_shown_or_overwritten()
            before = snapshot(self.house)
            self._run(None, "cycle", "--json")
            assert snapshot(self.house) == before
        finally:
            self.stack.close()
            shutil.rmtree(self.folder)

    def _drop(self, files: Mapping[str, bytes]) -> None:
        for place, data in files.items():
            if place not in self.owed:
                self._put(place, data)

    def _is_there(self, item: dict[str, Any]) -> bool:
        """Tell whether an item's files are in its folder, with bytes that somebody put in inbound once."""
        found = music(self.house.staging / os.fsdecode(item["path"]))
        sizes = {path: len(data) for path, data in found.items()}
        listed = {file["path"]: file["size"] for file in item["files"]}
        return listed.items() <= sizes.items() and {sha256(found[path]).digest() for path in listed} <= self.ever

    def _gives_way(self, name: bytes) -> bool:
        """Tell whether a hidden file is one of the album that a replacement, once exchanged, will put in the trash."""
        return any(
            name.startswith(TX + b"/" + transfer.id.encode() + b"/")
            for transfer in self._journal()
            if transfer.kind == "replace" and transfer.state in ("materialised", "published")
        )

    def _journal(self) -> Sequence[Row[Any]]:
        with self.house.database() as database, database.read() as connection:
            return connection.execute(select(TransferRow.__table__).order_by(TransferRow.created_at)).all()

    def _put(self, place: str, data: bytes) -> None:
        path = self.house.inbound / place
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.folder / "fresh"
        fresh.write_bytes(data)
        fresh.rename(path)
        self.owed[place] = sha256(data).digest()
        self.ever.add(self.owed[place])

    def _run(self, step: int | None, *command: str) -> None:
        status = run_until(self.house, step, die, *command)
        assert status in (0, 1, -9), self.house.ended(status)
        assert "Traceback" not in self.house.ended(status).err, self.house.ended(status).err
        set_aside_the_count(self.house)
        self._resume()

    def _resume(self) -> None:
        """A database of before does not know what was taken since, and stops cycles; a person lets them go on."""
        with self.house.database() as database, database.begin() as connection:
            for library in list_libraries(connection):
                if library.suspended is not None:
                    assert self.was_set_back, library.suspended
                    resume(connection, library.path)

    def _roots(self) -> tuple[Path, Path]:
        return self.house.inbound, self.house.staging


def _version(item: Mapping[str, Any]) -> object:
    return item["path"], item["revision"], item["transfer_id"]


CycleLife.TestCase.settings = settings(
    max_examples=200 if ALL else 6,
    stateful_step_count=30 if ALL else 12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink] if ALL else [Phase.explicit, Phase.generate],
)
TestCycleLife = CycleLife.TestCase
