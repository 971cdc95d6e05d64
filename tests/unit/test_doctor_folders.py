"""Doctor names folders of inbound this user could take no album out of, and calls no disk full that counts nothing."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.libraries import Library
from daemon.doctor.folders import LOOKED_INTO, NAMED, examine_folders
from daemon.doctor.roots import examine_data
from daemon.finding import Finding
from daemon.web.roots import examine
from processor.staging.shut import shut, why_shut
from scanner.ignore import IgnoreRules

root_only = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
NOBODY = 65534


@pytest.fixture
def inbound() -> Iterator[Path]:
    """Return a folder that anybody can reach, with one album of somebody who is not root."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        Path(folder).chmod(0o755)
        root = Path(folder, "inbound")
        for path in (root, root / "album", root / "album" / "01.flac"):
            path.touch() if path.suffix else path.mkdir()
            os.chown(path, NOBODY, NOBODY) if os.geteuid() == 0 else None
        yield root


def examined(root: Path, patterns: tuple[str, ...] = ()) -> list[Finding]:
    return list(examine_folders(Library(1, "inbound", "music", os.fsencode(root), ""), patterns))


@contextlib.contextmanager
def nobody() -> Iterator[None]:
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def no_listing(album: Path) -> None:
    album.chmod(0o300)


def no_search(album: Path) -> None:
    album.chmod(0o600)


def no_writing(album: Path) -> None:
    os.chown(album, 0, 0)


def sticky(album: Path) -> None:
    os.chown(album, 0, 0)
    os.chown(album / "01.flac", 0, 0)
    album.chmod(0o1777)


@root_only
@pytest.mark.parametrize(
    ("spoil", "said", "advice"),
    [
        (no_listing, "cannot be looked into: Permission denied", "`setfacl`"),
        (no_search, "cannot be looked into: Permission denied", "`setfacl`"),
        (no_writing, "may not change the folder (Permission denied)", "give it write permission"),
        (sticky, "Its sticky bit lets only their owners take files out", "`chmod -t` ends that"),
    ],
)
def test_a_folder_that_keeps_its_files_is_named_with_what_ends_that(
    inbound: Path, spoil: Callable[[Path], None], said: str, advice: str
) -> None:
    with nobody():
        assert [finding.level for finding in examined(inbound)] == ["ok"]
    spoil(inbound / "album")
    with nobody():
        (found,) = examined(inbound)
    assert (found.level, found.code) == ("problem", "shut_folder")
    assert found.message.startswith(f"{inbound}/album: ")
    assert said in found.message
    assert advice in found.message
    assert "and this is nobody (in " in found.message


@root_only
def test_what_is_below_a_folder_that_may_not_be_entered_is_named_too(inbound: Path) -> None:
    (inbound / "album" / "CD 2").mkdir()
    no_search(inbound / "album")
    with nobody():
        messages = [finding.message.partition(": ")[0] for finding in examined(inbound)]
    assert messages == [f"{inbound}/album", f"{inbound}/album/CD 2"]


@root_only
@pytest.mark.parametrize("kept", ["a", "i"])  # only of the latter does access(2) know
def test_a_folder_that_is_immutable_is_named_even_to_root(inbound: Path, kept: str) -> None:
    if not shutil.which("chattr"):
        pytest.skip("chattr is not installed; apt-get install e2fsprogs")
    if subprocess.run(["chattr", f"+{kept}", inbound / "album"], check=False, capture_output=True).returncode:
        pytest.skip("this file system has no such attribute")
    try:
        (found,) = examined(inbound)
    finally:
        subprocess.run(["chattr", f"-{kept}", inbound / "album"], check=True)
    assert "`chattr -i -a` ends that" in found.message


@root_only
def test_files_of_ones_own_and_folders_without_files_are_no_trouble(inbound: Path) -> None:
    os.chown(inbound, 0, 0)
    os.chown(inbound / "album", 0, 0)
    (inbound / "album").chmod(0o1777)
    with nobody():
        assert [finding.level for finding in examined(inbound)] == ["ok"]


@root_only
def test_what_is_ignored_is_not_looked_into(inbound: Path) -> None:
    no_listing(inbound / "album")
    IgnoreRules.of(("album/",))  # what it imports may be where nobody can read
    with nobody():
        assert [finding.level for finding in examined(inbound, ("album/",))] == ["ok"]


@root_only
def test_a_few_folders_are_named_and_the_others_counted_and_of_a_huge_tree_the_first_are_looked_into(
    inbound: Path,
) -> None:
    for n in range(NAMED + 2):
        (inbound / f"{n}").mkdir(mode=0o700)
    with nobody():
        found = examined(inbound)
    assert len(found) == NAMED + 1
    assert "so it is with 2 more of all folders of inbound" in found[-1].message
    for n in range(LOOKED_INTO):
        (inbound / f"-{n}").mkdir()
    with nobody():
        assert [finding.level for finding in examined(inbound)] == ["ok"]


@root_only
def test_of_a_folder_many_share_only_the_files_of_others_stay(inbound: Path) -> None:
    """As of people who drop their albums into one folder with a sticky bit, /tmp say, and a daemon with files there."""
    (inbound / "album" / "02.flac").touch()
    sticky(inbound / "album")
    os.chown(inbound / "album" / "02.flac", NOBODY, NOBODY)
    with nobody():  # and one of them that went since it was found
        found = shut(os.fsencode(inbound), [b"album/00.flac", b"album/01.flac", b"album/02.flac"])
    assert [(path, reason.path) for path, reason in found.items()] == [(b"album/01.flac", b"album")]
    no_writing(inbound / "album")
    (inbound / "album").chmod(0o755)
    with nobody():
        assert list(shut(os.fsencode(inbound), [b"album/01.flac", b"album/02.flac"])) == [b"album"]


@root_only
def test_of_what_cannot_be_reached_nothing_is_said_here(inbound: Path) -> None:
    no_search(inbound)
    with nobody():
        assert why_shut(os.fsencode(inbound / "album"), [b"01.flac"]) is None
    inbound.chmod(0o755)
    (inbound / "album" / "01.flac").unlink()
    sticky_folder = inbound / "album"
    os.chown(sticky_folder, 0, 0)
    sticky_folder.chmod(0o1777)
    with nobody():
        assert why_shut(os.fsencode(sticky_folder), [b"01.flac"]) is None


@root_only
def test_a_disk_that_counts_nothing_is_not_called_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = "does not say how much is free"
    assert told in [text for _, text in examine(b"/proc", "library", "music", [])][-1]
    assert "cannot be used" in examine_data(Path("/proc")).message, "it counts nothing and takes nothing"
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result((4096, 4096, *[0] * 7, 255)))  # as some FUSE have it
    assert told in examine_data(tmp_path).message
