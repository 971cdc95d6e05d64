"""One look at the whole inbound tree → a scan DB that says what is there now, with the tags of all that is new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import chain, groupby
from operator import itemgetter
from typing import NamedTuple

from config.leave import check_signal
from config.reasons import Reason
from scanner.identity import is_untouched
from scanner.ignore import IgnoreRules
from scanner.kinds.music_album import role_of
from scanner.listers import Listers
from scanner.newscan import NewScan
from scanner.options import Progress, ScanOptions, Until
from scanner.readiness import SAMPLES, FolderState
from scanner.rows import PlainRow
from scanner.strikes import spared
from scanner.tags.wire import File, Task
from scanner.walk import Folder, Found, walk


class Scan(NamedTuple):
    """What every stage of one scan needs."""

    root: bytes
    db: NewScan
    options: ScanOptions
    now_ns: Callable[[], int]
    until: Until
    progress: Progress

    def check(self) -> None:
        """Raise Stopped when somebody wants the scan to end."""
        check_signal(self.until, "the scan did not come to its end, and nothing was changed")


class Survey:
    """What one look, or several, have seen."""

    def __init__(self, began_ns: int) -> None:
        self.began_ns = began_ns  # the last look; until then what it saw was still, and who knows since
        self.states: dict[bytes, FolderState] = {}
        self.unseen: dict[bytes, Reason] = {}  # folders where something is not whole or was not seen
        self.changed = False  # whether any folder was not what the scan DB said
        self.read = 0  # audio files opened
        self.lost = False  # whether music that was known is not where it was

    def after(self, earlier: Survey) -> Survey:
        """Add what an earlier look of the same scan has seen."""
        self.changed = self.changed or earlier.changed
        self.read += earlier.read
        return self


def look(scan: Scan, known: Mapping[bytes, FolderState]) -> Survey:
    """Walk, bring the scan DB up to date, and read the tags of what is new while the walk goes on.

    Whoever writes to a file meanwhile changes its identity, and makes its folder one that is not still. A folder that
    got another name or place meanwhile may be found in neither, and its album be half of one: what is lost is looked
    for once more.
    """
    survey = _walk_once(scan, known)
    return _walk_once(scan, survey.states).after(survey) if survey.lost else survey


def _walk_once(scan: Scan, known: Mapping[bytes, FolderState]) -> Survey:
    survey = Survey(scan.now_ns())
    scan.db.forget_ignored()
    with Listers(scan.root, scan.options.workers - 1, scan.check, known=len(known)) as listers:
        touched = _read(scan, spared(scan.db, chain(_news(scan, known, survey, listers), _unread(scan))), survey)
    gone = known.keys() - survey.states.keys()
    survey.lost = bool(gone) and not gone.isdisjoint(scan.db.music_folders())
    scan.db.drop_folders([known[path].id for path in gone])
    survey.changed = survey.changed or bool(gone)
    for path in [path for path, state in survey.states.items() if state.id in touched]:
        survey.states[path] = survey.states[path]._replace(digest=b"", samples=0)  # the next walk begins anew with it
    return survey


def _news(scan: Scan, known: Mapping[bytes, FolderState], survey: Survey, listers: Listers) -> Iterator[Task]:
    """Walk; note what was seen, and yield the audio files nobody has read yet."""
    states, now_ns = survey.states, scan.now_ns
    for folder in walk(scan.root, IgnoreRules.of(scan.options.patterns), listers):
        scan.check()
        path, old = folder.path, known.get(folder.path)
        state = old
        rows: list[PlainRow] = []
        if state is None or state.digest != folder.digest:
            state, rows = _store(scan.db, folder, old)
            survey.changed = survey.changed or bool(rows) or not state.samples
        since_ns = state.since_ns if state.samples else now_ns()
        states[path] = FolderState(state.id, folder.digest, since_ns, min(state.samples + 1, SAMPLES))
        audio: list[File] = [(row[0], row[2], row[4:9]) for row in rows if row[3] == "audio"]
        if audio:
            if old is None:
                scan.db.just_read.ask(state.id, path, audio)
            yield Task(os.path.join(scan.root, path), audio)
        if folder.ignored:
            scan.db.add_ignored(folder.ignored)
            if reason := folder.unseen():
                survey.unseen[path] = reason
        scan.progress("walk", len(states), None)
    if scan.db.grew:  # it will be grouped, and the steps of that take a while to import, which readers are busy for
        import_module("scanner.grouping.verdicts")


def _store(db: NewScan, folder: Folder, old: FolderState | None) -> tuple[FolderState, list[PlainRow]]:
    """Make the scan DB say which files are in a folder; return those to be read, and what was seen of it before.

    That counts on where the files only have other inode numbers; else nothing was seen.
    """
    files = folder.files
    state = FolderState(old.id if old else db.add_folder(folder.path), b"", 0, 0)
    if old:
        files, same = _news_of(db, old.id, files)
        state = old if same and old.digest else state
    rows: list[PlainRow] = [
        (file_id, state.id, file[0], role_of(file[0]), *file[1:])
        for file_id, file in zip(db.file_ids(len(files)), files, strict=True)
    ]
    db.add_files(rows)
    return state, rows


def _news_of(db: NewScan, folder_id: int, files: list[Found]) -> tuple[list[Found], bool]:
    """Forget what changed in a folder; return the files to be read, and whether they may be the same as before.

    One that only has another number is read again where nothing but its bytes can tell that it is the same.
    """
    known = db.known_files(folder_id)
    news, same = [], len(files) == len(known)
    for file in files:
        if (row := known.get(file[0])) is None:
            same = False
            news.append(file)
            continue
        untouched = is_untouched(file[1:6], row[4:9])
        same = same and untouched is not False and file[6:] == row[9:]
        if not untouched:
            news.append(file)
            continue
        del known[row.name]
        if file[1:6] != row[4:9]:
            db.set_identity(row.id, file[1:6])
    db.forget_files(row.id for row in known.values())
    return news, same


def _unread(scan: Scan) -> Iterator[Task]:
    """Yield the files that were not touched but have to be read again."""
    for path, files in groupby(scan.db.unread(), key=itemgetter(0)):
        yield Task(os.path.join(scan.root, path), [(file_id, name, numbers) for _, file_id, name, numbers in files])


def _read(scan: Scan, tasks: Iterator[Task], survey: Survey) -> set[int]:
    """Read the tags of all files of the tasks; return the ids of the folders where one was touched meanwhile."""
    touched: set[int] = set()
    first = next(tasks, None)
    if first is None:
        return touched
    from scanner.tags.pool import TagPool

    with TagPool(scan.options.workers) as pool:
        for answer in pool.map(chain((first,), tasks)):
            scan.check()
            for block in answer.blocks:
                scan.db.add_readings(block)
                survey.read += len(block.file_ids)
            touched.update(scan.db.set_identity(*moved) for moved in answer.moved.items())
            scan.progress("read", survey.read, None)
    return touched
