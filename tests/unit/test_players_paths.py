"""What our folders are called elsewhere: by component, the longest pair first, on Windows and through shares."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Misconfigured
from processor.players.kodi_details import art_changes, picture_url
from processor.players.lyrion import file_url, path_of
from processor.players.paths import Pair, joined, mapped, parsed, suggested, within

PAIRS = parsed(["/srv/music=smb://nas/music", "/srv/music/Classical = nfs://nas/classical/", "/srv/win=D:\\"])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("/srv/music", "smb://nas/music"),
        ("/srv/music/Air/Moon Safari (1998)", "smb://nas/music/Air/Moon Safari (1998)"),
        ("/srv/music//Air/./x/", "smb://nas/music/Air/x"),
        ("/srv/music/Classical/Bach", "nfs://nas/classical/Bach"),
        ("/srv/music/Classically/Bach", "smb://nas/music/Classically/Bach"),
        ("/srv/musical", None),
        ("/srv", None),
        ("/srv/win/AC%2FDC/Tränen & 100%", "D:\\AC%2FDC\\Tränen & 100%"),
        ("/srv/win", "D:\\"),
        ("/srv/music/back\\slash", "smb://nas/music/back\\slash"),
    ],
)
def test_a_folder_goes_by_another_name_there(ours: str, theirs: str | None) -> None:
    assert mapped(PAIRS, ours.encode()) == theirs


def test_without_any_pair_both_call_it_the_same() -> None:
    assert mapped((), b"/srv/music/Air") == "/srv/music/Air"
    assert mapped((), b"/srv/music/\xff") is None  # no player can be told of it


@pytest.mark.parametrize(
    ("root", "below", "path"),
    [
        ("\\\\nas\\music", ["A", "B"], "\\\\nas\\music\\A\\B"),
        ("C:\\Users\\Music\\", ["A"], "C:\\Users\\Music\\A"),
        ("C:/Music", ["A"], "C:/Music/A"),
        ("smb://nas", ["A"], "smb://nas/A"),
        ("/", ["A"], "/A"),
        ("/", [], "/"),
    ],
)
def test_paths_are_written_as_the_player_writes_them(root: str, below: list[str], path: str) -> None:
    assert joined(root, below) == path


@given(
    st.lists(st.text("ab /.%ä\\", min_size=1, max_size=4).filter(lambda t: t.strip(".") and "/" not in t), max_size=4)
)
def test_below_a_folder_names_stay_what_they_are(names: list[str]) -> None:
    path = os.path.join("/srv/music", *names)
    found = mapped((Pair("/srv/music", "nfs://nas/m"),), path.encode())
    assert found is not None
    assert found == "/".join(["nfs://nas/m", *names])
    assert within(found, "nfs://nas/m")


def test_windows_knows_neither_cases_nor_slashes() -> None:
    assert within("D:/Music/air/01.flac", "d:\\music\\Air")
    assert not within("/music/air", "/music/Air")
    assert not within("/music/Airs", "/music/Air")


@pytest.mark.parametrize(
    "line",
    [
        "/srv/music",
        "srv=/music",
        "/srv=music",
        "=",
        "/srv/music=",
        "/srv\x1b=/x",
        "/srv=C:",
        "/srv=\\\\",
        "/srv=\\\\nas\\",
    ],
)
def test_what_maps_no_path_is_refused(line: str) -> None:
    with pytest.raises(Misconfigured, match="maps no path"):
        parsed([line])
    assert parsed(["", "  "]) == ()


@pytest.mark.parametrize(
    ("library", "roots", "pairs"),
    [
        ("/srv/media/music", ["smb://nas/music/"], ["/srv/media/music=smb://nas/music/"]),
        ("/srv/media/music", ["/films", "/data/media/music", "/x/music"], ["/srv/media/music=/data/media/music"]),
        ("/srv/music/albums", ["M:\\Music"], ["/srv/music=M:\\Music"]),
        ("/srv/one", ["/other"], ["/srv/one=/other"]),
        ("/srv/one", ["/other", "/another"], []),
        ("/srv/music", ["/srv/music/"], []),
        ("/srv/music", ["/srv"], []),
        ("/srv/music", [], []),
    ],
)
def test_a_path_map_is_suggested_by_what_the_folders_have_in_common(
    library: str, roots: list[str], pairs: list[str]
) -> None:
    assert [str(pair) for pair in suggested([library], roots)] == pairs


def test_lyrion_is_asked_by_urls() -> None:
    assert file_url("/music/AC%DC/Ä b#") == "file:///music/AC%25DC/%C3%84%20b%23"
    assert file_url("D:\\Music\\Ä b") == "file:///D:/Music/%C3%84%20b"
    assert file_url("\\\\nas\\Music\\Ä b") == "file://nas/Music/%C3%84%20b"
    assert file_url("/music//\udce4/") == "file:///music/%E4"  # a name that is no UTF-8
    for path in ("/music/AC%DC/Ä b#?", "D:/Music/Ä b"):
        assert path_of(file_url(path)) == path


def test_kodi_is_shown_the_pictures_there_are_and_no_other_of_that_folder() -> None:
    at = {name: f"image://%2fm%2fA%2f{name}/" for name in ("folder.jpg", "back.jpg", "fanart1.jpg", "CD 2%2fcover.jpg")}
    shown = {
        "thumb": at["folder.jpg"], "back": at["back.jpg"], "thumb2": "image://%2fm%2fA%2fCD%202%2fcover.jpg/",
        "discart": "image://http%3a%2f%2felsewhere%2fdisc.png/", "artist.thumb": "image://%2fm%2ffolder.jpg/",
    }  # fmt: skip
    names = ["CD 2/cover.jpg", "cover.jpg", "fanart1.jpg", "folder.jpg", "scan of the booklet.jpg"]
    assert art_changes(shown, "/m/A", names) == {"back": None, "fanart1": at["fanart1.jpg"]}
    assert art_changes(shown, "/m/A", ["cover.png", "folder.jpg"]) == {"back": None, "thumb2": None}
    assert art_changes({}, "/m/A", ["cover.png"]) == {"thumb": "image://%2fm%2fA%2fcover.png/"}
    assert art_changes(shown, "/m/B", []) == {}


def test_kodi_writes_the_names_of_pictures_as_it_does() -> None:
    """As Kodi 20.1 had it for such a file."""
    written = "%2fsrv%2fBj%c3%b6rk%20T%2fFirst%20Light%20(2001)%2ffolder.jpg"
    assert picture_url("/srv/Björk T/First Light (2001)/folder.jpg") == f"image://{written}"
