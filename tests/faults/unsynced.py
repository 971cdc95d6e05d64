"""System calls, one after the other → what would be lost if the power failed now: names and bytes nobody synced."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import pairwise

from tests.faults.traced import Call, mark
from tests.faults.world import Steps

_AT = r'(?:AT_FDCWD(?:<[^>]*>)?|\d+<(?P<{0}dir>[^>]*)>), "(?P<{0}name>[^"]*)"'
_ONE = re.compile(_AT.format("a"))
_TWO = re.compile(_AT.format("a") + ", " + _AT.format("b"))
_FD = re.compile(r"\d+<(?P<path>[^>]*)>")
_EMPTY = re.compile(r"/\.greenroom-(tx|trash)/\.")


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

    def take(self, call: Call) -> None:
        """Follow one call."""
        if not call.was_done:
            return
        if call.name in ("fsync", "fdatasync"):
            path = path_of(call)
            self.contents.discard(path)
            self.synced.add(path)
            self.names = {name for name in self.names if os.path.dirname(name) != path}
        elif call.name in ("mkdirat", "unlinkat") or (call.name == "openat" and "O_CREAT" in call.text):
            (path,) = _paths(_ONE, call.text, "a")
            if call.name == "unlinkat":  # with a folder all that was below it is gone
                self.names = {name for name in self.names if not name.startswith(path + "/")}
            self.names.add(path)
            self.contents.discard(path)
            if call.name == "openat":
                self.contents.add(path)
        elif call.name == "linkat":
            old, new = _paths(_TWO, call.text, "ab")
            self.names.add(new)
            # Bytes that nobody synced may never have been synced by whoever wrote them.
            (self.synced if old in self.synced else self.contents).add(new)
        elif call.name in ("renameat", "renameat2"):
            self._rename(*_paths(_TWO, call.text, "ab"))
        elif call.name in ("write", "pwrite64", "fchmod", "utimensat", "ftruncate", "fallocate"):
            self.contents.add(path_of(call))
            self.synced.discard(path_of(call))

    def lost(self, *roots: str) -> list[str]:
        """Return what would be lost below some roots; the files that keep players out hold nothing."""
        found = (path for path in {*self.names, *self.contents} if path.startswith(roots) and not _EMPTY.search(path))
        return sorted(found)

    def _rename(self, old: str, new: str) -> None:
        def moved(path: str) -> str:
            return new + path[len(old) :] if path == old or path.startswith(old + "/") else path

        self.names = {moved(path) for path in self.names} | {old, new}
        self.contents = {moved(path) for path in self.contents - {new}}  # an empty file may have taken the name before


def path_of(call: Call) -> str:
    """Return what a call was about that has a descriptor first."""
    found = _FD.match(call.text)
    return found["path"] if found else ""


def _paths(pattern: re.Pattern[str], text: str, sides: str) -> list[str]:
    found = pattern.search(text)
    return (
        [os.path.join(found[f"{side}dir"] or "", found[f"{side}name"]) for side in sides]
        if found
        else [""] * len(sides)
    )


def unsynced(labels: list[str]) -> Iterator[int]:
    """Yield the numbers of the steps before which most is not synced: each first sync after something else."""
    for n, (done, step) in enumerate(pairwise(labels), 2):
        if step.startswith("fsync") and not done.startswith("fsync"):
            yield n


def synced_twice(call: Call, calls: list[Call]) -> bool:
    """Tell whether a sync only repeats another: folders are synced as they fill, and again in the end."""
    same = [other for other in calls if other.name == call.name and path_of(other) == path_of(call)]
    return len(same) > 1
