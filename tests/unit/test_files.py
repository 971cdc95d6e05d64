from __future__ import annotations

import contextlib
import errno
import os
import shutil
from pathlib import Path

import pytest

from config.errors import NeedsReview, NoRoom, Rejected, Retryable
from processor.filesystem.files import Tree, is_file, write_whole
from processor.filesystem.open_folders import OPEN_FOLDERS
from processor.filesystem.paths import ancestors, within
from processor.filesystem.system_errors import explained, stops_root


@pytest.fixture
def root(tmp_path: Path) -> bytes:
    (tmp_path / "root" / "a" / "b").mkdir(parents=True)
    (tmp_path / "root" / "a" / "file").write_bytes(b"data")
    (tmp_path / "outside").mkdir()
    return os.fsencode(tmp_path / "root")


@pytest.mark.parametrize("path", [b"", b"/etc", b"..", b"a/../..", b"a//b", b"a/", b".", b"a/./b", b"a/\0"])
def test_a_path_that_could_leave_the_root_is_refused(root: bytes, path: bytes) -> None:
    with Tree(root) as tree, pytest.raises(Rejected, match="not a path below a root"):
        tree.stat(path)


def test_a_link_to_a_folder_is_not_followed(root: bytes, tmp_path: Path) -> None:
    os.symlink(tmp_path / "outside", tmp_path / "root" / "link")
    with Tree(root) as tree:
        with (
            pytest.raises(NeedsReview, match="link") as refused,
            explained("write", b"link/new"),
            tree.created(b"link/new"),
        ):
            pass
        with pytest.raises(OSError, match=r"Not a directory|symbolic"):
            tree.make(b"link")
    assert refused.value.path == b"link/new"
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_pipe_is_not_opened_as_a_file(root: bytes) -> None:
    os.mkfifo(os.path.join(root, b"pipe"))
    with Tree(root) as tree, pytest.raises(Rejected, match="not a plain file"), tree.opened(b"pipe"):
        pass


def test_a_rename_without_replace_spares_even_an_empty_folder(root: bytes) -> None:
    os.mkdir(os.path.join(root, b"empty"))
    with Tree(root) as tree, pytest.raises(FileExistsError):
        tree.rename_noreplace(b"a", b"empty")
    assert sorted(os.listdir(root)) == [b"a", b"empty"]


def test_after_a_rename_the_old_name_is_not_known_any_more(root: bytes) -> None:
    with Tree(root) as tree:
        assert tree.names(b"a/b") == []
        tree.rename_noreplace(b"a", b"c")
        os.mkdir(os.path.join(root, b"a"))
        assert tree.stat(b"a/file") is None
        assert tree.names(b"c") == [b"b", b"file"]


def test_many_folders_do_not_use_up_the_descriptors(root: bytes) -> None:
    with Tree(root) as tree:
        for n in range(100):
            tree.make(b"a/%d" % n)
        assert 0 < open_below(root) <= 17
    assert open_below(root) == 0


def open_below(root: bytes) -> int:
    """Count the descriptors of this process that are of a folder or of what is in it."""
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # the one that lists them
            found += os.fsencode(os.readlink(f"/proc/self/fd/{fd}")).startswith(os.path.realpath(root))
    return found


def test_our_own_small_file_is_there_whole(root: bytes) -> None:
    stray = Path(os.fsdecode(root)) / "note.new"
    stray.write_bytes(b"half a no")
    with Tree(root) as tree:
        write_whole(tree, b"note", b"first")
        write_whole(tree, b"note", b"second")
        assert tree.names(b"") == [b"a", b"note"]
    assert (Path(os.fsdecode(root)) / "note").read_bytes() == b"second"


@pytest.mark.parametrize(
    ("number", "kind", "code", "stops"),
    [
        (errno.ENOSPC, NoRoom, "disk_full", True),
        (errno.EDQUOT, NoRoom, "quota_full", True),
        (errno.EROFS, Retryable, "read_only", True),
        (errno.EIO, Retryable, "io_error", True),
        (errno.EBUSY, Retryable, "busy", False),
        (errno.ETXTBSY, Retryable, "busy", False),
        (errno.EAGAIN, Retryable, "late", False),
        (errno.ENFILE, Retryable, "too_many_files", False),
        (errno.EMFILE, Retryable, "too_many_files", False),
        (errno.EACCES, NeedsReview, "permission_denied", False),
        (errno.ENOTEMPTY, NeedsReview, "target_exists", False),
        (errno.ECHILD, Retryable, "system_error", False),
    ],
)
def test_an_error_names_the_file_and_the_way_out(number: int, kind: type[Exception], code: str, stops: bool) -> None:
    with pytest.raises((Retryable, NeedsReview)) as raised, explained("write", b"caf\xe9/1.mp3"):
        raise OSError(number, os.strerror(number))
    error = raised.value
    assert (type(error), error.reason_code, error.path, stops_root(error)) == (kind, code, b"caf\xe9/1.mp3", stops)
    assert error.message.startswith(f"could not write caf\\xe9/1.mp3: {os.strerror(number)}; ")
    assert "tried again" not in error.message, "nobody does that for a command"


def test_an_error_below_a_root_names_the_root_too_which_says_the_disk(root: bytes) -> None:
    with Tree(root) as tree:
        with pytest.raises(NoRoom) as raised, tree.explained("write", b"caf\xe9/1.mp3"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        assert raised.value.message.startswith(f"could not write {os.fsdecode(root)}/caf\\xe9/1.mp3: No space left")
        assert raised.value.path == b"caf\xe9/1.mp3"
        with pytest.raises(Rejected, match=f"^{os.fsdecode(root)}/a is not a plain file"), tree.opened(b"a"):
            pass


def test_paths_are_joined_and_taken_apart() -> None:
    assert list(ancestors(b"a/b/c")) == [b"a/b", b"a"]
    assert [within(b"", b"x"), within(b"a", b""), within(b"a", b"x")] == [b"x", b"a", b"a/x"]


def test_a_new_file_takes_no_name_that_is_there(root: bytes) -> None:
    Path(os.fsdecode(root), "mine").write_bytes(b"somebody's")
    with Tree(root) as tree, pytest.raises(FileExistsError), tree.created(b"mine"):
        pass
    assert Path(os.fsdecode(root), "mine").read_bytes() == b"somebody's"


@pytest.mark.parametrize("way", ["link", "rename", "rename_noreplace", "exchange"])
def test_two_names_deeper_than_the_open_folders_reach_are_the_ones_that_were_meant(root: bytes, way: str) -> None:
    below = b"/".join(b"%d" % n for n in range(OPEN_FOLDERS + 4))
    for top, content in ((b"one/", b"meant"), (b"other/", b"there")):
        for depth in range(1, below.count(b"/") + 2):
            folder = os.path.join(root, top, *below.split(b"/")[:depth])
            os.makedirs(folder)
            Path(os.fsdecode(os.path.join(folder, b"file"))).write_bytes(content)
    old, new = b"one/" + below + b"/file", b"other/" + below + b"/new"
    with Tree(root) as tree:
        if way == "link":
            tree.link(old, tree, new)
        elif way == "exchange":
            new = b"other/" + below + b"/file"
            tree.exchange(old, new)
        else:
            getattr(tree, way)(old, new)
        with tree.opened(new) as fd:
            assert os.read(fd, 10) == b"meant"
    assert open_below(root) == 0


def test_a_tree_deeper_than_any_stack_is_walked_and_changed(root: bytes) -> None:
    deepest = b"/".join([b"d"] * 600)
    with Tree(root) as tree:
        for folder in reversed([deepest, *ancestors(deepest)]):
            tree.make(folder)
        with tree.created(deepest + b"/file"):
            pass
        assert 0 < open_below(root) <= OPEN_FOLDERS + 1
    with Tree(root) as tree:
        assert is_file(tree.stat(deepest + b"/file"))
        (path, found), *folders = [one for one in tree.below(b"") if one[0].startswith(b"d")]
        assert (path, is_file(found)) == (deepest + b"/file", True)
        assert [path for path, _ in folders] == [deepest, *ancestors(deepest)]
        tree.unlink(path)
        for folder, _ in folders:
            tree.rmdir(folder)
        assert tree.names(b"") == [b"a"]


def test_what_goes_away_while_a_tree_is_walked_is_left_out(root: bytes) -> None:
    for name in (b"1", b"2", b"3"):
        os.makedirs(os.path.join(root, name, b"in"))
    with Tree(root) as tree:
        seen = []
        for path, _ in tree.below(b""):
            seen.append(path)
            if path == b"1":
                shutil.rmtree(os.path.join(root, b"2"))
                shutil.rmtree(os.path.join(root, b"a"))
    assert seen == [b"1/in", b"1", b"3/in", b"3"]
