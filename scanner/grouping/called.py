"""Files called "Artist - Album - 01 Title", in a folder that names no album → tracks with what their names say."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain

from config.reasons import path_text
from scanner.grouping.album_names import AlbumName, is_nameless, parse_album
from scanner.grouping.discs import split_disc
from scanner.grouping.folding import fold
from scanner.grouping.names import parse_track, spaced, stem_of
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import is_kind_of_music
from scanner.grouping.tracks import Track, known

_ALBUM_FIRST = pattern(  # "Artist - Album - 01 Title", "Artist - 1999 - Album - 1-01 - Title"
    r"(?P<album>.+?\s[-–—]\s.+?)(?<![\s–—-])\s+[-–—]\s+(?P<track>(?:\d{1,2}-)?\d{1,3}(?:\s?[-–—.]\s|\s).+)", re.DOTALL
)


def with_names(tracks: list[Track], folder: str) -> list[Track]:
    """Fill album, artist, year and number from the names of files, where some tell one album and count its tracks.

    `folder` is what their folder is called, "" in the root. One that names an album counts before names of files, and
    so does what else lies in it: only loose files of the root have nothing to do with one another.
    """
    readable = [track for track in tracks if track.row.problem is None]
    untagged = [track for track in readable if not _is_known(track)]
    if not untagged or (folder and len(untagged) < len(readable)):
        return tracks
    albums: dict[tuple[str, str], dict[int, Track]] = defaultdict(dict)
    for track in untagged:
        if filled := _filled(track, folder):
            albums[fold(filled.album or ""), fold(filled.album_artist or "")][track.row.file_id] = filled
    counted = [members for members in albums.values() if _count(members.values())]
    found = dict(chain.from_iterable(members.items() for members in counted))
    if not found or (folder and len(found) < len(readable)):
        return tracks
    return [found.get(track.row.file_id, track) for track in tracks]


def _is_known(track: Track) -> bool:
    """Tell whether tags name an album or somebody; names of files are asked only where they are all there is."""
    return bool(track.album or track.release_id or track.artist or track.album_artist)


def _count(tracks: Iterable[Track]) -> bool:
    """Tell whether one number follows another; those of "7 Inch Mix" and "12 Inch Mix" are words of titles."""
    numbers = {track.track for track in tracks if track.track is not None}
    return any(number + 1 in numbers for number in numbers)


def _filled(track: Track, folder: str) -> Track | None:
    found = _ALBUM_FIRST.fullmatch(spaced(path_text(stem_of(track.row.name))))
    said = parse_album(found["album"]) if found else AlbumName(None, None, None)
    artist, (album, disc) = known(said.artist), split_disc(said.album or "")
    if not (found and artist and known(album)) or is_nameless(album) or not _names_none(folder, artist):
        return None
    called = parse_track(found["track"])
    tagged = track.sources["title"] == "tag"
    filled = track._replace(
        title=track.title if tagged else called.title or track.title,
        album=album,
        album_artist=artist,
        named_artist=called.artist,
        row=track.row._replace(year=track.row.year or said.year),
        called=frozenset({"album", "album_artist"} | ({"year"} if said.year and not track.row.year else set())),
    )
    if track.sources["track"] == "tag" and track.track:
        return filled
    return filled.numbered("file_name", track=called.track, disc=track.disc or disc or called.disc)


def _names_none(folder: str, artist: str) -> bool:
    """Tell whether a folder names no album: it is the root, "Downloads", "Rock", or the artist's own."""
    return not folder or is_nameless(folder) or is_kind_of_music(folder) or fold(folder) == fold(artist)
