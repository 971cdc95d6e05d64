"""Kill a publication, its refresh and its undo before each step, let each step fail: nothing is lost or half shown."""

from __future__ import annotations

import contextlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from config.errors import Busy, NeedsReview, Retryable
from config.lease import Guard
from config.libraries import Library
from processor.artwork.tables import BlobHoldRow
from processor.filesystem.files import Tree
from processor.fsck import unsettled
from processor.fsck.finding import Resume
from processor.publication.access import Access
from processor.publication.intent import intent_of
from processor.recover import RecoveryReport
from processor.tables import IS_OPEN, StagingItem, TransferRow
from processor.transfers import journal
from processor.transfers.transfer import Strategy
from processor.verification.rows import ARTISTS
from processor.verify import Verifying, verify
from tests.faults import ALL
from tests.faults.cycles import House
from tests.faults.killing import Failing, Make, failing, killed, killed_once, killed_twice
from tests.faults.libraries import CYCLE, to_publish
from tests.faults.publishing import MUSIC, Scene, complaints, converges, unfinished
from tests.faults.steps import die, labels, run_until
from tests.faults.subjects import left_of
from tests.faults.trials import Trial, must
from tests.faults.world import NOW, At, Killed, Steps, tree
from workflow import history
from workflow.operations import deciding, published
from workflow.operations.tagging import tag_item
from workflow.states import IllegalMove

EVERY = {("publish", "link"): 5, ("refresh", "link"): 3, ("upgrade", "link"): 5}  # steps; of the others fewer are tried
kinds = pytest.mark.parametrize(
    ("kind", "way"),
    [
        ("publish", "link"), ("publish", "copy"), ("refresh", "link"), ("unpublish", "link"), ("unpublish", "copy"),
        ("restage", "link"), ("upgrade", "link"), ("rename", "link"),
        *([("upgrade", "copy"), ("upgrade and rename", "link")] if ALL else []),
    ],
)  # fmt: skip


def making(folder: Path, kind: str, way: Strategy) -> Make[Scene]:
    return lambda name, like: Scene.make(folder / name, kind, way, like)


@kinds
def test_an_undisturbed_one_ends_settled(quick_path: Path, kind: str, way: Strategy) -> None:
    scene = Scene.make(quick_path / "scene", kind, way)
    assert [*complaints(scene)] == []
    assert scene.perform(Steps(fence=2)) in ("done", "undone")
    assert [*complaints(scene), *unfinished(scene)] == []
    with scene.database.read() as connection:
        assert "it was" not in history.of_item(connection, scene.item_id)[-1]["why"]
    assert converges(scene) == []


@kinds
def test_killed_before_any_step_everything_converges(quick_path: Path, kind: str, way: Strategy) -> None:
    for scene, step in killed_once(making(quick_path, kind, way), 1 if ALL else EVERY.get((kind, way), 13)):
        assert converges(scene) == [], f"killed before step {step}"
    assert step > 10


@kinds
def test_killed_in_the_recovery_too_everything_converges(quick_path: Path, kind: str, way: Strategy) -> None:
    for scene, how in killed_twice(making(quick_path, kind, way), 4, 1 if ALL else 37, 7 if ALL else 23):
        assert converges(scene) == [], how


@kinds
def test_any_step_may_fail_and_everything_converges(quick_path: Path, kind: str, way: Strategy) -> None:
    for scene, guard, how in failing(making(quick_path, kind, way), 1 if ALL else 13):
        with contextlib.suppress(Retryable):  # before anything was written down it is the caller's
            scene.perform(guard)
        published.heal(scene.database)
        assert list(complaints(scene)) == [], how
        assert converges(scene) == [], how


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.parametrize("kind", ["upgrade", "rename"])
def test_where_folders_cannot_change_places_an_album_is_missing_for_an_instant_and_never_lost(
    quick_path: Path, kind: str
) -> None:
    make = making(quick_path, kind, "link")

    def converges_soon(scene: Scene, how: str) -> None:
        said = [one for one in complaints(scene) if one.startswith(("I1", "I3", "half an album", "it is shown twice"))]
        assert said == [], how
        scene.recovered(Steps(fence=9))
        assert converges(scene) == [], how

    steps, scene = Steps(fence=2), make("whole", None)
    assert scene.perform(steps) == "done"
    assert converges(scene) == []
    between = steps.labels.index("take place") + 1
    for step in range(1, len(steps.labels)) if ALL else range(between - 5, between + 4):
        scene = make(f"{step}", scene)
        assert killed(scene.perform, step, 2)
        converges_soon(scene, f"killed before step {step}")
    for scene, how in killed_twice(make, 4, 1 if ALL else 37, 7 if ALL else 23):
        converges_soon(scene, how)


@pytest.mark.usefixtures("no_exchange")
def test_there_recovery_finishes_what_has_put_the_old_album_into_the_trash(quick_path: Path) -> None:
    """It would not say, of a folder that Greenroom moved itself, that somebody did."""
    scene = Scene.make(quick_path / "scene", "upgrade", "link")
    assert killed(scene.perform, "take place", 2)
    report = scene.recovered(Steps(fence=3))
    assert [(one.kind, one.state) for one in (*report.done, *report.cancelled)] == [("upgrade", "done")]
    assert {reason.code for reason in report.reasons} <= {"trashed", "edits_kept"}


@pytest.mark.usefixtures("no_exchange")
def test_there_what_somebody_puts_into_the_place_of_an_album_in_that_instant_stays(quick_path: Path) -> None:
    """It is neither another part of the album in the trash nor in the way of its return for ever."""
    scene = Scene.make(quick_path / "scene", "upgrade", "link")
    assert killed(scene.perform, "take place", 2)
    place = scene.folder / "library" / "Ada" / "Low"
    place.mkdir()
    (place / "mine.txt").write_bytes(b"mine")
    before = tree(scene.library.path)
    report = scene.recovered(Steps(fence=3))
    assert [one.kind for one in report.attention] == ["upgrade"]
    assert tree(scene.library.path) == before
    place.rename(scene.folder / "mine")
    resume(scene)
    scene.recovered(Steps(fence=4))
    assert converges(scene) == []


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.parametrize("label", ["take place", "fsync above"])
def test_what_a_pool_renamed_on_one_of_its_disks_is_brought_together(quick_path: Path, label: str) -> None:
    steps, scene = Steps(fence=2), Scene.make(quick_path / "whole", "upgrade", "link")
    scene.perform(steps)
    at = steps.labels.index("take place")
    scene = Scene.make(quick_path / "torn", "upgrade", "link", scene)
    assert killed(scene.perform, at + 1 + steps.labels[at:].index(label), 2)
    library = scene.folder / "library"
    now, before = library / "Ada" / "Low", next((library / ".greenroom-trash").glob("*-*"))
    if label == "fsync above":
        now, before = library / ".greenroom-tx" / before.name, now
    now.mkdir()
    for path in before.glob("0*"):
        path.rename(now / path.name)
    scene.recovered(Steps(fence=3))
    assert converges(scene) == []


@pytest.mark.usefixtures("no_exchange")
@pytest.mark.parametrize("kind", ["upgrade", "rename"])
def test_there_too_any_step_may_fail(quick_path: Path, kind: str) -> None:
    test_any_step_may_fail_and_everything_converges(quick_path, kind, "link")


@pytest.mark.parametrize("fails", [False, True])
def test_an_album_that_a_pool_put_into_place_on_one_of_its_disks_keeps_its_pictures(
    quick_path: Path, fails: bool
) -> None:
    """The other disk may fail once more while it is brought together; nothing is undone then."""
    scene = Scene.make(quick_path / "scene", "publish", "link")
    assert killed(scene.perform, "switch", 2)
    library = scene.folder / "library"
    (hidden,) = (path for path in (library / ".greenroom-tx").iterdir() if path.is_dir())
    (library / "Ada" / "Low").mkdir(parents=True, exist_ok=True)
    (hidden / "01 - One.mp3").rename(library / "Ada" / "Low" / "01 - One.mp3")

    def fail() -> None:
        raise Retryable("the disk could not write", code="io_error")

    if fails:
        scene.recovered(At("mend", fail, 3))
    scene.recovered(Steps(fence=4))
    assert list(unfinished(scene)) == []
    assert converges(scene) == []


@pytest.mark.parametrize(("kind", "label"), [("publish", "switch"), ("upgrade", "exchange")])
def test_an_album_that_was_half_taken_apart_is_whole_again_before_anybody_sees_it(
    quick_path: Path, kind: str, label: str
) -> None:
    """A disk fails before it has its place, and who takes the hidden folder apart then is killed there."""

    class TakenApart(Steps):
        def check(self, step: str) -> None:
            super().check(step)
            if step == label:
                raise Retryable("the disk could not write", code="io_error")
            if self.labels.count("undo made") == 2:
                raise Killed(step)

    scene = Scene.make(quick_path / "scene", kind, "link")
    with pytest.raises(Killed):
        scene.perform(TakenApart(fence=2))
    scene.recovered(Steps(fence=3))
    assert list(unfinished(scene)) == []
    assert converges(scene) == []


@pytest.mark.parametrize(("kind", "label"), [("upgrade", "put"), ("rename", "rename"), ("rename", "put")])
@pytest.mark.parametrize("can_exchange", [True, False])
def test_an_album_that_has_its_place_keeps_it_where_the_disk_fails_then(
    quick_path: Path, kind: str, label: str, can_exchange: bool, request: pytest.FixtureRequest
) -> None:
    """Also before it has its new name, and under that: the one before it does not come back beside it."""
    if not can_exchange:
        request.getfixturevalue("no_exchange")

    def fail() -> None:
        raise Retryable("the disk could not write", code="io_error")

    scene = Scene.make(quick_path / "scene", kind, "link")
    assert "could not write" in scene.perform(At(label, fail, 2))
    assert list(complaints(scene)) == []
    before = [path for path in tree(scene.library.path) if path.endswith(b".mp3")]
    assert scene.recovered(At(label, fail, 3)).attention == ()
    assert [path for path in tree(scene.library.path) if path.endswith(b".mp3")] == before
    assert converges(scene) == []


def resume(scene: Scene) -> None:
    """Do what `fsck --adopt` does with a move that waits for a person."""
    left = unsettled.look(scene.database, b"/in", scene.staging.path)
    (found,) = unsettled.judge(left, b"/in", scene.staging.path)
    assert isinstance(found.repair, Resume)
    with scene.database.begin() as connection:
        journal.reopen(connection, found.repair.transfer, found.repair.state, None, NOW)


def verified(scene: Scene) -> list[str]:
    """Verify the item and the artist's files, and mend them; return what is told."""
    blobs = os.fsencode(scene.given.cache.folder)
    libraries = {library.root_uuid: library for library in (scene.staging, scene.library)}

    def hold(_library: Library, work: Callable[[Guard], str]) -> str:
        return work(Steps(fence=3))  # type: ignore[arg-type]

    given = Verifying(scene.database, libraries, blobs, lambda _size: None, hold=hold)
    looks = [verify(given, item_id) for item_id in (scene.item_id, ARTISTS)]
    told = [one.message for look in looks if look for one in (*look.checked.findings, *look.checked.mended)]
    return [message.replace(f"{scene.folder}/", "") for message in told]  # each scene has its own


def kill_and_verify(quick_path: Path, kind: str = "upgrade") -> None:
    """Kill it from the first step that is to be seen on; verifying it then touches nothing, and blames nobody."""
    steps, scene = Steps(fence=2), Scene.make(quick_path / "whole", kind, "link")
    theirs = verified(scene)
    assert scene.perform(steps) == "done"
    first = steps.labels.index("exchange") + 1 if kind == "upgrade" else 1
    for step in range(first, len(steps.labels) + 1, 1 if ALL else 4):
        scene = Scene.make(quick_path / f"{step}", kind, "link", scene)
        assert killed(scene.perform, step, 2)
        before = tree(scene.library.path)
        assert set(verified(scene)) <= {*theirs}, f"before {steps.labels[step - 1]}"
        assert tree(scene.library.path) == before, f"before {steps.labels[step - 1]}"
        scene.recovered(Steps(fence=9))
        assert converges(scene) == []


def test_an_album_that_is_about_to_have_the_place_of_another_is_no_damage(quick_path: Path) -> None:
    kill_and_verify(quick_path)


def test_nor_did_anybody_edit_what_is_written_anew(quick_path: Path) -> None:
    kill_and_verify(quick_path, "refresh")


@pytest.mark.parametrize(("kind", "label"), [("publish", "switch"), ("upgrade", "exchange")])
def test_an_album_that_has_its_place_keeps_it_where_the_database_is_one_of_before_that(
    quick_path: Path, kind: str, label: str
) -> None:
    steps = Steps(fence=2)
    Scene.make(quick_path / "whole", kind, "link").perform(steps)
    scene = Scene.make(quick_path / "scene", kind, "link")
    assert killed(scene.perform, steps.labels.index(label) + 2, 2)
    with scene.database.begin() as connection:
        connection.execute(update(TransferRow).where(IS_OPEN).values(state="planned"))
    (done,) = scene.recovered(Steps(fence=3)).done
    assert done.kind == kind
    assert list(unfinished(scene)) == []
    assert converges(scene) == []


@pytest.mark.usefixtures("no_exchange")
def test_nor_is_one_that_has_left_its_place_for_an_instant(quick_path: Path) -> None:
    kill_and_verify(quick_path)


def test_folders_left_by_trying_an_exchange_do_not_keep_an_upgrade_from_going_back(quick_path: Path) -> None:
    """SIGKILL may come between the system calls of a step, and a file system may refuse the exchange that is tried."""

    def begun(name: str) -> Scene:
        made = Scene.make(quick_path / name, "upgrade", "link")
        assert killed(made.perform, first, 2)
        (hidden,) = (path for path in (made.folder / "library" / ".greenroom-tx").iterdir() if path.is_dir())
        (hidden / ".greenroom-one").mkdir()
        return made

    steps = Steps(fence=2)
    Scene.make(quick_path / "count", "upgrade", "link").perform(steps)
    first = 1 + next(n for n, label in enumerate(steps.labels) if label.startswith("link"))
    undisturbed = Steps(fence=3)
    begun("undisturbed").recovered(undisturbed)
    scene = begun("scene")
    fails_at = 1 + next(n for n, label in enumerate(undisturbed.labels) if label == "manifest")
    (transfer,) = scene.recovered(Failing(fails_at, 3)).cancelled
    assert transfer.kind == "upgrade"
    assert converges(scene) == []


@pytest.mark.parametrize("label", ["make above", "switch", "fsync above"])
def test_folders_made_for_an_album_have_the_rights_that_are_wanted_wherever_it_was_killed(
    quick_path: Path, label: str
) -> None:
    """Players that run as others see nothing of an artist whose folder they may not look into."""
    steps, wanted = Steps(fence=2), Access(0o664, 0o775)
    before = os.umask(0o077)
    try:
        Scene.make(quick_path / "first", "publish", "link", access=wanted).perform(steps)
        scene = Scene.make(quick_path / "again", "publish", "link", access=wanted)
        last = len(steps.labels) - steps.labels[::-1].index("switch") - 1
        assert killed(scene.perform, steps.labels.index(label, last if label == "fsync above" else 0) + 2, 2)
        assert converges(scene) == []
    finally:
        os.umask(before)
    artist = scene.folder / "library" / "Ada"
    assert {stat.S_IMODE(path.stat().st_mode) for path in (artist, artist / "Low")} == {0o775}


def test_after_a_restart_of_the_machine_what_was_published_is_read_again(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "publish", "copy")
    steps = Steps(fence=2)
    scene.perform(steps)
    published = next(n for n, label in enumerate(steps.labels, 1) if label.startswith("unlink"))
    scene = Scene.make(quick_path / "again", "publish", "copy", scene)
    assert killed(scene.perform, published, 2)
    assert [transfer.state for transfer in scene.recovered(Steps(fence=3), boot_id="another").done] == ["done"]
    assert [*complaints(scene), *unfinished(scene)] == []


def meddling(label: str, path: Path) -> At:
    """A guard that lets somebody write to a file before the first step of a label."""
    return At(label, lambda: path.write_bytes(b"somebody's own"))


@pytest.mark.parametrize("label", ["commit planned", "put", "put in place"])
def test_what_somebody_writes_while_a_refresh_is_under_way_stays(quick_path: Path, label: str) -> None:
    scene = Scene.make(quick_path / "scene", "refresh", "link")
    picture = scene.folder / "library" / "Ada" / "Low" / "folder.jpg"  # the first that is written
    assert scene.perform(meddling(label, picture)) == "done"
    assert picture.read_bytes() == b"somebody's own"
    scene.recovered(Steps(fence=3))
    assert picture.read_bytes() == b"somebody's own"


def test_what_an_exchange_took_out_without_looking_goes_back_after_a_crash(quick_path: Path) -> None:
    """Somebody writes in the instant before the exchange, and the process dies in the instant after it."""
    scene = Scene.make(quick_path / "scene", "refresh", "link")
    picture = scene.folder / "library" / "Ada" / "Low" / "folder.jpg"  # the first that is written
    exchange = Tree.exchange

    def then_die(tree: Tree, one: bytes, other: bytes) -> None:
        exchange(tree, one, other)
        raise Killed("after the exchange")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Tree, "exchange", then_die)
        with pytest.raises(Killed):
            scene.perform(meddling("put in place", picture))
    scene.recovered(Steps(fence=3))
    assert picture.read_bytes() == b"somebody's own"
    assert not list((scene.folder / "library").rglob(".greenroom-????????-*"))


def test_what_somebody_writes_while_an_album_is_taken_out_stays(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "unpublish", "copy")
    track = scene.folder / "library" / "Ada" / "Low" / "01 - One.mp3"
    scene.perform(meddling("commit nothing", track))  # nobody meddles: it is taken out
    assert not track.exists()
    scene = Scene.make(quick_path / "again", "unpublish", "copy", scene)
    track = scene.folder / "library" / "Ada" / "Low" / "01 - One.mp3"
    assert scene.perform(meddling("verify back 1/4", track)) != "undone"
    assert track.read_bytes() == b"somebody's own"
    assert list(complaints_of_music(scene)) == []


def complaints_of_music(scene: Scene) -> Iterator[str]:
    """Say which of the music is nowhere, in which a file somebody wrote over does not count."""
    yield from (said for said in complaints(scene) if said.startswith("I1"))


def test_what_was_broken_off_before_anything_was_to_be_seen_is_approved_again(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "publish", "link")
    assert killed(scene.perform, "mkdir album", 2)
    assert scene.status() == "publishing"
    assert len(scene.recovered(Steps(fence=3)).cancelled) == 1
    assert scene.status() == "approved"


def test_so_is_a_published_album_published_whose_new_name_was_broken_off(quick_path: Path) -> None:
    def fail() -> None:
        raise Retryable("the disk could not write", code="io_error")

    scene = Scene.make(quick_path / "scene", "rename", "link")
    assert killed(scene.perform, "set rights", 2)
    assert scene.status() == "publishing"
    (transfer,) = scene.recovered(At("manifest", fail, 3)).cancelled
    assert (transfer.kind, scene.status()) == ("upgrade", "published")


@pytest.mark.parametrize(("kind", "label"), [("unpublish", "hide"), ("restage", "sign")])
def test_what_is_taken_out_or_staged_again_waits_for_rights_that_are_missing_in_the_end(
    quick_path: Path, kind: str, label: str
) -> None:
    """By then it can only go on, for which nobody has to decide anything."""

    def refuse() -> None:
        raise NeedsReview("it may not be written to", code="permission_denied")

    scene = Scene.make(quick_path / "scene", kind, "link")
    assert killed(scene.perform, label, 2)
    assert not scene.recovered(At(label, refuse, 3)).attention
    scene.recovered(Steps(fence=4))
    assert list(unfinished(scene)) == []


@pytest.mark.parametrize("kind", ["publish", "refresh"])
def test_the_cache_keeps_what_a_publication_that_was_killed_goes_on_with(quick_path: Path, kind: str) -> None:
    scene = Scene.make(quick_path / "scene", kind, "link")
    assert killed(scene.perform, "put", 2)
    with scene.database.read() as connection:
        (transfer,) = journal.unsettled(connection)
        held = {*connection.scalars(select(BlobHoldRow.sha256))}
    assert transfer.fence == 2
    assert {one.sha256 for one in intent_of(transfer).made} <= held


def test_nobody_approves_an_album_while_it_is_being_published_so_that_it_can_be_finished(quick_path: Path) -> None:
    scene = Scene.make(quick_path / "scene", "publish", "link")
    assert killed(scene.perform, "put", 2)
    assert scene.status() == "publishing"
    with pytest.raises(IllegalMove, match="wait until it is published"):
        deciding.decide(scene.database, scene.item_id, "approved", actor="eva", why="heard it")
    assert len(scene.recovered(Steps(fence=3)).done) == 1
    assert scene.status() == "published"


@pytest.mark.parametrize("kind", ["publish", "refresh", "upgrade"])
@pytest.mark.parametrize("status", ["approved", "rejected", "pending_review", "attention", "missing"])
@pytest.mark.parametrize("is_held", [False, True])
def test_what_became_of_an_album_on_its_way_into_a_library_keeps_nobody_from_finishing_it(
    quick_path: Path, kind: str, status: str, is_held: bool
) -> None:
    """Older versions let people decide about it meanwhile; and who takes its folder out of staging makes it missing."""
    scene = Scene.make(quick_path / "scene", kind, "link")
    assert killed(scene.perform, "fsync put", 2)
    with scene.database.begin() as connection:
        revision = StagingItem.revision + (status == "missing")
        connection.execute(update(StagingItem).values(status=status, revision=revision))
    if is_held:  # as the recovery of a version left it that could not record it
        with scene.database.begin() as connection:
            connection.execute(update(TransferRow).where(TransferRow.kind == kind).values(state="attention"))
        resume(scene)
    assert len(scene.recovered(Steps(fence=3)).done) == 1
    assert scene.status() == "published"
    with scene.database.read() as connection:
        last = history.of_item(connection, scene.item_id)[-1]
    assert (last["what"], last["status"]) == ("publish", "published")
    assert f"it was {status.replace('_', ' ')}" in last["why"]
    assert list(unfinished(scene)) == []


@pytest.mark.parametrize(
    ("kind", "label", "state"),
    [
        ("publish", "fsync put", "attention"), ("refresh", "fsync put", "attention"),
        ("upgrade", "fsync put", "attention"), ("unpublish", "fsync back", "cancelled"),
    ],
)  # fmt: skip
def test_an_item_that_is_gone_fails_the_move_of_its_album_and_no_recovery(
    quick_path: Path, kind: str, label: str, state: str
) -> None:
    """As where its row was deleted by hand."""
    scene = Scene.make(quick_path / "scene", kind, "link")
    assert killed(scene.perform, label, 2)
    with scene.database.begin() as connection:
        connection.execute(delete(StagingItem))
    report = scene.recovered(Steps(fence=3))
    (told,) = (*report.attention, *report.cancelled)
    assert (told.state, "there is no item" in str(told.error)) == (state, True)
    somewhere = {*tree(scene.staging.path).values(), *tree(scene.library.path).values()}
    assert {*MUSIC.values()} <= somewhere
    assert scene.recovered(Steps(fence=4)) == RecoveryReport()


def broken_off(folder: Path, label: str) -> tuple[House, Trial]:
    """Kill `greenroom publish` before a step; return its house, and what it was to come to."""

    def staged(name: str) -> tuple[House, Trial]:
        house = House(folder / name, workers=1)
        house.add_library()
        must(house, *CYCLE)
        return house, to_publish(house)

    house, trial = staged("whole")
    step = labels(house, *trial.command).index(label) + 1
    house, trial = staged("killed")
    assert run_until(house, step, die, *trial.command) < 0
    return house, trial


@pytest.mark.parametrize("label", ["manifest", "fsync put"])
def test_who_publishes_an_album_whose_publication_was_killed_ends_that_first(quick_path: Path, label: str) -> None:
    house, trial = broken_off(quick_path, label)
    must(house, *trial.command)
    assert {item["status"] for item in house.items()} == {"published"}
    assert trial.converges(house) == []


@pytest.mark.parametrize("label", ["manifest", "switch", "fsync put"])
def test_an_album_on_its_way_into_a_library_is_not_taken_back_tagged_or_forgotten(quick_path: Path, label: str) -> None:
    house, trial = broken_off(quick_path, label)
    (item,) = (item for item in house.items() if item["status"] == "publishing")
    ended = house.run("undo", str(item["transfer_id"]), "--json")
    assert (ended.status, left_of(ended)) == (1, {"unsettled"})
    with house.database() as database, pytest.raises(Busy, match="is not finished"):
        tag_item(database, item["id"], threading.Event())
    home = house.staging / os.fsdecode(item["path"])
    away = home.rename(house.folder / "away")
    ended = house.run("items", "forget", str(item["id"]))
    assert (ended.status, "is not settled" in ended.err) == (1, True), ended
    away.rename(home)
    assert trial.converges(house) == []


def test_an_album_is_published_and_tagged_once_the_cycle_that_staged_it_has_emptied_its_place_in_inbound(
    quick_path: Path,
) -> None:
    steps = labels(House(quick_path / "whole", workers=1), *CYCLE)
    house = House(quick_path / "killed", workers=1)
    house.add_library()
    assert run_until(house, next(n for n, one in enumerate(steps, 1) if one.startswith("unlink")), die, *CYCLE) < 0
    trial = to_publish(house)
    for item in house.items():
        ended = house.run("publish", str(item["id"]))
        assert (ended.status, "is not finished" in ended.err) == (75, True), ended
        with house.database() as database, pytest.raises(Busy, match="is not finished"):
            tag_item(database, item["id"], threading.Event())
    assert trial.converges(house) == []
