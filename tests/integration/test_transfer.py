"""One album from plan to emptied sources, and what happens when the world changes in between."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from pathlib import Path

import pytest

from config.errors import GreenroomError, LeaseLost, NeedsReview, Rejected, Retryable, Stopped
from config.leave import LEAVE, Leave
from processor.filesystem import copying
from processor.filesystem.files import Tree
from processor.transfers.building import sync_sources
from processor.transfers.clearing import remove_sources
from processor.transfers.comparing import is_planned, is_same
from processor.transfers.hidden import TX, hidden_folder
from processor.transfers.materialise import duplicate
from processor.transfers.rolling_back import roll_back
from processor.transfers.steps import fill, switch
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity
from tests.faults.world import ALBUM, COVER, FINAL, FOREIGN, ONE, Steps, World, put, tree


def filled(world: World) -> Transfer:
    return replace(fill(world.planned(), Steps(), strongest=world.strongest), state="materialised")


def published(world: World) -> Transfer:
    transfer = filled(world)
    switch(transfer, Steps())
    return replace(transfer, state="published")


def inbound(world: World, path: bytes) -> Path:
    return Path(os.fsdecode(os.path.join(world.inbound, path)))


def staging(world: World, path: bytes) -> Path:
    return Path(os.fsdecode(os.path.join(world.staging, path)))


def test_an_album_arrives_whole_with_its_sidecar_and_its_sources_go(world: World) -> None:
    assert remove_sources(published(world), Steps()) == ()
    there = tree(world.staging)
    assert there[FINAL + b"CD 1/1.mp3"] == b"one"
    assert there[FINAL + b"caf\xe9.jpg"] == b"cover"
    assert FINAL + b"album.greenroom.json" in there
    assert tree(world.inbound) == {}


def test_a_source_somebody_opened_for_writing_after_the_scan_is_not_taken(tmp_path: Path) -> None:
    transfer = World.make(tmp_path, ALBUM, "link").planned()
    with (tmp_path / "in" / "Band - Two" / "CD 1" / "1.mp3").open("rb+"), pytest.raises(Retryable) as raised:
        sync_sources(transfer, Steps())
    assert (raised.value.reason_code, raised.value.path) == ("open_for_writing", ONE)
    assert sync_sources(transfer, Steps()) == {ONE, COVER}


def test_players_are_kept_out_of_the_hidden_folder(world: World) -> None:
    transfer = filled(world)
    names = {name for name in os.listdir(os.path.join(world.staging, TX)) if name.startswith(b".")}
    assert names == {b".ignore", b".ndignore", b".plexignore", b".nomedia", b".lmsignore"}
    assert FINAL not in tree(world.staging)
    assert hidden_folder(transfer) + b"/CD 1/1.mp3" in tree(world.staging)


def test_a_link_is_the_same_inode(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "link")
    before = inbound(world, ONE).stat()
    transfer = published(world)
    assert transfer.strategy == "link"
    assert staging(world, FINAL + b"CD 1/1.mp3").stat().st_ino == before.st_ino


def test_a_copy_keeps_mode_times_and_attributes_but_no_setuid(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    source = inbound(world, ONE)
    source.chmod(0o4640)
    try:
        os.setxattr(source, "user.mood", b"calm")
        attributes = ["user.mood"]
    except OSError:  # this file system has none
        attributes = []
    os.utime(source, ns=(1, 1_700_000_000_123_456_789))
    transfer = published(world)
    final = staging(world, FINAL + b"CD 1/1.mp3")
    assert transfer.strategy == "copy"
    assert all(file.digest is not None and file.digest.startswith("blake3:") for file in transfer.files)
    assert final.stat().st_ino != source.stat().st_ino
    assert final.stat().st_mode & 0o7777 == 0o640
    assert final.stat().st_mtime_ns == source.stat().st_mtime_ns
    assert os.listxattr(final) == attributes


def test_between_two_file_systems_a_link_becomes_a_copy(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    other = Path("/dev/shm") / f"greenroom-{os.getpid()}-{tmp_path.name}"
    if not os.access("/dev/shm", os.W_OK) or Path("/dev/shm").stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("/dev/shm is no second file system here")
    other.mkdir()
    world = replace(World.make(tmp_path, ALBUM, "link"), staging=os.fsencode(other))
    try:
        transfer = published(world)
        assert transfer.strategy == "copy"
        assert remove_sources(transfer, Steps()) == ()
        assert tree(world.staging)[FINAL + b"CD 1/1.mp3"] == b"one"
    finally:
        shutil.rmtree(other)


def twins(tmp_path: Path) -> World:
    """An album with two names of one file, so that a link of one moves the change time of the other."""
    world = World.make(tmp_path, ALBUM, "link")
    os.link(inbound(world, ONE), inbound(world, b"Band - Two/twin.mp3"))
    return replace(world, albums={b"Band - Two": ALBUM[b"Band - Two"] | {b"Band - Two/twin.mp3": b"one"}})


def test_two_names_of_one_inode_both_arrive(tmp_path: Path) -> None:
    world = twins(tmp_path)
    transfer = published(world)
    assert remove_sources(transfer, Steps()) == ()
    assert tree(world.staging)[FINAL + b"twin.mp3"] == b"one"


def edit_in_place(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b" more")


def rewrite(path: Path) -> None:
    path.write_bytes(b"two")  # as long as it was
    os.utime(path, (10**9, 10**9))


def replace_by_another(path: Path) -> None:
    path.with_name("new").write_bytes(b"other")
    path.with_name("new").rename(path)


def touch_back(path: Path) -> None:
    stat = path.stat()
    path.write_bytes(b"two")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("change", [edit_in_place, rewrite, replace_by_another, Path.unlink])
def test_a_source_that_changed_since_the_plan_is_not_taken(world: World, change: Callable[[Path], None]) -> None:
    transfer = world.planned()
    change(inbound(world, ONE))
    before = tree(world.inbound)
    with pytest.raises(Retryable) as raised:
        fill(transfer, Steps(), strongest=world.strongest)
    assert raised.value.reason_code in ("source_changed", "vanished")
    assert roll_back(transfer, Steps()) == "cancelled"
    assert tree(world.inbound) == before
    assert not any(path.startswith(hidden_folder(transfer)) for path in tree(world.staging))


@pytest.mark.parametrize("change", [edit_in_place, rewrite])
def test_a_source_of_two_names_whose_change_time_says_nothing_is_not_taken_once_it_changed(
    tmp_path: Path, change: Callable[[Path], None]
) -> None:
    world = twins(tmp_path)
    transfer = world.planned()
    change(inbound(world, ONE))
    with pytest.raises(Retryable, match="changed after it was scanned"):
        fill(transfer, Steps())


def test_an_edit_that_sets_the_time_back_is_noticed_by_the_change_time(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "link")
    transfer = world.planned()
    touch_back(inbound(world, ONE))
    with pytest.raises(Retryable, match="changed after it was scanned"):
        fill(transfer, Steps())


@pytest.mark.parametrize("change", [edit_in_place, replace_by_another])
def test_a_source_that_changed_after_it_was_published_is_kept_and_named(
    world: World, change: Callable[[Path], None]
) -> None:
    transfer = published(world)
    change(inbound(world, ONE))
    reasons = remove_sources(transfer, Steps())
    codes = {(reason.code, reason.path) for reason in reasons}
    assert codes & {("source_changed_kept", ONE), ("final_changed_kept", ONE)}
    assert inbound(world, ONE).exists()
    assert not inbound(world, COVER).exists()


def test_a_copied_source_whose_time_was_set_back_is_read_again(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = published(world)
    touch_back(inbound(world, ONE))
    inbound(world, COVER).chmod(0o600)  # moves the change time, not the bytes
    (reason,) = [reason for reason in remove_sources(transfer, Steps()) if reason.path == ONE]
    assert reason.code == "source_changed_kept"
    assert tree(world.inbound)[ONE] == b"two"
    assert not inbound(world, COVER).exists()


def test_what_takes_the_place_of_a_copied_source_while_that_is_read_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large file is read for minutes; and a machine may sleep meanwhile, and another one go on and take it back."""
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = published(world)
    inbound(world, ONE).chmod(0o600)  # so that it is read
    read = copying.digest

    def somebody_comes_then(fd: int) -> str:
        digest = read(fd)
        replace_by_another(inbound(world, ONE))
        return digest

    monkeypatch.setattr(copying, "digest", somebody_comes_then)
    (reason,) = (reason for reason in remove_sources(transfer, Steps()) if reason.path == ONE)
    assert (reason.code, tree(world.inbound)[ONE]) == ("source_changed_kept", b"other")


def test_a_copied_source_stays_while_the_file_in_the_album_is_of_another_size(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = published(world)
    staging(world, FINAL + b"CD 1/1.mp3").write_bytes(b"on")
    (reason,) = [reason for reason in remove_sources(transfer, Steps()) if reason.path == ONE]
    assert (reason.code, tree(world.inbound)[ONE]) == ("final_changed_kept", b"one")


@pytest.mark.parametrize("change", [{"size": 4}, {"mtime_ns": 5}, {"dev": 7, "ctime_ns": 5}, {"ino": 7, "ctime_ns": 5}])
def test_a_source_is_the_planned_one_by_all_that_is_known_of_it(world: World, change: dict[str, int]) -> None:
    inbound(world, ONE).chmod(0o600)  # its change time is its own
    found = inbound(world, ONE).stat()
    file = TransferFile(ONE, b"1.mp3", "audio", Identity.of(found))
    assert is_planned(found, file)
    assert not is_planned(found, replace(file, identity=file.identity._replace(**change)))


@pytest.mark.parametrize("asked", [5, 14])
def test_who_is_to_stop_leaves_a_large_copy_in_the_middle_and_nothing_of_it(tmp_path: Path, asked: int) -> None:
    """It is copied, and then read back, for minutes, which nobody has who shuts a machine down."""

    class Stop:
        times = 0

        def is_set(self) -> bool:
            self.times += 1
            return self.times >= asked

    large = {b"Solo - One": {b"Solo - One/1.mp3": b"x" * (10 * copying.BUFFER)}}
    world, stop = World.make(tmp_path, large, "copy"), Stop()
    transfer = world.planned()
    work = copy_context()
    work.run(LEAVE.set, Leave(stop=stop))
    with pytest.raises(Stopped):
        work.run(fill, transfer, Steps(), strongest="copy")
    assert stop.times == asked
    assert hidden_folder(transfer) + b"/1.mp3" not in tree(world.staging)
    assert roll_back(transfer, Steps()) == "cancelled"
    assert fill(transfer, Steps(), strongest="copy").files[0].digest is not None


@pytest.mark.parametrize("which", [0, 1])
def test_files_are_the_same_if_they_still_are_once_they_were_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    files = (tmp_path / "one", tmp_path / "other")
    for file in files:
        file.write_bytes(b"music")
    read = copying.digest
    with Tree(os.fsencode(tmp_path)) as there:
        assert is_same(there, b"one", there, b"other")

        def somebody_comes_then(fd: int) -> str:
            replace_by_another(files[which])
            return read(fd)

        monkeypatch.setattr(copying, "digest", somebody_comes_then)
        assert not is_same(there, b"one", there, b"other")


def test_a_copied_source_that_has_another_inode_number_now_goes_if_its_bytes_are_the_same(tmp_path: Path) -> None:
    """exFAT, FAT and some FUSE give a file a new number when it is looked at anew, and have no change time."""
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = published(world)
    other = tuple(replace(file, identity=file.identity._replace(ino=file.identity.ino + 7)) for file in transfer.files)
    touch_back(inbound(world, ONE))
    reasons = remove_sources(replace(transfer, files=other), Steps())
    assert ("source_changed_kept", ONE) in [(reason.code, reason.path) for reason in reasons]
    assert tree(world.inbound) == {b"Band - Two/": b"", b"Band - Two/CD 1/": b"", ONE: b"two"}


def test_a_copy_that_somebody_put_where_the_source_was_is_kept(tmp_path: Path) -> None:
    world = World.make(tmp_path, ALBUM, "copy")
    transfer = published(world)
    shutil.copy2(inbound(world, ONE), tmp_path / "copy")
    (tmp_path / "copy").replace(inbound(world, ONE))
    reasons = remove_sources(transfer, Steps())
    assert ("source_changed_kept", ONE) in [(reason.code, reason.path) for reason in reasons]
    assert inbound(world, ONE).exists()


def test_a_source_stays_when_its_file_left_the_album(world: World) -> None:
    transfer = published(world)
    staging(world, FINAL + b"CD 1/1.mp3").unlink()
    (reason,) = [reason for reason in remove_sources(transfer, Steps()) if reason.path == ONE]
    assert reason.code == "final_changed_kept"
    assert tree(world.inbound)[ONE] == b"one"


def test_files_that_appeared_meanwhile_stay_and_are_named(world: World) -> None:
    transfer = published(world)
    put(world.inbound, {b"Band - Two/late.mp3": b"late"})
    (reason,) = remove_sources(transfer, Steps())
    assert (reason.code, reason.path) == ("left_behind", b"Band - Two")
    assert tree(world.inbound) == {b"Band - Two/": b"", b"Band - Two/late.mp3": b"late"}
    assert remove_sources(transfer, Steps(), known={b"Band - Two/late.mp3"}) == ()


def test_a_folder_of_somebody_elses_in_an_albums_folder_keeps_that_and_is_no_file_left_behind(world: World) -> None:
    transfer = published(world)
    inbound(world, b"Band - Two/extras").mkdir()
    assert remove_sources(transfer, Steps()) == ()
    assert tree(world.inbound) == {b"Band - Two/": b"", b"Band - Two/extras/": b""}


def refuse(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    def refused(*_: object, **_options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, refused)


@pytest.mark.parametrize(
    ("number", "codes"),
    [
        *[(number, ["folder_kept", "folder_kept"]) for number in (errno.EBUSY, errno.EACCES, errno.EPERM)],
        *[(number, []) for number in (errno.ENOTEMPTY, errno.EEXIST)],  # as file systems call one that is not empty
    ],
)
def test_an_empty_folder_that_cannot_go_stays_and_is_named(
    world: World, monkeypatch: pytest.MonkeyPatch, number: int, codes: list[str]
) -> None:
    transfer = published(world)
    refuse(monkeypatch, "rmdir", number)
    assert [reason.code for reason in remove_sources(transfer, Steps())] == codes
    assert tree(world.inbound) == {b"Band - Two/": b"", b"Band - Two/CD 1/": b""}


@pytest.mark.parametrize(("call", "path"), [("unlink", ONE), ("rmdir", b"Band - Two/CD 1")])
def test_a_disk_that_fails_while_sources_go_is_told_with_the_path(
    world: World, monkeypatch: pytest.MonkeyPatch, call: str, path: bytes
) -> None:
    transfer = published(world)
    refuse(monkeypatch, call, errno.EIO)
    with pytest.raises(Retryable) as raised:
        remove_sources(transfer, Steps())
    assert (raised.value.reason_code, raised.value.path) == ("io_error", path)


def test_whether_the_root_is_ours_is_asked_before_each_name_goes_and_before_each_folder_is_synced(world: World) -> None:
    guard = Steps()
    remove_sources(published(world), guard)
    assert guard.labels == ["unlink 1/2", "unlink 2/2", "rmdir", "rmdir", *["fsync above"] * 3]


def test_a_disk_that_went_read_only_at_an_error_is_what_fails_and_not_the_copy_it_kept(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ext4 does with errors=remount-ro: the second try would find the first one's file, and call it somebody's."""
    file = world.planned().files[0]
    refuse(monkeypatch, "fsync", errno.EIO)
    refuse(monkeypatch, "unlink", errno.EROFS)
    with Tree(world.inbound) as source, Tree(world.staging) as destination, pytest.raises(Retryable) as raised:
        duplicate(source, destination, file, b"copy", clone=False)
    assert raised.value.reason_code == "io_error"


@pytest.mark.parametrize("foreign", ["empty folder", "folder", "file"])
def test_a_place_that_is_taken_is_never_overwritten(world: World, foreign: str) -> None:
    transfer = filled(world)
    if foreign == "file":
        put(world.staging, {b"B/Band - Two": b"somebody's"})
    else:
        put(world.staging, {b"B/Band - Two/x": b"somebody's"})
        if foreign == "empty folder":
            staging(world, b"B/Band - Two/x").unlink()
    before = {path: data for path, data in tree(world.staging).items() if path.startswith(b"B/")}
    with pytest.raises(NeedsReview) as raised:
        switch(transfer, Steps())
    assert raised.value.reason_code == "target_exists"
    assert roll_back(transfer, Steps()) == "cancelled"
    assert {path: data for path, data in tree(world.staging).items() if path.startswith(b"B/")} == before
    assert tree(world.inbound)[ONE] == b"one"


def test_what_was_switched_is_not_rolled_back(world: World) -> None:
    transfer = replace(published(world), state="materialised")
    assert roll_back(transfer, Steps()) == "materialised"
    assert tree(world.staging)[FINAL + b"CD 1/1.mp3"] == b"one"


@pytest.mark.parametrize("change", [replace_by_another, Path.unlink])
def test_the_only_copy_of_something_is_not_rolled_back(tmp_path: Path, change: Callable[[Path], None]) -> None:
    world = World.make(tmp_path, ALBUM, "link")
    transfer = filled(world)
    change(inbound(world, ONE))
    assert roll_back(transfer, Steps()) == "attention"
    assert tree(world.staging)[hidden_folder(transfer) + b"/CD 1/1.mp3"] == b"one"


def test_a_file_somebody_put_into_the_hidden_folder_survives(world: World) -> None:
    transfer = filled(world)
    put(world.staging, {hidden_folder(transfer) + b"/mine.txt": b"mine"})
    assert roll_back(transfer, Steps()) == "attention"
    assert tree(world.staging)[hidden_folder(transfer) + b"/mine.txt"] == b"mine"


@pytest.mark.parametrize("target", [b"../x", b"/x", b"album.greenroom.json", b"CD 1/../../x"])
def test_a_plan_that_leaves_its_folder_is_refused(world: World, target: bytes) -> None:
    transfer = world.planned()
    bad = replace(transfer, files=(replace(transfer.files[0], target=target),))
    with pytest.raises(Rejected):
        fill(bad, Steps(), strongest=world.strongest)
    assert tree(world.inbound)[ONE] == b"one"
    assert {path: data for path, data in tree(world.staging).items() if path in FOREIGN} == FOREIGN


def test_a_hidden_folder_that_is_a_link_is_refused(world: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    os.symlink(tmp_path / "elsewhere", os.path.join(world.staging, TX))
    with pytest.raises(NeedsReview) as raised:
        fill(world.planned(), Steps(), strongest=world.strongest)
    assert raised.value.reason_code == "not_a_plain_path"
    assert list((tmp_path / "elsewhere").iterdir()) == []


class Stopping(Steps):
    """Asked to stop after the first file."""

    def check_stop(self) -> None:
        if sum(label.startswith(("link", "copy")) for label in self.labels) == 1:
            raise Stopped("stop")


class Losing(Steps):
    """Loses its lease at a step."""

    def check(self, label: str) -> None:
        super().check(label)
        if label.startswith(("copy", "link 2")):
            raise LeaseLost("lost")


@pytest.mark.parametrize("guard", [Stopping, Losing])
def test_an_interrupted_fill_can_be_undone(world: World, guard: type[Steps]) -> None:
    transfer = world.planned()
    with pytest.raises(GreenroomError):
        fill(transfer, guard(), strongest=world.strongest)
    assert roll_back(transfer, Steps()) == "cancelled"
    assert tree(world.inbound)[ONE] == b"one"
    assert not any(path.startswith(hidden_folder(transfer)) for path in tree(world.staging))
