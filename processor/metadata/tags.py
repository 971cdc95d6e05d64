"""A staged album's files → what they say themselves, in tags or by their names, a document a source. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final

from processor.items.repository import StagedFile
from processor.metadata.documents import ITSELF, TAGS, Documents, only_known, part_of, to_json
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
# What grouping calls the fields it says the sources of; each may come of something else than tags.
_GROUPED: Final = {"title": "album", "credits": "album_artist", "date": "year"}
_NUMBERED: Final = {"title": "title", "disc": "disc", "position": "track"}
_SAID_BY: Final = {"tag": TAGS, "majority": TAGS}  # the other sources are called what grouping calls them


def of_files(item: Mapping[str, Any], files: Iterable[StagedFile]) -> Documents:
    """Return what files say themselves, by source: `tags`, or where else grouping found it (`folder` …)."""
    tracks = [file for file in files if file.role == "audio"]
    found: dict[str, dict[str, dict[str, Any]]] = {TAGS: {ITSELF: {}, **{part_of(file.path): {} for file in tracks}}}
    said = [(ITSELF, *_of_album(item, [file.facts for file in tracks]))]
    said += [(part_of(file.path), _of_track(file), _sources(file.facts, _NUMBERED)) for file in tracks]
    for part, values, sources in said:
        for name, value in only_known(values).items():
            found.setdefault(sources.get(name, TAGS), {}).setdefault(part, {})[name] = value
    return found


def _of_album(item: Mapping[str, Any], facts: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the fields of an album, and the sources of those that are not of its tags."""
    values: dict[str, Any] = {
        "title": item["album"],
        "credits": _credits(facts, "album_artists", "mb_album_artist_ids", item["album_artist"]),
        "release_id": item["release_id"],
        "compilation": item["compilation"],
        "date": str(item["year"]) if item["year"] else None,
    }
    sources = _sources(item, _GROUPED)
    for name, tag in _OF_ALBUM.items():
        if (found := _common([one.get(tag) for one in facts])) is not None:
            values[name] = [found] if name in _LISTS else found
            sources.pop(name, None)
    return values, sources


def _sources(known: Mapping[str, Any], fields: Mapping[str, str]) -> dict[str, str]:
    sources = known.get("sources", {})
    told = {name: sources.get(field, "tag") for name, field in fields.items()}
    return {name: _SAID_BY.get(source, source) for name, source in told.items()}


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
