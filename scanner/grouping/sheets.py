"""A cue sheet beside one long file → the album, artist, year and disc it says, for what the file's tags lack. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from scanner.grouping.discs import MOST_DISCS, split_disc
from scanner.grouping.folding import is_misread
from scanner.grouping.groups import FolderTracks
from scanner.grouping.names import stem_of
from scanner.grouping.patterns import pattern
from scanner.grouping.tracks import Track, known
from scanner.smallfiles import text_of

_LONGEST_LINE = 1000  # characters; players cut what they show much earlier
_YEAR = pattern(r"(?<!\d)(?:19|20)\d\d(?!\d)")


class Sheet(NamedTuple):
    """What a cue sheet says of its album. Unknown is None."""

    path: bytes  # its own, relative to the root
    file: str  # the one file it plays, without any folder, in small letters
    album: str | None
    disc: int | None
    artist: str | None
    year: int | None
    tracks: int


Sheets = Mapping[int, Sheet]
"""The sheet of each image that has one, by file id."""


def parse(path: bytes, data: bytes) -> Sheet | None:
    """Return what a sheet says before its first track; None if it does not play exactly one file.

    Lines of no known form are passed by. Names that are not in the code page they were read in count for none.
    """
    files: set[str] = set()
    head: dict[str, str] = {}
    names: list[str] = []  # of the tracks, too: many letters tell better which code page they are in
    tracks = 0
    for line in text_of(data).splitlines():
        command, rest = _command(line if len(line) <= _LONGEST_LINE else "")
        tracks += command == "TRACK"
        if command == "FILE":
            files.add(_folded(re.split(r"[/\\]", _quoted(rest, rest.rpartition(" ")[0].strip()))[-1]))
        elif command in ("TITLE", "PERFORMER"):
            names.append(_quoted(rest, rest))
        if not tracks:
            head.setdefault(command, _quoted(rest, rest))
    if len(files) != 1:
        return None
    misread = is_misread(*names)
    title, artist = (
        known(said) if (said := head.get(name, "")).isascii() or (said.isprintable() and not misread) else None
        for name in ("TITLE", "PERFORMER")
    )
    album, disc = split_disc(title or "")
    year = _YEAR.search(head.get("REM DATE", ""))
    disc = disc or _disc(head.get("REM DISCNUMBER", ""))
    return Sheet(path, files.pop(), album or None, disc, artist, int(year[0]) if year else None, tracks)


def _command(line: str) -> tuple[str, str]:
    """Return the first word of a line, or two of a remark, and the rest."""
    command, rest, *_ = (*line.strip().split(None, 1), "", "")
    if command.upper() == "REM":
        remark, rest, *_ = (*rest.split(None, 1), "", "")
        command = f"REM {remark}"
    return command.upper(), rest


def _quoted(text: str, plain: str) -> str:
    """Return what stands between the first and the last quotation mark; without them `plain`."""
    return text[1:].rpartition('"')[0] if text.startswith('"') else plain


def _disc(text: str) -> int | None:
    number = int(text) if len(text) < 4 and text.isascii() and text.isdigit() else 0
    return number if 0 < number <= MOST_DISCS else None


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def needs_sheet(folder: FolderTracks, sheets: int) -> bool:
    """Tell whether these are images, no more than there are cue sheets, and tags lack what those may say.

    Files of the root have nothing in common: there a sheet may be that of one among many.
    """
    artists = map(lambda *names: any(map(known, names)), folder.album_artist, folder.artist)
    return (not folder.folder or len(folder.name) <= sheets) and not (
        all(map(known, folder.album)) and all(artists) and all(folder.year)
    )


def sheets_of(folder: FolderTracks, sheets: Iterable[Sheet]) -> dict[int, Sheet]:
    """Return the sheet that plays each file of a folder, by file id.

    Sheets of one track, beside several files, are those of songs. Who encodes an image anew, or renames it, may leave
    its sheet as it was: so another extension counts, too, if only one file has that name, then the name of the sheet,
    and then that there are no others, of a sheet with several tracks.
    """
    sheets = [sheet for sheet in sheets if len(folder.name) == 1 or sheet.tracks > 1]
    by_file: dict[str, Sheet] = {}
    by_stem: dict[bytes, Sheet] = {}
    for sheet in sheets:
        by_file.setdefault(sheet.file, sheet)
        by_stem.setdefault(_stem(sheet.file), sheet)
    for sheet in sheets:
        called = stem_of(sheet.path.rpartition(b"/")[2])
        by_file.setdefault(_text(called), sheet)  # of "x.flac.cue"
        by_stem.setdefault(_text(called).encode("utf-8", "surrogateescape"), sheet)
    only = sheets[0] if len(sheets) == len(folder.name) == 1 and sheets[0].tracks > 1 else None
    names = [_text(name) for name in folder.name]
    stems = [_stem(name) for name in names]
    alike = Counter(stems)
    found = {}
    for file_id, name, stem in zip(folder.file_id, names, stems, strict=True):
        its_own = by_file.get(name) or (by_stem.get(stem) if alike[stem] == 1 else None) or only
        if its_own:
            found[file_id] = its_own
    return found


def _text(name: bytes) -> str:
    return _folded(name.decode("utf-8", "surrogateescape"))


def _stem(name: str) -> bytes:
    return stem_of(name.encode("utf-8", "surrogateescape"))


class Added(NamedTuple):
    """What only a sheet says; None of what tags say, or it does not."""

    album: str | None
    album_artist: str | None
    year: int | None
    disc: int | None


def added(sheet: Sheet, *, album: object, artist: object, year: object, disc: object) -> Added:
    """Return what a sheet says and tags do not, of which these are the values; its disc is one of its own album."""
    return Added(
        None if album else sheet.album,
        None if artist else sheet.artist,
        None if year else sheet.year,
        None if disc or album or not sheet.album else sheet.disc,
    )


def fill(track: Track, sheet: Sheet | None) -> Track:
    """Return a track with what only its sheet says."""
    if sheet is None or track.row.problem is not None:
        return track
    row = track.row
    artist = track.album_artist or track.artist
    said = added(sheet, album=track.album, artist=artist, year=row.year, disc=track.disc)
    filled = track._replace(
        album=said.album or track.album,
        album_artist=said.album_artist or track.album_artist,
        row=row._replace(year=said.year or row.year),
        cued={field: sheet.path for field, value in said._asdict().items() if value and field != "disc"},
    )
    return filled.numbered("cue", disc=said.disc) if said.disc else filled
