"""The types of pictures → what is ideal for each, as a table: sizes, whether text is wanted, which setting limits it.

Sizes are what Kodi, Jellyfin and Plex show at their largest; names are theirs, and Cover Art Archive's for albums.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final, Literal, NamedTuple

COVER_LEAST: Final = 300  # pixels; a smaller cover is worse than none


class PictureType(NamedTuple):
    """What one type of picture should be. Sizes are width and height in pixels."""

    name: str
    of: Literal["album", "artist"]
    ideal: tuple[int, int]  # enough for every screen a player has; gives the aspect, too
    best: tuple[int, int]  # beyond it more pixels add nothing
    text: Literal["wanted", "unwanted", "any"]  # whether it should have text in the wanted language, none, or either
    limit: str  # the setting that says how many are selected
    least: int = 0  # the shorter side below which it is refused
    is_background: bool = False  # refused below the setting `min_resolution`, too

    @property
    def aspect(self) -> float:
        """Ideal width over height."""
        return self.ideal[0] / self.ideal[1]


_TABLE: Final = (
    PictureType("front", "album", (1000, 1000), (3000, 3000), "any", "max_poster", COVER_LEAST),
    PictureType("back", "album", (1000, 1000), (3000, 3000), "any", "max_other", COVER_LEAST),
    PictureType("disc", "album", (1000, 1000), (1500, 1500), "any", "max_other", COVER_LEAST),
    PictureType("booklet", "album", (1000, 1000), (3000, 3000), "any", "max_other", COVER_LEAST),
    PictureType("fanart", "album", (1920, 1080), (3840, 2160), "unwanted", "max_fanart", is_background=True),
    PictureType("thumb", "artist", (1000, 1000), (3000, 3000), "unwanted", "max_poster", COVER_LEAST),
    PictureType("fanart", "artist", (1920, 1080), (3840, 2160), "unwanted", "max_fanart", is_background=True),
    PictureType("logo", "artist", (800, 310), (1600, 620), "wanted", "max_logo", 100),
    PictureType("clearart", "artist", (1000, 562), (2000, 1124), "wanted", "max_other", 200),
    PictureType("banner", "artist", (1000, 185), (2000, 370), "wanted", "max_other", 100),
    PictureType("landscape", "artist", (1000, 562), (1920, 1080), "wanted", "max_other", 200),
)
# By what it is a picture of, and its name.
TYPES: Final = MappingProxyType({(one.of, one.name): one for one in _TABLE})
