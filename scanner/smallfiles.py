"""A small file beside the music → its bytes, whatever stands under its name; and the text they are."""

from __future__ import annotations

import codecs
import os
import stat
from contextlib import suppress
from typing import Final

from config.plain import opened

MAX_SMALL: Final = 1 << 20  # bytes; lists and cue sheets have a line or a few for each track


def read_small(path: bytes) -> bytes:
    """Return the first MAX_SMALL bytes of a file, nothing of what is none (a link, a FIFO) or cannot be read.

    What cannot be read says nothing: whoever moves the file meets the same error, and tells it.
    """
    try:
        with opened(path) as descriptor:
            is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
            return os.pread(descriptor, MAX_SMALL, 0) if is_file else b""
    except OSError:
        return b""


def text_of(data: bytes) -> str:
    """Return the text: Unicode, or else that of Western Windows, for no such file names its code page."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    return data.decode("latin-1")
