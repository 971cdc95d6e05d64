"""The NFO files of Kodi, Jellyfin, Lidarr and their like → what they say of an album, its tracks and its artist. Pure.

Names of elements are compared without case, on which not even Kodi's users agree. What no field can hold is left out.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from config.errors import Rejected
from processor.metadata.documents import to_json
from processor.metadata.fields import Subject, checked, length_ms, mbid
from processor.nfo import album, artist, xml

MAYBE_ID: Final = "album_id"  # of an album's document; no field, for nobody knows yet what it is the id of
_LINK: Final = re.compile(rb"musicbrainz\.org/release(?:-group)?/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")
_ISO: Final = re.compile(r"\d{4}(?:-\d\d(?:-\d\d)?)?")
_YEAR: Final = re.compile(r"\b(?:1[5-9]|20)\d\d\b")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")  # Python refuses to read very long ones

_OF_ALBUM: Final = (
    ("genres", ("genre",)), ("styles", ("style",)), ("moods", ("mood",)), ("themes", ("theme",)),
    ("labels", ("label", "studio")),
)  # fmt: skip
_OF_ARTIST: Final = {
    "genres": "genre", "styles": "style", "moods": "mood", "instruments": "instruments", "years_active": "yearsactive",
}  # fmt: skip
_LIFE: Final = ("born", "formed", "died", "disbanded")


class Track(NamedTuple):
    """One track of the list in an album's file."""

    position: int | None
    length_ms: int | None
    fields: Mapping[str, Any]


class AlbumNotes(NamedTuple):
    """What an album's file says; nothing for text that is no XML, such as scene groups write."""

    fields: Mapping[str, Any]
    tracks: Sequence[Track] = ()


def read_album(data: bytes) -> AlbumNotes:
    """Read an album.nfo. Raises Rejected `nfo_unreadable` for broken XML, and for too much of it.

    The id of an album without that of its group is the group's, if Lidarr wrote it, and the release's, if an old Kodi
    did: it is MAYBE_ID.
    """
    link = _LINK.search(data[: xml.MAX_BYTES].lower())
    if not is_xml(data):
        return AlbumNotes({MAYBE_ID: link[1].decode()} if link else {})
    said = _Said(xml.decode(data, album.ROOT))
    group = said.text("musicbrainzreleasegroupid")
    id = said.text("musicbrainzalbumid") or (link and link[1].decode())
    found = _fields("album", _album_words(said) | _album_dates(said, group) | {
        "release_id": id if group else None,
        "release_group_id": group,
    })  # fmt: skip
    if not group and (maybe := _fields("album", {"release_id": id})):
        found[MAYBE_ID] = maybe["release_id"]
    return AlbumNotes(found, tuple(map(_track, said.each("track"))))


def _album_dates(said: _Said, group: str | None) -> dict[str, Any]:
    """Return the dates; a file that names no group may be Lidarr's, which knows the first date and not the edition."""
    date = _date(said.text("releasedate")) or _date(said.text("year"))
    first = _date(said.text("originalreleasedate"))
    return {"date": date, "original_date": first} if group else {"date": None, "original_date": first or date}


def _album_words(said: _Said) -> dict[str, Any]:
    kind, *kinds = [word.strip() for word in (said.text("type") or "").split("/")]
    rating = said.rating()
    return {name: [text for tag in tags for text in said.texts(tag)] for name, tags in _OF_ALBUM} | {
        "title": said.text("title"),
        "credits": _album_credits(said),
        "type": kind,
        "secondary_types": kinds,
        "compilation": (said.text("compilation") or "").lower() == "true" or None,  # Kodi's "false" says nothing
        "status": said.text("releasestatus"),
        "review": said.text("review"),
        "rating": rating,
        "votes": said.number("votes") if rating else None,
    }


def read_artist(data: bytes) -> dict[str, Any]:
    """Read an artist.nfo, which Lidarr gives a title instead of a name. Raises Rejected `nfo_unreadable`."""
    if not is_xml(data):
        return {}
    said = _Said(xml.decode(data, artist.ROOT))
    return _fields("artist", {name: said.texts(tag) for name, tag in _OF_ARTIST.items()} | {
        **{name: _date(said.text(name)) for name in _LIFE},
        "name": said.text("name") or said.text("title"),
        "sort_name": said.text("sortname"),
        "artist_id": said.text("musicbrainzartistid"),
        "type": said.text("type"),
        "gender": said.text("gender"),
        "disambiguation": said.text("disambiguation"),
        "biography": said.text("biography"),
    })  # fmt: skip


def is_xml(data: bytes) -> bool:
    """Whether bytes mean to be XML; scene groups draw pictures of letters, and Kodi allows a bare URL."""
    return xml.text_of(data[:1000]).lstrip("\ufeff \t\r\n").startswith("<")


class _Said:
    """The children of an element by their names in lower case; what says nothing is not there."""

    def __init__(self, root: ET.Element) -> None:
        self._children: defaultdict[str, list[ET.Element]] = defaultdict(list)
        for child in root:
            self._children[child.tag.lower()].append(child)

    def each(self, tag: str) -> list[_Said]:
        return [_Said(child) for child in self._children[tag]]

    def texts(self, tag: str) -> list[str]:
        return [text for child in self._children[tag] if (text := (child.text or "").strip())]

    def text(self, tag: str) -> str | None:
        return next(iter(self.texts(tag)), None)

    def number(self, tag: str) -> int | None:
        text = self.text(tag) or ""
        return int(text) if _NUMBER.fullmatch(text) else None

    def rating(self) -> float | None:
        """Return the rating from 0 to 10; 0 and less say that nobody rated."""
        child = next(iter(self._children["rating"]), None)
        try:
            most = float((child is not None and child.get("max")) or 10)
            value = 10 * float((child is not None and child.text) or 0) / most
        except (ValueError, ZeroDivisionError):
            return None
        return value if 0 < value <= 10 else None


def _track(said: _Said) -> Track:
    fields = {
        "title": said.text("title"),
        "credits": _credits(said, "songartistcredits"),
        "recording_id": said.text("musicbrainztrackid"),
    }
    return Track(said.number("position"), length_ms(said.text("duration")), _fields("track", fields))


def _album_credits(said: _Said) -> list[Any]:
    """Return whom an album is by: as Kodi says it, else as Jellyfin does, which has an id if there is one artist."""
    names = said.texts("albumartist") or said.texts("artist")
    ids = [said.text("musicbrainzalbumartistid")] if len(names) == 1 else [None] * len(names)
    return _credits(said, "albumartistcredits") or _joined(list(zip(names, ids, strict=True)))


def _credits(said: _Said, tag: str) -> list[Any]:
    return _joined([(name, one.text("musicbrainzartistid")) for one in said.each(tag) if (name := one.text("artist"))])


def _joined(named: Sequence[tuple[str, str | None]]) -> list[Any]:
    """Return a credit; what stands between the names is nowhere written, so a comma does."""
    return [[name, mbid(id), ", " if n < len(named) else ""] for n, (name, id) in enumerate(named, 1)]


def _date(text: str | None) -> str | None:
    """Return a date as it is known for sure: of 11/2/1998, which may be of either month, the year."""
    if text is None or _ISO.fullmatch(text):
        return text
    year = _YEAR.search(text)
    return year and year[0]


def _fields(subject: Subject, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what fields can hold, as documents have it."""
    found = {}
    for name, value in values.items():
        try:
            found[name] = None if value is None else to_json(checked(subject, name, value))
        except Rejected:
            continue
    return {name: value for name, value in found.items() if value not in (None, [])}
