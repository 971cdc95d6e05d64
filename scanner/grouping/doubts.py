"""A whole album and what its files say → what a person should look at in it, and how much to trust it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from math import prod
from typing import NamedTuple

from config.reasons import Reason, counted
from scanner.grouping.companions import home_of
from scanner.grouping.folding import is_misread
from scanner.grouping.groups import SideRow, Source
from scanner.grouping.merging import Whole
from scanner.grouping.missing import Numbered, missing
from scanner.grouping.tracks import Track

DOUBT: Mapping[str, float] = {
    "spelling_folded": 0.95,
    "compilation_by_rule": 0.95,
    "artist_by_majority": 0.95,
    "years_differ": 0.95,
    "names_from_cue": 0.9,
    "strays_joined": 0.9,
    "release_ids_differ": 0.9,
    "tracks_missing": 0.9,
    "missing_tags": 0.8,
    "unreadable_file": 0.8,
    "image_and_cue": 0.8,
    "track_numbers_repeat": 0.7,
    "same_album_elsewhere": 0.7,
    "also_staged": 0.7,
    "alike_staged": 0.7,
    "staged_elsewhere": 0.7,
    "artist_from_folder": 0.7,
    "names_from_files": 0.5,
    "names_from_folder": 0.5,
    "tags_misread": 0.5,
    "no_artist": 0.4,
    "no_usable_metadata": 0.2,
    "no_readable_audio": 0.1,
}
"""The confidence of a group is the product of these, once for each code among its reasons; others take nothing."""

_SHOWN = 10  # missing numbers a message lists


class Year(NamedTuple):
    """The year of an album, and all that its files name."""

    year: int | None
    source: Source | None
    all: tuple[int, ...]


def confidence_of(reasons: Iterable[Reason]) -> float:
    """Return how much a group is to be trusted for which these are the reasons."""
    return round(prod(DOUBT.get(code, 1.0) for code in {reason.code for reason in reasons}), 3)


def warnings_of(whole: Whole, readable: list[Track], year: Year) -> Iterator[Reason]:
    """Say what a person should look at in the album as a whole."""
    home, lead = home_of(whole), whole.parts[0]
    if whole.twin is not None:
        where = "Its folder also" if whole.twin == home else "Another folder"
        message = f"{where} holds an album of the same name with some of the same track numbers; they are kept apart."
        yield Reason("same_album_elsewhere", message, whole.twin)
    if readable and lead.credit.source in ("folder", "file_name"):
        yield Reason("artist_from_folder", "No artist tag; the artist is read from folder or file names.", home)
    lacking = {
        "album": sum(track.album is None or "album" in track.cued or "album" in track.called for track in readable),
        "artist": sum(
            not (track.artist or track.album_artist) or "album_artist" in track.cued or "album_artist" in track.called
            for track in readable
        ),
        "title": len(readable) - [track.sources["title"] for track in readable].count("tag"),
        "track number": [track.track for track in readable].count(None),
    }
    if any(lacking.values()):
        told = ", ".join(f"{count} without {what}" for what, count in lacking.items() if count)
        yield Reason("missing_tags", f"Of {counted(len(readable), 'file')}: {told}.", home)
    first = readable[0].row if readable else None
    if first and is_misread(first.artist, first.album, first.title):
        message = (
            "The tags seem to be of another code page (Cyrillic, Japanese, Chinese or the like, or UTF-8), but say that"
            " they are Latin-1; write them anew as Unicode, or correct what is shown."
        )
        yield Reason("tags_misread", message, home)
    if len(year.all) > 1:
        told = ", ".join(map(str, year.all[:_SHOWN]))
        whose = ", as the folder says," if year.source == "folder" else ""
        yield Reason("years_differ", f"The files name different years ({told}); {year.year}{whose} is taken.", home)


def file_warnings(tracks: list[Track]) -> Iterator[Reason]:
    """Say which files or numbers are missing, doubled or unreadable."""
    for row in [track.row for track in tracks if track.row.problem is not None]:
        path = b"/".join(filter(None, (row.folder, row.name)))
        yield Reason("unreadable_file", row.said or f"It cannot be read ({row.problem}).", path)
    if alike := next((t.row.track for t in tracks if t.row.track and t.sources["track"] == "file_name"), None):
        message = f"The tags call every file track {alike}; the numbers are those of the files' names."
        yield Reason("track_numbers_repeat", message)
    others = (t.row.disc for t in tracks if t.sources["disc"] == "file_name" and t.disc != t.row.disc)
    if alike := next(filter(None, others), None):
        message = f"The tags call every disc {alike}; the discs are those of the files' names."
        yield Reason("track_numbers_repeat", message)
    if not _is_complete(tracks):
        yield from _numbers(tracks)


def _is_complete(tracks: list[Track]) -> bool:
    """Tell whether these are the tracks 1, 2, 3 … of a single disc, as nearly every album's are, and no more belong."""
    count = len(tracks)
    discs = {total for track in tracks for total in (track.disc, track.row.disc_total) if total} - {1}
    numbers = {track.track for track in tracks}
    totals = [track.row.track_total or 0 for track in tracks]
    return not discs and max(totals) <= count and len(numbers) == count and numbers.issuperset(range(1, count + 1))


def _numbers(tracks: list[Track]) -> Iterator[Reason]:
    """Say which numbers are doubled or missing."""
    yield from repeats((track.disc or 1, track.track) for track in tracks)
    yield from missing(Numbered(t.disc or 1, t.track, t.row.disc_total, t.row.track_total) for t in tracks)


def repeats(places: Iterable[tuple[int, int | None]]) -> Iterator[Reason]:
    """Say which numbers several tracks have, given the disc and the number of each."""
    discs: dict[int, Counter[int]] = defaultdict(Counter)
    for disc, number in places:
        if number:
            discs[disc][number] += 1
    for disc, numbers in sorted(discs.items()):
        doubled = sorted(number for number, times in numbers.items() if times > 1)
        if doubled:
            told = ", ".join(map(str, doubled[:_SHOWN]))
            yield Reason("track_numbers_repeat", f"Several files are track {told} of disc {disc}.")


def images(folders: Iterable[bytes], sides: Iterable[SideRow]) -> Iterator[Reason]:
    """Say which folders hold a disc as one long file with a cue sheet: no more audio files than sheets.

    `folders` has the folder of each audio file.
    """
    cues: dict[bytes, list[SideRow]] = defaultdict(list)
    for side in sides:
        if side.role == "cue":
            cues[side.folder].append(side)
    audio = Counter(folders) if cues else Counter()
    for folder, sheets in cues.items():
        if 0 < audio[folder] <= len(sheets):
            path = b"/".join(filter(None, (folder, sheets[0].name)))
            yield Reason("image_and_cue", "The disc is one long file; the cue sheet says where its tracks begin.", path)
