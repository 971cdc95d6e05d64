"""A place → the albums in it: its tracks, split only where they truly belong to different releases."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from typing import NamedTuple

from scanner.grouping.album_names import is_nameless
from scanner.grouping.credits import Credit, commonest, credit_by_names, credit_by_tags
from scanner.grouping.discs import without_bonus_disc
from scanner.grouping.folding import fold
from scanner.grouping.groups import Source
from scanner.grouping.placeholders import is_kind_of_music
from scanner.grouping.places import Place
from scanner.grouping.settling import without_the_boxs_disc
from scanner.grouping.shares import Share, by_album
from scanner.grouping.splitting import by_artist, by_format
from scanner.grouping.tracks import Track, known

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


def albums_in(place: Place) -> list[Album]:
    """Split a place by release id, album and artist; add what cannot be read to the album it lies with."""
    readable = [track for track in place.tracks if track.row.problem is None]
    unread = [track for track in place.tracks if track.row.problem is not None]
    named = [part for share in by_album(place, readable) for part in by_artist(place, share, len(readable))]
    shares = [part for share in named for part in by_format(share)]
    if len(shares) > 1 and place.disc_folders and place.home:
        shares = [share._replace(tracks=without_the_boxs_disc(share.tracks)) for share in shares]
    if place.is_root:
        shares += [Share("", None, [track], []) for track in unread]
    else:
        _take_unread(shares, unread)
    return [_named(place, share) for share in shares]


def _take_unread(shares: list[Share], unread: list[Track]) -> None:
    """Put files that cannot be read into the largest album of their own folder, or else of the place."""
    largest: dict[bytes, Share] = {}
    by_size = sorted(shares, key=lambda share: len(share.tracks), reverse=True)
    for share in by_size:
        for track in share.tracks:
            largest.setdefault(track.row.folder, share)
    if not shares:
        shares.append(Share("", None, unread, []))
        return
    for track in unread:
        largest.get(track.row.folder, by_size[0]).tracks.append(track)


def _named(place: Place, share: Share) -> Album:
    """Name an album by its tags, or else by the folder."""
    readable = [track for track in share.tracks if track.row.problem is None]
    tagged = [track.album for track in readable if track.album and (not share.name or fold(track.album) == share.name)]
    title: str | None
    source: Source | None
    if tagged:
        title, source = commonest(tagged), source_of("album", readable) if len(tagged) == len(readable) else "majority"
        if all((track.disc or 1) > 1 for track in readable):
            title = without_bonus_disc(title)
    elif place.is_root or is_nameless(place.title):
        title, source = None, None
    else:
        title = known(place.named.album)
        source = "folder" if title else None
    credit = credit_by_tags(readable)
    if credit.source == "tag":
        credit = credit._replace(source=source_of("album_artist", readable))
    if source == "folder" and _is_heap_of(credit.artist, place, share.tracks):
        title, source = None, None
    # where no tag names the album, an artist that only a few files name is not known to be that of the others
    few = source == "folder" and 2 * sum(bool(t.artist or t.album_artist) for t in readable) <= len(readable)
    if few or credit.artist is None:
        credit = credit_by_names(place, title, share.tracks)
    ordered = sorted(share.tracks, key=_by_folder_and_name)
    return Album(place, tuple(ordered), share.release_id, title, source, credit, tuple(share.strays))


def source_of(field: str, tracks: Iterable[Track]) -> Source:
    """Return where a value comes from that all tracks agree in: the tags, or a cue sheet beside or the name of one."""
    said = [*tracks]
    if any(field in track.cued for track in said):
        return "cue"
    return "file_name" if any(field in track.called for track in said) else "tag"


def _is_heap_of(artist: str | None, place: Place, tracks: Iterable[Track]) -> bool:
    """Tell songs of no album: nobody counted them, and their folder is called after their artist or a kind of music."""
    called = place.named
    if called.artist or called.year or not called.album or all(track.track is not None for track in tracks):
        return False
    if artist and fold(called.album) == fold(artist):
        return True
    return is_kind_of_music(called.album) and not (artist and fold(artist) == fold(place.artist_above or ""))
