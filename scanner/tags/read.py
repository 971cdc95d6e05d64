"""An open audio file → a Reading: its facts, or the reason why there are none. Never raises for bad media."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from struct import error as StructError
from typing import Literal, NamedTuple

from scanner.facts import Facts
from scanner.tags import flac, id3, mp4, ogg
from scanner.tags.said import Row
from scanner.tags.signature import candidates, container_of
from scanner.tags.source import BLOCK, DoubtError, Source


class Reading(NamedTuple):
    """What one file said, or a reason code with a sentence. Both are there for a file of sound without any length."""

    facts: Facts | None
    problem: tuple[str, str] | None
    truncated: bool  # a size written in the file reaches beyond its end
    reader: Literal["header", "mutagen"]


class _Format(NamedTuple):
    """Who reads the header of a container, and where he will go on behind the first block."""

    read: Callable[[Source], Row]
    onward: Callable[[Source], list[int]]


def _tail(source: Source) -> list[int]:
    return [max(0, source.size - BLOCK)]


EMPTY = Reading(None, ("empty_file", "The file has no bytes at all."), False, "header")
# By the first four bytes; an MP4 file has its mark behind them.
_FORMATS = {
    b"fLaC": _Format(flac.read, flac.onward),
    b"OggS": _Format(ogg.read, _tail),
    b"ID3\x02": _Format(id3.read, id3.onward),
    b"ID3\x03": _Format(id3.read, id3.onward),
    b"ID3\x04": _Format(id3.read, id3.onward),
}
_MP4 = _Format(mp4.read, _tail)
_needed = itemgetter(*map(Facts._fields.index, ("title", "artist", "album", "bitrate", "duration_ms")))
# What a hostile header may make of arithmetic on it, or of boxes in boxes; all of it only means that mutagen decides.
_DOUBTS = (DoubtError, StructError, LookupError, ValueError, ArithmeticError, RecursionError)


def read_tags(fd: int, extension: str, size: int) -> Reading:
    """Read the file open at `fd`, `size` bytes long; `extension` is lower-case without a dot.

    The header reader answers only when it is sure and found title, artist, album and bitrate; else mutagen reads.
    Raises OSError when the disk fails.
    """
    if not size:
        return EMPTY
    source = Source(fd, size)
    row = read_header(source)
    if row is not None:
        return Reading(Facts._make(row), None, False, "header")
    return read_doubtful(source, extension)


def read_header(source: Source) -> Row | None:
    """Return the facts as a row if the header reader is sure of them."""
    found = _format_of(source.head)
    if found is None:
        return None
    try:
        row = found.read(source)
    except _DOUBTS:
        return None
    return row if all(_needed(row)) else None


def onward(source: Source) -> Iterable[int]:
    """Return where whoever reads will probably go on behind the first block; to be wrong costs time alone."""
    found = _format_of(source.head)
    try:
        return (found.onward if found else _tail)(source)
    except _DOUBTS:
        return ()


def _format_of(head: bytes) -> _Format | None:
    return _FORMATS.get(head[:4]) or (_MP4 if head[4:8] == b"ftyp" else None)


def read_doubtful(source: Source, extension: str) -> Reading:
    """Let mutagen read what the header reader is not sure of; the rest is as with `read_tags`."""
    from scanner.tags import mutagen_reader
    from scanner.tags.truncation import is_truncated

    containers = candidates(source.head, extension)
    if not containers:
        return _refused("unsupported", "The file is of no audio format that can be read here.")
    said = ""
    for container in containers:
        try:
            facts = mutagen_reader.read(source.fd, container)
        except OSError:
            raise
        except MemoryError:
            return _refused("reader_out_of_memory", "Reading its tags takes more memory than one file may have.")
        except Exception as error:  # noqa: BLE001 - a hostile file may raise anything in a parser that is not ours
            said = said or _said(error)
            continue
        truncated = is_truncated(source, container)
        if facts.sample_rate is None and (facts.duration_ms is None or mutagen_reader.is_film(source.fd, container)):
            return _refused("not_audio", "The file has no sound in it.", truncated)
        return Reading(facts, None, truncated, "mutagen")
    truncated = is_truncated(source, containers[0])
    if container_of(source.head) is None:
        return _refused("not_audio", "The content is none of the audio formats known here.", truncated)
    return _refused("unreadable_audio", f"It begins as {containers[0]} but cannot be read as that{said}.", truncated)


def _said(error: Exception) -> str:
    """Return what mutagen's own errors say; what Python says of a parser that stumbled tells nobody anything."""
    from mutagen import MutagenError

    told = " ".join(str(error).split())[:200].rstrip(".")
    return f": {told}" if told and isinstance(error, MutagenError) else ""


def _refused(code: str, message: str, truncated: bool = False) -> Reading:
    return Reading(None, (code, message), truncated, "mutagen")
