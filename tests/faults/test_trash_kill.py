"""Kill the way into the trash and back before each step: the album is whole in one place, and listed only there."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest

from config.machine import boot_id
from processor import discarding
from processor.items import repository
from processor.metadata import rows
from processor.metadata.documents import ITSELF, USER
from processor.moves.move import Performance
from processor.recover import recover
from processor.settle import settle
from processor.staging.staged import record_item
from processor.taking_back import take_back
from processor.transfers import journal
from processor.transfers.guard import Guard
from processor.transfers.trash import TRASH
from tests.faults.killing import Failing, killed
from tests.faults.world import Steps, tree
from tests.scenarios.drops import JPEG, songs
from tests.scenarios.house import House

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Scene:
    """A staged album of which a person said something."""

    def __init__(self, folder: Path, url: str) -> None:
        self.house = House.make(folder, url)
        self.house.drop(songs("Low Tide", "mp3", range(1, 3)) | {"Low Tide/cover.jpg": JPEG})
        assert self.house.run().status == "done"
        (item,) = self.house.items().values()
        self.key, self.home = item["key"], bytes(item["path"])
        self.root = os.fsencode(self.house.staging)
        with self.house.database.begin() as connection:
            rows.say(connection, item["id"], ITSELF, "title", "Low Tide, again", NOW)
        self.before = self.album(self.home)
        self.names = 0

    def run(self, guard: Guard) -> Performance:
        return Performance(self.house.database, guard, record_item, NOW)

    def discard(self, guard: Steps) -> None:
        with self.house.database.begin() as connection:
            found = repository.recorded(connection, [self.key])[self.key]
            self.names += 1
            there = discarding.files_of(self.root, found.item)
            transfer = discarding.transfer_of(
                self.root, found.item, there, id=f"discard-{self.names}", fence=guard.fence, boot_id=boot_id()
            )
            journal.plan(connection, [transfer], NOW)
        settle(self.run(guard), transfer)

    def restore(self, guard: Steps) -> None:
        (name,) = (name for name in os.listdir(os.path.join(self.root, TRASH)) if name.startswith(b"discard-"))
        with self.house.database.read() as connection:
            (transfer,) = journal.named(connection, name.decode())
        assert take_back(self.run(guard), transfer).outcome in ("undone", "failed")

    def recover(self, guard: Guard) -> None:
        recover(self.run(guard), (os.fsencode(self.house.inbound), self.root))

    def album(self, folder: bytes) -> dict[bytes, str]:
        """Digest every file below a folder of staging, the sidecar too."""
        place = os.path.join(self.root, folder)
        return {path: sha256(data).hexdigest() for path, data in tree(place).items()} if os.path.isdir(place) else {}

    def trashed(self) -> list[dict[bytes, str]]:
        place = os.path.join(self.root, TRASH)
        names = os.listdir(place) if os.path.isdir(place) else []
        return [self.album(TRASH + b"/" + name) for name in names if name.startswith(b"discard-")]

    @property
    def is_listed(self) -> bool:
        with self.house.database.read() as connection:
            return self.key in repository.recorded(connection, [self.key])

    def complaints(self) -> Iterator[str]:
        """Say what is broken at any instant."""
        there = [album for album in (self.album(self.home), *self.trashed()) if album]
        if there != [self.before]:
            yield f"not one whole album, but {len(there)}: {there}"
        if self.is_listed and self.album(self.home) != self.before:
            yield "it is listed, and not in its place"

    def settled(self) -> Iterator[str]:
        """Say what is left over where everything should be settled."""
        if self.is_listed != (self.album(self.home) == self.before):
            yield "its item does not say where it is"
        if not self.is_listed and os.path.exists(os.path.join(self.root, os.path.dirname(self.home))):
            yield "an empty folder is left"
        if self.is_listed:
            with self.house.database.read() as connection:
                said = rows.read(connection, repository.id_of(connection, self.key)).get(USER)
            if said != {ITSELF: {"title": "Low Tide, again"}}:
                yield f"of what people said there is {said}"
        with self.house.database.read() as connection:
            yield from (f"{one.kind} is {one.state}: {one.error}" for one in journal.unsettled(connection))

    def perform(self, what: str, guard: Steps) -> None:
        (self.discard if what == "discard" else self.restore)(guard)

    def ends(self, what: str, fence: int) -> list[str]:
        """Recover, do what was rolled back, and go the other way; return what is broken or left over anywhere."""
        self.recover(Steps(fence=fence + 2))
        if self.is_listed == (what == "discard"):
            self.perform(what, Steps(fence=fence + 3))
        told = [*self.complaints(), *self.settled()]
        if self.is_listed != (what == "restore"):
            told.append(f"{what} was done, and is not")
        self.perform("restore" if what == "discard" else "discard", Steps(fence=fence + 4))
        return [*told, *self.complaints(), *self.settled()]


@pytest.fixture
def scene(quick_path: Path, sqlite_url: str) -> Iterator[Scene]:
    made = Scene(quick_path, sqlite_url)
    yield made
    made.house.database.close()


@pytest.fixture(params=["discard", "restore"])
def what(request: pytest.FixtureRequest, scene: Scene) -> str:
    """What is disturbed; what has to be in the trash before that is there."""
    if request.param == "restore":
        scene.discard(Steps())
    return str(request.param)


def test_killed_before_any_step_and_in_the_recovery_everything_converges(scene: Scene, what: str) -> None:
    step, fence, came_so_far = 0, 10, True
    while came_so_far:
        step, fence = step + 1, fence + 5
        came_so_far = killed(partial(scene.perform, what), step, fence)
        told = [*scene.complaints()]
        killed(scene.recover, 1 + step % 4, fence + 1)
        told += scene.complaints()
        assert [*told, *scene.ends(what, fence)] == [], f"killed before step {step}"
    assert step > 8


def test_any_step_may_fail_and_everything_converges(scene: Scene, what: str) -> None:
    step, fence, failed = 0, 10, True
    while failed:
        step, fence = step + 1, fence + 5
        guard = Failing(step, fence)
        scene.perform(what, guard)
        failed = len(guard.labels) >= step
        assert [*scene.complaints(), *scene.ends(what, fence)] == [], f"step {step}"
