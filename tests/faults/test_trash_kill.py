"""Kill the way into the trash and back before each step: the album is whole in one place, and listed only there."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from config.errors import Retryable
from config.machine import boot_id
from processor import discarding, journal, repository
from processor.metadata import rows
from processor.metadata.documents import ITSELF, USER
from processor.moves.move import Performance
from processor.publishing import publish
from processor.recover import recover
from processor.settle import settle
from processor.taking_back import take_back
from processor.transfer import Guard
from processor.trash import TRASH
from tests.faults.world import Killed, Steps, tree
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
        return Performance(
            self.house.database,
            guard,
            lambda connection, transfer: publish(connection, [transfer], NOW),
            NOW,
            boot_id(),
        )

    def discard(self, guard: Steps) -> None:
        with self.house.database.begin() as connection:
            found = repository.recorded(connection, [self.key])[self.key]
            item_id = repository.id_of(connection, self.key)
            said = rows.read(connection, item_id)[USER]
            self.names += 1
            transfer = discarding.transfer_of(
                self.root, found.item, said, id=f"discard-{self.names}", fence=guard.fence, boot_id=boot_id()
            )
            journal.plan(connection, [transfer], NOW)
        settle(self.run(guard), transfer)

    def restore(self, guard: Steps) -> None:
        (name,) = (name for name in os.listdir(os.path.join(self.root, TRASH)) if name.startswith(b"discard-"))
        with self.house.database.read() as connection:
            (transfer,) = journal.named(connection, name.decode())
        assert take_back(self.run(guard), transfer).outcome in ("undone", "failed")

    def recover(self, guard: Guard) -> None:
        roots, run = (os.fsencode(self.house.inbound), self.root), self.run(guard)
        recover(self.house.database, guard, run.publish, roots, now=NOW, boot_id=boot_id())

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


@pytest.fixture
def scene(quick_path: Path, sqlite_url: str) -> Iterator[Scene]:
    made = Scene(quick_path, sqlite_url)
    yield made
    made.house.database.close()


def killed(act: Callable[[Steps], None], guard: Steps) -> bool:
    try:
        act(guard)
    except Killed:
        return True
    return False


@pytest.mark.parametrize("what", ["discard", "restore"])
def test_killed_before_any_step_and_in_the_recovery_everything_converges(scene: Scene, what: str) -> None:
    act, other = (scene.discard, scene.restore) if what == "discard" else (scene.restore, scene.discard)
    if what == "restore":
        scene.discard(Steps())
    step, fence, came_so_far = 0, 10, True
    while came_so_far:
        step, fence = step + 1, fence + 5
        came_so_far = killed(act, Steps(step, fence))
        told = [*scene.complaints()]
        killed(scene.recover, Steps(1 + step % 4, fence + 1))
        told += scene.complaints()
        scene.recover(Steps(fence=fence + 2))
        if scene.is_listed == (what == "discard"):
            act(Steps(fence=fence + 3))
        told += [*scene.complaints(), *scene.settled()]
        assert told == [], f"killed before step {step}"
        assert scene.is_listed == (what == "restore")
        other(Steps(fence=fence + 4))
        assert [*scene.complaints(), *scene.settled()] == []
    assert step > 8


class Failing(Steps):
    """A guard before whose n-th step the disk fails once."""

    def __init__(self, fail_at: int, fence: int) -> None:
        super().__init__(None, fence)
        self._fail_at = fail_at

    def check(self, label: str) -> None:
        super().check(label)
        if len(self.labels) == self._fail_at:
            raise Retryable("the disk could not write", code="io_error")


@pytest.mark.parametrize("what", ["discard", "restore"])
def test_any_step_may_fail_and_everything_converges(scene: Scene, what: str) -> None:
    act, other = (scene.discard, scene.restore) if what == "discard" else (scene.restore, scene.discard)
    if what == "restore":
        scene.discard(Steps())
    step, fence, failed = 0, 10, True
    while failed:
        step, fence = step + 1, fence + 5
        guard = Failing(step, fence)
        act(guard)
        failed = len(guard.labels) >= step
        assert [*scene.complaints()] == [], f"step {step}"
        scene.recover(Steps(fence=fence + 2))
        if scene.is_listed == (what == "discard"):
            act(Steps(fence=fence + 3))
        assert [*scene.complaints(), *scene.settled()] == [], f"step {step}"
        other(Steps(fence=fence + 4))
        assert [*scene.complaints(), *scene.settled()] == []
