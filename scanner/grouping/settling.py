"""The tracks of a place → their discs and numbers, where only all of them together tell which these are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter

from config.reasons import path_text
from scanner.grouping.discs import is_disc_alone, without_bonus
from scanner.grouping.folding import clean, fold
from scanner.grouping.names import TrackName, parse_track, split_artist, stem_of, without_id
from scanner.grouping.numbering import by_counting, by_hundreds, by_sides, discs_of
from scanner.grouping.patterns import pattern
from scanner.grouping.placeholders import is_no_title, is_number_of_track
from scanner.grouping.tracks import Track, repeats

_BARE_NUMBER = pattern(r"[1-9]\d{0,2}(?=\s+[^\W\d])")  # without a zero before, or a dot or dash behind


def settle_discs(tracks: list[Track], folders: Mapping[bytes, int | None]) -> list[Track]:
    """Decide between the discs of tags and folders: the tag, unless the folder tells more tracks apart."""
    numbered = [disc for disc in (*folders.values(), *(track.disc for track in tracks)) if disc]
    last = max(numbered, default=1)
    bonus = None if last == 1 and _runs_on(tracks, folders) else last + 1
    by_folder = {folder: bonus if disc == 0 else disc for folder, disc in folders.items()}
    albums = {track.album for track in tracks}
    discs = {album for album in albums if album and is_disc_alone(album)}
    if discs and len(folders) > 1:  # rippers call an album they do not know "CD1"
        tracks = [track._replace(album=None) if track.album in discs else track for track in tracks]
        albums -= discs
    tracks = [_of_the_album(track, albums, bonus=folders[track.row.folder] == 0) for track in tracks]
    lone_bonus = set(folders.values()) == {0}  # tagged by somebody who did not think of the album's own disc
    by_tag = [
        _on_disc(
            track, by_folder[track.row.folder], track.sources["disc"] == "tag" and not (lone_bonus and track.disc == 1)
        )
        for track in tracks
    ]
    by_name = [_on_disc(track, by_folder[track.row.folder], False) for track in tracks]
    return by_name if repeats(by_name) < repeats(by_tag) else by_tag


def _runs_on(tracks: list[Track], folders: Mapping[bytes, int | None]) -> bool:
    """Tell whether the tracks in bonus folders go on where the album's end: they are of its disc."""
    album = [track.track or 0 for track in tracks if folders[track.row.folder] is None]
    bonus = [track.track or 0 for track in tracks if folders[track.row.folder] == 0]
    return bool(album and bonus) and min(bonus) == max(album) + 1 > 1


def without_the_boxs_disc(tracks: list[Track]) -> list[Track]:
    """Forget the disc that a folder named, if these have no other: an album of its own in a box has one disc."""
    told = {(track.disc, track.sources["disc"]) for track in tracks}
    if len(told) > 1 or next(iter(told))[1] != "folder" or any((track.row.disc_total or 1) > 1 for track in tracks):
        return tracks
    return [track.numbered("file_name", disc=None) for track in tracks]


def _of_the_album(track: Track, albums: set[str | None], *, bonus: bool) -> Track:
    """Take "(Bonus Disc)" out of the album's name in a bonus folder, or where other discs have it without."""
    album = without_bonus(track.album) if track.album and (bonus or len(albums) > 1) else track.album
    return track._replace(album=album) if album != track.album and (bonus or album in albums) else track


def _on_disc(track: Track, disc: int | None, keep: bool) -> Track:
    if disc is None or (keep and track.disc):
        return track
    return track.numbered("folder", disc=disc)


def in_style(tracks: list[Track]) -> list[Track]:
    """Number tracks whose names tell it in a style that only all of them together show."""
    tracks = _titled_by_names(_without_words_that_count(tracks))
    if tracks[0].track is None and not any(track.track for track in tracks):
        named = by_sides(_stems(tracks)) or _counted(tracks)
        return [_as_named(*pair) for pair in zip(tracks, named, strict=True)] if named else tracks
    if len({track.disc for track in tracks}) > 1:
        return [_without_total(track) for track in tracks] if _end_in_their_total(tracks) else tracks
    disc = tracks[0].disc
    if (tracks[0].track or 0) > 100 and not disc:
        split = by_hundreds([track.track for track in tracks])
        return [_numbered(*pair) for pair in zip(tracks, split, strict=True)] if split else tracks
    if not repeats(tracks):
        return tracks
    stems = _stems(tracks)  # names may tell apart what tags call by the same number
    by_name = [parse_track(stem).track for stem in stems]
    if not disc and _all_called_alike(tracks) and len({*filter(None, by_name)}) == len(tracks):
        return [track.numbered("file_name", track=number) for track, number in zip(tracks, by_name, strict=True)]
    discs = discs_of(stems, [track.track for track in tracks])
    return [track.numbered("file_name", disc=n) for track, n in zip(tracks, discs, strict=True)] if discs else tracks


def _without_words_that_count(tracks: list[Track]) -> list[Track]:
    """Take "99 Balloons" for a title where others lack a number or its tag says so, unless some count on."""
    numbers = {track.track for track in tracks if track.track is not None}
    if any(number + 1 in numbers for number in numbers):
        return tracks
    lacking = any(track.track is None for track in tracks)
    return [_without_word_that_counts(track, lacking=lacking) for track in tracks]


def _without_word_that_counts(track: Track, *, lacking: bool) -> Track:
    stem = without_id(path_text(stem_of(track.row.name)))
    found = _BARE_NUMBER.match(stem) if track.sources["track"] == "file_name" else None
    if not found or int(found[0]) != track.track:
        return track
    if track.sources["title"] == "tag":
        return track.numbered("file_name", track=None) if fold(track.title or "") == fold(stem) else track
    return track.numbered("file_name", track=None).titled(*split_artist(clean(stem))) if lacking else track


def _titled_by_names(tracks: list[Track]) -> list[Track]:
    """Give tracks the titles of their names where all tags say no more than "Track 7", and all names do."""
    if not all(track.sources["title"] == "tag" and is_no_title(track.title or "") for track in tracks):
        return tracks
    named = [parse_track(stem) for stem in _stems(tracks)]
    if not all(name.title and not is_number_of_track(name.title) for name in named):
        return tracks
    return [track.titled(name.artist, name.title) for track, name in zip(tracks, named, strict=True)]


def _end_in_their_total(tracks: list[Track]) -> bool:
    """Tell whether names that seem to say disc and track say track and total: "01-12 Title", "02-12 Title"."""
    totals = {track.track for track in tracks}
    named = all(track.sources["disc"] == track.sources["track"] == "file_name" for track in tracks)
    numbers = sorted({track.disc for track in tracks if track.disc})
    return named and len(totals) == 1 and 2 < len(numbers) == len(tracks) and numbers[-1] <= (totals.pop() or 0)


def _without_total(track: Track) -> Track:
    return track.numbered("file_name", disc=None, track=track.disc)


def _all_called_alike(tracks: list[Track]) -> bool:
    """Tell whether all tracks of one album have the same number, as some programs that download songs give them."""
    return len({(track.album, track.track) for track in tracks}) == 1


def _counted(tracks: list[Track]) -> list[TrackName]:
    """Read the names folder by folder, because each begins to count anew; empty if those of any do not count tracks."""
    if any(track.disc and track.sources["disc"] == "file_name" for track in tracks):  # they count discs
        return []
    folders = [[*inside] for _, inside in groupby(tracks, attrgetter("row.folder"))]
    named = [by_counting(_stems(inside)) for inside in folders]
    return [name for names in named for name in names or ()] if all(named) else []


def _stems(tracks: Iterable[Track]) -> list[str]:
    return [path_text(stem_of(track.row.name)) for track in tracks]


def _as_named(track: Track, name: TrackName) -> Track:
    if track.sources["title"] != "tag" and name.title:
        track = track._replace(title=name.title, named_artist=name.artist)
    return _numbered(track, name[:2])


def _numbered(track: Track, number: tuple[int | None, int | None]) -> Track:
    disc = {"disc": number[0]} if number[0] else {}
    return track.numbered(track.sources["track"], track=number[1], **disc)
