"""Tasks about pictures and their answers ↔ length-prefixed frames between the pool and its limited processes.

What the pool sends is trusted, and marshalled. An answer may have been made up by a hostile picture that took the
process over: it is JSON with perhaps some bytes behind it, and every value of it is looked at before it goes on.
"""

from __future__ import annotations

import json
import marshal
import re
from collections.abc import Callable
from typing import Any, Final, Literal, NamedTuple

from processor.artwork.likeness import Likeness
from scanner.tags.wire import BadFrameError, framed

FRAME_LIMIT: Final = 64 << 20  # bytes; a picture made anew may be larger than what it was made of
Op = Literal["look", "list", "take", "preview", "plain"]
_DIGEST, _HASH = re.compile("[0-9a-f]{64}"), re.compile("[0-9a-f]{16}")
_LONGEST: Final = 500  # characters of text
_MOST_LISTED: Final = 1000


class Task(NamedTuple):
    """What to do with the file at an absolute path.

    look: what picture it is; list: which pictures the tags of an audio file hold; take: the one whose BLAKE3 `which`
    is; preview: a JPEG that fits into `side` pixels; plain: what players are given.
    """

    op: Op
    path: bytes
    which: str = ""
    side: int = 0


class Seen(NamedTuple):
    """What a picture is: `content` is the BLAKE3 of its bytes, width and height are as it is shown."""

    content: str
    size: int  # bytes
    format: str  # jpeg, png, webp, gif
    width: int
    height: int
    orientation: int  # of EXIF: 1 is upright
    has_alpha: bool
    phash: str
    algorithm: str

    @property
    def likeness(self) -> Likeness:
        """What tells whether another picture shows the same."""
        return Likeness(self.phash, self.algorithm, self.width, self.height)


class Listed(NamedTuple):
    """One picture in the tags of a file."""

    type: int  # APIC picture type of ID3v2.4
    content: str
    size: int  # bytes


class Made(NamedTuple):
    """Bytes of a picture, and the extension of their format."""

    extension: str
    data: bytes


def task_frame(task: Task) -> bytes:
    """Return a task as one frame."""
    return framed(marshal.dumps(tuple(task)))


def task_of(body: bytes) -> Task:
    """Undo `task_frame`, without the prefix; only for what the pool has sent."""
    return Task(*marshal.loads(body))  # noqa: S302 - of our own parent


def answer_frame(said: Any, data: bytes = b"") -> bytes:
    """Return an answer, plain values and perhaps bytes, as one frame."""
    header = json.dumps(said).encode("ascii")
    return framed(len(header).to_bytes(4, "big") + header + data)


def answer_of(op: Op, body: bytes) -> Any:
    """Return what a task of that kind is answered with, or a pair of code and sentence that says why not.

    Raises BadFrameError for any other shape.
    """
    try:
        length = int.from_bytes(body[:4], "big")
        said, data = json.loads(body[4 : 4 + length]), body[4 + length :]
        if isinstance(said, dict):
            return _text(said["code"]), _text(said["message"])
        return _SHAPES[op](said, data)
    except (TypeError, ValueError, LookupError, AttributeError, RecursionError) as error:
        raise BadFrameError(f"an answer of another shape: {error}") from error


def _seen(said: Any, _: bytes) -> Seen:
    seen = Seen(*said)
    numbers = (seen.size, seen.width, seen.height, seen.orientation)
    if {type(n) for n in numbers} != {int} or min(numbers) < 1 or max(numbers) >= 1 << 31 or seen.orientation > 8:
        raise ValueError("numbers that no picture has")
    if not (_DIGEST.fullmatch(seen.content) and _HASH.fullmatch(seen.phash) and type(seen.has_alpha) is bool):
        raise ValueError("digests that are none")
    return seen._replace(format=_text(seen.format), algorithm=_text(seen.algorithm))


def _listed(said: Any, _: bytes) -> list[Listed]:
    found = [Listed(*one) for one in said[:_MOST_LISTED]]
    if any({type(one.type), type(one.size)} != {int} or not _DIGEST.fullmatch(one.content) for one in found):
        raise ValueError("pictures that are none")
    return found


def _made(said: Any, data: bytes) -> Made:
    if said not in ("jpg", "png", "") or not data:
        raise ValueError("no picture")
    return Made(said, data)


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or len(value) > _LONGEST:
        raise ValueError("no text")
    return value


_SHAPES: Final[dict[Op, Callable[[Any, bytes], Any]]] = {
    "look": _seen, "list": _listed, "take": _made, "preview": _made, "plain": _made,
}  # fmt: skip
