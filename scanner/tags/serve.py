"""Batches of file names from a pipe → their readings into another; what a worker does once it is limited."""

from __future__ import annotations

import errno
import os
import resource
import stat
import time
from typing import Any

from scanner.identity import numbers_of
from scanner.tags import wire
from scanner.tags.columns import blocks_of, columns_of
from scanner.tags.read import read_tags
from scanner.writers import has_writer, is_sparse

CPU_LIMIT = 20  # seconds for one file
REPORT_EVERY = 1.0  # seconds between two signs of life while a batch goes on
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC


def serve(tasks: int, answers: int) -> None:
    """Answer each batch with its rows, in its order, in one frame or several."""
    buffer = bytearray()
    clock = _Clock()
    _write(answers, wire.frame("ready"))
    while received := os.read(tasks, 1 << 16):
        buffer += received
        for body in wire.take_frames(buffer):
            rows: list[Any] = []
            moved: list[Any] = []
            for folder, files in wire.batch_of(body):
                for row in read_folder(folder, files, moved, clock):
                    rows.append(row)
                    if clock.report_due():
                        _send(answers, rows, moved)
                        rows, moved = [], []
            _send(answers, rows, moved)


def read_folder(folder: bytes, files: list[Any], moved: list[Any], clock: _Clock) -> Any:
    """Yield the row of each file of one folder; put the token and identity of those that changed into `moved`."""
    try:
        directory = os.open(folder, _FOLDER)
    except OSError as error:
        reading = (None, _problem_of(error), False, "header")
        yield from (columns_of(token, False, reading) for token, _, _ in files)
        return
    try:
        for token, name, known in files:
            clock.grant()
            numbers, unwritten, reading = read_file(directory, name)
            if numbers is not None and numbers != known:
                moved.append((token, numbers))
            yield columns_of(token, unwritten, reading)
    finally:
        os.close(directory)


def read_file(directory: int, name: bytes) -> Any:
    """Read one file, without following links or waiting; return its identity, whether nobody writes to it, and tags."""
    numbers, unwritten = None, False
    try:
        fd = os.open(name, _OPEN, dir_fd=directory)
        try:
            found = os.fstat(fd)
            numbers = numbers_of(found)
            if not stat.S_ISREG(found.st_mode):
                problem = ("not_a_regular_file", "It is no file but a folder or device.")
                return numbers, False, (None, problem, False, "header")
            unwritten = not is_sparse(found.st_size, found.st_blocks) and not has_writer(fd)
            extension = name.rpartition(b".")[2].lower().decode("latin-1")
            return numbers, unwritten, read_tags(fd, extension, found.st_size)
        finally:
            os.close(fd)
    except OSError as error:
        return numbers, unwritten, (None, _problem_of(error), False, "header")


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
    """Grants each file its seconds of CPU, and tells when a sign of life is due."""

    def __init__(self) -> None:
        self._granted = -1.0
        self._reported = time.monotonic()

    def grant(self) -> None:
        """Move the limit of CPU time, but not more than once a second of it: the call is not free."""
        used = time.process_time()
        if used - self._granted > 1 or self._granted < 0:
            self._granted = used
            hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
            resource.setrlimit(resource.RLIMIT_CPU, (int(used) + CPU_LIMIT + 2, hard))

    def report_due(self) -> bool:
        """Whether the parent has not heard of us for a while; asking counts as reporting."""
        now = time.monotonic()
        if now - self._reported < REPORT_EVERY:
            return False
        self._reported = now
        return True


def _send(answers: int, rows: list[Any], moved: list[Any]) -> None:
    """Send rows, in several frames when they are long; one that is too long by itself becomes a reason."""
    if not rows:
        return
    data = wire.frame((blocks_of(rows), moved))
    if len(data) <= wire.FRAME_LIMIT:
        _write(answers, data)
    elif len(rows) == 1:
        problem = ("answer_too_long", "Its tags are longer than any music needs.")
        row = columns_of(rows[0][0], False, (None, problem, False, "mutagen"))
        _write(answers, wire.frame((blocks_of([row]), moved)))
    else:
        middle = len(rows) // 2
        early = {row[0] for row in rows[:middle]}
        _send(answers, rows[:middle], [one for one in moved if one[0] in early])
        _send(answers, rows[middle:], [one for one in moved if one[0] not in early])


def _write(answers: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(answers, view) :]
