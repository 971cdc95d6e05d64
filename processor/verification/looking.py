"""A file of a library → its size, time and digest, read from the disk at a given pace; decoded, if that is wanted."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from blake3 import blake3
from loguru import logger

from config.errors import Misconfigured, Rejected
from processor.filesystem.files import Tree
from processor.verification.judging import Seen, Subject

BLOCK: Final = 1 << 20  # bytes
DECODE_SECONDS: Final = 600  # for one file
LOOK: Final = 0.5  # seconds between two looks whether to stop
_BROKEN: Final = (errno.EIO, errno.EUCLEAN, errno.EBADMSG)  # the disk has it no more
_GONE: Final = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_HASHES: Final[dict[str, Callable[[], Any]]] = {"sha256": hashlib.sha256, "blake3": blake3}

Spend = Callable[[int], None]  # bytes about to be read; waits for their turn, raises when we should stop


def look(tree: Tree, subject: Subject, spend: Spend, decode: Callable[[int], bool] | None = None) -> Seen | None:
    """Read a file; None if there is none. What the disk does not give back is `unreadable`.

    What is in memory of it is dropped first and after, so that the disk is asked, and others keep their memory.
    Raises OSError for what is no fault of the file.
    """
    algorithm = (subject.digest or "blake3:").partition(":")[0]
    try:
        with tree.opened(subject.path) as fd:
            found = os.fstat(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            digest = f"{algorithm}:{_digest(fd, algorithm, spend)}"
            whole = decode is None or subject.role != "audio" or decode(fd)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    except Rejected:
        return None  # a folder or a link in its place
    except OSError as error:
        if error.errno in _GONE:
            return None
        if error.errno in _BROKEN:
            return Seen(0, 0, "", "unreadable")
        raise
    return Seen(found.st_size, found.st_mtime_ns, digest, None if whole else "undecodable")


def _digest(fd: int, algorithm: str, spend: Spend) -> str:
    hasher = _HASHES[algorithm]()
    while True:
        spend(BLOCK)
        data = os.read(fd, BLOCK)
        if not data:
            return str(hasher.hexdigest())
        hasher.update(data)


def decoder(check: Callable[[], object]) -> Callable[[int], bool]:
    """Return what decodes an open file with ffmpeg, and says whether it could. Raises Misconfigured without ffmpeg.

    What somebody else kills, as the kernel does for want of memory, says nothing against the file.
    `check` is asked all the while, and may raise. Ctrl-C at a terminal does not reach ffmpeg: it would pass for damage.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        raise Misconfigured("decoding needs ffmpeg, which is not installed here; install it, or turn decoding off")

    def decode(fd: int) -> bool:
        command = [program, "-nostdin", "-v", "error", "-xerror", "-protocol_whitelist", "file",
                   "-i", f"/proc/self/fd/{fd}", "-map", "0:a", "-f", "null", "-"]  # fmt: skip
        os.lseek(fd, 0, os.SEEK_SET)
        ends = time.monotonic() + DECODE_SECONDS
        with subprocess.Popen(command, pass_fds=[fd], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, process_group=0) as decoding:  # fmt: skip
            try:
                while decoding.poll() is None and time.monotonic() < ends:
                    check()
                    with suppress(subprocess.TimeoutExpired):
                        decoding.wait(LOOK)
                is_late = decoding.poll() is None
            finally:
                decoding.kill()
        if decoding.returncode == -signal.SIGKILL and not is_late:
            logger.warning("ffmpeg was killed, maybe for want of memory: a file was not decoded to its end")
            return True
        return decoding.returncode == 0

    return decode
