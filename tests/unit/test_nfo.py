"""What is known → NFO files as Kodi writes them; files of strangers read with limits; a person's edits kept."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.errors import Rejected
from processor.metadata.known import AlbumMetadata, ArtistMetadata, Credit, TrackMetadata
from processor.nfo import album, artist, merging, xml

ID = "89ad4ac3-39f7-470e-963a-56509c546377"
LOW_TIDE = AlbumMetadata(
    title="Low Tide", credits=(Credit("Nora Vale", ID, " & "), Credit("The Cannery")), release_id=ID,
    release_group_id=ID, date="2014-03", original_date="1998-11-02", type="album", secondary_types=("live",),
    status="official", compilation=False, genres=("Folk", "Folk"), labels=("Shore",), review="One.\n\nTwo.",
    rating=7.5, votes=3,
    tracks=(TrackMetadata(b"1.flac", "Wave", 1, 1, (Credit("Nora Vale", ID),), 61_400, ID),),
)  # fmt: skip


def file(known: AlbumMetadata = LOW_TIDE) -> bytes:
    return xml.encode(album.element(known))


def said(data: bytes, path: str) -> list[str | None]:
    return [one.text for one in xml.decode(data, "album").findall(path)]


def test_an_album_says_everything_kodi_reads_under_the_names_it_reads() -> None:
    data = file()
    assert data.startswith(
        b'<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<album>\n  <title>Low Tide</title>\n'
    )
    for path, texts in {
        "genre": ["Folk"], "type": ["album / live"], "releasedate": ["2014-03"], "originalreleasedate": ["1998-11-02"],
        "year": ["2014"], "compilation": ["false"], "rating": ["7.5"], "albumArtistCredits/artist":
        ["Nora Vale", "The Cannery"], "albumArtistCredits/musicBrainzArtistID": [ID], "review": ["One.\n\nTwo."],
        "track/title": ["Wave"], "track/position": ["1"], "track/duration": ["01:01"],
        "track/musicBrainzTrackID": [ID], "releasetype": ["album"], "releasestatus": ["official"],
    }.items():  # fmt: skip
        assert said(data, path) == texts, path


@pytest.mark.parametrize(
    ("date", "original", "releasedate", "year"),
    [
        ("2014", None, "2014", "2014"),
        (None, "1998-11", "1998-11", "1998"),
        ("2014-03-01", "1998", "2014-03-01", "2014"),
    ],
)
def test_a_date_is_always_there_in_iso_if_any_is_known(
    date: str | None, original: str | None, releasedate: str, year: str
) -> None:
    data = file(AlbumMetadata(title="x", date=date, original_date=original))
    assert (said(data, "releasedate"), said(data, "year")) == ([releasedate], [year])


def test_an_artist_has_its_id_in_the_case_kodi_asks_for() -> None:
    known = ArtistMetadata("Nora Vale", ID, "Vale, Nora", "person", born="1971-02", instruments=("oboe",))
    root = xml.decode(xml.encode(artist.element(known)), "artist")
    assert [one.tag for one in root] == ["name", "musicBrainzArtistID", "sortname", "type", "instruments", "born"]


@given(st.text(st.characters(codec=None), min_size=1))
def test_any_text_can_be_written_and_read(text: str) -> None:
    data = file(AlbumMetadata(title=text, review=text, genres=(text,)))
    assert data.decode("utf-8")
    assert xml.encode(xml.decode(data, "album")) == data


def test_nothing_stands_behind_a_root_that_is_not_closed_apart() -> None:
    assert xml.behind(b"<album/>\n", "album") == xml.behind(b"<album></album>\n", "album") == b""


def test_what_is_written_again_is_the_same_bytes_and_long_texts_end() -> None:
    assert file() == file()
    assert len(file(AlbumMetadata(review="x" * 10**7))) < 2 * xml.LONGEST


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_files_of_other_programs_are_read_with_the_urls_behind_them(encoding: str) -> None:
    text = '<?xml version="1.0" encoding="UTF-16"?><album><title>Ærø</title></album>\nhttps://musicbrainz.org/release/1'
    assert said(text.encode(encoding), "title") == ["Ærø"]


@pytest.mark.parametrize("of", ["<!-- was: <album></album> -->", "<?was </album>?>", "<!-- </album>"])
def test_what_closes_a_root_in_a_comment_closes_nothing(of: str) -> None:
    data = f"<album><title>Tide</title><review><![CDATA[</album> ]]></review></album>\n{of}".encode()
    assert said(data, "title") == ["Tide"]
    assert xml.behind(data, "album").decode() == f"{of}\n"


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Simon & Garfunkel", "Simon & Garfunkel"), ("AT&T; R&B", "AT&T; R&B"),
        ("caf&eacute;&nbsp;&LT;3", "café\xa0<3"),
        ("http://x/?a=1&b=2&amp;c=3", "http://x/?a=1&b=2&c=3"), ("&#233;&#xe9; & &quot;", 'éé & "'), ("&&amp", "&&amp"),
        ("<![CDATA[a & &eacute;]]>", "a & &eacute;"), ("R&B <![CDATA[<&eacute; & c>]]>", "R&B <&eacute; & c>"),
        ("R&B<!-- <![CDATA[ --> & <![CDATA[&]]>", "R&B & &"),
    ],
)  # fmt: skip
def test_an_ampersand_is_read_as_people_write_it(written: str, meant: str) -> None:
    """Kodi reads "Simon & Garfunkel" as it stands; scripts and other programs leave names of HTML in their files."""
    assert said(f"<album><title>{written}</title></album>".encode(), "title") == [meant]


@pytest.mark.parametrize(
    "data",
    [
        b"", b"https://musicbrainz.org/release/1", b"<artist><name>x</name></artist>", b"<album><title></album>",
        b"<album>" + b" " * xml.MAX_BYTES + b"</album>", b"<!DOCTYPE album><album><title>x</title></album>",
        b'<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;&b;">]><album><title>&c;</title></album>',
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><album><title>&b;</title></album>',
        b"<album>" * 100_000 + b"</album>" * 100_000,
    ],
    ids=["empty", "a URL", "another root", "not well-formed", "huge", "a document type", "a bomb", "a file", "deep"],
)  # fmt: skip
def test_what_cannot_be_read_safely_is_refused(data: bytes) -> None:
    with pytest.raises(Rejected, match="NFO file cannot be read"):
        xml.decode(data, "album")


X = "<album><title>x</title></album>"


@pytest.mark.parametrize(
    "data",
    [
        b'\n\n<?xml version="1.0"?>' + X.encode(), b'\xef\xbb\xbf\n<?xml version="1.0"?>' + X.encode(),
        X.encode("utf-16") + b"\0", b"<album><title>\x01x\x0b</title></album>",
        b"<album><own><album>y</album></own><title>x</title></album>",
        b"<album>" + b"<a>" * xml.DEEPEST + b"</a>" * xml.DEEPEST + b"<title>x</title></album>",
    ],
    ids=["blank lines", "a mark and a line", "half a letter behind it", "control characters", "its own name", "deep"],
)  # fmt: skip
def test_what_programs_and_people_leave_in_a_file_keeps_nobody_from_reading_it(data: bytes) -> None:
    assert said(data, "title") == ["x"]


def test_what_stands_ahead_of_a_root_is_written_without_what_no_parser_reads() -> None:
    assert xml.ahead(b"<!-- a\x01 --><album/>") == "<!-- a -->\n"


def test_no_file_has_more_tracks_than_are_read() -> None:
    many = AlbumMetadata(title="x", tracks=tuple(TrackMetadata(b"%d" % n, "y") for n in range(xml.MOST + 1)))
    assert len(said(file(many), "track")) == xml.MOST


def root(**fields: str) -> ET.Element:
    made = ET.Element("album")
    for tag, text in fields.items():
        for one in text.split("|"):
            xml.add(made, tag, one)
    return made


def test_a_field_somebody_edited_stays_theirs_and_the_others_follow_us() -> None:
    merged = merging.merge(
        root(title="Low Tide", genre="Folk|Pop", year="2014", review="short"),
        root(title="Low Tide", genre="Folk|Jazz", mood="calm", year="2014"),
        root(title="Low Tide!", genre="Rock", year="2014", review="longer", style="x"),
    )
    assert merged.kept == ("genre", "mood", "review")
    assert [(one.tag, one.text) for one in merged.root] == [
        ("title", "Low Tide!"), ("genre", "Folk"), ("genre", "Jazz"), ("year", "2014"), ("style", "x"),
        ("mood", "calm"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("there", "after"),
    [
        ("<album>my words<title>Low</title></album>", "<album>my words<title>High</title></album>"),
        ("<album><title>Low</title>my words</album>", "<album><title>Low</title>my words</album>"),
        (
            "<album><title>Low</title><track><title>One</title>words<position>1</position></track></album>",
            "<album><title>High</title><track><title>One</title>words<position>1</position></track></album>",
        ),
        (
            "<album><!-- a -->my words<!-- b --><title>Low</title></album>",
            "<album>my words<!-- a --><!-- b --><title>High</title></album>",
        ),
    ],
    ids=["before the first", "behind one", "in a track", "between comments"],
)
def test_words_somebody_writes_between_the_elements_stay(there: str, after: str) -> None:
    """Players read past them; they are somebody's all the same."""
    written, wanted = root(title="Low"), root(title="High")
    if "track" in there:
        for one in (written, wanted):
            ET.SubElement(one, "track").extend(root(title="One" if one is written else "Two", position="1"))
    for _ in range(2):
        there = annotated(there.encode(), wanted, written)
        assert "".join(part.strip() for part in there.partition("?>")[2].splitlines()) == after


def test_where_nobody_knows_what_we_wrote_everything_there_stays() -> None:
    merged = merging.merge(None, root(title="Mine"), root(title="Ours", year="2014"))
    assert [(one.tag, one.text) for one in merged.root] == [("title", "Mine"), ("year", "2014")]


def test_what_both_sides_say_is_nobodys_edit_and_what_nobody_says_any_more_goes() -> None:
    merged = merging.merge(root(title="x", genre="Pop", style="y"), root(title="x", genre="Folk", style="y"),
                           root(title="x", genre="Folk"))  # fmt: skip
    assert ([(one.tag, one.text) for one in merged.root], merged.kept) == ([("title", "x"), ("genre", "Folk")], ())


def test_merging_twice_is_merging_once() -> None:
    before, theirs, ours = root(title="a", year="1"), root(title="b", year="1"), root(title="c", year="2")
    once = merging.merge(before, theirs, ours).root
    assert xml.encode(merging.merge(before, once, ours).root) == xml.encode(once)


def annotated(there: bytes, wanted: ET.Element, written: ET.Element | None = None) -> str:
    merged = merging.merge(written, xml.decode(there, "album"), wanted)
    merging.annotate(merged.root, xml.decode(there, "album", notes=True))
    return xml.encode(merged.root, xml.ahead(there)).decode()


def test_comments_and_instructions_of_a_person_stay_where_they_stand() -> None:
    there = b"""<?xml version="1.0"?>
<!-- mine, not <album> --><?style a.xsl?>
<album mine="yes">
  <!-- the name --><title>Low Tide</title>
  <!-- of two --><genre>Folk</genre>
  <!-- gone with us --><genre>Pop</genre>
  <track><title>One</title><!-- live --><position>1</position></track>
  <own a="b"><!-- theirs --><part/><![CDATA[<raw>]]></own>
  <!-- last -->
</album>"""
    written = xml.decode(b"<album><title>Low Tide</title><genre>Folk</genre><genre>Pop</genre></album>", "album")
    ET.SubElement(written, "track").extend(root(title="One", position="1"))
    wanted = root(title="High Tide", genre="Jazz")
    ET.SubElement(wanted, "track").extend(root(title="Two", position="1"))
    told = annotated(there, wanted, written)
    assert (
        told
        == """<?xml version="1.0" encoding="UTF-8" standalone="yes"?>
<!-- mine, not <album> --><?style a.xsl?>
<album mine="yes">
  <!-- the name -->
  <title>High Tide</title>
  <!-- of two -->
  <genre>Jazz</genre>
  <!-- gone with us -->
  <track>
    <title>Two</title>
    <!-- live -->
    <position>1</position>
  </track>
  <own a="b">
    <!-- theirs -->
    <part />&lt;raw&gt;</own>
  <!-- last -->
</album>
"""
    )
    assert annotated(told.encode(), wanted, wanted) == told, "and the next merge changes nothing"


@pytest.mark.parametrize("own", ["<!-- größer -->", "<größe>7</größe>", '<own maß="ß" />', "<?größe ß?>"])
def test_what_is_of_a_person_may_have_letters_of_any_script(own: str) -> None:
    told = annotated(f"<album><title>x</title>{own}</album>".encode(), root(title="x"))
    assert own in told


def test_a_comment_inside_of_text_leaves_the_text_whole() -> None:
    told = annotated(b"<album><title>Low <!-- or high? -->Tide</title></album>", root(title="x"))
    assert "<!-- or high? -->\n  <title>Low Tide</title>" in told


@pytest.mark.parametrize("text", ["<!-- " * 40_000, "<?a " * 40_000, "<!--a-->" * 20_000, " " * 500_000 + "<!--"])
def test_what_stands_ahead_of_a_root_is_looked_for_in_no_time_that_grows_with_its_square(text: str) -> None:
    assert xml.ahead(f"{text}<album/>".encode()) in ("", f"{text}\n")
