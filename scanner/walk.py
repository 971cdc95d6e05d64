"""An inbound root → its folders, each with the files to look at, a digest of them, and what is left alone and why."""

from __future__ import annotations

import errno
import marshal
import os
import stat
import time
from collections import deque
from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple, Protocol

from config.blake import blake2b
from config.errors import Misconfigured
from config.plain import opened
from config.reasons import Reason, show_path
from config.sentinel import SENTINEL
from scanner.identity import storable_numbers
from scanner.ignore import (
    IGNORE_FILE,
    MAX_IGNORE_FILE,
    ODD_FIRST,
    PARTIAL,
    PARTIAL_FOLDER,
    PLAIN_LAST,
    IgnoreRules,
    Why,
    built_in,
    finished_name,
    unconflicted_name,
)
from scanner.kinds.music_album import role_of

GONE = Why("gone", "It went away between the listing and now.")
SIBLING = Why(
    "temp_sibling", "The name says that the file of the same name beside it is not whole yet; their album waits."
)
CONFLICT = Why(
    "conflict_copy",
    "A sync program keeps this beside the file of that name, because two machines had changed it. It is not taken; "
    "keep the better one of the two.",
)
LINK = Why("link", "Links are not followed; put the file itself here.")
# What was not seen may be the other half of an album, so an album with one of these in its folder waits.
UNSEEN_CODES = frozenset(
    {"partial_download", "partial_folder", "temp_sibling", "unreadable_folder", "unreadable_file", "name_too_long"}
)

# A regular file: its name, the five numbers of its identity (see numbers_of), how many links it has, its mode.
Found = tuple[bytes, int, int, int, int, int, int, int]
Listed = tuple[bytes, int, int, int, int, int, int]  # the same but for its device
Waiting = deque[tuple[bytes, IgnoreRules]]  # folders to be listed, the next one last

_FORMAT, _REGULAR = 0o170000, 0o100000  # of st_mode, see stat(2)
_VERSION = 2  # of marshal; later ones write references that differ between equal lists
_name = attrgetter("name")


class Folder(NamedTuple):
    """One folder as it was found. Paths are relative to the root; b"" is the root itself."""

    path: bytes
    packed: bytes  # its files, but for the numbers of their devices, which change from mount to mount
    devices: list[int]  # of each file
    digest: bytes  # of `packed`: equal means that no file was added, removed, renamed, replaced or written to
    ignored: list[Reason]

    @classmethod
    def of(cls, path: bytes, files: list[Listed], devices: list[int], ignored: list[Reason]) -> Folder:
        """Make one of what was found."""
        packed = marshal.dumps(files, _VERSION)
        return cls(path, packed, devices, blake2b(packed, digest_size=16).digest(), ignored)

    @property
    def files(self) -> list[Found]:
        """Regular files that are not ignored, by name; worth asking for only where the digest is new."""
        return [
            (name, *storable_numbers(device, *numbers), nlink, mode)
            for (name, *numbers, nlink, mode), device in zip(marshal.loads(self.packed), self.devices, strict=True)  # noqa: S302 - packed above
        ]

    def unseen(self) -> Reason | None:
        """Return why an album of this folder has to wait, if something in it is not whole or was not seen.

        A folder that is being unpacked concerns the folder around it, unless that is the root, which is everybody's.
        """
        marks = (reason for reason in self.ignored if reason.code in UNSEEN_CODES)
        return next((reason for reason in marks if self.path or reason.code != PARTIAL_FOLDER.code), None)


class Aside(Protocol):
    """Who lists some of the folders of a walk while it lists others."""

    def share(self, waiting: Waiting, seconds: float) -> Iterable[Folder]:
        """Take folders off the front of `waiting`, give some that are listed, put those below them into `waiting`.

        All were given once `waiting` is empty afterwards. `seconds` is how long the walk has been listing by itself.
        """


def walk(root: bytes, rules: IgnoreRules, aside: Aside | None = None) -> Iterator[Folder]:
    """Yield every folder below `root`, parents first, and siblings by name if nobody lists any of them aside.

    Nothing but ignore files is opened. A folder that disappears meanwhile is left out, and so is the root's own mark.
    Raises Misconfigured when the root itself cannot be listed.
    """
    waiting: Waiting = deque([(b"", rules)])
    aside = aside or None  # which may be nobody
    seconds = 0.0
    while waiting:
        began = time.monotonic() if aside is not None else 0.0
        folder, below = list_folder(root, *waiting.pop())
        if aside is not None:
            seconds += time.monotonic() - began
        if folder:
            yield folder
        waiting.extend(reversed(below))
        if aside is not None:
            yield from aside.share(waiting, seconds)


def list_folder(root: bytes, path: bytes, rules: IgnoreRules) -> tuple[Folder | None, list[tuple[bytes, IgnoreRules]]]:
    """List one folder: what it holds, None if it is gone, and the folders below it with the rules that hold there.

    Raises Misconfigured when it is the root that cannot be listed.
    """
    try:
        # A folder that gave way to a link since the one above was listed is looked into through it, once. Nothing is
        # moved from there: who moves opens each folder below the root by itself, and through no link.
        with os.scandir(root + b"/" + path if path else root) as listing:
            entries = list(listing)
    except OSError as error:
        if not path:
            why = f"the folder {show_path(root)} cannot be listed ({error.strerror}); is its disk mounted?"
            raise Misconfigured(why, path=root) from error
        if isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return None, []
        return Folder.of(path, [], [], [Reason(*_unreadable(error), path)]), []
    if not path:
        entries = [entry for entry in entries if entry.name != SENTINEL]
    return _sort_out(root, path, entries, rules)


def _sort_out(
    root: bytes, path: bytes, entries: list[os.DirEntry[bytes]], rules: IgnoreRules
) -> tuple[Folder, list[tuple[bytes, IgnoreRules]]]:
    """Split a listing into files, folders to go into, with the rules that hold there, and what is left alone."""
    prefix = path + b"/" if path else b""
    files: list[Listed] = []
    devices: list[int] = []
    below: list[tuple[bytes, IgnoreRules]] = []
    ignored: list[Reason] = []
    entries.sort(key=_name)
    # Hardly a name sorts before that of an ignore file, so hardly a folder is searched for one.
    if entries and entries[0].name <= IGNORE_FILE and IGNORE_FILE in map(_name, entries):
        rules = _with_ignore_file(root, path, rules, ignored)
    plain = not rules.present
    for entry in entries:
        name = entry.name
        why = None
        try:
            is_folder = entry.is_dir(follow_symlinks=False)  # which some file systems are asked for
            if is_folder or not (plain and name[-4:] in PLAIN_LAST and name[0] not in ODD_FIRST):
                why = built_in(name, is_folder) or rules.why(prefix + name, is_folder)
            if why is None:
                if is_folder:
                    below.append((prefix + name, rules))
                    continue
                found = entry.stat(follow_symlinks=False)
                mode = found.st_mode
                if mode & _FORMAT == _REGULAR:
                    files.append(
                        (name, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_nlink, mode)
                    )
                    devices.append(found.st_dev)
                    continue
                why = _not_regular(mode)
        except OSError as error:
            why = GONE if isinstance(error, FileNotFoundError) else _unreadable(error, "file")
        if why is not None and why is not GONE:
            ignored.append(Reason(*why, prefix + name))
    ignored = _with_siblings(ignored, {file[0] for file in files}) if ignored else ignored
    for place in _conflict_copies(files):
        ignored.append(Reason(*CONFLICT, prefix + files.pop(place)[0]))
        del devices[place]
    return Folder.of(path, files, devices, ignored), below


def _conflict_copies(files: list[Listed]) -> list[int]:
    """Return the places of music that is there under its own name, too, the last one first."""
    odd = [place for place, file in enumerate(files) if b"onflict" in file[0]]  # as hardly any name has
    names = {file[0] for file in files} if odd else ()
    return [n for n in reversed(odd) if role_of(files[n][0]) == "audio" and unconflicted_name(files[n][0]) in names]


def _with_siblings(ignored: list[Reason], names: Collection[bytes]) -> list[Reason]:
    """Say of a temporary file whose whole name is there already that this sibling is not whole (aria2, yt-dlp)."""
    if not any(reason.code == PARTIAL.code for reason in ignored):
        return ignored
    return [
        Reason(*SIBLING, reason.path)
        if reason.code == PARTIAL.code and finished_name(os.path.basename(reason.path or b"")) in names
        else reason
        for reason in ignored
    ]


def _with_ignore_file(root: bytes, path: bytes, rules: IgnoreRules, ignored: list[Reason]) -> IgnoreRules:
    """Add the folder's own patterns; lines that are refused, and a file that cannot be read, are told in `ignored`."""
    relative = os.path.join(path, IGNORE_FILE)
    try:
        with opened(os.path.join(root, relative)) as descriptor, open(descriptor, "rb", closefd=False) as file:
            text = file.read(MAX_IGNORE_FILE) if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""
    except OSError as error:
        ignored.append(Reason("bad_ignore_file", f"This ignore file cannot be read: {error.strerror}.", relative))
        return rules
    inside, bad = rules.inside(path, text)
    if bad:
        ignored.append(
            Reason(
                "bad_ignore_file",
                f"{len(bad)} lines of this ignore file are refused; the first is {bad[0]!r}.",
                relative,
            )
        )
    return inside


def _unreadable(error: OSError, what: str = "folder") -> Why:
    if error.errno == errno.ENAMETOOLONG:
        return Why("name_too_long", f"The path of this {what} is longer than the system allows; move it higher up.")
    return Why(f"unreadable_{what}", f"This {what} cannot be looked into: {error.strerror}; its album waits.")


def _not_regular(mode: int) -> Why:
    if stat.S_ISLNK(mode):
        return LINK
    kinds = (
        (stat.S_ISFIFO, "a FIFO"),
        (stat.S_ISSOCK, "a socket"),
        (stat.S_ISCHR, "a device"),
        (stat.S_ISBLK, "a device"),
    )
    what = next((name for test, name in kinds if test(mode)), "something else")
    return Why("not_a_regular_file", f"This is {what}, not a regular file; it is never opened.")
