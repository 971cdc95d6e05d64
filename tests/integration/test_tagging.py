"""Tags are written so that every reader finds them, and nothing else of the file changes, least of all the sound."""

from __future__ import annotations

import hashlib
import io
import os
import struct
import threading
from collections.abc import Callable
from contextvars import copy_context
from pathlib import Path
from typing import Any

import av
import mutagen
import pytest
from mutagen.apev2 import APEv2

from config.errors import Stopped
from config.leave import LEAVE, Leave
from processor.enriching.own_words import with_words
from processor.items.item import facts_to_json
from processor.metadata.known import VARIOUS_ARTISTS, AlbumMetadata, Credit, TrackMetadata
from processor.tagging import write as writing
from processor.tagging.essence import essence
from processor.tagging.wanted import Wanted, wanted
from processor.tagging.write import File, Said, look, write
from scanner.facts import Facts
from scanner.tags.read import read_tags
from scanner.tags.signature import candidates
from tests.music import EXTENSIONS, PNG, write_track

ID = "{0}{0}{0}{0}{0}{0}{0}{0}-{0}{0}{0}{0}-{0}{0}{0}{0}-{0}{0}{0}{0}-{0}{0}{0}{0}{0}{0}{0}{0}{0}{0}{0}{0}".format
ADA, BO = Credit("Ada", ID("a"), " feat. ", "Ada, A."), Credit("Bø", ID("b"), "", "Bø")
ALBUM = AlbumMetadata(
    title="Quiet ☃", credits=(ADA._replace(join=""),), release_id=ID("1"), release_group_id=ID("2"), date="2001-02-03",
    original_date="1999", genres=("Folk", "Jazz"), labels=("Low",), catalog_numbers=("L-1",), barcode="0123",
    country="DE", type="Album", secondary_types=("Live",), disambiguation="deluxe",
)  # fmt: skip
TRACK = TrackMetadata(
    b"1", title="One <&> two", disc=2, position=3, credits=(ADA, BO), recording_id=ID("3"), track_id=ID("4")
)


def retag(path: Path, tags: Wanted) -> Said:
    with path.open("r+b") as file:
        (said,) = write([File(file.fileno(), path.suffix[1:], tags)])
    return said


def facts(path: Path) -> Facts:
    fd = os.open(path, os.O_RDONLY)
    try:
        found = read_tags(fd, path.suffix[1:], path.stat().st_size).facts
    finally:
        os.close(fd)
    assert found is not None
    return found


def heard(path: Path) -> str | None:
    """Digest of the decoded samples; None where the test's file is a header with nothing real behind it."""
    if path.suffix in (".ape", ".mpc", ".dsf"):
        return None
    hasher = hashlib.sha256()
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            hasher.update(frame.to_ndarray().tobytes())
    return hasher.hexdigest()


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_every_format_says_what_it_was_given_and_sounds_as_before(extension: str, tmp_path: Path) -> None:
    tags: dict[str, Any] = {"title": "old", "artist": "old", "album": "old", "track": "1/9", "date": "1980"}
    gain = {"track_gain": "-7.25 dB", "track_peak": "0.5"}
    path = write_track(tmp_path / f"song.{extension}", replaygain=gain, picture=(PNG, "image/png"), **tags)
    before, sound = facts(path), heard(path)
    said = retag(path, wanted(ALBUM, TRACK))
    after = facts(path)
    assert said == Said("written", after)
    assert retag(path, wanted(ALBUM, TRACK)) == Said("same")
    assert after.title == "One <&> two"
    assert (after.artist, after.artists) == ("Ada feat. Bø", ("Ada", "Bø"))
    assert (after.album, after.album_artist, after.album_artists) == ("Quiet ☃", "Ada", ("Ada",))
    assert (after.track, after.track_total, after.disc) == (3, before.track_total, 2)
    assert (after.date, after.original_date, after.genres) == ("2001-02-03", "1999", ("Folk", "Jazz"))
    assert (after.label, after.catalog_number, after.barcode, after.country) == ("Low", "L-1", "0123", "DE")
    assert (after.mb_recording_id, after.mb_track_id) == (ID("3"), ID("4"))
    assert (after.mb_release_id, after.mb_release_group_id) == (ID("1"), ID("2"))
    assert (after.mb_artist_ids, after.mb_album_artist_ids) == ((ID("a"), ID("b")), (ID("a"),))
    assert (after.rg_track_gain, after.rg_track_peak) == (before.rg_track_gain, before.rg_track_peak)
    assert any("deluxe" in line for line in everything(path))  # Navidrome tells editions without ids apart by it
    assert after.pictures == before.pictures
    assert (after.codec, after.duration_ms, after.sample_rate) == (before.codec, before.duration_ms, before.sample_rate)
    assert heard(path) == sound


@pytest.mark.parametrize(
    ("extension", "key"), [("flac", "TRACKNUMBER"), ("ogg", "TRACK"), ("opus", "TRACKNUMBER"), ("wv", "TRACKNUMBER")]
)
def test_a_total_stays_under_whatever_name_the_number_had_it(extension: str, key: str, tmp_path: Path) -> None:
    path = write_track(tmp_path / f"song.{extension}", title="old", artist="old", album="old")
    opened: Any = mutagen.File(path)
    if opened.tags is None:
        opened.add_tags()
    opened.tags[key], opened.tags["DISCNUMBER"] = "1/9", "1/4"
    opened.save()
    assert retag(path, {"TRACKNUMBER": ["3"], "DISCNUMBER": ["2"]}).outcome == "written"
    after = facts(path)
    assert (after.track, after.track_total, after.disc, after.disc_total) == (3, 9, 2, 4)


@pytest.mark.parametrize("extension", ["mp3", "m4a", "wma"])
def test_a_total_that_is_less_than_the_number_goes(extension: str, tmp_path: Path) -> None:
    """Each disc of a box is tagged as the only one of an album."""
    path = write_track(tmp_path / f"song.{extension}", title="old", artist="old", album="old", track="1/9", disc="1/1")
    assert retag(path, {"TRACKNUMBER": ["9"], "DISCNUMBER": ["2"]}).outcome == "written"
    after = facts(path)
    assert (after.track, after.track_total, after.disc, after.disc_total) == (9, 9, 2, None)


def test_a_year_beside_the_date_gives_way_to_it(tmp_path: Path) -> None:
    path = write_track(tmp_path / "song.wma", title="old", artist="old", album="old")
    opened: Any = mutagen.File(path)
    opened.tags["WM/OriginalReleaseYear"] = "1980-05-01"
    opened.save()
    assert retag(path, {"ORIGINALDATE": ["1999"]}).outcome == "written"
    assert facts(path).original_date == "1999"


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_album_of_two_artists_names_each_of_them(extension: str, tmp_path: Path) -> None:
    """Players that are only told "Ada & Bø" show a third artist called so, and neither of the two has the album."""
    path = write_track(tmp_path / f"song.{extension}", title="old", album_artist="old", more={"ALBUMARTISTS": "older"})
    two = AlbumMetadata(credits=(ADA._replace(join=" & "), BO))
    assert retag(path, wanted(two, TRACK)).outcome == "written"
    after = facts(path)
    assert (after.album_artist, after.album_artists) == ("Ada & Bø", ("Ada", "Bø"))
    assert after.mb_album_artist_ids == (ID("a"), ID("b"))
    assert sum("Ada, A." in line for line in everything(path)) == 4  # both credits, whole and apart


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_each_disc_of_a_box_that_was_tagged_as_the_only_one_knows_of_the_others(extension: str, tmp_path: Path) -> None:
    """To servers without an id of the album, discs with different totals are different albums."""
    discs = tuple(TrackMetadata(b"%d" % n, disc=n, position=1) for n in (1, 2))
    for track in discs:
        path = write_track(tmp_path / f"song.{extension}", title="old", disc="1/1")
        said = wanted(AlbumMetadata(tracks=discs), track, facts_to_json(facts(path)))
        assert retag(path, said).outcome == "written"
        after = facts(path)
        assert (after.disc, after.disc_total) == (track.disc, 2)
        assert retag(path, wanted(AlbumMetadata(tracks=discs), track, facts_to_json(after))) == Said("same")
    path = write_track(tmp_path / f"song.{extension}", title="old", disc="1/3")
    retag(path, wanted(AlbumMetadata(tracks=discs), discs[1], facts_to_json(facts(path))))
    assert (facts(path).disc, facts(path).disc_total) == (2, 3)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_total_of_all_discs_gives_way_to_that_of_the_disc(extension: str, tmp_path: Path) -> None:
    """Tracks that were numbered through all discs are numbered on each."""
    tracks = tuple(TrackMetadata(b"%d" % n, disc=n // 3 + 1, position=n % 3 + 1) for n in range(5))
    path = write_track(tmp_path / f"song.{extension}", title="old", track="4/5", disc="2/2")
    said = wanted(AlbumMetadata(tracks=tracks), tracks[3], facts_to_json(facts(path)))
    assert retag(path, said).outcome == "written"
    after = facts(path)
    assert (after.track, after.track_total, after.disc) == (1, 2, 2)
    assert retag(path, wanted(AlbumMetadata(tracks=tracks), tracks[3], facts_to_json(after))) == Said("same")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_ids_and_sort_names_go_with_the_names_they_belonged_to(extension: str, tmp_path: Path) -> None:
    """Lyrion, Kodi and others know an artist by the id: with somebody else's, both get one name."""
    one = AlbumMetadata(title="Quiet", credits=(ADA._replace(join=""),))
    path = write_track(tmp_path / f"song.{extension}", title="old")
    retag(path, wanted(one, TrackMetadata(b"1", credits=one.credits)))
    before = facts(path)
    cy = AlbumMetadata(title="Quiet", credits=(Credit("Cy"),))
    assert retag(path, wanted(cy, TrackMetadata(b"1", credits=one.credits), facts_to_json(before))).outcome == "written"
    after = facts(path)
    assert (after.album_artist, after.mb_album_artist_ids) == ("Cy", ())
    assert (after.artist, after.mb_artist_ids) == ("Ada", (ID("a"),))
    assert sum("Ada, A." in line for line in everything(path)) == 1
    assert retag(path, wanted(cy, TrackMetadata(b"1", credits=one.credits), facts_to_json(after))) == Said("same")


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_what_a_file_says_better_of_the_same_names_stays(extension: str, tmp_path: Path) -> None:
    two = AlbumMetadata(credits=(ADA._replace(join=" & "), BO))
    path = write_track(tmp_path / f"song.{extension}", title="old")
    retag(path, wanted(two, TrackMetadata(b"1", credits=two.credits)))
    before = facts(path)
    whole = AlbumMetadata(credits=(Credit("ADA and Bø"),))
    retag(path, wanted(whole, TrackMetadata(b"1", credits=whole.credits), facts_to_json(before)))
    after = facts(path)
    assert (after.artist, after.artists, after.mb_artist_ids) == ("ADA and Bø", before.artists, before.mb_artist_ids)
    assert (after.album_artists, after.mb_album_artist_ids) == (before.album_artists, before.mb_album_artist_ids)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_an_album_that_is_not_of_various_artists_does_not_say_so_any_more(extension: str, tmp_path: Path) -> None:
    """Two songs of an album that were once of a compilation are two albums to Navidrome."""
    path = write_track(tmp_path / f"song.{extension}", title="old")
    retag(path, wanted(AlbumMetadata(compilation=True), TRACK))
    assert facts(path).compilation is True
    retag(path, wanted(AlbumMetadata(compilation=None), TRACK))
    assert facts(path).compilation is True
    retag(path, wanted(AlbumMetadata(compilation=False), TRACK))
    assert facts(path).compilation is not True


def test_albums_of_various_artists_are_all_of_the_same_nobody() -> None:
    """LMS shows as many of that name as there are ids, and none is one."""
    various = AlbumMetadata(credits=(Credit("Various Artists"),), compilation=True)
    said = wanted(various, TrackMetadata(b"1", credits=(Credit("Cy"),)))
    assert said["MUSICBRAINZ_ALBUMARTISTID"] == [VARIOUS_ARTISTS]
    assert "MUSICBRAINZ_ARTISTID" not in said


@pytest.mark.parametrize("extension", ["flac", "opus", "mp3", "m4a", "ape"])
def test_another_tag_of_the_date_of_release_gives_way_to_it(extension: str, tmp_path: Path) -> None:
    """Songs of one album whose RELEASEDATE differs are several albums to Navidrome."""
    path = write_track(tmp_path / f"song.{extension}", title="old", date="1980", more={"RELEASEDATE": "1981"})
    assert any("1981" in line for line in everything(path))
    assert retag(path, wanted(ALBUM, TRACK)).outcome == "written"
    assert not any("198" in line for line in everything(path))


def test_a_frame_of_the_release_gives_way_to_the_date_too(tmp_path: Path) -> None:
    path = write_track(tmp_path / "song.mp3", title="old", more={"ORIGINALYEAR": "1971"})
    opened: Any = mutagen.File(path)
    frame: Any = mutagen.id3.TDRL
    opened.tags.add(frame(encoding=3, text=["1981"]))
    opened.save()
    assert retag(path, wanted(ALBUM, TRACK)).outcome == "written"
    assert not any("19" in line.replace("1999", "") for line in everything(path))


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_what_is_unknown_and_what_is_not_ours_stays(extension: str, tmp_path: Path) -> None:
    path = write_track(tmp_path / f"song.{extension}", title="old", artist="old", album="old", genre="Pop",
                       track="1/9", more={"MOOD": "calm", "ACOUSTID_ID": "x"})  # fmt: skip
    before = everything(path)
    assert retag(path, {"TITLE": ["new"]}).outcome == "written"
    changed = {line for line in everything(path) ^ before if "new" not in line and "old" not in line}
    assert changed == set()


@pytest.mark.parametrize("size", [3, 300])
def test_frames_of_an_older_id3_that_few_know_stay_too(size: int, tmp_path: Path) -> None:
    path, said = tmp_path / "song.mp3", b"\0" + b"x" * size
    write_track(path, title="old")
    opened: Any = mutagen.File(path)
    opened.tags.unknown_frames, opened.tags._unknown_v2_version = [b"XSOP" + struct.pack(">IH", len(said), 0) + said], 3
    opened.save(v2_version=3)
    assert retag(path, wanted(ALBUM, TRACK)) == Said("written", facts(path))
    tags: Any = mutagen.File(path).tags
    assert tags.version == (2, 4, 0)
    assert [(frame[:4], frame[10:]) for frame in tags.unknown_frames] == [(b"XSOP", said)]


@pytest.mark.parametrize("version", [3, 4])
def test_volumes_and_dates_of_an_older_id3_stay_too(version: int, tmp_path: Path) -> None:
    """mutagen takes them out of every tag it reads, for there is nothing in ID3v2.4 that says the same."""
    path = tmp_path / "song.mp3"
    write_track(path, title="old")
    said = {b"RVAD": bytes.fromhex("03100100020005000600"), b"TRDA": b"\0" + b"12 May, 13 May"}
    frames = b"".join(name + struct.pack(">IH", len(data), 0) + data for name, data in said.items())
    size = bytes((0, 0, len(frames) >> 7, len(frames) & 0x7F))
    path.write_bytes(b"ID3" + bytes((version, 0, 0)) + size + frames + path.read_bytes()[mp3_start(path) :])
    for _ in range(2):
        assert retag(path, wanted(ALBUM, TRACK)).outcome in ("written", "same")
        tag = path.read_bytes()[: mp3_start(path)]
        assert tag[3] == 4
        for name, data in said.items():
            place = tag.index(name)
            assert tag[place + 10 : place + 10 + tag[place + 7]].rstrip(b"\0") == data.rstrip(b"\0")


def mp3_start(path: Path) -> int:
    sizes = path.read_bytes()[6:10]
    return 10 + sum(size << shift for size, shift in zip(sizes, (21, 14, 7, 0), strict=True))


def everything(path: Path) -> set[str]:
    opened = mutagen.File(path)
    assert opened is not None
    return set(opened.tags.pprint().splitlines())


@pytest.mark.parametrize("is_old", [True, False], ids=["with ID3v1", "without"])
def test_other_tags_of_an_mp3_say_the_same_or_as_before(is_old: bool, tmp_path: Path) -> None:
    """MPD shows what APEv2 tags say, whatever ID3 says beside them; mp3gain's tell how loud it is, and nothing else."""
    path = write_track(tmp_path / "song.mp3", title="old", artist="old", track="1/9")
    apev2: Any = APEv2
    other = apev2()
    said = {"Title": "older", "Album Artist": "older", "Track": "1/9", "MP3GAIN_MINMAX": "1,2", "Comment": "mine"}
    for key, text in said.items():
        other[key] = text
    other.save(path)
    opened: Any = mutagen.File(path)
    opened.save(v1=2 if is_old else 0)
    sound = heard(path)
    assert retag(path, wanted(ALBUM, TRACK)).outcome == "written"
    after = apev2(path)
    assert {key: str(after[key]) for key in after} == {
        "Title": "One <&> two", "Album Artist": "Ada", "Track": "3/9", "MP3GAIN_MINMAX": "1,2", "Comment": "mine",
    }  # fmt: skip
    assert facts(path).title == "One <&> two"
    assert (path.read_bytes()[-128:-125] == b"TAG") == is_old
    assert heard(path) == sound
    assert retag(path, wanted(ALBUM, TRACK)) == Said("same")


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def wave(path: Path, *chunks: bytes, behind: bytes = b"") -> Path:
    """Write a second of sound with chunks in front of it, and one behind it."""
    form = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 16000, 2, 16))
    body = b"WAVE" + form + b"".join(chunks) + chunk(b"data", bytes(range(250)) * 64) + behind
    path.write_bytes(chunk(b"RIFF", body))
    return path


@pytest.mark.parametrize("said", [{b"INAM": b"old\0", b"IPRT": b"9\0", b"ICMT": b"mine"}, {b"ISFT": b"Lavf"}])
@pytest.mark.parametrize("is_behind", [True, False])
def test_the_info_list_of_a_wav_says_the_same(said: dict[bytes, bytes], is_behind: bool, tmp_path: Path) -> None:
    """FFmpeg 5 and Windows show what it says, and nothing of the ID3 tag; FFmpeg 8 believes the one that comes last."""
    cues = chunk(b"LIST", b"adtl" + chunk(b"labl", b"\1\0\0\0here"))
    info = chunk(b"LIST", b"INFO" + b"".join(chunk(name, text) for name, text in said.items()))
    path = wave(tmp_path / "x.wav", cues, *(() if is_behind else (info,)), behind=info if is_behind else b"")
    sound = heard(path)
    assert retag(path, wanted(ALBUM, TRACK)).outcome == "written"
    with av.open(str(path)) as opened:
        shown = dict(opened.metadata)
    assert (shown["title"], shown["album"], shown["track"][0]) == ("One <&> two", "Quiet ☃", "3")
    data = path.read_bytes()
    assert data[data.index(b"INFO") :].startswith(b"INFO" + next(iter(said)))
    assert all(text in data for name, text in said.items() if name in (b"ICMT", b"ISFT"))
    assert [data.count(text) for text in (b"old", b"adtl", b"Quiet", b"One <&> two")] == [0, 1, 2, 2]
    assert heard(path) == sound
    assert facts(path).title == "One <&> two"
    assert retag(path, wanted(ALBUM, TRACK)) == Said("same")


@pytest.mark.parametrize("lists", [b"", chunk(b"LIST", b"INFOINAM\x03\0\0\0oldIART\3\0\0\0old\0")])
def test_a_wav_without_an_info_list_in_order_gets_none(lists: bytes, tmp_path: Path) -> None:
    path = wave(tmp_path / "x.wav", behind=lists)
    assert retag(path, {"TITLE": ["new"]}).outcome == "written"
    data = path.read_bytes()
    assert (data.count(b"INFO"), lists in data) == (1 if lists else 0, True)
    assert facts(path).title == "new"


@pytest.mark.parametrize("has_name", [True, False])
@pytest.mark.parametrize("is_behind", [True, False])
def test_the_name_of_an_aiff_is_the_same(has_name: bool, is_behind: bool, tmp_path: Path) -> None:
    """FFmpeg believes the last of it and the ID3 tag; some programs know nothing else."""
    path = write_track(tmp_path / "x.aiff", title="old", artist="old", album="old")
    texts = {b"NAME": b"older", b"AUTH": b"Older"} if has_name else {b"(c) ": b"mine"}
    said = b"".join(name + struct.pack(">I", len(text)) + text + bytes(len(text) % 2) for name, text in texts.items())
    data = path.read_bytes()
    body = data[8:] + said if is_behind else data[8:12] + said + data[12:]
    path.write_bytes(data[:4] + struct.pack(">I", len(body)) + body)
    sound = heard(path)
    assert retag(path, wanted(ALBUM, TRACK)).outcome == "written"
    with av.open(str(path)) as opened:
        assert opened.metadata["title"] == "One <&> two"
        assert opened.metadata.get("author") == ("Ada feat. Bø" if has_name else None)
    after = path.read_bytes()
    assert [name in after for name in (b"NAME", b"AUTH", b"mine")] == [has_name, has_name, not has_name]
    assert (struct.unpack(">I", after[4:8])[0], heard(path)) == (len(after) - 8, sound)
    assert facts(path).title == "One <&> two"
    assert retag(path, wanted(ALBUM, TRACK)) == Said("same")


def test_broken_tags_behind_an_mp3_keep_nothing_from_it(tmp_path: Path) -> None:
    path = write_track(tmp_path / "song.mp3", title="old")
    broken = b"APETAGEX" + (9000).to_bytes(4, "little") + b"\xff" * 20
    path.write_bytes(path.read_bytes() + broken)
    assert retag(path, {"TITLE": ["new"]}).outcome == "written"
    assert (facts(path).title, path.read_bytes()[-32:]) == ("new", broken)


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_words_in_the_tags_are_seen(extension: str, tmp_path: Path) -> None:
    """Also those of frames that no reader of ours reads, and none where a tagger left an empty tag."""
    name = {"m4a": "\xa9lyr", "alac": "\xa9lyr", "wma": "WM/Lyrics"}.get(extension, "LYRICS")
    for words, has in (("La la\nla", True), ("  ", False)):
        path = write_track(tmp_path / f"song.{extension}", title="x")
        opened: Any = mutagen.File(path)
        if opened.tags is None:
            opened.add_tags()
        uslt: Any = mutagen.id3.USLT
        opened.tags[name] = uslt(encoding=3, lang="eng", text=words) if hasattr(opened.tags, "getall") else [words]
        opened.save()
        (tmp_path / "none").write_bytes(b"")
        assert with_words(os.fsencode(tmp_path), [os.fsencode(path.name), b"none", b"gone"]) == (
            {os.fsencode(path.name)} if has else set()
        )


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_a_file_without_any_tags_gets_them(extension: str, tmp_path: Path) -> None:
    path = write_track(tmp_path / f"song.{extension}")
    assert retag(path, wanted(ALBUM, TRACK)).outcome == "written"
    assert facts(path).title == TRACK.title


@pytest.mark.parametrize(
    "content", [b"", b"fLaC", b"ID3\x03" + b"\xff" * 200, b"OggS" + b"\0" * 100, b"RIFF", os.urandom(5000)]
)
def test_what_is_no_music_is_refused_and_not_written_to(content: bytes, tmp_path: Path) -> None:
    for extension in ("flac", "mp3", "ogg", "m4a", "wav", "txt"):
        path = tmp_path / f"song.{extension}"
        path.write_bytes(content)
        assert retag(path, {"TITLE": ["new"]}).message


def test_one_bad_file_does_not_keep_the_others_from_their_tags(tmp_path: Path) -> None:
    good, bad = write_track(tmp_path / "a.flac", title="old"), tmp_path / "b.flac"
    bad.write_bytes(b"fLaC" + b"\xff" * 100)
    with good.open("r+b") as one, bad.open("r+b") as two, good.open("r+b") as three:
        said = write([File(file.fileno(), "flac", {"TITLE": ["new"]}) for file in (one, two, three)])
    assert [(one.outcome, one.code) for one in said] == [("written", ""), ("refused", "not_taggable"), ("same", "")]


def test_a_look_writes_nothing(tmp_path: Path) -> None:
    path = write_track(tmp_path / "a.flac", title="old")
    before = path.read_bytes()
    with path.open("rb") as file:
        asked = [File(file.fileno(), "flac", {"TITLE": [title]}) for title in ("old", "new")]
        assert [said.outcome for said in look(asked)] == ["same", "differs"]
    assert path.read_bytes() == before


@pytest.mark.parametrize("is_counted", [True, False], ids=["padding counted", "padding not counted"])
@pytest.mark.parametrize("extension", ["wav", "aiff"])
def test_a_last_chunk_of_odd_length_is_padded_before_tags_come_behind_it(
    extension: str, is_counted: bool, tmp_path: Path
) -> None:
    path, order = tmp_path / f"x.{extension}", "<" if extension == "wav" else ">"
    if extension == "wav":
        form, sound, kinds = struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8), b"", (b"RIFF", b"WAVE", b"fmt ", b"data")
    else:
        rate = bytes.fromhex("400bfa00000000000000")  # 8000, in 80 bits
        form = struct.pack(">HIH", 1, 7999, 8) + rate
        sound, kinds = bytes(8), (b"FORM", b"AIFF", b"COMM", b"SSND")
    sound += bytes(range(250)) * 31 + bytes(249)
    body = kinds[1] + kinds[2] + struct.pack(f"{order}I", len(form)) + form
    body += kinds[3] + struct.pack(f"{order}I", len(sound)) + sound
    path.write_bytes(kinds[0] + struct.pack(f"{order}I", len(body) + is_counted) + body)
    before = heard(path)
    assert retag(path, {"TITLE": ["new"]}).outcome == "written"
    data = path.read_bytes()
    assert (facts(path).title, heard(path), struct.unpack(f"{order}I", data[4:8])[0]) == ("new", before, len(data) - 8)


def header_too_small(path: Path) -> bytes:
    data = wave(path).read_bytes()
    return data[:4] + struct.pack("<I", len(data) - 16) + data[8:]


def id3v1_cut(path: Path) -> bytes:
    return write_track(path.with_suffix(".mp3"), title="old").read_bytes() + b"TAG".ljust(127)


@pytest.mark.parametrize(
    ("name", "made", "why"),
    [("x.wav", header_too_small, "header is too small"), ("x.mp3", id3v1_cut, "ID3v1 tag at its end is shorter")],
)
def test_what_is_wrong_with_a_file_is_said_and_the_file_is_not_written_to(
    name: str, made: Callable[[Path], bytes], why: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(data := made(path))
    said = retag(path, {"TITLE": ["new"]})
    assert (said.outcome, said.code, path.read_bytes() == data) == ("refused", "not_taggable", True)
    assert why in said.message


def test_where_a_file_was_read_to_before_does_not_matter(tmp_path: Path) -> None:
    path = write_track(tmp_path / "a.flac", title="old")
    sound = heard(path)
    with path.open("r+b") as file:
        file.seek(100)
        (said,) = write([File(file.fileno(), "mp3", {"TITLE": ["new"]})])
    data = path.read_bytes()
    assert (said.outcome, data[:4], facts(path).title, heard(path)) == ("written", b"fLaC", "new", sound)


def test_a_sound_that_would_not_be_found_any_more_is_noticed(tmp_path: Path) -> None:
    """Phones write `meta` as QuickTime has it; mutagen, which misreads that, sees no table of the sound to move."""
    path = tmp_path / "song.m4a"
    data = write_track(path, title="old").read_bytes()
    boxes, at = {}, 0
    while at < len(data):
        size = int.from_bytes(data[at : at + 4], "big")
        boxes[data[at + 4 : at + 8]], at = data[at : at + size], at + size
    meta = struct.pack(">I4sI4s8s", 24, b"meta", 16, b"hdlr", b"")
    moov, first = boxes.pop(b"moov"), 8 + 108  # behind mvhd
    moov = (len(moov) + len(meta)).to_bytes(4, "big") + moov[4:first] + meta + moov[first:]
    table = moov.index(b"stco") + 8
    for place in range(table + 4, table + 4 + 4 * int.from_bytes(moov[table : table + 4], "big"), 4):
        moved = int.from_bytes(moov[place : place + 4], "big") + len(moov)
        moov = moov[:place] + moved.to_bytes(4, "big") + moov[place + 4 :]
    path.write_bytes(boxes.pop(b"ftyp") + moov + b"".join(boxes.values()))
    assert retag(path, wanted(ALBUM, TRACK)).code == "sound_changed"


def test_a_table_that_leads_elsewhere_is_another_sound(tmp_path: Path) -> None:
    data = write_track(tmp_path / "song.m4a", title="old").read_bytes()
    place = data.index(b"stco") + 12
    moved = (int.from_bytes(data[place : place + 4], "big") + 8).to_bytes(4, "big")
    as_it_is, elsewhere = (io.BytesIO(data[:place] + table + data[place + 4 :]) for table in (data[place:][:4], moved))
    assert essence(as_it_is, "mp4") == essence(io.BytesIO(data), "mp4") != essence(elsewhere, "mp4")


def test_a_sound_that_changed_is_noticed(tmp_path: Path) -> None:
    for extension in EXTENSIONS:
        path = write_track(tmp_path / f"song.{extension}", title="x")
        data = bytearray(path.read_bytes())
        container = next(c for c in candidates(bytes(data[:128]), extension))
        with path.open("rb") as file:
            before = essence(file, container)
        middle = len(data) * 3 // 5
        data[middle] ^= 1
        path.write_bytes(data)
        with path.open("rb") as file:
            assert essence(file, container) != before, extension


def test_who_is_to_stop_waits_for_no_tagger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of gigabytes on a slow disk is read twice and written once, for minutes."""
    monkeypatch.setattr(writing, "LOOK", 0.001)
    asked = threading.Event()
    asked.set()
    path = write_track(tmp_path / "1.flac", title="Before")
    work = copy_context()
    work.run(LEAVE.set, Leave(stop=asked))
    with path.open("rb") as file, pytest.raises(Stopped):
        work.run(look, [File(file.fileno(), "flac", wanted(ALBUM, TRACK, {}))])
