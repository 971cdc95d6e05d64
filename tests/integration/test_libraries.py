"""Library rows and the folders they stand for: what may be one, and is it still the right one?"""

from __future__ import annotations

import datetime as dt
import errno
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from config.database import Database
from config.errors import Misconfigured, Retryable
from config.libraries import (
    Library,
    add_library,
    list_libraries,
    remove_library,
    sole_library,
    verify_root,
)
from config.sentinel import SENTINEL, mark_root, read_sentinel

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


def folder(parent: Path, name: str) -> bytes:
    (parent / name).mkdir(parents=True)
    return os.fsencode(parent / name)


def add(database: Database, role: str, path: bytes, kind: str = "music") -> Library:
    with database.begin() as connection:
        return add_library(connection, role, path, kind=kind, now=NOW)


def listed(database: Database) -> list[Library]:
    with database.read() as connection:
        return list_libraries(connection)


def refused(database: Database, role: str, path: bytes, code: str, kind: str = "music") -> str:
    before = listed(database)
    with pytest.raises(Misconfigured) as caught:
        add(database, role, path, kind)
    assert caught.value.reason_code == code
    assert listed(database) == before
    return caught.value.message


def test_a_folder_becomes_a_library_with_a_mark(database: Database, tmp_path: Path) -> None:
    path = folder(tmp_path, "inbound")
    library = add(database, "inbound", path)
    assert (library.role, library.kind, library.path) == ("inbound", "music", path)
    assert listed(database) == [library]
    assert Path(os.fsdecode(library.sentinel)).read_text() == library.root_uuid + "\n"
    verify_root(library)


def test_a_path_that_is_not_utf8_comes_back_byte_for_byte(database: Database, tmp_path: Path) -> None:
    path = folder(tmp_path, os.fsdecode(b"caf\xe9\n"))
    library = add(database, "inbound", path)
    assert library.path == path
    verify_root(library)
    assert "caf\\xe9\\n" in refused(database, "staging", path, "nested_libraries")
    with database.begin() as connection:
        assert remove_library(connection, path) == library


def test_adding_the_same_folder_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = folder(tmp_path, "inbound")
    first = add(database, "inbound", path)
    assert add(database, "inbound", path + b"/") == first
    assert add(database, "inbound", os.path.dirname(path) + b"/./inbound") == first
    assert listed(database) == [first]


def test_a_folder_that_lost_its_mark_is_not_said_to_be_added_when_it_is_added_again(
    database: Database, tmp_path: Path
) -> None:
    path = folder(tmp_path, "staging")
    library = add(database, "staging", path)
    os.unlink(library.sentinel)
    assert "and add it again" in refused(database, "staging", path, "root_not_mounted")
    with database.begin() as connection:
        remove_library(connection, path)
    verify_root(add(database, "staging", path))


@pytest.mark.parametrize("path", [b"relative", b"", b"./x", b"/with\0nul", b"/"])
def test_a_path_that_cannot_be_a_root_is_refused(database: Database, path: bytes) -> None:
    refused(database, "inbound", path, "bad_path")


def test_a_folder_that_is_not_there_or_is_a_file_is_refused(database: Database, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "create it first" in refused(database, "inbound", os.fsencode(tmp_path / "missing"), "bad_path")
    refused(database, "inbound", os.fsencode(tmp_path / "file"), "bad_path")
    assert list(tmp_path.glob(".greenroom*")) == []


def test_a_folder_that_cannot_be_written_is_refused(database: Database) -> None:
    # /proc refuses root as well, /etc an ordinary user; both say no before anything is stored.
    refused(database, "inbound", b"/proc/sys", "bad_path")


def test_roots_may_not_lie_in_one_another(database: Database, tmp_path: Path) -> None:
    outer = folder(tmp_path, "music")
    inner = folder(tmp_path, "music/inbound")
    beside = folder(tmp_path, "music-inbound")
    add(database, "library", outer)
    assert "nested with" in refused(database, "inbound", inner, "nested_libraries")
    assert "the same as" in refused(database, "inbound", outer, "nested_libraries")
    add(database, "inbound", beside)  # the beginning of its name is not its parent


def test_the_outer_one_is_refused_as_well(database: Database, tmp_path: Path) -> None:
    outer = folder(tmp_path, "music")
    add(database, "inbound", folder(tmp_path, "music/inbound"))
    refused(database, "library", outer, "nested_libraries")
    assert read_sentinel(outer) is None


@pytest.mark.parametrize(
    ("mounted", "how"), [("staging/BA", "nested with"), ("", "nested with"), ("staging", "the same as")]
)
def test_a_bind_mount_of_a_part_of_a_root_is_nested_with_it(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mounted: str, how: str
) -> None:
    (tmp_path / "mountinfo").write_text(
        f"27 1 8:1 / / rw - ext4 /dev/sda1 rw\n41 27 8:1 {tmp_path / mounted} {tmp_path}/seen rw - ext4 /dev/sda1 rw\n"
    )
    monkeypatch.setattr("config.mounts.MOUNTINFO", tmp_path / "mountinfo")
    add(database, "staging", folder(tmp_path, "staging"))
    said = refused(database, "library", folder(tmp_path, "seen"), "nested_libraries")
    assert f"is through another mount {how} the staging library" in said
    add(database, "library", folder(tmp_path, "beside"))


def test_links_to_links_are_followed_before_roots_are_compared(database: Database, tmp_path: Path) -> None:
    real = folder(tmp_path, "real")
    (tmp_path / "one").symlink_to(tmp_path / "real")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    first = add(database, "inbound", os.fsencode(tmp_path / "two"))
    assert first.path == real
    assert add(database, "inbound", os.fsencode(tmp_path / "one")) == first
    refused(database, "staging", os.fsencode(tmp_path / "two"), "nested_libraries")
    with database.begin() as connection:
        remove_library(connection, os.fsencode(tmp_path / "two"))
    assert listed(database) == []


def test_a_copy_of_a_root_with_its_mark_is_refused(database: Database, tmp_path: Path) -> None:
    path = folder(tmp_path, "inbound")
    add(database, "inbound", path)
    shutil.copytree(tmp_path / "inbound", tmp_path / "copy")
    assert "mounted twice, or a copy" in refused(
        database, "staging", os.fsencode(tmp_path / "copy"), "nested_libraries"
    )
    told = refused(database, "inbound", os.fsencode(tmp_path / "copy"), "nested_libraries")
    assert "move the old folder away first" in told, "who removes it forgets where moves began"
    (tmp_path / "copy" / os.fsdecode(SENTINEL)).unlink()
    add(database, "staging", os.fsencode(tmp_path / "copy"))


def test_inbound_and_staging_exist_once_a_kind_and_libraries_several_times(database: Database, tmp_path: Path) -> None:
    add(database, "inbound", folder(tmp_path, "a"))
    refused(database, "inbound", folder(tmp_path, "b"), "several_libraries")
    add(database, "inbound", folder(tmp_path, "films"), "movie")
    add(database, "library", folder(tmp_path, "c"))
    add(database, "library", folder(tmp_path, "d"))


@pytest.mark.parametrize(("role", "kind"), [("outbound", "music"), ("inbound", "podcast")])
def test_an_unknown_role_or_kind_is_refused(database: Database, tmp_path: Path, role: str, kind: str) -> None:
    refused(database, role, folder(tmp_path, "x"), "misconfigured", kind)


def test_the_sole_library_is_found_and_none_or_several_are_an_error(database: Database, tmp_path: Path) -> None:
    with database.read() as connection, pytest.raises(Misconfigured, match="libraries add library") as none:
        sole_library(connection, "library")
    assert none.value.reason_code == "no_library"
    first = add(database, "library", folder(tmp_path, "a"))
    with database.read() as connection:
        assert sole_library(connection, "library") == first
    add(database, "library", folder(tmp_path, "b"))
    with database.read() as connection, pytest.raises(Misconfigured, match=r"2 library libraries.*/a, .*/b") as several:
        sole_library(connection, "library")
    assert several.value.reason_code == "several_libraries"


def test_a_removed_library_keeps_its_folder_and_its_mark(database: Database, tmp_path: Path) -> None:
    path = folder(tmp_path, "inbound")
    first = add(database, "inbound", path)
    with database.begin() as connection:
        assert remove_library(connection, path) == first
    with database.begin() as connection, pytest.raises(Misconfigured, match="is no library"):
        remove_library(connection, path)
    assert add(database, "inbound", path).root_uuid == first.root_uuid


def test_a_library_whose_folder_is_gone_can_be_removed(database: Database, tmp_path: Path) -> None:
    path = folder(tmp_path, "inbound")
    first = add(database, "inbound", path)
    shutil.rmtree(path)
    with database.begin() as connection:
        assert remove_library(connection, path) == first


def test_a_folder_that_became_a_link_to_another_root_is_not_mistaken_for_that_one(
    database: Database, tmp_path: Path
) -> None:
    staging = add(database, "staging", folder(tmp_path, "staging"))
    inbound = add(database, "inbound", folder(tmp_path, "inbound"))
    shutil.rmtree(inbound.path)
    os.symlink(staging.path, inbound.path)
    with database.begin() as connection:
        assert remove_library(connection, inbound.path) == inbound
    assert listed(database) == [staging]


def code_of(library: Library) -> str:
    with pytest.raises(Misconfigured) as caught:
        verify_root(library)
    return caught.value.reason_code


def test_an_empty_mount_point_is_not_mistaken_for_the_root(database: Database, tmp_path: Path) -> None:
    library = add(database, "inbound", folder(tmp_path, "inbound"))
    (tmp_path / "inbound").rename(tmp_path / "unplugged")
    assert code_of(library) == "root_not_mounted"
    (tmp_path / "inbound").mkdir()
    assert code_of(library) == "root_not_mounted"


@contextmanager
def no_descriptor_left() -> Iterator[None]:
    """Let this process open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_too_many_open_files_are_not_taken_for_a_disk_that_is_not_mounted(database: Database, tmp_path: Path) -> None:
    library = add(database, "inbound", folder(tmp_path, "inbound"))
    with no_descriptor_left(), pytest.raises(Retryable, match=r"Too many open files.*LimitNOFILE") as caught:
        verify_root(library)
    assert caught.value.reason_code == "too_many_files"


def test_a_mark_that_cannot_be_opened_is_not_made_anew(database: Database, tmp_path: Path) -> None:
    path = folder(tmp_path, "inbound")
    mark_root(path)
    before = (tmp_path / "inbound" / os.fsdecode(SENTINEL)).read_bytes()
    with no_descriptor_left(), pytest.raises(OSError, match="Too many open files"):
        mark_root(path)
    assert (tmp_path / "inbound" / os.fsdecode(SENTINEL)).read_bytes() == before


def test_a_mark_the_disk_fails_to_read_is_not_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = os.fsencode(tmp_path)
    root_uuid = mark_root(path)

    def failing_once(*_: object) -> int:
        monkeypatch.undo()
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("config.sentinel.os.open", failing_once)
    with pytest.raises(OSError, match="Input/output error"):
        mark_root(path)
    assert read_sentinel(path) == root_uuid


def test_a_mark_is_durable_before_it_has_its_name_and_that_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, synced = os.fsync, []

    def fsync(fd: int) -> None:
        real(fd)
        is_file = Path(os.readlink(f"/proc/self/fd/{fd}")).is_file()
        synced.append(("bytes" if is_file else "name", (tmp_path / os.fsdecode(SENTINEL)).exists()))

    monkeypatch.setattr("config.sentinel.os.fsync", fsync)
    mark_root(os.fsencode(tmp_path))
    assert synced == [("bytes", False), ("name", True)]
    mark_root(os.fsencode(tmp_path))  # whoever made it may have been killed before its name was durable
    assert synced[2:] == [("name", True)]


def test_the_wrong_disk_is_noticed(database: Database, tmp_path: Path) -> None:
    library = add(database, "inbound", folder(tmp_path, "inbound"))
    Path(os.fsdecode(library.sentinel)).unlink()
    mark_root(library.path)
    assert code_of(library) == "wrong_root"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe", b"\0" * 36, b"two\nlines"])
def test_a_damaged_mark_is_no_mark_and_is_made_anew_when_the_root_is_added(
    database: Database, tmp_path: Path, content: bytes
) -> None:
    path = folder(tmp_path, "inbound")
    mark = tmp_path / "inbound" / os.fsdecode(SENTINEL)
    mark.write_bytes(content)
    assert read_sentinel(path) is None
    library = add(database, "inbound", path)
    assert read_sentinel(path) == library.root_uuid
    mark.write_bytes(content)
    assert code_of(library) == "root_not_mounted"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: os.symlink("/etc/hostname", path)])
def test_a_mark_that_is_no_file_is_not_read(tmp_path: Path, make: object) -> None:
    assert callable(make)
    make(tmp_path / os.fsdecode(SENTINEL))
    assert read_sentinel(os.fsencode(tmp_path)) is None


def test_marking_leaves_no_other_file_behind(tmp_path: Path) -> None:
    (tmp_path / (os.fsdecode(SENTINEL) + ".new")).write_text("left by a crash, and longer than a mark will ever be")
    mark_root(os.fsencode(tmp_path))
    assert [entry.name for entry in tmp_path.iterdir()] == [os.fsdecode(SENTINEL)]
