"""A source file → the same bytes under a second name: a link, else a clone, else a verified copy."""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from contextlib import ExitStack, contextmanager, suppress

from config.errors import GreenroomError, Rejected, Retryable
from config.plain import opened
from config.sentinel import SENTINEL
from processor.filesystem import copying
from processor.filesystem.files import Tree
from processor.filesystem.rights import rights_spared, set_mode
from processor.transfers.comparing import is_planned, is_same_inode, source_changed
from processor.transfers.transfer import Strategy, TransferFile
from scanner.identity import Identity, storable_time

FICLONE = 0x40049409  # linux/fs.h
# Errors of a link or clone that the file system, the mount or fs.protected_hardlinks does not allow. rclone says EIO
# for whatever it cannot do; if the disk really fails, copying meets the error again.
CANNOT = {
    errno.EIO,
    errno.EXDEV,
    errno.EPERM,
    errno.EMLINK,
    errno.ENOTSUP,
    errno.ENOSYS,
    errno.EINVAL,
    errno.ENOTTY,
    errno.EACCES,
}
GETFLAGS, _KEPT = 0x80086601, 0x30  # FS_IOC_GETFLAGS of linux/fs.h; its flags for immutable and append-only
_NO_XATTR = {
    errno.EIO,
    errno.EINVAL,
    errno.EDQUOT,
    errno.ENOTSUP,
    errno.E2BIG,
    errno.ENOSPC,
    errno.EPERM,
    errno.EACCES,
    errno.ERANGE,
    errno.ENODATA,
}


def is_protected(descriptor: int) -> bool:
    """Tell whether nobody may remove or link an open file, whatever its rights: chattr(1) +i or +a."""
    try:
        flags = fcntl.ioctl(descriptor, GETFLAGS, bytes(8))
    except OSError:
        return False  # a file system that has no such thing
    return bool(flags[0] & _KEPT)


def in_turn(files: Sequence[int], check: Callable[[], None]) -> list[OSError | None]:
    """Bring the bytes of open files to the disk; return what stood in the way of each. `check` may raise before any."""
    errors: list[OSError | None] = []
    for fd in files:
        check()
        try:
            os.fdatasync(fd)  # the change time and the number of links, which links move, need not be written for it
            errors.append(None)
        except OSError as error:
            errors.append(error)
    return errors


def make_durable(
    source: Tree,
    files: Iterable[TransferFile],
    sync: Callable[[Sequence[int]], list[OSError | None]],
    *,
    unlinked: Set[bytes],
    look: Callable[[bytes, int], None] | None = None,
) -> frozenset[bytes]:
    """Bring the bytes of sources to the disk, before they get second names; return the sources where the disk can.

    All are open at once. Of those `unlinked` the change time is compared, too, which moves once a link was made. `look`
    is given each path and open file before, and may raise. Raises Retryable `source_changed`.
    """
    durable = set()
    with ExitStack() as until_then:
        opened: list[tuple[TransferFile, int]] = []
        for file in files:
            with _suspected(source, file):
                fd = source.open_content(file.source)
                until_then.callback(os.close, fd)
                if look is not None:
                    look(file.source, fd)
                opened.append((file, fd))
        for (file, fd), error in zip(opened, sync([fd for _, fd in opened]), strict=True):
            with _suspected(source, file):
                if error is not None:
                    raise error
                _refuse_changed(os.fstat(fd), file, linked=file.source not in unlinked)
                durable.add(file.source)
    return frozenset(durable)


def _refuse_changed(found: os.stat_result, file: TransferFile, *, linked: bool) -> None:
    if not is_planned(found, file) or (not linked and storable_time(found.st_ctime_ns) != file.identity.ctime_ns):
        raise source_changed(file)


@contextmanager
def _suspected(source: Tree, file: TransferFile) -> Iterator[None]:
    """Say of what goes wrong with a source that it changed, if it did; pass by one that the disk cannot sync.

    A copy is made of that, of what the page cache still has.
    """
    with source.explained("sync", file.source):
        try:
            yield
        except (OSError, Rejected) as error:
            if not is_planned(source.stat(file.source), file):
                raise source_changed(file) from error
            if not isinstance(error, OSError) or error.errno != errno.EIO:
                raise


def tells_links(tree: Tree, path: bytes) -> bool:
    """Tell whether two names of one file show one inode here, so that a link can be told from a copy.

    On local disks they do. A mount that a program or another machine answers for may number names and not files
    (sshfs, unionfs-fuse), so there `path`, a file of ours, is given a second name to see.
    """
    if not tree.is_made_up:
        return True
    with tree.explained("link", path):
        try:
            return tree.tells_links(path)
        except OSError as error:
            if error.errno not in CANNOT:
                raise
            return False


def link(source: Tree, destination: Tree, file: TransferFile, target: bytes) -> bool:
    """Link a durable source to the target; False where the system cannot. Raises Retryable `source_changed`."""
    with destination.explained("link to", target):
        try:
            source.link(file.source, destination, target)
        except OSError as error:
            if error.errno in CANNOT:
                return False
            raise
        found = destination.stat(target)
        if found is None or not is_planned(found, file):
            # Another file took the source's name meanwhile. What we linked is that one; it keeps the name it has.
            if found is not None and is_same_inode(source.stat(file.source), Identity.of(found)):
                destination.unlink(target)
            raise source_changed(file)
    return True


def sync_file(tree: Tree, path: bytes, file: TransferFile, *, linked: bool) -> None:
    """Make a file's bytes durable; a linked one must still be the inode that was planned."""
    with tree.explained("sync", path), tree.opened(path) as fd:
        if linked and not is_planned(os.fstat(fd), file):
            raise source_changed(file)
        os.fsync(fd)


def duplicate(
    source: Tree, destination: Tree, file: TransferFile, target: bytes, *, clone: bool
) -> tuple[Strategy, str | None]:
    """Make a new, durable inode with the source's bytes; return how, and the digest if they were read.

    After an I/O error, also one of fsync (the kernel may have dropped the pages), a second new inode is tried once.
    Leaves nothing behind when it fails, but on a disk that lets nothing be removed any more.
    """
    try:
        return _duplicate(source, destination, file, target, clone=clone)
    except Retryable as error:
        if error.reason_code != "io_error":
            raise
        with destination.explained("look at", target):
            if destination.stat(target) is not None:  # a disk that lets nothing go left it; its name would be taken
                raise
    return _duplicate(source, destination, file, target, clone=False)


def _duplicate(
    source: Tree, destination: Tree, file: TransferFile, target: bytes, *, clone: bool
) -> tuple[Strategy, str | None]:
    is_made = False
    try:
        with source.explained("read", file.source), source.opened(file.source) as original:
            before = os.fstat(original)
            if not is_planned(before, file):
                raise source_changed(file)
            with destination.explained("write", target), destination.created(target) as copy:
                is_made = True
                size = file.identity.size
                digest = None if clone and _clone(original, copy) else copying.copy(original, copy, size)
                _copy_metadata(original, copy)
                os.fsync(copy)
                # A share may be late to tell that a file grew; the number of bytes that were read shows it.
                is_all = os.fstat(copy).st_size == size
            is_untouched = Identity.of(os.fstat(original)) == Identity.of(before)
        if not is_all or not (is_untouched or _stayed(source, file, before)):
            raise source_changed(file)
        with destination.explained("write", target):
            _verify(destination, target, digest)
    except (OSError, GreenroomError):
        if is_made:
            with suppress(OSError):
                destination.unlink(target)
        raise
    return ("clone" if digest is None else "copy"), digest


def _stayed(source: Tree, file: TransferFile, before: os.stat_result) -> bool:
    """Tell whether a file is what it was before it was read; asked anew, for rclone makes up times while it is open."""
    with source.explained("look at", file.source):
        now = source.stat_anew(file.source)
    return now is not None and Identity.of(now) == Identity.of(before)


def expected_way(source: bytes, destination: bytes, strongest: Strategy = "link") -> Strategy:
    """Return how files will get from root to root; a hint, each file is tried. Raises OSError of a root not there.

    Subvolumes of btrfs have device numbers of their own, and clone from one to the other: so that is tried, with the
    mark `source` has as a library. Nothing stays of the trial.
    """
    if strongest == "link" and os.stat(source).st_dev == os.stat(destination).st_dev:
        return "link"
    return "clone" if strongest != "copy" and _can_clone(source, destination) else "copy"


def _can_clone(source: bytes, destination: bytes) -> bool:
    """Tell whether files of two roots can share blocks, tried with the mark of one and a file without a name.

    In inbound nothing is written for it: that would be heard as a change, and be why the next cycle begins.
    """
    try:
        with opened(os.path.join(source, SENTINEL)) as mark:
            copy = os.open(destination, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
            try:
                return _clone(mark, copy)
            finally:
                os.close(copy)
    except OSError:
        return False  # no mark, no such files here, or no room for them


def _clone(original: int, copy: int) -> bool:
    try:
        fcntl.ioctl(copy, FICLONE, original)
    except OSError as error:
        if error.errno in CANNOT:
            return False
        raise
    return True


def _copy_metadata(original: int, copy: int) -> None:
    """Carry owner, mode, user attributes and times over, in this order: each step may undo what came before it."""
    stat = os.fstat(original)
    if os.geteuid() == 0:
        with rights_spared():  # in a user namespace root owns little
            os.fchown(copy, stat.st_uid, stat.st_gid)
    set_mode(copy, stat.st_mode & 0o777)
    for name in _attributes(original):
        try:
            os.setxattr(copy, name, os.getxattr(original, name))
        except OSError as error:
            if error.errno not in _NO_XATTR:
                raise
    os.utime(copy, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def _attributes(file: int) -> list[str]:
    try:
        return [name for name in os.listxattr(file) if name.startswith("user.")]
    except OSError as error:
        if error.errno not in _NO_XATTR:
            raise
        return []


def _verify(tree: Tree, path: bytes, digest: str | None) -> None:
    if digest is None:
        return
    with tree.opened(path) as fd:
        found = copying.disk_digest(fd)
    if found != digest:
        message = f"the copy {tree.shown(path)} does not read back as it was written; check the disk"
        raise Retryable(message, code="io_error", path=path)
