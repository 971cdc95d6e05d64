"""Rows of tables ↔ a gzipped file of JSON lines that says of itself whether it is whole. No SQL.

    {"greenroom_export": 1, "revision": "0001", "made_at": "…"}
    {"table": "libraries", "columns": {"created_at": "time", "id": "value", "path": "bytes", …}}
    ["2026-01-01T00:00:00+00:00", 1, "L3Nydi9pbmJvdW5k", …]
    {"end": {"libraries": {"rows": 1, "checksum": "…"}, …}}

Columns stand in the order of their names. A checksum is the sum of its lines' SHA-256: it does not depend on the order
of the rows, in which databases differ.
"""

from __future__ import annotations

import base64
import contextlib
import datetime as dt
import gzip
import hashlib
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, Any, Final, Literal, NamedTuple

from config.errors import Rejected

FORMAT: Final = 1
BATCH: Final = 100  # rows handed over at a time
LONGEST: Final = 256 << 20  # bytes of a line: far above any row; of a larger one only this much is unpacked into memory
Kind = Literal["value", "bytes", "time"]  # how a column's values are written; JSON columns are values


class Content(NamedTuple):
    """What a table holds, short enough to compare."""

    rows: int
    checksum: str


class Header(NamedTuple):
    """How a backup begins."""

    revision: str  # of the schema its rows are in
    made_at: str


class Batch(NamedTuple):
    """Some rows of one table, by the names of its columns."""

    table: str
    rows: list[dict[str, Any]]


class Tally:
    """Counts the lines of one table and adds up their digests."""

    def __init__(self) -> None:
        self._rows = 0
        self._sum = 0

    def add(self, line: bytes) -> bytes:
        """Take one line in, and return it."""
        self._rows += 1
        self._sum = (self._sum + int.from_bytes(hashlib.sha256(line).digest())) % (1 << 256)
        return line

    @property
    def content(self) -> Content:
        """What was added so far."""
        return Content(self._rows, f"{self._sum:064x}")


def encode_row(values: Iterable[Any]) -> bytes:
    """Write one row, the same bytes whichever database it came from."""
    return _line([_ENCODE.get(type(value), _same)(value) for value in values])


@contextlib.contextmanager
def writing(stream: IO[bytes], header: Header) -> Iterator[Callable[[str, Mapping[str, Kind], Iterable[Any]], Content]]:
    """Yield what writes one table (name, columns, rows) and returns its content; the end line is written last."""
    contents: dict[str, Content] = {}
    with gzip.GzipFile(fileobj=stream, mode="wb", filename="", compresslevel=6) as file:
        file.write(_line({"greenroom_export": FORMAT, **header._asdict()}))

        def table(name: str, columns: Mapping[str, Kind], rows: Iterable[Any]) -> Content:
            tally = Tally()
            file.write(_line({"table": name, "columns": dict(columns)}))
            for row in rows:
                file.write(tally.add(encode_row(row)))
            contents[name] = tally.content
            return tally.content

        yield table
        file.write(_line({"end": {name: content._asdict() for name, content in contents.items()}}))


@contextlib.contextmanager
def reading(file: Path) -> Iterator[tuple[Header, Iterator[Batch], dict[str, Content]]]:
    """Yield how a backup begins, its rows, and what its tables hold, which is complete once the rows were read.

    Raises Rejected for a file that is no backup, is damaged or ends too early: at the latest after the last row.
    """
    try:
        with gzip.open(file, "rb") as stream:
            lines = _lines(stream)
            first = json.loads(next(lines, b"null"))
            if not isinstance(first, dict) or "greenroom_export" not in first:
                raise ValueError("it does not begin as one")
            if first["greenroom_export"] != FORMAT:
                raise ValueError(f"its format is {first['greenroom_export']!r}, and this version reads {FORMAT}")
            contents: dict[str, Content] = {}
            yield Header(first["revision"], first["made_at"]), _batches(lines, contents), contents
    except OSError as error:
        raise Rejected(f"the backup {file} cannot be read: {error.strerror or error}", code="backup_damaged") from error
    except (EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
        raise Rejected(f"{file} is no whole backup of Greenroom: {error}", code="backup_damaged") from error


def _lines(stream: gzip.GzipFile) -> Iterator[bytes]:
    while line := stream.readline(LONGEST):
        if len(line) == LONGEST:
            raise ValueError(f"a line of it is longer than {LONGEST >> 20} MiB")
        yield line


def _batches(lines: Iterator[bytes], contents: dict[str, Content]) -> Iterator[Batch]:
    """Yield the rows of one table after the other; the lines after each are its counts or the next table's name."""
    head = json.loads(next(lines, b"null"))
    while isinstance(head, dict) and "table" in head:
        tally = Tally()
        after: list[bytes] = []
        rows = (_decode(line, head["columns"], tally) for line in _rows(lines, after))
        while batch := list(islice(rows, BATCH)):
            yield Batch(head["table"], batch)
        contents[head["table"]] = tally.content
        head = json.loads(after[0] if after else b"null")
    if not isinstance(head, dict) or "end" not in head:
        raise ValueError("its end is missing")
    if next(lines, None) is not None:  # reading on to the very end also has gzip check its own sum
        raise ValueError("something follows its end")
    told = {name: Content(**content) for name, content in head["end"].items()}
    if told != contents:
        wrong = sorted(name for name in told.keys() | contents.keys() if told.get(name) != contents.get(name))
        raise ValueError(f"its rows are not those that were written, in {', '.join(wrong)}")


def _rows(lines: Iterator[bytes], after: list[bytes]) -> Iterator[bytes]:
    for line in lines:
        if not line.startswith(b"["):
            after.append(line)
            return
        yield line


def _decode(line: bytes, columns: Mapping[str, Kind], tally: Tally) -> dict[str, Any]:
    values: Sequence[Any] = json.loads(tally.add(line))
    pairs = zip(columns.items(), values, strict=True)
    return {name: None if value is None else _DECODE[kind](value) for (name, kind), value in pairs}


def _line(value: object) -> bytes:
    return json.dumps(value, allow_nan=False, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _same(value: Any) -> Any:
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _time(value: dt.datetime) -> str:
    return value.astimezone(dt.UTC).isoformat()


_ENCODE: Final[dict[type, Callable[[Any], Any]]] = {bytes: _base64, memoryview: _base64, dt.datetime: _time}
_DECODE: Final[dict[Kind, Callable[[Any], Any]]] = {
    "value": _same,
    "bytes": lambda text: base64.b64decode(text, validate=True),
    "time": dt.datetime.fromisoformat,
}
