"""Drops, edits, rivals, crashes and databases set back, in any order Hypothesis can think of, around real cycles."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from hashlib import sha256
from pathlib import Path

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.faults.cycles import House, albums, another_filesystem, music, snapshot
from tests.faults.soak import set_aside_the_count
from tests.faults.steps import die, run_until
from tests.faults.test_cycle_rollback import copy_database

ALL = os.environ.get("GREENROOM_FAULTS") == "all"
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# What is dropped together, and where grouping and naming will put it.
DROPS = {
    "Nora": "NV/Nora Vale/2014 - Low Tide",
    "Live": "CA/The Cannery/2019 - Live",
    "single": "雨/雨宮/2021 - 夜の庭",
}
STEPS = st.none() | st.integers(1, 90)  # None: nothing disturbs it


class CycleLife(RuleBasedStateMachine):
    """One installation, the people around it, and whatever happens to them."""

    @initialize(copied=st.booleans())
    def begin(self, copied: bool) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="greenroom-", dir=MEMORY))
        self.stack = contextlib.ExitStack()
        staging = self.stack.enter_context(another_filesystem(self.folder)) / "staging" if copied else None
        self.house = House(self.folder / "house", staging, filled=False, workers=1)
        self.owed: dict[str, bytes] = {}  # where a person put it in inbound → the digest of what must be somewhere
        self.foreign: dict[Path, bytes] = {}  # in staging, and none of our business
        self.ever: set[bytes] = set()  # every content a person put in inbound
        self.number = 0

    @rule(which=st.sampled_from(sorted(DROPS)))
    def drop(self, which: str) -> None:
        for place, data in albums().items():
            if place.startswith(which) and place not in self.owed:
                self._put(place, data)

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

    @rule()
    def back_up(self) -> None:
        copy_database(self.house.data / "greenroom.db", self.folder / "older.db")

    @precondition(lambda self: (self.folder / "older.db").exists())
    @rule()
    def set_back(self) -> None:
        copy_database(self.folder / "older.db", self.house.data / "greenroom.db")

    @invariant()
    def nothing_is_lost_half_shown_or_overwritten(self) -> None:
        if not hasattr(self, "house"):
            return
        there = {sha256(data).digest() for root in self._roots() for data in music(root).values()}
        assert [place for place, digest in self.owed.items() if digest not in there] == []
        assert {path: path.read_bytes() for path in self.foreign} == self.foreign
        for item in self.house.items():
            found = music(self.house.staging / os.fsdecode(item["path"]))
            assert {file["path"]: file["size"] for file in item["files"]}.items() <= {
                path: len(data) for path, data in found.items()
            }.items()
            assert {sha256(found[file["path"]]).digest() for file in item["files"]} <= self.ever

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

    def _roots(self) -> tuple[Path, Path]:
        return self.house.inbound, self.house.staging


CycleLife.TestCase.settings = settings(
    max_examples=200 if ALL else 6,
    stateful_step_count=30 if ALL else 12,
    deadline=None,
    phases=[Phase.explicit, Phase.generate, Phase.shrink] if ALL else [Phase.explicit, Phase.generate],
)
TestCycleLife = CycleLife.TestCase
