"""Kill the writing of tags, and its undo, before each step, or let its disk hang: the album is whole, old or new."""

from __future__ import annotations

import datetime as dt
import os
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import update

from config.database import Database
from config.errors import NeedsReview
from processor.filesystem.files import Tree
from processor.fsck import unsettled
from processor.fsck.finding import Resume
from processor.items import repository
from processor.metadata import rows
from processor.metadata.documents import ITSELF
from processor.moves.move import Performance, unheard
from processor.retag import retag, retold, settle_retags, sweep
from processor.tables import IS_OPEN, TransferRow
from processor.tagging.essence import essence
from processor.taking_back import TakenBack, take_back
from processor.transfers import journal
from processor.transfers.guard import Guard
from scanner.tags.signature import candidates
from tests.faults import ALL
from tests.faults.hanging import NAMING, Child
from tests.faults.killing import killed
from tests.faults.world import Steps, tree
from tests.scenarios.drops import JPEG, songs
from tests.scenarios.house import House
from workflow.operations.tagging import tag_item
from workflow.operations.trash import discard

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


class Scene:
    """A staged album of which more is known than its tags say."""

    def __init__(self, folder: Path, url: str) -> None:
        self.house = House.make(folder, url)
        self.house.drop(songs("Low Tide", "flac", range(1, 3)) | {"Low Tide/cover.jpg": JPEG})
        assert self.house.run().status == "done"
        (item,) = self.house.items().values()
        self.item: int = item["id"]
        self.home = bytes(item["path"])
        self.root = os.fsencode(self.house.staging)
        with self.house.database.begin() as connection:
            rows.say(connection, self.item, ITSELF, "title", "Known better", NOW)
        self.before = self.shown()

    def run(self, guard: Guard) -> Performance:
        return retold(Performance(self.house.database, guard, unheard, NOW))

    def tag(self, guard: Guard) -> None:
        with self.house.database.read() as connection:
            found = repository.of_id(connection, self.item)
            known = rows.album(connection, self.item)
        assert found is not None
        assert retag(self.run(guard), self.root, found.item, known, 0).outcome == "retagged"

    def undo(self, guard: Guard) -> None:
        with self.house.database.read() as connection:
            item, _ = repository.item(connection, self.item)
            (transfer,) = journal.named(connection, item["transfer_id"])
        taken = take_back(self.run(guard), transfer)
        if taken.outcome != "undone":
            raise NeedsReview(" ".join(reason.message for reason in taken.reasons))

    def recover(self, guard: Guard) -> None:
        settle_retags(self.run(guard), self.root)
        with Tree(self.root) as found:
            sweep(self.run(guard), found)

    def shown(self) -> dict[bytes, str]:
        """Digest what is in the album's folder, but for the sidecar."""
        found = {}
        for name in sorted(os.listdir(os.path.join(self.root, self.home))):
            if not name.startswith(b"album.greenroom"):
                found[name] = sha256(
                    Path(os.fsdecode(os.path.join(self.root, self.home, name))).read_bytes()
                ).hexdigest()
        return found

    def sounds(self) -> set[str]:
        """Digest the sound of each track in the album's folder."""
        found = set()
        for path in Path(os.fsdecode(os.path.join(self.root, self.home))).glob("*.flac"):
            with path.open("rb") as file:
                found.add(essence(file, candidates(file.read(64), "flac")[0]))
        return found

    def complaints(self, sounds: set[str], after: dict[bytes, str] | None) -> Iterator[str]:
        """Say what is broken at any instant."""
        if self.sounds() != sounds:
            yield "a sound is not in the album"
        if after is not None and self.shown() not in (self.before, after):
            yield f"half an album: {self.shown()}"
        somewhere = {sha256(data).hexdigest() for data in tree(self.root).values()}
        yield from (f"{name!r} as it was is nowhere" for name, digest in self.before.items() if digest not in somewhere)

    def settled(self) -> Iterator[str]:
        """Say what is left over."""
        with self.house.database.read() as connection:
            yield from (f"{transfer.kind} is {transfer.state}" for transfer in journal.unsettled(connection))
            listed = {file.path: file.size for file in repository.files(connection, [self.item])[self.item]}
        there = {name: (Path(os.fsdecode(self.root)) / os.fsdecode(self.home) / os.fsdecode(name)).stat().st_size
                 for name in self.shown()}  # fmt: skip
        if listed != there:
            yield f"the item lists {listed}, there is {there}"
        for hidden in (b".greenroom-tx", b".greenroom-retag"):
            yield from (
                f"left: {path!r}" for path in tree(self.root) if path.startswith(hidden) and path.count(b"/") > 1
            )


@pytest.mark.parametrize("part", range(1, 30 if ALL else 6))
def test_wherever_the_disk_hangs_it_is_given_up_and_wakes_up_to_change_nothing(
    part: int, quick_path: Path, sqlite_url: str
) -> None:
    scene = Scene(quick_path, sqlite_url)
    sounds, root = scene.sounds(), scene.root

    def tag() -> None:
        tag_item(Database(sqlite_url), scene.item, threading.Event())

    whole = Child(tag, [root], 0)
    assert whole.wake_up() == 0
    after = scene.shown()
    scene.undo(Steps(fence=10))
    work = Child(tag, [root], whole.came.calls * part // (30 if ALL else 6))
    assert work.came.how == "given-up"
    before = scene.shown()
    assert work.wake_up() != 0
    assert scene.shown() == before or work.came.call in NAMING
    told = [*scene.complaints(sounds, after)]
    scene.recover(Steps(fence=11))
    if scene.shown() == scene.before:
        scene.tag(Steps(fence=12))
    assert [*told, *scene.complaints(sounds, after), *scene.settled()] == []


@pytest.mark.parametrize("what", ["tag", "undo"])
def test_killed_before_any_step_everything_converges(what: str, quick_path: Path, sqlite_url: str) -> None:
    scene, fence = Scene(quick_path, sqlite_url), 10
    sounds = scene.sounds()
    act, other = (scene.tag, scene.undo) if what == "tag" else (scene.undo, scene.tag)
    other_is_done = what == "tag"
    scene.tag(Steps(fence=fence))
    after = scene.shown()
    assert after.keys() == scene.before.keys()
    if what == "tag":
        scene.undo(Steps(fence=fence))
    step, came_so_far = 0, True
    while came_so_far:
        step, fence = step + (1 if ALL else 7), fence + 4
        came_so_far = killed(act, step, fence)
        told = [*scene.complaints(sounds, after)]
        scene.recover(Steps(fence=fence + 1))
        scene.recover(Steps(fence=fence + 2))
        if (scene.shown() == scene.before) == other_is_done:
            act(Steps(fence=fence + 3))
        told += [*scene.complaints(sounds, after), *scene.settled()]
        assert told == [], f"killed before step {step}"
        assert (scene.shown() == scene.before) == (what == "undo")
        other(Steps(fence=fence + 3))
        assert (scene.shown() == scene.before) == (what == "tag")
    assert step > (40 if what == "tag" else 5)


def test_new_tags_that_wait_for_a_person_go_on_from_wherever_they_stopped(quick_path: Path, sqlite_url: str) -> None:
    scene, fence = Scene(quick_path, sqlite_url), 10
    sounds, inbound = scene.sounds(), os.fsencode(scene.house.inbound)
    step, came_so_far, offered = 0, True, 0
    while came_so_far:
        step, fence = step + (1 if ALL else 7), fence + 4
        came_so_far = killed(scene.tag, step, fence)
        with scene.house.database.begin() as connection:
            connection.execute(update(TransferRow).where(IS_OPEN).values(state="attention", error="pulled"))
        for found in unsettled.judge(unsettled.look(scene.house.database, inbound, scene.root), inbound, scene.root):
            assert isinstance(found.repair, Resume), found
            offered += 1
            with scene.house.database.begin() as connection:
                journal.reopen(connection, found.repair.transfer, found.repair.state, fence + 1, NOW)
        scene.recover(Steps(fence=fence + 1))
        if scene.shown() == scene.before:
            scene.tag(Steps(fence=fence + 2))
        assert [*scene.complaints(sounds, scene.shown()), *scene.settled()] == [], f"stopped before step {step}"
        scene.undo(Steps(fence=fence + 3))
    assert offered > 3


@pytest.mark.parametrize("step", range(2, 30, 1 if ALL else 9))
def test_new_tags_that_were_cut_off_are_finished_by_the_next_try(step: int, quick_path: Path, sqlite_url: str) -> None:
    scene = Scene(quick_path, sqlite_url)
    sounds = scene.sounds()
    assert killed(scene.tag, step, 1)
    assert tag_item(scene.house.database, scene.item, threading.Event()).outcome in ("retagged", "same")
    assert scene.shown() != scene.before
    assert [*scene.complaints(sounds, scene.shown()), *scene.settled()] == []


@pytest.mark.parametrize("step", range(2, 30, 1 if ALL else 6))
def test_an_album_whose_new_tags_are_not_finished_waits_for_that_before_it_goes_into_the_trash(
    step: int, quick_path: Path, sqlite_url: str
) -> None:
    scene = Scene(quick_path, sqlite_url)
    database = scene.house.database

    def discarded() -> TakenBack:
        (album,) = discard(
            database, [scene.item], sure=True, actor="eva", why="", seen={}, stop=threading.Event()
        ).albums  # fmt: skip
        return album

    assert killed(scene.tag, step, 1)
    with database.read() as connection:
        is_moving = bool(journal.count_open(connection))
    album = discarded()
    if is_moving:
        assert (album.outcome, [reason.code for reason in album.reasons]) == ("refused", ["busy"])
        assert scene.house.run().status == "done"
        album = discarded()
    assert album.outcome == "trashed"
    assert scene.house.run().status == "done"
    with database.read() as connection:
        assert journal.unsettled(connection) == []
    assert [path for path in tree(scene.root) if path.startswith(b".greenroom-retag") and path.count(b"/") > 1] == []
