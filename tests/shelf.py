"""A few words → the rows of a scan, so that a test reads like a folder listing."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

from scanner.grouping.chosen import Choice
from scanner.grouping.groups import Group, SideRow, TrackRow, in_folders
from scanner.kinds.music_album import NOTHING_SAID, group_folders, role_of

RELEASE = "11111111-2222-3333-4444-555555555555"
OTHER_RELEASE = "99999999-8888-7777-6666-555555555555"

_UNKNOWN = dict.fromkeys(TrackRow._fields)


def group(
    tracks: Iterable[TrackRow], sides: Iterable[SideRow], choices: Mapping[bytes, Choice] = NOTHING_SAID
) -> list[Group]:
    """Group files in any order."""
    return group_folders(in_folders(tracks), sides, choices)


class Shelf:
    """Collects files and groups them. Paths are as text here, and as bytes in the rows."""

    def __init__(self) -> None:
        self.tracks: list[TrackRow] = []
        self.sides: list[SideRow] = []
        self._ids = itertools.count(1)

    def track(self, path: str | bytes, **tags: Any) -> int:
        """Add one audio file with these tags; everything else is unknown."""
        folder, name = _split(path)
        file_id = next(self._ids)
        self.tracks.append(TrackRow(**{**_UNKNOWN, "file_id": file_id, "folder": folder, "name": name, **tags}))
        return file_id

    def album(self, folder: str, numbers: Iterable[int], **tags: Any) -> list[int]:
        """Add a folder's tracks, one for each number."""
        return [
            self.track(f"{folder}/{n:02} - Song {n}.flac".lstrip("/"), **{"title": f"Song {n}", "track": n, **tags})
            for n in numbers
        ]

    def untagged(self, folder: str, *names: str) -> list[int]:
        """Add audio files that have no tags at all."""
        return [self.track(f"{folder}/{name}".lstrip("/")) for name in names]

    def side(self, path: str) -> int:
        """Add a file that is no music."""
        folder, name = _split(path)
        file_id = next(self._ids)
        self.sides.append(SideRow(file_id, folder, name, role_of(name)))
        return file_id

    def groups(self) -> list[Group]:
        """Group all there is."""
        return group(self.tracks, self.sides)

    def only(self) -> Group:
        """Group all there is, which must be one album."""
        (one,) = self.groups()
        return one


def _split(path: str | bytes) -> tuple[bytes, bytes]:
    raw = path if isinstance(path, bytes) else path.encode()
    folder, _, name = raw.rpartition(b"/")
    return folder, name


def codes(one: Group) -> set[str]:
    """Return the codes of a group's evidence and warnings."""
    return {reason.code for reason in (*one.evidence, *one.warnings)}
