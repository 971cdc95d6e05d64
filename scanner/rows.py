"""Files and groups ↔ the columns and JSON texts the scan DB keeps them in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from config.reasons import Reason
from scanner.facts import Facts
from scanner.grouping.groups import FolderTracks, Group, GroupTrack
from scanner.identity import Identity, identity_from
from scanner.tags.columns import facts_of

_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode
_LARGEST = 1 << 63
_SAME = "key kind album_artist album year discs compilation release_id sides verdict confidence".split()  # noqa: SIM905 - shorter
_the_same = attrgetter(*_SAME)


class FileRow(NamedTuple):
    """One file as the walk found it, column by column."""

    id: int
    folder_id: int
    name: bytes
    role: str
    dev: int  # this and the next four: see numbers_of
    ino: int
    size: int
    mtime_ns: int
    ctime_ns: int
    nlink: int
    mode: int


PlainRow = tuple[int, int, bytes, str, int, int, int, int, int, int, int]
"""The same as a mere tuple, which a new file is: quicker to make, and Python gives SQLite its values quicker."""


class FileRecord(NamedTuple):
    """One file of a scan. `path` is relative to the root."""

    id: int
    path: bytes
    identity: Identity
    role: str  # audio, or a side file's role
    facts: Facts | None
    problem: tuple[str, str] | None  # code and sentence when it could not be read


class Source(NamedTuple):
    """Where a file of a scan is, and what it is; all that naming has to know. `path` is relative to the root."""

    path: bytes
    role: str
    identity: Identity


def storable(value: object) -> object:
    """Return what SQLite can hold of a hostile tag: no half of a surrogate pair, no number beyond 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int) and not -_LARGEST <= value < _LARGEST:
        return None
    return value


def record_from(row: Sequence[Any]) -> FileRecord:
    """Return a file from all columns of the view `entry`."""
    file_id, folder, name, role = row[:4]
    problem, message = row[14:16]
    path, why = _path(folder, name), (problem, message) if problem else None
    return FileRecord(file_id, path, identity_from(row[4:9]), role, facts_of(row[18:]), why)


def source_from(row: Sequence[Any]) -> Source:
    """Return a file from its folder, name, role and the five columns of its identity."""
    folder, name, role, *identity = row
    return Source(_path(folder, name), role, identity_from(identity))


def _path(folder: bytes, name: bytes) -> bytes:
    return b"%s/%s" % (folder, name) if folder else name


def folder_from(path: bytes, columns: Sequence[Sequence[Any]]) -> FolderTracks:
    """Return the audio files of a folder from columns that have a date where FolderTracks has a year."""
    *before, dates, release_ids, flags, problems, said = columns
    compilation = flags if flags.count(None) == len(flags) else [None if flag is None else bool(flag) for flag in flags]
    return FolderTracks._make((path, *before, [*map(_year, dates)], release_ids, compilation, problems, said))


@lru_cache(maxsize=256)
def _year(date: str | None) -> int | None:
    year = (date or "")[:4]
    return int(year) if len(year) == 4 and year.isascii() and year.isdigit() and year != "0000" else None


def text_of_reasons(reasons: Iterable[Reason]) -> str | None:
    """Write reasons as JSON; None when there are none."""
    found = _lists(reasons)
    return _encode(found) if found else None


def reasons_of_text(text: str | None) -> tuple[Reason, ...]:
    """Read what `text_of_reasons` wrote."""
    return _reasons(json.loads(text)) if text else ()


def _lists(reasons: Iterable[Reason]) -> list[tuple[str, str, str | None]]:
    return [(code, message, _text(path)) for code, message, path in reasons]


def _reasons(lists: Iterable[Sequence[Any]]) -> tuple[Reason, ...]:
    return tuple([Reason(code, message, _bytes(path)) for code, message, path in lists])


def text_of_group(group: Group) -> str:
    """Write a group as JSON. Paths become text; bytes that are not UTF-8 become lone surrogates, which JSON escapes."""
    body = dict(zip(_SAME, _the_same(group), strict=True))
    *body["tracks"], sources = zip(*group.tracks, strict=True)
    shared = dict(zip(map(id, sources), sources, strict=True))  # few, and many tracks have the same
    places = {key: place for place, key in enumerate(shared)}
    body["tracks"].append([places[id(one)] for one in sources])
    body["track_sources"] = [dict(one) for one in shared.values()]
    body["folders"] = [_text(folder) for folder in group.folders]
    body["home"] = _text(group.home)
    body["evidence"], body["warnings"] = _lists(group.evidence), _lists(group.warnings)
    body["sources"] = dict(group.sources)
    return _encode(body)


def group_of_text(text: str) -> Group:
    """Read what `text_of_group` wrote."""
    body = json.loads(text)
    sources = body.pop("track_sources")
    *values, places = body["tracks"]
    body["tracks"] = tuple(map(GroupTrack._make, zip(*values, map(sources.__getitem__, places), strict=True)))
    body["sides"] = tuple(body["sides"])
    body["folders"] = tuple(_bytes(folder) for folder in body["folders"])
    body["home"] = _bytes(body["home"])
    body["evidence"], body["warnings"] = _reasons(body["evidence"]), _reasons(body["warnings"])
    return Group(**body)


def _text(path: bytes | None) -> str | None:
    return None if path is None else path.decode("utf-8", "surrogateescape")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")
