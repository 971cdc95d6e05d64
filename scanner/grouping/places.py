"""Audio rows of a scan → places: a folder with its disc folders, whose tracks are read together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property, lru_cache
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple, cast

from scanner.grouping.album_names import parse_album
from scanner.grouping.discs import is_disc_alone, split_disc, without_bonus
from scanner.grouping.folding import are_clean, clean
from scanner.grouping.groups import FolderTracks, Source, TrackRow
from scanner.grouping.names import (
    TrackName,
    may_tell_disc,
    parse_track,
    stem_of,
    text_of,
)
from scanner.grouping.numbering import by_counting, by_hundreds, by_sides, discs_of
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import may_say_unknown, says_unknown
from scanner.grouping.spots import Spots, find_spots

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

    @property
    def number(self) -> Number | None:
        """The disc and track, None if the track is unknown."""
        return None if self.track is None else (self.disc or 1, self.track)


class Place:
    """A folder with its disc folders, and the audio files in them, by folder and name."""

    def __init__(self, folders: Sequence[FolderTracks], spots: Spots) -> None:
        spot = next(iter(spots.values()))
        self.folders = folders
        self._discs = {folder: spot.disc for folder, spot in spots.items()}  # what the names of the folders say
        self.disc_folders = sum(disc is not None for disc in self._discs.values())
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


def find_places(folders: Iterable[FolderTracks]) -> list[Place]:
    """Put each folder together with its disc folders."""
    by_name = {folder.folder: folder for folder in folders}
    found = find_spots([by_name[name] for name in sorted(by_name)])
    return [Place([by_name[name] for name in spots], spots) for spots in found]


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
    named = parse_track(_behind_folder(row.folder, text_of(stem_of(name))))
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


def _behind_folder(folder: bytes, stem: str) -> str:
    """Leave out what a file's name repeats of its folder's: "Adele - 21 - 01 Title" in "Adele - 21 (2011)"."""
    said = parse_album(text_of(folder.rpartition(b"/")[2])) if " - " in stem else None
    return stem.removeprefix(f"{said.artist} - {said.album} - ") if said else stem


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


def _settle_discs(tracks: list[Track], folders: Mapping[bytes, int | None]) -> list[Track]:
    """Decide between the discs of tags and folders: the tag, unless the folder tells more tracks apart."""
    numbered = [disc for disc in (*folders.values(), *(track.disc for track in tracks)) if disc]
    last = max(numbered, default=1)
    bonus = None if last == 1 and _runs_on(tracks, folders) else last + 1
    by_folder = {folder: bonus if disc == 0 else disc for folder, disc in folders.items()}
    albums = {track.album for track in tracks}
    discs = {album for album in albums if album and is_disc_alone(album)}
    if discs and len(folders) > 1:  # rippers call an album they do not know "CD1"
        tracks = [track._replace(album=None) if track.album in discs else track for track in tracks]
        albums -= discs
    tracks = [_of_the_album(track, albums, bonus=folders[track.row.folder] == 0) for track in tracks]
    lone_bonus = set(folders.values()) == {0}  # tagged by somebody who did not think of the album's own disc
    by_tag = [
        _on_disc(
            track, by_folder[track.row.folder], track.sources["disc"] == "tag" and not (lone_bonus and track.disc == 1)
        )
        for track in tracks
    ]
    by_name = [_on_disc(track, by_folder[track.row.folder], False) for track in tracks]
    return by_name if repeats(by_name) < repeats(by_tag) else by_tag


def _runs_on(tracks: list[Track], folders: Mapping[bytes, int | None]) -> bool:
    """Tell whether the tracks in bonus folders go on where the album's end: they are of its disc."""
    album = [track.track or 0 for track in tracks if folders[track.row.folder] is None]
    bonus = [track.track or 0 for track in tracks if folders[track.row.folder] == 0]
    return bool(album and bonus) and min(bonus) == max(album) + 1 > 1


def without_the_boxs_disc(tracks: list[Track]) -> list[Track]:
    """Forget the disc that a folder named, if these have no other: an album of its own in a box has one disc."""
    told = {(track.disc, track.sources["disc"]) for track in tracks}
    if len(told) > 1 or next(iter(told))[1] != "folder" or any((track.row.disc_total or 1) > 1 for track in tracks):
        return tracks
    return [
        track._replace(disc=None, sources=_sources(track.sources["title"], track.sources["track"], "file_name"))
        for track in tracks
    ]


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
        named = by_sides(_stems(tracks)) or _counted(tracks)
        return [_as_named(*pair) for pair in zip(tracks, named, strict=True)] if named else tracks
    if len({track.disc for track in tracks}) > 1:
        return tracks
    disc = tracks[0].disc
    if (tracks[0].track or 0) > 100 and not disc:
        split = by_hundreds([track.track for track in tracks])
        return [_numbered(*pair) for pair in zip(tracks, split, strict=True)] if split else tracks
    if not repeats(tracks):
        return tracks
    stems = _stems(tracks)  # names may tell apart what tags call by the same number
    by_name = [parse_track(stem).track for stem in stems]
    if not disc and _all_called_alike(tracks) and len({*filter(None, by_name)}) == len(tracks):
        return [_counted_by_name(*pair) for pair in zip(tracks, by_name, strict=True)]
    discs = discs_of(stems, [track.track for track in tracks])
    return [_on_named_disc(*pair) for pair in zip(tracks, discs, strict=True)] if discs else tracks


def _all_called_alike(tracks: list[Track]) -> bool:
    """Tell whether all tracks of one album have the same number, as some programs that download songs give them."""
    return len({(track.album, track.track) for track in tracks}) == 1


def _counted_by_name(track: Track, number: int | None) -> Track:
    sources = _sources(track.sources["title"], "file_name", track.sources["disc"])
    return track._replace(track=number, sources=sources)


def _on_named_disc(track: Track, disc: int) -> Track:
    sources = _sources(track.sources["title"], track.sources["track"], "file_name")
    return track._replace(disc=disc, sources=sources)


def _counted(tracks: list[Track]) -> list[TrackName]:
    """Read the names folder by folder, because each begins to count anew; empty if those of any do not count tracks."""
    if any(track.disc and track.sources["disc"] == "file_name" for track in tracks):  # they count discs
        return []
    folders = [[*inside] for _, inside in groupby(tracks, attrgetter("row.folder"))]
    named = [by_counting(_stems(inside)) for inside in folders]
    return [name for names in named for name in names or ()] if all(named) else []


def _stems(tracks: Iterable[Track]) -> list[str]:
    return [text_of(stem_of(track.row.name)) for track in tracks]


def _as_named(track: Track, name: TrackName) -> Track:
    if track.sources["title"] != "tag" and name.title:
        track = track._replace(title=name.title, named_artist=name.artist)
    return _numbered(track, name[:2])


def _numbered(track: Track, number: tuple[int | None, int | None]) -> Track:
    source = track.sources["track"]
    disc, of_disc = (number[0], source) if number[0] else (track.disc, track.sources["disc"])
    return track._replace(disc=disc, track=number[1], sources=_sources(track.sources["title"], source, of_disc))


def repeats(tracks: Iterable[Track]) -> int:
    """Count the files whose disc and track another file has too."""
    counts = Counter(track.number for track in tracks if track.number)
    return sum(counts.values()) - len(counts)
