"""Our own looks at an album's folders, and one careful look at each file → why it still has to wait."""

from __future__ import annotations

import datetime as dt
import os
import stat
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from config.plain import opened
from config.reasons import Reason, counted, show_time
from scanner.identity import SECOND_NS
from scanner.writers import has_writer, is_sparse

SAMPLES = 3  # own looks that must agree, the first and the last at least the quiet period apart
PATIENCE_NS = 24 * 3600 * SECOND_NS  # how long a file that is not whole, or not read, is waited for
CUT_SHORT = "It ends before the size written in it: its end is missing."
DEADLY = ("reader_killed", "reader_crashed", "reader_timeout")  # what is wrong with a file that a reader died on
UNFINISHED = {
    "truncated": "It ends before the size written in it; if it is still arriving, it is taken when it is whole.",
    "empty_file": "It has no bytes yet; if it is still arriving, it is taken when it is whole.",
    **dict.fromkeys(DEADLY, "The process that read its tags ended before it had them; the next scans try again."),
}


class FolderState(NamedTuple):
    """What we saw of one folder over time. Times are CLOCK_BOOTTIME in ns: file times are never compared with ours."""

    id: int
    digest: bytes
    since_ns: int  # when this digest was seen first
    samples: int  # how often in a row it was seen, up to SAMPLES: then its row stays as it is

    def is_quiet(self, now_ns: int, quiet_ns: int) -> bool:
        """Whether nothing changed for so long before `now_ns`, when the last look began; 0 asks for no more."""
        if not quiet_ns:
            return self.samples > 0
        return self.samples >= SAMPLES and now_ns - self.since_ns >= quiet_ns


class FileState(NamedTuple):
    """What is known of one file of an album."""

    file_id: int
    path: bytes  # relative to the root
    unfinished: str | None  # one of UNFINISHED
    probed: bool  # opened since its last change: nobody was writing, and all of it was on disk


class Tree(NamedTuple):
    """All folders of one walk, sorted by path; those that hold music, and those where something was not seen whole."""

    paths: list[bytes]
    states: Mapping[bytes, FolderState]
    music: frozenset[bytes]
    unseen: Mapping[bytes, Reason]

    def around(self, folders: Iterable[bytes], home: bytes) -> set[bytes]:
        """Return an album's folders, its home and all below; nothing below the root, because that is everybody's."""
        if not home:
            return set(folders)
        first, end = bisect_left(self.paths, home + b"/"), bisect_left(self.paths, home + b"0")  # "0" follows "/"
        return {*folders, home, *self.paths[first:end]}


def folder_reasons(
    folders: Iterable[bytes], home: bytes, tree: Tree, now_ns: int, quiet_ns: int, now: dt.datetime
) -> Iterator[Reason]:
    """Say which folder of an album changed too recently, and which hold something that is not whole.

    Everything below the album's home has to be still, because another disc may be arriving. What is unfinished below
    it is another album's matter if it lies among the tracks of that one. `now` is what clocks on walls say.
    """
    around = tree.around(folders, home)
    restless = [
        (tree.states[path].since_ns, path)
        for path in around
        if path in tree.states and not tree.states[path].is_quiet(now_ns, quiet_ns)
    ]
    if restless:
        since_ns, path = max(restless)
        looks = counted(tree.states[path].samples, "time")
        since = now - dt.timedelta(microseconds=(now_ns - since_ns) // 1000)
        earliest = since + dt.timedelta(microseconds=quiet_ns // 1000)
        message = (  # in moments, which stay true: the reason is kept, and read later
            f"It has not changed since {show_time(since)}, seen {looks}; it is taken from {show_time(earliest)} on, "
            f"once seen {SAMPLES} times."
        )
        yield Reason("still_changing", message, path)
    mine = (around - tree.music) | set(folders)
    yield from (tree.unseen[path] for path in sorted(mine & tree.unseen.keys()))


def is_patient(still_ns: int, quiet_ns: int) -> bool:
    """Whether what looks unfinished may still be arriving, after it has not changed for `still_ns`.

    Without a quiet period nothing is waited for.
    """
    return quiet_ns > 0 and still_ns < PATIENCE_NS


def unfinished_reasons(
    files: Iterable[FileState], still_ns: int, quiet_ns: int
) -> tuple[tuple[Reason, ...], tuple[Reason, ...]]:
    """Return the reasons to wait for files that are not whole or not read, or warnings once that was long enough.

    `still_ns` is how long the album has not changed.
    """
    found = tuple(Reason(file.unfinished, UNFINISHED[file.unfinished], file.path) for file in files if file.unfinished)
    if is_patient(still_ns, quiet_ns):
        return found, ()
    # of the others it is told already that they cannot be read
    return (), tuple(reason._replace(message=CUT_SHORT) for reason in found if reason.code == "truncated")


def probe(path: bytes, shown: bytes) -> Reason | None:
    """Open one file and say whether somebody writes to it or only reserved its room.

    `shown` goes into the reason. None may also mean that it cannot be told: not our file, a network filesystem, gone.
    """
    try:
        with opened(path) as descriptor:
            return unready(descriptor, shown)
    except OSError:
        return None  # whoever moves the file meets the same error, and tells it


def unready(descriptor: int, shown: bytes) -> Reason | None:
    """Say of an open file what `probe` says."""
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        return Reason("still_changing", "Something else took its place while we looked.", shown)
    if has_writer(descriptor):
        return Reason("open_for_writing", "A program has it open for writing.", shown)
    if is_sparse(descriptor, found.st_size, found.st_blocks):
        return Reason("sparse_file", "A program reserved its room on disk and has not filled it yet.", shown)
    return None
