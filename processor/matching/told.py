"""A comparison → the candidate that is kept of it: what it says, who is who, what it would change. Pure."""

from __future__ import annotations

from collections import Counter
from typing import Any, NamedTuple

from config.reasons import Reason
from processor.matching.comparison import Comparison
from processor.matching.own import OwnAlbum
from processor.matching.rows import Candidate
from processor.matching.tracks import places
from processor.metadata.documents import ITSELF, Document, Documents, only_known, part_of, to_json, winning
from processor.metadata.known import credited
from processor.providers.release import Release


class Change(NamedTuple):
    """One field that choosing a release would change; of the album itself the part is ""."""

    part: str
    field: str
    before: Any
    after: Any


def candidate(own: OwnAlbum, compared: Comparison, position: int) -> Candidate:
    """Return what is kept of one comparison."""
    release = compared.release
    return Candidate(
        release.source,
        release.id,
        position,
        compared.distance,
        about(release),
        [part._asdict() for part in compared.parts],
        track_list(own, compared),
        [as_json(reason) for reason in compared.doubts],
        document(own, compared),
    )


def as_json(reason: Reason) -> dict[str, str]:
    """Return a reason as rows and the API have it."""
    return {"code": reason.code, "message": reason.message}


def about(release: Release) -> dict[str, Any]:
    """Return what tells a release from others, for people."""
    formats = Counter(medium.format for medium in release.media if medium.format)
    return {
        "title": release.title,
        "artist": credited(release.credits),
        "date": release.date,
        "original_date": release.original_date,
        "country": release.country,
        "labels": [label.name for label in release.labels if label.name],
        "catalog_numbers": [label.catalog_number for label in release.labels if label.catalog_number],
        "barcode": release.barcode,
        "formats": [f"{count}×{name}" if count > 1 else name for name, count in formats.items()],
        "tracks": release.track_count,
        "status": release.status,
        "type": release.type,
        "disambiguation": release.disambiguation,
        "group_id": release.group_id,
    }


def track_list(own: OwnAlbum, compared: Comparison) -> list[dict[str, Any]]:
    """Return the tracks of the release in order, each with ours if there is one; then those of ours it has not."""
    pairs = {pair.theirs: pair for pair in compared.pairs}
    rows = []
    for n, (medium, track, *_) in enumerate(places(compared.release)):
        pair = pairs.get(n)
        there = {
            "disc": medium.position,
            "number": track.number or (None if track.position is None else str(track.position)),
            "title": track.title,
            "length_ms": track.length_ms,
        }
        rows.append(
            there
            | _ours(own, None if pair is None else pair.own)
            | {
                "distance": None if pair is None else round(pair.distance, 4),
                "why": [] if pair is None else [part.why for part in pair.parts if part.penalty],
            }
        )
    alone = {"disc": None, "number": None, "title": None, "length_ms": None}
    rows += [alone | _ours(own, n) | {"distance": None, "why": []} for n in compared.unmatched]
    return rows


def document(own: OwnAlbum, compared: Comparison) -> dict[str, Any]:
    """Return what a release says of the album and of the tracks that are paired, as a source's document."""
    release, there = compared.release, places(compared.release)
    artists = () if release.is_various else release.credits  # of tracks that name none
    found = {ITSELF: only_known(_of_album(release))}
    for pair in compared.pairs:
        medium, track, *_ = there[pair.theirs]
        values = {
            "title": track.title,
            "credits": [to_json(credit) for credit in track.credits or artists],
            "disc": medium.position,
            "position": track.position or None,
            "isrcs": list(track.isrcs),
            "recording_id": track.recording_id,
            "track_id": track.track_id,
        }
        found[part_of(own.tracks[pair.own].path)] = only_known(values)
    return found


def group_document(release: Release) -> dict[str, Any]:
    """Return what is true of every edition of an album."""
    same = ("credits", "original_date", "type", "secondary_types", "compilation", "genres", "release_group_id")
    values = _of_album(release)
    return {ITSELF: only_known({name: values[name] for name in same})}


def changes(known: Documents, source: str, said: Document) -> list[Change]:
    """Return what would count for another value if a source said this."""
    then = {**known, source: said}
    found = []
    for part in dict.fromkeys((ITSELF, *(part for document in then.values() for part in document))):
        subject = "album" if part == ITSELF else "track"
        before, after = winning(known, part, subject), winning(then, part, subject)  # type: ignore[arg-type]
        for name, value in after.items():
            old = before[name].value if name in before else None
            if old != value.value:
                found.append(Change(part, name, to_json(old), to_json(value.value)))
    return found


def _ours(own: OwnAlbum, n: int | None) -> dict[str, Any]:
    if n is None:
        return {"own": None, "own_title": None, "own_length_ms": None}
    track = own.tracks[n]
    return {"own": part_of(track.path), "own_title": track.title, "own_length_ms": track.length_ms}


def _of_album(release: Release) -> dict[str, Any]:
    labels = [label.name for label in release.labels if label.name]
    numbers = [label.catalog_number for label in release.labels if label.catalog_number]
    return {
        "title": release.title,
        "credits": [to_json(credit) for credit in release.credits],
        "date": release.date,
        "original_date": release.original_date,
        "type": release.type,
        "secondary_types": list(release.secondary_types),
        "compilation": release.is_various or None,
        "genres": list(release.genres),
        "labels": list(dict.fromkeys(labels)),
        "catalog_numbers": list(dict.fromkeys(numbers)),
        "barcode": release.barcode,
        "country": release.country,
        "status": release.status,
        "disambiguation": release.disambiguation,
        "language": release.language,
        "release_id": release.id if release.source == "musicbrainz" else None,
        "release_group_id": release.group_id,
    }
