"""What the system refused, an OSError → the typed error that names the file and says what to do."""

from __future__ import annotations

import errno
import os
from types import TracebackType

from config.errors import GreenroomError, NeedsReview, NoRoom, Retryable
from config.reasons import show_path
from processor.filesystem.paths import within

# What an errno asks for: (who can help, code, advice).
_MEANING: dict[int, tuple[type[GreenroomError], str, str]] = {
    # Nowhere that it is tried again: nobody does that for a command.
    errno.ENOSPC: (NoRoom, "disk_full", "free some space, or remove files where `df -i` says that no more fit"),
    errno.EDQUOT: (NoRoom, "quota_full", "raise the quota or free some space"),
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
    errno.EAGAIN: (Retryable, "late", "look whether the mount still sends what was written"),
    errno.EBUSY: (Retryable, "busy", "something else uses it; find out what, or wait until it is done"),
    errno.ETXTBSY: (Retryable, "busy", "something else uses it; find out what, or wait until it is done"),
    errno.EMFILE: (Retryable, "too_many_files", "lower the number of workers or raise LimitNOFILE"),
    errno.ENFILE: (Retryable, "too_many_files", "the machine has too many files open; raise fs.file-max"),
    errno.ENOENT: (Retryable, "vanished", "it was there when the plan was made; the next scan looks again"),
    errno.EACCES: (NeedsReview, "permission_denied", "give the user Greenroom runs as the right to it"),
    errno.EPERM: (
        NeedsReview,
        "permission_denied",
        "no right would do: look whether it is immutable (`lsattr`), in a sticky folder, or kept by SELinux",
    ),
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

    A block that goes from file to file sets `path` as it goes. Of a path below a root people are told the whole of it:
    a machine has several disks, and only the name of the root says which one it is.
    """

    __slots__ = ("_doing", "_root", "path")

    def __init__(self, doing: str, path: bytes = b"", root: bytes = b"") -> None:
        self._doing, self.path, self._root = doing, path, root

    def __enter__(self) -> explained:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if isinstance(error, OSError):
            raise meaning(self._doing, self.path, error, self._root) from error


def meaning(doing: str, path: bytes, error: OSError, root: bytes = b"") -> GreenroomError:
    """Return the typed error for what the system refused, about `path`, which is below `root` if there is one."""
    unknown = (Retryable, "system_error", "the kernel's log may say more")
    kind, code, advice = _MEANING.get(error.errno or 0, unknown)
    shown = show_path(within(root, path))
    return kind(f"could not {doing} {shown}: {error.strerror or error}; {advice}", code=code, path=path)


def unexpected(error: OSError) -> GreenroomError:
    """Return the typed error for what the system refused where nobody expected it to."""
    path = error.filename if isinstance(error.filename, str | bytes) else "what it needs"
    return meaning("use", os.fsencode(path), error)
