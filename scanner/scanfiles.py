"""The folder of scan DBs → a name for the next one, the newest finished one, and no more than are wanted."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress
from pathlib import Path

from config.blake import blake2b
from scanner.scanschema import is_being_written, is_finished


def new_path(folder: Path, root: bytes, now: dt.datetime, token: str) -> Path:
    """Name the scan DB of a scan that begins now; `token` is random, so that no two scans share a file.

    It comes after all others also where a clock that was ahead was put right: else that time's scan stayed the newest.
    """
    moment = now.astimezone(dt.UTC)
    for last in _of_root(folder, root)[:1]:
        with suppress(ValueError, OverflowError):  # a name of somebody else's
            stamp = last.name.removeprefix(_prefix(root)).partition("-")[0]
            moment = max(moment, dt.datetime.fromisoformat(stamp + "Z") + dt.timedelta(microseconds=1))
    return folder / f"{_prefix(root)}{moment:%Y%m%dT%H%M%S.%f}-{token}.db"


def newest(folder: Path, root: bytes) -> Path | None:
    """Return the last scan DB of a root that was finished, or None."""
    return next((path for path in _of_root(folder, root) if is_finished(path, root)), None)


def prune(folder: Path, root: bytes, keep: int) -> int:
    """Remove all but the newest `keep` finished scan DBs of a root, and what interrupted scans left; return how many.

    What somebody is writing stays, and what was begun since the newest was finished: a dry run scans beside a cycle.
    """
    paths = [path for path in _of_root(folder, root) if not is_being_written(path)]
    finished = [path for path in paths if is_finished(path, root)]
    begun = paths.index(finished[0]) if finished else 0
    spare = set(paths[begun:]).difference(finished[:keep])
    for path in spare:
        path.unlink(missing_ok=True)
        path.with_name(path.name + "-journal").unlink(missing_ok=True)
    return len(spare)


def _prefix(root: bytes) -> str:
    return f"scan-{blake2b(root, digest_size=4).hexdigest()}-"


def _of_root(folder: Path, root: bytes) -> list[Path]:
    return sorted(folder.glob(_prefix(root) + "*.db"), reverse=True)
