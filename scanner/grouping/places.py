"""Audio rows of a scan → places: a folder with its disc folders, whose tracks are read together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from scanner.grouping.album_names import AlbumName
from scanner.grouping.called import with_names
from scanner.grouping.folder_names import Beside, Named, named_in
from scanner.grouping.folding import fold
from scanner.grouping.groups import FolderTracks
from scanner.grouping.settling import in_style, settle_discs
from scanner.grouping.spots import Spots, find_spots
from scanner.grouping.tracks import Track, present

if TYPE_CHECKING:
    from scanner.grouping.sheets import Sheets


class Place:
    """A folder with its disc folders, and the audio files in them, by folder and name."""

    def __init__(
        self, folders: Sequence[FolderTracks], spots: Spots, beside: Beside, sheets: Sheets | None = None
    ) -> None:
        spot = next(iter(spots.values()))
        self.folders = folders
        self._sheets = sheets
        self._beside = beside
        self._discs = {folder: spot.disc for folder, spot in spots.items()}  # what the names of the folders say
        self.disc_folders = sum(disc is not None for disc in self._discs.values())
        self.title = spot.title  # the folder's name, without the disc: "Artist - Album (1999)"
        # the folder that holds the album's own, perhaps the artist's
        self.above = spot.home if spot.label else spot.home.rpartition(b"/")[0]
        # a lone "Album (Disc 1)" is its own home
        self.home = folders[0].folder if spot.label and len(folders) == 1 else spot.home

    @cached_property
    def tracks(self) -> tuple[Track, ...]:
        """All files, one by one; made when somebody asks, because most albums are told without."""
        tracks = [present(row) for folder in self.folders for row in folder.rows()]
        if self._sheets:
            from scanner.grouping.sheets import fill  # few scans meet an image without tags

            tracks = [fill(track, self._sheets.get(track.row.file_id)) for track in tracks]
        if self.disc_folders:
            tracks = settle_discs(tracks, self._discs)
        else:
            tracks = with_names(tracks, self.title if self.home else "")
        return tuple(in_style(tracks))

    @property
    def named(self) -> AlbumName:
        """What its folder is called, as far as that and those it lies in tell."""
        return self._named.name

    @property
    def artist_above(self) -> str | None:
        """Whose the folder above says it is; None if that is nobody's, or is not sure."""
        return self._named.above

    @cached_property
    def _named(self) -> Named:
        singers = (name for track in self.tracks for name in (track.album_artist, track.artist, track.named_artist))
        return named_in(self.title, self.above, self._beside, {fold(name) for name in singers if name})

    @property
    def is_root(self) -> bool:
        """Whether these are the loose files of the inbound root, which have nothing in common."""
        return self.home == b"" and not self.disc_folders


def find_places(folders: Iterable[FolderTracks], sheets: Sheets | None = None) -> list[Place]:
    """Put each folder together with its disc folders."""
    by_name = {folder.folder: folder for folder in folders}
    found = find_spots([by_name[name] for name in sorted(by_name)])
    beside = Beside()
    places = [Place([by_name[name] for name in spots], spots, beside, sheets) for spots in found]
    beside.titles = ((place.above, place.title) for place in places)
    return places
