"""Audio files and what lies beside them → music albums."""

from __future__ import annotations

from collections.abc import Iterable

from scanner.grouping.groups import Group, SideRow, TrackRow
from scanner.kinds import Kind

NAME = "music_album"

_AUDIO = "mp3 mp2 flac m4a m4b mp4 aac ogg oga opus spx wav aif aiff aifc wma ape wv mpc mp+ dsf dff tta tak"
_ENDINGS = {
    "lyrics": "lyrics.txt",
    "checksum": "ffp.txt fingerprint.txt md5.txt md5sum md5sums sha1sums sha256sums",
}
_EXTENSIONS = {
    "picture": "jpg jpeg jpe jfif png gif tif tiff webp bmp avif heic jxl",
    "cue": "cue",
    "log": "log accurip",
    "lyrics": "lrc",
    "nfo": "nfo",
    "checksum": "md5 sha1 sha256 sha512 sfv ffp st5",
    "playlist": "m3u m3u8 pls xspf wpl",
}


def group(tracks: Iterable[TrackRow], sides: Iterable[SideRow]) -> list[Group]:
    """Put every track into exactly one album; a side file that no album claims is in none of them.

    The order of the rows does not matter. Groups come in the order of their folders. Nothing is raised, whatever the
    tags and names hold.
    """
    # An unchanged tree is not grouped again, and a scan of it starts quicker without these.
    from scanner.grouping.albums import albums_in
    from scanner.grouping.companions import share_out
    from scanner.grouping.merging import merge
    from scanner.grouping.places import find_places
    from scanner.grouping.verdicts import describe

    places = find_places(tracks)
    wholes = merge(album for place in places for album in albums_in(place))
    companions = share_out(sides, wholes)
    groups = [describe(whole, companions.get(index, ()), NAME) for index, whole in enumerate(wholes)]
    return sorted(groups, key=lambda one: (one.folders[0], one.key))


KIND = Kind(
    name=NAME,
    audio_extensions=frozenset(_AUDIO.split()),
    roles_by_name={ending: role for role, endings in _ENDINGS.items() for ending in endings.split()},
    roles_by_extension={ext: role for role, extensions in _EXTENSIONS.items() for ext in extensions.split()},
    group=group,
)

role_of = KIND.role_of
