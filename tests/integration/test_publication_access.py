"""Rights and owners that a setting asks for → what a library's files and folders get, and what is told of the rest."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from config.errors import Misconfigured, Retryable
from processor.filesystem.files import Tree
from processor.publication.access import AS_IS, Access, give, make_above, mode_of, owner_of, rights_kept
from tests.faults.world import Steps

GIVEN = Access(0o640, 0o750)
PATHS = [b"Ada", b"Ada/1.mp3"]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "Ada").mkdir()
    (tmp_path / "Ada" / "1.mp3").write_bytes(b"sound")
    (tmp_path / "Ada" / "1.mp3").chmod(0o604)
    (tmp_path / "Ada").chmod(0o2705)
    return tmp_path


def given(library: Path, access: Access) -> list[tuple[str, bytes | None, str]]:
    with Tree(os.fsencode(library)) as tree:
        return [(reason.code, reason.path, reason.message) for reason in rights_kept(tree, give(tree, PATHS, access))]


def modes(library: Path) -> list[int]:
    return [(library / os.fsdecode(path)).stat().st_mode & 0o7777 for path in PATHS]


def called(monkeypatch: pytest.MonkeyPatch, call: str, number: int | None = None) -> list[tuple[Any, ...]]:
    """Note what a system call was asked for, but for the descriptor, instead of doing it; let it fail if asked to."""
    asked: list[tuple[Any, ...]] = []

    def note(_fd: int, *arguments: Any) -> None:
        asked.append(arguments)
        if number is not None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, note)
    return asked


@pytest.mark.parametrize(
    ("access", "after"),
    [
        (AS_IS, [0o2705, 0o604]),
        (GIVEN, [0o2750, 0o640]),  # what is made in a folder that hands its group on goes on getting that
        (Access(file=0o640), [0o2705, 0o640]),
        (Access(folder=0o750), [0o2750, 0o604]),
    ],
)
def test_files_and_folders_get_the_rights_that_are_asked_for(library: Path, access: Access, after: list[int]) -> None:
    assert given(library, access) == []
    assert modes(library) == after


def test_a_folder_that_hands_no_group_on_does_not_begin_to(library: Path) -> None:
    (library / "Ada").chmod(0o705)
    assert given(library, GIVEN) == []
    assert modes(library) == [0o750, 0o640]


@pytest.mark.parametrize(("text", "mode"), [("", None), ("640", 0o640), ("0644", 0o644), ("2775", 0o2775)])
def test_rights_are_read_as_chmod_reads_them(text: str, mode: int | None) -> None:
    assert mode_of(text, 0o600) == mode


@pytest.mark.parametrize("text", ["8", "64", "00640", "689", "u=rw", "0040", "0400"])
def test_what_are_no_rights_or_none_of_ours_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 664"):
        mode_of(text, 0o600)


def test_rights_are_set_once_and_durably(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = called(monkeypatch, "fsync")
    given(library, GIVEN)
    assert len(synced) == 2
    given(library, GIVEN)
    assert len(synced) == 2


@pytest.mark.parametrize("owner", [(1234, -1), (-1, 1234), (1234, 1234)])
def test_an_owner_or_a_group_is_given_where_it_is_another(
    library: Path, monkeypatch: pytest.MonkeyPatch, owner: tuple[int, int]
) -> None:
    asked = called(monkeypatch, "fchown")
    assert given(library, Access(uid=owner[0], gid=owner[1])) == []
    assert asked == [owner, owner]
    assert given(library, Access(uid=os.getuid(), gid=library.stat().st_gid)) == []
    assert given(library, Access(0o600)) == []
    assert asked == [owner, owner]


def test_what_is_refused_is_told_once_and_keeps_nothing_else_from_it(
    library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called(monkeypatch, "fchown", errno.EPERM)
    ((code, path, message),) = given(library, GIVEN._replace(uid=1234))
    assert (code, path) == ("rights_kept", b"Ada")
    assert message.startswith(f"{library}/Ada (and 1 more) keeps its rights or owner")
    assert modes(library) == [0o2750, 0o640]
    called(monkeypatch, "fchmod", errno.EPERM)
    (library / "Ada" / "1.mp3").chmod(0o600)
    ((code, path, message),) = given(library, GIVEN)
    assert (code, path) == ("rights_kept", b"Ada/1.mp3")
    assert message.startswith(f"{library}/Ada/1.mp3 keeps its rights or owner")


def test_folders_above_an_album_get_rights_unless_they_are_somebodys(library: Path) -> None:
    """An empty one may be what a killed try left; what has anything in it was there before."""
    empty = library / "Ada" / "1990s"
    empty.mkdir()
    (library / "Ada").chmod(0o705)
    with Tree(os.fsencode(library)) as tree:
        refused = make_above(tree, b"Ada/1990s/Live/Low Tide", GIVEN, Steps())
    assert refused == []
    assert [folder.stat().st_mode & 0o777 for folder in (library / "Ada", empty, empty / "Live")] == [
        0o705, 0o750, 0o750,
    ]  # fmt: skip
    assert not (empty / "Live" / "Low Tide").exists()


def test_the_largest_number_of_an_owner_is_one_and_the_next_would_change_nothing() -> None:
    assert owner_of("4294967294:4294967294") == (4294967294, 4294967294)
    for text in ("4294967295", ":4294967295"):
        with pytest.raises(Misconfigured, match="nobody here"):
            owner_of(text)


def test_a_disk_that_fails_to_set_rights_is_told(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called(monkeypatch, "fchmod", errno.EIO)
    with pytest.raises(Retryable) as raised:
        given(library, GIVEN)
    assert (raised.value.reason_code, raised.value.path) == ("io_error", b"Ada")
