"""A place → the albums in it: its tracks, split only where they truly belong to different releases."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from operator import attrgetter
from typing import NamedTuple

from scanner.grouping.album_names import is_nameless, parse_album
from scanner.grouping.credits import MOST_SPELLINGS, Credit, commonest, credit_by_names, credit_by_tags, whose
from scanner.grouping.cut_names import uncut
from scanner.grouping.discs import without_bonus_disc
from scanner.grouping.folding import alike, fold
from scanner.grouping.groups import Source
from scanner.grouping.patterns import pattern
from scanner.grouping.places import Place, Track, repeats, without_the_boxs_disc

MAJORITY = 0.75
"""A folder is one release if its commonest album covers so much of it (Lidarr's track grouping uses the same share)."""


_FORMAT = pattern(rb"(?:_(?:vbr|\d+kbp?s?))?\.[^.]*\Z", re.IGNORECASE)  # "01_64kb.mp3" beside "01_vbr.mp3"
_by_folder_and_name = attrgetter("row.folder", "row.name", "row.file_id")


class Album(NamedTuple):
    """Tracks of one place that are one album, and by what names."""

    place: Place
    tracks: tuple[Track, ...]
    release_id: str | None
    title: str | None
    title_source: Source | None
    credit: Credit
    strays: tuple[Track, ...]  # taken in although their album tag says otherwise, or nothing

    @property
    def first(self) -> tuple[bytes, bytes]:
        """Folder and name of the first file."""
        return self.tracks[0].row.folder, self.tracks[0].row.name

    @property
    def files(self) -> Iterable[tuple[bytes, bytes]]:
        """Folder and name of every file."""
        return ((track.row.folder, track.row.name) for track in self.tracks)

    @property
    def folders(self) -> set[bytes]:
        """Every folder it has files in."""
        return {track.row.folder for track in self.tracks}

    @property
    def names(self) -> tuple[str, str] | None:
        """Folded artist and title, the same for every spelling; None while either is unknown."""
        return folded_names(self.credit, self.title)


def folded_names(credit: Credit, title: str | None) -> tuple[str, str] | None:
    """Fold artist and title; None while either is unknown."""
    return (fold(credit.artist), fold(title)) if credit.artist and title else None


class _Share(NamedTuple):
    """Some tracks of a place while it is being split."""

    name: str  # folded album, "" if no tag names one
    release_id: str | None
    tracks: list[Track]
    strays: list[Track]

    def take(self, tracks: list[Track], *, stray: bool = False) -> None:
        """Add tracks; strays are remembered, because their own tags do not say that they belong here."""
        self.tracks.extend(tracks)
        if stray:
            self.strays.extend(tracks)


def albums_in(place: Place) -> list[Album]:
    """Split a place by release id, album and artist; add what cannot be read to the album it lies with."""
    readable = [track for track in place.tracks if track.row.problem is None]
    unread = [track for track in place.tracks if track.row.problem is not None]
    named = [part for share in _by_album(place, readable) for part in _by_artist(place, share, len(readable))]
    shares = [part for share in named for part in _by_format(share)]
    if len(shares) > 1 and place.disc_folders and place.home:
        shares = [share._replace(tracks=without_the_boxs_disc(share.tracks)) for share in shares]
    if place.is_root:
        shares += [_Share("", None, [track], []) for track in unread]
    else:
        _take_unread(shares, unread)
    return [_named(place, share) for share in shares]


def _by_album(place: Place, tracks: list[Track]) -> list[_Share]:
    """Share the tracks out by release id and album tag; then join what is only spelt, tagged or filed otherwise."""
    named, nameless = _by_name(tracks)
    if len(named) > 1 and (whole := uncut(tracks)) is not tracks:
        named, nameless = _by_name(whole)
    shares = [_Share(name or _album_name(members), rid, members, []) for (rid, name), members in named.items()]
    kept = _join_spellings(place, shares)
    if place.is_root:  # loose files without an album have nothing to do with one another
        return kept + [_Share("", None, [track], []) for track in nameless]
    return _join_nameless(place, kept, nameless) if nameless else kept


def _by_name(tracks: Iterable[Track]) -> tuple[dict[tuple[str | None, str], list[Track]], list[Track]]:
    """Return the tracks by release id or album tag, and those that have neither."""
    named: dict[tuple[str | None, str], list[Track]] = defaultdict(list)
    nameless = []
    for track in tracks:
        if track.album or track.release_id:
            named[track.release_id, "" if track.release_id else fold(track.album or "")].append(track)
        else:
            nameless.append(track)
    return named, nameless


def _album_name(tracks: Iterable[Track]) -> str:
    names = [fold(track.album) for track in tracks if track.album]
    return commonest(names) if names else ""


def _join_spellings(place: Place, shares: list[_Share]) -> list[_Share]:
    """Let each share join the release of its name, the album it is a typo of, or the one whose gap it fills."""
    total = sum(len(share.tracks) for share in shares)
    heap = len(shares) > MOST_SPELLINGS  # comparing each with each would take for ever there, and prove nothing
    few = len(shares) <= (1 - MAJORITY) * total
    kept: list[_Share] = []
    releases: dict[str, _Share] = {}
    for share in sorted(shares, key=lambda s: (s.release_id is None, -len(s.tracks), s.name, s.release_id or "")):
        if share.release_id is not None:
            releases.setdefault(share.name, share)
            kept.append(share)
        elif host := releases.get(share.name) or (None if heap else _correctly_spelt(place, kept, share)):
            host.take(share.tracks)
        elif few and not heap and not place.is_root and (host := _with_gap(kept, share, total)):
            host.take(share.tracks, stray=True)
        else:
            kept.append(share)
    return kept


def _correctly_spelt(place: Place, kept: list[_Share], share: _Share) -> _Share | None:
    """Find the larger share whose name this one misspells; two albums of alike names would both have a track 1."""
    for big in kept:
        larger = len(big.tracks) > len(share.tracks) and alike(big.name, share.name)
        if larger and _fit(big, share) and (not place.is_root or _share_artist(big, share)):
            return big
    return None


def _with_gap(kept: list[_Share], share: _Share, total: int) -> _Share | None:
    """Find the album that is nearly all of the place, by the same artist, and has these track numbers free."""
    big = max(kept, key=lambda one: len(one.tracks), default=None)
    if big is None or len(big.tracks) < MAJORITY * total:
        return None
    return big if all(t.number for t in share.tracks) and _fit(big, share) and _share_artist(big, share) else None


def _fit(one: _Share, other: _Share) -> bool:
    """Tell whether no disc and track is in both."""
    return {t.number for t in one.tracks if t.number}.isdisjoint(t.number for t in other.tracks)


def _share_artist(one: _Share, other: _Share) -> bool:
    artists = whose([*one.tracks, *other.tracks])
    return bool(set(artists[: len(one.tracks)]) & set(artists[len(one.tracks) :]))


def _join_nameless(place: Place, shares: list[_Share], nameless: list[Track]) -> list[_Share]:
    """Let tracks without an album tag join the album that is nearly all of the place, or the one the folder names."""
    folder = fold(parse_album(place.title).album or "")
    total = sum(len(share.tracks) for share in shares)
    for share in shares:
        if len(share.tracks) >= MAJORITY * total or share.name == folder:
            share.take(nameless, stray=True)
            return shares
    return [*shares, _Share("", None, nameless, [])]


def _by_artist(place: Place, share: _Share, total: int) -> list[_Share]:
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
        split = clash or not _scattered(known)
    elif credited:
        split = clash or len(share.tracks) < MAJORITY * total or _are_of_other_years(parts.values())
    else:
        split = clash and _all_begin(parts.values())
    return [_part(share, tracks) for tracks in parts.values()] if split else [share]


def _by_format(share: _Share) -> list[_Share]:
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


def _part(share: _Share, tracks: list[Track]) -> _Share:
    strays = {track.row.file_id for track in share.strays}
    return _Share(share.name, None, tracks, [track for track in tracks if track.row.file_id in strays])


def _scattered(artists: Counter[str]) -> bool:
    """Tell whether so many artists can only be a compilation: nearly one a track (Lidarr's rule)."""
    total = artists.total()
    return len(artists) > MAJORITY * total and max(artists.values()) < (1 - MAJORITY) * total


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


def _take_unread(shares: list[_Share], unread: list[Track]) -> None:
    """Put files that cannot be read into the largest album of their own folder, or else of the place."""
    largest: dict[bytes, _Share] = {}
    by_size = sorted(shares, key=lambda share: len(share.tracks), reverse=True)
    for share in by_size:
        for track in share.tracks:
            largest.setdefault(track.row.folder, share)
    if not shares and unread:
        shares.append(_Share("", None, unread, []))
        return
    for track in unread:
        largest.get(track.row.folder, by_size[0]).tracks.append(track)


def _named(place: Place, share: _Share) -> Album:
    """Name an album by its tags, or else by the folder."""
    readable = [track for track in share.tracks if track.row.problem is None]
    tagged = [track.album for track in readable if track.album and (not share.name or fold(track.album) == share.name)]
    title: str | None
    source: Source | None
    if tagged:
        title, source = commonest(tagged), "tag" if len(tagged) == len(readable) else "majority"
        if all((track.disc or 1) > 1 for track in readable):
            title = without_bonus_disc(title)
    elif place.is_root or is_nameless(place.title):
        title, source = None, None
    else:
        title, source = parse_album(place.title).album, "folder"
    credit = credit_by_tags(readable)
    if source == "folder" and _is_heap_of(credit.artist, place, share.tracks):
        title, source = None, None
    # where no tag names the album, an artist that only a few files name is not known to be that of the others
    few = source == "folder" and 2 * sum(bool(t.artist or t.album_artist) for t in readable) <= len(readable)
    if few or credit.artist is None:
        credit = credit_by_names(place, title, share.tracks)
    ordered = sorted(share.tracks, key=_by_folder_and_name)
    return Album(place, tuple(ordered), share.release_id, title, source, credit, tuple(share.strays))


def _is_heap_of(artist: str | None, place: Place, tracks: Iterable[Track]) -> bool:
    """Tell whether a folder is called after its artist, and holds songs that nobody counted: they are of no album."""
    if artist is None:
        return False
    called = parse_album(place.title)
    so = called.album and not called.artist and not called.year and fold(called.album) == fold(artist)
    return bool(so) and any(track.track is None for track in tracks)
