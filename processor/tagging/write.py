"""Open audio files and the tags they shall have → whether they have them, or retagged copies; in a limited child."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

from config import leave
from config.errors import Retryable
from processor.tagging.wanted import Wanted
from scanner.facts import Facts, Picture

WALL_LIMIT = 300.0  # seconds for an album
DIED: Final = "tagger_died"  # or it took too long, and nobody knows what it would have said
LOOK = 0.5  # seconds between two looks whether we are to stop


class File(NamedTuple):
    """One file; to write to it, nobody else may have it open, and it must not be the only copy of anything."""

    fd: int
    extension: str  # lower-case, without a dot
    tags: Wanted


class Said(NamedTuple):
    """What became of one file: nothing if it says all that already, else it differs, was written, or was refused."""

    outcome: Literal["same", "differs", "written", "refused"]
    facts: Facts | None = None  # what it says now that it was written
    code: str = ""
    message: str = ""  # why it was refused; what was written to a copy is worth nothing then


def look(files: Sequence[File]) -> list[Said]:
    """Tell of each file whether its tags would change. Reads only."""
    return _ask("look", files)


def write(files: Sequence[File]) -> list[Said]:
    """Write the tags of copies that differ.

    Raises Stopped, and Retryable where the system killed the process, as do the others; what was written is worth
    nothing then.

    One counts as written only when its sound is bit for bit what it was and its tags read back. The caller syncs.
    """
    return _ask("write", files)


def sung(files: Sequence[File]) -> list[bool]:
    """Tell of each file whether its tags hold the words of the song. Reads only."""
    return [said.outcome == "differs" for said in _ask("words", files)]


def _ask(order: str, files: Sequence[File]) -> list[Said]:
    command = [sys.executable, "-I", "-m", "processor.tagging.child", order, str(os.getpid())]
    fds = [file.fd for file in files]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=fds,
        env={},
        process_group=0,  # Ctrl-C at a terminal is for us, who end it
    ) as child:
        try:
            answered, is_late = _answered(child, json.dumps(list(files)).encode())
        except BaseException:
            child.kill()
            raise
    if child.returncode == -signal.SIGKILL and not is_late:
        message = "the system killed the process that reads and writes tags, usually for want of memory"
        raise Retryable(message, code="tagger_killed")
    said = [_said(json.loads(line)) for line in answered.splitlines()]
    died = Said("refused", None, DIED, "the process that writes tags died or took too long")
    return [*said, *[died] * (len(files) - len(said))]


def _answered(child: subprocess.Popen[bytes], asked: bytes) -> tuple[bytes, bool]:
    """Return what a child said, and whether it was killed because it took too long. Raises Stopped."""
    ends = time.monotonic() + WALL_LIMIT
    is_late = False
    left: bytes | None = asked
    while True:
        try:
            return child.communicate(left, LOOK)[0], is_late
        except subprocess.TimeoutExpired:
            left = None  # the rest of it goes on by itself
            leave.check_stop()
            if time.monotonic() > ends:
                is_late = True
                child.kill()


def _said(answer: dict[str, Any] | list[str] | None) -> Said:
    if answer is None:
        return Said("same")
    if isinstance(answer, list):
        return Said("refused", None, *answer)
    if not answer:
        return Said("differs")
    answer["pictures"] = [Picture(*picture) for picture in answer["pictures"]]
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in answer.items()}
    return Said("written", Facts()._replace(**values))
