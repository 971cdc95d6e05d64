"""A share → what has to be kept apart in it: albums of one title by several bands, and copies in several formats."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable

from scanner.grouping.credits import commonest, whose
from scanner.grouping.patterns import pattern
from scanner.grouping.places import Place
from scanner.grouping.shares import MAJORITY, Share, nearly_one_a_track
from scanner.grouping.tracks import Track, repeats

_FORMAT = pattern(rb"(?:_(?:vbr|\d+kbp?s?))?\.[^.]*\Z", re.IGNORECASE)  # "01_64kb.mp3" beside "01_vbr.mp3"


def by_artist(place: Place, share: Share, total: int) -> list[Share]:
    """Keep bands apart that have an album of the same name; a release id or unique numbers make one album."""
    if share.release_id or not share.name:
        return [share]
    if len({(track.album_artist, track.artist, track.row.compilation) for track in share.tracks}) == 1:
        return [share]
    artists = whose(share.tracks)
    known = Counter(artist for artist in artists if artist)
    if len(known) < 2:
        return [share]
    parts: dict[str, list[Track]] = defaultdict(list)
    for artist, track in zip(artists, share.tracks, strict=True):
        parts[artist or commonest(known.elements())].append(track)
    # between bands, not within one: a song that is there twice is no second album
    clash = repeats(share.tracks) > sum(map(repeats, parts.values()))
    credited = len({artist for artist, track in zip(artists, share.tracks, strict=True) if track.album_artist}) > 1
    if place.is_root:
        split = clash or not nearly_one_a_track(known)
    elif credited:
        split = clash or len(share.tracks) < MAJORITY * total or _are_of_other_years(parts.values())
    else:
        split = clash and _all_begin(parts.values())
    return [_part(share, tracks) for tracks in parts.values()] if split else [share]


def by_format(share: Share) -> list[Share]:
    """Keep two copies of an album apart that differ in their format: each has every number, and has it once."""
    if not repeats(share.tracks):
        return [share]
    copies: dict[bytes, list[Track]] = defaultdict(list)
    for track in share.tracks:
        found = _FORMAT.search(track.row.name)
        copies[found[0].lower() if found else b""].append(track)
    numbers = {track.number for track in share.tracks}
    if None in numbers or any(len(numbers) != len(copy) or repeats(copy) for copy in copies.values()):
        return [share]
    return [_part(share, copy)._replace(release_id=share.release_id) for copy in copies.values()]


def _part(share: Share, tracks: list[Track]) -> Share:
    strays = {track.row.file_id for track in share.strays}
    return Share(share.name, None, tracks, [track for track in tracks if track.row.file_id in strays])


def _all_begin(parts: Iterable[list[Track]]) -> bool:
    """Tell whether every artist has a first track of the album, and no number twice."""
    members = list(parts)
    first = min(track.number for tracks in members for track in tracks if track.number)
    return all(first in {track.number for track in tracks} and not repeats(tracks) for tracks in members)


def _are_of_other_years(parts: Collection[list[Track]]) -> bool:
    """Tell whether each artist has several tracks, of years that no other has: two Requiems, not two discs."""
    if min(map(len, parts)) == 1 or any((track.row.disc_total or 1) > 1 for tracks in parts for track in tracks):
        return False
    years = [{track.row.year for track in tracks} for tracks in parts]
    every = set().union(*years)
    return None not in every and len(every) == sum(map(len, years))
