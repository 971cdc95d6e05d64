"""A Vorbis comment → raw tags and the pictures named in it. Source: xiph.org v-comment, flac.git picture blocks."""

from __future__ import annotations

import binascii
from struct import Struct
from struct import error as StructError

from scanner.facts import Picture
from scanner.tags.fields import NAMED
from scanner.tags.normalise import clean
from scanner.tags.remembered import SHORT, Remembered, remember
from scanner.tags.said import FIELDS, UNWANTED, Said, joined
from scanner.tags.source import DoubtError

PICTURE_KEY = "METADATA_BLOCK_PICTURE"
PICTURE_HEAD = 1368  # base64 characters read of a picture: 1026 bytes, enough for its type, mime and description
_PICTURE_ROOM = len(PICTURE_KEY) + 1 + PICTURE_HEAD
PICTURE_START = 66  # bytes of a picture that nearly always are enough
_ENCODED_START = PICTURE_START // 3 * 4
_KNOWN = {name.encode(): FIELDS[field] for name, field in NAMED.items()}
_SAID: dict[bytes, Said] = {}
_remembered = _SAID.get
_PICTURE = PICTURE_KEY.encode()
_LENGTH = Struct("<I").unpack_from
_TWO_LENGTHS = Struct(">II").unpack_from
_BIG_LENGTH = Struct(">I").unpack_from


class UnfinishedError(DoubtError):
    """The comments go on behind the bytes given: give more, or let mutagen decide."""


def read_comments(data: bytes, start: int, pictures: list[Picture]) -> tuple[list[Said], int]:
    """Return what every comment of `data` says of a field, and where they end. This loop is most of a scan.

    The last comment may be a picture that reaches beyond `data`; then the end lies beyond it too. Raises
    UnfinishedError when other text does, and DoubtError at what mutagen might read in another way.
    """
    size = len(data)
    said: list[Said] = []
    try:
        end = start + 4 + _LENGTH(data, start)[0]
        (count,) = _LENGTH(data, end)
        end += 4
        for left in range(count - 1, -1, -1):
            begin = end + 4
            end = begin + _LENGTH(data, end)[0]
            if end > size:
                if left:
                    raise UnfinishedError
                _add_picture_beyond(data[begin : begin + _PICTURE_ROOM], end - begin, pictures)
                break
            comment = data[begin:end]
            one = (_remembered(comment) if end - begin <= SHORT else None) or _said(comment, pictures)
            if one is not UNWANTED:
                said.append(one)
    except StructError as error:  # not even a length is left
        raise UnfinishedError from error
    return joined(said), end


def _add_picture_beyond(head: bytes, length: int, pictures: list[Picture]) -> None:
    """Add the picture whose comment begins with `head`, if that is one and as much of it as needed is here."""
    if len(head) < _PICTURE_ROOM or not _is_picture(head):
        raise UnfinishedError
    _add_picture(head, length, pictures)


def _add_picture(head: bytes, length: int, pictures: list[Picture]) -> None:
    if not head.isascii():
        raise DoubtError("a picture that is not base64")
    add_picture(head[23:], length - 23, pictures)


def _is_picture(comment: bytes) -> bool:
    return comment[22:23] == b"=" and comment[:22].upper() == _PICTURE


def _said(comment: bytes, pictures: list[Picture]) -> Said:
    """Return what one comment says, and remember it where the next file may say the same."""
    name, equals, value = comment.partition(b"=")
    field = _KNOWN.get(name) or _KNOWN.get(name.upper())
    if field is None:
        if not equals:
            raise DoubtError("a comment without a name")
        if _is_picture(comment):
            _add_picture(comment[:_PICTURE_ROOM], len(comment), pictures)
            return UNWANTED
        said = UNWANTED
    else:
        place, convert, shared = field
        text = value.decode("utf-8", "replace")
        if not shared:
            return place, clean(text), (text,)
        said = place, convert((text,)), (text,)
    if len(comment) <= SHORT:
        remember(_SAID, comment, said)
    return said


def add_picture(head: bytes, length: int, pictures: list[Picture]) -> None:
    """Add the picture whose base64 text begins with `head` and has `length` characters, unless it is broken."""
    try:
        found = _ENCODED_PICTURES[head[:_ENCODED_START]] or picture_of(_decoded(head))
    except ValueError:  # not base64
        return
    if found and found[1] <= length * 3 // 4:
        pictures.append(found[0])


def _decoded(head: bytes) -> bytes:
    return binascii.a2b_base64(head[: len(head) & ~3])


def picture_of(head: bytes) -> tuple[Picture, int] | None:
    """Read the FLAC picture block that begins with `head`, and how long it is; None when that is not said there."""
    try:
        kind, mime_length = _TWO_LENGTHS(head)
        (description_length,) = _BIG_LENGTH(head, 8 + mime_length)
        start = 32 + mime_length + description_length
        (length,) = _BIG_LENGTH(head, start - 4)
    except StructError:  # it does not reach so far
        return None
    return Picture(length, kind, head[8 : 8 + mime_length].decode("utf-8", "replace") or None), start + length


PICTURES = Remembered(picture_of)
_ENCODED_PICTURES = Remembered(lambda head: picture_of(_decoded(head)))
