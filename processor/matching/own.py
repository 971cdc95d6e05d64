"""What the files of an album say of themselves → the album as it is compared with releases. Pure."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from processor.items.repository import StagedFile
from processor.metadata.documents import ITSELF, Document, part_of
from processor.metadata.fields import mbid
from processor.metadata.known import Credit, credited
from processor.nfo.reading import MAYBE_ID
from scanner.grouping.placeholders import is_number_of_track, says_unknown

_IDS: Final = {"release_id": "mb_release_id", "release_group_id": "mb_release_group_id"}


class OwnTrack(NamedTuple):
    """One audio file of the album."""

    path: bytes  # relative to the album's folder
    title: str | None = None
    artist: str | None = None
    disc: int | None = None
    position: int | None = None
    length_ms: int | None = None
    codec: str | None = None
    recording_id: str | None = None
    track_id: str | None = None
    heard: frozenset[str] = frozenset()  # recordings it sounds like


@dataclass(frozen=True, slots=True)
class OwnAlbum:
    """An album we have; `year` may be that of this edition or of the first."""

    title: str | None = None
    artist: str | None = None
    year: int | None = None
    discs: int | None = None
    label: str | None = None
    catalog_number: str | None = None
    barcode: str | None = None
    country: str | None = None
    media: str | None = None
    release_id: str | None = None
    group_id: str | None = None
    either_id: str | None = None  # of a release, or of its group; counts where neither is known
    tracks: tuple[OwnTrack, ...] = ()


def own_album(item: Mapping[str, Any], files: Iterable[StagedFile], notes: Document) -> OwnAlbum:
    """Return the album of an item's row and its files' rows; where tracks disagree, most of them are believed.

    Ids and numbers of an edition count only if nobody says another one. `notes` is what the album's NFO says; its
    names count where the tags say none, which would then be a folder's.
    """
    audio = [file for file in files if file.role == "audio"]
    facts = [file.facts for file in audio]
    noted = notes.get(ITSELF, {})
    ids = [*facts, {tag: noted.get(field) for field, tag in _IDS.items()}]
    tagged = any(one.get("album") for one in facts)
    artist = credited([Credit(*credit) for credit in noted.get("credits", ())])
    date = noted.get("date") or noted.get("original_date")
    return OwnAlbum(
        title=_meant((not tagged and noted.get("title")) or item["album"]),
        artist=_meant((not tagged and artist) or item["album_artist"]),
        year=item["year"] or (int(date[:4]) if date else None),
        discs=item["discs"],
        label=_most(facts, "label"),
        catalog_number=_only(facts, "catalog_number"),
        barcode=_only(facts, "barcode"),
        country=_only(facts, "country"),
        media=_only(facts, "media"),
        release_id=_only(ids, "mb_release_id"),
        group_id=mbid(_only(ids, "mb_release_group_id")),
        either_id=noted.get(MAYBE_ID),
        tracks=tuple(_track(file, notes.get(part_of(file.path), {})) for file in audio),
    )


def content_key(tracks: Iterable[OwnTrack]) -> str:
    """Return what an album is by its sound alone: the codec and the length of each track, in whatever order.

    Tags, names and folders are no part of it, so a choice kept under it survives retags, rescans and later drops.
    """
    content = sorted((track.codec or "", track.length_ms or -1) for track in tracks)
    return hashlib.sha256(repr(content).encode()).hexdigest()


def _meant(text: str | None, *, may_be_number: bool = True) -> str | None:
    plain = (text or "").strip()
    return None if says_unknown(plain) or (not may_be_number and is_number_of_track(plain)) else text


def _track(file: StagedFile, noted: Mapping[str, Any]) -> OwnTrack:
    facts = file.facts
    title = file.title if facts.get("title") else noted.get("title") or file.title
    return OwnTrack(
        file.path,
        _meant(title, may_be_number=False),
        _meant(facts.get("artist")),
        file.disc,
        file.track,
        facts.get("duration_ms"),
        facts.get("codec"),
        mbid(facts.get("mb_recording_id")) or noted.get("recording_id"),
        mbid(facts.get("mb_track_id")),
    )


def _values(facts: Sequence[Mapping[str, Any]], name: str) -> Counter[Any]:
    return Counter(one[name] for one in facts if one.get(name) is not None)


def _most(facts: Sequence[Mapping[str, Any]], name: str) -> Any:
    return next((value for value, _ in _values(facts, name).most_common(1)), None)


def _only(facts: Sequence[Mapping[str, Any]], name: str) -> Any:
    found = _values(facts, name)
    return next(iter(found)) if len(found) == 1 else None
