"""An inbound root → a finished scan DB: what is there, what its tags say, what is one album, which are ready."""

from __future__ import annotations

import datetime as dt
import gc
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from config.errors import Retryable
from config.leave import ROWS, asking, changing
from config.machine import uncollected
from scanner import strikes
from scanner.identity import SECOND_NS
from scanner.newscan import NewScan
from scanner.options import Clock, Progress, ScanOptions, ScanStats, Until, silent
from scanner.readiness import SAMPLES
from scanner.regroup import regroup
from scanner.scandb import DAMAGED
from scanner.scanfiles import new_path, newest
from scanner.survey import Scan, Survey, look

LONGEST_WAIT = 300  # seconds


def scan_into(
    folder: Path,
    root: bytes,
    options: ScanOptions,
    until: Until,
    progress: Progress = silent,
    clock: Clock | None = None,
) -> tuple[Path, ScanStats]:
    """Scan `root` into a new file in `folder`; return it and what was found. Without a clock the kernel's counts.

    What the last scan of this root there read from unchanged files is kept, and so is how long a folder has been still.
    Raises Stopped when `until` is set, Misconfigured when the root or the scan DB cannot be used; then no file is left
    behind.
    """
    clock = clock or Clock.of_kernel()

    def scan_after(previous: Path | None) -> tuple[Path, ScanStats]:
        with asking(until), _few_collections(), _begin(folder, root, previous, options, clock) as db:
            return db.path, _fill(Scan(root, db, options, clock.now_ns, until, progress))

    try:
        return scan_after(newest(folder, root))
    except Retryable as error:
        if error.reason_code != DAMAGED:
            raise
        return scan_after(None)  # or no scan would come to its end any more


def scan_folder(
    root: bytes, folder: Path, *, workers: int, stop: Until, progress: Progress = silent
) -> tuple[Path, ScanStats]:
    """Scan any folder as it is now, without waiting for anything, into a new file in `folder`; return both."""
    return scan_into(folder, root, ScanOptions(quiet_seconds=0, workers=workers), stop, progress)


def _begin(folder: Path, root: bytes, previous: Path | None, options: ScanOptions, clock: Clock) -> NewScan:
    started = dt.datetime.now(dt.UTC)
    path = new_path(folder, root, started, os.urandom(4).hex())
    text = json.dumps(options._replace(choices={})._asdict())  # without choices, whose files are read anew
    return NewScan.create(path, root=root, started=started, boot=clock.boot, options=text, previous=previous)


def _fill(scan: Scan) -> ScanStats:
    """Take the steps of a scan, the last of which makes its file one to carry on from."""
    db, seconds = scan.db, dict[str, float]()
    with _timed("look", scan.now_ns, seconds):
        known = db.folder_states()
        survey = look(scan, known)
    with _timed("settle", scan.now_ns, seconds):
        survey = _settle(scan, survey)
    strikes.count(db)
    with _timed("group", scan.now_ns, seconds), uncollected():
        regroup(scan, survey)
    db.set_folder_states(state for path, state in survey.states.items() if state != known.get(path))
    stats = ScanStats(**db.totals(), seconds=seconds)
    with changing(ROWS):  # a scan nobody waited for is none to carry on from
        db.finish(stats.to_json())
    return stats


@contextmanager
def _few_collections() -> Iterator[None]:
    """Let Python look for cycles among objects less often: a scan makes millions of rows, and no cycles."""
    before = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def _timed(name: str, now_ns: Callable[[], int], seconds: dict[str, float]) -> Iterator[None]:
    began = now_ns()
    yield
    seconds[name] = round((now_ns() - began) / SECOND_NS, 6)


def _settle(scan: Scan, survey: Survey) -> Survey:
    """Look again, twice, half the quiet period apart, while there is music that was not still for long enough.

    A quiet period of more than LONGEST_WAIT is left to later scans: whoever scans holds the roots meanwhile.
    """
    if not (scan.options.settle and 0 < scan.options.quiet_seconds <= LONGEST_WAIT):
        return survey
    for count in range(SAMPLES - 1):
        music = scan.db.music_folders()
        if all(survey.states[path].is_quiet(survey.began_ns, scan.options.quiet_ns) for path in music):
            break
        scan.progress("settle", count, SAMPLES - 1)
        scan.until.wait(scan.options.quiet_seconds / (SAMPLES - 1))
        scan.check()
        # The whole tree, because another disc may have come, and half an album must not pass for a whole one.
        survey = look(scan, survey.states).after(survey)
    return survey
