"""Audio files and what lies beside them → music albums."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from scanner.grouping.groups import FolderTracks, Group, SideRow
from scanner.kinds import Kind

if TYPE_CHECKING:
    from scanner.grouping.chosen import Choice
    from scanner.grouping.sheets import Sheets

NAME = "music_album"
NOTHING_SAID: Mapping[bytes, Choice] = MappingProxyType({})

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
    "packed": " ".join(["zip rar 7z", *(f"r{part:02}" for part in range(100))]),
    # Music; beside some that is read it goes along.
    "unread": "shn aa aax aaxc m4p m4r mka weba webm ac3 eac3 dts mlp thd ra caf w64 bwf wave au oma kgm ncm",
}


def group_folders(
    folders: Iterable[FolderTracks],
    sides: Iterable[SideRow],
    choices: Mapping[bytes, Choice] = NOTHING_SAID,
    taken: Iterable[str] = (),
    *,
    sheets: Sheets | None = None,
    each_track: bool = False,
) -> list[Group]:
    """Put every track into exactly one album; a side file that no album claims is in none of them.

    What a person said of files, by path, comes before all rules. The order of the rows does not matter. Groups come in
    the order of their folders. Nothing is raised, whatever the tags and names hold. `taken` are keys that other
    groups have, `sheets` what cue sheets say of images whose tags lack something, by file id. `each_track` looks at
    every track where a look at the folder would do; what comes of it is the same.
    """
    # An unchanged tree is not grouped again, and a scan of it starts quicker without these.
    from scanner.grouping.chosen import apart, folders_apart, together
    from scanner.grouping.companions import share_out
    from scanner.grouping.merging import merge
    from scanner.grouping.places import find_places
    from scanner.grouping.tidy import parts_in
    from scanner.grouping.verdicts import describe

    rest, said = (folders, {}) if not choices else folders_apart(folders, choices)
    others, said_sides = (sides, {}) if not choices else apart(sides, choices)
    keys = set(taken)
    wholes = merge(
        (part for place in find_places(rest, sheets) for part in parts_in(place, each_track=each_track)), keys
    )
    chosen = together(said, choices, keys)
    first = len(wholes)
    wholes += chosen.values()
    companions = share_out(others, wholes)
    for index, name in enumerate(chosen, first):
        companions[index] = [*companions.get(index, ()), *said_sides.get(name, ())]
    groups = [describe(whole, companions.get(index, ()), NAME) for index, whole in enumerate(wholes)]
    return sorted(groups, key=lambda one: (one.folders[0], one.key))


KIND = Kind(
    name=NAME,
    audio_extensions=frozenset(_AUDIO.split()),
    roles_by_name={ending: role for role, endings in _ENDINGS.items() for ending in endings.split()},
    roles_by_extension={ext: role for role, extensions in _EXTENSIONS.items() for ext in extensions.split()},
    group=group_folders,
)

role_of = KIND.role_of
