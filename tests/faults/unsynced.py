"""System calls, one after the other → what would be lost if the power failed now: names and bytes nobody synced."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePath

from tests.faults.traced import Call, mark
from tests.faults.world import Steps

_AT = r'(?:(?:AT_FDCWD(?:<[^>]*>)?|\d+<(?P<{0}dir>[^>]*)>), )?"(?P<{0}name>[^"]*)"'
_ONE = re.compile(_AT.format("a"))
_TWO = re.compile(_AT.format("a") + ", " + _AT.format("b"))
_FD = re.compile(r"\d+<(?P<path>[^>]*)>")
_MADE, _REMOVED = ("mkdir", "mkdirat"), ("unlink", "unlinkat", "rmdir")
_EMPTY = re.compile(r"/\.greenroom-((tx|trash|retag)/\.|probe)|/blobs/\.")


class Marking(Steps):
    """Leaves a mark at each commit, so that the calls before and after can be told apart."""

    def check(self, label: str) -> None:
        super().check(label)
        if label.startswith("commit"):
            mark(label.removeprefix("commit "))


class Disk:
    """What would be lost if the power failed now: the names and the contents nobody synced."""

    def __init__(self) -> None:
        self.names: set[str] = set()  # changed since their folder was synced
        self.contents: set[str] = set()  # new files, since they were synced
        self.synced: set[str] = set()  # files of others whose bytes were synced before they were linked
        self.empty: set[str] = set()  # folders that were made and hold nothing, yet or any more
        self._inside: dict[str, set[str]] = {}  # of folders that were made: the names in them

    def take(self, call: Call) -> None:
        """Follow one call."""
        if not call.was_done:
            return
        if call.name in ("fsync", "fdatasync"):
            if not call.text.endswith("= 0"):  # it was killed in there
                return
            path = path_of(call)
            self.contents.discard(path)
            self.synced.add(path)
            self.names = {name for name in self.names if os.path.dirname(name) != path}
        elif call.name in (*_MADE, *_REMOVED) or (call.name == "openat" and "O_CREAT" in call.text):
            (path,) = _paths(_ONE, call.text, "a")
            if call.name in _REMOVED:  # with a folder all that was below it is gone
                self.names = {name for name in self.names if not name.startswith(path + "/")}
            self._name(path)
            self.contents.discard(path)
            if call.name in _REMOVED:
                self._took(path)
            if call.name in _MADE:
                self.empty.add(path)
                self._inside[path] = set()
            if call.name == "openat":
                self.contents.add(path)
        elif call.name in ("link", "linkat"):
            old, new = _paths(_TWO, call.text, "ab")
            self._name(new)
            # Bytes that nobody synced may never have been synced by whoever wrote them.
            (self.synced if old in self.synced else self.contents).add(new)
        elif call.name in ("rename", "renameat", "renameat2"):
            old, new = _paths(_TWO, call.text, "ab")
            self._rename(old, new, exchanged="RENAME_EXCHANGE" in call.text)
        elif call.name in ("write", "pwrite64", "fchmod", "utimensat", "ftruncate", "fallocate"):
            self.contents.add(path_of(call))
            self.synced.discard(path_of(call))

    def lost(self, *roots: str) -> list[str]:
        """Return what would be lost below some roots; new folders hold nothing, nor do files that keep players out."""
        lost = {*self.names, *self.contents} - self.empty
        return sorted(path for path in lost if path.startswith(roots) and not _EMPTY.search(path))

    def _name(self, path: str) -> None:
        """Take a name for changed; what it is in is empty no more."""
        self.names.add(path)
        if not _EMPTY.search(path):
            self.empty -= {path, *map(str, PurePath(path).parents)}
            self._inside.get(os.path.dirname(path), set()).add(path)

    def _took(self, path: str) -> None:
        """Take a name for gone; what it was in may be empty again."""
        above = os.path.dirname(path)
        if above in self._inside:
            self._inside[above].discard(path)
            self.empty |= set() if self._inside[above] else {above}

    def _rename(self, old: str, new: str, *, exchanged: bool) -> None:
        def moved(path: str) -> str:
            for one, other in ((old, new), (new, old))[: 1 + exchanged]:
                if path == one or path.startswith(one + "/"):
                    return other + path[len(one) :]
            return path

        taken = set() if exchanged else {new}  # an empty file may have taken the name before
        self.names = {moved(path) for path in self.names}
        self.contents = {moved(path) for path in self.contents - taken}
        self.synced = {moved(path) for path in self.synced - taken}
        self.empty = {moved(path) for path in self.empty}
        self._inside = {moved(above): {*map(moved, names)} for above, names in self._inside.items()}
        self._name(old)
        self._name(new)


def path_of(call: Call) -> str:
    """Return what a call was about that has a descriptor first."""
    found = _FD.match(call.text)
    return _decoded(found["path"]) if found else ""


def _paths(pattern: re.Pattern[str], text: str, sides: str) -> list[str]:
    found = pattern.search(text)
    return (
        [_decoded(os.path.join(found[f"{side}dir"] or "", found[f"{side}name"])) for side in sides]
        if found
        else [""] * len(sides)
    )


def _decoded(text: str) -> str:
    """Return a path as it is: strace writes what is not ASCII as C would."""
    return os.fsdecode(text.encode().decode("unicode_escape").encode("latin-1"))


def unsynced(labels: list[str]) -> Iterator[int]:
    """Yield the numbers of the steps before which most is not synced: each first sync after something else."""
    synced = [one.startswith("fsync") for one in labels]
    yield from (n for n, (done, step) in enumerate(pairwise(synced), 2) if step and not done)


def synced_twice(call: Call, calls: list[Call]) -> bool:
    """Tell whether a sync only repeats another: folders are synced as they fill, and again in the end."""
    same = [other for other in calls if other.name == call.name and path_of(other) == path_of(call)]
    return len(same) > 1
