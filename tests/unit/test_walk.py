"""Messy trees: what the walk finds, what it leaves alone and why, and what changes a folder's digest."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path

import pytest

from config.errors import Misconfigured
from scanner.ignore import (
    JUNK_NAMES,
    JUNK_PREFIXES,
    TEMP_FOLDER_PREFIXES,
    TEMP_FOLDER_SUFFIXES,
    TEMP_PREFIXES,
    TEMP_SUFFIXES,
    IgnoreRules,
    built_in,
)
from scanner.walk import Folder, walk


def look(root: Path, *patterns: str) -> dict[bytes, Folder]:
    return {folder.path: folder for folder in walk(os.fsencode(root), IgnoreRules.of(patterns))}


def names(folder: Folder) -> list[bytes]:
    return [file[0] for file in folder.files]


def reasons(folders: dict[bytes, Folder]) -> dict[bytes | None, str]:
    return {reason.path: reason.code for folder in folders.values() for reason in folder.ignored}


def write(path: Path, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_folders_come_parents_first_and_sorted_with_their_files(tmp_path: Path) -> None:
    for name in ("b/2.flac", "b/1.flac", "a/cd1/1.flac", "loose.mp3"):
        write(tmp_path / name)
    found = look(tmp_path)
    assert list(found) == [b"", b"a", b"a/cd1", b"b"]
    assert names(found[b"b"]) == [b"1.flac", b"2.flac"]
    assert names(found[b""]) == [b"loose.mp3"]


def test_the_mark_of_the_root_needs_no_explanation_but_one_below_it_does(tmp_path: Path) -> None:
    write(tmp_path / ".greenroom-root")
    write(tmp_path / "a" / ".greenroom-root")
    assert reasons(look(tmp_path)) == {b"a/.greenroom-root": "own_file"}


def test_names_are_bytes_whatever_they_hold(tmp_path: Path) -> None:
    folder = os.path.join(os.fsencode(tmp_path), b"\xff\xfe\nalbum")
    os.mkdir(folder)
    longest = b"n" * 250 + b".flac"
    for name in (b"\xe9t\xe9.flac", b"new\nline.flac", longest):
        os.close(os.open(os.path.join(folder, name), os.O_CREAT | os.O_WRONLY))
    assert names(look(tmp_path)[b"\xff\xfe\nalbum"]) == [b"new\nline.flac", longest, b"\xe9t\xe9.flac"]


def test_links_are_told_and_never_followed(tmp_path: Path) -> None:
    write(tmp_path / "outside" / "secret.flac")
    inbound = tmp_path / "inbound"
    write(inbound / "album" / "01.flac")
    (inbound / "album" / "loop").symlink_to(inbound)
    (inbound / "away").symlink_to(tmp_path / "outside")
    (inbound / "album" / "02.flac").symlink_to(tmp_path / "outside" / "secret.flac")
    (inbound / "broken").symlink_to("nowhere")
    found = look(inbound)
    assert list(found) == [b"", b"album"]
    assert names(found[b"album"]) == [b"01.flac"]
    assert reasons(found) == {b"album/loop": "link", b"away": "link", b"album/02.flac": "link", b"broken": "link"}


def test_fifos_and_sockets_are_told_and_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "01.flac")  # opening it would block for ever
    monkeypatch.chdir(tmp_path)  # a socket's path may be no longer than 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("02.flac")
        found = look(tmp_path)
    assert names(found[b""]) == []
    assert reasons(found) == {b"01.flac": "not_a_regular_file", b"02.flac": "not_a_regular_file"}


def test_junk_is_told_and_does_not_hold_the_album_up(tmp_path: Path) -> None:
    for name in ("album/01.flac", "album/.DS_Store", "album/@eaDir/01.flac/x.jpg", "album/.hidden.flac"):
        write(tmp_path / name)
    found = look(tmp_path)
    assert reasons(found) == {b"album/.DS_Store": "junk", b"album/@eaDir": "junk", b"album/.hidden.flac": "hidden"}
    assert found[b"album"].unseen() is None


@pytest.mark.parametrize(("name", "code"), [("02.flac.part", "partial_download"), ("01.flac.aria2", "temp_sibling")])
def test_a_download_that_is_not_whole_holds_its_album_up(tmp_path: Path, name: str, code: str) -> None:
    write(tmp_path / "album" / "01.flac")
    write(tmp_path / "album" / name)
    folder = look(tmp_path)[b"album"]
    assert names(folder) == [b"01.flac"]
    reason = folder.unseen()
    assert reason is not None
    assert (reason.code, reason.path) == (code, b"album/" + name.encode())


def test_a_folder_that_is_being_unpacked_holds_up_the_album_around_it_but_not_the_root(tmp_path: Path) -> None:
    for name in ("loose.mp3", "_UNPACK_x/1.flac", "album/cd1.flac", "album/_UNPACK_cd2/1.flac"):
        write(tmp_path / name)
    found = look(tmp_path)
    assert list(found) == [b"", b"album"]
    assert found[b""].unseen() is None
    assert found[b"album"].unseen() is not None


def test_patterns_and_ignore_files_hold_for_everything_below(tmp_path: Path) -> None:
    for name in ("a/1.flac", "a/1.log", "a/x/2.log", "b/1.log", "b/Samples/s.wav"):
        write(tmp_path / name)
    write(tmp_path / "a" / ".greenroomignore", b"*.log\n")
    found = look(tmp_path, "Samples/")
    assert names(found[b"a"]) == [b"1.flac"]
    assert names(found[b"a/x"]) == []
    assert names(found[b"b"]) == [b"1.log"]
    assert b"b/Samples" not in found
    assert reasons(found)[b"b/Samples"] == "ignored_by_pattern"


def test_an_ignore_file_that_is_a_link_or_nonsense_is_told(tmp_path: Path) -> None:
    write(tmp_path / "outside", b"*\n")
    write(tmp_path / "in" / "a" / "1.flac")
    (tmp_path / "in" / "a" / ".greenroomignore").symlink_to(tmp_path / "outside")
    write(tmp_path / "in" / "b" / ".greenroomignore", b"*a*a*a*a*b\n")
    found = look(tmp_path / "in")
    assert names(found[b"a"]) == [b"1.flac"]
    assert [r.code for r in found[b"a"].ignored] == ["bad_ignore_file", "own_file"]
    assert [r.code for r in found[b"b"].ignored] == ["bad_ignore_file", "own_file"]


def test_a_folder_called_like_an_ignore_file_is_told_and_leaves_nothing_open(tmp_path: Path) -> None:
    (tmp_path / ".greenroomignore").mkdir()
    before = os.listdir("/proc/self/fd")
    found = look(tmp_path)
    assert [r.code for r in found[b""].ignored] == ["bad_ignore_file", "own_file"]
    assert os.listdir("/proc/self/fd") == before


def test_two_hundred_levels_are_walked_and_paths_beyond_the_limit_are_told(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * 200)
    write(deep / "01.flac")
    found = look(tmp_path)
    assert names(found[b"/".join([b"d"] * 200)]) == [b"01.flac"]

    top = os.open(tmp_path, os.O_RDONLY)
    for _ in range(20):  # 20 names of 250 bytes: longer than PATH_MAX, which only a relative walk can make
        os.mkdir(b"l" * 250, dir_fd=top)
        below = os.open(b"l" * 250, os.O_RDONLY, dir_fd=top)
        os.close(top)
        top = below
    os.close(top)
    found = look(tmp_path)
    told = [reason for folder in found.values() for reason in folder.ignored]
    assert [reason.code for reason in told] == ["name_too_long"]
    assert all(found[reason.path or b""].unseen() for reason in told)
    _remove_chain(tmp_path, b"l" * 250)


def _remove_chain(top: Path, name: bytes) -> None:
    """Take away a chain of folders whose path is longer than any call accepts."""
    descriptors = [os.open(top, os.O_RDONLY)]
    while name in map(os.fsencode, os.listdir(descriptors[-1])):
        descriptors.append(os.open(name, os.O_RDONLY, dir_fd=descriptors[-1]))
    while len(descriptors) > 1:
        os.close(descriptors.pop())
        os.rmdir(name, dir_fd=descriptors[-1])
    os.close(descriptors.pop())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may look into every folder")
def test_a_folder_closed_to_us_is_told_and_holds_its_album_up(tmp_path: Path) -> None:
    closed = tmp_path / "album" / "cd2"
    write(closed / "01.flac")
    closed.chmod(0)
    try:
        found = look(tmp_path)
    finally:
        closed.chmod(0o700)
    assert reasons(found) == {b"album/cd2": "unreadable_folder"}
    assert found[b"album/cd2"].unseen() is not None


class Untold:
    """What is listed where listings tell no kinds, in a folder that may be read but not searched."""

    name = b"01.flac"

    def is_dir(self, *, follow_symlinks: bool) -> bool:
        raise PermissionError(13, "Permission denied")


def test_what_cannot_even_be_told_from_a_folder_holds_its_album_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listings = iter([nullcontext([Untold()])])
    monkeypatch.setattr(os, "scandir", lambda _: next(listings))
    found = look(tmp_path)
    assert reasons(found) == {b"01.flac": "unreadable_file"}
    assert found[b""].unseen() is not None


def test_a_root_that_is_not_there_is_a_wrong_setting(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="cannot be listed"):
        look(tmp_path / "gone")


def _let_the_clock_tick(file: Path) -> None:
    """Older kernels stamp files with a clock that moves every few milliseconds; go on once it has moved."""
    probe = file.with_name("probe")
    while write(probe).stat().st_ctime_ns <= file.stat().st_ctime_ns:
        pass
    probe.unlink()


def _grow(album: Path) -> None:
    with (album / "01.flac").open("ab") as file:
        file.write(b"y")


def _edit_in_place_and_hide_it(album: Path) -> None:
    file = album / "01.flac"
    before = file.stat()
    file.write_bytes(b"y")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))  # as `cp -p` and rsync do


def _replace(album: Path) -> None:
    write(album / "new", b"x").rename(album / "01.flac")


def _rename(album: Path) -> None:
    (album / "01.flac").rename(album / "02.flac")


def _add(album: Path) -> None:
    write(album / "02.flac")


def _remove(album: Path) -> None:
    (album / "01.flac").unlink()


@pytest.mark.parametrize("change", [_grow, _edit_in_place_and_hide_it, _replace, _rename, _add, _remove])
def test_any_change_changes_the_digest(tmp_path: Path, change: Callable[[Path], None]) -> None:
    write(tmp_path / "album" / "01.flac")
    before = look(tmp_path)[b"album"].digest
    assert look(tmp_path)[b"album"].digest == before
    _let_the_clock_tick(tmp_path / "album" / "01.flac")
    change(tmp_path / "album")
    assert look(tmp_path)[b"album"].digest != before


def test_junk_does_not_change_the_digest(tmp_path: Path) -> None:
    write(tmp_path / "album" / "01.flac")
    before = look(tmp_path)[b"album"].digest
    write(tmp_path / "album" / ".DS_Store")
    assert look(tmp_path)[b"album"].digest == before


@pytest.mark.parametrize("is_folder", [False, True], ids=["files", "folders"])
def test_no_name_that_is_spared_a_closer_look_is_one_to_leave_alone(tmp_path: Path, is_folder: bool) -> None:
    firsts = (*JUNK_PREFIXES, *TEMP_PREFIXES, *TEMP_FOLDER_PREFIXES, b"", b"a", b".", b"...", b"@", b"Vol. ")
    lasts = (*TEMP_SUFFIXES, *TEMP_FOLDER_SUFFIXES, b"", b"b", b".flac", b".part-Frag1", b".abc.Q1w2e3", b".5")
    there = {*JUNK_NAMES, *(first + last for first in firsts for last in lasts)} - {b"", b".", b"..", b"..."}
    there |= {name.upper() for name in there}
    for name in there:
        place = os.fsencode(tmp_path) + b"/" + name
        os.mkdir(place) if is_folder else os.close(os.open(place, os.O_CREAT | os.O_WRONLY))
    root = (found := look(tmp_path))[b""]
    assert found.keys() - {b""} | {*names(root)} == {name for name in there if not built_in(name, is_folder)}
    assert reasons({b"": root}).keys() == {name for name in there if built_in(name, is_folder)}
