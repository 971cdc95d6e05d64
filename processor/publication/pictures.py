"""Selected pictures and the players that shall find them → the names each gets in an album's or artist's folder. Pure.

One row a type of picture; `{n}` of the names for further ranks counts from 1. A picture with several names is one file
with several hard links in an album that is published whole; what is put into a folder that is there, as an artist's is,
has a file for each name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Literal, NamedTuple

Profile = Literal["all", "kodi", "jellyfin", "plex", "navidrome"]
Of = Literal["album", "artist"]


class Picture(NamedTuple):
    """One picture that was selected."""

    type: str  # a name of processor.artwork.types
    rank: int  # 1 is the first of its type
    sha256: str  # of its bytes, in hex
    ext: str  # jpg, png …


class Names(NamedTuple):
    """What the first picture of a type is called, without its extension, and what the further ones are."""

    first: str
    others: str | None = None
    on_discs: bool = False  # repeated in the folder of each disc, where discs have folders


# Kodi: the file's name is the type, a family counts from 1 without a dash. Jellyfin has no `discart` of albums, and
# takes `fanart1` for nothing, but `backdrop1`. Plex wants the cover in disc 1, too; all discs have it, because
# Kodi reads a folder again when a picture in it changes, and may make two of an album it reads again in part.
# Navidrome: its default priorities.
_TABLE: Final[Mapping[tuple[Of, str], Mapping[Profile, Names]]] = {
    ("album", "front"): {
        "kodi": Names("folder", "thumb{n}"), "jellyfin": Names("folder"), "plex": Names("cover", on_discs=True),
        "navidrome": Names("cover"),
    },
    ("album", "back"): {"kodi": Names("back", "back{n}")},
    ("album", "booklet"): {"kodi": Names("booklet", "booklet{n}")},
    ("album", "disc"): {"kodi": Names("discart", "discart{n}"), "jellyfin": Names("disc")},
    ("album", "fanart"): {
        "kodi": Names("fanart", "fanart{n}"), "jellyfin": Names("fanart", "backdrop{n}"), "plex": Names("fanart"),
    },
    ("artist", "thumb"): {
        "kodi": Names("folder", "thumb{n}"), "jellyfin": Names("folder"), "plex": Names("poster"),
        "navidrome": Names("artist"),
    },
    ("artist", "fanart"): {
        "kodi": Names("fanart", "fanart{n}"), "jellyfin": Names("fanart", "backdrop{n}"), "plex": Names("fanart"),
    },
    ("artist", "logo"): {"kodi": Names("clearlogo", "clearlogo{n}"), "jellyfin": Names("clearlogo")},
    ("artist", "clearart"): {"kodi": Names("clearart", "clearart{n}"), "jellyfin": Names("clearart")},
    ("artist", "banner"): {"kodi": Names("banner", "banner{n}"), "jellyfin": Names("banner")},
    ("artist", "landscape"): {"kodi": Names("landscape", "landscape{n}"), "jellyfin": Names("landscape")},
}  # fmt: skip

# Jellyfin asks for the PNG first, MPD, too; Kodi for the JPEG; Navidrome sorts.
_FORMATS: Final = (b".jpg", b".jpeg", b".png", b".gif", b".webp", b".bmp", b".tbn")


def names(of: Of, pictures: Iterable[Picture], profile: Profile, discs: Sequence[bytes] = ()) -> dict[bytes, Picture]:
    """Return the pictures by the names they get, relative to the folder of the album or artist.

    `discs` are the folders of the discs, if they have any. The same input gives the same names in the same order.
    """
    ordered = sorted(pictures, key=lambda one: (one.type, one.rank, one.sha256))
    found: dict[bytes, Picture] = {}
    for picture in ordered:
        for player, known in _TABLE.get((of, picture.type), {}).items():
            if profile in ("all", player):
                for name in _called(known, picture.rank, discs):
                    found.setdefault(name + b"." + picture.ext.encode(), picture)
    return found


def rivals(named: Iterable[bytes]) -> list[bytes]:
    """Return the names under which players take a picture of another format for one of these, and some before it."""
    wanted = set(named)
    stems = dict.fromkeys(name.rpartition(b".")[0] for name in sorted(wanted))
    return [other for stem in stems for ext in _FORMATS if (other := stem + ext) not in wanted]


def _called(known: Names, rank: int, discs: Sequence[bytes]) -> Iterator[bytes]:
    if rank == 1:
        yield known.first.encode()
        if known.on_discs:
            yield from (disc + b"/" + known.first.encode() for disc in discs)
    elif known.others is not None:
        yield known.others.format(n=rank - 1).encode()
