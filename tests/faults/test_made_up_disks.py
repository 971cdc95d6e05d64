"""What programs that stand in for a disk (FUSE) make up of files costs nothing: their numbers, answers, free room.

So are sshfs, unionfs-fuse and mergerfs without `use_ino`, which number names and may forget the numbers; and rclone,
which answers EIO to what it has not, and finds its bytes late under a folder's new name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import update

from config.errors import Retryable
from config.machine import free_bytes, free_files
from processor.filesystem.files import Tree
from processor.moves import MOVES
from processor.planning.space import Space
from processor.staging import batch
from processor.tables import TransferRow
from processor.transfers import arrival, journal, sidecar
from processor.transfers.arrival import await_copies, await_sidecars
from processor.transfers.clearing import remove_sources
from processor.transfers.hidden import hidden_folder
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import fill, rename, switch
from processor.transfers.transfer import Transfer
from tests.faults.cycles import House, music
from tests.faults.subjects import CYCLE
from tests.faults.world import ALBUM, NOW, ONE, At, Killed, Steps, World, recovered, tree, unfinished
from tests.unit.test_plan import GIB

PLACE = b"B/Band - Two/CD 1/1.mp3"


@pytest.fixture
def world(quick_path: Path) -> World:
    """An album in inbound, and a place for it in staging."""
    return World.make(quick_path, ALBUM, "link")


def numbered(monkeypatch: pytest.MonkeyPatch, number: Callable[[bytes, int], int]) -> None:
    """Let files have other inode numbers: of their name and the number they have."""
    stat, fstat, lstat = os.stat, os.fstat, os.lstat

    def changed(name: bytes, found: os.stat_result) -> os.stat_result:
        values = (found[0], number(name, found.st_ino), *found[2:10])
        times = {f"{key}_ns": getattr(found, f"{key}_ns") for key in ("st_atime", "st_mtime", "st_ctime")}
        return os.stat_result(values, times)

    def stat_of(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        found = stat(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)
        above = b"" if dir_fd is None else os.readlink(b"/proc/self/fd/%d" % dir_fd)
        return found if isinstance(path, int) else changed(os.path.join(above, os.fsencode(path)), found)

    room = os.statvfs_result((4096, 4096, 100, 100, 100, 0, 0, 0, 0, 255, 0))
    monkeypatch.setattr(os, "fstatvfs", lambda _fd: room)
    monkeypatch.setattr(os, "stat", stat_of)
    monkeypatch.setattr(os, "fstat", lambda fd: changed(os.readlink(b"/proc/self/fd/%d" % fd), fstat(fd)))
    monkeypatch.setattr(os, "lstat", lambda path: changed(os.fsencode(path), lstat(path)))


def refuse(monkeypatch: pytest.MonkeyPatch, number: int, *calls: str) -> None:
    """Let calls of the system fail."""

    def refused(*_arguments: object, **_options: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    for call in calls:
        monkeypatch.setattr(os, call, refused)


def test_where_names_have_numbers_and_not_files_an_album_is_copied(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbered(monkeypatch, lambda name, _ino: zlib.crc32(name))
    filled = fill(world.planned(), Steps())
    assert filled.strategy == "copy"
    switch(filled, Steps())
    assert remove_sources(replace(filled, state="published"), Steps()) == ()
    assert tree(world.inbound) == {}
    assert tree(world.staging)[PLACE] == b"one"


def test_there_a_file_that_was_replaced_meanwhile_is_still_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = Path(os.fsdecode(world.inbound), os.fsdecode(ONE))
    other = there.with_name("other")
    other.write_bytes(b"two")

    def replaced() -> None:
        other.rename(there)

    with pytest.raises(Retryable) as raised:
        fill(world.planned(), At("link 1", replaced))
    assert raised.value.reason_code == "source_changed"
    assert there.read_bytes() == b"two"


@pytest.mark.parametrize("step", ["link 2", "copy 2", "fsync folder"])
def test_numbers_that_are_others_after_a_new_mount_do_not_leave_a_move_to_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    numbered(monkeypatch, lambda name, _ino: zlib.crc32(name))
    transfer = world.planned()

    def die() -> NoReturn:
        raise Killed(step)

    with pytest.raises(Killed):
        fill(transfer, At(step, die))
    numbered(monkeypatch, lambda name, _ino: zlib.crc32(name) + 1)
    again = MOVES["album"].renumbered(replace(transfer, attempt=1))
    assert roll_back(again, Steps()) == "cancelled"
    assert not any(path.startswith(hidden_folder(transfer)) for path in tree(world.staging))
    filled = fill(again, Steps())
    switch(filled, Steps())
    assert remove_sources(filled, Steps()) == ()
    assert (tree(world.inbound), tree(world.staging)[PLACE]) == ({}, b"one")


def test_numbers_that_are_forgotten_before_the_sources_go_are_no_change_of_them(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled = fill(world.planned(), Steps(), strongest="copy")
    switch(filled, Steps())
    numbered(monkeypatch, lambda _name, ino: ino + 1)
    assert remove_sources(filled, Steps()) == ()
    assert tree(world.inbound) == {}


def timed(monkeypatch: pytest.MonkeyPatch, ctime_ns: int | None, number: int = 0) -> None:
    """Let files have another change time, their own time if it is None, and another number by so much."""
    stat = os.stat

    def made_up(path: Any, **options: Any) -> os.stat_result:
        found = stat(path, **options)
        moved = found.st_mtime_ns if ctime_ns is None else ctime_ns
        times = {"st_atime_ns": 10**18, "st_mtime_ns": found.st_mtime_ns, "st_ctime_ns": moved}
        return os.stat_result((found[0], found.st_ino + number, *found[2:10]), times)

    monkeypatch.setattr(os, "stat", made_up)


def duplicated(world: World, mtime_ns: int, ctime_ns: int) -> Transfer:
    """The first file of the album, copied into staging; scanned with these times."""
    os.utime(os.path.join(world.inbound, ONE), ns=(mtime_ns, mtime_ns))
    transfer = world.planned()
    files = (replace(file, identity=file.identity._replace(ctime_ns=ctime_ns)) for file in transfer.files)
    transfer = replace(transfer, files=tuple(file for file in files if file.source == ONE), attempt=1)
    filled = fill(transfer, Steps(), strongest="copy")
    switch(filled, Steps())
    return filled


@pytest.mark.parametrize(("time", "number"), [(10**18, 0), (10**18 + 10**7, 1)], ids=["a share", "exFAT"])
def test_a_source_with_other_bytes_stays_also_if_its_size_and_times_are_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, time: int, number: int
) -> None:
    """A change time that is the file's own time does not show it, in whole seconds or under another number."""
    filled = duplicated(world, time, time)
    there = os.path.join(world.inbound, ONE)
    Path(os.fsdecode(there)).write_bytes(b"two")
    os.utime(there, ns=(time, time))
    timed(monkeypatch, None, number)
    reason, *_ = remove_sources(filled, Steps())
    assert (reason.code, reason.path) == ("source_changed_kept", ONE)
    assert tree(world.inbound)[ONE] == b"two"


@pytest.mark.parametrize(
    ("time", "planned_ctime", "ctime", "goes"),
    [
        (10**18, 10**18 + 10**9, 10**18 + 10**9, True),  # whole seconds, but its own
        (10**18 + 5, 10**18 + 5, 10**18 + 5, True),  # written once
        (10**18, 10**18 + 5, 10**18 + 6, False),
        (10**18, 10**18, 10**18, False),  # made up: the time of the content
    ],
)
def test_a_source_whose_clone_has_no_digest_goes_only_if_its_change_time_says_that_it_is_the_same(
    world: World, monkeypatch: pytest.MonkeyPatch, time: int, planned_ctime: int, ctime: int, goes: bool
) -> None:
    filled = duplicated(world, time, planned_ctime)
    clone = replace(filled, strategy="clone", files=tuple(replace(file, digest=None) for file in filled.files))
    timed(monkeypatch, ctime)
    codes = [] if goes else ["source_changed_kept", "left_behind"]
    assert [reason.code for reason in remove_sources(clone, Steps())] == codes
    assert (ONE not in tree(world.inbound)) is goes


def test_what_a_program_does_not_know_it_may_call_an_error_of_input_or_output(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(monkeypatch, errno.EIO, "link", "listxattr", "setxattr")
    assert fill(world.planned(), Steps()).strategy == "copy"


def test_copies_that_are_found_late_under_their_new_name_are_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arrival, "_PAUSE", 0)
    filled = fill(world.planned(), Steps(), strongest="copy")
    switch(filled, Steps())
    place = Path(os.fsdecode(world.staging), os.fsdecode(PLACE))
    place.write_bytes(b"")
    guard = At("await copy", lambda: place.write_bytes(b"one"))
    await_copies(filled, guard)
    assert "await copy" in guard.labels
    place.unlink()
    with pytest.raises(Retryable) as raised:
        await_copies(filled, Steps(), late=0)
    assert (raised.value.reason_code, raised.value.path) == ("late", PLACE)


def test_an_album_whose_sidecar_is_not_shown_yet_is_waited_for_and_never_given_up(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Taken for nobody's, it would be left where it is, and its sources would be in conflict with it for ever."""
    monkeypatch.setattr(Tree, "is_made_up", True)
    monkeypatch.setattr(arrival, "_PAUSE", 0)
    world = World.make(quick_path, ALBUM, "copy")
    transfer = world.planned()
    with world.database.begin() as connection:
        journal.plan(connection, [transfer], NOW)
    filled = fill(transfer, Steps(), strongest="copy")
    with world.database.begin() as connection:
        journal.advance(connection, [filled], "materialised", NOW)
    switch(filled, Steps())
    place = Path(os.fsdecode(world.staging), os.fsdecode(filled.target), os.fsdecode(sidecar.NAME))
    told = place.read_bytes()
    place.write_bytes(b"")
    with monkeypatch.context() as patch:
        patch.setattr(await_sidecars, "__defaults__", (0.0,))
        (waiting,) = recovered(world, Steps(fence=2)).waiting
    assert (waiting.state, tree(world.inbound)[ONE]) == ("materialised", b"one")
    report = recovered(world, At("await copy", lambda: place.write_bytes(told), fence=3))
    assert [one.state for one in report.done] == ["done"]
    assert (tree(world.inbound), tree(world.staging)[PLACE]) == ({}, b"one")


def test_an_album_whose_copies_cannot_be_read_yet_keeps_its_sources_and_is_finished_later(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    house = House(quick_path, quick_path / "staging")

    def renamed(transfer: Transfer, guard: Any) -> None:
        rename(transfer, guard)
        for path in Path(os.fsdecode(transfer.dst_root), os.fsdecode(transfer.target)).rglob("*.*"):
            if path.suffix in (".flac", ".mp3", ".ogg"):
                path.write_bytes(b"")

    dropped = music(house.inbound)
    with monkeypatch.context() as patch:
        refuse(patch, errno.EXDEV, "link")
        patch.setattr(batch, "rename", renamed)
        patch.setattr(await_copies, "__defaults__", (0.0,))
        ended = house.run(*CYCLE)
    assert '"late"' in ended.out
    assert music(house.inbound) == dropped
    assert house.items() == []


@pytest.mark.parametrize(
    ("blocks", "free", "files", "left", "fsid", "bytes_", "names"),
    [
        (100, 10, 1000, 5, 7, 40960, 5),  # a disk
        (100, 10, 1000, 0, 7, 40960, 0),  # … that can hold no more files
        (100, 10, 10**9, 0, 0, 40960, None),  # rclone, which cannot count them
        (100, 10, 1000, 5, 0, 40960, 5),  # mergerfs, which asks its disks
        (100, 10, 0, 0, 7, 40960, None),  # btrfs, which has no such limit
        (0, 0, 0, 0, 0, None, None),  # a share that tells nothing
        (100, 0, 0, 0, 0, 0, None),  # full
    ],
)
def test_what_is_not_counted_is_unknown(
    blocks: int, free: int, files: int, left: int, fsid: int, bytes_: int | None, names: int | None
) -> None:
    found = os.statvfs_result((4096, 4096, blocks, free, free, files, left, left, 0, 255, fsid))
    assert (free_bytes(found), free_files(found)) == (bytes_, names)


def test_where_nothing_is_counted_everything_fits(world: World) -> None:
    space = Space(None, GIB, None, way="copy")
    assert space.lack(()) is None
    assert space.without(()) == space


@pytest.mark.parametrize("first", [b"CD 1/1.mp3", b"album.greenroom.json"])
def test_a_folder_that_a_pool_had_renamed_on_one_branch_only_is_brought_together(world: World, first: bytes) -> None:
    """mergerfs renames it on each in turn, and may die in between."""
    filled = replace(fill(world.planned(), Steps()), state="materialised")
    with world.database.begin() as connection:
        journal.plan(connection, [filled], NOW)
    hidden = os.path.join(world.staging, hidden_folder(filled))
    place = os.path.join(world.staging, filled.target)
    os.makedirs(os.path.dirname(os.path.join(place, first)))
    os.rename(os.path.join(hidden, first), os.path.join(place, first))

    for fence in range(2, 7):  # it may die again while it is brought together
        with contextlib.suppress(Killed):
            recovered(world, Steps(die_at=fence, fence=fence))
        with world.database.begin() as connection:
            connection.execute(update(TransferRow).values(attempt=0))
    recovered(world, Steps(fence=9))
    assert (tree(world.inbound), tree(world.staging)[PLACE]) == ({}, b"one")
    assert not any(path.startswith(hidden_folder(filled)) for path in tree(world.staging))
    assert [*unfinished(world)] == []


def test_nor_is_half_of_it_taken_away_where_the_other_branch_fails(world: World) -> None:
    filled = replace(fill(world.planned(), Steps()), state="materialised")
    place = os.path.join(world.staging, filled.target)
    os.makedirs(os.path.join(place, b"CD 1"))
    os.rename(os.path.join(world.staging, hidden_folder(filled), b"CD 1/1.mp3"), os.path.join(place, b"CD 1/1.mp3"))
    before = tree(world.staging)
    assert roll_back(filled, Steps()) == "materialised"
    assert tree(world.staging) == before
