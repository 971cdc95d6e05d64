"""An open audio file → the pictures in its tags, by mutagen; in limited child processes only."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final, NamedTuple

from mutagen.flac import Picture as FlacPicture

from scanner.tags.mutagen_reader import open_as
from scanner.tags.signature import candidates

FRONT, BACK = 3, 4  # of ID3v2.4, APIC picture types
_LINK: Final = "-->"  # in the place of a MIME type: the data is a URL, and links are not followed
_HEAD: Final = 4096  # bytes that tell the container


class Embedded(NamedTuple):
    """One picture in the tags of a file."""

    type: int  # APIC picture type
    data: bytes


def embedded_in(data: BinaryIO, extension: str) -> Iterator[Embedded]:
    """Yield the pictures of an audio file, in its order. Raises whatever mutagen and the file make of each other."""
    head = data.read(_HEAD)
    for container in candidates(head, extension)[:1]:
        found = open_as(container, data)
        yield from _READERS.get(container, _of_id3)(found)


def _of_id3(found: Any) -> Iterator[Embedded]:
    for frame in (found.tags or {}).values():
        if frame.FrameID == "APIC" and frame.mime != _LINK:
            yield Embedded(int(frame.type), frame.data)


def _of_flac(found: Any) -> Iterator[Embedded]:
    yield from (Embedded(picture.type, picture.data) for picture in found.pictures if picture.mime != _LINK)
    yield from _of_vorbis(found)


def _of_vorbis(found: Any) -> Iterator[Embedded]:
    for name, value in found.tags or ():
        if name.upper() == "METADATA_BLOCK_PICTURE":
            picture: Any = FlacPicture(base64.b64decode(value))  # type: ignore[no-untyped-call]
            if picture.mime != _LINK:
                yield Embedded(picture.type, picture.data)


def _of_mp4(found: Any) -> Iterator[Embedded]:
    yield from (Embedded(FRONT, bytes(cover)) for cover in (found.tags or {}).get("covr", ()))


def _of_ape(found: Any) -> Iterator[Embedded]:
    for key, value in (found.tags or {}).items():
        if key.upper().startswith("COVER ART") and value.kind == 1:
            kind = FRONT if "FRONT" in key.upper() else BACK if "BACK" in key.upper() else 0
            yield Embedded(kind, value.value.partition(b"\0")[2])


def _of_asf(found: Any) -> Iterator[Embedded]:
    """Type (1 byte), size (4, little endian), mime and description in UTF-16 with a NUL each, then the picture."""
    for value in (found.tags or {}).get("WM/Picture", ()):
        data = value.value
        size = int.from_bytes(data[1:5], "little")
        if 0 < size < len(data):
            yield Embedded(data[0], data[-size:])


_READERS: Final[dict[str, Callable[[Any], Iterator[Embedded]]]] = {
    "flac": _of_flac,
    "mp4": _of_mp4,
    **dict.fromkeys(("vorbis", "opus", "oggflac", "speex"), _of_vorbis),
    **dict.fromkeys(("ape", "wavpack", "musepack", "tak"), _of_ape),
    "asf": _of_asf,
    "adts": lambda _: iter(()),
}
