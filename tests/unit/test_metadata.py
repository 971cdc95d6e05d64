"""What sources say of an album becomes what counts, and everybody can see who said it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Rejected
from processor.items.repository import StagedFile
from processor.metadata.documents import ITSELF, USER, Documents, album, artist, part_of, path_of, to_json, winning
from processor.metadata.fields import FIELDS, checked
from processor.metadata.known import AlbumMetadata, Credit, credited
from processor.metadata.tags import of_files

ITEM = {"album": "Quiet", "album_artist": "Ada feat. Bo", "release_id": None, "compilation": False, "year": 1999}
A, B = "11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222"


def track(path: bytes, number: int | None, **facts: Any) -> StagedFile:
    title = facts.get("title")
    return StagedFile(path, "audio", path, None, number, title, 1, 1, None, {"duration_ms": 1000, **facts})


def test_a_person_counts_before_all_and_the_tags_are_the_last_to_be_asked() -> None:
    documents = {
        "tags": {ITSELF: {"title": "quiet", "barcode": "123"}},
        "musicbrainz": {ITSELF: {"title": "Quiet", "date": "1999-04"}},
        USER: {ITSELF: {"title": "Quiet!"}},
    }
    found = winning(documents, ITSELF, "album")
    assert {name: (known.value, known.source, known.locked) for name, known in found.items()} == {
        "title": ("Quiet!", "user", True),
        "date": ("1999-04", "musicbrainz", False),
        "barcode": ("123", "tags", False),
    }


def test_an_unknown_source_is_believed_last() -> None:
    documents: Documents = {"x": {ITSELF: {"title": "X"}}, "tags": {ITSELF: {"title": "T"}}}
    assert winning(documents, ITSELF, "album")["title"].source == "tags"


def test_a_value_that_cannot_be_gives_way_to_the_next_source() -> None:
    documents: Documents = {"musicbrainz": {ITSELF: {"date": "soon", "genres": []}}, "tags": {ITSELF: {"date": "1999"}}}
    assert {name: known.value for name, known in winning(documents, ITSELF, "album").items()} == {"date": "1999"}


def test_tags_of_an_album_are_what_most_tracks_say() -> None:
    files = [
        track(b"1.mp3", 1, title="One", date="1999-04-01", genres=["Folk"], barcode="5"),
        track(b"2.mp3", 2, title="Two", date="1999-04-01", genres=["Folk"]),
        track(b"3.mp3", 3, title="Three", date="2001"),
        StagedFile(b"cover.jpg", "picture", b"cover.jpg", None, None, None, 1, 1, None, {}),
    ]
    document = of_files(ITEM, files)["tags"]
    assert document[ITSELF]["date"] == "1999-04-01"
    assert document[ITSELF]["genres"] == ["Folk"]
    assert "barcode" not in document[ITSELF]  # one of three is no majority
    assert document["2.mp3"]["title"] == "Two"
    assert "cover.jpg" not in document


def test_what_no_tag_says_is_known_from_where_grouping_found_it() -> None:
    item = {**ITEM, "sources": {"album": "folder", "album_artist": "file_name", "year": "folder"}}
    sources = {"title": "file_name", "track": "majority", "disc": "rule"}
    found = of_files(item, [track(b"1.mp3", 1, title="One", genres=["Folk"], sources=sources)])
    said = winning(found, ITSELF, "album")
    assert {name: one.source for name, one in said.items()} == {
        "title": "folder", "credits": "file_name", "date": "folder", "compilation": "tags", "genres": "tags",
    }  # fmt: skip
    assert {name: one.source for name, one in winning(found, "1.mp3", "track").items()} == {
        "title": "file_name", "position": "tags",
    }  # fmt: skip
    dated = of_files(item, [track(b"1.mp3", 1, date="1999-04-01")])
    assert winning(dated, ITSELF, "album")["date"] == ("1999-04-01", "tags")  # a whole date is no folder's


def test_several_artists_are_credited_as_the_cover_does_if_the_tags_agree() -> None:
    several = {"album_artists": ["Ada", "Bo"], "mb_album_artist_ids": [A, B]}
    credits = of_files(ITEM, [track(b"1.mp3", 1, **several)])["tags"][ITSELF]["credits"]
    assert credits == [["Ada", A, " feat. ", None], ["Bo", B, "", None]]
    odd = {"album_artists": ["Ada", "Cy"], "mb_album_artist_ids": [A, B]}
    assert of_files(ITEM, [track(b"1.mp3", 1, **odd)])["tags"][ITSELF]["credits"] == [["Ada feat. Bo", None, "", None]]


@pytest.mark.parametrize(("id", "known"), [("none", None), (B.upper().replace("2", "A"), B.replace("2", "a"))])
def test_an_id_that_is_none_takes_no_name_along(id: str, known: str | None) -> None:
    files = [track(b"1.mp3", 1, artist="Ada", mb_artist_ids=[id], mb_album_artist_ids=[id], mb_recording_id=id)]
    found = album(of_files(ITEM, files), [(b"1.mp3", 1000)])
    assert found.credits == (Credit("Ada feat. Bo", known),)
    assert [(one.credits, one.recording_id) for one in found.tracks] == [((Credit("Ada", known),), known)]
    several = {"album_artists": ["Ada", "Bo"], "mb_album_artist_ids": [A, id]}
    assert of_files(ITEM, [track(b"1.mp3", 1, **several)])["tags"][ITSELF]["credits"] == [
        ["Ada", A, " feat. ", None], ["Bo", known, "", None],
    ]  # fmt: skip


def test_an_album_comes_with_its_tracks_in_the_order_they_are_played() -> None:
    documents: Documents = {
        "tags": {"b.mp3": {"title": "B", "disc": 1, "position": 1}, "a.mp3": {"title": "A", "disc": 1, "position": 2}},
        "musicbrainz": {"a.mp3": {"position": 3}},
    }
    found = album(documents, [(b"a.mp3", 1000), (b"b.mp3", None), (b"c.mp3", None)])
    assert [(one.path, one.title, one.position) for one in found.tracks] == [
        (b"b.mp3", "B", 1), (b"a.mp3", "A", 3), (b"c.mp3", None, None),
    ]  # fmt: skip
    assert found.title is None


def test_the_year_is_that_of_the_first_release() -> None:
    assert AlbumMetadata(date="2011-01-01", original_date="1971").year == 1971
    assert AlbumMetadata(date="2011-01").year == 2011
    assert AlbumMetadata().year is None


@pytest.mark.parametrize(
    ("subject", "name", "value"),
    [
        ("album", "nonsense", "x"), ("album", "title", ""), ("album", "title", 5), ("album", "title", "x" * 2000),
        ("album", "date", "1999-13"), ("album", "date", "١٩٩٩"), ("album", "rating", 11), ("album", "rating", True),
        ("album", "genres", "Folk"),
        ("track", "position", -1), ("album", "release_id", "../x"), ("album", "credits", [[]]),
        ("album", "compilation", 1),
    ],
)  # fmt: skip
def test_what_a_field_cannot_be_is_refused_with_the_reason(subject: Any, name: str, value: Any) -> None:
    with pytest.raises(Rejected, match=name):
        checked(subject, name, value)


def test_a_text_loses_what_no_reader_of_xml_takes() -> None:
    assert checked("album", "title", " a\0b\x1b\ud800c\n d ") == "ab?c d"
    assert checked("album", "review", "one\n\ntwo\x0b") == "one\n\ntwo"


@given(st.binary(min_size=1, max_size=40))
def test_every_file_has_a_part_of_its_own(path: bytes) -> None:
    assert path_of(part_of(path)) == path
    assert json.loads(json.dumps(part_of(path))) == part_of(path)


@pytest.mark.parametrize("part", ["\ud800", "base64:?", "base64:é"])
def test_what_no_file_is_named_is_refused(part: str) -> None:
    with pytest.raises(Rejected, match="names no file"):
        path_of(part)


@given(st.lists(st.tuples(st.text(min_size=1, max_size=5), st.text(max_size=3)), min_size=1, max_size=4))
def test_a_credit_survives_being_stored(names: list[tuple[str, str]]) -> None:
    try:
        credits = checked("album", "credits", [[name, None, join] for name, join in names])
    except Rejected:
        return
    assert checked("album", "credits", json.loads(json.dumps(to_json(credits)))) == credits
    assert credited(credits)


def test_every_field_of_the_table_is_one_of_the_record_it_fills() -> None:
    full = {name: {"line": "x", "text": "x", "lines": ["x"], "credits": ["x"], "date": "1999", "id": A, "count": 1,
                   "rating": 1, "flag": True}[field.kind] for name, field in FIELDS["artist"].items()}  # fmt: skip
    assert artist({"x": {ITSELF: full}}, "y").name == "x"
    assert set(FIELDS["album"]) < set(AlbumMetadata.__dataclass_fields__)
