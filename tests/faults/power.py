"""A cycle or an undo, its power cut at each of its steps → what was lost, listed but not there, or left unsettled."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.faults.cycles import House, wrong_items
from tests.faults.disks import Disk, disks
from tests.faults.steps import die, labels, run_until
from tests.faults.subjects import RECOVER, Subject
from tests.faults.trials import Trial
from tests.memory import memory


class Place(NamedTuple):
    """Which disk (by number, None for one that keeps its power) has what, and which lose their power."""

    name: str
    kinds: tuple[str, ...]
    inbound: int | None = 0
    staging: int = 0
    data: int | None = None
    lose: tuple[int, ...] = (0,)
    through: str = ""  # "bind": staging is reached through a mount of its own, so that links are refused; "overlay"


PLACES = (
    Place("ext4, link", ("ext4",)),
    Place("xfs, link", ("xfs",)),
    Place("xfs, clone", ("xfs",), through="bind"),
    Place("ext4 → xfs, copy", ("ext4", "xfs"), staging=1, lose=(0, 1)),
    Place("xfs → ext4, copy", ("xfs", "ext4"), staging=1, lose=(0, 1)),
    Place("ext4 → ext4, copy", ("ext4", "ext4"), staging=1, lose=(0, 1)),
    Place("tmpfs → ext4, copy", ("ext4",), inbound=None),
    Place("overlay on ext4, link", ("ext4",), through="overlay"),
    Place("btrfs, link", ("btrfs",)),
    Place("btrfs, clone", ("btrfs",), through="bind"),
    Place("btrfs → btrfs, copy", ("btrfs", "btrfs"), staging=1, lose=(0, 1)),
    Place("ext4, link, database cut too", ("ext4", "ext4"), data=1, lose=(0, 1)),
    Place("xfs, link, only database cut", ("xfs", "xfs"), data=1, lose=(1,)),
)


@dataclass
class Tally:
    """What a harness found: how many points it tried, and every complaint with the point it belongs to."""

    points: int = 0
    complaints: list[str] = field(default_factory=list)
    died: int = 0  # points at which the process came as far as it was to die

    def add(self, point: str, complaints: Sequence[str]) -> None:
        """Count a point."""
        self.points += 1
        self.complaints += [f"{point}: {said}" for said in complaints]

    def count(self, kind: str) -> int:
        """How many points have a complaint of a kind: lost, phantom or unconverged."""
        found = (said.split(": ", 1) for said in self.complaints)
        return len({point for point, said in found if kind_of(said) == kind})


def kind_of(said: str) -> str:
    """Name what a complaint of tests.faults.cycles is about."""
    starts = {"lost": "lost", "listed as": "phantom"}
    return next((kind for start, kind in starts.items() if said.startswith(start)), "unconverged")


class Bench:
    """The disks of a place, and a fresh installation on them for each point, about to do what is the subject."""

    def __init__(self, place: Place, subject: Subject, made: list[Disk], folder: Path) -> None:
        self.subject = subject
        self._place, self._disks, self._folder = place, made, folder
        self._mounted: list[Path] = []
        self._number = 0

    @contextlib.contextmanager
    def house(self, *, synced: bool = True) -> Iterator[tuple[House, Trial]]:
        """Make an installation ready for its trial, all of it on the disks; what was dropped last only if told so."""
        self._number += 1
        name = f"{self._number}"
        here = self._folder / name
        here.mkdir()
        inbound, data = (
            here if n is None else self._disks[n].path / name for n in (self._place.inbound, self._place.data)
        )
        staging = self._disks[self._place.staging].path / name
        if self._place.through == "overlay":
            inbound = staging = here / "merged"
        self._through()
        house = House(
            here, staging / "staging", inbound=inbound / "inbound", data=data / "data", filled=False, workers=1
        )
        self.subject.make_ready(house)
        if not synced:
            self._sync()
        house.drop(self.subject.dropped())
        trial = self.subject.begin(house)
        if synced:
            self._sync()
        try:
            yield house, trial
        finally:
            self._unmount()
            for folder in (here, *(disk.path / name for disk in self._disks)):
                shutil.rmtree(folder, ignore_errors=True)

    def _sync(self) -> None:
        for disk in self._disks:
            disk.sync()

    def _through(self) -> None:
        here, there = self._folder / f"{self._number}", self._disks[0].path / f"{self._number}"
        if self._place.through == "bind":
            (there / "staging").mkdir(parents=True, exist_ok=True)
            self._mount(there / "staging", "--bind", str(there / "staging"))
        elif self._place.through == "overlay":
            layers = {name: where / name for name, where in (("lower", here), ("upper", there), ("work", there))}
            for folder in (*layers.values(), here / "merged"):
                folder.mkdir(parents=True, exist_ok=True)
            options = ",".join(f"{name}dir={folder}" for name, folder in layers.items())
            self._mount(here / "merged", "-t", "overlay", "-o", options, "overlay")

    def _mount(self, path: Path, *options: str) -> None:
        subprocess.run(["mount", *options, str(path)], check=True, capture_output=True)
        self._mounted.append(path)

    def _unmount(self) -> None:
        while self._mounted:
            subprocess.run(["umount", str(self._mounted.pop())], check=True, capture_output=True)

    def cut(self, _label: str = "") -> None:
        """Cut the power of the disks that are to lose it, and end this process."""
        self.cut_disks()
        die("")

    def cut_disks(self) -> None:
        """Cut the power of the disks that are to lose it."""
        for n in self._place.lose:
            self._disks[n].cut()

    def power_on(self) -> None:
        """Mount what lost its power again, all that is mounted on it too."""
        self._unmount()
        for n in self._place.lose:
            self._disks[n].power_on()
        self._through()


@contextlib.contextmanager
def bench(place: Place, subject: Subject) -> Iterator[Bench]:
    """Set a place up and take it down."""
    with disks(*place.kinds) as made, tempfile.TemporaryDirectory(prefix="greenroom-", dir=memory()) as folder:
        yield Bench(place, subject, made, Path(folder))


def rebooted(house: House, n: int) -> None:
    """Let the machine have another boot id at every second point: the same one makes recovery trust more."""
    house.environ["GREENROOM_BOOT_ID"] = f"boot {n % 2}"


def cut(on: Bench, n: int, tally: Tally) -> None:
    """Cut the power before step n, or after the last one."""
    with on.house() as (house, trial):
        rebooted(house, 0)
        died = run_until(house, n, on.cut, *trial.command) < 0
        if not died:  # it ended before: what it said is done must be on the disk
            on.cut_disks()
        tally.died += died
        on.power_on()
        rebooted(house, n)
        tally.add(f"{n}", trial.converges(house))


def cut_new(on: Bench, n: int, tally: Tally) -> None:
    """The same with sources nobody has synced: what was never on a disk may be gone, but nothing listed may be."""
    with on.house(synced=False) as (house, trial):
        rebooted(house, 0)
        tally.died += run_until(house, n, on.cut, *trial.command) < 0
        on.power_on()
        rebooted(house, n)
        wrong = list(wrong_items(house))
        ended = house.run(*RECOVER)
        wrong += [ended.err] if ended.status not in (0, 1) or "Traceback" in ended.err else []  # 1: ask a person
        tally.add(f"{n}", [*wrong, *wrong_items(house)])


def kill_recover_cut(on: Bench, n: int, tally: Tally) -> None:
    """Kill before step n, recover in full, and only then cut the power: what can be read need not be on the disk."""
    for synced in (True, False) if on.subject.damage is None else (True,):
        with on.house(synced=synced) as (house, trial):
            tally.died += run_until(house, n, die, *trial.command) < 0
            asks = on.subject.damage is not None  # what was broken may want a person
            wrong = [] if house.run(*RECOVER).status in ((0, 1) if asks else (0,)) else ["recover failed"]
            on.cut_disks()
            on.power_on()
            wrong += trial.converges(house) if synced else wrong_items(house)
            tally.add(f"{n}", wrong)


def cut_recover_cut(on: Bench, n: int, tally: Tally) -> None:
    """Cut before step n, and again before some steps of the recovery."""
    for second in range(1 + n % 5, 200, 9):
        with on.house() as (house, trial):
            tally.died += run_until(house, n, on.cut, *trial.command) < 0
            on.power_on()
            died = run_until(house, second, on.cut, *RECOVER) < 0
            on.power_on()
            rebooted(house, n)
            tally.add(f"{n}, {second}", trial.converges(house))
        if not died:
            break


UNSYNCED = "power cut, sources not synced"  # has no meaning for an undo or a repair: what was staged is on the disk
STORIES: dict[str, Callable[[Bench, int, Tally], None]] = {
    "power cut": cut,
    UNSYNCED: cut_new,
    "kill, recover, power cut": kill_recover_cut,
    "power cut, and in recovery": cut_recover_cut,
}


def steps(on: Bench) -> list[str]:
    """The labels of the steps of the command that is to be disturbed, while nothing disturbs it."""
    with on.house() as (house, trial):
        return labels(house, *trial.command)


def tell(place: Place, subject: Subject, story: str, every: int, *, stop: bool = False) -> Tally:
    """Try every so many steps of a command, from the first to one that is never reached; `stop` at a complaint."""
    tally = Tally()
    with bench(place, subject) as on:
        for n in range(1, len(steps(on)) + 1 + every, every):
            STORIES[story](on, n, tally)
            if stop and tally.complaints:
                break
    return tally
