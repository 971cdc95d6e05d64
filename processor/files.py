"""One step on a media tree → one system call below an open root; what failed → an error that says what to do."""

from __future__ import annotations

import ctypes
import errno
import os
import stat as modes
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from itertools import chain
from types import TracebackType

from config.errors import GreenroomError, NeedsReview, Rejected, Retryable
from config.reasons import show_path
from processor.rights import rights_spared, set_mode

OPEN_FOLDERS = 16  # per tree; bounds the descriptors, however many folders an album has
RENAME_NOREPLACE, RENAME_EXCHANGE = 1, 2  # linux/fs.h
_ASK_ANEW = 0x2000 | 0x100  # AT_STATX_FORCE_SYNC | AT_SYMLINK_NOFOLLOW, linux/fcntl.h
_BASIC, _STATX = 0x7FF, 256  # STATX_BASIC_STATS, linux/stat.h; bytes of struct statx
_NO_NAMES = frozenset((b"", b".", b".."))
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK, because opening a FIFO would otherwise wait for its writer; on plain files it means nothing.
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_libc = ctypes.CDLL(None, use_errno=True)

# What an errno asks for: (who can help, code, advice).
_MEANING: dict[int, tuple[type[GreenroomError], str, str]] = {
    errno.ENOSPC: (Retryable, "disk_full", "free some space; it is tried again"),
    errno.EDQUOT: (Retryable, "quota_full", "raise the quota or free some space; it is tried again"),
    errno.EROFS: (
        Retryable,
        "read_only",
        "the file system went read-only, often after an error; check the kernel's log",
    ),
    errno.EIO: (Retryable, "io_error", "the disk could not read or write; check the kernel's log and the disk"),
    # A share that went away, or a file system whose program (FUSE) died or was told to give up.
    **dict.fromkeys(
        (errno.ESTALE, errno.ENOTCONN, errno.ECONNABORTED, errno.ENODEV, errno.EHOSTDOWN, errno.ETIMEDOUT),
        (Retryable, "stale_mount", "mount it again"),
    ),
    errno.EBUSY: (Retryable, "busy", "something else uses it; it is tried again"),
    errno.ETXTBSY: (Retryable, "busy", "something else uses it; it is tried again"),
    errno.EMFILE: (Retryable, "too_many_files", "lower the number of workers or raise LimitNOFILE"),
    errno.ENFILE: (Retryable, "too_many_files", "the machine has too many files open; it is tried again"),
    errno.ENOENT: (Retryable, "vanished", "it was there when the plan was made; the next scan looks again"),
    errno.EACCES: (NeedsReview, "permission_denied", "give the user Greenroom runs as the right to it"),
    errno.EPERM: (NeedsReview, "permission_denied", "give the user Greenroom runs as the right to it"),
    errno.EEXIST: (NeedsReview, "target_exists", "nothing is ever overwritten; look at what is there"),
    errno.ENOTEMPTY: (NeedsReview, "target_exists", "nothing is ever overwritten; look at what is there"),
    errno.ELOOP: (NeedsReview, "not_a_plain_path", "a link stands where a file or folder was; links are not followed"),
    errno.ENOTDIR: (NeedsReview, "not_a_plain_path", "something else stands where a folder was"),
    errno.EXDEV: (
        NeedsReview,
        "other_filesystem",
        "a mount, a subvolume or an overlay's lower layer is there; make a plain folder of it",
    ),
    errno.ENAMETOOLONG: (NeedsReview, "name_too_long", "shorten the name"),
}
OTHER_FILESYSTEM = (
    "The folder is another file system than its root, a mount or a subvolume, and no album can appear there at once; "
    "make a plain folder of it."
)
# Codes after which every other album on the same root would fail too, or should not be tried.
ROOT_CODES = frozenset({"disk_full", "quota_full", "read_only", "io_error", "stale_mount"})


def stops_root(error: GreenroomError) -> bool:
    """Tell whether the whole root is in trouble, not only the one album."""
    return error.reason_code in ROOT_CODES


class explained:
    """Turn an OSError of the block into the typed error that names the file and the way out.

    A block that goes from file to file sets `path` as it goes.
    """

    __slots__ = ("_doing", "path")

    def __init__(self, doing: str, path: bytes = b"") -> None:
        self._doing, self.path = doing, path

    def __enter__(self) -> explained:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, OSError):
            raise meaning(self._doing, self.path, error) from error


def meaning(doing: str, path: bytes, error: OSError) -> GreenroomError:
    """Return the typed error for what the system refused."""
    unknown = (Retryable, "system_error", "it is tried again")
    kind, code, advice = _MEANING.get(error.errno or 0, unknown)
    return kind(f"could not {doing} {show_path(path)}: {error.strerror or error}; {advice}", code=code, path=path)


def unexpected(error: OSError) -> GreenroomError:
    """Return the typed error for what the system refused where nobody expected it to."""
    path = error.filename if isinstance(error.filename, str | bytes) else "what it needs"
    return meaning("use", os.fsencode(path), error)


def parent(path: bytes) -> bytes:
    """Return the folder a relative path is in; b"" is the root."""
    return path.rpartition(b"/")[0]


def ancestors(path: bytes) -> Iterator[bytes]:
    """Yield every folder above a relative path, deepest first, without the root."""
    while path := parent(path):
        yield path


def within(folder: bytes, path: bytes) -> bytes:
    """Join two relative paths; either may be b""."""
    return folder + b"/" + path if folder and path else folder or path


def is_file(found: os.stat_result | None) -> bool:
    """Tell whether something is there and is a plain file."""
    return found is not None and modes.S_ISREG(found.st_mode)


def is_folder(found: os.stat_result | None) -> bool:
    """Tell whether something is there and is a folder."""
    return found is not None and modes.S_ISDIR(found.st_mode)


def _check_name(name: bytes, path: bytes) -> None:
    if name in _NO_NAMES or b"\0" in name:
        raise Rejected(f"{show_path(path)} is not a path below a root", code="unsafe_path", path=path)


class Tree:
    """The folders below one root, opened one component at a time, never through a link.

    Paths are relative to the root, b"" is the root itself. For one thread at a time. Methods raise OSError as the
    system does (wrap them in `explained`), and Rejected for a path that could leave the root.
    """

    def __init__(self, root: bytes) -> None:
        self.root = root
        with explained("open the root", root):
            self._root = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._folders: OrderedDict[bytes, int] = OrderedDict()
        self._last = (b"", self._root)  # the folder that was asked for last; its files come one after another

    def __enter__(self) -> Tree:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._forget(b"")
        os.close(self._root)

    def _forget(self, path: bytes) -> None:
        """Close the folders at and below a path; needed whenever its name may now mean another one."""
        self._last = (b"", self._root)
        for known in [known for known in self._folders if not path or known == path or known.startswith(path + b"/")]:
            os.close(self._folders.pop(known))

    def folder(self, path: bytes) -> int:
        """Return a descriptor of a folder; it stays the tree's own and lives until some other folders were opened."""
        if path == self._last[0]:
            return self._last[1]
        known = next((above for above in chain((path,), ancestors(path)) if above in self._folders), b"")
        fd = self._root
        if known:
            self._folders.move_to_end(known)
            fd = self._folders[known]
        if path != known:
            fd = self._descend(known, fd, path)
        self._last = (path, fd)
        return fd

    def _descend(self, known: bytes, fd: int, path: bytes) -> int:
        """Open a folder from one above it, name by name, and not by calling oneself: some trees are very deep."""
        for name in path[len(known) + 1 if known else 0 :].split(b"/"):
            _check_name(name, path)
            fd = os.open(name, _FOLDER, dir_fd=fd)
            known = within(known, name)
            self._folders[known] = fd
            if len(self._folders) > OPEN_FOLDERS:
                os.close(self._folders.popitem(last=False)[1])
        return fd

    def _at(self, path: bytes) -> tuple[int, bytes]:
        above, slash, name = path.rpartition(b"/")
        _check_name(name if above or not slash else b"", path)
        return self.folder(above), name

    def stat(self, path: bytes) -> os.stat_result | None:
        """Look at what stands there, a link as itself; None if nothing does."""
        try:
            above, name = self._at(path)
            return os.stat(name, dir_fd=above, follow_symlinks=False)
        except FileNotFoundError:
            return None

    @cached_property
    def is_made_up(self) -> bool:
        """Whether a program or another machine answers for it, and no disk of ours: it has no number of its own."""
        return os.fstatvfs(self._root).f_fsid == 0

    def stat_anew(self, path: bytes) -> os.stat_result | None:
        """Do what `stat` does, but ask the file system, where the kernel would answer from memory (statx(2))."""
        with suppress(FileNotFoundError):
            above, name = self._at(path)
            _libc.statx(above, name, _ASK_ANEW, _BASIC, ctypes.create_string_buffer(_STATX))
        return self.stat(path)

    def names(self, path: bytes) -> list[bytes]:
        """List a folder, sorted."""
        return sorted(os.fsencode(name) for name in os.listdir(self.folder(path)))

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
        fd = os.open(name, (os.O_RDWR if write else os.O_RDONLY) | _FILE, dir_fd=above)
        try:
            if not is_file(os.fstat(fd)):
                raise Rejected(f"{show_path(path)} is not a plain file", code="not_a_file", path=path)
            yield fd
        finally:
            os.close(fd)

    @contextmanager
    def created(self, path: bytes) -> Iterator[int]:
        """Create a file that was not there, for writing, readable by nobody else yet."""
        above, name = self._at(path)
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FILE, 0o600, dir_fd=above)
        try:
            yield fd
        finally:
            os.close(fd)

    def make(self, path: bytes, mode: int = 0o777) -> None:
        """Make one folder; one that is there already is fine, anything else is not. The caller syncs the one above."""
        above, name = self._at(path)
        with suppress(FileExistsError):
            os.mkdir(name, mode, dir_fd=above)
        self.folder(path)  # raises if a link or a file stands there

    def make_alike(self, path: bytes) -> None:
        """Make one folder for the owner, and with at least the rights, of the one it is in; one that is there stays."""
        above, name = self._at(path)
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

    def sync_content(self, path: bytes, look: Callable[[int], None] | None = None) -> os.stat_result:
        """Make a file's bytes durable and look at it after that; `look`, at the open file, before."""
        above, name = self._at(path)
        fd = os.open(name, os.O_RDONLY | _FILE, dir_fd=above)
        try:
            if look is not None:
                look(fd)
            os.fdatasync(fd)  # the change time and the number of links, which links move, need not be written for it
            return os.fstat(fd)
        finally:
            os.close(fd)

    def unlink(self, path: bytes, *, missing_ok: bool = False) -> None:
        """Remove one name of a file."""
        try:
            above, name = self._at(path)
            os.unlink(name, dir_fd=above)
        except FileNotFoundError:
            if not missing_ok:
                raise

    def rmdir(self, path: bytes) -> None:
        """Remove an empty folder."""
        above, name = self._at(path)
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
        """Rename within the tree, replacing what has the new name. For our own names only."""
        with self._pair(old, self, new) as (above, name, there, other):
            os.rename(name, other, src_dir_fd=above, dst_dir_fd=there)
        self._forget(old)
        self._forget(new)

    def rename_noreplace(self, old: bytes, new: bytes) -> None:
        """Rename within the tree, or raise EEXIST; EINVAL or ENOSYS where this cannot be done (renameat2(2))."""
        self._renameat2(old, new, RENAME_NOREPLACE)

    def exchange(self, one: bytes, other: bytes) -> None:
        """Let two names within the tree change places, at once; EINVAL or ENOSYS where this cannot be done."""
        self._renameat2(one, other, RENAME_EXCHANGE)

    def _renameat2(self, old: bytes, new: bytes, flags: int) -> None:
        with self._pair(old, self, new) as (above, name, there, other):
            if _libc.renameat2(above, name, there, other, flags):
                code = ctypes.get_errno()
                raise OSError(code, os.strerror(code), new)
        self._forget(old)
        self._forget(new)


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
        left = memoryview(data)
        while left:
            left = left[os.write(fd, left) :]
        if over:
            os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    tree.rename(fresh, path)
