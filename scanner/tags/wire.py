"""Batches of file names and their readings ↔ length-prefixed frames between the pool and its workers.

What the pool sends is trusted, and marshalled. What a worker answers may have been made up by a hostile file that took
the process over: it is JSON, and every value of it is looked at before it goes on.
"""

from __future__ import annotations

import json
import marshal
from itertools import chain
from typing import Any, NamedTuple

from scanner.tags.columns import READING_COLUMNS, Block

FRAME_LIMIT = 8 << 20  # bytes of one frame; what is longer is no answer of ours
PREFIX = 4  # bytes, big endian

Numbers = tuple[int, ...]  # see scanner.identity.numbers_of
File = tuple[int, bytes, Numbers | None]  # the caller's token, the name in the folder, and what the walk saw
Batch = list[tuple[bytes, list[File]]]  # absolute folders

_PLAIN = frozenset({int, float, str})
_COLUMNS = frozenset(range(len(READING_COLUMNS)))
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Answer(NamedTuple):
    """Some files of a batch, in its order: a row each, its token first.

    `moved` has the identity of those that are not what the walk saw.
    """

    blocks: list[Block]
    moved: dict[int, Numbers]

    def tokens(self) -> list[int]:
        """Return the tokens of the files."""
        return [row[0] for block in self.blocks for row in block.rows]


class BadFrameError(ValueError):
    """The other side wrote something that is no frame, or no answer."""


def frame(message: Any) -> bytes:
    """Return a message of plain lists, numbers and text as one frame."""
    return _framed(_encode(message).encode("ascii"))


def batch_frame(batch: Batch) -> bytes:
    """Return a batch as one frame."""
    return _framed(marshal.dumps(batch))


def batch_of(body: bytes) -> Batch:
    """Undo `batch_frame`, without the prefix; only for what the pool has sent."""
    batch: Batch = marshal.loads(body)  # noqa: S302 - of our own parent
    return batch


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(PREFIX, "big") + body


def take_frames(buffer: bytearray, limit: int = FRAME_LIMIT) -> list[bytes]:
    """Take the bodies of the whole frames off the front of `buffer`. Raises BadFrameError for one above the limit."""
    bodies, start = [], 0
    while len(buffer) >= start + PREFIX:
        length = int.from_bytes(buffer[start : start + PREFIX], "big")
        if length > limit:
            raise BadFrameError(f"a frame of {length} bytes")
        if len(buffer) < start + PREFIX + length:
            break
        bodies.append(bytes(buffer[start + PREFIX : start + PREFIX + length]))
        start += PREFIX + length
    del buffer[:start]
    return bodies


def answer_of(body: bytes) -> Answer:
    """Return one answer, all values of which are what a scan DB can take. Raises BadFrameError for any other shape."""
    try:
        blocks, moved = json.loads(body)
        answer = Answer(
            [Block(tuple(columns), rows) for columns, rows in blocks],
            {token: tuple(numbers) for token, numbers in moved},
        )
        for columns, rows in answer.blocks:
            if columns[0] != 0 or not _COLUMNS.issuperset(columns) or len(set(columns)) != len(columns):
                raise BadFrameError("columns that are none")
            if not rows or any(len(row) != len(columns) for row in rows):
                raise BadFrameError("a row of another length")
            if not _PLAIN.issuperset(map(type, chain(*rows))):
                raise BadFrameError("a value that is neither number nor text")
        if any(len(numbers) != 5 or {type(n) for n in numbers} != {int} for numbers in answer.moved.values()):
            raise BadFrameError("an identity of another shape")
    except (TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise BadFrameError(f"an answer of another shape: {error}") from error
    return answer
