"""What grouping takes and gives: rows of a scan, and groups of files that belong together, each with its evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby, repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Literal, NamedTuple

from config.reasons import Reason

Verdict = Literal["take", "needs_review", "quarantined"]
Source = Literal["tag", "cue", "file_name", "folder", "majority", "rule", "person"]


class TrackRow(NamedTuple):
    """What grouping needs to know of one audio file. `folder` is relative to the root, b"" for the root itself."""

    file_id: int
    folder: bytes
    name: bytes
    title: str | None
    artist: str | None
    album: str | None
    album_artist: str | None
    track: int | None
    track_total: int | None
    disc: int | None
    disc_total: int | None
    year: int | None
    release_id: str | None  # MusicBrainz release
    compilation: bool | None
    problem: str | None  # reason code when the file could not be read
    said: str | None = None  # the sentence that goes with it


class FolderTracks(NamedTuple):
    """The audio files of one folder, at least one, by name: what a TrackRow says of each, column by column."""

    folder: bytes
    file_id: Sequence[int]
    name: Sequence[bytes]
    title: Sequence[str | None]
    artist: Sequence[str | None]
    album: Sequence[str | None]
    album_artist: Sequence[str | None]
    track: Sequence[int | None]
    track_total: Sequence[int | None]
    disc: Sequence[int | None]
    disc_total: Sequence[int | None]
    year: Sequence[int | None]
    release_id: Sequence[str | None]
    compilation: Sequence[bool | None]
    problem: Sequence[str | None]
    said: Sequence[str | None]

    def rows(self) -> list[TrackRow]:
        """Return the files one by one."""
        folder, file_ids, *values = self
        return list(map(TrackRow, file_ids, repeat(folder), *values))


_by_folder_and_name = itemgetter(*map(TrackRow._fields.index, ("folder", "name", "file_id")))
_by_folder = itemgetter(TrackRow._fields.index("folder"))


def in_folders(rows: Iterable[TrackRow]) -> list[FolderTracks]:
    """Return files by folder, in the order of these."""
    found = []
    for folder, members in groupby(sorted(rows, key=_by_folder_and_name), _by_folder):
        file_ids, _, *values = zip(*members, strict=True)
        found.append(FolderTracks(folder, file_ids, *values))
    return found


class SideRow(NamedTuple):
    """One file beside the music: picture, cue, log, lyrics, nfo, anything else that is not ignored."""

    file_id: int
    folder: bytes
    name: bytes
    role: str  # picture, cue, log, lyrics, nfo, checksum, playlist, packed, unread, other


class GroupTrack(NamedTuple):
    """One audio file of a group, with the values it will be named by and where each came from."""

    file_id: int
    disc: int | None
    track: int | None
    title: str | None
    sources: Mapping[str, Source] = MappingProxyType({})


class Group(NamedTuple):
    """Files that are one album.

    `key` stays the same when the same album, or another disc of it, is dropped again: `mbid:<release id>`, or
    `album:<folded artist>/<folded album>`. Of two groups of one scan that would share it, the smaller has its
    folder's name added. Which discs they hold is no part of it; it only decides whether two folders are one group.
    `home` is the folder the side files' places are relative to (the common parent of disc folders).
    """

    key: str
    kind: str
    album_artist: str | None
    album: str | None
    year: int | None
    discs: int  # how many discs the files are of, at least 1
    compilation: bool
    release_id: str | None
    tracks: tuple[GroupTrack, ...]  # by disc, track, name
    sides: tuple[int, ...]  # file ids
    folders: tuple[bytes, ...]  # every folder it takes files from
    home: bytes
    verdict: Verdict
    confidence: float  # 0…1
    evidence: tuple[Reason, ...] = ()
    warnings: tuple[Reason, ...] = ()
    sources: Mapping[str, Source] = MappingProxyType({})

    @property
    def file_ids(self) -> tuple[int, ...]:
        """The ids of all its files: the tracks, then the side files."""
        return (*(track.file_id for track in self.tracks), *self.sides)
