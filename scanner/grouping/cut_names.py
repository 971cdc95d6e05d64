"""Names that ID3v1 cut after 30 characters → the whole names, where other files of the place say them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from scanner.grouping.tracks import Track

LONGEST = 30  # characters of a name in ID3v1; a space at the end of them is lost


def uncut(tracks: Sequence[Track]) -> Sequence[Track]:
    """Return the tracks, each that says no more than ID3v1 can with the whole names of its album and artist.

    Only if one album's name begins so, of that artist, and has no track of that number: else it is another album.
    """
    albums = _ends(track.album for track in tracks)
    if not albums:
        return tracks
    artists = _ends(track.artist for track in tracks)
    sung = {(track.album, track.artist) for track in tracks}
    taken = {(track.album, track.number) for track in tracks if track.number}

    def whole(track: Track) -> Track:
        album, artist = albums.get(track.album or ""), artists.get(track.artist or "", track.artist)
        same = album and (album, artist) in sung and (album, track.number) not in taken
        return track._replace(album=album, artist=artist) if same and _may_be_cut(track) else track

    return list(map(whole, tracks))


def _ends(names: Iterable[str | None]) -> Mapping[str, str]:
    """Map each name of that length to the only longer one that begins so."""
    known = set(filter(None, names))
    found: dict[str, set[str]] = {}
    for name in known:
        if len(name) > LONGEST:
            found.setdefault(name[:LONGEST].rstrip(), set()).add(name)
    return {cut: whole.pop() for cut, whole in found.items() if cut in known and len(whole) == 1}


def _may_be_cut(track: Track) -> bool:
    """Tell whether a file says only what ID3v1 has room for."""
    row = track.row
    beyond = row.album_artist or row.disc or row.track_total or row.disc_total or row.release_id
    return not beyond and len(row.title or "") <= LONGEST and len(row.artist or "") <= LONGEST
