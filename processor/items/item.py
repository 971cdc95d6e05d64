"""A planned album and the facts of its files → what its rows, its transfer and its sidecar say of it. Pure."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from typing import Any, Final, NamedTuple, TypeVar, get_type_hints

from config.reasons import Reason
from processor.planning.naming import PlannedFile
from processor.planning.plan import AlbumPlan
from processor.transfers.transfer import path_from_json, path_to_json
from scanner.facts import Facts
from scanner.grouping.groups import GroupTrack

_T = TypeVar("_T")

# Evidence is left out: it may change while the album stays the same.
NOT_CONTENT: Final = frozenset({"evidence", "warnings", "sources", "confidence", "checksum", "transfer_id", "run_id"})
NAME_BYTES: Final = 1000  # a PostgreSQL index takes no value above 2,704 bytes; the whole text stays in the file's tags


class Known(dict[str, Any]):
    """What is known of a file, by name, in the values JSON has, with its canonical `text`; nobody changes it.

    Raises ValueError for a number JSON has no word for.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.text = _text(self)


class NewFile(NamedTuple):
    """One file of an album about to be recorded; the columns of `staging_files` but for the item's id."""

    path: bytes  # relative to the album's folder
    role: str
    source: bytes  # relative to the inbound root
    disc: int | None
    track: int | None
    title: str | None
    size: int
    mtime_ns: int
    digest: str | None  # "blake3:…" once the bytes were copied
    facts: Known

    @property
    def row(self) -> tuple[Any, ...]:
        """The values of the columns."""
        return (*self[:-1], self.facts.text)


@dataclass(frozen=True, slots=True)
class NewItem:
    """One album about to be recorded: those columns of `staging_items` that depend on the album alone.

    Nested values but for facts are canonical JSON text, made once for all writes.
    """

    key: str
    kind: str
    album_artist: str | None
    album: str | None
    year: int | None
    discs: int
    track_count: int
    duration_ms: int | None  # None unless every track's is known
    size: int
    release_id: str | None
    compilation: bool | None
    confidence: float
    root_uuid: str
    path: bytes
    evidence: str  # JSON of [{code, message, path}]
    warnings: str  # JSON of [{code, message, path}]
    sources: str  # JSON of {value: source}
    checksum: str
    transfer_id: str
    run_id: str | None
    files: tuple[NewFile, ...]

    def with_digests(self, digests: Mapping[bytes, str]) -> NewItem:
        """Return the item with the digests that copying found, by path relative to the album's folder."""
        known = (file._replace(digest=digests.get(file.path, file.digest)) for file in self.files)
        return replace(self, files=tuple(known))

    def at(self, root_uuid: str, path: bytes) -> NewItem:
        """Return the item in another folder."""
        return replace(self, root_uuid=root_uuid, path=path).summed()

    def summed(self) -> NewItem:
        """Return the item with its checksum computed anew."""
        return replace(self, checksum=_checksum(self))

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object that `from_json` reads back exactly, names that are not UTF-8 included."""
        values = {name: getattr(self, name) for name in ITEM_COLUMNS}
        nested = {name: json.loads(values[name]) for name in _NESTED}
        return (
            values | nested | {"path": path_to_json(self.path), "files": [_file_to_json(file) for file in self.files]}
        )

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> NewItem:
        """Read what `to_json` wrote. Raises KeyError, TypeError or ValueError for anything else."""
        nested = {name: _text(value[name]) for name in _NESTED}
        files = tuple(_file_from_json(file) for file in value["files"])
        item = cls(**{**value, **nested, "path": path_from_json(value["path"]), "files": files})
        return _typed(item, _ITEM_TYPES)

    @classmethod
    def of_row(cls, row: Mapping[str, Any], files: Iterable[tuple[Any, ...]]) -> NewItem:
        """Return what a row of `staging_items` says; `files` are its files' rows, in the order of NewFile's fields."""
        values = {name: row[name] for name in ITEM_COLUMNS} | {name: _text(row[name]) for name in _NESTED}
        return cls(**values, files=tuple(NewFile._make((*file[:-1], Known(file[-1]))) for file in files))


ITEM_COLUMNS: Final = tuple(field.name for field in fields(NewItem) if field.name != "files")
_ITEM_TYPES: Final = {name: hint for name, hint in get_type_hints(NewItem).items() if name in ITEM_COLUMNS} | {
    "confidence": float | int
}
_FILE_TYPES: Final = get_type_hints(NewFile)
FILE_COLUMNS: Final = ("item_id", *NewFile._fields)
_NESTED: Final = ("evidence", "warnings", "sources")
_NOT_PLAIN: Final = ("\\u0000", "\\ud")  # as JSON escapes NUL, and half a surrogate pair, or a whole one
# Nothing here holds itself; to look for that takes a fifth of the time.
_text = json.JSONEncoder(check_circular=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode
item_row: Final[Callable[[NewItem], tuple[Any, ...]]] = attrgetter(*ITEM_COLUMNS)
"""Return the values of ITEM_COLUMNS."""


def new_item(
    plan: AlbumPlan, facts: Mapping[int, Facts], *, root_uuid: str, transfer_id: str, run_id: str | None = None
) -> NewItem:
    """Return what the item of a plan with a target will say; `facts` by file id, of the audio files that have any."""
    group, tracks = plan.group, {track.file_id: track for track in plan.group.tracks}
    assert plan.target is not None
    durations = [facts[id].duration_ms if id in facts else None for id in tracks]
    item = NewItem(
        key=group.key,
        kind=group.kind,
        album_artist=_name(group.album_artist),
        album=_name(group.album),
        year=group.year,
        discs=group.discs,
        track_count=len(tracks),
        duration_ms=sum(d for d in durations if d is not None) if None not in durations else None,
        size=sum(file.identity.size for file in plan.files),
        release_id=_plain(group.release_id),
        compilation=group.compilation,
        confidence=group.confidence,
        root_uuid=root_uuid,
        path=plan.target,
        evidence=as_reasons(group.evidence),
        warnings=as_reasons(group.warnings),
        sources=_text(dict(group.sources)),
        checksum="",
        transfer_id=transfer_id,
        run_id=run_id,
        files=tuple(_new_file(file, tracks.get(file.file_id), facts.get(file.file_id)) for file in plan.files),
    )
    return item.summed()


def facts_to_json(facts: Facts) -> dict[str, Any]:
    """Return what is known, by name; what is unknown is left out."""
    return _plain_known(_known(facts))


def _known(facts: Facts) -> dict[str, Any]:
    told = zip(Facts._fields, facts, strict=True)
    known: dict[str, Any] = {
        name: [*value] if type(value) is tuple else value for name, value in told if value is not None and value != ()
    }
    if facts.pictures:
        known["pictures"] = [picture._asdict() for picture in facts.pictures]
    return known


def _plain_known(known: Mapping[str, Any]) -> dict[str, Any]:
    return {name: plain for name, value in known.items() if (plain := _plain(value)) is not None}


def _made_plain(known: dict[str, Any]) -> Known:
    """Return values by name as `_plain` has them, which takes long where all of them are."""
    try:
        made = Known(known)
    except ValueError:  # not a number
        return Known(_plain_known(known))
    return Known(_plain_known(known)) if any(escape in made.text for escape in _NOT_PLAIN) else made


def _new_file(file: PlannedFile, track: GroupTrack | None, facts: Facts | None) -> NewFile:
    known = _known(facts) if facts else {}
    if track is not None and track.sources:
        known["sources"] = dict(track.sources)
    disc, number, title = (track.disc, track.track, _name(track.title)) if track else (None, None, None)
    size, mtime_ns = file.identity.size, file.identity.mtime_ns
    return NewFile(file.target, file.role, file.source, disc, number, title, size, mtime_ns, None, _made_plain(known))


def _file_to_json(file: NewFile) -> dict[str, Any]:
    paths = {"path": path_to_json(file.path), "source": path_to_json(file.source)}
    return file._asdict() | paths


def _file_from_json(value: Mapping[str, Any]) -> NewFile:
    paths = {"path": path_from_json(value["path"]), "source": path_from_json(value["source"])}
    return _typed(NewFile(**{**value, **paths, "facts": Known(value["facts"])}), _FILE_TYPES)


def _typed(told: _T, types: Mapping[str, Any]) -> _T:
    """Return what was told. Raises TypeError for a value that is not what its column holds: SQLite would take any."""
    for name, wanted in types.items():
        if not isinstance(value := getattr(told, name), wanted):
            raise TypeError(f"its {name} is {value!r}")
    return told


def _checksum(item: NewItem) -> str:
    """Digest what makes the album what it is; where it came from and how it was copied do not."""
    content = [getattr(item, name) for name in ITEM_COLUMNS if name not in NOT_CONTENT]
    files = [file._replace(source=b"", digest=None).row for file in item.files]
    return hashlib.sha256(repr((content, files)).encode()).hexdigest()


def as_reasons(reasons: Iterable[Reason]) -> str:
    """Return reasons as an item keeps them."""
    return _text(
        [
            {"code": r.code, "message": _plain(r.message), "path": None if r.path is None else path_to_json(r.path)}
            for r in reasons
        ]
    )


def reasons_of(text: str) -> list[Reason]:
    """Read what `as_reasons` wrote."""
    return [
        Reason(r["code"], r["message"], None if r["path"] is None else path_from_json(r["path"]))
        for r in json.loads(text)
    ]


def _name(text: str | None) -> str | None:
    return None if text is None else str(_plain(text)).encode()[:NAME_BYTES].decode("utf-8", "ignore")


def _plain(value: Any) -> Any:
    """Return a value that both databases and any JSON reader take: no NUL, no half surrogate pair, no NaN."""
    if isinstance(value, str):
        text = value.replace("\0", "")
        return text if text.isascii() else text.encode("utf-8", "replace").decode()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, dict):
        return {name: _plain(entry) for name, entry in value.items()}
    return value
