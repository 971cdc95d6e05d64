"""Who is to stop while large files are read or copied does so at once, says so, and a next command does the rest."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any, Final

import pytest

from daemon import signals
from processor.filesystem import copying
from tests.faults import ALL
from tests.faults.cycles import House, another_filesystem, forked, lost, wrong_items
from tests.faults.subjects import SUBJECTS, Subject
from tests.faults.test_fsck_kill import ready

READ: Final = "read"  # the file that counts blocks
AFTER: Final = 8  # blocks: those that threads were reading, and the first ones of what they begin then
SAMPLE: Final = {  # after how many blocks to stop: in a plan, a comparison, a roll-back, a look, a fsck
    "merge": 200,
    "undo of a replacement": 1200,
    "late tracks, published": 1700,
    "publish late tracks": 300,
    "fsck --verify": 250,
}
STOPPED: Final = [
    (one, at)
    for one in SUBJECTS
    for at in (range(1, 4200, 100) if ALL else [SAMPLE[one.name]] if one.name in SAMPLE else [])
]


class Reading:
    """Counts the blocks of files that this process reads, which are many; at one of them it is asked to stop."""

    def __init__(self, house: House, at: int) -> None:
        self._log, self._at, self._n = house.folder / READ, at, 0
        self._lock = threading.Lock()
        self._log.write_text("0")
        copying.BUFFER = 64  # for good: this process is a child
        fill = copying._fill

        def filled(file: int, view: memoryview) -> int:
            self._block()
            return fill(file, view)

        copying._fill = filled

    def _block(self) -> None:
        with self._lock:
            self._n += 1
            if self._n == self._at:
                signals._STOP.set()
            self._log.write_text(str(self._n))


def stopped(house: House, at: int, *command: str) -> tuple[int, int]:
    """Run a command that is asked to stop at a block; return how it ended, and how many it read from then on."""

    def work() -> None:
        Reading(house, at)
        house.command(*command)

    _, status = os.waitpid(forked(work), 0)
    return os.waitstatus_to_exitcode(status), int((house.folder / READ).read_text()) - at


@pytest.mark.parametrize(("subject", "at"), STOPPED, ids=lambda one: one.name if isinstance(one, Subject) else str(one))
def test_a_large_file_is_read_no_further_by_who_is_to_stop(quick_path: Path, subject: Subject, at: int) -> None:
    with another_filesystem(quick_path) as elsewhere:
        house, trial = ready(quick_path / "house", subject, elsewhere / "house")
        before: Any = list(wrong_items(house))
        status, after = stopped(house, at, *trial.command)
        ended = house.ended(status)
        assert after <= AFTER, ended
        assert "Traceback" not in ended.err
        if status or not ALL:  # what is asked only while its last file is read may come to its end
            assert (status, after >= 0, "top" in ended.out + ended.err) == (1, True, True), ended
        assert set(before) >= {*lost(house), *wrong_items(house)}  # a part may be repaired
        assert trial.converges(house) == []
