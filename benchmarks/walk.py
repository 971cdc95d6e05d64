"""P9, P10: looking for changes in 200,000 files, from a live process, against find."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import corpus, measure
from benchmarks.measure import Row, alternate, micros
from scanner.ignore import IgnoreRules
from scanner.listers import Listers
from scanner.options import ScanOptions
from scanner.walk import walk
from scanner.watch import folder_times, list_folders

Digests = dict[bytes, bytes]


def run(_large: bool) -> Iterator[Row]:
    """Measure, and prove that an edit, a new file and a removed one are found."""
    root, files = corpus.empty_tree(), corpus.EMPTY_FILES
    known = _look(os.fsencode(root))
    _prove(root, known)
    find: list[str | Path] = ["find", root, "-printf", "%p %s %T@\n"]
    works = {
        "ours": lambda: _changes(os.fsencode(root), known),
        "several": lambda: _changes(os.fsencode(root), known, listers=ScanOptions().workers - 1),
        "find": lambda: subprocess.run(find, check=True, stdout=subprocess.DEVNULL),
    }
    costs = alternate(works, 2 * measure.ROUNDS)  # they are short, and neighbours come and go
    note = f"ours {micros(costs['ours'], files)}; find {micros(costs['find'], files)}"
    what = f"rescan by stat and digest of {files:,} files, one process, against find"
    yield Row("P9", what, costs["find"].wall / costs["ours"].wall, 0.7, 1.0, note=note)
    note = f"ours {micros(costs['several'], files)}, three of them started for it"
    yield Row("P9b", "the same, four processes", costs["find"].wall / costs["several"].wall, 2.0, 4.0, note=note)
    folders = list_folders(os.fsencode(root))
    _prove_times(root, folders)
    costs = alternate({"ours": lambda: folder_times(folders), "find": works["find"]}, 2 * measure.ROUNDS)
    what = f"look at the times of its {len(folders):,} folders, as where no events come, against find"
    yield Row("P10", what, costs["find"].wall / costs["ours"].wall, 7, 15, note="what is added, renamed or removed")


def _look(root: bytes) -> Digests:
    return {folder.path: folder.digest for folder in walk(root, IgnoreRules())}


def _changes(root: bytes, known: Digests, listers: int = 0) -> set[bytes]:
    """Return the folders that are not as they were known."""
    changed, seen = set(), 0
    with Listers(root, listers, lambda: None, known=len(known)) as others:
        for folder in walk(root, IgnoreRules(), others):
            seen += 1
            if known.get(folder.path) != folder.digest:
                changed.add(folder.path)
    return changed if seen == len(known) else changed | known.keys()


def _prove(root: Path, known: Digests) -> None:
    folders = sorted(folder for folder in root.glob("Artist 1*/*"))
    edited, grown, shrunk = folders[:3]
    file, new, old = next(edited.iterdir()), grown / "new.flac", sorted(shrunk.iterdir())[0]
    times = file.stat()
    file.write_bytes(b"x")
    new.touch()
    old.unlink()
    found = _changes(os.fsencode(root), known)
    assert found == _changes(os.fsencode(root), known, listers=3)
    file.write_bytes(b"")
    os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
    new.unlink()
    old.touch()
    assert found == {os.fsencode(path.relative_to(root)) for path in (edited, grown, shrunk)}
    known |= _look(os.fsencode(root))


def _prove_times(root: Path, folders: list[bytes]) -> None:
    """Prove that a new file, a renamed and a removed one are found; one that is edited in place is a scan's to find."""
    file = next(sorted(root.glob("Artist 1*/*"))[0].iterdir())
    other = file.with_name("other.flac")
    steps: list[Callable[[], object]] = [
        other.touch,
        lambda: other.rename(file.with_name("new.flac")),
        file.with_name("new.flac").unlink,
    ]
    for step in steps:
        before = folder_times(folders)
        step()
        assert folder_times(folders) != before
