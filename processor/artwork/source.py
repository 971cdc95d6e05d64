"""A path → the bytes of a plain file, if they may be a picture; without anything that decodes one."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final

from config.plain import opened

MOST_BYTES: Final = 20_000_000


class Refused(Exception):
    """A picture is not used: code and sentence."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@contextmanager
def open_file(path: bytes) -> Iterator[BinaryIO]:
    """Open a plain file, never through a link as its last name. Raises Refused, and OSError."""
    with opened(path) as fd:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise Refused("not_a_regular_file", "It is no file but a folder or device.")
        with open(fd, "rb", closefd=False) as file:
            yield file


def read_file(path: bytes) -> bytes:
    """Return the bytes of a plain file, if they are not too many. Raises Refused, and OSError."""
    with open_file(path) as file:
        check_bytes(os.fstat(file.fileno()).st_size)
        return file.read(MOST_BYTES + 1)


def read_plain(path: bytes) -> bytes:
    """Return the bytes of a plain file as `read_file` does; what the system says is Refused, too."""
    try:
        return read_file(path)
    except FileNotFoundError as error:
        raise Refused("vanished", "It is not there any more.") from error
    except OSError as error:
        raise Refused("io_error", f"It cannot be read: {error.strerror}.") from error


def check_bytes(size: int) -> None:
    """Raise Refused for no bytes or too many."""
    if not size:
        raise Refused("empty_file", "The file has no bytes at all.")
    if size > MOST_BYTES:
        raise Refused("picture_too_large", f"It has {size} bytes; at most {MOST_BYTES} are looked at.")
