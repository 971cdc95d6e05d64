"""Tags by Picard's names → mutagen's object for a file; whatever else the file says of itself stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Final, NamedTuple

from processor.tagging.wanted import Wanted
from scanner.tags.fields import ASF, NAMED

FREE: Final = "----:com.apple.iTunes:"
_WORDS: Final = frozenset(
    {"LYRICS", "UNSYNCEDLYRICS", "UNSYNCED LYRICS", "SYNCEDLYRICS", "USLT", "SYLT", "\xa9LYR", "WM/LYRICS"}
)
TOTALS: Final = {"TRACKNUMBER": "TRACKTOTAL", "DISCNUMBER": "DISCTOTAL"}
UFID_OWNER: Final = "http://musicbrainz.org"


class Keys(NamedTuple):
    """What a tag is called where it is not called as in Vorbis comments; a name in ID3 and MP4 of its own is free."""

    id3: str
    mp4: str
    ape: str
    asf: str


def _keys(id3: str, mp4: str | None = None, ape: str | None = None, asf: str | None = None) -> Keys:
    return Keys(id3, mp4 or FREE + id3, ape or id3, asf or id3)


# Source: Picard's tag mapping; of ALBUMARTISTS and editions, which it leaves to scripts, what beets writes, and of the
# sort names of each what Navidrome reads. `UFID` is the frame of UFID_OWNER; TRCK, TPOS, trkn, disk hold a total, too.
KEYS: Final[Mapping[str, Keys]] = {
    "TITLE": _keys("TIT2", "\xa9nam", "Title", "Title"),
    "ARTIST": _keys("TPE1", "\xa9ART", "Artist", "Author"),
    "ARTISTS": _keys("ARTISTS", asf="WM/ARTISTS"),
    "ARTISTSORT": _keys("TSOP", "soar", "ARTISTSORT", "WM/ArtistSortOrder"),
    "ALBUM": _keys("TALB", "\xa9alb", "Album", "WM/AlbumTitle"),
    "ARTISTSSORT": _keys("ARTISTSSORT"),
    "ALBUMARTIST": _keys("TPE2", "aART", "Album Artist", "WM/AlbumArtist"),
    "ALBUMARTISTS": _keys("ALBUMARTISTS", asf="WM/AlbumArtists"),
    "ALBUMARTISTSSORT": _keys("ALBUMARTISTSSORT"),
    "ALBUMARTISTSORT": _keys("TSO2", "soaa", "ALBUMARTISTSORT", "WM/AlbumArtistSortOrder"),
    "DATE": _keys("TDRC", "\xa9day", "Year", "WM/Year"),
    "ORIGINALDATE": _keys("TDOR", FREE + "ORIGINALDATE", "ORIGINALDATE", "WM/OriginalReleaseTime"),
    "TRACKNUMBER": _keys("TRCK", "trkn", "Track", "WM/TrackNumber"),
    "DISCNUMBER": _keys("TPOS", "disk", "Disc", "WM/PartOfSet"),
    "GENRE": _keys("TCON", "\xa9gen", "Genre", "WM/Genre"),
    "LABEL": _keys("TPUB", FREE + "LABEL", "Label", "WM/Publisher"),
    "CATALOGNUMBER": _keys("CATALOGNUMBER", asf="WM/CatalogNo"),
    "BARCODE": _keys("BARCODE", asf="WM/Barcode"),
    "ISRC": _keys("TSRC", FREE + "ISRC", "ISRC", "WM/ISRC"),
    "COMPILATION": _keys("TCMP", "cpil", "Compilation", "WM/IsCompilation"),
    "RELEASETYPE": _keys("MusicBrainz Album Type", ape="MUSICBRAINZ_ALBUMTYPE", asf="MusicBrainz/Album Type"),
    "RELEASESTATUS": _keys("MusicBrainz Album Status", ape="MUSICBRAINZ_ALBUMSTATUS", asf="MusicBrainz/Album Status"),
    "RELEASECOUNTRY": _keys(
        "MusicBrainz Album Release Country", ape="RELEASECOUNTRY", asf="MusicBrainz/Album Release Country"
    ),
    "MUSICBRAINZ_ALBUMCOMMENT": _keys(
        "MusicBrainz Album Comment", ape="MUSICBRAINZ_ALBUMCOMMENT", asf="MusicBrainz/Album Comment"
    ),
    "MUSICBRAINZ_ALBUMID": _keys("MusicBrainz Album Id", ape="MUSICBRAINZ_ALBUMID", asf="MusicBrainz/Album Id"),
    "MUSICBRAINZ_RELEASEGROUPID": _keys(
        "MusicBrainz Release Group Id", ape="MUSICBRAINZ_RELEASEGROUPID", asf="MusicBrainz/Release Group Id"
    ),
    "MUSICBRAINZ_TRACKID": _keys("UFID", FREE + "MusicBrainz Track Id", "MUSICBRAINZ_TRACKID", "MusicBrainz/Track Id"),
    "MUSICBRAINZ_RELEASETRACKID": _keys(
        "MusicBrainz Release Track Id", ape="MUSICBRAINZ_RELEASETRACKID", asf="MusicBrainz/Release Track Id"
    ),
    "MUSICBRAINZ_ARTISTID": _keys("MusicBrainz Artist Id", ape="MUSICBRAINZ_ARTISTID", asf="MusicBrainz/Artist Id"),
    "MUSICBRAINZ_ALBUMARTISTID": _keys(
        "MusicBrainz Album Artist Id", ape="MUSICBRAINZ_ALBUMARTISTID", asf="MusicBrainz/Album Artist Id"
    ),
}


def put(container: str, file: Any, wanted: Wanted) -> None:
    """Write tags into mutagen's object for a file, which is not saved yet. Raises LookupError for a container without.

    All values of a tag, under whatever name the file has them, give way to those wanted.
    """
    write = _WRITERS[container]
    if file.tags is None:
        file.add_tags()
    for name, values in wanted.items():
        write(file.tags, name, values)


def put_beside(tags: Any, wanted: Wanted) -> None:
    """Let the APEv2 tags of an MP3 say the same, where they say anything of it: MPD and others believe them first."""
    for name, values in wanted.items():
        if not {key.upper() for key in tags}.isdisjoint({KEYS[name].ape.upper(), *_alike(name, values)}):
            _ape(tags, name, values)


def has_words(file: Any) -> bool:
    """Whether the tags of mutagen's object for a file hold the words of the song, by any name players ask for."""
    keys = [] if file.tags is None else file.tags.keys()
    return any(_is_text(file.tags[key]) for key in keys if not _WORDS.isdisjoint(key.upper().split(":")))


def _is_text(value: Any) -> bool:
    values = value if isinstance(value, list) else [value]
    return any(bytes(one).strip() if isinstance(one, bytes) else str(one).strip() for one in values)


def _vorbis(tags: Any, name: str, values: list[str]) -> None:
    alike = _alike(name, values)
    written = _with_total(name, values, _before(tags, alike))
    _drop(tags, list(tags.keys()), alike)
    if (total := TOTALS.get(name)) in alike:
        tags[name], tags[total] = written[0].split("/")
    elif written:
        tags[name] = written


def _id3(tags: Any, name: str, values: list[str]) -> None:
    id3: Any = import_module("mutagen.id3")
    key = KEYS[name].id3
    if key == "UFID":
        tags.setall(f"UFID:{UFID_OWNER}", [id3.UFID(owner=UFID_OWNER, data=values[0].encode())])
        return
    before = next((str(text) for frame in tags.getall(key) for text in frame.text), "")
    alike = {key.upper(), *_alike(name, values)}
    for frame in (*tags.getall(key), *tags.getall("TXXX"), *(tags.getall("TDRL") if name == "DATE" else ())):
        if frame.FrameID != "TXXX" or frame.desc.upper() in alike:
            del tags[frame.HashKey]
    if values and key in id3.Frames:
        tags.add(id3.Frames[key](encoding=id3.Encoding.UTF8, text=_with_total(name, values, before)))
    elif values:
        tags.add(id3.TXXX(encoding=id3.Encoding.UTF8, desc=key, text=values))


def _with_total(name: str, values: list[str], before: str) -> list[str]:
    """Keep the total of `3/12`, unless the number is beyond it, or has another one."""
    if name not in TOTALS or "/" in values[0]:
        return values
    total = before.partition("/")[2].strip()
    return [f"{values[0]}/{total}"] if total and not _is_less(total, values[0]) else values


def _is_less(total: str, number: str) -> bool:
    return total.isdecimal() and int(total) < int(number)


def _mp4(tags: Any, name: str, values: list[str]) -> None:
    mp4: Any = import_module("mutagen.mp4")
    key = KEYS[name].mp4
    if key in ("trkn", "disk"):
        number, slash, given = values[0].partition("/")
        total = int(given) if slash else next((total for _, total in tags.get(key, ())), 0)
        tags[key] = [(int(number), total if total >= int(number) else 0)]
        return
    alike = {(FREE + other).upper() for other in (key.removeprefix(FREE), *_alike(name, values))}
    _drop(tags, list(tags.keys()), {key.upper(), *alike})
    if not values:
        return
    if key == "cpil":
        tags[key] = True
    elif key.startswith(FREE):
        tags[key] = [mp4.MP4FreeForm(value.encode()) for value in values]
    else:
        tags[key] = values


def _ape(tags: Any, name: str, values: list[str]) -> None:
    key = KEYS[name].ape
    alike = {key.upper(), *_alike(name, values)}
    values = _with_total(name, values, _before(tags, alike))
    _drop(tags, list(tags.keys()), alike)
    if values:
        tags[key] = values


def _asf(tags: Any, name: str, values: list[str]) -> None:
    key = KEYS[name].asf
    values = _with_total(name, values, str(next(iter(tags.get(key, ())), "")))
    field = ASF.get(key.upper())
    alike = {other for other, means in ASF.items() if field is not None and means == field}
    _drop(tags, list(tags.keys()), {key.upper(), *_alike(name, values), *alike})
    if values:
        tags[key] = values


def _before(tags: Any, alike: set[str]) -> str:
    """Return what the tag said under any of its names, one value of it with a total if there is one."""
    keys = dict.fromkeys(tags.keys())
    said = [str(value) for key in keys if key.upper() in alike for value in _listed(tags[key])]
    return next((value for value in said if "/" in value), "")


def _listed(values: Any) -> list[Any]:
    """Return the values of one key: Vorbis comments have a list of them, APEv2 a text that is one."""
    return list(values) if isinstance(values, list) or getattr(values, "kind", None) == 0 else []


def _alike(name: str, values: list[str]) -> set[str]:
    """Return all names that mean the same tag, in capitals, and those of the total if there is one in the value."""
    field = NAMED.get(name)
    alike = {name, *(other for other, means in NAMED.items() if field is not None and means == field)}
    if name == "DATE":
        alike.add("RELEASEDATE")  # by which Navidrome takes albums apart
    if name in TOTALS and "/" in values[0]:
        alike |= _alike(TOTALS[name], [])
    return alike


def _drop(tags: Any, keys: Iterable[str], alike: set[str]) -> None:
    for key in dict.fromkeys(keys):
        if key.upper() in alike:
            del tags[key]


_FAMILIES: Final[Mapping[Callable[[Any, str, list[str]], None], tuple[str, ...]]] = {
    _vorbis: ("flac", "vorbis", "opus"),
    _id3: ("mp3", "wav", "aiff", "dsf"),
    _mp4: ("mp4",),
    _ape: ("ape", "wavpack", "musepack"),
    _asf: ("asf",),
}
_WRITERS: Final = {container: write for write, containers in _FAMILIES.items() for container in containers}
CONTAINERS: Final = frozenset(_WRITERS)
"""The containers whose tags are written; others keep theirs."""
