"""Audio rows of a scan → places: a folder with its disc folders, whose tracks are read together."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from operator import itemgetter
from types import MappingProxyType
from typing import NamedTuple, cast

from scanner.grouping.discs import disc_folder, is_bonus_folder, split_disc, without_bonus
from scanner.grouping.folding import are_clean, clean, fold
from scanner.grouping.groups import FolderTracks, Source, TrackRow
from scanner.grouping.names import (
    TrackName,
    may_tell_disc,
    parse_track,
    stem_of,
    text_of,
)
from scanner.grouping.numbering import by_hundreds, by_parts, by_sides, is_part

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_UNKNOWN = re.compile(r"[\W_]*(?:unknown|(?:unknown|no)[\W_]+(?:artist|album|title))[\W_]*", re.IGNORECASE)

_WORDS_OF_UNKNOWN = ("unknown", "artist", "album", "title")

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

    @property
    def number(self) -> Number | None:
        """The disc and track, None if the track is unknown."""
        return None if self.track is None else (self.disc or 1, self.track)


class Place:
    """A folder with its disc folders, and the audio files in them, by folder and name."""

    def __init__(self, spot: _Spot, folders: Sequence[FolderTracks], discs: Mapping[bytes, int | None]) -> None:
        self.folders = folders
        self._discs = discs  # what the names of the folders say
        self.disc_folders = sum(disc is not None for disc in discs.values())
        self.title = spot.title  # the folder's name, without the disc: "Artist - Album (1999)"
        # the folder that holds the album's own, perhaps the artist's
        self.above = spot.home if spot.label else spot.home.rpartition(b"/")[0]
        # a lone "Album (Disc 1)" is its own home
        self.home = folders[0].folder if spot.label and len(folders) == 1 else spot.home

    @cached_property
    def tracks(self) -> tuple[Track, ...]:
        """All files, one by one; made when somebody asks, because most albums are told without."""
        tracks = [_present(row) for folder in self.folders for row in folder.rows()]
        settled = _settle_discs(tracks, self._discs) if self.disc_folders else tracks
        return tuple(_in_style(settled))

    @property
    def is_root(self) -> bool:
        """Whether these are the loose files of the inbound root, which have nothing in common."""
        return self.home == b"" and not self.disc_folders


class _Spot(NamedTuple):
    """Where a folder belongs: its place, and the disc its name says (0: a bonus disc, counted later)."""

    home: bytes
    label: str | None  # folded album name, if the disc folders name it: "Album (Disc 1)"; None for the home itself
    title: str
    disc: int | None


def find_places(folders: Iterable[FolderTracks]) -> list[Place]:
    """Put each folder together with its disc folders."""
    found: dict[tuple[bytes, str | None], list[tuple[_Spot, FolderTracks]]] = {}
    ordered = sorted(folders, key=itemgetter(0))
    parts = _parts(ordered)
    for folder in ordered:
        spot = parts.get(folder.folder) or _spot(folder.folder)
        found.setdefault((spot.home, spot.label), []).append((spot, folder))
    return [
        Place(members[0][0], [folder for _, folder in members], {folder.folder: spot.disc for spot, folder in members})
        for members in found.values()
    ]


def _parts(folders: Iterable[FolderTracks]) -> dict[bytes, _Spot]:
    """Find the parts of one album: their tags name no other, and they are called "Part 1", "Part 2" …, or "1", "2" …"""
    beside: dict[tuple[bytes, str], list[FolderTracks]] = {}
    music = set()
    for folder in folders:
        parent, inside, _ = folder.folder.rpartition(b"/")
        music.add(folder.folder)
        album = folder.album[0]
        if inside and album and folder.album.count(album) == len(folder.album):
            beside.setdefault((parent, album), []).append(folder)
    found: dict[bytes, _Spot] = {}
    for (parent, _), members in beside.items():
        if len(members) == 1 or parent in music:
            continue
        names = [text_of(folder.folder.rpartition(b"/")[2]) for folder in members]
        numbers = by_parts(names)
        if numbers and not (
            names[0][:1].isdecimal() and _same_titles(*members[:2])
        ):  # "16 bit" and "24 bit" are copies
            title = text_of(parent.rpartition(b"/")[2])
            found |= {part.folder: _Spot(parent, None, title, n) for part, n in zip(members, numbers, strict=True)}
    return found


def _same_titles(one: FolderTracks, other: FolderTracks) -> bool:
    """Tell whether two folders hold the same songs, as copies do."""
    return bool(set(zip(one.track, one.title, strict=True)) & set(zip(other.track, other.title, strict=True)))


def _spot(folder: bytes) -> _Spot:
    """Tell a disc folder from an album's: `b"Album/CD1"` is disc 1 of `b"Album"`."""
    home, disc = folder, None
    while home:
        parent, _, name = home.rpartition(b"/")
        text = text_of(name)
        number = disc_folder(text) or (0 if is_bonus_folder(text) and parent else None)
        if number is None:
            break
        home, disc = parent, number
    title = text_of(home.rpartition(b"/")[2])
    if disc is not None:  # disc folders lying in the root are one place, apart from the loose files there
        return _Spot(home, None if home else "", title, disc)
    rest, number = split_disc(title)
    if number is None:
        above = text_of(home.rpartition(b"/")[0].rpartition(b"/")[2])
        named = f"{above} - {title}" if " - " in above and is_part(title) else title
        return _Spot(folder, None, named, None)
    return _Spot(home.rpartition(b"/")[0], fold(rest), rest, number)


def _present(row: TrackRow) -> Track:
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
    named = parse_track(text_of(stem_of(name)))
    track = number or named.track
    return Track(
        row,
        title or named.title or clean(text_of(stem_of(name))),
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
    return None if cleaned is None or (_may_say_unknown(cleaned) and _UNKNOWN.fullmatch(cleaned)) else cleaned


def _may_say_unknown(text: str) -> bool:
    """Tell whether a pattern has to be asked, which takes longer."""
    heard = text.casefold()
    return "no" in heard and any(word in heard for word in _WORDS_OF_UNKNOWN)


def all_known(texts: Sequence[str | None]) -> Sequence[str] | None:
    """Return the texts of many tags as `known` would, at once; None if any of them is blank or "unknown"."""
    if None in texts:
        return None
    said = cast("Sequence[str]", texts)
    joined = "|".join(said)
    if are_clean(said, joined) and not _may_say_unknown(joined):
        return said
    found = [_once_known(text) for text in said]
    return None if None in found else cast("list[str]", found)


@lru_cache(maxsize=8192)
def known(text: str | None) -> str | None:
    """Return a tag's text, None if it is blank or a ripper's word for "unknown"."""
    return _once_known(text)


def _settle_discs(tracks: list[Track], folders: Mapping[bytes, int | None]) -> list[Track]:
    """Decide between the discs of tags and folders: the tag, unless the folder tells more tracks apart."""
    numbered = [disc for disc in (*folders.values(), *(track.disc for track in tracks)) if disc]
    bonus = max(numbered, default=1) + 1
    by_folder = {folder: bonus if disc == 0 else disc for folder, disc in folders.items()}
    albums = {track.album for track in tracks}
    tracks = [_of_the_album(track, albums, bonus=folders[track.row.folder] == 0) for track in tracks]
    by_tag = [_on_disc(track, by_folder[track.row.folder], track.sources["disc"] == "tag") for track in tracks]
    by_name = [_on_disc(track, by_folder[track.row.folder], False) for track in tracks]
    return by_name if repeats(by_name) < repeats(by_tag) else by_tag


def _of_the_album(track: Track, albums: set[str | None], *, bonus: bool) -> Track:
    """Take "(Bonus Disc)" out of the album's name in a bonus folder, or where other discs have it without."""
    album = without_bonus(track.album) if track.album and (bonus or len(albums) > 1) else track.album
    return track._replace(album=album) if album != track.album and (bonus or album in albums) else track


def _on_disc(track: Track, disc: int | None, keep: bool) -> Track:
    if disc is None or (keep and track.disc):
        return track
    return track._replace(disc=disc, sources=_sources(track.sources["title"], track.sources["track"], "folder"))


def _in_style(tracks: list[Track]) -> list[Track]:
    """Number tracks whose names tell it in a style that only all of them together show."""
    if tracks[0].track is None and not any(track.track for track in tracks):
        sides = by_sides([text_of(stem_of(track.row.name)) for track in tracks])
        return [_as_named(*pair) for pair in zip(tracks, sides, strict=True)] if sides else tracks
    if (tracks[0].track or 0) > 100 and not any(t.disc for t in tracks):
        split = by_hundreds([track.track for track in tracks])
        return [_numbered(*pair) for pair in zip(tracks, split, strict=True)] if split else tracks
    return tracks


def _as_named(track: Track, name: TrackName) -> Track:
    if track.sources["title"] != "tag" and name.title:
        track = track._replace(title=name.title, named_artist=name.artist)
    return _numbered(track, name[:2])


def _numbered(track: Track, number: tuple[int | None, int | None]) -> Track:
    sources = _sources(track.sources["title"], track.sources["track"], track.sources["track"])
    return track._replace(disc=number[0], track=number[1], sources=sources)


def repeats(tracks: Iterable[Track]) -> int:
    """Count the files whose disc and track another file has too."""
    counts = Counter(track.number for track in tracks if track.number)
    return sum(counts.values()) - len(counts)
