"""Files, facts and groups ↔ the columns and JSON texts the scan DB keeps them in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

from config.reasons import Reason
from scanner.facts import Facts, Picture
from scanner.grouping.groups import Group, GroupTrack, TrackRow
from scanner.identity import Identity

_LISTS = tuple(i for i, name in enumerate(Facts._fields) if Facts._field_defaults[name] == ())
_PLAIN = tuple(i for i in range(len(Facts._fields)) if i not in _LISTS)
_plain, _lists = itemgetter(*_PLAIN), itemgetter(*_LISTS)
# A fact that is one value has a column of its name; those that are several share one JSON text.
FACT_COLUMNS = (*_plain(Facts._fields), "lists")
READING_MARKS = ", ".join("?" * (5 + len(FACT_COLUMNS)))
_NO_FACTS = (None,) * len(FACT_COLUMNS)
_encode = json.JSONEncoder(separators=(",", ":")).encode
_HALF, _WRAP = 1 << 63, 1 << 64  # SQLite's integers are signed; mergerfs uses all 64 bits of an inode number
_SAME = "key kind album_artist album year discs compilation release_id sides verdict confidence".split()  # noqa: SIM905 - shorter


class FileRow(NamedTuple):
    """One file as the walk found it, ready to be stored."""

    folder_id: int
    name: bytes
    role: str
    identity: tuple[int, ...]  # see identity_columns
    nlink: int
    mode: int

    @classmethod
    def of(cls, folder_id: int, name: bytes, role: str, found: os.stat_result) -> FileRow:
        """Take the row out of a stat result."""
        ino = found.st_ino
        ino = ino - _WRAP if ino >= _HALF else ino
        identity = (found.st_dev, ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
        return cls(folder_id, name, role, identity, found.st_nlink, found.st_mode)


class FileRecord(NamedTuple):
    """One file of a scan. `path` is relative to the root."""

    id: int
    path: bytes
    identity: Identity
    nlink: int
    mode: int
    role: str  # audio, or a side file's role
    facts: Facts | None
    problem: tuple[str, str] | None  # code and sentence when it could not be read


class ReadingRow(NamedTuple):
    """What was learned by opening one audio file."""

    file_id: int
    facts: Facts | None
    problem: tuple[str, str] | None
    truncated: bool
    reader: str | None

    def columns(self) -> tuple[object, ...]:
        """Return the values of the row: id, problem, message, truncated, reader and every fact."""
        head = (self.file_id, *(self.problem or (None, None)), self.truncated, self.reader)
        if self.facts is None:
            return head + _NO_FACTS
        return (*head, *_plain(self.facts), _text_of_lists(_lists(self.facts)))


@lru_cache(maxsize=64)
def _text_of_lists(lists: tuple[tuple[object, ...], ...]) -> str:
    """Write the lists as JSON; the tracks of an album mostly have the same."""
    return _encode(lists)


def identity_columns(identity: Identity) -> tuple[int, ...]:
    """Return the five numbers as SQLite can hold them."""
    ino = identity.ino
    return (identity.dev, ino - _WRAP if ino >= _HALF else ino, *identity[2:])


def identity_from(columns: Sequence[int]) -> Identity:
    """Return what `identity_columns` was given."""
    dev, ino, size, mtime_ns, ctime_ns = columns
    return Identity(dev, ino + _WRAP if ino < 0 else ino, size, mtime_ns, ctime_ns)


def storable(value: object) -> object:
    """Return what SQLite can hold of a hostile tag: no half of a surrogate pair, no number beyond 64 bits."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, int) and not -_HALF <= value < _HALF:
        return None
    return value


def record_from(row: Sequence[Any]) -> FileRecord:
    """Return a file from all columns of the view `entry`."""
    file_id, folder, name, role = row[:4]
    nlink, mode, _probed, _file_id, problem, message, _truncated, _reader = row[9:17]
    facts = _facts_from(row[17:-1], row[-1]) if row[-1] is not None else None
    path = os.path.join(folder, name)
    return FileRecord(
        file_id, path, identity_from(row[4:9]), nlink, mode, role, facts, (problem, message) if problem else None
    )


def _facts_from(plain: Sequence[Any], lists: str) -> Facts:
    values = dict(zip(FACT_COLUMNS, plain, strict=False)) | {
        Facts._fields[i]: tuple(value) for i, value in zip(_LISTS, json.loads(lists), strict=True)
    }
    values["pictures"] = tuple(Picture(*picture) for picture in values["pictures"])
    values["compilation"] = _bool(values["compilation"])
    return Facts(**values)


def track_from(row: Sequence[Any]) -> TrackRow:
    """Return a track from its columns, with a date where the track has a year."""
    return TrackRow._make((*row[:11], _year(row[11]), row[12], _bool(row[13]), *row[14:]))


@lru_cache(maxsize=256)
def _year(date: str | None) -> int | None:
    year = (date or "")[:4]
    return int(year) if len(year) == 4 and year.isascii() and year.isdigit() and year != "0000" else None


def _bool(number: int | None) -> bool | None:
    return None if number is None else bool(number)


def text_of_reasons(reasons: Iterable[Reason]) -> str | None:
    """Write reasons as JSON; None when there are none."""
    found = [[reason.code, reason.message, _text(reason.path)] for reason in reasons]
    return _encode(found) if found else None


def reasons_of_text(text: str | None) -> tuple[Reason, ...]:
    """Read what `text_of_reasons` wrote."""
    return tuple(Reason(code, message, _bytes(path)) for code, message, path in json.loads(text)) if text else ()


def text_of_group(group: Group) -> str:
    """Write a group as JSON. Paths become text; bytes that are not UTF-8 become lone surrogates, which JSON escapes."""
    body = {name: getattr(group, name) for name in _SAME}
    body["tracks"] = [[t.file_id, t.disc, t.track, t.title, dict(t.sources)] for t in group.tracks]
    body["folders"] = [_text(folder) for folder in group.folders]
    body["home"] = _text(group.home)
    body["evidence"], body["warnings"] = text_of_reasons(group.evidence), text_of_reasons(group.warnings)
    body["sources"] = dict(group.sources)
    return _encode(body)


def group_of_text(text: str) -> Group:
    """Read what `text_of_group` wrote."""
    body = json.loads(text)
    body["tracks"] = tuple(GroupTrack(*track) for track in body["tracks"])
    body["sides"] = tuple(body["sides"])
    body["folders"] = tuple(_bytes(folder) for folder in body["folders"])
    body["home"] = _bytes(body["home"])
    body["evidence"], body["warnings"] = reasons_of_text(body["evidence"]), reasons_of_text(body["warnings"])
    return Group(**body)


def _text(path: bytes | None) -> str | None:
    return None if path is None else path.decode("utf-8", "surrogateescape")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("utf-8", "surrogateescape")
