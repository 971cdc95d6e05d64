"""One step on a media tree → one system call below an open root."""

from __future__ import annotations

import errno
import os
import stat as modes
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property

from config.errors import Rejected
from config.leave import changing
from processor.filesystem import syscalls
from processor.filesystem.open_folders import OpenFolders
from processor.filesystem.paths import within
from processor.filesystem.rights import rights_spared, set_mode

# O_NONBLOCK, because opening a FIFO would otherwise wait for its writer; on plain files it means nothing.
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK


def is_file(found: os.stat_result | None) -> bool:
    """Tell whether something is there and is a plain file."""
    return found is not None and modes.S_ISREG(found.st_mode)


def is_folder(found: os.stat_result | None) -> bool:
    """Tell whether something is there and is a folder."""
    return found is not None and modes.S_ISDIR(found.st_mode)


class Tree(OpenFolders):
    """What can be done to files and folders below one root.

    Paths are relative to the root, b"" is the root itself. Methods raise OSError as the system does (wrap them in
    `explained`), Rejected for a path that could leave the root, and LeaseLost instead of changing any name for work
    that nobody waits for any more (config.leave).
    """

    def stat(self, path: bytes) -> os.stat_result | None:
        """Look at what stands there, a link as itself; None if nothing does."""
        try:
            above, name = self._at(path)
            return os.stat(name, dir_fd=above, follow_symlinks=False)
        except FileNotFoundError:
            return None

    @cached_property
    def is_made_up(self) -> bool:
        """Whether a program (FUSE) or another machine answers for it, and no local disk: its file system has no id."""
        return os.fstatvfs(self._root).f_fsid == 0

    def stat_anew(self, path: bytes) -> os.stat_result | None:
        """Do what `stat` does, but ask the file system where the kernel would answer from memory."""
        with suppress(FileNotFoundError):
            above, name = self._at(path)
            syscalls.refresh(above, name)
        return self.stat(path)

    def names(self, path: bytes) -> list[bytes]:
        """List a folder, sorted."""
        folder = self.folder(path)
        os.lseek(folder, 0, os.SEEK_SET)  # else btrfs leaves out what came into it since it was opened
        return sorted(os.fsencode(name) for name in os.listdir(folder))

    def below(self, path: bytes) -> Iterator[tuple[bytes, os.stat_result]]:
        """Yield whatever is below a folder, links as themselves: what is in a folder, by name, and then the folder.

        What goes away meanwhile is left out.
        """
        left: list[tuple[bytes, os.stat_result | None, Iterator[bytes]]] = [(path, None, iter(self.names(path)))]
        while left:
            folder, itself, names = left[-1]
            for inner in (within(folder, name) for name in names):
                if is_folder(found := self.stat(inner)):
                    with suppress(FileNotFoundError):
                        left.append((inner, found, iter(self.names(inner))))
                        break
                elif found is not None:
                    yield inner, found
            else:
                left.pop()
                if itself is not None:
                    yield folder, itself

    @contextmanager
    def opened(self, path: bytes, *, write: bool = False) -> Iterator[int]:
        """Open a plain file for reading, or for both; raise Rejected for anything else."""
        above, name = self._at(path)
        with changing(self.root) if write else nullcontext():
            fd = os.open(name, (os.O_RDWR if write else os.O_RDONLY) | _FILE, dir_fd=above)
        try:
            if not is_file(os.fstat(fd)):
                raise Rejected(f"{self.shown(path)} is not a plain file", code="not_a_file", path=path)
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def created(self, path: bytes) -> Iterator[int]:
        """Create a file that was not there, for writing, readable by nobody else yet."""
        above, name = self._at(path)
        with changing(self.root):
            fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o600, dir_fd=above)
        try:
            yield fd
        finally:
            os.close(fd)

    def make(self, path: bytes, mode: int = 0o777) -> None:
        """Make one folder; one that is there already is fine, anything else is not. The caller syncs the one above."""
        above, name = self._at(path)
        with suppress(FileExistsError), changing(self.root):
            os.mkdir(name, mode, dir_fd=above)
        self.folder(path)  # raises if a link or a file stands there

    def make_alike(self, path: bytes) -> None:
        """Make one folder for the owner, and with at least the rights, of the one it is in; one that is there stays."""
        above, name = self._at(path)
        with changing(self.root):
            try:
                os.mkdir(name, dir_fd=above)
            except FileExistsError:
                self.folder(path)
                return
            like, made = os.fstat(above), self.folder(path)
            with rights_spared():
                os.fchown(made, like.st_uid, like.st_gid)
            set_mode(made, modes.S_IMODE(os.fstat(made).st_mode | like.st_mode) & 0o2777)

    def sync(self, path: bytes, *, missing_ok: bool = False) -> None:
        """Make the names in a folder durable."""
        try:
            os.fsync(self.folder(path))
        except FileNotFoundError:
            if not missing_ok:
                raise

    def open_content(self, path: bytes) -> int:
        """Open a file, whatever it is, only to look at it and to sync it; the caller closes it."""
        above, name = self._at(path)
        return os.open(name, os.O_RDONLY | _FILE, dir_fd=above)

    def sync_content(self, path: bytes) -> None:
        """Make a file's bytes durable."""
        fd = self.open_content(path)
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def unlink(self, path: bytes, *, missing_ok: bool = False) -> None:
        """Remove one name of a file."""
        try:
            above, name = self._at(path)
            with changing(self.root):
                os.unlink(name, dir_fd=above)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        above, name = self._at(path)
        with changing(self.root):
            os.rmdir(name, dir_fd=above)
        self._forget(path)

    @contextmanager
    def _pair(self, path: bytes, into: Tree, target: bytes) -> Iterator[tuple[int, bytes, int, bytes]]:
        """Yield the folders of two paths, with the names in them; the first stays open however deep the second is."""
        above, name = self._at(path)
        if into is not self:
            yield above, name, *into._at(target)
            return
        above = os.dup(above)
        try:
            yield above, name, *self._at(target)
        finally:
            os.close(above)

    def link(self, path: bytes, into: Tree, target: bytes) -> None:
        """Give a file one more name in another tree; fails if the name is taken."""
        with self._pair(path, into, target) as (above, name, there, new):
            # The call would say so, too, once it has found the source: a disk that hangs then would keep the other one.
            if into is not self and os.fstat(above).st_dev != os.fstat(there).st_dev:
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            with changing(self.root), changing(into.root):
                os.link(name, new, src_dir_fd=above, dst_dir_fd=there, follow_symlinks=False)
        if into.is_made_up:
            into.stat_anew(target)  # for a second gocryptfs 2.3 would tell the size of the encrypted file

    def tells_links(self, path: bytes) -> bool:
        """Tell whether two names of one file show one inode, by giving a file of ours a second one for a moment."""
        second = path + b".new"
        self.unlink(second, missing_ok=True)
        self.link(path, self, second)
        one, other = self.stat(path), self.stat(second)
        self.unlink(second)
        return one is not None and other is not None and os.path.samestat(one, other)

    def rename(self, old: bytes, new: bytes) -> None:
        """Rename within the tree, over what has the new name. For names of our own only."""
        with self._pair(old, self, new) as (above, name, there, other), changing(self.root):
            os.rename(name, other, src_dir_fd=above, dst_dir_fd=there)
        self._forget(old)
        self._forget(new)

    def rename_noreplace(self, old: bytes, new: bytes) -> None:
        """Rename within the tree, or raise EEXIST; EINVAL or ENOSYS where this cannot be done."""
        self._rename_by(syscalls.RENAME_NOREPLACE, old, new)

    def exchange(self, one: bytes, other: bytes) -> None:
        """Let two names within the tree change places, at once; EINVAL or ENOSYS where this cannot be done."""
        self._rename_by(syscalls.RENAME_EXCHANGE, one, other)

    def _rename_by(self, flag: int, old: bytes, new: bytes) -> None:
        with self._pair(old, self, new) as (above, name, there, other), changing(self.root):
            syscalls.rename(above, name, there, other, flag)
        self._forget(old)
        self._forget(new)


def write_all(fd: int, data: bytes) -> None:
    """Write all bytes to an open file; one call may write fewer."""
    left = memoryview(data)
    while left:
        left = left[os.write(fd, left) :]


def write_whole(tree: Tree, path: bytes, data: bytes, *, over: bool = False) -> None:
    """Write one of our own small files so that it is there whole or not at all, unless the power fails.

    The caller makes it durable: its content (its way to the disk has begun then) and its folder. `over` is for a file
    that takes another one's place: whatever fails, one of the two is there, so its content is durable before that.
    """
    fresh = path + b".new"
    if tree.stat(fresh) is not None:
        tree.unlink(fresh)
    with tree.created(fresh) as fd:
        set_mode(fd, 0o644)
        write_all(fd, data)
        if over:
            os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    tree.rename(fresh, path)
