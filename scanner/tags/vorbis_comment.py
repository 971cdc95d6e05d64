"""A Vorbis comment → raw tags and the pictures named in it. Source: xiph.org v-comment, flac.git picture blocks."""

from __future__ import annotations

import binascii
from functools import lru_cache
from struct import Struct

from scanner.facts import Picture
from scanner.tags.fields import NAMED
from scanner.tags.normalise import Tags
from scanner.tags.source import DoubtError

PICTURE_KEY = "METADATA_BLOCK_PICTURE"
PICTURE_HEAD = 1368  # base64 characters read of a picture: 1026 bytes, enough for its type, mime and description
_SHORT = 256  # bytes of a comment that is remembered: the tracks of an album share most of theirs
_KNOWN = {name.encode(): field for name, field in NAMED.items()}
_PICTURE = PICTURE_KEY.encode()
_LENGTH = Struct("<I").unpack_from
_TWO_LENGTHS = Struct(">II").unpack_from
_BIG_LENGTH = Struct(">I").unpack_from


class UnfinishedError(DoubtError):
    """The comments go on behind the bytes given: give more, or let mutagen decide."""


def read_comments(data: bytes, start: int, tags: Tags, pictures: list[Picture]) -> int:
    """Collect every comment of `data` and return where they end.

    The last comment may be a picture that reaches beyond `data`; then the end lies beyond it too. Raises
    UnfinishedError when other text does, and DoubtError at what mutagen might read in another way.
    """
    size = len(data)
    if start + 4 > size:
        raise UnfinishedError
    position: int = start + 4 + _LENGTH(data, start)[0]
    if position + 4 > size:
        raise UnfinishedError
    (left,) = _LENGTH(data, position)
    position += 4
    while left:
        left -= 1
        if position + 4 > size:
            raise UnfinishedError
        (length,) = _LENGTH(data, position)
        position += 4
        end: int = position + length
        if end > size:
            head = data[position : position + PICTURE_HEAD + 23]
            if left or len(head) < PICTURE_HEAD + 23 or head[:22].upper() != _PICTURE or head[22:23] != b"=":
                raise UnfinishedError
            if not head.isascii():
                raise DoubtError("a picture that is not base64")
            add_picture(head[23:], length - 23, pictures)
            return end
        _add_comment(data[position:end], tags, pictures)
        position = end
    return position


def _add_comment(comment: bytes, tags: Tags, pictures: list[Picture]) -> None:
    field, text = _split(comment) if len(comment) <= _SHORT else _split.__wrapped__(comment)
    if field in tags:
        tags[field].append(text)
    elif field:
        tags[field] = [text]
    elif comment[:22].upper() == _PICTURE and comment[22:23] == b"=":
        if not comment.isascii():
            raise DoubtError("a picture that is not base64")
        add_picture(comment[23 : 23 + PICTURE_HEAD], len(comment) - 23, pictures)


@lru_cache(maxsize=4096)
def _split(comment: bytes) -> tuple[str, str]:
    """Return the field and its text; "" for what fills none."""
    name, equals, value = comment.partition(b"=")
    field = _KNOWN.get(name) or _KNOWN.get(name.upper())
    if field is not None:
        return field, value.decode("utf-8", "replace")
    if not equals:
        raise DoubtError("a comment without a name")
    return "", ""


def add_picture(head: bytes, length: int, pictures: list[Picture]) -> None:
    """Add the picture whose base64 text begins with `head` and has `length` characters, unless it is broken."""
    try:
        picture = picture_of(binascii.a2b_base64(head[: len(head) & ~3]), length * 3 // 4)
    except ValueError:  # not base64
        return
    if picture:
        pictures.append(picture)


def picture_of(head: bytes, size: int) -> Picture | None:
    """Read the FLAC picture block of `size` bytes that begins with `head`; None if its lengths do not fit."""
    if len(head) < 8:
        return None
    kind, mime_length = _TWO_LENGTHS(head)
    place = 8 + mime_length
    if place + 4 > len(head):
        return None
    place += 4 + _BIG_LENGTH(head, place)[0] + 16
    if place + 4 > len(head):
        return None
    (length,) = _BIG_LENGTH(head, place)
    if place + 4 + length > size:
        return None
    return Picture(length, kind, head[8 : 8 + mime_length].decode("utf-8", "replace") or None)
