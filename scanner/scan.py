"""An inbound root → a finished scan DB: what is there, what its tags say, what is one album, which are ready."""

from __future__ import annotations

import datetime as dt
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from operator import attrgetter
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from config.errors import Stopped
from config.machine import boot_id, boottime
from config.reasons import Reason
from scanner.grouping.groups import Group
from scanner.identity import Identity
from scanner.ignore import IgnoreRules
from scanner.kinds.music_album import group, role_of
from scanner.readiness import (
    SAMPLES,
    SECOND_NS,
    FileState,
    FolderState,
    Tree,
    folder_reasons,
    probe,
    unfinished_reasons,
)
from scanner.rows import FileRow, ReadingRow
from scanner.scandb import ScanDb
from scanner.scanfiles import new_path, newest
from scanner.walk import Folder, walk

Progress = Callable[[str, int, int | None], None]  # stage, how many are done, of how many if that is known
STORED_AT_ONCE = 500  # readings
FILES_A_WORKER = 256  # fewer are not worth another process


class Until(Protocol):
    """What tells a scan to stop; a threading.Event is one."""

    def is_set(self) -> bool:
        """Whether to stop now."""

    def wait(self, seconds: float, /) -> object:
        """Wait so long, or until it is set."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time since the machine was started, sleep included; nobody can set it, but it begins anew with each boot."""

    boot: str
    now_ns: Callable[[], int]

    @classmethod
    def of_kernel(cls) -> Clock:
        """Return the real one."""
        return cls(boot_id(), lambda: int(boottime() * SECOND_NS))


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """What an admin may decide about a scan."""

    quiet_seconds: float = 60  # 0 takes what is there at once
    settle: bool = True  # stay until what is new was still for the quiet period; else leave it to a later scan
    workers: int = 4  # processes that read tags
    patterns: tuple[str, ...] = ()  # more to ignore, as in .gitignore

    @property
    def quiet_ns(self) -> int:
        """The quiet period in nanoseconds."""
        return int(self.quiet_seconds * SECOND_NS)


@dataclass(frozen=True, slots=True)
class ScanStats:
    """What a scan found."""

    folders: int
    files: int
    audio: int
    bytes: int
    carried: int  # audio files whose tags an earlier scan had read
    read: int  # audio files opened now
    ignored: int
    problems: int  # audio files that cannot be read
    groups: int
    waiting: int  # groups that are not ready
    seconds: Mapping[str, float] = field(default_factory=dict)  # by stage

    @property
    def duration_ms(self) -> int:
        """How long all of it took."""
        return round(sum(self.seconds.values()) * 1000)

    def to_json(self) -> dict[str, Any]:
        """Return what scripts get to see."""
        return {**asdict(self), "duration_ms": self.duration_ms}


def silent(_stage: str, _done: int, _total: int | None) -> None:
    """Show no progress."""


def scan_into(
    folder: Path, root: bytes, options: ScanOptions, until: Until, progress: Progress = silent
) -> tuple[Path, ScanStats]:
    """Scan `root` into a new file in `folder`, carrying on from the last scan of this root there; return both.

    Raises like `scan_inbound`.
    """
    started = dt.datetime.now(dt.UTC)
    path = new_path(folder, root, started, os.urandom(4).hex())
    stats = scan_inbound(
        root, path, previous=newest(folder, root), options=options, until=until, started=started, progress=progress
    )
    return path, stats


def scan_folder(
    root: bytes, folder: Path, *, workers: int, stop: Until, progress: Progress = silent
) -> tuple[Path, ScanStats]:
    """Scan any folder as it is now, without waiting for anything, into a new file in `folder`; return both."""
    return scan_into(folder, root, ScanOptions(quiet_seconds=0, workers=workers), stop, progress)


def scan_inbound(
    root: bytes,
    db_path: Path,
    *,
    previous: Path | None,
    options: ScanOptions,
    until: Until,
    started: dt.datetime,
    progress: Progress = silent,
    clock: Clock | None = None,
) -> ScanStats:
    """Scan `root` into the new file `db_path` and return what was found.

    Unchanged files keep what the scan in `previous` read from them; so does how long a folder has been still.
    Raises Stopped when `until` is set, Misconfigured when the root or the scan DB cannot be used; then no file is left.
    """
    clock = clock or Clock.of_kernel()
    text = json.dumps(asdict(options))
    with ScanDb.create(db_path, root=root, started=started, boot=clock.boot, options=text, previous=previous) as db:
        scan = _Scan(root, db, options, clock.now_ns, until, progress, {})
        with scan.stage("walk"):
            survey = _survey(scan, db.folder_states())
        with scan.stage("settle"):
            survey = _settle(scan, survey)
        with scan.stage("read"):
            read = _read_tags(scan, survey.states)
        with scan.stage("group"):
            _group(scan, survey, read=read)
        db.set_folder_states(survey.states.values())
        totals = db.totals()
        stats = ScanStats(**totals, read=read, carried=totals["audio"] - read, seconds=scan.seconds)
        db.finish(stats.to_json())
    return stats


@dataclass(frozen=True, slots=True)
class _Scan:
    """What every stage needs."""

    root: bytes
    db: ScanDb
    options: ScanOptions
    now_ns: Callable[[], int]
    until: Until
    progress: Progress
    seconds: dict[str, float]

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        began = self.now_ns()
        yield
        self.seconds[name] = round((self.now_ns() - began) / SECOND_NS, 6)

    def check(self) -> None:
        if self.until.is_set():
            raise Stopped("the scan was stopped before its end; nothing was changed")


class _Survey(NamedTuple):
    states: dict[bytes, FolderState]
    unseen: dict[bytes, Reason]  # folders where something is not whole, or could not be seen
    changed: bool  # whether any folder was not what the scan DB said


def _survey(scan: _Scan, known: Mapping[bytes, FolderState]) -> _Survey:
    """Walk once, and make the scan DB say what is there now."""
    states: dict[bytes, FolderState] = {}
    unseen: dict[bytes, Reason] = {}
    changed = False
    scan.db.forget_ignored()
    for folder in walk(scan.root, IgnoreRules.of(scan.options.patterns)):
        scan.check()
        old = known.get(folder.path)
        if old is None or old.digest != folder.digest:
            changed = True
            state = FolderState(_store(scan.db, folder, old), folder.digest, scan.now_ns(), 1)
        else:
            state = FolderState(old.id, old.digest, old.since_ns if old.samples else scan.now_ns(), old.samples + 1)
        states[folder.path] = state
        if folder.ignored:
            scan.db.add_ignored(folder.ignored)
            if reason := folder.unseen():
                unseen[folder.path] = reason
        scan.progress("walk", len(states), None)
    gone = [known[path].id for path in known.keys() - states.keys()]
    scan.db.drop_folders(gone)
    return _Survey(states, unseen, changed or bool(gone))


def _store(db: ScanDb, folder: Folder, old: FolderState | None) -> int:
    folder_id = old.id if old else db.add_folder(folder.path)
    files = [FileRow.of(folder_id, name, role_of(name), found) for name, found in folder.files]
    if old:
        db.replace_files(folder_id, files)
    else:
        db.add_files(files)
    return folder_id


def _settle(scan: _Scan, survey: _Survey) -> _Survey:
    """Look again, twice, half the quiet period apart, while there is music that was not still for long enough."""
    for look in range(SAMPLES - 1):
        now_ns, music = scan.now_ns(), scan.db.music_folders()
        if not scan.options.settle or all(
            survey.states[path].is_quiet(now_ns, scan.options.quiet_ns) for path in music
        ):
            break
        scan.progress("settle", look, SAMPLES - 1)
        scan.until.wait(scan.options.quiet_seconds / (SAMPLES - 1))
        scan.check()
        # The whole tree: another disc may have come, and half an album must not pass for a whole one.
        again = _survey(scan, survey.states)
        survey = again._replace(changed=survey.changed or again.changed)
    return survey


def _read_tags(scan: _Scan, states: dict[bytes, FolderState]) -> int:
    """Read the tags of all audio nobody has read yet; return how many files that were."""
    walked: dict[int, Identity] = {}
    tasks: dict[bytes, list[tuple[int, bytes]]] = {}
    for folder, file_id, name, identity in scan.db.unread():
        tasks.setdefault(folder, []).append((file_id, name))
        walked[file_id] = identity
    if not walked:
        return 0
    from scanner.tags.pool import TagPool, Task

    touched: set[int] = set()
    done: list[ReadingRow] = []
    # A process that starts takes as long as one that reads some hundred files.
    with TagPool(min(scan.options.workers, 1 + len(walked) // FILES_A_WORKER)) as pool:
        for number, result in enumerate(
            pool.map(Task(os.path.join(scan.root, path), names) for path, names in tasks.items())
        ):
            done.append(ReadingRow(result.token, *result.reading))
            if result.identity not in (None, walked[result.token]):
                touched.add(scan.db.set_identity(result.token, result.identity))
            if len(done) == STORED_AT_ONCE:
                scan.check()
                scan.db.add_readings(done)
                done.clear()
                scan.progress("read", number + 1, len(walked))
    scan.db.add_readings(done)
    for path in [path for path, state in states.items() if state.id in touched]:
        states[path] = states[path]._replace(digest=b"", samples=0)  # the next walk begins anew with it
    return len(walked)


def _group(scan: _Scan, survey: _Survey, *, read: int) -> None:
    """Put the files together, unless that was done when they were the same; find why each group has to wait."""
    if scan.db.grew or read:
        scan.db.forget_groups()
        groups: Iterator[tuple[int, Group]] = (
            (scan.db.add_group(found), found) for found in group(scan.db.tracks(), scan.db.sides())
        )
    elif survey.changed:
        _regroup_broken(scan.db)
        groups = scan.db.known_groups(only_waiting=False)
    else:
        # Who was ready is ready, because nothing was touched; who waited may have waited for long enough.
        groups = scan.db.known_groups(only_waiting=scan.db.same_options and not survey.unseen)
    tree = Tree(sorted(survey.states), survey.states, scan.db.music_folders(), survey.unseen)
    now_ns, quiet_ns = scan.now_ns(), scan.options.quiet_ns
    doubtful = scan.db.doubtful_files()
    for album_id, album in groups:
        scan.check()
        files = sorted((doubtful[one] for one in album.file_ids if one in doubtful), key=attrgetter("path"))
        still_ns = now_ns - max(survey.states[path].since_ns for path in album.folders)
        unfinished, warnings = unfinished_reasons(files, still_ns, quiet_ns)
        waits = (*folder_reasons(album.folders, album.home, tree, now_ns, quiet_ns), *unfinished)
        scan.db.set_waits(album_id, waits or _probe(scan, files), warnings)


def _regroup_broken(db: ScanDb) -> None:
    """Put the files together again whose group lost one; all others stay as they are.

    Files only went away, most of them to staging. What was left behind was judged beside them, and is not to become
    another album because they are gone.
    """
    kept = db.keep_whole_groups()
    tracks = [track for track in db.tracks() if track.file_id not in kept]
    sides = [side for side in db.sides() if side.file_id not in kept]
    for found in group(tracks, sides):
        db.add_group(found)


def _probe(scan: _Scan, files: list[FileState]) -> list[Reason]:
    """Look at the files of a group that is ready but for this; one that passed is not opened again until it changes."""
    found = {file.file_id: probe(os.path.join(scan.root, file.path), file.path) for file in files if not file.probed}
    scan.db.set_probed(file_id for file_id, reason in found.items() if reason is None)
    return [reason for reason in found.values() if reason]
