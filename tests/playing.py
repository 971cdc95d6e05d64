"""What is on a disk → servers of this machine that show it as players do, with the habits measured on real ones."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from processor.metadata.known import AlbumMetadata, Credit
from processor.players.player import Wanted
from tests.providers import Provider, Reply, Seen, as_json

USER, SECRET = "eva", "s3cret pass/word"
REFUSED = Reply(401)
HTML = Reply(200, b"<!doctype html><title>Sign in</title>", kind="text/html; charset=utf-8")


@dataclass(frozen=True)
class Shelved:
    """An album on a player's disk, by its names there."""

    folder: str
    title: str
    artist: str = "Ädam"
    tracks: int = 2


def _is_in(one: Shelved, folder: str | None) -> bool:
    return folder is None or f"{one.folder}/".startswith(folder.rstrip("/\\") + "/")


def _shelved(folder: str, files: list[Path]) -> Shelved:
    import mutagen

    tags = mutagen.File(files[0]).tags
    return Shelved(folder, tags["album"][0], tags["artist"][0], len(files))


def wanted_of(shelved: Shelved, **more: Any) -> Wanted:
    """Return what a player should show of an album."""
    return Wanted(
        shelved.folder, AlbumMetadata(title=shelved.title, credits=(Credit(shelved.artist),), **more),
        tracks=shelved.tracks,
    )  # fmt: skip


@dataclass
class House:
    """One player: what is on its disk, what it shows, and what it was asked to look at."""

    disk: list[Shelved] = field(default_factory=list)
    shown: list[Shelved] = field(default_factory=list)
    asked: list[str | None] = field(default_factory=list)  # None: everything
    blind: set[str] = field(default_factory=set)  # folders it takes for missing, because it remembers their parent
    running: list[str | None] = field(default_factory=list)  # the scan that runs, and …
    looks: int = 0  # … for how many looks more
    lasts: int = 1  # looks that a scan lasts
    stopped: int = 0  # scans that another one stopped
    playing: bool = False
    details: dict[str, Any] = field(default_factory=dict)  # what it says of every album beside its songs
    calls: list[tuple[str, Any]] = field(default_factory=list)
    source: str = "smb://nas/music/"  # what Kodi calls its source of music
    mount: tuple[str, Path] | None = None  # its folder of music, and where that really is: then the disk is that

    def there(self) -> list[Shelved]:
        """Return what is on its disk: folders with music, by the tags of their first file."""
        if self.mount is None:
            return self.disk
        theirs, root = self.mount
        found: dict[Path, list[Path]] = {}
        for path in sorted(root.rglob("*.flac")):
            found.setdefault(path.parent, []).append(path)
        return [_shelved(f"{theirs}/{folder.relative_to(root)}", files) for folder, files in found.items()]

    def scan(self, folder: str | None) -> None:
        """Begin to look at a folder."""
        self.asked.append(folder and folder.rstrip("/"))
        self.running, self.looks = [folder], self.lasts
        if not self.lasts:
            self._end()

    def is_scanning(self) -> bool:
        """Whether it still looks; each time somebody asks it comes nearer to its end."""
        if self.running:
            self.looks -= 1
            if self.looks < 0:
                self._end()
        return bool(self.running)

    def _end(self) -> None:
        for folder in self.running:
            there = self.there()
            self.shown = [one for one in self.shown if one in there or not _is_in(one, folder)]
            inside = [one for one in there if _is_in(one, folder)]
            self.shown += [
                one for one in inside if one not in self.shown and (folder or "").rstrip("/") not in self.blind
            ]
        self.running = []

    def of(self, title: str) -> list[Shelved]:
        """Return what is shown of a title, whatever its case."""
        return [one for one in self.shown if title.casefold() in one.title.casefold()]


Answering = Callable[[Seen], Reply]


def serving(answers: Mapping[str, Answering], proves: Callable[[Seen], bool], refused: Reply = REFUSED) -> Provider:
    """Return a server that answers by path to whoever proves who it is."""
    provider = Provider()

    def guarded(answer: Answering) -> Answering:
        return lambda seen: answer(seen) if proves(seen) else refused

    provider.answers |= {path: guarded(answer) for path, answer in answers.items()}
    return provider


def by_password(seen: Seen) -> bool:
    """HTTP's basic authentication."""
    proof = base64.b64encode(f"{USER}:{SECRET}".encode()).decode()
    return seen.headers.get("authorization") == f"Basic {proof}"


def kodi(house: House) -> Provider:
    """Kodi: says OK to everything, and stops a running scan when it is asked for another."""

    def scan(directory: str = "", showdialogs: bool = True) -> str:
        assert not showdialogs
        if house.running:
            house.running, house.stopped = [], house.stopped + 1
        else:
            house.scan(directory or None)
        return "OK"

    def songs(**asked: Any) -> dict[str, Any]:
        prefix = asked["filter"]["value"]
        found = [one for one in house.shown if f"{one.folder}/".startswith(prefix)]
        listed = [{"albumid": house.shown.index(one), "album": one.title} for one in found for _ in range(one.tracks)]
        return {"limits": {"total": len(listed)}, **({"songs": listed} if listed else {})}

    methods: dict[str, Callable[..., Any]] = {
        "JSONRPC.Ping": lambda: "pong",
        "Application.GetProperties": lambda **_: {
            "name": "Kodi",
            "version": {"major": 20, "minor": 1, "tag": "stable"},
        },
        "Settings.GetSettingValue": lambda **_: {"value": False},
        "Files.GetSources": lambda **_: {"sources": [{"file": house.source, "label": "music"}]},
        "Player.GetActivePlayers": lambda: [{"playerid": 1, "type": "video"}] if house.playing else [],
        "XBMC.GetInfoBooleans": lambda **_: {"Library.IsScanningMusic": house.is_scanning()},
        "AudioLibrary.Scan": scan,
        "AudioLibrary.GetSongs": songs,
        "AudioLibrary.GetAlbumDetails": lambda **_: {"albumdetails": {"albumid": 1, "artistid": [7], **house.details}},
        "AudioLibrary.GetArtistDetails": lambda **_: {"artistdetails": {"artist": "Ädam", "artistid": 7}},
        "AudioLibrary.SetAlbumDetails": lambda **_: "OK",
        "AudioLibrary.SetArtistDetails": lambda **_: "OK",
        "AudioLibrary.Clean": lambda **_: "OK",
        "Textures.GetTextures": lambda **_: {"textures": [{"textureid": 3, "url": "image://x/"}]},
        "Textures.RemoveTexture": lambda **_: "OK",
    }

    def answer(seen: Seen) -> Reply:
        asked = json.loads(seen.body)
        house.calls.append((asked["method"], asked["params"]))
        method = methods.get(asked["method"])
        if method is None:
            return as_json({"id": 1, "jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found."}})
        return as_json({"id": 1, "jsonrpc": "2.0", "result": method(**asked["params"])})

    return serving({"/jsonrpc": answer}, by_password)


def jellyfin(house: House) -> Provider:
    """Jellyfin: every call with the key, most answers 204."""

    def updated(seen: Seen) -> Reply:
        for update in json.loads(seen.body)["Updates"]:
            house.scan(update["Path"])
        return Reply(204, kind=None)

    def everything(seen: Seen) -> Reply:
        house.scan(None)
        return Reply(204, kind=None)

    def refreshed(seen: Seen) -> Reply:
        house.calls.append((seen.path, dict(seen.query)))
        return Reply(204, kind=None)

    def items(seen: Seen) -> Reply:
        if seen.query["includeItemTypes"] == "MusicArtist":
            name = seen.query["searchTerm"]
            places = {one.folder.rpartition("/")[0] for one in house.shown if one.artist == name}
            found: list[dict[str, Any]] = [
                {"Id": "by-name", "Name": name, "Path": f"/config/metadata/artists/{name}"},
                *({"Id": place.rpartition("/")[2], "Name": name, "Path": place} for place in sorted(places)),
            ]
            return as_json({"Items": found, "TotalRecordCount": len(found)})
        found = [
            {"Id": f"id{house.shown.index(one)}", "Name": one.title, "Path": one.folder, "ProviderIds": {}}
            for one in house.of(seen.query["searchTerm"])[: int(seen.query["limit"])]
        ]
        return as_json({"Items": found, "TotalRecordCount": len(found)})

    folders = [{"Name": "Music", "CollectionType": "music", "Locations": ["/data/music"]},
               {"Name": "Films", "CollectionType": "movies", "Locations": ["/data/films"]}]  # fmt: skip
    answers: Mapping[str, Callable[[Seen], Reply]] = {
        "/System/Info": lambda _: as_json({"Version": "10.10.3", "ProductName": "Jellyfin Server"}),
        "/Library/VirtualFolders": lambda _: as_json(folders),
        "/ScheduledTasks": lambda _: as_json(
            [{"Key": "RefreshLibrary", "State": "Running" if house.is_scanning() else "Idle"}]
        ),
        "/Library/Media/Updated": updated, "/Library/Refresh": everything, "/Items": items,
        **{f"/Items/{id}/Refresh": refreshed for id in ("id0", "%C3%84dam", "Ädam", "by-name")},
    }  # fmt: skip
    return serving(answers, lambda seen: SECRET in seen.headers.get("authorization", ""))


def plex(house: House) -> Provider:
    """Plex: sections of several kinds; answers 200 to a refresh of any path."""

    def told(answer: Callable[[Seen], dict[str, Any]]) -> Answering:
        return lambda seen: as_json({"MediaContainer": answer(seen)})

    def sections(_: Seen) -> dict[str, Any]:
        music = {"key": "3", "type": "artist", "title": "Music", "refreshing": house.is_scanning(),
                 "Location": [{"id": 3, "path": "/storage/music"}]}  # fmt: skip
        films = {"key": "1", "type": "movie", "title": "Movies", "refreshing": False,
                 "Location": [{"id": 1, "path": "/storage/music/films"}]}  # fmt: skip
        return {"size": 2, "Directory": [films, music]}

    def refresh(seen: Seen) -> dict[str, Any]:
        house.scan(seen.query.get("path"))
        return {"size": 0}

    def albums(seen: Seen) -> dict[str, Any]:
        found = [{"ratingKey": str(house.shown.index(one)), "title": one.title, "parentTitle": one.artist,
                  "leafCount": one.tracks} for one in house.of(seen.query["title"])]  # fmt: skip
        return {"size": len(found), "Metadata": found}

    def details(seen: Seen) -> dict[str, Any]:
        number = seen.path.split("/")[3]
        return {"size": 1, "Metadata": [{"ratingKey": number, "parentRatingKey": f"90{number}"}]}

    def refreshed(seen: Seen) -> dict[str, Any]:
        assert seen.method == "PUT"  # it answers 405 to any other
        house.calls.append((seen.path, None))
        return {"size": 0}

    def children(seen: Seen) -> dict[str, Any]:
        one = house.shown[int(seen.path.split("/")[3])]
        tracks = [{"ratingKey": f"t{n}", "Media": [{"Part": [{"file": f"{one.folder}/{n:02}.flac"}]}]}
                  for n in range(one.tracks)]  # fmt: skip
        return {"size": len(tracks), "Metadata": tracks}

    html = b"<html><head><title>Unauthorized</title></head></html>"
    answers = {
        "/identity": lambda _: {"version": "1.43.1", "size": 0}, "/library/sections": sections,
        "/library/sections/3/refresh": refresh, "/library/sections/3/all": albums,
        **{f"/library/metadata/{n}/children": children for n in range(99)},
        **{f"/library/metadata/{n}": details for n in range(99)},
        **{f"/library/metadata/{p}{n}/refresh": refreshed for n in range(99) for p in ("", "90")},
    }  # fmt: skip
    return serving(
        {path: told(answer) for path, answer in answers.items()},
        lambda seen: seen.path == "/identity" or seen.headers.get("x-plex-token") == SECRET,
        Reply(401, html, kind="text/html"),
    )


def subsonic(house: House, *, server: str | None = None, tokens: bool = True) -> Provider:
    """A Subsonic server: whatever is wrong, it says so with 200; `tokens`: whether it can check a token."""

    def said(body: dict[str, Any]) -> Reply:
        who = {"type": server, "serverVersion": "0.58.0"} if server else {}
        return as_json({"subsonic-response": {"status": "ok", "version": "1.16.1", **who, **body}})

    def failed(code: int, message: str) -> Reply:
        return said({"status": "failed", "error": {"code": code, "message": message}})

    def proves(seen: Seen) -> bool:
        proof = hashlib.md5((SECRET + seen.query.get("s", "")).encode()).hexdigest()
        is_token = seen.query.get("t") == proof
        return seen.query["u"] == USER and (is_token or seen.query.get("p") == "enc:" + SECRET.encode().hex())

    def taken(answer: Answering) -> Answering:
        missing = failed(10, "A required parameter is missing.")
        return lambda seen: missing if "t" in seen.query and not tokens else answer(seen)

    def start(seen: Seen) -> Reply:
        house.scan(seen.query.get("target"))
        return said({"scanStatus": {"scanning": True, "count": 0}})

    def search(seen: Seen) -> Reply:
        found = [{"id": f"al-{n}", "name": one.title, "artist": one.artist, "songCount": one.tracks}
                 for n, one in enumerate(house.of(seen.query["query"]))][: int(seen.query["albumCount"])]  # fmt: skip
        return said({"searchResult3": {"album": found} if found else {}})

    answers: Mapping[str, Callable[[Seen], Reply]] = {
        "ping": lambda _: said({}),
        "getScanStatus": lambda _: said({"scanStatus": {"scanning": house.is_scanning(), "count": 4}}),
        "getMusicFolders": lambda _: said({"musicFolders": {"musicFolder": [{"id": 1, "name": "Music Library"}]}}),
        "startScan": start, "search3": search,
    }  # fmt: skip
    by_path = {f"/rest/{name}.view": taken(answer) for name, answer in answers.items()}
    return serving(by_path, proves, failed(40, "Wrong username or password."))


def lyrion(house: House) -> Provider:
    """Lyrion: one address for everything, and nothing at all for an answer to what it does not know."""

    def done(words: list[Any]) -> dict[str, Any]:
        match words:
            case ["serverstatus", *_]:
                return {"version": "9.0.1", "player count": 0}
            case ["pref", "mediadirs", "?"]:
                return {"_p2": ["/music"]}
            case ["rescan", "?"]:
                return {"_rescan": int(house.is_scanning())}
            case ["rescan"]:
                house.scan(None)
            case ["rescan", "full", url]:
                house.scan(unquote(url.removeprefix("file://")))
            case ["albums", first, count, search, "tags:la"]:
                found = [{"id": house.shown.index(one), "album": one.title, "artist": one.artist}
                         for one in house.of(search[7:])]  # fmt: skip
                return {"count": len(found), "albums_loop": found[first : first + count]}
            case ["titles", _, _, album, _]:
                one = house.shown[int(album[9:])]
                return {"titles_loop": [{"url": f"file://{quote(one.folder)}/{n}.flac"} for n in range(one.tracks)]}
        return {}

    def answer(seen: Seen) -> Reply:
        asked = json.loads(seen.body)
        assert asked["method"] == "slim.request"
        assert asked["params"][0] == 0
        return as_json({"id": 1, "method": "slim.request", "result": done(asked["params"][1])})

    return serving({"/jsonrpc.js": answer}, by_password)


PLAYERS: Mapping[str, Callable[[House], Provider]] = {
    "kodi": kodi, "jellyfin": jellyfin, "plex": plex, "subsonic": subsonic, "lyrion": lyrion,
}  # fmt: skip
ROOTS: Mapping[str, str] = {
    "kodi": "smb://nas/music/", "jellyfin": "/data/music", "plex": "/storage/music", "lyrion": "/music",
}  # fmt: skip
