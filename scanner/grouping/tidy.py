"""A folder whose files say the same of their album, and lack nothing → that album, without a look at each of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import count, repeat
from operator import attrgetter, eq
from typing import Literal, NamedTuple

from scanner.grouping.albums import Album, albums_in, folded_names
from scanner.grouping.credits import Credit, credit_of
from scanner.grouping.discs import split_disc
from scanner.grouping.folding import is_misread
from scanner.grouping.groups import FolderTracks
from scanner.grouping.names import may_tell_disc
from scanner.grouping.placeholders import is_no_title
from scanner.grouping.places import Place
from scanner.grouping.tracks import Track, all_known, known, release_id_of

_said_of_the_album = attrgetter(
    "album", "album_artist", "compilation", "track_total", "disc", "disc_total", "year", "release_id", "problem"
)
_ONLY_DISC = (None, 1)


class Tidy(NamedTuple):
    """The one album of a folder, its tracks 1, 2, 3 … in the order of their names. May be asked as an Album is."""

    place: Place
    release_id: str | None
    title: str
    credit: Credit
    year: int
    titles: Sequence[str]
    title_source: Literal["tag"] = "tag"
    strays: tuple[Track, ...] = ()

    @property
    def rows(self) -> FolderTracks:
        """What the scan knows of its files."""
        return self.place.folders[0]

    @property
    def tracks(self) -> tuple[Track, ...]:
        """All tracks, one by one, to be compared with those of other albums."""
        return self.place.tracks

    @property
    def first(self) -> tuple[bytes, bytes]:
        """Folder and name of the first file."""
        return self.rows.folder, self.rows.name[0]

    @property
    def files(self) -> Iterable[tuple[bytes, bytes]]:
        """Folder and name of every file."""
        return zip(repeat(self.rows.folder), self.rows.name, strict=False)

    @property
    def folders(self) -> set[bytes]:
        """Its folder."""
        return {self.rows.folder}

    @property
    def names(self) -> tuple[str, str] | None:
        """Folded artist and title, the same for every spelling."""
        return folded_names(self.credit, self.title)


Part = Album | Tidy


def parts_in(place: Place, *, each_track: bool) -> Sequence[Part]:
    """Return the albums of a place; `each_track` takes the long way, which must come to the same."""
    album = None if each_track else tidy(place)
    return [album] if album else albums_in(place)


def tidy(place: Place) -> Tidy | None:
    """Return the album of a tidy folder, as all steps for other places would find it; None when they are needed."""
    if len(place.folders) > 1 or place.disc_folders or place.is_root:
        return None
    rows = place.folders[0]
    columns = _said_of_the_album(rows)
    said = [column[0] for column in columns if column.count(column[0]) == len(column)]
    if len(said) < len(columns) or not all(map(eq, rows.track, count(1))):
        return None
    raw_album, _, compilation, total, disc, disc_total, year, release_id, problem = said
    album, disc_of_album = split_disc(known(raw_album) or "")
    if problem is not None or not (album and year) or disc_of_album or (total or 0) > len(rows.name):
        return None
    if disc not in _ONLY_DISC or disc_total not in _ONLY_DISC or (disc is None and may_tell_disc(*rows.name)):
        return None
    credit, titles = _credit(rows, flagged=compilation is True), all_known(rows.title)
    if (
        credit.source != "tag"
        or titles is None
        or is_no_title(titles[0])
        or is_misread(rows.artist[0], raw_album, rows.title[0])
    ):
        return None
    return Tidy(place, release_id_of(release_id), album, credit, year, titles)


def _credit(rows: FolderTracks, *, flagged: bool) -> Credit:
    """Decide by what all files say; two of them stand for all, because one alone is judged in another way."""
    album_artist, artist = known(rows.album_artist[0]), known(rows.artist[0])
    if not album_artist and rows.artist.count(rows.artist[0]) < len(rows.artist):
        return Credit(None, None)
    several = min(len(rows.artist), 2)
    return credit_of([album_artist] * several if album_artist else [], [artist] * several if artist else [], flagged)
