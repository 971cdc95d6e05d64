"""What each source says of an album or an artist → what counts, field by field, and who said it. Pure.

A source's document is JSON: part → field → value. The part of an album or an artist itself is ""; that of a track is
its file. What a person said is the source `user`: it always counts, so saying something locks it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

from config.errors import Rejected
from processor.metadata.fields import FIELDS, Subject, checked
from processor.metadata.known import AlbumMetadata, ArtistMetadata, Credit, TrackMetadata

Document = Mapping[str, Mapping[str, Any]]
Documents = Mapping[str, Document]  # by source

ITSELF: Final = ""  # the part of the album or the artist
USER: Final = "user"
CHOICE: Final = "choice"  # the release a person said it is
NFO: Final = "nfo"  # the album.nfo and artist.nfo an album came with
TAGS: Final = "tags"
# Who is believed first.
ORDER: Final = (USER, CHOICE, "musicbrainz", "discogs", "theaudiodb", "lrclib", NFO, TAGS)
_ENCODED: Final = "base64:"


class Known(NamedTuple):
    """The value of one field that counts, and the source that said it."""

    value: Any
    source: str

    @property
    def locked(self) -> bool:
        """Whether a person said it, or chose the release that does, so that no other source changes it."""
        return self.source in (USER, CHOICE)


def part_of(path: bytes) -> str:
    """Return the part of a track, given its file relative to the album's folder."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        text = _ENCODED
    return text if not text.startswith(_ENCODED) else _ENCODED + base64.b64encode(path).decode()


def path_of(part: str) -> bytes:
    """Return the file of a track's part. Raises Rejected for what `part_of` never makes."""
    try:
        if not part.startswith(_ENCODED):
            return part.encode()
        return base64.b64decode(part.removeprefix(_ENCODED), validate=True)
    except ValueError:  # no base64, or half a surrogate pair
        raise Rejected(f"{part!r} names no file", code="no_part") from None


def winning(documents: Documents, part: str, subject: Subject) -> dict[str, Known]:
    """Return the fields of one part that anybody knows: of each the first source's in ORDER, others last by name.

    A value that is not what its field may be is passed over: it is of an older version, or its source is in error.
    """
    rank = {source: n for n, source in enumerate(ORDER)}
    found: dict[str, Known] = {}
    for source in sorted(documents, key=lambda source: (rank.get(source, len(rank)), source)):
        for name, value in documents[source].get(part, {}).items():
            if name not in found and (read := _readable(subject, name, value)) not in (None, ()):
                found[name] = Known(read, source)
    return {name: found[name] for name in FIELDS[subject] if name in found}


def album(documents: Documents, tracks: Iterable[tuple[bytes, int | None]]) -> AlbumMetadata:
    """Return what counts of an album; `tracks` are its audio files, each with its length in ms."""
    known = [
        TrackMetadata(path, duration_ms=duration, **_values(winning(documents, part_of(path), "track")))
        for path, duration in tracks
    ]
    inf = float("inf")
    known.sort(key=lambda track: (track.disc or 1, inf if track.position is None else track.position, track.path))
    return AlbumMetadata(tracks=tuple(known), **_values(winning(documents, ITSELF, "album")))


def artist(documents: Documents, name: str) -> ArtistMetadata:
    """Return what counts of an artist; `name` where no source names it."""
    return ArtistMetadata(**{"name": name} | _values(winning(documents, ITSELF, "artist")))


def to_json(value: Any) -> Any:
    """Return a field's value as documents hold it."""
    if isinstance(value, Credit):
        return list(value)
    return [to_json(entry) for entry in value] if isinstance(value, tuple) else value


def only_known(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of a document without the fields of which nothing is said."""
    return {name: value for name, value in values.items() if value not in (None, [], "")}


def _readable(subject: Subject, name: str, value: Any) -> Any:
    try:
        return checked(subject, name, value)
    except Rejected:
        return None


def _values(known: Mapping[str, Known]) -> dict[str, Any]:
    return {name: one.value for name, one in known.items()}
