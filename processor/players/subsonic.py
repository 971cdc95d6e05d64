"""Subsonic, Navidrome, gonic and their like: one API, whose errors come with HTTP 200; Navidrome scans single folders.

Most cannot say where a file is, so an album is found by its names; and most scan everything or nothing.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from pydantic import Field

from processor.players.paths import components, within
from processor.players.player import (
    LONGEST,
    Health,
    Line,
    Player,
    PlayerKind,
    Sight,
    SignIn,
    Step,
    Told,
    Wanted,
    believed,
)

VERSION: Final = "1.12.0"  # of the API: every server since 2015, and all we ask for
ALBUMS: Final = 500  # of a search, looked at: there are many of a word as "Live"; more no server takes
_CLEAR: Final = (10, 41)  # it wants a password, not a token: of an old server, or one that keeps none itself
_SIGN_IN: Final = (40, 41, 42, 43, 44, 50)


class _Error(Told):
    code: int = 0
    message: str = ""


class _Folder(Told):
    id: str


class _Folders(Told):
    folders: tuple[_Folder, ...] = Field((), alias="musicFolder")


class _Scan(Told):
    scanning: bool


class _Album(Told):
    id: str
    name: str | None = None
    artist: str | None = None
    tracks: int | None = Field(None, alias="songCount")
    release_id: str | None = Field(None, alias="musicBrainzId")


class _Found(Told):
    albums: tuple[_Album, ...] = Field((), alias="album")


class _Body(Told):
    status: str
    version: str = ""
    kind: str | None = Field(None, alias="type")
    server_version: str | None = Field(None, alias="serverVersion")
    error: _Error | None = None
    folders: _Folders = Field(_Folders(), alias="musicFolders")
    scan: _Scan | None = Field(None, alias="scanStatus")
    found: _Found = Field(_Found(), alias="searchResult3")


class _Answer(Told):
    body: _Body = Field(alias="subsonic-response")


class Subsonic(PlayerKind):
    """Any server of the Subsonic API."""

    name = "subsonic"
    title = "Subsonic, Navidrome, gonic"
    example = "http://nas:4533"
    hint = "A user who may start scans: an admin of it."
    signs_in: ClassVar[SignIn] = "password"

    def params(self, player: Player) -> Mapping[str, str]:
        """Return what every call brings; who asks is proven call by call, see `_ask`."""
        return {"v": VERSION, "c": "greenroom", "f": "json"}

    def check(self, line: Line) -> Health:
        """Return its version; whether the user may start scans shows only when one is started."""
        body = self._ask(line, "ping")
        self._ask(line, "getScanStatus")
        name = " ".join(filter(None, [body.kind or "Subsonic API", body.server_version or body.version]))
        return Health(name[:LONGEST])

    def roots(self, line: Line) -> Sequence[str]:
        """Return nothing: it names its folders, and never says where they are."""
        return []

    def ladder(self, line: Line, *, is_new: bool) -> Sequence[Step]:
        """Only Navidrome looks at single folders, and only where one can be named."""
        return ("folder", "parent", "all") if self._library(line) else ("all",)

    def scanning(self, line: Line) -> bool:
        """Whether it looks through its folders."""
        scan = self._ask(line, "getScanStatus").scan
        return scan is not None and scan.scanning

    def tell(self, line: Line, folder: str | None) -> None:
        """Start a scan: of a folder, as Navidrome names it, by its library and the way from there, or of everything."""
        roots = [pair.theirs for pair in line.player.path_map if within(folder or "", pair.theirs)]
        library = self._library(line) if folder and roots else None
        below = components(folder or "")[len(components(max(roots, key=len, default=""))) :]
        target = f"{library}:{'/'.join(below)}" if library and below else None
        self._ask(line, "startScan", {"target": target} if target else {})

    def _library(self, line: Line) -> str | None:
        """Return Navidrome's only library; None of other servers, and where the path map does not say where it is."""
        if not line.player.path_map or self._ask(line, "ping").kind != "navidrome":
            return None
        libraries = self._ask(line, "getMusicFolders").folders.folders
        return libraries[0].id if len(libraries) == 1 else None

    def find(self, line: Line, wanted: Wanted) -> Sight | None:
        """Return the album of the MusicBrainz id, or of the same title and artist."""
        albums = (album for title in wanted.titles for album in self._titled(line, title))
        found = next((album for album in albums if _is(album, wanted)), None)
        return Sight(found.id, found.tracks, found.name) if found else None

    def _titled(self, line: Line, title: str) -> Sequence[_Album]:
        asked = {"query": title, "albumCount": ALBUMS, "artistCount": 0, "songCount": 0}
        return self._ask(line, "search3", asked).found.albums

    def _ask(self, line: Line, method: str, params: Mapping[str, Any] | None = None) -> _Body:
        """Call a method. Raises Rejected with its own words when it refuses."""
        body = self._once(line, method, {**_token(line.player), **(params or {})})
        if body.error is not None and body.error.code in _CLEAR:
            body = self._once(line, method, {**_clear(line.player), **(params or {})})
        if body.status != "ok":
            error = body.error or _Error()
            code = "unauthorized" if error.code in _SIGN_IN else "player_refused"
            raise line.refused(f"{method}: {error.message[:LONGEST]} (error {error.code})", code)
        return body

    def _once(self, line: Line, method: str, params: Mapping[str, Any]) -> _Body:
        return believed(line, _Answer, line.get(f"/rest/{method}.view", params)).body


def _is(album: _Album, wanted: Wanted) -> bool:
    if album.release_id and album.release_id == wanted.album.release_id:
        return True
    known = album.artist is None or not wanted.artist_names or wanted.is_by(album.artist)
    return wanted.is_called(album.name) and known


def _token(player: Player) -> dict[str, str]:
    """Return the proof that keeps the password out of the request."""
    salt = secrets.token_hex(8)
    proof = hashlib.md5(f"{player.secret or ''}{salt}".encode(), usedforsecurity=False).hexdigest()
    return {"u": player.user or "", "t": proof, "s": salt}


def _clear(player: Player) -> dict[str, str]:
    """Return the password itself, in hex, for servers that cannot check a token."""
    return {"u": player.user or "", "p": f"enc:{(player.secret or '').encode().hex()}"}


PLAYER = Subsonic()
