"""Audio files → what they sound like, by Chromaprint's fpcalc, in a child process with hard limits; if it is there."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
from typing import Final, NamedTuple

from loguru import logger

SECONDS: Final = 120  # of music that are listened to; what AcoustID's own clients send
TIMEOUT: Final = 60.0  # seconds for one file
MEMORY: Final = 1 << 30  # bytes of address space
MOST: Final = 1 << 20  # bytes of an answer
_LIMITS: Final = ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, int(TIMEOUT)), (resource.RLIMIT_CORE, 0))


class Print(NamedTuple):
    """The sound of one file."""

    seconds: int  # of the whole file
    fingerprint: str


def fpcalc() -> str | None:
    """Return where fpcalc is; None where it is not installed."""
    return shutil.which("fpcalc")


def fingerprint(program: str, path: bytes) -> Print | None:
    """Return the sound of a file, given by its absolute path; None where it cannot be told, or not without errors."""
    command = [os.fsencode(program), b"-json", b"-length", str(SECONDS).encode(), path]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={"LC_ALL": "C"}
    ) as process:
        for kind, limit in _LIMITS:
            resource.prlimit(process.pid, kind, (limit, limit))
        try:
            out, trouble = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None
    if process.returncode != 0 or trouble.strip() or len(out) > MOST:
        logger.bind(status=process.returncode).debug("a file has no fingerprint")
        return None
    return _read(out)


def _read(out: bytes) -> Print | None:
    """Read what fpcalc says: JSON of a duration, which may have decimals, and a fingerprint."""
    try:
        said = json.loads(out)
        seconds, text = float(said["duration"]), said["fingerprint"]
    except (ValueError, TypeError, KeyError):
        return None
    return Print(int(seconds), text) if 0 < seconds < MOST and isinstance(text, str) and text else None
