"""Lyrion Music Server, by its JSON interface: folders rescanned by URL, albums found by the files of their tracks."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, ClassVar, Final
from urllib.parse import quote, unquote, urlsplit

from pydantic import Field

from processor.players.paths import is_windows, within
from processor.players.player import (
    LONGEST,
    Health,
    Line,
    Player,
    PlayerKind,
    Sight,
    SignIn,
    Told,
    Wanted,
    believed,
    same_name,
)

CANDIDATES: Final = 10  # albums of one title whose files are looked at, those of the artist first
ALBUMS: Final = 500  # with a title in theirs, looked at for one of this title
TRACKS: Final = 500


class _Result(Told):
    scanning: int = Field(0, alias="_rescan")
    version: str | None = None
    directories: Any = Field(None, alias="_p2")
    albums: tuple[_Album, ...] = Field((), alias="albums_loop")
    titles: tuple[_Title, ...] = Field((), alias="titles_loop")


class _Album(Told):
    id: str
    album: str | None = None
    artist: str | None = None


class _Title(Told):
    url: str | None = None


class _Answer(Told):
    result: _Result


class Lyrion(PlayerKind):
    """Lyrion, which was Logitech Media Server."""

    name = "lyrion"
    title = "Lyrion"
    example = "http://nas:9000"
    hint = "Settings, Advanced, Security: only where a user name and a password are set there."
    signs_in: ClassVar[SignIn] = "password"
    patience: ClassVar[float] = 30

    def headers(self, player: Player) -> Mapping[str, str]:
        """Return HTTP's basic authentication, where it wants one."""
        return player.basic

    def check(self, line: Line) -> Health:
        """Return its version."""
        version = self._ask(line, "serverstatus", 0, 0).version
        if version is None:
            raise line.refused("it does not tell a version as Lyrion does", "not_a_player")
        return Health(f"Lyrion {version}"[:LONGEST])

    def roots(self, line: Line) -> Sequence[str]:
        """Return the folders of its music."""
        found = self._ask(line, "pref", "mediadirs", "?").directories
        return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []

    def scanning(self, line: Line) -> bool:
        """Whether it looks through its folders."""
        return bool(self._ask(line, "rescan", "?").scanning)

    def tell(self, line: Line, folder: str | None) -> None:
        """Ask it to look for what is new and changed, in a folder or everywhere."""
        self._ask(line, *(["rescan"] if folder is None else ["rescan", "full", file_url(folder)]))

    def find(self, line: Line, wanted: Wanted) -> Sight | None:
        """Return the album of the title that has a file in the folder."""
        for album in (album for title in wanted.titles for album in self._titled(line, wanted, title)):
            titles = self._ask(line, "titles", 0, TRACKS, f"album_id:{album.id}", "tags:u").titles
            files = [path_of(track.url) for track in titles if track.url]
            if wanted.folder is None or any(within(file, wanted.folder) for file in files):
                return Sight(album.id, len(titles), album.album)
        return None

    def _titled(self, line: Line, wanted: Wanted, title: str) -> Sequence[_Album]:
        albums = self._ask(line, "albums", 0, ALBUMS, f"search:{title}", "tags:la").albums
        called = [album for album in albums if same_name(album.album, title)]
        return sorted(called, key=lambda album: not wanted.is_by(album.artist))[:CANDIDATES]

    def _ask(self, line: Line, *words: str | int) -> _Result:
        """Make one request of no player; Lyrion's way to say no is an empty result."""
        body = {"id": 1, "method": "slim.request", "params": [0, list(words)]}
        return believed(line, _Answer, line.post("/jsonrpc.js", body)).result


def file_url(path: str) -> str:
    """Return a folder as the URL Lyrion wants, also of Windows."""
    if is_windows(path):
        path = PureWindowsPath(path).as_posix()
        return ("file:" if path.startswith("//") else "file:///") + quote(os.fsencode(path), safe=":/")
    return f"file://{quote(os.fsencode(PurePosixPath(path)))}" if path.startswith("/") else quote(path, safe=":/")


def path_of(url: str) -> str:
    """Return the path of a file's URL; of Windows without the slash before the drive."""
    path = unquote(urlsplit(url).path)
    return path[1:] if path[2:3] == ":" else path


PLAYER = Lyrion()
