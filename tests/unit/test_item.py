"""What is recorded of an album: exactly what is known, in a shape every store takes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processor.items.item import NewItem, facts_to_json
from scanner.facts import Facts, Picture
from scanner.grouping.groups import GroupTrack
from tests.items import album


def test_an_item_waits_in_a_transfer_as_json_and_comes_back_the_same() -> None:
    item = album().with_digests({b"01 - Song.mp3": "blake3:00"})
    assert item.files[0].digest == "blake3:00"
    assert item.files[1].digest is None
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
