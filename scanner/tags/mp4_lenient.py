"""mutagen's MP4 file, where one tag in no order costs none of the others, and chapters that nobody asks for nothing."""
# mypy: allow-untyped-calls
# (mutagen has no annotations)

from __future__ import annotations

from collections.abc import Callable
from struct import error as StructError
from typing import Any, ClassVar

from mutagen import mp4

_Parse = Callable[[Any, Any, bytes], None]
_base: Any = mp4.MP4Tags


def _lenient(parse: _Parse) -> _Parse:
    """Say in mutagen's way what cannot be parsed: it goes on with the next one, and writes this one back as it is."""

    def parsed(tags: Any, atom: Any, data: bytes) -> None:
        try:
            parse(tags, atom, data)
        except (StructError, LookupError, ValueError) as error:
            raise mp4.MP4MetadataError(str(error)) from error

    return parsed


class MP4Tags(_base):  # type: ignore[misc]
    """The tags; a number of four bytes instead of six, as some programs wrote, stays out of them."""

    _MP4Tags__atoms: ClassVar = {
        name: (_lenient(parse), *render) for name, (parse, *render) in _base._MP4Tags__atoms.items()
    }


class MP4(mp4.MP4):
    """The file. What is not read of it, its chapters, is written back as it was."""

    MP4Tags = MP4Tags
    MP4Chapters: Any = staticmethod(lambda *_: None)
