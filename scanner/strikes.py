"""Files on which a reader died → remembered by content, and after three times refused whatever they are called.

It may have been the machine that had no memory left, and not the file: once a day one is tried again.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from config.plain import opened
from scanner.identity import identity_from
from scanner.readiness import DEADLY

if TYPE_CHECKING:
    from scanner.newscan import NewScan
    from scanner.tags.wire import File, Numbers, Task

STRIKES: Final = 3
REST: Final = dt.timedelta(days=1)
_GIVEN_UP: Final = (
    "reader_gave_up",
    f"Reading its tags ended {STRIKES} readers, so as long as its content is the same it is tried again once a day.",
)


def spared(db: NewScan, tasks: Iterator[Task]) -> Iterator[Task]:
    """Yield the tasks without the files whose content ended too many readers; those are refused at once."""
    struck = db.struck(STRIKES, REST)
    return _without(db, tasks, struck) if struck else tasks


def count(db: NewScan) -> None:
    """Remember the content of every file on which a reader died in this scan. Call it once a scan."""
    for path, numbers in db.readings_that_failed(DEADLY):
        if digest := _digest(db, path, numbers):
            db.strike(digest, numbers[2])


def _without(db: NewScan, tasks: Iterator[Task], struck: dict[int, set[str]]) -> Iterator[Task]:
    from scanner.tags.columns import blocks_of, columns_of

    for task in tasks:
        deadly = {file[0] for file in task.files if _is_struck(db, task.folder, file, struck)}
        for block in blocks_of(columns_of(file_id, False, (None, _GIVEN_UP, False, "header")) for file_id in deadly):
            db.add_readings(block)
        if left := [file for file in task.files if file[0] not in deadly]:
            yield task._replace(files=left)


def _is_struck(db: NewScan, folder: bytes, file: File, struck: dict[int, set[str]]) -> bool:
    numbers = file[2]
    if numbers is None or numbers[2] not in struck:
        return False  # hardly any file has the size of one of them, so hardly any is read for this
    return _digest(db, os.path.join(folder, file[1]), numbers) in struck[numbers[2]]


def _digest(db: NewScan, path: bytes, numbers: Numbers) -> str | None:
    """Return the SHA-256 of a file that is still the one that was seen; None if it is not."""
    from scanner.checksums import SUMS  # hardly any scan takes one

    try:
        with opened(path) as descriptor:
            if os.fstat(descriptor).st_size != numbers[2]:
                return None
            return db.digest(path, identity_from(numbers), "sha256", lambda: SUMS["sha256"](descriptor))
    except OSError:
        return None
