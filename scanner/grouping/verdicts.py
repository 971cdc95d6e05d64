"""A whole album and its side files → its group: values with their sources, evidence, warnings, verdict, confidence."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import repeat
from operator import lt
from types import MappingProxyType
from typing import NamedTuple

from config.reasons import Reason, counted
from scanner.grouping.albums import source_of
from scanner.grouping.companions import folders_of, home_of
from scanner.grouping.credits import VARIOUS_ARTISTS, Credit
from scanner.grouping.doubts import Year, confidence_of, file_warnings, images, warnings_of
from scanner.grouping.folding import clean, fold
from scanner.grouping.groups import Group, GroupTrack, SideRow, Source, Verdict
from scanner.grouping.merging import Whole
from scanner.grouping.names import natural_key
from scanner.grouping.tidy import Part, Tidy
from scanner.grouping.tracks import Track, release_id_of, repeats


class _Look(NamedTuple):
    """What a look at the tracks has found."""

    tracks: tuple[GroupTrack, ...]
    discs: int
    flagged: bool  # most are of a compilation, they say
    year: Year
    verdict: Verdict
    evidence: tuple[Reason, ...]
    warnings: tuple[Reason, ...]


def describe(whole: Whole, sides: Sequence[SideRow], kind: str) -> Group:
    """Turn a whole album into its group."""
    lead = max(whole.parts, key=lambda part: len(part.tracks)) if len(whole.parts) > 1 else whole.parts[0]
    alone = len(whole.parts) == 1 and whole.twin is None
    found = _tidy_look(lead, sides) if alone and isinstance(lead, Tidy) else _look(whole, lead, sides)
    sources: dict[str, Source | None] = {
        "album": lead.title_source,
        "album_artist": lead.credit.source,
        "year": found.year.source,
        "release_id": "tag" if lead.release_id else None,
    }
    return Group(
        key=whole.key,
        kind=kind,
        album_artist=lead.credit.together or lead.credit.artist,
        album=lead.title,
        year=found.year.year,
        discs=found.discs,
        compilation=lead.credit.artist == VARIOUS_ARTISTS or found.flagged,
        release_id=next((part.release_id for part in whole.parts if part.release_id), None),
        tracks=found.tracks,
        sides=tuple([side.file_id for side in sides]),
        folders=tuple(sorted(folders_of(whole).union([side.folder for side in sides]))),
        home=home_of(whole),
        verdict=found.verdict,
        confidence=confidence_of((*found.evidence, *found.warnings)),
        evidence=found.evidence,
        warnings=found.warnings,
        sources={name: source for name, source in sources.items() if source},
    )


def _tidy_look(album: Tidy, sides: Sequence[SideRow]) -> _Look:
    """Say of an album what a look at each of its tracks would say."""
    rows = album.rows
    count = len(rows.file_id)
    sources = _shared("tag", "tag", "tag" if rows.disc[0] else None)
    tracks = zip(rows.file_id, rows.disc, rows.track, album.titles, repeat(sources), strict=False)
    year = Year(album.year, "tag", (album.year,))
    evidence = tuple(_held_together(album, count if album.release_id else None, count))
    warnings = tuple(images(repeat(rows.folder, count), sides)) if sides else ()
    return _Look(tuple(map(GroupTrack._make, tracks)), 1, rows.compilation[0] is True, year, "take", evidence, warnings)


def _look(whole: Whole, lead: Part, sides: Sequence[SideRow]) -> _Look:
    """Look at each track of an album."""
    tracks = [track for part in whole.parts for track in part.tracks]
    readable = [track for track in tracks if track.row.problem is None]
    listed = _listed(tracks, lead.credit.artist)
    year = _year(readable, whole.parts)
    verdict, refusal = _judge(lead, readable, home_of(whole))
    evidence = tuple(_evidence(whole, readable))
    of_files = (*file_warnings(tracks), *images((track.row.folder for track in tracks), sides))
    return _Look(
        tracks=listed,
        discs=len({track.disc or 1 for track in listed}),
        flagged=2 * [track.row.compilation for track in readable].count(True) > len(readable),
        year=year,
        verdict=verdict,
        evidence=evidence,
        warnings=(*refusal, *warnings_of(whole, readable, year), *of_files),
    )


def _listed(tracks: list[Track], album_artist: str | None) -> tuple[GroupTrack, ...]:
    """Sort by disc, track and natural file name; beside other discs, a track without one is of disc 1."""
    discs = {track.disc for track in tracks if track.disc}
    by_rule = 1 if discs - {1} else None
    named = [track for track in tracks if track.sources["title"] != "tag"]
    everywhere = len(named) > 1 and all(_repeats(track, album_artist) for track in named)
    return tuple(
        [
            GroupTrack(
                t.row.file_id,
                t.disc or by_rule,
                t.track,
                t.title if t.sources["title"] == "tag" else _title(t, album_artist, everywhere=everywhere),
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


def _title(track: Track, album_artist: str | None, *, everywhere: bool) -> str | None:
    """Keep "Artist - Title" from a file's name whole, unless the artist is only repeated there."""
    if track.named_artist is None:
        repeated = (everywhere or b" " not in track.row.name) and _repeats(track, album_artist)
        return clean((track.title or "").partition("-")[2]) if repeated else track.title
    repeated = album_artist is not None and fold(track.named_artist) == fold(album_artist)
    return track.title if repeated else f"{track.named_artist} - {track.title}"


def _repeats(track: Track, album_artist: str | None) -> bool:
    """Tell whether a title begins with the artist's name: "01-artist_name-title", as scene releases write it."""
    artist, _, rest = (track.title or "").partition("-")
    return bool(album_artist and clean(rest)) and fold(artist) == fold(album_artist or "")


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


def _year(tracks: list[Track], parts: Iterable[Part]) -> Year:
    """Take the year half of the tracks or more know (of equals the earliest), else the folder's, or the latest.

    No album is older than its newest song.
    """
    years = {track.row.year for track in tracks}
    if len(years) == 1 and (only := next(iter(years))):
        return Year(only, source_of("year", tracks), (only,))
    counts = Counter(track.row.year for track in tracks if track.row.year)
    top = min(counts, key=lambda year: (-counts[year], year), default=None)
    if top and 2 * counts[top] >= counts.total():
        return Year(top, "majority", tuple(sorted(counts)))
    named = (part.place.named for part in parts if not part.place.is_root and part.title)
    if year := next((name.year for name in named if name.year), None):
        return Year(year, "folder", tuple(sorted(counts)))
    return Year(max(counts, default=None), "majority" if top else None, tuple(sorted(counts)))


def _judge(lead: Part, readable: list[Track], home: bytes) -> tuple[Verdict, tuple[Reason, ...]]:
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
    if lead.title_source == "person":
        yield Reason("person_said", "A person put these files together.")
    else:
        with_id = any(part.release_id for part in whole.parts)
        agree = sum(track.release_id is not None for track in readable)
        yield from _held_together(lead, agree if with_id else None, len(readable))
    ids = {release_id_of(track.row.release_id) for track in readable} - {None}
    if len(ids) > 1 and not any(part.release_id for part in whole.parts):
        message = f"The files name {len(ids)} MusicBrainz releases, each for a part of the album; it is taken for one."
        yield Reason("release_ids_differ", message)
    if lead.title_source == "folder":
        yield Reason("names_from_folder", "No album tag; the album is named after its folder.", lead.place.home)
    if lead.title_source == "file_name":
        yield Reason("names_from_files", "No album tag; the album is named by the names of its files.", lead.place.home)
    if cued := {field: path for track in readable for field, path in track.cued.items()}:
        told = ", ".join(cued).replace("_", " ")
        yield Reason("names_from_cue", f"The tags lack what the cue sheet says: {told}.", next(iter(cued.values())))
    folders = folders_of(whole)
    several = len({track.disc or 1 for track in readable}) > 1
    if len(folders) > 1 and several and any(part.place.disc_folders for part in whole.parts):
        yield Reason("disc_folders_merged", f"{len(folders)} folders hold the discs of one album.", home_of(whole))
    elif len(folders) > 1:
        alone = "" if repeats(readable) else ", and no track number is in two of them"
        yield Reason("folders_merged", f"{len(folders)} folders hold the album{alone}.")
    strays = [track for part in whole.parts for track in part.strays]
    yield from _by_name(lead.credit, readable, strays)
    if strays:
        belong = "belongs" if len(strays) == 1 else "belong"
        message = f"{counted(len(strays), 'file')} without this album's tag, found in its folder, {belong} to it."
        yield Reason("strays_joined", message)


def _held_together(lead: Part, agree: int | None, readable: int) -> Iterator[Reason]:
    """Say which tags do; `agree` counts the files with the release id, if there is one."""
    if agree is not None:
        yield Reason("release_id_agrees", f"{agree} of {readable} files carry the same MusicBrainz release id.")
    elif readable and lead.title_source in ("tag", "majority") and lead.credit.source in ("tag", "majority"):
        yield Reason("album_and_artist_agree", "The album and artist tags agree.")


def _by_name(credit: Credit, readable: list[Track], strays: list[Track]) -> Iterator[Reason]:
    if credit.source == "rule":
        yield Reason("compilation_by_rule", "No album artist, and many artists or a compilation flag: Various Artists.")
    if credit.source == "majority":
        yield Reason("artist_by_majority", "Not all files name the same artist; most do.")
    others = {track.row.file_id for track in strays}  # their tags name something else
    for what, spellings in (
        ("album", {track.album for track in readable if track.album and track.row.file_id not in others}),
        ("album artist", {track.album_artist for track in readable if track.album_artist and credit.source == "tag"}),
    ):
        if len(spellings) > 1:
            yield Reason("spelling_folded", f"{len(spellings)} spellings of the {what} were read as one name.")
