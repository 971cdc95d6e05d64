"""Batches of file names from a pipe → their readings into another; what a worker does once it is limited."""

from __future__ import annotations

import errno
import os
import resource
import signal
import time
from collections.abc import Iterator
from typing import Any

from scanner.identity import is_untouched, numbers_of
from scanner.tags import wire
from scanner.tags.columns import blocks_of, columns_of, fact_columns
from scanner.tags.read import EMPTY, read_doubtful, read_header
from scanner.tags.source import Source
from scanner.tags.wire import Answer, File, Numbers
from scanner.writers import is_sparse, is_written

CPU_LIMIT = 20  # seconds for one file
REPORT_EVERY = 1.0  # seconds between two signs of life while a batch goes on
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FORMAT, _REGULAR = 0o170000, 0o100000  # of st_mode, see stat(2)
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


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
    for folder, files in wire.batch_of(body):
        for row in read_folder(folder, files, moved):
            rows.append(row)
            if clock.strikes():
                _send(answers, rows, moved)
                rows.clear()
                moved.clear()
    _send(answers, rows, moved)


def read_folder(folder: bytes, files: list[File], moved: dict[int, Numbers]) -> Iterator[tuple[object, ...]]:
    """Yield the row of each file of one folder; put the token and identity of those that changed into `moved`."""
    try:
        directory = os.open(folder, _FOLDER)
    except OSError as error:
        reading = (None, _problem_of(error), False, "header")
        yield from (columns_of(token, False, reading) for token, _, _ in files)
        return
    try:
        for token, name, known in files:
            fd = -1
            try:
                fd = os.open(name, _OPEN, dir_fd=directory)
                found = os.fstat(fd)
                numbers = numbers_of(found)
                if numbers != known and (known is None or is_untouched(numbers, known) is False):
                    moved[token] = numbers
                row = read_file(fd, found, token, name)
            except OSError as error:
                row = columns_of(token, False, (None, _problem_of(error), False, "header"))
            if fd >= 0:
                os.close(fd)
            yield row
    finally:
        os.close(directory)


def read_file(fd: int, found: os.stat_result, token: int, name: bytes) -> tuple[object, ...]:
    """Return the row of one open file, which is to be closed then. Raises OSError when the disk fails."""
    size = found.st_size
    if found.st_mode & _FORMAT != _REGULAR:
        problem = ("not_a_regular_file", "It is no file but a folder or device.")
        return columns_of(token, False, (None, problem, False, "header"))
    source = Source(fd, size)
    facts = read_header(source)
    if facts is None:
        extension = name.rpartition(b".")[2].lower().decode("latin-1")
        reading = read_doubtful(source, extension) if size else EMPTY
        return columns_of(token, _is_unwritten(fd, found), reading)
    return (token, 1 if _is_unwritten(fd, found) else None, None, None, None, "header", *fact_columns(facts))


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
