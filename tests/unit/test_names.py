"""What people write into folder and file names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reasons import path_text
from scanner.grouping.album_names import is_nameless, parse_album
from scanner.grouping.discs import disc_folder, is_bonus_folder, split_disc
from scanner.grouping.names import (
    may_tell_disc,
    natural_key,
    parse_track,
    stem_of,
)


@pytest.mark.parametrize(
    ("text", "disc"),
    [
        ("CD1", 1),
        ("cd 02", 2),
        ("Disk_3", 3),
        ("Disc 1 - Subtitle", 1),
        ("DISC TWO", 2),
        ("2of3", 2),
        ("Vinyl 4", 4),
        ("Side B", 2),
        ("[Digital Media 01]", 1),
        ("Disc B", 2),
        ("ＣＤ１", 1),
        ("CD②", 2),
        ("Диск 2", 2),
        ("ディスク 2", 2),
        ("디스크2", 2),
        ("דיסק 1", 1),
        ("Kassette 2", 2),
        ("Seite B", 2),
        ("Сторона Б", 2),
        ("B面", 2),
        ("DVD-A", None),
        ("CD+G", None),
        ("CD 012", 12),
        ("HDCD 01", 1),
        ("Hybrid SACD 02", 2),
        ("SHM-CD 1", 1),
        ("CD-R 03", 3),
        ("8cm CD 02", 2),
        ("Copy Control CD 01", 1),
        ('12" Vinyl 02', 2),
        ("7 Vinyl 01", 1),
        ("DVD-Video 02", 2),
        ("Blu-ray 01", 1),
        ("MiniDisc 01", 1),
        ("DualDisc 02", 2),
        ("HD-DVD 02", 2),
        ("10 Shellac 03", 3),
        ("12 LaserDisc 02", 2),
        ("SACD (2 channels) 01", 1),
        ("SACD (multichannel) 02", 2),
        ("Hybrid SACD (SACD layer, 2 channels) 03", 3),
        ("DualDisc (DVD-Audio side) 02", 2),
        ("SACD (2)", 2),
        ("Hybrid Theory 1", None),
        ("DVD-Revolution 1", None),
        ("012 of 170", 12),
        ("CD86", None),
        ("Disc 101", None),
        ("Disco 1", None),
        ("Discography", None),
        ("Volume 1", None),
        ("Part 2", None),
        ("Side Effects", None),
        ("1", None),
        ("CD0", None),
        ("CD No. 2", 2),
        ("Disc Twelve", 12),
        ("Platte 2", 2),
        ("Platter 2", None),
        ("[media]02", 2),
        ("Mediaeval 2", None),
        ("第2碟", 2),
        ("2枚目", 2),
        ("2 von 3", 2),
    ],
)
def test_disc_folders_are_known_by_their_name(text: str, disc: int | None) -> None:
    assert disc_folder(text) == disc


@pytest.mark.parametrize(
    ("text", "split"),
    [
        ("Album (Disc 1)", ("Album", 1)),
        ("Album CD2", ("Album", 2)),
        ("Album [CD 1 of 2] (1999)", ("Album (1999)", 1)),
        ("Album (Disc 2: Bonus)", ("Album", 2)),
        ("Album - Disc 2 - Live", ("Album", 2)),
        ("アルバム【Disc 2】", ("アルバム", 2)),
        ("Album (Disc II)", ("Album", 2)),
        ("Album, CD IV", ("Album", 4)),
        ("Album CD-I", ("Album CD-I", None)),
        ("Album [Disc I - Live] (1999)", ("Album (1999)", 1)),
        ("Album II", ("Album II", None)),
        ("A Disc I Love", ("A Disc I Love", None)),
        ("Compact Disco X", ("Compact Disco X", None)),
        ("ph1997-11-17d2.flac16", ("ph1997-11-17.flac16", 2)),
        ("1997-11-17 Denver", ("1997-11-17 Denver", None)),
        ("Album (2 of 3)", ("Album", 2)),
        ("Album - CD 1 von 3", ("Album", 1)),
        ("Album (CD 2 de 3)", ("Album", 2)),
        ("Album (2 von 3)", ("Album", 2)),
        ("Album CD 2/3", ("Album", 2)),
        ("Album [SHM-CD] 24-192", ("Album [SHM-CD] 24-192", None)),
        ("Album SHM-CD 24-96", ("Album SHM-CD 24-96", None)),
        ("The Complete Works (CD 120)", ("The Complete Works", 120)),
        ("Indie CD86", ("Indie CD86", None)),
        ("artist-album-cd1-2005-grp", ("artist-album-2005-grp", 1)),
        ("Album (Deluxe Edition)", ("Album (Deluxe Edition)", None)),
        ("Greatest Hits Vol. 2", ("Greatest Hits Vol. 2", None)),
        ("LP1", ("LP1", None)),
        ("CD1", ("CD1", None)),
        ("a" * 5000 + " CD1", ("a" * 5000 + " CD1", None)),
    ],
)
def test_the_disc_is_taken_out_of_an_albums_name(text: str, split: tuple[str, int | None]) -> None:
    assert split_disc(text) == split


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("Artist - Album (1999) [FLAC]", ("Artist", "Album", 1999)),
        ("1999 - Artist - Album", ("Artist", "Album", 1999)),
        ("Artist - 1999 - Album", ("Artist", "Album", 1999)),
        ("(1999) Album", (None, "Album", 1999)),
        ("Artist-Album-WEB-1999-GRP", ("Artist", "Album", 1999)),
        ("Prince - 1999 (1982)", ("Prince", "1999", 1982)),
        ("Prince - 1999", ("Prince", "1999", None)),
        ("1999", (None, "1999", None)),
        ("4", (None, "4", None)),
        ("Artist - Album - Live", ("Artist", "Album - Live", None)),
        ("Artist - Album (2011 Remaster) {CAT 1}", ("Artist", "Album (2011 Remaster)", None)),
        ("Artist - Album {Deluxe Edition}", ("Artist", "Album {Deluxe Edition}", None)),
        ("Sigur Rós - ( )", ("Sigur Rós", "( )", None)),
        ("[FLAC]", (None, None, None)),
        ("[2012.08.11] Circle - Album", ("Circle", "Album", 2012)),
        ("gd1977-05-08.sbd.4982.flac16", (None, "gd1977-05-08.sbd.4982.flac16", 1977)),
        ("Band - 1977-05-08 - Town", ("Band", "1977-05-08 - Town", 1977)),
        ("Folge 012 - Der Wecker", (None, "Folge 012 - Der Wecker", None)),
        ("03 - Album (1999)", (None, "Album", 1999)),
        ("07 - Artist - Album", ("Artist", "Album", None)),
        ("01. Album (1999)", (None, "Album", 1999)),
        ("Artist - 01 - Album (1999)", ("Artist", "Album", 1999)),
        ("Artist - 19", ("Artist", "19", None)),
        ("Artist - 21 - Live", ("Artist", "21 - Live", None)),
        ("Artist - Album - 1999", ("Artist", "Album", 1999)),
        ("1999. Album", (None, "Album", 1999)),
        ("1999-Album", (None, "Album", 1999)),
        ("1999-2009", (None, "1999-2009", None)),
        ("2001 A Space Odyssey", (None, "2001 A Space Odyssey", None)),
        ("Artist (1999) Album", ("Artist", "Album", 1999)),
        ("Album (1999) Deluxe Edition", (None, "Album Deluxe Edition", 1999)),
        ("Artist - Album 1999 FLAC", ("Artist", "Album", 1999)),
        ("Artist - Album 2000 320 kbps", ("Artist", "Album", 2000)),
        ("Artist - Album [Deluxe Edition] (2CD) 2001", ("Artist", "Album [Deluxe Edition]", 2001)),
        ("[2014] 1989", (None, "1989", 2014)),
        ("Artist - [2014] 1989", ("Artist", "1989", 2014)),
        ("Artist - Live in 1999", ("Artist", "Live in 1999", None)),
        ("Artist - Best of (1999-2009)", ("Artist", "Best of (1999-2009)", None)),
        ("Jay-Z-The_Album-WEB-2001-GRP", ("Jay-Z", "The Album", 2001)),
        ("a-ha-Album-Remastered-CD-FLAC-1985-GRP", ("a-ha", "Album", 1985)),
        ("Artist-25-Deluxe_Edition-WEB-2015-GRP", ("Artist", "25", 2015)),
        ("Artist-Album-Single-WEB-2015-GRP", ("Artist", "Album", 2015)),
        ("An.Artist.-.The.Album.2003.FLAC", ("An Artist", "The Album", 2003)),
        ("Artist - Album (1999) - Copy (2)", ("Artist", "Album", 1999)),
        ("Artist - Copy", ("Artist", "Copy", None)),
        ("周杰伦-范特西 [2001]", ("周杰伦", "范特西", 2001)),
        ("椎名　－　無罪（1999）", ("椎名", "無罪", 1999)),
        ("Artist - Album [FLAC+CUE+BK]", ("Artist", "Album", None)),
        ("Album [2004, Label, CAT 12]", (None, "Album", 2004)),
        ("Artist - 1999 - Album (2004, Germany, CAT 12)", ("Artist", "Album", 1999)),
        ("[www.example.com] Artist - Album", ("Artist", "Album", None)),
        ("Artist - Album (1999) [example.org]", ("Artist", "Album", 1999)),
        ("Artist - Album (feat. Bo.Com)", ("Artist", "Album (feat. Bo.Com)", None)),
        ("Artist - Album (Vol.2)", ("Artist", "Album (Vol.2)", None)),
        ("Artist - Album - 1999 - FLAC", ("Artist", "Album", 1999)),
        ("Artist - Album - FLAC", ("Artist", "Album", None)),
        ("Album (Live - Town)", (None, "Album (Live - Town)", None)),
        ("Artist - Album [Label - CAT 12]", ("Artist", "Album [Label - CAT 12]", None)),
        ("Artist - Album (2003 - GB - Label - CAT 12)", ("Artist", "Album", 2003)),
        ("1999 - Album (2003-05-01 - GB - Label)", (None, "Album", 1999)),
        ("Artist - Album (1999 - 2009)", ("Artist", "Album (1999 - 2009)", None)),
        ("Album - Low Tide", (None, "Low Tide", None)),
        ("Artist - Album", ("Artist", "Album", None)),
        ("NA - Low Tide", (None, "Low Tide", None)),
        ("VA-Album-OST-2003-GRP", ("VA", "Album", 2003)),
        ("Artist - Album - 1999 - Title", ("Artist", "Title", 1999)),
        ("Artist - EP - 1999 - Title", ("Artist", "Title", 1999)),
        ("EP - 1999 - Title", (None, "Title", 1999)),
        ("Artist - Live - 1999 - Title", ("Artist", "Live - Title", 1999)),
        ("Artist - Single - 1999", ("Artist", "Single", 1999)),
        ("Artist - 001 - Title", ("Artist", "Title", None)),
        ("Artist-Album-OST-2003-GRP", ("Artist", "Album", 2003)),
        ("Artist - Album (1999) MP3 [VBR V0]", ("Artist", "Album", 1999)),
        ("Artist - Album [2CD] FLAC [24-96] {CAT 1}", ("Artist", "Album", None)),
        ("Artist - Loud Wav (1999)", ("Artist", "Loud Wav", 1999)),
        ("Artist - (1999) - Album", ("Artist", "Album", 1999)),
        ("Artist - [1999-05-01] - Album [FLAC]", ("Artist", "Album", 1999)),
        ("Artist - - (1999)", ("Artist", "-", 1999)),
        ("Artist - Album (1999) [EAC-FLAC]", ("Artist", "Album", 1999)),
        ("Artist - Album [DSD128]", ("Artist", "Album", None)),
        ("Magnum Opus", (None, "Magnum Opus", None)),
        ("Magnum Opus (1999) [FLAC]", (None, "Magnum Opus", 1999)),
        ("Artist - Opus", ("Artist", "Opus", None)),
        ("Play 023 - The Island", ("Play", "The Island", None)),
        ("Play 07 - The Island (1999)", ("Play", "The Island", 1999)),
        ("Blink 182 - Cheshire Cat", ("Blink 182", "Cheshire Cat", None)),
        ("007 - Album", (None, "Album", None)),
        ("[WARPCD92] Artist - Album (1999)", ("Artist", "Album", 1999)),
        ("(CAT 001) Artist - Album", ("Artist", "Album", None)),
        ("[spunge] - Album", ("[spunge]", "Album", None)),
        ("[SITD7] - Album", ("[SITD7]", "Album", None)),
        ("[Unknown 7] Artist - Album", ("[Unknown 7] Artist", "Album", None)),
        ("1977-05-08 Barton Hall - Ithaca", (None, "1977-05-08 Barton Hall - Ithaca", 1977)),
    ],
)
def test_an_album_folders_name_is_taken_apart(text: str, parts: tuple[str | None, str | None, int | None]) -> None:
    assert parse_album(text) == parts


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("01 - Title", (None, 1, None, "Title")),
        ("01. Title", (None, 1, None, "Title")),
        ("01 \u2010 Title", (None, 1, None, "Title")),
        ("01：Title", (None, 1, None, "Title")),
        ("01 | Title", (None, 1, None, "Title")),
        ("1-01 Title", (1, 1, None, "Title")),
        ("CD2-03 - Title", (2, 3, None, "Title")),
        ("Disc 1 - 01 - Title", (1, 1, None, "Title")),
        ("d1t01. Title", (1, 1, None, "Title")),
        ("Artist - 01 - Title", (None, 1, "Artist", "Title")),
        ("Artist - Album - 01 - Title", (None, 1, "Artist", "Title")),
        ("01 - Artist - Title", (None, 1, "Artist", "Title")),
        ("Artist - Title", (None, None, "Artist", "Title")),
        ("07_Song_name", (None, 7, None, "Song name")),
        ("01", (None, 1, None, None)),
        ("1979", (None, None, None, "1979")),
        ("artist-01-title", (None, 1, "artist", "title")),
        ("Artist - 01. Title", (None, 1, "Artist", "Title")),
        ("Artist-01. Title", (None, 1, "Artist", "Title")),
        ("Blink-182 - Title", (None, None, "Blink-182", "Title")),
        ("Blink-182 - 03 - Title", (None, 3, "Blink-182", "Title")),
        ("SC8001-07 - Artist - Title", (None, 7, "Artist", "Title")),
        ("01of12 Title", (None, 1, None, "Title")),
        ("Artist - Album CD 02 - 03 - Title", (2, 3, "Artist", "Title")),
        ("Artist - Album (Disc 2) - 03. Title", (2, 3, "Artist", "Title")),
        ("Album CD2 - 03 - Title - Live", (2, 3, None, "Title - Live")),
        ("artist-album-cd2-03-title", (2, 3, None, "title")),
        ("gd77-05-08d2t03", (2, 3, None, None)),
        ("ph1997-11-17 d1t01 - Title", (1, 1, None, "Title")),
        ("gd1977-05-08.sbd.t12", (None, 12, None, None)),
        ("1977-05-08 Barton Hall - 01 - Bertha", (None, 1, None, "Bertha")),
        ("Live 1977-05-08 - 01 - Bertha", (None, 1, "Live 1977-05-08", "Bertha")),
        ("Artist - 07 - Live 1977-05-08", (None, 7, "Artist", "Live 1977-05-08")),
        ("2014-01-03 Episode", (None, None, None, "2014-01-03 Episode")),
        ("01 - Title [dQw4w9WgXcQ]", (None, 1, None, "Title")),
        ("Artist - Title [A2zKARk_DW4]", (None, None, "Artist", "Title")),
        ("01_Title_[A2zKARk-DW4]", (None, 1, None, "Title")),
        ("01 - Title [Alternative]", (None, 1, None, "Title [Alternative]")),
        ("01 - Title [Bonus-Track]", (None, 1, None, "Title [Bonus-Track]")),
        ("1994-12-18 - Host - Mix", (None, None, None, "1994-12-18 - Host - Mix")),
    ],
)
def test_a_track_files_name_is_taken_apart(text: str, parts: tuple[int | None, int | None, str | None, str]) -> None:
    assert parse_track(text) == parts


@pytest.mark.parametrize(
    ("text", "nameless"),
    [
        ("FLAC", True),
        ("Downloads", True),
        ("CD1", True),
        ("Audio CD", True),
        ("New Folder (2)", True),
        (r"\xc0\xeb\xe8\xf1\xe0 - \xc1\xeb\xee\xea (1992)", True),
        (r"Caf\xe9 Tacuba", False),
        ("Nouveau dossier", True),
        ("Unknown Album (11-3-2020 1-23-45 PM)", True),
        ("24-96", True),
        ("4", False),
        ("21 (2011)", False),
        ("25 (2015) [FLAC]", False),
        ("1999 [FLAC 24-96]", False),
        ("320 [MP3]", True),
        ("(2015) [FLAC]", True),
    ],
)
def test_some_folders_name_nothing(text: str, nameless: bool) -> None:
    assert is_nameless(text) is nameless


def test_names_sort_as_people_count() -> None:
    assert sorted([b"10", b"9", b"a10", b"a9", b"\xff2"], key=natural_key) == [b"9", b"10", b"\xff2", b"a9", b"a10"]


def test_only_an_extension_is_cut_off() -> None:
    stems = {b"a.flac": b"a", b"Mr. Blue": b"Mr. Blue", b".x": b".x", b"a.b.mp3": b"a.b"}
    doubled = {b"a.mp3.mp3": b"a", b".mp3.mp3": b".mp3"}
    assert {name: stem_of(name) for name in stems | doubled} == stems | doubled


@given(st.binary(max_size=255))
def test_any_name_can_be_read(name: bytes) -> None:
    text = path_text(name)
    for read in (disc_folder, is_bonus_folder, is_nameless, parse_album, parse_track, split_disc):
        assert read(text) == read(text)
    assert natural_key(name)


_SHORT_NAMES = st.text(alphabet="0129٢ _.-tTracdis()é\n", max_size=9).map(lambda text: f"{text}.mp3".encode())


@given(st.lists(_SHORT_NAMES, max_size=3))
def test_a_name_that_may_not_tell_a_disc_tells_none(names: list[bytes]) -> None:
    assert may_tell_disc(*names) == any(may_tell_disc(name) for name in names)
    for name in names:
        assert may_tell_disc(name) or parse_track(path_text(stem_of(name))).disc is None


def test_what_nearly_every_file_is_called_tells_no_disc() -> None:
    assert not may_tell_disc(b"01 - Song.mp3", b"02. Song.mp3", b"03-Song.mp3", b"4.mp3", b"05_song.mp3")
    assert may_tell_disc(b"01 - Song.mp3", b"1-02 Song.mp3")
