"""Undos that meet trouble half way: rolled back, finished, or explained; and never at the price of somebody's file."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from config.errors import NoRoom, Stopped
from processor.filesystem import copying
from processor.filesystem.files import Tree
from processor.moves.move import Performance
from processor.tables import StagingItem, TransferRow
from processor.taking_back import TakenBack, take_back
from processor.transfers import journal, sidecar
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.transfer import Transfer
from tests.faults.world import (
    ALBUM,
    COVER,
    FINAL,
    NOW,
    ONE,
    At,
    Killed,
    Steps,
    World,
    complaints,
    move,
    publish,
    put,
    recovered,
    tree,
)


def die() -> None:
    raise Killed


@pytest.fixture
def world(world: World) -> World:
    """One album, staged."""
    move(world, Steps())
    return world


def staged(world: World) -> Transfer:
    with world.database.read() as connection:
        name = connection.scalar(select(TransferRow.id).where(TransferRow.undoes.is_(None)))
        assert name is not None
        return journal.named(connection, name)[0]


def undo(world: World, guard: Steps) -> TakenBack:
    run = Performance(world.database, guard, publish, NOW, "boot", world.strongest, 1)
    return take_back(run, staged(world))


def undo_state(world: World) -> str | None:
    with world.database.read() as connection:
        return connection.scalar(select(TransferRow.state).where(TransferRow.undoes.is_not(None)))


def listed(world: World) -> bool:
    with world.database.read() as connection:
        return connection.execute(select(StagingItem.key)).first() is not None


def hidden(root: bytes) -> list[bytes]:
    """What is left in the transfer folder of a root, beside what tells players to keep out."""
    there = (path for path in tree(root) if path.startswith(TX + b"/"))
    return [path for path in there if path != TX + b"/" and path[len(TX) + 1 :] not in PLAYER_IGNORES]


def at(root: bytes, path: bytes) -> Path:
    return Path(os.fsdecode(os.path.join(root, path)))


def test_a_name_taken_at_the_last_moment_rolls_the_undo_back(world: World) -> None:
    before = tree(world.staging)
    taken = undo(world, At("back 2", lambda: put(world.inbound, {COVER: b"somebody's"})))
    assert (taken.outcome, [reason.code for reason in taken.reasons]) == ("failed", ["target_exists"])
    assert undo_state(world) == "cancelled"
    assert tree(world.inbound) == {b"Band - Two/": b"", COVER: b"somebody's"}
    assert tree(world.staging) == before
    assert listed(world)
    assert undo(world, Steps(fence=3)).outcome == "refused"


def test_a_roll_back_leaves_the_links_somebody_made_before(world: World) -> None:
    at(world.inbound, ONE).parent.mkdir(parents=True)
    os.link(at(world.staging, FINAL + b"CD 1/1.mp3"), at(world.inbound, ONE))
    assert undo(world, At("back", lambda: put(world.inbound, {COVER: b"somebody's"}))).outcome == "failed"
    assert undo_state(world) == "cancelled"
    assert {path: data for path, data in tree(world.inbound).items() if data} == {ONE: b"one", COVER: b"somebody's"}


def test_a_full_disk_rolls_the_undo_back_and_the_next_try_works(world: World) -> None:
    def full() -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    before = tree(world.staging)
    taken = undo(world, At("mkdir album", full))
    assert [reason.code for reason in taken.reasons] == ["disk_full"]
    assert (tree(world.inbound), tree(world.staging), undo_state(world)) == ({}, before, "cancelled")
    assert undo(world, Steps(fence=3)).outcome == "undone"


def test_a_roll_back_gives_folders_their_times_again(tmp_path: Path) -> None:
    def full() -> None:
        raise NoRoom("no space left on device")

    world = World.make(tmp_path, ALBUM, "link")
    put(world.inbound, {b"Band - Two/mine.txt": b"mine"})
    folder = at(world.inbound, b"Band - Two")
    os.utime(folder, (1, 1))
    move(world, Steps())
    os.utime(folder, (1, 1))
    assert undo(world, At("verify back", full)).outcome == "failed"
    assert tree(world.inbound) == {b"Band - Two/": b"", b"Band - Two/mine.txt": b"mine"}
    assert folder.stat().st_mtime == 1


def test_a_wish_to_stop_while_files_are_put_back_rolls_the_undo_back(world: World) -> None:
    class Stopping(Steps):
        def check_stop(self) -> None:
            raise Stopped("stopped on request")

    before = tree(world.staging)
    with pytest.raises(Stopped):
        undo(world, Stopping(fence=2))
    assert (tree(world.inbound), tree(world.staging), undo_state(world)) == ({}, before, "cancelled")


def test_a_file_edited_while_it_is_put_back_is_not_lost(world: World) -> None:
    song = at(world.staging, FINAL + b"CD 1/1.mp3")

    def edit() -> None:
        song.with_suffix(".new").write_bytes(b"an edited one")
        song.with_suffix(".new").rename(song)

    taken = undo(world, At("back 1", edit))
    assert taken.outcome == "failed"
    assert tree(world.staging)[FINAL + b"CD 1/1.mp3"] == b"an edited one"
    assert b"one" in tree(world.inbound).values()  # the only copy of it now
    assert undo_state(world) == "attention"
    assert listed(world)


@pytest.mark.parametrize("now", [b"an edited one", None])
def test_a_file_edited_or_removed_before_it_is_put_back_stays_as_it_is_now(world: World, now: bytes | None) -> None:
    song = at(world.staging, FINAL + b"CD 1/1.mp3")
    taken = undo(world, At("mkdir album", song.unlink if now is None else lambda: song.write_bytes(now)))
    assert (taken.outcome, [reason.code for reason in taken.reasons]) == ("failed", ["changed_meanwhile"])
    assert (tree(world.inbound), undo_state(world), listed(world)) == ({}, "cancelled", True)
    assert tree(world.staging).get(FINAL + b"CD 1/1.mp3") == now


def test_an_album_that_somebody_put_back_already_only_leaves_staging(world: World) -> None:
    put(world.inbound, ALBUM[b"Band - Two"])
    assert undo(world, Steps(fence=2)).outcome == "undone"
    assert tree(world.inbound).items() >= ALBUM[b"Band - Two"].items()
    assert (hidden(world.staging), listed(world), tree(world.staging).get(FINAL)) == ([], False, None)


def test_a_file_somebody_put_into_the_hidden_folder_of_an_undo_survives_its_roll_back(world: World) -> None:
    def meddle() -> None:
        (folder,) = [path for path in tree(world.inbound) if path.startswith(TX) and path.endswith(b"CD 1/")]
        put(world.inbound, {COVER: b"somebody's", folder + b"mine": b"mine"})

    assert undo(world, At("back", meddle)).outcome == "failed"
    assert undo_state(world) == "attention"
    assert b"mine" in tree(world.inbound).values()
    assert listed(world)


def test_what_lies_in_the_transfer_folder_of_inbound_from_elsewhere_stays_there(world: World) -> None:
    other = TX + b"/other/1.mp3"
    put(world.inbound, {other: b"of another undo"})
    assert undo(world, Steps(fence=2)).outcome == "undone"
    assert tree(world.inbound)[other] == b"of another undo"


@pytest.mark.parametrize("below", [b"", b"CD 1/"])
def test_what_somebody_adds_after_the_item_is_unlisted_stays_in_staging(world: World, below: bytes) -> None:
    mine = FINAL + below + b"mine.txt"
    taken = undo(world, At("hide", lambda: put(world.staging, {mine: b"mine"})))
    assert (taken.outcome, [reason.code for reason in taken.reasons]) == ("undone", ["left_in_staging"])
    left = {path for path in tree(world.staging) if path.startswith(FINAL)}
    assert left == {FINAL, FINAL + below, mine}
    assert tree(world.inbound).items() >= ALBUM[b"Band - Two"].items()
    assert (hidden(world.inbound), hidden(world.staging), listed(world)) == ([], [], False)


@pytest.mark.parametrize("label", ["verify back 2", "hide"])
def test_a_file_that_leaves_inbound_again_stays_in_staging(world: World, label: str) -> None:
    taken = undo(world, At(label, at(world.inbound, ONE).unlink))
    assert [reason.code for reason in taken.reasons] == ["left_in_staging"]
    assert tree(world.staging)[FINAL + b"CD 1/1.mp3"] == b"one"
    assert FINAL + sidecar.NAME not in tree(world.staging)
    assert (hidden(world.inbound), hidden(world.staging)) == ([], [])


def test_what_takes_the_place_of_a_file_while_that_is_compared_does_not_cost_the_staged_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    move(world, Steps())
    song, guard, read = at(world.inbound, ONE), Steps(fence=2), copying.digest

    def somebody_comes_then(fd: int) -> str:
        digest = read(fd)
        if "hide" in guard.labels and os.path.samestat(os.fstat(fd), song.stat()):
            song.with_suffix(".new").write_bytes(b"other")
            song.with_suffix(".new").rename(song)
        return digest

    monkeypatch.setattr(copying, "digest", somebody_comes_then)
    assert [reason.code for reason in undo(world, guard).reasons] == ["left_in_staging"]
    assert (tree(world.inbound)[ONE], tree(world.staging)[FINAL + b"CD 1/1.mp3"]) == (b"other", b"one")


def test_the_only_copy_of_a_file_is_not_taken_for_a_mark(world: World) -> None:
    """What was given back is written over, and what is staged removed, after it was compared."""

    def lose() -> None:
        at(world.staging, FINAL + b"CD 1/1.mp3").unlink()
        at(world.inbound, ONE).unlink()
        at(world.inbound, ONE).write_bytes(b"somebody's")

    taken = undo(world, At("verify back 2", lose))
    assert (taken.outcome, undo_state(world)) == ("failed", "published")
    assert set(tree(world.inbound).values()) >= {b"one", b"somebody's"}
    assert [transfer.state for transfer in recovered(world, Steps(fence=3)).attention] == ["attention"]
    assert set(tree(world.inbound).values()) >= {b"one", b"somebody's"}


def test_an_album_moved_away_after_it_was_unlisted_is_left_where_it_is(world: World) -> None:
    away = at(world.staging, b"B/Mine")
    taken = undo(world, At("hide", lambda: at(world.staging, FINAL[:-1]).rename(away)))
    assert (taken.outcome, [reason.code for reason in taken.reasons]) == ("failed", ["unfinished"])
    assert [transfer.state for transfer in recovered(world, Steps(fence=3)).done] == ["done"]
    assert (away / "CD 1" / "1.mp3").read_bytes() == b"one"
    assert tree(world.inbound) == {b"Band - Two/": b"", b"Band - Two/CD 1/": b"", **ALBUM[b"Band - Two"]}


def test_a_right_that_is_missing_once_the_item_is_unlisted_is_waited_for(world: World) -> None:
    """It can only go forward then, and nobody has to say so."""

    def refuse() -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    assert undo(world, At("hide", refuse)).outcome == "failed"
    assert [transfer.state for transfer in recovered(world, At("hide", refuse, fence=3)).waiting] == ["published"]
    assert [transfer.state for transfer in recovered(world, Steps(fence=4)).done] == ["done"]
    assert tree(world.inbound).items() >= ALBUM[b"Band - Two"].items()
    assert hidden(world.staging) == []


@pytest.mark.parametrize("label", ["link 1", "back 2", "verify back", "hide", "undo file", "undo album"])
def test_when_the_database_forgets_an_undo_nothing_is_lost_and_little_is_left(world: World, label: str) -> None:
    with pytest.raises(Killed):
        undo(world, At(label, die))
    with world.database.begin() as connection:
        connection.execute(delete(TransferRow).where(TransferRow.undoes.is_not(None)))
    recovered(world, Steps(fence=3))
    assert [wrong for wrong in complaints(world) if not wrong.startswith("I2")] == []
    assert (hidden(world.inbound), hidden(world.staging)) == ([], [])


def test_new_device_numbers_after_a_restart_do_no_harm(world: World) -> None:
    with pytest.raises(Killed):
        undo(world, At("back 2", die))
    with world.database.begin() as connection:
        for row in connection.execute(select(TransferRow.id, TransferRow.files)):
            for file in row.files:
                file["identity"][0] += 7
            connection.execute(update(TransferRow).where(TransferRow.id == row.id).values(files=row.files))
    assert [t.state for t in recovered(world, Steps(fence=3), boot_id="next").done] == ["done"]
    assert tree(world.inbound).items() >= ALBUM[b"Band - Two"].items()


def test_an_empty_folder_somebody_made_in_an_album_keeps_it_from_being_taken_back(world: World) -> None:
    at(world.staging, FINAL + b"scans").mkdir()
    before = tree(world.staging)
    taken = undo(world, Steps(fence=2))
    assert (taken.outcome, [reason.code for reason in taken.reasons]) == ("refused", ["foreign_file"])
    assert (tree(world.staging), tree(world.inbound), undo_state(world)) == (before, {}, None)


def test_a_folder_that_holds_something_else_is_not_removed_from_staging(world: World) -> None:
    put(world.staging, {b"B/Other/1.mp3": b"another album"})
    assert undo(world, Steps(fence=2)).outcome == "undone"
    assert tree(world.staging)[b"B/Other/1.mp3"] == b"another album"
    with Tree(world.staging) as staging:
        assert staging.stat(FINAL[:-1]) is None


@pytest.mark.parametrize(
    ("number", "outcome"),
    [*((getattr(errno, name), "undone") for name in ("ENOTEMPTY", "EEXIST", "EBUSY", "EACCES", "EPERM")),
     (errno.ENOENT, "undone"), (errno.EIO, "failed")],
)  # fmt: skip
def test_a_folder_above_an_album_that_may_not_go_stays(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, outcome: str
) -> None:
    rmdir = Tree.rmdir

    def refuse(tree: Tree, path: bytes) -> None:
        if (tree.root, path) == (world.staging, b"B"):
            raise OSError(number, os.strerror(number))
        rmdir(tree, path)

    monkeypatch.setattr(Tree, "rmdir", refuse)
    assert undo(world, Steps(fence=2)).outcome == outcome
    assert tree(world.inbound).items() >= ALBUM[b"Band - Two"].items()
