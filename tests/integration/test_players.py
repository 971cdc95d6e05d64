"""Players told of albums, by real HTTP: asked, confirmed, asked elsewhere, and what they say when things go wrong."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import unquote

import pytest

from config.database import Database
from config.errors import GreenroomError, Misconfigured, Retryable
from daemon.actions import players
from daemon.bootstrap import Application
from processor.client.client import Client
from processor.metadata.known import AlbumMetadata, ArtistMetadata, Credit
from processor.players import rows
from processor.players.debts import Change, Debt, Owed
from processor.players.examination import examine
from processor.players.kinds import checked, kind_of, kinds, line_to
from processor.players.paths import Pair
from processor.players.player import Line, Player, Wanted
from processor.players.telling import TOGETHER, Case, Outcome, World, coalesced, explained, tell
from tests.playing import HTML, PLAYERS, ROOTS, SECRET, USER, House, Shelved, wanted_of
from tests.providers import AT_ONCE, Provider, Reply, as_json

pytestmark = pytest.mark.sqlite
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LIBRARY = b"/srv/music"
THERE = {**{name: root.rstrip("/") for name, root in ROOTS.items()}, "subsonic": "/music"}


class Away:
    """Time that passes only by waiting, and quicker than it should."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pace = 20

    def wait(self, seconds: float) -> None:
        self.now += self.pace * seconds

    @property
    def world(self) -> World:
        return World(self.wait, lambda: self.now)


class Asking:
    """One house, one fake player that shows it, and a line to it."""

    def __init__(self, client: Client, kind: str, provider: Provider, house: House) -> None:
        self.kind, self.provider, self.house, self.away = kind, provider, house, Away()
        self._client = client
        self.player = Player(1, "living room", kind, provider.url, *_credentials(kind), self.pairs())

    def pairs(self) -> tuple[Pair, ...]:
        return (Pair(LIBRARY.decode(), THERE[self.kind]),)

    @property
    def line(self) -> Line:
        return line_to(self._client, self.player)

    def path(self, folder: str) -> str:
        return f"{THERE[self.kind]}/{folder}"

    def puts(self, folder: str, title: str, **more: Any) -> Shelved:
        shelved = Shelved(self.path(folder), title, **more)
        self.house.disk.append(shelved)
        return shelved

    def tells(self, *cases: tuple[Shelved, Change], artist: ArtistMetadata | None = None) -> list[Outcome]:
        found = [Case(self.debt(n, one, change), self._wanted(one, artist)) for n, (one, change) in enumerate(cases)]
        return sorted(tell(self.line, found, self.away.world), key=lambda outcome: outcome.debt.id)

    def _wanted(self, shelved: Shelved, artist: ArtistMetadata | None) -> Wanted:
        found = wanted_of(shelved)
        above = shelved.folder.rpartition("/")[0]
        return found._replace(artists=(artist,), artist_folder=above) if artist else found

    def debt(self, n: int, shelved: Shelved, change: Change) -> Debt:
        folder = shelved.folder.removeprefix(THERE[self.kind] + "/").encode()
        return Debt(n, 1, Owed(n, LIBRARY, folder, change), NOW, NOW, None)


def _credentials(kind: str) -> tuple[str | None, str]:
    return (USER if kind_of(kind).signs_in == "password" else None, SECRET)


def _asking(database: Database, kind: str, **more: Any) -> Iterator[Asking]:
    house = House()
    with (
        PLAYERS[kind](house, **more).serving() as provider,
        Client(database, world=AT_ONCE, wait=lambda _: None) as client,
    ):
        yield Asking(client, kind, provider, house)


@pytest.fixture(params=sorted(PLAYERS))
def asking(request: pytest.FixtureRequest, database: Database) -> Iterator[Asking]:
    """Each kind of player once."""
    yield from _asking(database, request.param)


@pytest.fixture
def kodi(database: Database) -> Iterator[Asking]:
    yield from _asking(database, "kodi")


@pytest.fixture
def plex(database: Database) -> Iterator[Asking]:
    yield from _asking(database, "plex")


@pytest.fixture
def jellyfin(database: Database) -> Iterator[Asking]:
    yield from _asking(database, "jellyfin")


def test_there_is_a_fake_of_each_kind() -> None:
    assert set(PLAYERS) == set(kinds())


def test_a_new_album_is_told_and_seen(asking: Asking) -> None:
    album = asking.puts("Ädam/100% Ø & “x” #1? (2001)", "100% Ø & “x” #1?")
    other = asking.puts("Ädam/Other", "Other")
    (seen,) = asking.tells((album, "new"))
    assert seen.sight is not None
    assert seen.sight.title == album.title
    assert seen.sight.tracks in (album.tracks, None)
    ladder = kind_of(asking.kind).ladder(asking.line, is_new=True)
    first = {"parent": asking.path("Ädam"), "folder": album.folder, "all": None}[ladder[0]]
    assert asking.house.asked == [first]
    assert (other in asking.house.shown) == (first != album.folder or asking.kind == "subsonic")


def test_an_album_is_found_by_its_tags_where_a_player_reads_these_alone(asking: Asking) -> None:
    """Its NFO says what MusicBrainz calls it; its tags, which nobody rewrote, say what it was called when it came."""
    album = asking.puts("Björk/Debut", "Debut (Remastered)", artist="Bjork")
    known = wanted_of(album)._replace(album=AlbumMetadata("Debut", (Credit("Björk"),)), tagged=wanted_of(album).album)
    case = Case(asking.debt(1, album, "new"), known)
    ((sight, tried),) = ((seen.sight, seen.tried) for seen in tell(asking.line, [case], asking.away.world))
    assert (sight and sight.title, len(tried)) == (album.title, 1)


def test_an_album_is_found_among_many_of_its_title(asking: Asking) -> None:
    for n in range(60):
        other = asking.puts(f"Other {n}/Greatest Hits", "Greatest Hits", artist=f"Other {n}")
        asking.house.shown.append(other)
    shelved = asking.puts("Ädam/Greatest Hits", "Greatest Hits")
    (outcome,) = asking.tells((shelved, "new"))
    assert outcome.sight is not None


def test_what_is_not_shown_is_asked_for_further_up_and_then_said(asking: Asking) -> None:
    album = Shelved(asking.path("Ädam/Gone"), "Gone")
    (missed,) = asking.tells((album, "new"))
    assert missed.sight is None
    assert list(missed.tried) == list(dict.fromkeys(missed.tried))
    assert missed.tried[-1] == "everything"
    assert len(missed.tried) == len(kind_of(asking.kind).ladder(asking.line, is_new=True))
    why = explained(asking.player.name, missed)
    assert album.folder in why or asking.kind == "subsonic"
    assert "/srv/music/Ädam/Gone" in why


def test_many_folders_are_told_together(asking: Asking) -> None:
    albums = [asking.puts(f"Ädam/Album {n}", f"Album {n}") for n in range(3)]
    outcomes = asking.tells(*((album, "new") for album in albums), (albums[0], "changed"))
    assert all(outcome.sight for outcome in outcomes)
    expected: dict[str, list[str | None]] = {
        "kodi": [asking.path("Ädam"), albums[0].folder],
        "subsonic": [None] * len(asking.house.asked),
    }
    told = expected.get(asking.kind, [album.folder for album in albums])
    assert [one for one in asking.house.asked if one not in told] == []


def test_half_an_album_is_not_seen(kodi: Asking) -> None:
    album = kodi.puts("Ädam/Late", "Late", tracks=3)
    kodi.house.shown.append(Shelved(album.folder, album.title, tracks=2))
    (seen,) = kodi.tells((album, "changed"))
    assert seen.sight is not None
    assert seen.sight.tracks == 3


def test_the_folders_of_one_source_of_kodi_are_folders_each(kodi: Asking) -> None:
    kodi.house.source = "multipath://%2fsrv%2f100%25%20music%2f/smb%3a%2f%2fnas%2fmusic%2f/"
    found = examine(kodi.line, [LIBRARY])
    assert found.roots == ("/srv/100% music/", "smb://nas/music/")
    assert found.places[0].known


def test_kodi_is_asked_for_nothing_while_it_scans(kodi: Asking) -> None:
    """One that is asked for a scan while another runs starts none, and stops that."""
    kodi.house.lasts = 5
    kodi.house.scan("smb://nas/music/elsewhere")
    albums = [kodi.puts(f"Artist {n}/Album {n}", f"Album {n}") for n in range(4)]
    outcomes = kodi.tells(*((album, "new") for album in albums))
    assert all(outcome.sight for outcome in outcomes)
    assert kodi.house.stopped == 0


def test_kodi_is_told_of_the_parent_of_a_new_folder_and_of_the_folder_itself_when_it_only_changed(kodi: Asking) -> None:
    album = kodi.puts("Ädam/New", "New")
    kodi.house.blind.add(album.folder)  # it remembers a listing of the artist's folder without it
    kodi.tells((album, "new"))
    kodi.tells((album, "changed"))
    assert kodi.house.asked == ["smb://nas/music/Ädam", "smb://nas/music/Ädam/New"]


def test_kodi_is_given_what_its_scans_do_not_read(kodi: Asking) -> None:
    album = kodi.puts("Ädam/Texts", "Texts")
    kodi.tells((album, "new"))
    artist = ArtistMetadata("ädam", biography="Born.", genres=("Pop",))
    wanted = wanted_of(album, review="Fine.", styles=("Art Pop",), rating=7.5)
    wanted = wanted._replace(
        artists=(artist,), artist_folder=kodi.path("Ädam"), artist_pictures=("folder.jpg", "fanart.jpg", "artist.jpg")
    )
    sight = kind_of("kodi").find(kodi.line, wanted)
    assert sight is not None
    kodi.house.calls.clear()
    kind_of("kodi").refresh(kodi.line, wanted, sight, is_new=False)
    calls = dict(kodi.house.calls)
    assert calls["AudioLibrary.SetAlbumDetails"] == {
        "albumid": 0, "description": "Fine.", "style": ["Art Pop"], "rating": 7.5
    }  # fmt: skip
    quoted = "image://smb%3a%2f%2fnas%2fmusic%2f%c3%84dam%2f"
    assert calls["AudioLibrary.SetArtistDetails"] == {
        "artistid": 7, "description": "Born.", "genre": ["Pop"],
        "art": {"thumb": f"{quoted}folder.jpg/", "fanart": f"{quoted}fanart.jpg/"},
    }  # fmt: skip
    forgotten = [asked["filter"]["value"] for name, asked in kodi.house.calls if name == "Textures.GetTextures"]
    assert sorted(forgotten) == [
        f"{quoted}Texts%2f", *(f"{quoted}{name}.jpg/" for name in ("artist", "fanart", "folder"))
    ]  # fmt: skip
    assert calls["Textures.RemoveTexture"] == {"textureid": 3}


def test_kodi_finds_an_album_that_changed_again_by_the_id_of_its_tags(kodi: Asking) -> None:
    album = kodi.puts("Ädam/Old", "Old")
    kodi.tells((album, "new"))
    kodi.house.details["musicbrainzalbumid"] = "of album.nfo"
    kodi.house.calls.clear()
    kodi.tells((album, "changed"))
    words = [
        (name, asked.get("musicbrainzalbumid")) for name, asked in kodi.house.calls
        if name in ("AudioLibrary.SetAlbumDetails", "AudioLibrary.Scan")
    ]  # fmt: skip
    assert words == [("AudioLibrary.SetAlbumDetails", ""), ("AudioLibrary.Scan", None)]


def test_jellyfin_reads_a_changed_album_again_and_the_artists_own_folder(jellyfin: Asking) -> None:
    album = jellyfin.puts("Ädam/Texts", "Texts")
    jellyfin.tells((album, "new"))
    assert jellyfin.house.calls == []
    jellyfin.tells((album, "texts"))
    ((path, query),) = jellyfin.house.calls
    assert path == "/Items/id0/Refresh"
    assert query["metadataRefreshMode"] == query["imageRefreshMode"] == "FullRefresh"
    assert query["replaceAllImages"] == "false"
    jellyfin.house.calls.clear()
    jellyfin.tells((album, "new"), artist=ArtistMetadata("Ädam"))
    assert [unquote(path) for path, _ in jellyfin.house.calls] == ["/Items/Ädam/Refresh"]


def test_plex_looks_at_pictures_of_album_and_artist_again(plex: Asking) -> None:
    album = plex.puts("Ädam/Texts", "Texts")
    plex.tells((album, "new"))
    plex.tells((album, "changed"))
    refreshed = [path for path, _ in plex.house.calls]
    artist = "/library/metadata/900/refresh"
    assert refreshed == [artist, artist, "/library/metadata/0/refresh"]


def test_plex_says_nothing_of_a_folder_it_has_not_so_we_do(plex: Asking) -> None:
    plex.player = Player(1, "plex", "plex", plex.provider.url, None, SECRET)
    album = Shelved("/srv/music/A", "A")
    case = Case(Debt(1, 1, Owed(1, LIBRARY, b"A", "new"), NOW, NOW, None), wanted_of(album))
    with pytest.raises(GreenroomError, match=r"/srv/music/A is in none of its music folders: /storage/music") as raised:
        tell(plex.line, [case], plex.away.world)
    assert raised.value.reason_code == "not_in_player"


def test_a_library_that_plex_has_not_does_not_keep_those_it_has_from_it(plex: Asking) -> None:
    plex.player = replace(plex.player, path_map=(*plex.player.path_map, Pair("/srv/other", "/other")))
    mine, album = Shelved("/other/A/A", "A"), plex.puts("Ädam/One", "One")
    owed = (Owed(0, b"/srv/other", b"A/A", "new"), Owed(1, b"/srv/other", b"A/B", "gone"),
            Owed(2, LIBRARY, "Ädam/One".encode(), "new"))  # fmt: skip
    cases = [
        Case(Debt(one.item_id, 1, one, NOW, NOW, None), wanted_of(shelved))
        for one, shelved in zip(owed, (mine, mine, album), strict=True)
    ]
    outcomes = {outcome.debt.id: outcome for outcome in tell(plex.line, cases, plex.away.world)}
    assert [outcomes[n].sight is not None for n in range(3)] == [False, True, True]
    assert plex.house.asked == [album.folder]
    assert "was asked to look at /other/A/A, and still does not show" in explained("plex", outcomes[0])


def test_navidrome_looks_at_one_folder_and_others_at_everything(database: Database) -> None:
    for asking in _asking(database, "subsonic", server="navidrome"):
        asking.house.shown.append(album := asking.puts("Ädam/One", "One"))
        asking.tells((album, "new"))
        assert asking.house.asked == ["1:Ädam/One"]


def test_a_server_that_cannot_check_a_token_gets_the_password_in_hex(database: Database) -> None:
    for asking in _asking(database, "subsonic", tokens=False):
        assert kind_of("subsonic").check(asking.line).version == "Subsonic API 1.16.1"
        assert all(SECRET not in str(seen.query) for seen in asking.provider.seen)


def test_a_test_shows_which_path_is_asked_for_and_suggests_a_map(asking: Asking) -> None:
    asking.player = Player(1, "p", asking.kind, asking.provider.url, *_credentials(asking.kind))
    found = examine(asking.line, [LIBRARY])
    (place,) = found.places
    assert (place.ours, place.theirs) == ("/srv/music", "/srv/music")
    if asking.kind == "subsonic":
        assert (place.known, found.suggested) == (None, ())
        return
    assert place.known is False
    assert "none of its own folders" in found.problems[-1]
    assert found.suggested == (Pair("/srv/music", ROOTS[asking.kind]),)
    asking.player = Player(1, "p", asking.kind, asking.provider.url, *_credentials(asking.kind), found.suggested)
    again = examine(asking.line, [LIBRARY])
    assert [place.known for place in again.places] == [True]
    assert again.suggested == ()
    if asking.kind == "kodi":
        assert "reads no NFO" in again.problems[0]


TROUBLES = (
    (Reply(401), "unauthorized"),
    (Reply(403), "unauthorized"),
    (HTML, "not_a_player"),
    (Reply(404), "not_a_player"),
    (as_json({}), "bad_answer"),
    (as_json([7]), "bad_answer"),
    (as_json("pong"), "bad_answer"),
    (Reply(200, b"{]"), "bad_answer"),
    (Reply(500), "provider_outage"),
    (Reply(503), "provider_outage"),
)


def test_what_answers_otherwise_is_told_apart(asking: Asking) -> None:
    kind, album = kind_of(asking.kind), wanted_of(Shelved("/x", "X"))
    for n, (reply, code) in enumerate(TROUBLES):
        asking.provider.down = reply
        asking.player = replace(asking.player, name=f"player {n}")  # with a circuit of its own
        for ask in (kind.check, kind.scanning, partial(kind.find, wanted=album)):
            with pytest.raises(GreenroomError) as raised:
                ask(asking.line)
            assert raised.value.reason_code == code
            assert SECRET not in raised.value.message
            assert isinstance(raised.value, Retryable) == (reply.status >= 500)


def test_what_answers_a_ping_as_kodi_does_and_nothing_else_is_told_apart(kodi: Asking) -> None:
    kodi.provider.answers["/jsonrpc"] = as_json({"id": 1, "jsonrpc": "2.0", "result": "pong"})
    with pytest.raises(GreenroomError) as raised:
        kind_of("kodi").check(kodi.line)
    assert raised.value.reason_code == "bad_answer"


def test_a_wrong_password_is_no_outage(asking: Asking) -> None:
    user, _ = _credentials(asking.kind)
    asking.player = Player(1, "p", asking.kind, asking.provider.url, user, "wrong password", asking.pairs())
    with pytest.raises(GreenroomError) as raised:
        kind_of(asking.kind).check(asking.line)
    assert raised.value.reason_code == "unauthorized"
    assert "wrong password" not in raised.value.message


def test_kodi_says_why_it_refuses(kodi: Asking) -> None:
    error = {"code": -32602, "message": "Invalid params."}
    kodi.provider.answers["/jsonrpc"] = as_json({"id": 1, "jsonrpc": "2.0", "error": error})
    with pytest.raises(GreenroomError, match=r"AudioLibrary.Scan: Invalid params. \(-32602\)"):
        kind_of("kodi").tell(kodi.line, "/x")


def test_a_scan_without_an_end_is_given_up_for_now(kodi: Asking) -> None:
    kodi.house.lasts, kodi.away.pace = 10**9, 200
    album = kodi.puts("A/B", "B")
    with pytest.raises(Retryable, match="scans for more than 60 minutes"):
        kodi.tells((album, "new"))


def test_too_many_folders_are_told_as_their_library_but_never_as_what_is_above() -> None:
    many = [f"/m/one/Artist {n}/Album" for n in range(TOGETHER + 1)]
    assert coalesced([*many, many[0]], ["/m/one"] * len(many)) == ["/m/one"]
    both = [*many, "/m/two/A"]
    assert coalesced(both, ["/m/one"] * len(many) + ["/m/two"]) == ["/m/one", "/m/two"]
    assert coalesced(many, [""] * len(many)) == many
    assert coalesced(["/m/a/b", "/m/a", "/m/ab"], ["/m"]) == ["/m/a", "/m/ab"]
    assert coalesced(["/m/a", None], ["/m"]) == [None]
    assert coalesced(["C:\\M\\a", "c:/m/A/b"], ["C:\\M"]) == ["C:\\M\\a"]


def test_a_whole_library_of_folders_is_put_together_in_a_moment() -> None:
    many = [f"/m/Artist {n}/Album" for n in range(100_000)]
    assert coalesced(many, many) == many  # comparing each with each takes hours


def test_what_no_map_covers_is_not_told_but_said(kodi: Asking) -> None:
    kodi.player = Player(1, "tv", "kodi", kodi.provider.url, USER, SECRET, (Pair("/srv/other", "smb://nas/other"),))
    album = kodi.puts("A/B", "B")
    wanted = Wanted(None, wanted_of(album).album)
    case = Case(Debt(1, 1, Owed(1, LIBRARY, b"A/B", "new"), NOW, NOW, None), wanted)
    (missed,) = tell(kodi.line, [case], kodi.away.world)
    assert (missed.sight, missed.tried) == (None, ("everything",))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"url": "ftp://nas"}, "scheme"),
        ({"url": "http://eva:pw@nas"}, "user name"),
        ({"url": "http://nas/?x=1"}, "nothing behind it"),
        ({"url": ""}, "looks like"),
        ({"name": "-x"}, "letters"),
        ({"name": "a\nb"}, "letters"),
        ({"kind": "winamp"}, "there are jellyfin, kodi"),
        ({"kind": "plex", "secret": None}, "token"),
        ({"kind": "plex", "user": "eva"}, "token"),
    ],
)
def test_a_player_that_cannot_be_is_refused(changed: dict[str, Any], why: str) -> None:
    given: dict[str, Any] = {"id": 0, "name": "tv", "kind": "kodi", "url": "http://tv:8080/", "secret": "s3cret"}
    with pytest.raises(Misconfigured, match=why):
        checked(Player(**{**given, **changed}))
    assert checked(Player(**given)).url == "http://tv:8080"


@pytest.mark.parametrize("address", ["http://tv:8080", "http://elsewhere:8080"])
def test_of_two_admins_who_change_a_player_at_once_the_second_decides_by_what_the_first_left(
    bare_app: Application, address: str
) -> None:
    """So a password goes to no address but its own; the second is one that was opened before the first was stored."""
    app, database = bare_app, bare_app.database
    tv = Player(0, "tv", "kodi", "http://tv:8080", "kodi", "s3cret")
    tv = players.add(app, tv, actor="ada")

    def move_the_user() -> None:
        players.change(app, replace(tv, user="eva", secret=None), actor="eva")

    with ThreadPoolExecutor(1) as threads:
        with database.begin() as connection:
            rows.change(connection, replace(rows.to_change(connection, tv.id), url=address, secret="new"))
            second = threads.submit(move_the_user)
            wait([second], timeout=0.5)  # it cannot end before we do; this is for it to come so far
        refused = second.exception()
    with database.read() as connection:
        found = rows.find(connection, "tv")
    assert isinstance(refused, Misconfigured) == (address != tv.url)
    assert (found.url, found.secret, found.user) == (address, "new", "kodi" if refused else "eva")
