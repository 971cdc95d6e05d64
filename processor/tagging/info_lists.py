"""Tags by Picard's names → the INFO lists of a WAV file, which many players believe before its ID3 tag.

FFmpeg 5 shows nothing of the ID3 tag beside them, Windows never does. So a file that has any says there all that such
a list can hold; one that has none gets none.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from importlib import import_module
from typing import Any, BinaryIO, Final

from processor.tagging.wanted import Wanted

_NAMES: Final = {
    "TITLE": (b"INAM",), "ARTIST": (b"IART",), "ALBUM": (b"IPRD",), "DATE": (b"ICRD",), "GENRE": (b"IGNR",),
    "TRACKNUMBER": (b"ITRK", b"IPRT"),
}  # fmt: skip

Entry = tuple[bytes, bytes]  # four letters, and the text with the NUL behind it


class InfoLists:
    """The INFO lists of a file; what is put into them is not saved yet. Those in no order stay as they are."""

    def __init__(self, file: BinaryIO) -> None:
        self._lists = [list(_entries(chunk.read())) for chunk in _chunks(file)]

    def put(self, wanted: Wanted) -> None:
        """Let the first list say what is wanted, and none anything else."""
        for tag, (usual, *others) in _NAMES.items():
            if tag not in wanted or not self._lists:
                continue
            values = [wanted[tag][0].partition("/")[0]] if tag == "TRACKNUMBER" else wanted[tag]  # it has no totals
            text = "; ".join(values).encode() + b"\0"
            used = {usual, *others} & {name for entries in self._lists for name, _ in entries} or {usual}
            for entries in self._lists:
                entries[:] = [(name, text if name in used else old) for name, old in entries]
            if not any(name in used for entries in self._lists for name, _ in entries):
                self._lists[0].append((usual, text))

    def pprint(self) -> str:
        """Return a line an entry, as mutagen's tags do."""
        return "\n".join(f"{name!r}={text!r}" for entries in self._lists for name, text in entries)

    def save(self, file: BinaryIO) -> None:
        """Write the lists where they are. The sizes of what is around them follow."""
        for place, entries in enumerate(self._lists):
            data, chunk = _encoded(entries), _chunks(file)[place]
            chunk.resize(len(data))
            chunk.write(data)


def _chunks(file: BinaryIO) -> list[Any]:
    riff: Any = import_module("mutagen._riff").RiffFile(file)
    lists = [chunk for chunk in riff.root.subchunks() if chunk.id == "LIST" and chunk.name == "INFO"]
    return [chunk for chunk in lists if _encoded(_entries(data := chunk.read())).rstrip(b"\0") == data.rstrip(b"\0")]


def _entries(data: bytes) -> Iterator[Entry]:
    place = 4
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        yield name, data[place + 8 : place + 8 + size]
        place += 8 + size + (size & 1)


def _encoded(entries: Iterable[Entry]) -> bytes:
    padded = (name + struct.pack("<I", len(text)) + text + b"\0" * (len(text) % 2) for name, text in entries)
    return b"INFO" + b"".join(padded)
