"""Batches of file names from a pipe → their readings into another; what a worker does once it is limited."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from typing import Any

from scanner.identity import is_untouched, numbers_of
from scanner.tags import wire
from scanner.tags.ahead import Opened, opened
from scanner.tags.columns import blocks_of, columns_of, fact_columns
from scanner.tags.read import EMPTY, read_doubtful, read_header
from scanner.tags.wire import Answer, Numbers
from scanner.writers import is_sparse, is_written

CPU_LIMIT = 20  # seconds for one file
REPORT_EVERY = 1.0  # seconds between two signs of life while a batch goes on


def serve(tasks: int, answers: int) -> None:
    """Answer each batch with its rows, in its order, in one frame or several."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)  # see is_written
    buffer = bytearray()
    clock = _Clock()
    wire.write(answers, wire.frame("ready"))
    while received := os.read(tasks, 1 << 16):
        buffer += received
        for body in wire.take_frames(buffer):
            _answer(body, answers, clock)


def _answer(body: bytes, answers: int, clock: _Clock) -> None:
    rows: list[Any] = []
    moved: dict[int, Numbers] = {}
    for one in opened(wire.batch_of(body)):
        rows.append(_row(one, moved))
        if clock.strikes():
            _send(answers, rows, moved)
            rows.clear()
            moved.clear()
    _send(answers, rows, moved)


def _row(one: Opened, moved: dict[int, Numbers]) -> tuple[object, ...]:
    """Return the row of one file; if it changed, put its token and identity into `moved`."""
    token, error = one.token, one.error
    if one.fd >= 0:
        numbers = numbers_of(one.found)
        if numbers != one.known and (one.known is None or is_untouched(numbers, one.known) is False):
            moved[token] = numbers
    if error is None:
        try:
            return _read(one)
        except OSError as refused:
            error = refused
    return columns_of(token, False, (None, _problem_of(error), False, "header"))


def _read(one: Opened) -> tuple[object, ...]:
    """Return the row of one open file. Raises OSError when the disk fails."""
    token, source, found = one.token, one.source, one.found
    if source is None:
        problem = ("not_a_regular_file", "It is no file but a folder or device.")
        return columns_of(token, False, (None, problem, False, "header"))
    facts = read_header(source)
    if facts is None:
        one.read_on()
        extension = one.name.rpartition(b".")[2].lower().decode("latin-1")
        reading = read_doubtful(source, extension) if source.size else EMPTY
        return columns_of(token, _is_unwritten(one.fd, found), reading)
    return (token, 1 if _is_unwritten(one.fd, found) else None, None, None, None, "header", *fact_columns(facts))


def _is_unwritten(fd: int, found: os.stat_result) -> bool:
    """Whether it is known that nobody writes to the file; asked last, because the lease delays whoever wants to."""
    return not is_sparse(fd, found.st_size, found.st_blocks) and not is_written(fd)


def _problem_of(error: OSError) -> tuple[str, str]:
    return {
        errno.ELOOP: ("link", "It is a symbolic link, and links are not followed."),
        errno.EACCES: ("permission_denied", "This user may not read it."),
        errno.EPERM: ("permission_denied", "This user may not read it."),
        errno.ENOENT: ("vanished", "It was gone when it was to be read."),
        errno.ENOTDIR: ("vanished", "Its folder was gone when it was to be read."),
        errno.ENXIO: ("not_a_regular_file", "It is a socket or a pipe."),
        errno.ENODEV: ("not_a_regular_file", "It is a device."),
    }.get(error.errno or 0, ("io_error", f"The disk or the system refused it: {error.strerror}."))


class _Clock:
    """Grants each file its seconds of CPU, and tells when a sign of life is due; asked after every file."""

    def __init__(self) -> None:
        self._next = 0.0
        self.strikes()

    def strikes(self) -> bool:
        """Whether the parent has not heard of us for a while; then the limit of CPU time is moved, too."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + REPORT_EVERY
        used = int(time.process_time())  # grows no faster than the time that passes
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (used + CPU_LIMIT + 2, hard))
        return True


def _send(answers: int, rows: list[Any], moved: dict[int, Numbers]) -> None:
    """Send rows, in several frames when they are long; one that is too long by itself becomes a reason."""
    if not rows:
        return
    data = wire.answer_frame(Answer(blocks_of(rows), moved))
    if len(data) <= wire.FRAME_LIMIT:
        wire.write(answers, data)
    elif len(rows) == 1:
        problem = ("answer_too_long", "Its tags are longer than any music needs.")
        row = columns_of(rows[0][0], False, (None, problem, False, "mutagen"))
        wire.write(answers, wire.answer_frame(Answer(blocks_of([row]), moved)))
    else:
        middle = len(rows) // 2
        for part in rows[:middle], rows[middle:]:
            _send(answers, part, {row[0]: moved[row[0]] for row in part if row[0] in moved})
