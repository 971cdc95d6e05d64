"""What the readers answer → the files of every folder that they read as a whole, ready to be grouped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.grouping.groups import FolderTracks
from scanner.rows import folder_from
from scanner.tags.columns import READING_COLUMNS, Block

if TYPE_CHECKING:
    from scanner.tags.wire import File

_SAID = "title artist album album_artist track track_total disc disc_total".split()  # noqa: SIM905 - shorter
_BEFORE_DATE = [READING_COLUMNS.index(name) for name in _SAID]
_BEHIND_DATE = [READING_COLUMNS.index(name) for name in ("mb_release_id", "compilation", "problem", "message")]
_DATES = [READING_COLUMNS.index(name) for name in ("date", "original_date")]


class _Asked(NamedTuple):
    folder_id: int
    path: bytes
    file_ids: list[int]
    names: Sequence[bytes]


class JustRead:
    """The folders that are new in this scan. To read them back from where they are stored would take far longer."""

    def __init__(self) -> None:
        self.folders: dict[int, FolderTracks] = {}  # by id
        self._asked: dict[int, _Asked] = {}  # by the id of the first file

    def ask(self, folder_id: int, path: bytes, files: Sequence[File]) -> None:
        """Note that a new folder has these audio files, by name, which are being read."""
        asked = _Asked(folder_id, path, [file[0] for file in files], [file[1] for file in files])
        self._asked[asked.file_ids[0]] = asked

    def hear(self, block: Block) -> None:
        """Keep the folders that are in an answer from their first file to their last."""
        if not self._asked:
            return
        file_ids = block.file_ids
        known = dict(zip(block.columns, block.values, strict=True))
        unknown = [None] * len(file_ids)
        date = next((known[place] for place in _DATES if place in known), unknown)
        before, behind = ([known.get(place, unknown) for place in places] for places in (_BEFORE_DATE, _BEHIND_DATE))
        columns = [*before, date, *behind]
        at = 0
        while at < len(file_ids):
            asked = self._asked.pop(file_ids[at], None)
            end = at + len(asked.file_ids) if asked else at
            if asked and [*file_ids[at:end]] == asked.file_ids:
                said = [_part(column, at, end) for column in columns]
                self.folders[asked.folder_id] = folder_from(asked.path, [asked.file_ids, asked.names, *said])
                at = end
            else:
                at += 1

    def forget(self, folder_id: int) -> None:
        """Forget a folder that changed since."""
        self.folders.pop(folder_id, None)


def _part(column: Sequence[Any], start: int, end: int) -> Sequence[Any]:
    """Return a part of a column; a text that all its files share is kept once."""
    part = column[start:end]
    return [part[0]] * len(part) if part.count(part[0]) == len(part) else part
