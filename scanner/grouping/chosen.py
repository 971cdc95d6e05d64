"""What a person put together → whole albums, whatever tags and folders say."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple, TypeVar

from scanner.grouping.albums import Album
from scanner.grouping.credits import Credit
from scanner.grouping.groups import FolderTracks, SideRow, TrackRow, in_folders
from scanner.grouping.merging import Whole, key_of, unused_key
from scanner.grouping.places import find_places
from scanner.grouping.tidy import Part


class Choice(NamedTuple):
    """A person's word about one file: it is of the album of this name, which is called so."""

    name: str  # the same for all files of one album
    artist: str
    album: str
    disc: int | None = None  # None leaves it to the tags


Choices = Mapping[bytes, Choice]  # by path relative to the inbound root
Row = TypeVar("Row", TrackRow, SideRow)


def apart(rows: Iterable[Row], choices: Choices) -> tuple[list[Row], dict[str, list[Row]]]:
    """Return the rows nobody said anything of, and the others by what was said."""
    rest: list[Row] = []
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        choice = choices.get(path_of(row))
        (rest if choice is None else found[choice.name]).append(row)
    return rest, found


def folders_apart(
    folders: Iterable[FolderTracks], choices: Choices
) -> tuple[list[FolderTracks], dict[str, list[TrackRow]]]:
    """Do the same with whole folders, in which mostly nobody said anything of any file."""
    spoken = {path.rpartition(b"/")[0] for path in choices}
    left: list[FolderTracks] = []
    rows: list[TrackRow] = []
    for folder in folders:
        if folder.folder in spoken:
            rows += folder.rows()
        else:
            left.append(folder)
    rest, found = apart(rows, choices)
    return left + in_folders(rest), found


def together(by_name: Mapping[str, Iterable[TrackRow]], choices: Choices, taken: set[str]) -> dict[str, Whole]:
    """Return an album for each name, with a key that is not `taken` by another one of the scan; then it is."""
    return {name: _whole(list(rows), choices, taken) for name, rows in by_name.items()}


def path_of(row: TrackRow | SideRow) -> bytes:
    """Return a file's path relative to the inbound root."""
    return row.folder + b"/" + row.name if row.folder else row.name


def _whole(rows: list[TrackRow], choices: Choices, keys: set[str]) -> Whole:
    choice = choices[path_of(rows[0])]
    credit = Credit(choice.artist, "person")
    parts: list[Part] = []
    for place in find_places(in_folders(rows)):
        tracks = tuple(
            track if (disc := choices[path_of(track.row)].disc) is None else track._replace(disc=disc)
            for track in place.tracks
        )
        parts.append(Album(place, tracks, None, choice.album, "person", credit, ()))
    return Whole(unused_key(key_of(parts[0]), parts[0], keys), tuple(parts), None)
