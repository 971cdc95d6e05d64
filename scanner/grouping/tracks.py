"""One audio file of a scan → the track it presents itself as: its cleaned tags first, then what its name says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from config.reasons import path_text
from scanner.grouping.album_names import parse_album
from scanner.grouping.discs import split_disc
from scanner.grouping.folding import are_clean, clean
from scanner.grouping.groups import Source, TrackRow
from scanner.grouping.names import may_tell_disc, parse_track, spaced, stem_of
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import may_say_unknown, says_unknown

_UUID = pattern(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Number = tuple[int, int]
"""Disc and track; a file that names no disc is of disc 1."""


class Track(NamedTuple):
    """One audio file as it presents itself: cleaned tags first, then what its names say."""

    row: TrackRow
    title: str | None
    artist: str | None
    album: str | None  # without "(Disc 2)"
    album_artist: str | None
    release_id: str | None  # only if it is a UUID, in lower case
    disc: int | None
    track: int | None
    named_artist: str | None  # what stands before the title in the file's name
    sources: Mapping[str, Source]
    cued: Mapping[str, bytes] = MappingProxyType({})  # album, album_artist, year: if a cue sheet says it, its path
    called: frozenset[str] = frozenset()  # those of them that only its own name says

    @property
    def number(self) -> Number | None:
        """The disc and track, None if the track is unknown."""
        return None if self.track is None else (self.disc or 1, self.track)

    def numbered(self, source: Source, **numbers: Any) -> Track:
        """Return it with another `disc`, `track` or both, and where they came from."""
        said = {**self.sources, **dict.fromkeys(numbers, source)}
        return self._replace(**numbers, sources=_sources(said["title"], said["track"], said["disc"]))

    def titled(self, artist: str | None, title: str | None) -> Track:
        """Return it with another title, which its file's name says, and perhaps somebody before it."""
        said = self.sources
        sources = _sources("file_name", said["track"], said["disc"])
        return self._replace(title=title, named_artist=artist, sources=sources)


def present(row: TrackRow) -> Track:
    """Clean the tags of a row and fill what is missing from the file's name."""
    _, _, name, raw_title, raw_artist, raw_album, raw_credit, number, _, disc, *_, problem, _ = row
    album, album_disc = split_disc(known(raw_album) or "")
    title, artist = _once_known(raw_title), known(raw_artist)
    # most files are tagged in full, and their names need not be read
    if title and artist and number and (disc or not may_tell_disc(name)) and not problem:
        release_id = release_id_of(row.release_id)
        disc = album_disc or disc
        sources = _TAGGED if disc else _TAGGED_BUT_DISC
        return Track(row, title, artist, album or None, known(raw_credit), release_id, disc, number, None, sources)
    named = parse_track(_behind_folder(row.folder, path_text(stem_of(name))))
    track = number or named.track
    return Track(
        row,
        title or named.title or clean(path_text(stem_of(name))),
        artist,
        album or None,
        known(raw_credit),
        release_id_of(row.release_id),
        # "1-01 Title" names a disc only where the tag does not tell another track
        album_disc or disc or (named.disc if named.track == track else None),
        track,
        named.artist,
        _sources(
            "tag" if title else "file_name",
            "tag" if number else "file_name",
            "tag" if album_disc or disc else "file_name",
        ),
    )


def _behind_folder(folder: bytes, stem: str) -> str:
    """Leave out what a file's name repeats of its folder's: "Adele - 21 - 01 Title" in "Adele - 21 (2011)".

    So is the artist above left out where nothing else tells where the name ends: "Adele-21-01-Title" in "Adele/21".
    """
    if stem.count("-") < 2:
        return stem
    above, _, name = folder.rpartition(b"/")
    said = parse_album(path_text(name))
    if " - " in stem:
        whole = f"{said.artist} - {said.album} - "
        if stem.startswith(whole):
            return stem[len(whole) :]
        behind = stem.removeprefix(f"{said.album} - ")
        return behind if " - " in behind and behind[0].isdecimal() else stem  # "21 - 01 - Title"
    repeated = f"{said.artist or path_text(above.rpartition(b'/')[2])}-{said.album}-"
    tight = spaced(stem)
    return tight[len(repeated) :] if tight.casefold().startswith(repeated.casefold()) else stem


@lru_cache(maxsize=1024)
def release_id_of(text: str | None) -> str | None:
    """Return the id of a MusicBrainz release in lower case, None if the tag holds something else."""
    release_id = text.strip().lower() if text else ""
    return release_id if _UUID.fullmatch(release_id) else None


@cache
def _sources(title: Source, track: Source, disc: Source) -> Mapping[str, Source]:
    """Return where three values came from; the few combinations are shared by all tracks."""
    return MappingProxyType({"title": title, "track": track, "disc": disc})


_TAGGED, _TAGGED_BUT_DISC = _sources("tag", "tag", "tag"), _sources("tag", "tag", "file_name")


def _once_known(text: str | None) -> str | None:
    cleaned = clean(text)
    return None if cleaned is None or says_unknown(cleaned) else cleaned


def all_known(texts: Sequence[str | None]) -> Sequence[str] | None:
    """Return the texts of many tags as `known` would, at once; None if any of them is blank or "unknown"."""
    if None in texts:
        return None
    said = cast("Sequence[str]", texts)
    joined = "|".join(said)
    if are_clean(said, joined) and not may_say_unknown(joined):
        return said
    found = [_once_known(text) for text in said]
    return None if None in found else cast("list[str]", found)


@lru_cache(maxsize=8192)
def known(text: str | None) -> str | None:
    """Return a tag's text, None if it is blank or a ripper's word for "unknown"."""
    return _once_known(text)


def repeats(tracks: Iterable[Track]) -> int:
    """Count the files whose disc and track another file has too."""
    counts = Counter(track.number for track in tracks if track.number)
    return sum(counts.values()) - len(counts)
