"""A library that others made → indexed and compared; nothing in it is touched."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.commands import chosen, greenroom
from tests.scenarios.drops import lay_out, songs
from tests.scenarios.house import House, seen
from tests.scenarios.publishing import LOW_TIDE, add_library, approve, publish


@pytest.fixture
def run(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command, its JSON by folder."""
    chosen(monkeypatch, house.data, house.database)

    def adopt(path: Path) -> dict[str, Any]:
        before = seen(path)
        done = greenroom("adopt", path, "--json")
        assert seen(path) == before
        return {album["folder"]: album for album in json.loads(done.stdout)["albums"]}

    return adopt


def test_each_album_is_shown_beside_what_it_would_be(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    music, gone = tmp_path / "old", tmp_path / "gone"
    music.mkdir()
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()  # where one is when one asks does not matter
    nfo = b"<album><title>Low tide</title><review>Mine.</review></album>"
    lay_out(
        music,
        songs("misc/ada_low", "flac", range(1, 3), date="2014")
        | {"misc/ada_low/album.nfo": nfo, "misc/ada_low/Folder.JPG": b"x", "misc/ada_low/scan (back).png": b"y"}
        | songs("Bo/Other (1999)", "mp3", range(1, 3), artist="Bo", album="Other", date="1999")
        | {"Bo/Other (1999)/album.nfo": b"no XML"}
        | songs("Cy/Get Back", "mp3", range(1, 3), artist="Cy", album="Get Back")
        | {"Cy/Get Back/Get Back.jpg": b"z"},
    )
    found = run(music)
    ada, bo = found["misc/ada_low"], found["Bo/Other (1999)"]
    assert (ada["wanted"], ada["renamed"], ada["pictures"]) == ("Ada/Low Tide (2014)", [], ["back.jpg", "cover.jpg"])
    assert (ada["nfo"], "title" in ada["fields"], "review" in ada["fields"]) == ("differs", True, False)
    assert ada["beside"] == ["artist.nfo", "folder.jpg", "poster.jpg", "artist.jpg"]
    assert ada["lacking"] == [{"tag": "album_artist", "tracks": 2}, {"tag": "mb_release_id", "tracks": 2}]
    assert (bo["wanted"], bo["nfo"], bo["pictures"]) == ("Bo/Other (1999)", "unreadable", ["folder.jpg", "cover.jpg"])
    assert found["Cy/Get Back"]["pictures"] == ["folder.jpg", "cover.jpg"], "it has no back that players would miss"
    assert ada["twin"] is bo["twin"] is None


def test_the_one_picture_of_an_album_is_its_cover_though_a_word_of_the_title_is_back(run: Any, tmp_path: Path) -> None:
    music = tmp_path / "old"
    music.mkdir()
    lay_out(music, songs("Ada/Get Back", "mp3", range(1, 3), album="Get Back") | {"Ada/Get Back/Get Back.jpg": b"x"})
    assert run(music)["Ada/Get Back"]["pictures"] == ["folder.jpg", "cover.jpg"]


def test_what_greenroom_published_itself_differs_in_nothing_but_the_cover(house: House, run: Any) -> None:
    library = add_library(house)
    house.drop(LOW_TIDE)
    house.cycle()
    publish(house, approve(house)[0])
    (album,) = run(library).values()
    assert (album["folder"], album["renamed"], album["nfo"]) == (album["wanted"], [], "same")
    assert not album["reasons"]
    assert album["twin"]["is_here"]
    again = run(library)  # from the index
    assert list(again.values()) == [album]
    assert len(os.listdir(house.data / "adopt")) == 1


def test_an_album_that_is_staged_too_is_named(house: House, run: Any, tmp_path: Path) -> None:
    music = tmp_path / "old"
    music.mkdir()
    house.drop(LOW_TIDE)
    house.cycle(rehearsed=False)
    lay_out(music, songs("Ada/Low Tide (2014)", "mp3", range(1, 3), date="2014"))
    (album,) = run(music).values()
    (item,) = house.items().values()
    assert album["twin"] == {"item_id": item["id"], "status": "pending_review", "is_here": False}
    assert "known" in album["differs"]


def test_a_summary_says_how_many_differ_and_which_need_a_person(house: House, run: Any, tmp_path: Path) -> None:
    music = tmp_path / "old"
    music.mkdir()
    house.drop(LOW_TIDE)
    house.cycle(rehearsed=False)
    lay_out(
        music,
        songs("Ada/Low Tide (2014)", "mp3", range(1, 3), date="2014")
        | songs("Bo/Wrong", "mp3", range(1, 3), artist="Bo", album="Right")
        | {"Bo/Wrong/album.nfo": b"no XML"}
        | songs("Cy/Elsewhere", "mp3", range(1, 3), artist="Cy", album="Plain"),
    )

    def adopt(*options: str) -> str:
        return greenroom("adopt", music, *options).stdout

    (item,) = house.items().values()
    summary = adopt().splitlines()
    assert summary[:4] == [
        "Ada/Low Tide (2014)", f"  the same as item {item['id']}, which is pending_review",
        "Bo/Wrong", "  album.nfo: unreadable",
    ]  # fmt: skip
    assert summary[4].startswith("3 albums, ")
    assert "2 in other folders" in summary[5]
    assert len(summary) == 6
    everything = adopt("--verbose").splitlines()
    assert "Cy/Elsewhere" in everything
    assert everything[-2:] == summary[-2:]


def test_names_that_differ_are_shown_file_by_file(house: House, run: Any, tmp_path: Path) -> None:
    music = tmp_path / "old"
    music.mkdir()
    house.change(**{"phase.publish.file": "{track:02}. {title}"})
    lay_out(music, songs("Ada/Low Tide (2014)", "flac", range(1, 3), date="2014"))
    (album,) = run(music).values()
    assert album["renamed"] == [
        {"path": "01 - Song 1.flac", "wanted": "01. Song 1.flac"},
        {"path": "02 - Song 2.flac", "wanted": "02. Song 2.flac"},
    ]
