"""Staged albums, and what a person wants of them → what is said of their files once they are in inbound again. Pure."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import NamedTuple

from config.errors import Rejected
from processor.filesystem.paths import stem_of
from processor.items.repository import StagedFile
from scanner.grouping.chosen import Choice


class Staged(NamedTuple):
    """One item with its files."""

    id: int
    artist: str | None
    album: str | None
    files: tuple[StagedFile, ...]

    @property
    def tracks(self) -> list[StagedFile]:
        """Its audio files."""
        return [file for file in self.files if file.role == "audio"]


def split(item: Staged, chosen: Collection[bytes], artist: str, album: str) -> dict[bytes, Choice]:
    """Say that some tracks of an album, with what is named like them, are another one of this name; by their sources.

    Raises Rejected where that leaves no two albums, or two of one name.
    """
    marked = {file.path for file in item.tracks if file.path in chosen}
    if not marked or len(marked) == len(item.tracks):
        raise Rejected("mark some of the tracks, but not all: two albums need a track each", code="no_split")
    first, second = _called(item.artist, item.album), _called(artist, album)
    if (first.artist, first.album) == (second.artist, second.album):
        raise Rejected("the other album needs another name, or Greenroom would take it for the same", code="no_split")
    stems = {stem_of(path) for path in marked}
    return {
        file.source: second if file.path in marked or (file.role != "audio" and stem_of(file.path) in stems) else first
        for file in item.files
    }


def merge(items: Sequence[Staged]) -> dict[bytes, Choice]:
    """Say that albums are one, called as the first is; where numbers would be there twice, a later one's discs follow.

    Raises Rejected for fewer than two albums.
    """
    if len(items) < 2:
        raise Rejected("it takes two albums or more to make one of them", code="no_merge")
    name = _called(items[0].artist, items[0].album)
    found: dict[bytes, Choice] = {}
    taken: set[tuple[int, int | None]] = set()
    for item in items:
        numbers = {(file.disc or 1, file.track) for file in item.tracks}
        clash = any(number in taken for number in numbers)
        shift = max((disc for disc, _ in taken), default=0) if clash else 0
        taken |= {(disc + shift, track) for disc, track in numbers}
        for file in item.files:
            disc = (file.disc or 1) + shift if shift and file.role == "audio" else file.disc
            found[file.source] = name._replace(disc=disc)
    return found


def _called(artist: str | None, album: str | None) -> Choice:
    if not (artist and artist.strip() and album and album.strip()):
        raise Rejected("an album needs an artist and a title", code="no_name")
    return Choice(str(uuid.uuid4()), artist.strip(), album.strip())
