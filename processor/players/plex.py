"""Plex: each music section that has a folder is asked to look there; albums are found by the files of their tracks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import Field

from processor.players.paths import within
from processor.players.player import (
    LONGEST,
    STRANGE,
    Health,
    Line,
    Player,
    PlayerKind,
    Sight,
    Told,
    Wanted,
    believed,
    same_name,
)

ALBUM: Final = 9  # Plex's number of the type
MUSIC: Final = "artist"  # the type of a music section
CANDIDATES: Final = 10  # albums of one title whose files are looked at, those of the artist first
_IDENTITY: Final = {
    "X-Plex-Client-Identifier": "greenroom", "X-Plex-Product": "Greenroom", "X-Plex-Platform": "Linux",
    "X-Plex-Device-Name": "Greenroom",
}  # fmt: skip


class _Location(Told):
    path: str


class _Section(Told):
    key: str
    type: str
    refreshing: bool = False
    locations: tuple[_Location, ...] = Field((), alias="Location")


class _Part(Told):
    file: str | None = None


class _Media(Told):
    parts: tuple[_Part, ...] = Field((), alias="Part")


class _Metadata(Told):
    id: str = Field(alias="ratingKey")
    title: str | None = None
    artist: str | None = Field(None, alias="parentTitle")
    artist_id: str | None = Field(None, alias="parentRatingKey")
    tracks: int | None = Field(None, alias="leafCount")
    media: tuple[_Media, ...] = Field((), alias="Media")


class _Container(Told):
    version: str | None = None
    sections: tuple[_Section, ...] = Field((), alias="Directory")
    metadata: tuple[_Metadata, ...] = Field((), alias="Metadata")


class _Answer(Told):
    container: _Container = Field(alias="MediaContainer")


class Plex(PlayerKind):
    """Plex Media Server."""

    name = "plex"
    title = "Plex"
    example = "http://nas:32400"
    hint = "X-Plex-Token; Plex's support pages say how to find yours."
    patience: ClassVar[float] = 60

    def headers(self, player: Player) -> Mapping[str, str]:
        """Return the token, and who we are, which Plex shows among its devices."""
        return {**_IDENTITY, **({"X-Plex-Token": player.secret} if player.secret else {})}

    def check(self, line: Line) -> Health:
        """Return its version; note when it has no music."""
        version = self._ask(line, "/identity").version
        sections = self._music(line)
        return Health(f"Plex {version or 'of unknown version'}"[:LONGEST], () if sections else ("it has no music",))

    def roots(self, line: Line) -> Sequence[str]:
        """Return the folders of its music sections."""
        return [place.path for section in self._music(line) for place in section.locations]

    def scanning(self, line: Line) -> bool:
        """Whether any music section is being looked through."""
        return any(section.refreshing for section in self._music(line))

    def tell(self, line: Line, folder: str | None) -> None:
        """Ask each section the folder is in. Raises Rejected when it is in none: Plex would answer, and do nothing."""
        sections = self._music(line)
        holding = [one for one in sections if folder is None or any(within(folder, at.path) for at in one.locations)]
        if not holding:
            places = ", ".join(place.path for section in sections for place in section.locations) or "none"
            raise line.refused(f"{folder} is in none of its music folders: {places[:LONGEST]}", STRANGE)
        for section in holding:
            path = {} if folder is None else {"path": folder}
            line.get(f"/library/sections/{section.key}/refresh", path, accept="any")

    def find(self, line: Line, wanted: Wanted) -> Sight | None:
        """Return the album of the title that has a file in the folder."""
        for album in (album for title in wanted.titles for album in self._titled(line, wanted, title)):
            if wanted.folder is None:
                return Sight(album.id, album.tracks, album.title)
            tracks = self._ask(line, f"/library/metadata/{album.id}/children").metadata
            files = [part.file for track in tracks for media in track.media for part in media.parts]
            if any(file and within(file, wanted.folder) for file in files):
                return Sight(album.id, album.tracks or len(tracks), album.title)
        return None

    def refresh(self, line: Line, wanted: Wanted, sight: Sight, *, is_new: bool) -> None:
        """Let it look at pictures again, which a scan does not: of an album it had before, and of its artist."""
        artists = [one.artist_id for one in self._ask(line, f"/library/metadata/{sight.id}").metadata]
        for one in [*filter(None, artists), *([] if is_new else [sight.id])]:
            line.put(f"/library/metadata/{one}/refresh")

    def _titled(self, line: Line, wanted: Wanted, title: str) -> Iterator[_Metadata]:
        for section in self._music(line):
            asked = {"type": ALBUM, "title": title}
            found = self._ask(line, f"/library/sections/{section.key}/all", asked).metadata
            called = [album for album in found if same_name(album.title, title)]
            yield from sorted(called, key=lambda album: not wanted.is_by(album.artist))[:CANDIDATES]

    def _music(self, line: Line) -> list[_Section]:
        return [section for section in self._ask(line, "/library/sections").sections if section.type == MUSIC]

    def _ask(self, line: Line, path: str, params: Mapping[str, Any] | None = None) -> _Container:
        return believed(line, _Answer, line.get(path, params)).container


PLAYER = Plex()
