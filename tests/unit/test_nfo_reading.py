"""NFO files as Kodi, Jellyfin and Lidarr write them, and as nobody should → what they say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Rejected
from processor.metadata.known import ArtistMetadata
from processor.nfo import artist, reading, xml
from processor.nfo.reading import MAYBE_ID, read_album, read_artist
from tests.releases import uuid
from tests.unit.test_nfo import LOW_TIDE, file

KODI = f"""<?xml version="1.0" encoding="UTF-8" standalone="yes" ?>
<album>
    <title>Harbour Lights</title>
    <musicbrainzalbumid>{uuid(1)}</musicbrainzalbumid>
    <musicbrainzreleasegroupid>{uuid(77)}</musicbrainzreleasegroupid>
    <scrapedmbid>false</scrapedmbid>
    <genre clear="true">Dream Pop</genre><genre>Folk</genre><style></style><mood>calm</mood>
    <compilation>false</compilation>
    <review>Ten songs.\n\nAll good.</review>
    <type>album / live</type>
    <releasestatus>Official</releasestatus>
    <releasedate>2009-01-12</releasedate><originalreleasedate>1998-03-02</originalreleasedate>
    <label>Tidewater</label>
    <thumb preview="">https://example.org/a.jpg</thumb>
    <rating max="5">3.500000</rating><votes>12</votes>
    <year>2009</year>
    <albumArtistCredits>
        <artist>The Velvet Harbour</artist><musicBrainzArtistID>{uuid(3)}</musicBrainzArtistID>
    </albumArtistCredits>
    <albumArtistCredits><artist>Nora Vale</artist></albumArtistCredits>
    <track>
        <musicBrainzTrackID>{uuid(9)}</musicBrainzTrackID><title>Lantern Hill</title>
        <position>1</position><duration>03:01</duration>
    </track>
    <track><title>Paper Boats</title><position>2</position><duration>1:03:24</duration></track>
</album>
https://musicbrainz.org/release/{uuid(5)}
"""
LIDARR = f"""<album>
  <title>Harbour Lights</title>
  <rating>8.5</rating>
  <musicbrainzalbumid>{uuid(77)}</musicbrainzalbumid>
  <artistdesc />
  <releasedate>3/2/1998</releasedate>
</album>"""
JELLYFIN = f"""<?xml version="1.0" encoding="utf-8" standalone="yes"?>
<album>
  <review>One.</review><lockdata>false</lockdata><dateadded>2024-01-07 20:44:02</dateadded>
  <title>Harbour Lights</title><year>1998</year>
  <musicbrainzalbumartistid>{uuid(3)}</musicbrainzalbumartistid>
  <musicbrainzalbumid>{uuid(1).upper()}</musicbrainzalbumid>
  <musicbrainzreleasegroupid>{uuid(77)}</musicbrainzreleasegroupid>
  <runtime>41</runtime><genre>Folk</genre><studio>Tidewater</studio>
  <artist>The Velvet Harbour</artist><albumartist>The Velvet Harbour</albumartist>
</album>"""


def test_an_album_of_kodi_says_all_that_it_holds() -> None:
    notes = read_album(KODI.encode())
    assert notes.fields == {
        "title": "Harbour Lights", "genres": ["Dream Pop", "Folk"], "moods": ["calm"], "labels": ["Tidewater"],
        "credits": [["The Velvet Harbour", uuid(3), ", ", None], ["Nora Vale", None, "", None]],
        "release_id": uuid(1), "release_group_id": uuid(77), "date": "2009-01-12", "original_date": "1998-03-02",
        "type": "album", "secondary_types": ["live"], "status": "Official", "review": "Ten songs.\n\nAll good.",
        "rating": 7.0, "votes": 12,
    }  # fmt: skip
    assert [(track.position, track.length_ms, dict(track.fields)) for track in notes.tracks] == [
        (1, 181_000, {"title": "Lantern Hill", "recording_id": uuid(9)}),
        (2, 3_804_000, {"title": "Paper Boats"}),
    ]


def test_what_lidarr_calls_an_album_is_a_group_of_them_and_its_dates_are_read_as_far_as_they_are_sure() -> None:
    assert read_album(LIDARR.encode()).fields == {
        "title": "Harbour Lights", MAYBE_ID: uuid(77), "original_date": "1998", "rating": 8.5,
    }  # fmt: skip
    lidarrs = f"<artist><title>The Velvet Harbour</title><musicbrainzartistid>{uuid(3)}</musicbrainzartistid></artist>"
    assert read_artist(lidarrs.encode()) == {"name": "The Velvet Harbour", "artist_id": uuid(3)}


def test_an_album_of_jellyfin_names_its_artist_and_its_label_otherwise() -> None:
    assert read_album(JELLYFIN.encode()).fields == {
        "title": "Harbour Lights", "review": "One.", "date": "1998", "genres": ["Folk"], "labels": ["Tidewater"],
        "credits": [["The Velvet Harbour", uuid(3), "", None]], "release_id": uuid(1), "release_group_id": uuid(77),
    }  # fmt: skip


def test_what_greenroom_writes_it_reads() -> None:
    fields = read_album(file()).fields
    for name in ("title", "release_id", "release_group_id", "date", "original_date", "type", "review", "rating"):
        assert fields[name] == getattr(LOW_TIDE, name), name
    known = ArtistMetadata("Nora Vale", uuid(3), "Vale, Nora", "person", "female", born="1971-02", biography="She.")
    assert read_artist(xml.encode(artist.element(known))) == {
        "name": "Nora Vale", "artist_id": uuid(3), "sort_name": "Vale, Nora", "type": "Person", "gender": "Female",
        "born": "1971-02", "biography": "She.",
    }  # fmt: skip


@pytest.mark.parametrize("art", [b"", b"  \r\n", "░▒▓ 2009-KRD ▓▒░".encode("cp437", "replace"), b"Ripper..: EAC\n" * 9])
def test_what_scene_groups_draw_says_nothing(art: bytes) -> None:
    assert read_album(art).fields == {}
    assert read_artist(art) == {}


def test_a_link_to_musicbrainz_is_an_id_alone_and_behind_an_album_that_names_none() -> None:
    link = f"https://musicbrainz.org/release/{uuid(5)}\n"
    assert read_album(link.encode()).fields == {MAYBE_ID: uuid(5)}
    assert read_album(f"<album><title>x</title></album>\n{link}".encode()).fields == {"title": "x", MAYBE_ID: uuid(5)}


def test_only_what_is_called_a_compilation_is_known_to_be_one() -> None:
    said = "<album><compilation>{}</compilation></album>"
    assert [read_album(said.format(word).encode()).fields for word in ("true", "True", "false")] == [
        {"compilation": True},
        {"compilation": True},
        {},
    ]


@pytest.mark.parametrize(
    "data",
    [
        *(b"<album><title>x</album>", b"\xef\xbb\xbf <artist/>", b"<album>" + b" " * xml.MAX_BYTES, b"<!DOCTYPE a>"),
        b"<album>" + b"<b>" * 11 + b"</b>" * 11 + b"</album>",
    ],
)
def test_xml_that_cannot_be_read_is_told(data: bytes) -> None:
    with pytest.raises(Rejected, match="NFO file cannot be read"):
        read_album(data)


def test_a_number_without_an_end_says_nothing() -> None:
    endless = b"9" * 5000
    inside = b"<title>x</title><rating>7</rating><votes>%b</votes><track><position>%b</position></track>"
    notes = read_album(b"<album>" + inside % (endless, endless) + b"</album>")
    assert notes.fields == {"title": "x", "rating": 7.0}
    assert [track.position for track in notes.tracks] == [None]


def test_a_value_that_cannot_be_takes_no_other_with_it() -> None:
    odd = "<album><title>x</title><year>soon</year><rating max='0'>7</rating><votes>many</votes><musicbrainzalbumid>7"
    odd += "</musicbrainzalbumid><compilation>perhaps</compilation><type> / live</type><track/><releasedate>n/a"
    odd += "</releasedate><albumArtistCredits><artist>Ada</artist><musicBrainzArtistID>7</musicBrainzArtistID>"
    assert read_album(f"{odd}</albumArtistCredits></album>".encode()).fields == {
        "title": "x", "secondary_types": ["live"], "credits": [["Ada", None, "", None]],
    }  # fmt: skip


NAMES = ["title", "genre", "rating", "year", "track", "albumArtistCredits", "artist", "position", "duration", "type"]
ELEMENTS = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_characters="<&"), max_size=8),
    lambda inner: st.lists(st.tuples(st.sampled_from(NAMES), inner), max_size=4).map(
        lambda found: "".join(f"<{name}>{text}</{name}>" for name, text in found)
    ),
    max_leaves=12,
)


@given(ELEMENTS, st.sampled_from([read_album, read_artist]))
def test_whatever_it_holds_an_nfo_is_read_or_refused(inside: str, read: Callable[[bytes], Any]) -> None:
    tag = "album" if read is read_album else "artist"
    with suppress(Rejected):
        found = read(f"<{tag}>{inside}</{tag}>".encode())
        assert None not in (found.fields if isinstance(found, reading.AlbumNotes) else found).values()
