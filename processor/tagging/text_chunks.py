"""Tags by Picard's names → the text chunks of an AIFF file, which FFmpeg believes where they stand behind its ID3 tag.

A file that has one says there what its tag says; one that has none gets none.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO, Final

from mutagen.aiff import AIFFFile

from processor.tagging.wanted import Wanted

_NAMES: Final = {"NAME": "TITLE", "AUTH": "ARTIST"}


class TextChunks:
    """The text chunks of a file, in their order; what is put into them is not saved yet."""

    def __init__(self, file: BinaryIO) -> None:
        self._texts = [(chunk.id, chunk.read()) for chunk in _chunks(file)]

    def put(self, wanted: Wanted) -> None:
        """Let them say what is wanted."""
        said = {name: "; ".join(wanted[tag]).encode() for name, tag in _NAMES.items() if tag in wanted}
        self._texts = [(name, said.get(name, old)) for name, old in self._texts]

    def pprint(self) -> str:
        """Return a line a chunk, as mutagen's tags do."""
        return "\n".join(f"{name}={text!r}" for name, text in self._texts)

    def save(self, file: BinaryIO) -> None:
        """Write the texts where they are. The sizes of what is around them follow."""
        for place, (_, text) in enumerate(self._texts):
            chunk = next(one for n, one in enumerate(_chunks(file)) if n == place)
            chunk.resize(len(text))
            chunk.write(text)


def _chunks(file: BinaryIO) -> Iterator[Any]:
    file.seek(0)
    made: Any = AIFFFile
    return (chunk for chunk in made(file).root.subchunks() if chunk.id in _NAMES)
