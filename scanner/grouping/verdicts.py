"""A whole album and its side files → its group: values with their sources, evidence, warnings, verdict, confidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from math import prod
from operator import lt
from types import MappingProxyType
from typing import NamedTuple

from config.reasons import Reason
from scanner.grouping.albums import Album
from scanner.grouping.companions import home_of
from scanner.grouping.credits import VARIOUS_ARTISTS, Credit
from scanner.grouping.folding import fold
from scanner.grouping.groups import Group, GroupTrack, SideRow, Source, Verdict
from scanner.grouping.merging import Whole
from scanner.grouping.missing import Numbered, missing
from scanner.grouping.names import natural_key, parse_album
from scanner.grouping.places import Track

DOUBT: Mapping[str, float] = {
    "spelling_folded": 0.95,
    "compilation_by_rule": 0.95,
    "artist_by_majority": 0.95,
    "years_differ": 0.95,
    "strays_joined": 0.9,
    "tracks_missing": 0.9,
    "missing_tags": 0.8,
    "unreadable_file": 0.8,
    "image_and_cue": 0.8,
    "track_numbers_repeat": 0.7,
    "same_album_elsewhere": 0.7,
    "artist_from_folder": 0.7,
    "names_from_folder": 0.5,
    "no_artist": 0.4,
    "no_usable_metadata": 0.2,
    "no_readable_audio": 0.1,
}
"""The confidence of a group is the product of these, once for each code among its reasons; others take nothing."""

_SHOWN = 10  # missing numbers a message lists


class _Year(NamedTuple):
    year: int | None
    source: Source | None
    all: tuple[int, ...]


def describe(whole: Whole, sides: Sequence[SideRow], kind: str) -> Group:
    """Turn a whole album into its group."""
    tracks = [track for part in whole.parts for track in part.tracks]
    readable = [track for track in tracks if track.row.problem is None]
    lead = max(whole.parts, key=lambda part: len(part.tracks))
    listed = _listed(tracks, lead.credit.artist)
    year = _year(readable, whole.parts)
    verdict, refusal = _judge(lead, readable, home_of(whole))
    evidence = tuple(_evidence(whole, readable))
    warnings = (*refusal, *_warnings(whole, readable, year), *_file_warnings(tracks, sides))
    various = lead.credit.artist == VARIOUS_ARTISTS
    sources: dict[str, Source | None] = {
        "album": lead.title_source,
        "album_artist": lead.credit.source,
        "year": year.source,
        "release_id": "tag" if lead.release_id else None,
    }
    return Group(
        key=whole.key,
        kind=kind,
        album_artist=lead.credit.artist,
        album=lead.title,
        year=year.year,
        discs=len({track.disc or 1 for track in listed}),
        compilation=various or 2 * [track.row.compilation for track in readable].count(True) > len(readable),
        release_id=next((part.release_id for part in whole.parts if part.release_id), None),
        tracks=listed,
        sides=tuple(side.file_id for side in sides),
        folders=tuple(sorted({track.row.folder for track in tracks} | {side.folder for side in sides})),
        home=home_of(whole),
        verdict=verdict,
        confidence=round(prod(DOUBT.get(code, 1.0) for code in {reason.code for reason in (*evidence, *warnings)}), 3),
        evidence=evidence,
        warnings=warnings,
        sources={name: source for name, source in sources.items() if source},
    )


def _listed(tracks: list[Track], album_artist: str | None) -> tuple[GroupTrack, ...]:
    """Sort by disc, track and natural file name; beside other discs, a track without one is of disc 1."""
    discs = {track.disc for track in tracks if track.disc}
    by_rule = 1 if discs - {1} else None
    return tuple(
        [
            GroupTrack(
                t.row.file_id,
                t.disc or by_rule,
                t.track,
                t.title if t.named_artist is None else _title(t, album_artist),
                t.sources if t.disc and t.track else _known_sources(t, by_rule),
            )
            for t in _in_order(tracks)
        ]
    )


def _in_order(tracks: list[Track]) -> list[Track]:
    numbers = [(track.disc or 1, track.track or 0) for track in tracks]
    if all([number for _, number in numbers]) and all(map(lt, numbers, numbers[1:])):
        return tracks  # by name, as nearly all are found
    return sorted(
        tracks,
        key=lambda t: (
            t.disc or 1,
            t.track is None,
            t.track or 0,
            natural_key(t.row.name),
            t.row.folder,
            t.row.file_id,
        ),
    )


def _title(track: Track, album_artist: str | None) -> str | None:
    """Keep "Artist - Title" from a file's name whole, unless the artist is only repeated there."""
    if track.sources["title"] == "tag" or track.named_artist is None:
        return track.title
    repeated = album_artist is not None and fold(track.named_artist) == fold(album_artist)
    return track.title if repeated else f"{track.named_artist} - {track.title}"


def _known_sources(track: Track, disc_by_rule: int | None) -> Mapping[str, Source]:
    if track.disc is not None and track.track is not None:
        return track.sources
    disc = track.sources["disc"] if track.disc is not None else "rule" if disc_by_rule else None
    return _shared(track.sources["title"], track.sources["track"] if track.track is not None else None, disc)


@cache
def _shared(title: Source, track: Source | None, disc: Source | None) -> Mapping[str, Source]:
    """Return where the known ones of three values came from; the few combinations are shared by all tracks."""
    sources = {"title": title, "track": track, "disc": disc}
    return MappingProxyType({name: source for name, source in sources.items() if source})


def _year(tracks: list[Track], parts: Iterable[Album]) -> _Year:
    """Take the year most tracks know (of equals the earliest), or else the folder's."""
    years = {track.row.year for track in tracks}
    if len(years) == 1 and (only := next(iter(years))):
        return _Year(only, "tag", (only,))
    counts = Counter(track.row.year for track in tracks if track.row.year)
    if counts:
        top = min(counts, key=lambda year: (-counts[year], year))
        everywhere = len(counts) == 1 and counts[top] == len(tracks)
        return _Year(top, "tag" if everywhere else "majority", tuple(sorted(counts)))
    named = (parse_album(part.place.title) for part in parts if not part.place.is_root and part.title)
    year = next((name.year for name in named if name.year), None)
    return _Year(year, "folder" if year else None, ())


def _judge(lead: Album, readable: list[Track], home: bytes) -> tuple[Verdict, tuple[Reason, ...]]:
    path = home or lead.tracks[0].row.name
    if not readable:
        return "quarantined", (Reason("no_readable_audio", "None of the audio files here can be read.", path),)
    if lead.title is None:
        message = (
            "Neither tags nor folder names tell which album this is; tag the files, or put them into a folder named"
        )
        return "needs_review", (Reason("no_usable_metadata", f'{message} "Artist - Album (Year)".', path),)
    if lead.credit.artist is None:
        message = "Neither tags nor names tell whose album this is; set the album artist, or name the folder"
        return "needs_review", (Reason("no_artist", f'{message} "Artist - Album (Year)".', path),)
    return "take", ()


def _evidence(whole: Whole, readable: list[Track]) -> Iterator[Reason]:
    """Say what holds the files together."""
    lead = whole.parts[0]
    homes = {part.place.home for part in whole.parts}
    if lead.title_source == "person":
        yield Reason("person_said", "A person put these files together.")
    elif any(part.release_id for part in whole.parts):
        agree = sum(track.release_id is not None for track in readable)
        yield Reason("release_id_agrees", f"{agree} of {len(readable)} files carry the same MusicBrainz release id.")
    elif readable and lead.title_source in ("tag", "majority") and lead.credit.source in ("tag", "majority"):
        yield Reason("album_and_artist_agree", "The album and artist tags agree.")
    if lead.title_source == "folder":
        yield Reason("names_from_folder", "No album tag; the album is named after its folder.", lead.place.home)
    folders = {track.row.folder for part in whole.parts for track in part.tracks}
    if len(folders) > 1 and any(part.place.disc_folders for part in whole.parts):
        yield Reason("disc_folders_merged", f"{len(folders)} folders hold the discs of one album.", home_of(whole))
    elif len(homes) > 1:
        yield Reason("folders_merged", f"{len(homes)} folders hold the album, and no track number is in two of them.")
    yield from _by_name(lead.credit, readable)
    if strays := [track for part in whole.parts for track in part.strays]:
        yield Reason("strays_joined", f"{len(strays)} files without this album's tag lie in its folder and were added.")


def _by_name(credit: Credit, readable: list[Track]) -> Iterator[Reason]:
    if credit.source == "rule":
        yield Reason("compilation_by_rule", "No album artist, and many artists or a compilation flag: Various Artists.")
    if credit.source == "majority":
        yield Reason("artist_by_majority", "Not all files name the same artist; most do.")
    for what, spellings in (
        ("album", {track.album for track in readable if track.album}),
        ("album artist", {track.album_artist for track in readable if track.album_artist}),
    ):
        if len(spellings) > 1:
            yield Reason("spelling_folded", f"{len(spellings)} spellings of the {what} were read as one name.")


def _warnings(whole: Whole, readable: list[Track], year: _Year) -> Iterator[Reason]:
    """Say what a person should look at in the album as a whole."""
    home, lead = home_of(whole), whole.parts[0]
    if whole.twin is not None:
        message = "Another folder holds an album of the same name with some of the same tracks; they are kept apart."
        yield Reason("same_album_elsewhere", message, whole.twin)
    if readable and lead.credit.source in ("folder", "file_name"):
        yield Reason("artist_from_folder", "No artist tag; the artist is read from folder or file names.", home)
    lacking = {
        "album": [track.album for track in readable].count(None),
        "artist": [track.artist or track.album_artist for track in readable].count(None),
        "title": len(readable) - [track.sources["title"] for track in readable].count("tag"),
        "track number": [track.track for track in readable].count(None),
    }
    if any(lacking.values()):
        told = ", ".join(f"{count} without {what}" for what, count in lacking.items() if count)
        yield Reason("missing_tags", f"Of {len(readable)} files: {told}.", home)
    if len(year.all) > 1:
        told = ", ".join(map(str, year.all[:_SHOWN]))
        yield Reason("years_differ", f"The files name different years ({told}); {year.year} is taken.", home)


def _file_warnings(tracks: list[Track], sides: Iterable[SideRow]) -> Iterator[Reason]:
    """Say which files or numbers are missing, doubled, unreadable, or images of a whole disc."""
    for row in [track.row for track in tracks if track.row.problem is not None]:
        path = b"/".join(filter(None, (row.folder, row.name)))
        yield Reason("unreadable_file", row.said or f"It cannot be read ({row.problem}).", path)
    if not _is_complete(tracks):
        yield from _numbers(tracks)
    yield from _images(tracks, sides)


def _is_complete(tracks: list[Track]) -> bool:
    """Tell whether these are the tracks 1, 2, 3 … of a single disc, as nearly every album's are, and no more belong."""
    count = len(tracks)
    discs = {total for track in tracks for total in (track.disc, track.row.disc_total) if total} - {1}
    numbers = {track.track for track in tracks}
    totals = [track.row.track_total or 0 for track in tracks]
    return not discs and max(totals) <= count and len(numbers) == count and numbers.issuperset(range(1, count + 1))


def _numbers(tracks: list[Track]) -> Iterator[Reason]:
    """Say which numbers are doubled or missing."""
    discs: dict[int, list[Track]] = defaultdict(list)
    for track in tracks:
        discs[track.disc or 1].append(track)
    for disc, members in sorted(discs.items()):
        doubled = sorted(n for n, times in Counter(t.track for t in members if t.track).items() if times > 1)
        if doubled:
            told = ", ".join(map(str, doubled[:_SHOWN]))
            yield Reason("track_numbers_repeat", f"Several files are track {told} of disc {disc}.")
    yield from missing(Numbered(t.disc or 1, t.track, t.row.disc_total, t.row.track_total) for t in tracks)


def _images(tracks: Iterable[Track], sides: Iterable[SideRow]) -> Iterator[Reason]:
    """Say which folders hold a disc as one long file with a cue sheet: no more audio files than sheets."""
    cues: dict[bytes, list[SideRow]] = defaultdict(list)
    for side in sides:
        if side.role == "cue":
            cues[side.folder].append(side)
    audio = Counter(track.row.folder for track in tracks) if cues else Counter()
    for folder, sheets in cues.items():
        if 0 < audio[folder] <= len(sheets):
            path = b"/".join(filter(None, (folder, sheets[0].name)))
            yield Reason("image_and_cue", "The disc is one long file; the cue sheet says where its tracks begin.", path)
