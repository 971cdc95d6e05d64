"""What a file system must not do to a folder that is to hold people's only copy."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import pytest

from config.errors import Misconfigured
from processor.filesystem.fitness import refuse_unfit
from processor.transfers.probe import probe_pair

Patch = Callable[[pytest.MonkeyPatch], object]


def fail(*_arguments: object, **_options: object) -> NoReturn:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def replace_folders(old: Any, new: Any) -> None:
    """Rename as davfs2 does."""
    shutil.rmtree(new)
    os.mkdir(new)
    os.rmdir(old)


def lose_files(patch: pytest.MonkeyPatch) -> None:
    """Answer as smbnetfs does, whose connection is gone once it was asked for attributes."""

    def asked(_path: object) -> NoReturn:
        patch.setattr(os, "open", fail)
        fail()

    patch.setattr(os, "listxattr", asked)


def refused(path: Path) -> str:
    with pytest.raises(Misconfigured) as caught:
        refuse_unfit(os.fsencode(path))
    assert (caught.value.reason_code, caught.value.path) == ("unfit_filesystem", os.fsencode(path))
    assert list(path.rglob("*")) == []
    return caught.value.message


@pytest.mark.parametrize(
    ("like", "why"),
    [
        (lambda patch: patch.setattr(os, "rename", replace_folders), "replaces it, with all that is in it"),
        (lose_files, "cannot be opened any more (Input/output error)"),
    ],
)
def test_where_no_album_would_be_safe_a_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, like: Patch, why: str
) -> None:
    with monkeypatch.context() as patch:
        like(patch)
        assert why in refused(tmp_path)


def test_a_folder_that_cannot_be_listed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, "listdir", fail)
        with pytest.raises(Misconfigured, match="cannot be listed"):
            refuse_unfit(os.fsencode(tmp_path))


@pytest.mark.parametrize("call", ["mkdir", "write", "listxattr"])
def test_what_cannot_be_tried_is_no_reason_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """No room, no rights, no attributes: who makes the mark, or moves an album, tells of that."""
    monkeypatch.setattr(os, call, fail)
    refuse_unfit(os.fsencode(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_what_a_probe_that_was_killed_left_behind_is_taken_away_and_that_of_one_at_work_is_not(tmp_path: Path) -> None:
    for name in ("killed", "at-work"):
        (tmp_path / f".greenroom-probe-{name}" / "full").mkdir(parents=True)
        (tmp_path / f".greenroom-probe-{name}" / "full/file").touch()
    os.utime(tmp_path / ".greenroom-probe-killed", (0, 0))
    refuse_unfit(os.fsencode(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == [".greenroom-probe-at-work"]


@pytest.mark.parametrize("link", [".greenroom-probe-a", ".greenroom-probe-a/full"])
def test_what_a_link_called_like_a_probe_leads_to_stays(tmp_path: Path, link: str) -> None:
    theirs, root = tmp_path / "theirs", tmp_path / "root"
    (theirs / "full").mkdir(parents=True)
    for file in (theirs / "file", theirs / "full/file"):
        file.touch()
    (root / link).parent.mkdir(parents=True)
    (root / link).symlink_to(theirs)
    os.utime(root / ".greenroom-probe-a", (0, 0), follow_symlinks=False)
    refuse_unfit(os.fsencode(root))
    assert sorted(path.name for path in theirs.rglob("*")) == ["file", "file", "full"]


def test_nor_does_that_of_two_roots_leave_anything_behind(tmp_path: Path) -> None:
    inbound, staging = tmp_path / "inbound", tmp_path / "staging"
    (staging / ".greenroom-tx").mkdir(parents=True)
    inbound.mkdir()
    for folder in (inbound, staging / ".greenroom-tx"):
        for name in ("killed", "killed.b", "at-work"):
            (folder / f".greenroom-probe-{name}").touch()
            if name != "at-work":
                os.utime(folder / f".greenroom-probe-{name}", (0, 0))
    (inbound / ".greenroom-probe-theirs").write_bytes(b"x")
    os.utime(inbound / ".greenroom-probe-theirs", (0, 0))
    assert [*probe_pair(bytes(inbound), bytes(staging))]
    assert {path.name for path in inbound.iterdir()} == {".greenroom-probe-at-work", ".greenroom-probe-theirs"}
    assert [path.name for path in (staging / ".greenroom-tx").iterdir()] == [".greenroom-probe-at-work"]
