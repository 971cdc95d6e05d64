"""A staged album's files → what its tags say, as a document. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from processor.items.repository import StagedFile
from processor.metadata.documents import ITSELF, Document, only_known, part_of, to_json
from processor.metadata.fields import mbid
from processor.metadata.known import Credit

# A field of the album and the tag it comes from, where at least half of the tracks agree.
_OF_ALBUM: Final = {
    "date": "date",
    "original_date": "original_date",
    "release_group_id": "mb_release_group_id",
    "genres": "genres",
    "labels": "label",
    "catalog_numbers": "catalog_number",
    "barcode": "barcode",
    "country": "country",
}
_LISTS: Final = ("labels", "catalog_numbers")
_OF_TRACK: Final = {"recording_id": "mb_recording_id", "track_id": "mb_track_id"}


def of_tags(item: Mapping[str, Any], files: Iterable[StagedFile]) -> Document:
    """Return what the tags say; what grouping made of them, which may come of names and folders, comes first."""
    tracks = [file for file in files if file.role == "audio"]
    facts = [file.facts for file in tracks]
    values: dict[str, Any] = {
        "title": item["album"],
        "credits": _credits(facts, "album_artists", "mb_album_artist_ids", item["album_artist"]),
        "release_id": item["release_id"],
        "compilation": item["compilation"],
        "date": str(item["year"]) if item["year"] else None,
    }
    for name, tag in _OF_ALBUM.items():
        found = _common([one.get(tag) for one in facts])
        values[name] = values.get(name) if found is None else [found] if name in _LISTS else found
    return {ITSELF: only_known(values)} | {part_of(file.path): only_known(_of_track(file)) for file in tracks}


def _of_track(file: StagedFile) -> dict[str, Any]:
    values = {name: file.facts.get(tag) for name, tag in _OF_TRACK.items()}
    credits = _credits([file.facts], "artists", "mb_artist_ids", file.facts.get("artist"))
    return values | {"title": file.title, "disc": file.disc, "position": file.track, "credits": credits}


def _credits(facts: Sequence[Mapping[str, Any]], names: str, ids: str, shown: str | None) -> list[Any] | None:
    """Return the credit as it is shown; several names only where they, in order, make up what is shown."""
    found, known = _common([one.get(names) for one in facts]), _common([one.get(ids) for one in facts])
    if shown is None:
        return None
    known = known and [mbid(one) for one in known]  # an id of another database would make no credit of it at all
    if not found or len(found) < 2:
        return [to_json(Credit(shown, known[0] if known and len(known) == 1 else None))]
    joins = _joins(found, shown)
    if joins is None or (known and len(known) != len(found)):
        return [to_json(Credit(shown))]
    matched = known or [None] * len(found)
    return [to_json(Credit(*one)) for one in zip(found, matched, joins, strict=True)]


def _joins(names: Sequence[str], shown: str) -> list[str] | None:
    joins, at = [], 0
    for n, name in enumerate(names):
        found = shown.find(name, at)
        if found < 0 or (n == 0 and found > 0):
            return None
        joins.append(shown[at:found])
        at = found + len(name)
    return [*joins[1:], shown[at:]]


def _common(values: Sequence[Any]) -> Any:
    """Return what most say, if that is at least half of all, else None."""
    counted = Counter(tuple(value) if isinstance(value, list) else value for value in values)
    most: list[tuple[Hashable, int]] = counted.most_common(1)
    if not most or most[0][1] * 2 < len(values):
        return None
    found = most[0][0]
    return list(found) if isinstance(found, tuple) else found
