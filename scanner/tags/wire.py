"""Tasks and readings ↔ length-prefixed JSON frames between the pool and its workers."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from scanner.facts import Facts, Picture
from scanner.identity import Identity
from scanner.tags.read import Reading

FRAME_LIMIT = 8 << 20  # bytes of one frame; what is longer is no answer of ours
PREFIX = 4  # bytes, big endian


class Result(NamedTuple):
    """One file. `identity` is that of the descriptor the tags were read from; None if it could not be opened."""

    token: int
    identity: Identity | None
    reading: Reading


_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_TUPLES = [index for index, default in enumerate(Facts()) if default == ()]
_PICTURES = Facts._fields.index("pictures")


class BadFrameError(ValueError):
    """The other side wrote something that is no frame."""


def frame(message: Any) -> bytes:
    """Return a message of plain lists, numbers and text as one frame."""
    body = _encode(message).encode("ascii")
    return len(body).to_bytes(PREFIX, "big") + body


def take_frames(buffer: bytearray) -> list[Any]:
    """Take the whole frames off the front of `buffer`. Raises BadFrameError for an over-long or garbled one."""
    messages = []
    while len(buffer) >= PREFIX:
        length = int.from_bytes(buffer[:PREFIX], "big")
        if length > FRAME_LIMIT:
            raise BadFrameError(f"a frame of {length} bytes")
        if len(buffer) < PREFIX + length:
            break
        try:
            messages.append(json.loads(buffer[PREFIX : PREFIX + length]))
        except ValueError as error:
            raise BadFrameError(str(error)) from error
        del buffer[: PREFIX + length]
    return messages


def name_to_text(name: bytes) -> str:
    """Return a file name as text that JSON can hold, byte by byte."""
    return name.decode("latin-1")


def text_to_name(text: str) -> bytes:
    """Undo `name_to_text`."""
    return text.encode("latin-1")


def from_row(row: list[Any]) -> Result:
    """Return one answer as what it was in the worker. Raises BadFrameError for a row of another shape."""
    try:
        token, identity, facts, problem, truncated, reader = row
        if facts is not None:
            for index in _TUPLES:
                if facts[index]:
                    facts[index] = tuple(facts[index])
                else:
                    facts[index] = ()
            if facts[_PICTURES]:
                facts[_PICTURES] = tuple([Picture(*picture) for picture in facts[_PICTURES]])
            facts = Facts(*facts)
        reading = Reading(facts, tuple(problem) if problem else None, truncated, reader)
        return Result(token, Identity(*identity) if identity else None, reading)
    except (TypeError, ValueError, IndexError) as error:
        raise BadFrameError(f"an answer of another shape: {error}") from error
