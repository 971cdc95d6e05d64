"""What is recorded of an album: exactly what is known, in a shape every store takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.reasons import Reason
from processor.items.item import NewItem, as_reasons, facts_to_json, reasons_of
from scanner.facts import Facts, Picture
from scanner.grouping.groups import GroupTrack
from tests.items import album


def test_an_item_waits_in_a_transfer_as_json_and_comes_back_the_same() -> None:
    item = album().with_digests({b"01 - Song.mp3": "blake3:00"})
    assert item.files[0].digest == "blake3:00"
    assert item.files[1].digest is None
    assert (item.files[0].disc, item.files[0].track, item.files[0].title) == (None, 1, "Song")
    assert NewItem.from_json(json.loads(json.dumps(item.to_json()))) == item


@given(st.binary(min_size=1), st.text(), st.one_of(st.none(), st.text()))
def test_any_item_comes_back_from_json_the_same(path: bytes, key: str, artist: str | None) -> None:
    item = replace(album(key, path=path), album_artist=artist)
    assert NewItem.from_json(json.loads(json.dumps(item.to_json()))) == item


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"title": "Other"}, False),
        ({"path": b"elsewhere"}, False),
        ({"year": 1999}, False),
        ({"confidence": 0.9}, True),
        ({"evidence": ()}, True),
    ],
)
def test_the_checksum_follows_the_album_and_not_our_reasons(change: dict[str, Any], same: bool) -> None:
    assert (album(**change).checksum == album().checksum) is same


def test_an_album_in_another_folder_is_another() -> None:
    moved = album().at("another root", b"elsewhere")
    assert (moved.root_uuid, moved.path, moved.checksum) == ("another root", b"elsewhere", moved.summed().checksum)
    assert moved.checksum != album().checksum


def test_an_unknown_length_makes_the_whole_unknown() -> None:
    tracks = (GroupTrack(1, None, 1, "a"), GroupTrack(2, None, 2, "b"))
    assert album(tracks=tracks).duration_ms is None


@pytest.mark.parametrize("title", ["Ærø ☃", "a\0b", "\udcff", "😀", "\\u0000"])
def test_what_a_file_says_is_recorded_as_any_json_reader_takes_it(title: str) -> None:
    for gain in (None, -7.5, float("nan")):
        said = Facts(title=title, rg_track_gain=gain, genres=("Rock", title), pictures=(Picture(3, 1, None),))
        plain = facts_to_json(said)
        assert plain["title"] == {"a\0b": "ab", "\udcff": "?"}.get(title, title)
        assert album(facts=said).files[0].facts == plain | {"sources": {"title": "tag"}}


def test_numbers_that_are_none_are_left_out() -> None:
    assert facts_to_json(Facts(rg_track_gain=float("nan"), rg_track_peak=float("inf"), bits=16)) == {"bits": 16}


def test_reasons_come_back_with_their_paths_whatever_bytes_these_are() -> None:
    reasons = [Reason("a", "of a file", b"in \xfe/1.mp3"), Reason("b", "of all", None), Reason("c", "of the root", b"")]
    assert reasons_of(as_reasons(reasons)) == reasons


@pytest.mark.parametrize(
    ("name", "value"),
    [("year", "1999"), ("size", None), ("key", 1), ("track_count", "2"), ("compilation", "no"), ("files", [{}])],
)
def test_a_sidecar_that_says_what_no_column_holds_is_refused(name: str, value: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        NewItem.from_json({**album().to_json(), name: value})


@pytest.mark.parametrize(("name", "value"), [("size", "7"), ("title", 1), ("role", None), ("mtime_ns", 0.5)])
def test_a_sidecar_that_says_so_of_a_file_is_refused(name: str, value: Any) -> None:
    said = album().to_json()
    said["files"][0][name] = value
    with pytest.raises(TypeError, match=name):
        NewItem.from_json(said)


def test_the_length_is_that_of_all_tracks_where_all_are_known() -> None:
    tracks = (GroupTrack(1, None, 1, "a"),)
    assert album(tracks=tracks, facts=Facts(duration_ms=1000)).duration_ms == 1000
    assert album(tracks=tracks, facts=Facts(bits=16)).duration_ms is None


def test_values_within_values_are_made_plain_and_numbers_kept() -> None:
    said = Facts(title="a\0b", track=3, track_total=0, rg_track_gain=-7.5, genres=("a\0b", "\udcff"), compilation=False,
                 pictures=(Picture(9, 3, "image/\0jpeg"),))  # fmt: skip
    assert album(facts=said).files[0].facts == {
        "title": "ab", "track": 3, "track_total": 0, "rg_track_gain": -7.5, "genres": ["ab", "?"], "compilation": False,
        "pictures": [{"size": 9, "type": 3, "mime": "image/jpeg"}], "sources": {"title": "tag"},
    }  # fmt: skip


def test_a_release_id_that_no_text_column_takes_is_made_plain_and_an_unknown_name_stays_unknown() -> None:
    assert (album(album="x" * 1001).album, album(title="x" * 1001).files[0].title) == ("x" * 1000, "x" * 1000)
    item = album(release_id="a\0b", album=None, album_artist=None)
    assert (item.release_id, item.album, item.album_artist) == ("ab", None, None)
