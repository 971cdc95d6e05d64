"""Kodi, by JSON-RPC over HTTP: one folder looked at a time, found by its path, and given what no scan shows it.

Kodi answers OK to a scan whatever it makes of it. One asked for while another runs starts nothing and stops that other,
so nothing is asked before it is idle. A new folder in one whose listing it remembers does not exist to it: the parent
is asked first. Its scans look at audio and pictures: a new album.nfo beside unchanged ones, and whatever changes in the
folder of an artist it knows, are never read, so they are set through its own interface. A folder that changed is added
again, to the album that has the id of the tags, or none where they have none; so it is given that id before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import unquote

from pydantic import Field, ValidationError

from processor.players.kodi_details import album_texts, art_changes, artist_texts, as_folder, picture_url
from processor.players.paths import joined
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
    same_name,
)

MAX_SONGS: Final = 1000  # of one folder, looked at for the album's
_NO_NFO: Final = (
    'its setting "Fetch additional information during updates" is off, so it reads no NFO file: turn it on under '
    "Settings, Media, Music"
)


class _Error(Told):
    code: int
    message: str = ""


class _Envelope(Told):
    error: _Error | None = None
    result: Any = None


class _Version(Told):
    major: int
    minor: int
    tag: str = ""


class _Application(Told):
    name: str
    version: _Version


class _Source(Told):
    file: str


class _Sources(Told):
    sources: tuple[_Source, ...] = ()


class _Song(Told):
    albumid: int
    album: str = ""


class _Songs(Told):
    songs: tuple[_Song, ...] = ()


class _Album(Told):
    artistid: tuple[int, ...] = ()
    art: Mapping[str, str] = {}
    release_id: str = Field("", alias="musicbrainzalbumid")


class _AlbumDetails(Told):
    albumdetails: _Album


class _Artist(Told):
    artist: str = ""
    art: Mapping[str, str] = {}


class _ArtistDetails(Told):
    artistdetails: _Artist


class _Texture(Told):
    textureid: int


class _Textures(Told):
    textures: tuple[_Texture, ...] = ()


class Kodi(PlayerKind):
    """Kodi, which plays where it shows."""

    name = "kodi"
    title = "Kodi"
    example = "http://livingroom:8080"
    hint = "Settings, Services, Control: allow remote control via HTTP, with a user name and a password."
    signs_in: ClassVar[SignIn] = "password"
    patience: ClassVar[float] = 10

    def headers(self, player: Player) -> Mapping[str, str]:
        """Return HTTP's basic authentication."""
        return player.basic

    def check(self, line: Line) -> Health:
        """Return its version; note when it reads no NFO."""
        if self._ask(line, "JSONRPC.Ping") != "pong":
            raise line.refused("it does not answer a ping as Kodi does", "not_a_player")
        found = self._read(line, _Application, "Application.GetProperties", {"properties": ["name", "version"]})
        setting = self._ask(line, "Settings.GetSettingValue", {"setting": "musiclibrary.downloadinfo"})
        notes = (_NO_NFO,) if setting == {"value": False} else ()
        version = found.version
        return Health(f"{found.name[:LONGEST]} {version.major}.{version.minor} {version.tag[:LONGEST]}".strip(), notes)

    def roots(self, line: Line) -> Sequence[str]:
        """Return the sources of its music."""
        found = self._read(line, _Sources, "Files.GetSources", {"media": "music"})
        folders = [folder for source in found.sources for folder in _folders(source.file)]
        return [folder for folder in folders if folder.startswith(("/", "\\")) or ":" in folder]

    def ladder(self, line: Line, *, is_new: bool) -> Sequence[Step]:
        """Begin with the parent of a new folder."""
        return ("parent", "folder", "root", "all") if is_new else ("folder", "parent", "root", "all")

    def playing(self, line: Line) -> bool:
        """Whether anything plays, be it a film."""
        return bool(self._ask(line, "Player.GetActivePlayers"))

    def scanning(self, line: Line) -> bool:
        """Whether it looks through any of its folders."""
        words = ["Library.IsScanningMusic", "Library.IsScanning"]
        found = self._ask(line, "XBMC.GetInfoBooleans", {"booleans": words})
        return isinstance(found, dict) and any(found.values())

    def tell(self, line: Line, folder: str | None) -> None:
        """Ask for a scan; it must be idle."""
        directory = "" if folder is None else as_folder(folder)
        self._ask(line, "AudioLibrary.Scan", {"directory": directory, "showdialogs": False})

    def find(self, line: Line, wanted: Wanted) -> Sight | None:
        """Return the album its songs in the folder belong to; of several the one of the title, or of most songs."""
        if wanted.folder is None:
            return None
        rule = {"field": "path", "operator": "startswith", "value": as_folder(wanted.folder)}
        asked = {"filter": rule, "properties": ["albumid", "album"], "limits": {"start": 0, "end": MAX_SONGS}}
        songs = self._read(line, _Songs, "AudioLibrary.GetSongs", asked).songs
        if not songs:
            return None
        counted = Counter(song.albumid for song in songs)
        titles = {song.albumid: song.album for song in songs}
        best = max(counted, key=lambda one: (wanted.is_called(titles[one]), counted[one]))
        return Sight(str(best), counted[best], titles[best])

    def prepare(self, line: Line, wanted: Wanted) -> None:
        """Let an album have the id its tags have, by which a scan finds it again: else it would make another one of it.

        Its id comes back with `refresh`.
        """
        sight = self.find(line, wanted)
        if sight is None:
            return
        asked = {"albumid": int(sight.id), "properties": ["musicbrainzalbumid"]}
        shown = self._read(line, _AlbumDetails, "AudioLibrary.GetAlbumDetails", asked).albumdetails
        tagged_id = wanted.tagged.release_id or ""
        if shown.release_id != tagged_id:
            changed = {"albumid": int(sight.id), "musicbrainzalbumid": tagged_id}
            self._ask(line, "AudioLibrary.SetAlbumDetails", changed)

    def refresh(self, line: Line, wanted: Wanted, sight: Sight, *, is_new: bool) -> None:
        """Set what the NFO files say, and which pictures there are; let it look at changed ones anew."""
        album_id = int(sight.id)
        asked = {"albumid": album_id, "properties": ["artistid", "art"]}
        shown = self._read(line, _AlbumDetails, "AudioLibrary.GetAlbumDetails", asked).albumdetails
        art = {} if wanted.folder is None else art_changes(shown.art, wanted.folder, wanted.pictures)
        if texts := {**album_texts(wanted.album), **({"art": art} if art else {})}:
            self._ask(line, "AudioLibrary.SetAlbumDetails", {"albumid": album_id, **texts})
        if wanted.folder is not None:
            self._forget_pictures(line, picture_url(as_folder(wanted.folder)))
        for artist_id in shown.artistid:
            self._refresh_artist(line, artist_id, wanted)

    def _refresh_artist(self, line: Line, artist_id: int, wanted: Wanted) -> None:
        asked = {"artistid": artist_id, "properties": ["art"]}
        shown = self._read(line, _ArtistDetails, "AudioLibrary.GetArtistDetails", asked).artistdetails
        known = next((artist for artist in wanted.artists if same_name(artist.name, shown.artist)), None)
        if known is None:
            return
        art: Mapping[str, str | None] = {}
        if known == wanted.artists[0] and wanted.artist_folder is not None:
            art = art_changes(shown.art, wanted.artist_folder, wanted.artist_pictures)
            for name in wanted.artist_pictures:
                self._forget_pictures(line, picture_url(joined(wanted.artist_folder, [name])) + "/")
        if texts := {**artist_texts(known), **({"art": art} if art else {})}:
            self._ask(line, "AudioLibrary.SetArtistDetails", {"artistid": artist_id, **texts})

    def _forget_pictures(self, line: Line, url: str) -> None:
        """Drop the copies of pictures whose URL begins so, which it would show for a day more."""
        rule = {"field": "url", "operator": "startswith", "value": url}
        found = self._read(line, _Textures, "Textures.GetTextures", {"properties": ["url"], "filter": rule})
        for texture in found.textures:
            self._ask(line, "Textures.RemoveTexture", {"textureid": texture.textureid})

    def clean(self, line: Line) -> None:
        """Let it forget what is not there any more."""
        self._ask(line, "AudioLibrary.Clean", {"showdialogs": False})

    def _read(self, line: Line, model: type[Any], method: str, params: Mapping[str, Any]) -> Any:
        """Return a result as what it should be; Kodi leaves lists out that are empty."""
        try:
            return model.model_validate(self._ask(line, method, params) or {})
        except ValidationError:
            raise line.refused(f"its answer to {method} is not Kodi's", "bad_answer") from None

    def _ask(self, line: Line, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Call a method and return its result. Raises Rejected with Kodi's own words when it refuses."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}
        answer = believed(line, _Envelope, line.post("/jsonrpc", body))
        if not answer.model_fields_set & {"result", "error"}:
            raise line.refused(f"its answer to {method} is not Kodi's", "bad_answer")
        if answer.error is not None:
            raise line.refused(f"{method}: {answer.error.message[:LONGEST]} ({answer.error.code})")
        return answer.result


def _folders(source: str) -> list[str]:
    """Return the folders of a source; of several Kodi makes one URL (CMultiPathDirectory of xbmc/filesystem)."""
    several = source.removeprefix("multipath://")
    return [source] if several == source else [unquote(folder) for folder in several.split("/") if folder]


PLAYER = Kodi()
