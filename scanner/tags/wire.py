"""Batches of file names and their readings ↔ length-prefixed frames between the pool and its workers.

What the pool sends is trusted, and marshalled. What a worker answers may have been made up by a hostile file that took
the process over: it is JSON, and every value of it is looked at before it goes on. It comes column by column: one value
where all files have the same, and texts joined to one, because JSON takes its time for each value.
"""

from __future__ import annotations

import json
import marshal
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from scanner.tags.columns import READING_COLUMNS, Block

BATCH = 128  # files a frame
FRAME_LIMIT = 8 << 20  # bytes of one frame; what is longer is no answer of ours
PREFIX = 4  # bytes, big endian

Numbers = tuple[int, ...]  # see scanner.identity.numbers_of
File = tuple[int, bytes, Numbers | None]  # the caller's token, the name in the folder, and what the walk saw
Batch = list[tuple[bytes, list[File]]]  # absolute folders

_PLAIN = frozenset({int, float, str, bool})
_COLUMNS = frozenset(range(len(READING_COLUMNS)))
_BETWEEN = "|"  # texts; JSON would escape a line's end
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


class Task(NamedTuple):
    """Files of one folder, to be read in any order."""

    folder: bytes  # absolute
    files: list[File]


class Answer(NamedTuple):
    """Some files of a batch, in its order; the id of each is its token.

    `moved` has the identity of those that are not what the walk saw.
    """

    blocks: list[Block]
    moved: dict[int, Numbers]

    def tokens(self) -> list[int]:
        """Return the tokens of the files."""
        return [token for block in self.blocks for token in block.file_ids]


class BadFrameError(ValueError):
    """The other side wrote something that is no frame, or no answer."""


def frame(message: Any) -> bytes:
    """Return a message of plain lists, numbers and text as one frame."""
    return framed(_encode(message).encode("utf-8", "surrogatepass"))


def answer_frame(answer: Answer) -> bytes:
    """Return an answer as one frame."""
    blocks = [(columns, [*map(_packed, values)]) for columns, values in answer.blocks]
    return frame((blocks, [*answer.moved.items()]))


def _packed(values: Sequence[Any]) -> Any:
    """Return a list of the one value that all are, one text of all texts, or the values as they are."""
    first = values[0]
    if values.count(first) == len(values):
        return [first]
    if type(first) is str:
        text = _BETWEEN.join(values)
        if text.count(_BETWEEN) == len(values) - 1:
            return text
    return values


def batch_frame(batch: Batch) -> bytes:
    """Return a batch as one frame."""
    return framed(marshal.dumps(batch))


def batch_of(body: bytes) -> Batch:
    """Undo `batch_frame`, without the prefix; only for what the pool has sent."""
    batch: Batch = marshal.loads(body)  # noqa: S302 - of our own parent
    return batch


def framed(body: bytes) -> bytes:
    """Return a body with its length before it."""
    return len(body).to_bytes(PREFIX, "big") + body


def write(pipe: int, data: bytes) -> None:
    """Write all of some bytes, however few a pipe takes at once."""
    view = memoryview(data)
    while view:
        view = view[os.write(pipe, view) :]


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
        answer = Answer([_block(*block) for block in blocks], {token: tuple(numbers) for token, numbers in moved})
        if any(len(numbers) != 5 or {type(n) for n in numbers} != {int} for numbers in answer.moved.values()):
            raise BadFrameError("an identity of another shape")
    except (TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise BadFrameError(f"an answer of another shape: {error}") from error
    return answer


def _block(columns: list[int], packed: list[Any]) -> Block:
    if columns[0] != 0 or not _COLUMNS.issuperset(columns) or len(set(columns)) != len(columns):
        raise BadFrameError("columns that are none")
    count = len(packed[0])
    values = [_unpacked(column, count) for column in packed]
    if not 0 < count <= BATCH or len(values) != len(columns) or any(len(column) != count for column in values):
        raise BadFrameError("a column of another length")
    return Block(tuple(columns), values)


def _unpacked(column: Any, count: int) -> list[Any]:
    """Undo `_packed` for so many files."""
    if type(column) is str:
        return column.split(_BETWEEN, count)
    if type(column) is not list or not _PLAIN.issuperset(map(type, column)):
        raise BadFrameError("a value that is neither number nor text")
    return column * count if len(column) == 1 else column
