"""An album and an admin's templates, profile and rules → folders, names and libraries."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Misconfigured, NeedsReview
from config.libraries import Library
from processor.metadata.known import AlbumMetadata, Credit, TrackMetadata
from processor.planning import layout
from processor.publication import making, names, pictures, routing
from processor.publication.access import KEEP, owner_of
from processor.publication.given import require_approved
from processor.publication.intent import Intent, Made, intent_of
from processor.publication.names import NamedFile, Naming, album_folder, artist_folder, file_places
from processor.publication.pictures import Picture, Profile
from processor.transfers.transfer import Transfer

DEFAULT = Naming.of("{album_artist}/{album}[ ({year})]", "[CD {disc}/][{track:02} - ]{title}")


def track(path: str, title: str | None, disc: int | None, position: int | None) -> TrackMetadata:
    return TrackMetadata(path.encode(), title, disc, position)


def low_tide(*tracks: TrackMetadata, **values: Any) -> AlbumMetadata:
    known: dict[str, Any] = {"title": "Low Tide", "credits": (Credit("Nora Vale"),), "date": "2014-03"} | values
    return AlbumMetadata(tracks=tracks, **known)


@pytest.mark.parametrize(
    ("template", "folder"),
    [
        ("{album_artist}/{album}[ ({year})]", b"Nora Vale/Low Tide (2014)"),
        ("[{label}/]{album_artist_sort} - {album}[ [[{edition}]]]", b"Vale, Nora - Low Tide"),
        ("{{x}} {album}", b"{x} Low Tide"),
        ("{album}[ of {type}]", b"Low Tide"),
        ("[{type}/]{album_artist}/[{date} - ]{album}", b"Nora Vale/2014-03 - Low Tide"),
    ],
)
def test_folders_follow_the_template_and_leave_out_what_is_not_known(template: str, folder: bytes) -> None:
    naming = Naming.of(template, "{title}")
    assert album_folder(naming, low_tide(credits=(Credit("Nora Vale", None, "", "Vale, Nora"),), type="")) == folder


@pytest.mark.parametrize(
    ("template", "why"),
    [
        ("{album_artist}", "must have {album}"), ("{album", "no other half"), ("{album}]", "closes nothing"),
        ("[{album}", "never closed"), ("{album}[x]", "has no value"),
        ("{album}/{nope}", "there is no {nope}; there are"),
        ("{album:x}", "there is no {album:x}"), ("/{album}", "slash"), ("{album}//x", "slash"), ("[[{album} [[", None),
        ("{album}/", "slash"), ("{album}\n", "control characters"), ("{album}" * 100, "at most 500"),
        ("{album}" + "x" * 493, None), ("{album}" + "x" * 494, "at most 500"), ("[a [{album}]]", "cannot hold another"),
    ],
)  # fmt: skip
def test_a_template_that_cannot_be_meant_is_refused_with_the_reason(template: str, why: str | None) -> None:
    if why is None:
        names.checked_folder(template)
        return
    with pytest.raises(ValueError, match=why.replace("{", r"\{").replace("}", r"\}")):
        names.checked_folder(template)


def test_tracks_get_disc_folders_only_where_there_are_several_discs() -> None:
    one, two = track("1.flac", "Wave", 1, 1), track("2.FLAC", None, 2, 12)
    files = [NamedFile(t.path, "audio") for t in (one, two)]
    assert file_places(DEFAULT, low_tide(one, two), files) == {
        b"1.flac": b"CD 1/01 - Wave.flac", b"2.FLAC": b"CD 2/12 - 2.flac",
    }  # fmt: skip
    assert file_places(DEFAULT, low_tide(one), files[:1]) == {b"1.flac": b"01 - Wave.flac"}


@pytest.mark.parametrize(
    ("template", "title", "place"),
    [
        ("{edition}/{title}", "Wave", b"Wave.flac"), ("{title}", " ", b"_.flac"), ("{title}", "Etc. ", b"Etc.flac"),
        ("{title}", "AC\\DC", b"AC+DC.flac"), ("{artist} - {title}", "Wave", b"Nora Vale - Wave.flac"),
        ("{title}", "Sample", b"Sample_.flac"),
    ],
)  # fmt: skip
def test_a_track_of_which_little_is_known_has_a_name_all_the_same(template: str, title: str, place: bytes) -> None:
    one = track("1.flac", title, None, 1)
    naming = Naming.of("{album}", template)
    assert list(file_places(naming, low_tide(one), [NamedFile(one.path, "audio")]).values()) == [place]


def test_a_track_that_does_not_say_its_disc_is_of_the_first() -> None:
    one, two = track("1.flac", "Wave", None, 1), track("2.flac", "Ebb", 1, 2)
    found = file_places(DEFAULT, low_tide(one, two), [NamedFile(t.path, "audio") for t in (one, two)])
    assert list(found.values()) == [b"01 - Wave.flac", b"02 - Ebb.flac"]


def test_a_picture_called_like_a_track_is_spelled_as_players_look_for_it() -> None:
    one, files = track("1.flac", "Cover", None, None), [NamedFile(b"1.flac", "audio"), NamedFile(b"1.jpg", "art")]
    found = file_places(DEFAULT, low_tide(one), files, spelled={layout.fold(b"cover.jpg"): b"cover.jpg"})
    assert list(found.values()) == [b"Cover.flac", b"cover.jpg"]


def test_what_lies_beside_a_track_goes_with_it_and_names_are_never_given_twice() -> None:
    tracks = [track("01.flac", "Wave", None, 1), track("02.flac", "wave", None, 1)]
    files = [NamedFile(t.path, "audio") for t in tracks]
    files += [NamedFile(b"01.en.LRC", "lyrics"), NamedFile(b"cover.jpg", "art"), NamedFile(b"album.nfo", "nfo")]
    assert file_places(DEFAULT, low_tide(*tracks), files, taken=[b"cover.jpg", b"album.nfo"]) == {
        b"01.flac": b"01 - Wave.flac", b"02.flac": b"01 - wave [2].flac", b"01.en.LRC": b"01 - Wave.en.lrc",
        b"cover.jpg": b"cover [2].jpg", b"album.nfo": b"album [2].nfo",
    }  # fmt: skip


def test_what_lies_beside_a_track_of_a_long_title_has_a_name_a_disk_takes() -> None:
    """In staging the track had a short name, and the file beside it a long one of its own; providers know the title."""
    one = track("01.flac", "Symphony " + "ö" * 150, None, 1)
    beside = b"01." + b"as sung in 1951 " * 12 + b".en.lrc"
    places = file_places(DEFAULT, low_tide(one), [NamedFile(one.path, "audio"), NamedFile(beside, "lyrics")])
    stem = places[one.path].removesuffix(b".flac")
    assert len(places[beside]) <= 255
    assert places[beside] == stem + b".lrc"
    assert (
        file_places(DEFAULT, low_tide(one), [NamedFile(one.path, "audio"), NamedFile(b"01.en.lrc", "lyrics")])[
            b"01.en.lrc"
        ]
        == stem + b".en.lrc"
    )


@pytest.mark.parametrize("dropped", [b"01 - WAVE.LRC", b"01 - Wave.TXT", b"01 - Wave.lrc", b"01 - Wave.elrc"])
def test_lyrics_are_not_made_where_an_album_brought_some_however_these_are_spelled(dropped: bytes) -> None:
    """On a disk without case one of the two would take the place of the other."""
    one = TrackMetadata(b"1.flac", "Wave", lyrics="la", synced_lyrics="[00:01]la")
    places = {b"1.flac": b"01 - Wave.flac", b"1.lrc": dropped}
    assert making.lyrics_of(low_tide(one), places) == {}
    assert making.lyrics_of(low_tide(one), {b"1.flac": b"01 - Wave.flac"}) == {b"01 - Wave.lrc": b"[00:01]la\n"}
    assert making.lyrics_of(low_tide(one), {}) == {}, "nor beside no track"


def test_lyrics_are_text_that_every_player_reads() -> None:
    one = TrackMetadata(b"1.flac", "Wave", lyrics=" la\r\nla\x00 \ud800\n\n")
    assert making.lyrics_of(low_tide(one), {b"1.flac": b"01 - Wave.flac"}) == {b"01 - Wave.txt": b"la\nla\n"}


CD1 = b"in/Low Tide/CD1/"


def of_discs(*beside: NamedFile) -> dict[bytes, bytes]:
    """Name an album of two discs as staging has it, tracks in its folder: where `beside` would lie."""
    one, two = track("1-01 - Wave.flac", "Wave", 1, 1), track("2-01 - Ebb.flac", "Ebb", 2, 1)
    tracks = [NamedFile(one.path, "audio", CD1 + b"01.flac"), NamedFile(two.path, "audio", b"in/Low Tide/CD2/01.flac")]
    found = file_places(DEFAULT, low_tide(one, two), [*tracks, *beside])
    return {file.path: found[file.path] for file in beside}


def test_what_lay_in_the_folder_of_a_disc_is_beside_the_tracks_of_that_disc() -> None:
    beside = [
        NamedFile(b"CD1/cover.jpg", "art", CD1 + b"cover.jpg"),
        NamedFile(b"CD1/Artwork/front.jpg", "art", CD1 + b"Artwork/front.jpg"),
        NamedFile(b"CD2/rip- it.log", "log", b"in/Low Tide/CD2/rip: it.log"),
        NamedFile(b"Artwork/front.jpg", "art", b"in/Low Tide/Artwork/front.jpg"),
        NamedFile(b"cover.jpg", "art", b"in/Low Tide/cover.jpg"),
        NamedFile(b"CD3/cover.jpg", "art", b"in/Low Tide/CD3/cover.jpg"),
    ]
    assert of_discs(*beside) == {
        b"CD1/cover.jpg": b"CD 1/cover.jpg", b"CD1/Artwork/front.jpg": b"CD 1/Artwork/front.jpg",
        b"CD2/rip- it.log": b"CD 2/rip- it.log", b"Artwork/front.jpg": b"Artwork/front.jpg",
        b"cover.jpg": b"cover.jpg", b"CD3/cover.jpg": b"CD3/cover.jpg",
    }  # fmt: skip


def test_what_lay_in_folders_of_discs_loses_no_name_to_another() -> None:
    """What came with another drop lies where this disc goes already."""
    there = NamedFile(b"CD 1/cover.jpg", "art", b"in/late/CD 1/cover.jpg")
    own = NamedFile(b"CD1/cover.jpg", "art", CD1 + b"cover.jpg")
    assert of_discs(there, own) == {there.path: b"CD 1/cover.jpg", own.path: b"CD 1/cover [2].jpg"}


def test_what_lay_in_the_folder_of_a_disc_stays_in_its_own_where_the_tracks_are_in_none() -> None:
    one = track("01.flac", "Wave", None, 1)
    files = [NamedFile(one.path, "audio", CD1 + b"01.flac"), NamedFile(b"CD1/note.txt", "other", CD1 + b"note.txt")]
    assert file_places(DEFAULT, low_tide(one), files)[b"CD1/note.txt"] == b"CD1/note.txt"


def test_a_cover_that_staging_has_in_the_album_s_folder_stays_the_album_s() -> None:
    """Discs in folders beside each other: the pictures of one are in none in staging."""
    cover = NamedFile(b"cover.jpg", "art", CD1 + b"cover.jpg")
    assert of_discs(cover) == {b"cover.jpg": b"cover.jpg"}


def test_what_lay_beside_tracks_that_part_stays_where_it_is() -> None:
    one, two = track("1-01 - Wave.flac", "Wave", 1, 1), track("2-01 - Ebb.flac", "Ebb", 2, 1)
    files = [NamedFile(one.path, "audio", CD1 + b"01.flac"), NamedFile(two.path, "audio", CD1 + b"02.flac")]
    cover = NamedFile(b"CD1/cover.jpg", "art", CD1 + b"cover.jpg")
    assert file_places(DEFAULT, low_tide(one, two), [*files, cover])[cover.path] == b"CD1/cover.jpg"


@pytest.mark.parametrize("template", ["Discs/CD {disc}/{title}", "{disc}/{title}"])
def test_what_is_beside_the_tracks_of_a_published_disc_goes_with_them_and_stays_then(template: str) -> None:
    one, two = track("CD 1/01 - Wave.flac", "Wave", 1, 1), track("CD 2/01 - Ebb.flac", "Ebb", 2, 1)
    files = [
        NamedFile(one.path, "audio", b"late/CD1/01.flac"),
        NamedFile(two.path, "audio", b"in/Low Tide/CD2/01.flac"),
    ]
    files.append(NamedFile(b"CD 1/cover.jpg", "art", b"late/CD1/cover.jpg"))
    naming = Naming.of("{album}", template)
    went = file_places(naming, low_tide(one, two), files)
    assert os.path.dirname(went[b"CD 1/cover.jpg"]) == os.path.dirname(went[one.path])
    moved = [file._replace(path=went[file.path]) for file in files]
    tracks = [TrackMetadata(went[one.path], "Wave", disc=1), TrackMetadata(went[two.path], "Ebb", disc=2)]
    assert all(path == place for path, place in file_places(naming, low_tide(*tracks), moved).items())


def test_what_a_cue_sheet_plays_stays_beside_it() -> None:
    one, two = track("CD1/Album.flac", "Wave", 1, 1), track("2-01 - Ebb.flac", "Ebb", 2, 1)
    files = [NamedFile(one.path, "audio", CD1 + b"Album.flac"), NamedFile(two.path, "audio", b"in/Low Tide/CD2/1.flac")]
    cue = NamedFile(b"CD1/Album.cue", "cue", CD1 + b"Album.cue")
    found = file_places(DEFAULT, low_tide(one, two), [*files, cue], kept={one.path})
    assert (found[one.path], found[cue.path]) == (one.path, cue.path)


def test_no_file_takes_the_name_of_the_sidecar_and_extensions_are_small() -> None:
    files = [NamedFile(b"01.MP3", "audio"), NamedFile(b"Album.greenroom.json", "other")]
    assert file_places(DEFAULT, low_tide(track("01.MP3", "Wave", 1, 1)), files) == {
        b"01.MP3": b"01 - Wave.mp3", b"Album.greenroom.json": b"Album.greenroom [2].json",
    }  # fmt: skip


def test_what_belongs_to_a_track_has_its_name_before_what_is_only_called_so() -> None:
    files = [NamedFile(b"01 - Wave.lrc", "other"), NamedFile(b"x.flac", "audio"), NamedFile(b"x.lrc", "lyrics")]
    found = file_places(DEFAULT, low_tide(track("x.flac", "Wave", 1, 1)), files)
    assert (found[b"x.lrc"], found[b"01 - Wave.lrc"]) == (b"01 - Wave.lrc", b"01 - Wave [2].lrc")


def test_discs_have_folders_only_where_each_has_one() -> None:
    assert names.disc_folders([b"CD 2/1.mp3", b"CD 1/1.mp3", b"CD 1/2.mp3"]) == [b"CD 1", b"CD 2"]
    assert names.disc_folders([b"CD 2/1.mp3", b"1.mp3"]) == []


def test_what_an_older_version_meant_to_publish_is_understood() -> None:
    meant = Intent(1, 2, "uuid", "move", (Made(b"A/album.nfo", "nfo", "0" * 64, "nfo", 3),))
    said = {name: value for name, value in meant.to_json().items() if name not in ("access", "news_at")}
    transfer = Transfer("t", "publish", "planned", b"/s", b"/l", b"A", (), {"intent": said}, 1, "boot")
    assert intent_of(transfer) == meant


def test_a_track_that_a_cue_sheet_calls_by_its_name_keeps_it() -> None:
    one = track("Low Tide.flac", "Wave", None, 1)
    places = file_places(DEFAULT, low_tide(one), [NamedFile(one.path, "audio")], kept={one.path})
    assert places == {b"Low Tide.flac": b"Low Tide.flac"}


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_no_tag_makes_a_folder_or_leaves_the_library(artist: str, title: str, song: str) -> None:
    album = low_tide(track("1.mp3", song, None, 1), title=title, credits=(Credit(artist),))
    folder = album_folder(DEFAULT, album)
    (place,) = file_places(DEFAULT, album, [NamedFile(b"1.mp3", "audio")]).values()
    assert len(folder.split(b"/")) <= 2
    for part in (*folder.split(b"/"), place):
        assert part not in (b"", b".", b"..")
        assert b"/" not in part
        assert len(part) <= 255
        assert layout.component(part.decode()) == part.decode() or part.endswith((b"_", b".mp3"))


@pytest.mark.parametrize(
    ("album", "folder"),
    [
        (low_tide(title="Metadata", date=None), b"Nora Vale/Metadata_"),
        (low_tide(title="Metadata"), b"Nora Vale/Metadata (2014)"),
        (low_tide(credits=(), compilation=True), b"Various Artists/Low Tide (2014)"),
        (low_tide(credits=()), b"Unknown Artist/Low Tide (2014)"),
        (low_tide(title="Low\\Tide", date=None), b"Nora Vale/Low+Tide"),
        (low_tide(credits=(Credit("AC/DC", None, " feat. "), Credit("X"))), b"AC+DC feat. X/Low Tide (2014)"),
    ],
)
def test_odd_albums_have_folders_players_show(album: AlbumMetadata, folder: bytes) -> None:
    assert album_folder(DEFAULT, album) == folder


def test_the_artists_folder_is_the_one_the_template_names_after_the_artist_alone() -> None:
    assert artist_folder(DEFAULT, b"Nora Vale/Low Tide (2014)") == b"Nora Vale"
    flat = Naming.of("{album_artist} - {album}", "{title}")
    assert artist_folder(flat, b"Nora Vale - Low Tide") is None
    dated = Naming.of("{album_artist} {year}/{album}", "{title}")
    assert artist_folder(dated, b"Nora Vale 2014/Low Tide") is None
    last = Naming.of("{album}/{album_artist}", "{title}")
    assert artist_folder(last, b"Low Tide/Nora Vale") is None, "that is the album's"
    deep = Naming.of("Music/{album_artist}/{album}", "{title}")
    assert artist_folder(deep, b"Music/Nora Vale/Low Tide") == b"Music/Nora Vale"


def test_where_a_folder_above_the_artists_is_left_out_another_one_is_not_taken_for_it() -> None:
    typed = Naming.of("{type}/{album_artist}/{year}/{album}", "{title}")
    assert artist_folder(typed, album_folder(typed, low_tide(type="live"))) == b"live/Nora Vale"
    assert artist_folder(typed, album_folder(typed, low_tide())) is None
    below = Naming.of("{album_artist}/{type}/{album}", "{title}")
    assert artist_folder(below, album_folder(below, low_tide())) == b"Nora Vale"


@pytest.mark.parametrize(
    ("folder", "whose"),
    [(b"nora vale", True), (b"Nora Vale (2222)", True), (b"Nora Vale (3333)", False), (b"2014", False)],
)
def test_an_artists_folder_is_called_after_them_or_tells_them_apart(folder: bytes, whose: bool) -> None:
    naming = Naming.of("{album_artist}[/{album_artist_sort}]/{album}", "{title}")
    for one in (DEFAULT, naming):
        assert names.is_called_after(one, b"Music/" + folder, low_tide(), "2222-4444") == whose


def test_an_album_of_nobody_is_sorted_as_it_is_called() -> None:
    naming = Naming.of("{album_artist_sort}/{album}", "{title}")
    assert album_folder(naming, low_tide(credits=())) == b"Unknown Artist/Low Tide"


@pytest.mark.parametrize(("status", "way"), [("rejected", "review approve 3"), ("missing", "fsck")])
def test_of_what_is_not_approved_is_said_what_can_be_done(status: str, way: str) -> None:
    with pytest.raises(NeedsReview, match=f"item 3 is {status}; .*`greenroom {way}`") as refused:
        require_approved(3, status)
    assert refused.value.message.count("`") == 2, "one way, and not both"


def picture(type: str, rank: int = 1, ext: str = "jpg") -> Picture:
    return Picture(type, rank, f"{type}{rank}", ext)


@pytest.mark.parametrize(
    ("profile", "album", "artist"),
    [
        ("kodi", "discart.png fanart.jpg fanart1.jpg folder.jpg thumb1.jpg", "clearlogo.png folder.jpg"),
        ("jellyfin", "backdrop1.jpg disc.png fanart.jpg folder.jpg", "clearlogo.png folder.jpg"),
        ("plex", "CD 1/cover.jpg CD 2/cover.jpg cover.jpg fanart.jpg", "poster.jpg"),
        ("navidrome", "cover.jpg", "artist.jpg"),
        ("all",
         "CD 1/cover.jpg CD 2/cover.jpg backdrop1.jpg cover.jpg disc.png discart.png fanart.jpg fanart1.jpg folder.jpg "
         "thumb1.jpg",
         "artist.jpg clearlogo.png folder.jpg poster.jpg"),
    ],
)  # fmt: skip
def test_every_player_finds_pictures_under_its_names(profile: Profile, album: str, artist: str) -> None:
    chosen = [
        picture("front", 2),
        picture("front"),
        picture("fanart"),
        picture("fanart", 2),
        picture("disc", ext="png"),
    ]
    named = pictures.names("album", chosen, profile, [b"CD 1", b"CD 2"])
    assert " ".join(sorted(name.decode() for name in named)) == album
    of_artist = pictures.names("artist", [picture("thumb"), picture("logo", ext="png")], profile)
    assert " ".join(sorted(name.decode() for name in of_artist)) == artist


def test_pictures_have_their_names_in_whatever_order_they_come() -> None:
    chosen = [picture("front"), picture("front", 2), picture("fanart"), picture("front")._replace(sha256="a")]
    named = pictures.names("album", chosen, "all")
    assert [*pictures.names("album", chosen[::-1], "all").items()] == [*named.items()]
    assert named[b"folder.jpg"].sha256 == "a", "of two of one rank the first, and not the last"


def test_no_picture_is_its_own_rival() -> None:
    rivals = pictures.rivals([b"cover.png", b"CD 1/cover.jpg"])
    assert (b"cover.jpg" in rivals, b"CD 1/cover.png" in rivals) == (True, True)
    assert not {b"cover.png", b"CD 1/cover.jpg"} & set(rivals)


LIBRARIES = [Library(n, "library", "music", path, str(n)) for n, path in enumerate((b"/srv/music", b"/srv/classical"))]
RULES = "genre Classical -> /srv/classical\ncompilation -> /srv/classical/; * -> /srv/music"


@pytest.mark.parametrize(
    ("album", "path"),
    [
        (low_tide(genres=("classical",)), b"/srv/classical"), (low_tide(compilation=True), b"/srv/classical"),
        (low_tide(genres=("Folk",)), b"/srv/music"),
    ],
)  # fmt: skip
def test_the_first_rule_that_fits_says_the_library(album: AlbumMetadata, path: bytes) -> None:
    assert routing.choose(album, routing.rules(RULES), LIBRARIES).path == path


@pytest.mark.parametrize(
    ("rule", "album"),
    [
        ("genre Baroque", low_tide(styles=("baroque",))), ("type EP", low_tide(type="ep")),
        ("type live", low_tide(type="album", secondary_types=("Live",))), ("artist nora vale", low_tide()),
        ("label Shore", low_tide(labels=("A", "Shore"))),
        ("country GB", low_tide(country="GB")), ("language deu", low_tide(language="deu")),
    ],
)  # fmt: skip
def test_a_rule_is_about_all_that_is_known_of_what_it_asks(rule: str, album: AlbumMetadata) -> None:
    table = routing.rules(f"{rule} -> /srv/classical; * -> /srv/music")
    assert routing.choose(album, table, LIBRARIES).path == b"/srv/classical"
    assert routing.choose(low_tide(credits=()), table, LIBRARIES).path == b"/srv/music"


def test_without_a_rule_there_must_be_one_library() -> None:
    assert routing.choose(low_tide(), (), LIBRARIES[:1]) == LIBRARIES[0]
    with pytest.raises(Misconfigured, match=r"no rule of phase\.publish\.library"):
        routing.choose(low_tide(), (), LIBRARIES)
    with pytest.raises(Misconfigured, match="add one with"):
        routing.choose(low_tide(), (), [])
    for libraries in (LIBRARIES, LIBRARIES[:1]):
        with pytest.raises(Misconfigured, match="/srv/none, which is no music library"):
            routing.choose(low_tide(), routing.rules("* -> /srv/none"), libraries)


@pytest.mark.parametrize("text", ["genre -> /x", "* x -> /x", "colour red -> /x", "genre Jazz", "genre Jazz -> x"])
def test_a_rule_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"->|colour|value"):
        routing.rules(text)


@pytest.mark.parametrize("text", ["²", ":²", "99999999999", ":4294967295", "nobody at all", "a\0b"])
def test_an_owner_nobody_can_be_is_refused_before_anything_is_published(text: str) -> None:
    with pytest.raises(Misconfigured, match="nobody here is called"):
        owner_of(text)


def test_owners_are_told_by_name_and_by_number() -> None:
    assert [owner_of(text) for text in ("", "root", ":0", "7:8")] == [(KEEP, KEEP), (0, KEEP), (KEEP, 0), (7, 8)]
