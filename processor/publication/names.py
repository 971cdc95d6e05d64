"""An album, what is known of it and the naming templates → its folder in a library, and each file's place in it. Pure.

Every component goes through the rules of processor.planning.layout, so that it is legal on every file system and no
player takes it for something of its own.
"""

from __future__ import annotations

import os.path
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from processor.filesystem.paths import ancestors, parent, stem_of
from processor.metadata.known import AlbumMetadata, TrackMetadata, credited
from processor.planning import layout
from processor.publication import template
from processor.publication.template import Part, Values
from processor.transfers import sidecar

LONGEST: Final = 240  # of 255 bytes, so that " [2]" still fits
UNKNOWN: Final = "Unknown Artist"
VARIOUS: Final = "Various Artists"
OF_ALBUM: Final = frozenset(
    {"album_artist", "album_artist_sort", "album", "year", "date", "type", "label", "catalog_number", "country"}
    | {"edition"}
)
OF_TRACK: Final = OF_ALBUM | {"disc", "track", "title", "artist"}
_AS_THEY_ARE: Final[Mapping[str, bytes]] = MappingProxyType({})
_ARTIST: Final = frozenset({"album_artist", "album_artist_sort"})


class NamedFile(NamedTuple):
    """A file of an album, as naming sees it."""

    path: bytes  # relative to the album's folder in staging, or in its library
    role: str
    source: bytes = b""  # where it was dropped; empty where nobody knows


@dataclass(frozen=True, slots=True)
class Naming:
    """Two checked templates: of the album's folder, and of a track's place in it without its extension."""

    folder: tuple[Part, ...]
    file: tuple[Part, ...]

    @classmethod
    def of(cls, folder: str, file: str) -> Naming:
        """Check two templates. Raises ValueError with what is wrong."""
        return cls(checked_folder(folder), checked_file(file))

    @property
    def artist_depth(self) -> int | None:
        """How many folders down the artist's own folder is; None if the template makes none."""
        return next((n for n, parts in enumerate(_split(self.folder), 1) if _is_artists(parts)), None)


def checked_folder(text: str) -> tuple[Part, ...]:
    """Return the parts of a template for folders. Raises ValueError."""
    parts = template.parse(text, OF_ALBUM)
    if "album" not in template.used(parts):
        raise ValueError("must have {album}, or all albums of an artist would want one folder")
    _check_slashes(text)
    return parts


def checked_file(text: str) -> tuple[Part, ...]:
    """Return the parts of a template for tracks. Raises ValueError."""
    parts = template.parse(text, OF_TRACK)
    if not {"track", "title"} & set(template.used(parts)):
        raise ValueError("must have {title} or {track}, or all tracks would want one name")
    _check_slashes(text)
    return parts


def _check_slashes(text: str) -> None:
    if text.startswith("/") or text.endswith("/") or "//" in text:
        raise ValueError("must not begin or end with a slash, or have two in a row")


def album_folder(naming: Naming, album: AlbumMetadata, *, tell_apart: str | None = None) -> bytes:
    """Return the folder of an album, relative to the library; `tell_apart` is added to an artist of a taken name."""
    folders = template.render(naming.folder, _told_apart(album, tell_apart)).split("/")
    return b"/".join(layout.folder_name(name) for name in folders if name.strip())


def artist_folder(naming: Naming, folder: bytes) -> bytes | None:
    """Return the folder above an album's that is its artist's alone; None if there is none, or it cannot be told.

    That is so where the template has a folder above it that is left out if nobody knows its values, and one was.
    """
    parts, depth, wanted = folder.split(b"/"), naming.artist_depth, _split(naming.folder)
    if depth is None or depth >= len(parts):
        return None
    if len(parts) < len(wanted) and any(_may_be_left_out(one) for one in wanted[:depth]):
        return None
    return b"/".join(parts[:depth])


def is_called_after(naming: Naming, folder: bytes, album: AlbumMetadata, artist_id: str | None) -> bool:
    """Whether `artist_folder` has the name of the artist; what another template made may be called after a year."""
    parts = _split(naming.folder)[(naming.artist_depth or 1) - 1]
    told = (template.render(parts, _told_apart(album, mark)) for mark in (None, artist_id and artist_id[:4]))
    names = {layout.fold(layout.folder_name(text.partition("/")[0])) for text in told}
    return layout.fold(os.path.basename(folder)) in names


def file_places(
    naming: Naming,
    album: AlbumMetadata,
    files: Sequence[NamedFile],
    *,
    kept: Set[bytes] = frozenset(),
    taken: Iterable[bytes] = (),
    spelled: Mapping[str, bytes] = _AS_THEY_ARE,
) -> dict[bytes, bytes]:
    """Return the place of each file by its path in staging, all relative to the album's folder.

    Tracks are named by the template, but for those in `kept`, which a cue sheet calls by their names. A file beside
    one track, such as its lyrics, goes with it, and what lay in the folder of a disc with that; the others keep their
    places. `taken` are names of files Greenroom adds itself; `spelled` are names by their fold, for MPD and others tell
    Cover.jpg from cover.jpg.
    """
    tracks = {track.path: track for track in album.tracks}
    discs = len({track.disc or 1 for track in album.tracks})
    places = layout.Places([sidecar.NAME, *taken])
    shared = _of_album(album)
    found: dict[bytes, bytes] = {}
    for file in files:
        if file.role == "audio":
            track = tracks.get(file.path, TrackMetadata(file.path))
            wanted = file.path if file.path in kept else _track(naming.file, shared, track, discs)
            found[file.path] = places.claim(wanted)
    stems = {stem_of(path): stem_of(place) for path, place in found.items()}
    beside = [(file, _beside(file.path, stems)) for file in files if file.role != "audio"]
    went = _went(files, found)
    for file, place in sorted(beside, key=lambda pair: pair[1] is None):  # what belongs to a track claims first
        own = place or _with_its_disc(file, went)
        found[file.path] = places.claim(spelled.get(layout.fold(own), own))
    return found


def disc_folders(places: Iterable[bytes]) -> list[bytes]:
    """Return the folders of the discs in their order, where each disc has a folder of its own."""
    folders = sorted({os.path.dirname(place) for place in places})
    return folders if all(folders) else []


def _of_album(album: AlbumMetadata) -> Values:
    artist = credited(album.credits) or (VARIOUS if album.compilation else UNKNOWN)
    sort_names = [credit.sort_name or credit.name for credit in album.credits]
    return {
        "album_artist": artist,
        "album_artist_sort": " & ".join(sort_names) or artist,
        "album": album.title,
        "year": album.year,
        "date": album.date,
        "type": album.type,
        "label": next(iter(album.labels), None),
        "catalog_number": next(iter(album.catalog_numbers), None),
        "country": album.country,
        "edition": album.disambiguation,
    }


def _told_apart(album: AlbumMetadata, mark: str | None) -> Values:
    """Return the values of an album, with a mark at the names of its artist if there is one."""
    values = _of_album(album)
    return values if mark is None else {**values, **{name: f"{values[name]} ({mark})" for name in _ARTIST}}


def _track(file: tuple[Part, ...], shared: Values, track: TrackMetadata, discs: int) -> bytes:
    stem, extension = os.path.splitext(os.path.basename(track.path))
    values = dict(shared)
    values["disc"] = (track.disc or 1) if discs > 1 else None
    values["track"] = track.position
    values["title"] = track.title or stem.decode("utf-8", "surrogateescape")
    values["artist"] = credited(track.credits) or values["album_artist"]
    *folders, name = [part for part in template.render(file, values).split("/") if part.strip()] or ["_"]
    plain = (layout.component(name) + extension.decode("utf-8", "surrogateescape").lower()).encode(
        "utf-8", "surrogateescape"
    )
    return b"/".join([*map(layout.folder_name, folders), layout.file_name(plain)])


def _beside(path: bytes, stems: Mapping[bytes, bytes]) -> bytes | None:
    """Return where a file goes that is called like a track: `01 Song.en.lrc` beside `01 Song.flac`."""
    stem = path
    while b"." in os.path.basename(stem):
        stem = stem.rpartition(b".")[0]
        if stem in stems:
            first, dot, last = path[len(stem) :].rpartition(b".")
            folder, name = os.path.split(stems[stem] + first + dot + last.lower())  # nobody looks for Song.LRC
            return os.path.join(folder, name if len(name) <= LONGEST else layout.file_name(name))
    return None


def _went(files: Iterable[NamedFile], found: Mapping[bytes, bytes]) -> dict[bytes, set[bytes]]:
    """Return where the tracks at or below each folder go, by what that is called now and by what it was in inbound."""
    went: dict[bytes, set[bytes]] = {}
    for file in files:
        if file.role == "audio":
            for folder in {*ancestors(file.path), *ancestors(file.source)}:
                went.setdefault(folder, set()).add(parent(found[file.path]))
    return went


def _with_its_disc(file: NamedFile, went: Mapping[bytes, Set[bytes]]) -> bytes:
    """Return where a file goes that is below a folder whose tracks all go to one: there, with the folders between.

    In staging tracks have left the folders of their discs, so that only where they were dropped tells of these. What is
    in no folder is the album's.
    """
    inside = file.path.split(b"/")
    for known in (file.path, file.source):
        parts = known.split(b"/")
        for below in range(len(inside) - 1, 0, -1):  # of the folders it is still in, the topmost first
            folders = went.get(b"/".join(parts[:-below]), set())
            if len(folders) == 1 and all(folders):
                return b"/".join([*folders, *inside[-below:]])
    return file.path


def _split(parts: tuple[Part, ...]) -> list[list[Part]]:
    """Return the parts of each folder of a template; what is optional counts to the folder it begins in."""
    folders: list[list[Part]] = [[]]
    for part in parts:
        if isinstance(part, str):
            first, *others = part.split("/")
            folders[-1].append(first)
            folders += [[text] for text in others]
        else:
            folders[-1].append(part)
    return folders


def _is_artists(parts: list[Part]) -> bool:
    return set(template.used(parts)) <= _ARTIST and bool(_ARTIST & set(template.used(parts)))


def _may_be_left_out(parts: list[Part]) -> bool:
    """Whether nothing is left of a folder where only what is always known of an album is."""
    return not template.render(parts, dict.fromkeys((*_ARTIST, "album"), "_"))
