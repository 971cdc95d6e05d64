"""Tasks about pictures from a pipe → their answers into another; what a limited process does all its life."""

from __future__ import annotations

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # its threads would each take memory of the little there is

import resource
import signal
import time
from collections.abc import Callable
from typing import Any, Final

from blake3 import blake3

from processor.artwork import render, wire
from processor.artwork.embedded import Embedded, embedded_in
from processor.artwork.look import look
from processor.artwork.source import Refused, open_file, read_file
from processor.artwork.wire import Op, Task
from scanner.tags.wire import take_frames, write

CPU_LIMIT = 20  # seconds for one task


def serve(tasks: int, answers: int) -> None:
    """Answer every task, in their order, each in one frame."""
    signal.signal(signal.SIGIO, signal.SIG_IGN)
    buffer = bytearray()
    write(answers, wire.answer_frame("ready"))
    while received := os.read(tasks, 1 << 16):
        buffer += received
        for body in take_frames(buffer):
            _grant(CPU_LIMIT)
            write(answers, answer(wire.task_of(body)))


def answer(task: Task) -> bytes:
    """Return the frame that answers a task, with the reason where nothing can be made of the file."""
    try:
        said, data = _ACTS[task.op](task)
    except Refused as refused:
        return _refusal(refused.code, refused.message)
    except MemoryError:
        return _refusal("reader_out_of_memory", "Looking at it takes more memory than one picture may have.")
    except OSError as error:
        return _refusal("io_error", f"The disk or the system refused it: {error.strerror or 'no reason given'}.")
    return wire.answer_frame(said, data)


def _look(task: Task) -> tuple[Any, bytes]:
    return look(read_file(task.path)), b""


def _list(task: Task) -> tuple[Any, bytes]:
    return [(one.type, blake3(one.data).hexdigest(), len(one.data)) for one in _embedded(task.path)], b""


def _take(task: Task) -> tuple[Any, bytes]:
    for one in _embedded(task.path):
        if blake3(one.data).hexdigest() == task.which:
            return "", one.data
    raise Refused("vanished", "The picture is not in the tags of the file any more.")


def _preview(task: Task) -> tuple[Any, bytes]:
    return "jpg", render.preview(read_file(task.path), task.side)


def _plain(task: Task) -> tuple[Any, bytes]:
    data, extension = render.plain(read_file(task.path))
    return extension, data


def _embedded(path: bytes) -> list[Embedded]:
    extension = path.rpartition(b".")[2].lower().decode("latin-1")
    with open_file(path) as file:
        try:
            return [one for one in embedded_in(file, extension) if one.data]
        except (OSError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - a hostile file may raise anything in a parser that is not ours
            said = " ".join(str(error).split())[:200]
            raise Refused("unreadable_audio", f"The pictures in its tags cannot be read: {said}.") from None


_ACTS: Final[dict[Op, Callable[[Task], tuple[Any, bytes]]]] = {
    "look": _look, "list": _list, "take": _take, "preview": _preview, "plain": _plain,
}  # fmt: skip


def _refusal(code: str, message: str) -> bytes:
    shown = "".join(c if c.isprintable() else " " for c in message)
    return wire.answer_frame({"code": code, "message": shown})


def _grant(seconds: int) -> None:
    """Let the next task have so many seconds of processor time."""
    used = int(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + seconds + 2, resource.getrlimit(resource.RLIMIT_CPU)[1]))
