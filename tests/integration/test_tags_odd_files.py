"""Files that real collections hold and no writer of ours makes → one answer from both readers, or mutagen's."""
# mypy: allow-untyped-calls
# (mutagen has no annotations)

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import pytest
from mutagen.apev2 import BINARY, APEv2, APEValue
from mutagen.id3 import ID3, TALB, TIT2, TPE1, ID3v1SaveOptions

from scanner.tags.read import Reading
from tests.integration.test_tags_agree import BASE, by_header, by_mutagen, read
from tests.music import JPEG, PNG, audio, write_track

Maker = Callable[[Path], Path]


def synchsafe(size: int) -> bytes:
    return bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))


def id3(frames: bytes, *, version: int = 3, flags: int = 0, padding: int = 0, size: int | None = None) -> bytes:
    body = frames + bytes(padding)
    return b"ID3" + bytes((version, 0, flags)) + synchsafe(len(body) if size is None else size) + body


def frame(name: str, body: bytes, *, flags: int = 0) -> bytes:
    return name.encode() + len(body).to_bytes(4, "big") + flags.to_bytes(2, "big") + body


def texts(*names: str) -> bytes:
    return b"".join(frame(name, b"\0" + name.encode()) for name in names)


def mp3(tag: bytes, flavour: str = "mp3", behind: bytes = b"") -> Maker:
    return lambda folder: put(folder / "x.mp3", tag + audio(flavour, 0.4) + behind)


def put(file: Path, data: bytes) -> Path:
    file.write_bytes(data)
    return file


def old(name: str, body: bytes) -> bytes:
    return name.encode() + len(body).to_bytes(3, "big") + body


def ape_with_a_picture() -> bytes:
    file = io.BytesIO()
    items = APEv2()
    items["Cover Art (Front)"] = APEValue(b"x.jpg\0" + JPEG * 200, BINARY)
    items.save(file)
    return file.getvalue()


V1 = b"TAG" + b"Title".ljust(30, b"\0") + b"Artist".ljust(30, b"\0") + b"Album".ljust(30, b"\0") + b"1999"
V1 += bytes(28) + b"\0\7\21"
BASIC = texts("TIT2", "TPE1", "TALB")
OLD = old("TT2", b"\1" + "Ä".encode("utf-16") + b"\0\0") + old("TP1", b"\0cd\0") + old("TAL", b"\0ef\0")
OLD_MORE = (
    old("TRK", b"\0003/12\0") + old("TYE", b"\0002003\0") + old("TCO", b"\0(17)\0") + old("TCP", b"\0001\0")
    + old("COM", b"\0engiTunNORM\0 0000\0") + old("TEN", b"\0iTunes\0") + old("TXX", b"\0BARCODE\0001")
)  # fmt: skip
SAME: dict[str, Maker] = {
    "old dates": mp3(id3(BASIC + texts("TYER").replace(b"TYER", b"TYER") + frame("TDAT", b"\x000105"))),
    "year and day": mp3(
        id3(BASIC + frame("TYER", b"\x002003") + frame("TDAT", b"\x000105") + frame("TORY", b"\x001999"))
    ),
    "frames with flags for taggers": mp3(id3(BASIC + frame("TPE2", b"\0X", flags=0x4000))),
    "a padded tag": mp3(id3(BASIC, padding=9000)),
    "zero padded texts": mp3(id3(BASIC + frame("TPE2", b"\0Band" + bytes(30)))),
    "empty frames": mp3(id3(BASIC + frame("TPE2", b"") + frame("TCON", b"\0"))),
    "a constant bitrate without a header": mp3(id3(BASIC), "mp3-bare"),
    "a picture before the text": mp3(id3(frame("APIC", b"\0image/jpeg\0\3\0" + JPEG * 40) + BASIC)),
    "a picture that is a link": mp3(id3(BASIC + frame("APIC", b"\0-->\0\3\0http://example.org/x.jpg"))),
    "an identifier of another service": mp3(id3(BASIC + frame("UFID", b"http://example.org\0abc"))),
    "texts elsewhere beside empty frames": mp3(
        id3(
            BASIC
            + frame("TCON", b"\0")
            + frame("TXXX", b"\0GENRE\0Rock")
            + frame("TDRC", b"\0")
            + frame("TYER", b"\x002003")
        )
    ),
    "genres by number": mp3(id3(BASIC + frame("TCON", b"\0(17)(4)Own"))),
    "frames of a few programs": mp3(
        id3(BASIC + frame("IPLS", b"\0guitar\0P") + frame("RGAD", bytes(8)) + frame("NCON", b"x") + texts("XSOP"))
    ),
    "a genre by a number in digits of another script": mp3(id3(BASIC + frame("TCON", b"\3" + "١".encode()))),
    "a tag of version 2.2": mp3(id3(OLD, version=2, padding=50)),
    "a tag of version 2.2 with a picture": mp3(id3(OLD + old("PIC", b"\0JPG\3\0" + JPEG * 40) + OLD_MORE, version=2)),
    "a tag of version 2.2 with a picture twice": mp3(id3(OLD + old("PIC", b"\0PNG\3\0" + PNG) * 2, version=2)),
}
DECLINED: dict[str, Maker] = {
    "two stacked tags": mp3(id3(BASIC) + id3(texts("TPE2"))),
    "an unsynchronised tag": mp3(id3(BASIC, flags=0x80)),
    "an extended header": mp3(id3(b"\0\0\0\6\0\0\0\0\0\0" + BASIC, flags=0x40)),
    "a compressed frame": mp3(id3(BASIC + frame("TPE2", b"\0\0\0\2\0X", flags=0x80))),
    "a frame twice": mp3(id3(BASIC + texts("TIT2"))),
    "an unknown frame of version 2.2": mp3(id3(OLD + old("RVA", bytes(9)), version=2)),
    "a compressed tag of version 2.2": mp3(id3(OLD, version=2, flags=0x40)),
    "a frame that leaves the tag": mp3(id3(BASIC + b"TPE2\0\1\0\0\0\0\0X")),
    "sizes of iTunes": mp3(id3(frame("TPE2", b"\0" + b"B" * 200) + BASIC, version=4)),
    "a year behind nothing": mp3(id3(BASIC + frame("TORY", b"\0\x001999"))),
    "a year of an older version": mp3(id3(BASIC + frame("TORY", b"\x001999\0\0"), version=4)),
    "UTF-16 without a mark": mp3(id3(BASIC + frame("TPE2", b"\1" + "Band".encode("utf-16-le")))),
    "an unknown frame": mp3(id3(BASIC + frame("XYZW", b"\0x"))),
    "no artist": mp3(id3(texts("TIT2", "TALB"))),
    "no tag": mp3(b""),
    "junk before the sound": mp3(id3(BASIC) + b"junk" * 100),
    "frames of several bitrates": mp3(id3(BASIC) + audio("mp3-bare", 0.4)[:418], "mp3-bare"),
}


@pytest.mark.parametrize("name", SAME)
def test_the_header_reader_knows(name: str, tmp_path: Path) -> None:
    file = SAME[name](tmp_path)
    facts = by_header(file)
    assert facts is not None
    assert facts == by_mutagen(file)


@pytest.mark.parametrize("name", DECLINED)
def test_mutagen_decides_about(name: str, tmp_path: Path) -> None:
    file = DECLINED[name](tmp_path)
    assert by_header(file) is None
    reading = read(file)
    assert reading.reader == "mutagen"
    assert reading.facts is not None or reading.problem is not None


def code(reading: Reading) -> str | None:
    return reading.problem[0] if reading.problem else None


def test_a_flac_behind_an_id3_tag_is_a_flac(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.flac", seconds=0.2, **BASE)
    put(file, id3(texts("TIT2", "TPE2")) + file.read_bytes())
    reading = read(file)
    assert reading.reader == "mutagen"
    assert reading.facts is not None
    assert (reading.facts.codec, reading.facts.title, reading.truncated) == ("flac", "Title", False)


def test_tags_at_the_end_of_an_mp3_fill_what_the_start_leaves_open(tmp_path: Path) -> None:
    file = put(tmp_path / "x.mp3", audio("mp3", 0.4))
    tag = ID3()
    tag.add(TIT2(text="From the front"))
    tag.add(TPE1(text="Only at the end"))
    tag.add(TALB(text="Only at the end too"))
    tag.save(file, v1=ID3v1SaveOptions.CREATE)
    front = ID3(file)
    del front["TPE1"]
    front.save(file, v1=ID3v1SaveOptions.REMOVE)
    items = APEv2()
    items["Artist"], items["Title"] = "From APE", "Not asked"
    items.save(file)
    facts = read(file).facts
    assert facts is not None
    assert (facts.title, facts.artist) == ("From the front", "From APE")


def test_an_mp3_with_nothing_but_an_old_tag_at_its_end_is_known(tmp_path: Path) -> None:
    file = put(tmp_path / "x.mp3", audio("mp3", 0.4) + V1)
    facts = read(file).facts
    assert facts is not None
    assert (facts.title, facts.artist, facts.album, facts.date, facts.track) == ("Title", "Artist", "Album", "1999", 7)


@pytest.mark.parametrize("flavour", ["flac", "wv", "mpc", "ape"])
def test_what_only_an_id3_tag_says_of_other_formats_is_known(flavour: str, tmp_path: Path) -> None:
    sound = audio(flavour, 0.4)
    for file in (
        put(tmp_path / f"behind.{flavour}", sound + V1),
        put(tmp_path / f"before.{flavour}", id3(texts("TIT2", "TPE1", "TALB")) + sound),
    ):
        reading = read(file)
        assert reading.facts is not None
        assert None not in (reading.facts.title, reading.facts.artist, reading.facts.album, reading.facts.duration_ms)
        assert not reading.truncated


def test_blocks_of_a_wavpack_without_sound_say_nothing_of_it(tmp_path: Path) -> None:
    sound = audio("wv", 0.4)
    alone = read(put(tmp_path / "alone.wv", sound)).facts
    empty = b"wvpk" + struct.pack("<IHBBIIIII", 24, 0x407, 0, 0, *struct.unpack_from("<I", sound, 12), 0, 0, 0, 0)
    assert read(put(tmp_path / "x.wv", empty + sound)).facts == alone


@pytest.mark.parametrize("size", [lambda number: 200 + number % 7 * 90, lambda number: 150 + number])
def test_the_length_of_a_bare_aac_is_that_of_all_its_frames(size: Callable[[int], int], tmp_path: Path) -> None:
    """Each of 1024 samples, whatever its size; mutagen takes the first hundred for all."""
    frames = [adts(size(number)) for number in range(500)]
    facts = read(put(tmp_path / "x.aac", id3(BASIC) + b"".join(frames) + V1)).facts
    seconds = 500 * 1024 / 44100
    assert facts is not None
    assert facts.duration_ms == round(seconds * 1000)
    assert facts.bitrate == round(sum(map(len, frames)) * 8 / seconds)


def test_what_stands_between_the_frames_of_a_bare_aac_does_not_end_it(tmp_path: Path) -> None:
    """Programs that record a radio put its segments one behind the other, each with a tag that tells the time."""
    segment = id3(frame("PRIV", b"com.apple.streaming\0" + bytes(8))) + adts(300) * 200
    facts = read(put(tmp_path / "x.aac", segment + segment + b"\xff\xf1" * 50 + segment)).facts
    assert facts is not None
    assert facts.duration_ms == round(600 * 1024 / 44.1)


def adts(size: int) -> bytes:
    """A frame of AAC-LC, 44.1 kHz, two channels."""
    return struct.pack(">IBH", 0xFFF15080 | size >> 11, size >> 3 & 0xFF, (size & 7) << 13 | 0x1FFC) + bytes(size - 7)


def test_a_tag_at_the_end_that_is_in_no_order_leaves_the_sound_readable(tmp_path: Path) -> None:
    file = put(tmp_path / "x.mp3", audio("mp3", 0.4))
    items = APEv2()
    items["Artist"] = "Artist"
    items.save(file)
    whole = file.read_bytes()
    put(file, whole[:-16] + b"\5" + whole[-15:])  # five items, it says
    reading = read(file)
    assert (reading.problem, reading.facts and reading.facts.codec) == (None, "mp3")


LYRICS = b"LYRICSBEGIN" + b"x" * 5000
TAGS_BEHIND = {
    "ID3v1": V1,
    "APEv2": ape_with_a_picture(),
    "APEv2 and ID3v1": ape_with_a_picture() + V1,
    "APEv2, Lyrics3 and ID3v1": ape_with_a_picture() + LYRICS + b"%06dLYRICS200" % len(LYRICS) + V1,
}


@pytest.mark.parametrize("behind", TAGS_BEHIND)
@pytest.mark.parametrize("tag", [id3(BASIC), b""], ids=["known by the header", "not"])
def test_tags_behind_the_sound_are_no_part_of_its_length(behind: str, tag: bytes, tmp_path: Path) -> None:
    alone = read(mp3(id3(BASIC), "mp3-bare")(tmp_path)).facts
    facts = read(mp3(tag, "mp3-bare", TAGS_BEHIND[behind])(tmp_path)).facts
    assert alone is not None
    assert facts is not None
    assert (facts.duration_ms, facts.bitrate) == (alone.duration_ms, alone.bitrate)


@pytest.mark.parametrize("behind", [b"APETAGEX" + b"\xff" * 24, b"TAG".ljust(128, b"\0") * 3, b"9999999LYRICS200" + V1])
def test_tags_behind_the_sound_that_lie_of_their_size_count_at_most_as_sound(behind: bytes, tmp_path: Path) -> None:
    facts = read(mp3(id3(BASIC), "mp3-bare", behind)(tmp_path)).facts
    assert facts is not None
    assert 400 <= (facts.duration_ms or 0) <= 500


def test_the_info_list_of_a_wav_is_read_where_it_has_no_other_tag(tmp_path: Path) -> None:
    said = b"INAM\6\0\0\0Titel\0" + b"IART\3\0\0\0B\xfc\0\0" + b"ITRK\2\0\0\0" + b"7\0"
    chunk = b"LIST" + struct.pack("<I", 4 + len(said)) + b"INFO" + said
    whole = audio("wav", 0.2) + chunk
    file = put(tmp_path / "x.wav", b"RIFF" + struct.pack("<I", len(whole) - 8) + whole[8:])
    reading = read(file)
    assert reading.facts is not None
    assert (reading.facts.title, reading.facts.artist, reading.facts.track) == ("Titel", "Bü", 7)
    assert not reading.truncated


@pytest.mark.parametrize(("flavour", "codec"), [("ogg", "vorbis"), ("opus", "opus")])
def test_sound_behind_a_skeleton_is_heard_whatever_the_file_is_called(flavour: str, codec: str, tmp_path: Path) -> None:
    skeleton = b"OggS\0\2" + struct.pack("<qIII", 0, 77, 0, 0) + b"\1\x40" + b"fishead\0".ljust(64, b"\0")
    file = write_track(tmp_path / f"x.{flavour}", seconds=0.3, **BASE)
    alone = read(file).facts
    facts = read(put(tmp_path / "x.ogg", skeleton + file.read_bytes())).facts
    assert alone is not None
    assert facts is not None
    assert (facts.codec, facts.title) == (codec, "Title")
    assert facts.duration_ms == alone.duration_ms


def test_a_length_only_a_broken_header_claims_is_unknown(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.3, **BASE)
    whole = file.read_bytes()
    place = whole.index(b"mdhd") + 16
    put(file, whole[:place] + b"\0\0\0\1\xff\xff\xff\xff" + whole[place + 8 :])
    reading = read(file)
    assert reading.facts is not None
    assert reading.facts.duration_ms is None
    assert reading.facts.title == "Title"


def box(name: bytes, *content: bytes) -> bytes:
    inside = b"".join(content)
    return struct.pack(">I4s", 8 + len(inside), name) + inside


def free_form(name: str, value: bytes) -> bytes:
    names = box(b"mean", bytes(4), b"com.apple.iTunes") + box(b"name", bytes(4), name.encode())
    return box(b"----", names, box(b"data", struct.pack(">II", 1, 0), value))


def with_boxes(whole: bytes, more: bytes, *path: bytes, less: int = 0) -> bytes:
    """Put more boxes at the end of one in `moov`, which stands behind the sound; `less` bytes are gone from it."""
    places = [whole.index(name) - 4 for name in path]
    sizes = [int.from_bytes(whole[place : place + 4], "big") - less for place in places]
    end = places[-1] + sizes[-1]
    grown = bytearray(whole[:end] + more + whole[end:])
    for place, size in zip(places, sizes, strict=True):
        grown[place : place + 4] = (size + len(more)).to_bytes(4, "big")
    return bytes(grown)


def without(whole: bytes, *names: bytes) -> bytes:
    """Give tags of an MP4 names that nobody knows."""
    for name in names:
        whole = whole.replace(name, b"x" + name[1:])
    return whole


TAGS = (b"moov", b"udta", b"meta", b"ilst")
SAMPLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


@pytest.mark.parametrize(
    ("more", "path", "album_artist"),
    [
        (box(b"aART") + free_form("ALBUM ARTIST", b"B"), TAGS, "B"),
        (free_form("ALBUMART\u0131ST", b"B"), TAGS, None),
        (box(b"ilst", box(b"shwm"), b"\0\0\0\1roll\0\0\0\2"), SAMPLES, None),
    ],
    ids=["an empty one beside a free one", "a name whose capitals are those of another", "broken tags elsewhere"],
)
def test_odd_boxes_of_mp4_are_read_alike(
    more: bytes, path: tuple[bytes, ...], album_artist: str | None, tmp_path: Path
) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.3, **BASE)
    put(file, with_boxes(file.read_bytes(), more, *path))
    facts = by_mutagen(file)
    assert by_header(file) in (None, facts)
    assert facts is not None
    assert facts.album_artist == album_artist


def test_boxes_in_boxes_without_end_are_no_music(tmp_path: Path) -> None:
    moov = b"".join(struct.pack(">I4s", 8 * depth, b"moov") for depth in range(3000, 0, -1))
    reading = read(put(tmp_path / "x.m4a", box(b"ftyp", b"M4A ", bytes(4)) + moov))
    assert code(reading) == "unreadable_audio"


def test_a_number_that_is_cut_short_leaves_the_rest_of_an_mp4_readable(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.3, track="7", disc="1", **BASE)
    short = box(b"trkn", box(b"data", bytes(8), b"\0\0\0\7")) + box(b"disk", box(b"data", bytes(8), b"\0"))
    put(file, with_boxes(without(file.read_bytes(), b"trkn", b"disk"), short, *TAGS))
    assert by_header(file) is None
    reading = read(file)
    assert reading.problem is None
    assert reading.facts is not None
    assert (reading.facts.title, reading.facts.album, reading.facts.codec) == ("Title", "Album", "aac")


def test_chapters_in_no_order_leave_a_book_readable(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4b", seconds=0.3, **BASE)
    chapters = box(b"chpl", b"\1" + bytes(7) + b"\5" + bytes(8) + b"\xff")
    put(file, with_boxes(file.read_bytes(), chapters, *TAGS[:2]))
    reading = read(file)
    assert reading.problem is None
    assert reading.facts is not None
    assert (reading.facts.title, reading.facts.codec) == ("Title", "aac")


def test_an_mp4_track_without_its_head_is_heard_alike(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.3, **BASE)
    whole = file.read_bytes()
    config = whole.index(b"\x12\x10", whole.index(b"esds"))
    put(file, (whole[:config] + b"\x12\x08" + whole[config + 2 :]).replace(b"tkhd", b"tkh_"))  # one channel
    facts = by_header(file)
    assert facts is not None
    assert facts == by_mutagen(file)


@pytest.mark.parametrize(("rate", "bits", "channels"), [(96_000, 24, 2), (192_000, 24, 6), (44_100, 16, 1)])
def test_a_flac_in_an_mp4_tells_its_sound_itself(rate: int, bits: int, channels: int, tmp_path: Path) -> None:
    packed = rate << 44 | channels - 1 << 41 | bits - 1 << 36 | rate
    info = struct.pack(">HH6xQ16x", 4096, 4096, packed)
    flac = box(b"dfLa", bytes(4), b"\x80\0\0\x22", info)
    entry = box(b"fLaC", bytes(6), b"\0\1", bytes(8), struct.pack(">HHII", 2, 16, 0, 48_000 << 16), flac)
    file = write_track(tmp_path / "x.m4a", seconds=0.3, **BASE)
    whole = file.read_bytes()
    old = whole[whole.index(b"stsd") - 4 :][: int.from_bytes(whole[whole.index(b"stsd") - 4 :][:4], "big")]
    padded = box(b"stsd", bytes(4), b"\0\0\0\1", entry)
    facts = read(put(file, with_boxes(whole.replace(old, b""), padded, *SAMPLES, less=len(old)))).facts
    assert facts is not None
    assert (facts.codec, facts.sample_rate, facts.bits, facts.channels) == ("flac", rate, bits, channels)


def test_the_bitrate_of_an_mp4_that_tells_none_is_that_of_its_sound(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=2.0, pictures=[(JPEG * 500, "image/jpeg", 3)], **BASE)
    told = read(file).facts
    whole = file.read_bytes()
    place = whole.index(b"\x40\x15", whole.index(b"esds")) + 9  # behind the largest bitrate
    facts = read(put(file, whole[:place] + bytes(4) + whole[place + 4 :])).facts
    assert told is not None
    assert facts is not None
    assert facts.bitrate == pytest.approx(told.bitrate, rel=0.1)


def test_a_codec_with_a_name_that_is_no_text_has_none_of_that_in_it(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.3, **BASE)
    facts = read(put(file, file.read_bytes().replace(b"mp4a", b"mp\0\0"))).facts
    assert facts is not None
    assert facts.codec == "mp"


def test_pictures_of_a_flac_are_told_in_one_order(tmp_path: Path) -> None:
    named = base64.b64encode(flac_picture(4)).decode()
    file = write_track(tmp_path / "x.flac", seconds=0.2, more={"METADATA_BLOCK_PICTURE": named}, **BASE)
    block = flac_picture(3)
    whole = file.read_bytes()
    info = 4 + 4 + 34
    put(file, whole[:info] + b"\6" + len(block).to_bytes(3, "big") + block + whole[info:])
    facts = by_header(file)
    assert facts is not None
    assert facts == by_mutagen(file)
    assert [picture.type for picture in facts.pictures] == [4, 3]


def flac_picture(kind: int) -> bytes:
    head = struct.pack(">II", kind, 9) + b"image/png" + bytes(20)
    return head + struct.pack(">I", len(PNG)) + PNG


def test_a_file_with_the_extension_of_another_format_is_read_by_its_content(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.flac", seconds=0.2, **BASE)
    facts = read(file.rename(tmp_path / "x.mp3")).facts
    assert facts is not None
    assert facts.codec == "flac"


def test_an_opus_stream_named_ogg_is_opus(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.opus", seconds=0.3, **BASE).rename(tmp_path / "x.ogg")
    facts = by_header(file)
    assert facts is not None
    assert facts.codec == "opus"
    assert facts == by_mutagen(file)


def test_chained_ogg_streams_are_left_to_mutagen(tmp_path: Path) -> None:
    one = write_track(tmp_path / "x.ogg", seconds=0.3, **BASE)
    other = write_track(tmp_path / "y.opus", seconds=0.3, **BASE)
    put(one, one.read_bytes() + other.read_bytes())
    assert by_header(one) is None
    assert read(one).facts is not None


def test_an_endless_last_box_of_mp4_is_no_truncation(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.3, **BASE)
    whole = file.read_bytes()
    put(file, whole + b"\0\0\0\0free" + bytes(100))
    assert by_header(file) is None
    reading = read(file)
    assert reading.facts is not None
    assert not reading.truncated


@pytest.mark.parametrize("is_cut", [False, True])
def test_an_old_tag_behind_an_mp4_is_no_truncation(is_cut: bool, tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.3, **BASE)
    whole = file.read_bytes()
    put(file, whole[: len(whole) - 200 * is_cut] + b"TAG".ljust(128, b" "))
    assert read(file).truncated == is_cut


@pytest.mark.parametrize("extension", ["mp3", "flac", "m4a", "ogg", "opus", "wav", "aiff", "wma", "wv", "ape", "dsf"])
def test_a_file_that_lacks_its_end_is_truncated(extension: str, tmp_path: Path) -> None:
    file = write_track(tmp_path / f"x.{extension}", seconds=1.0, **BASE)
    assert not read(file).truncated
    whole = file.read_bytes()
    put(file, whole[: len(whole) // 5] if extension == "flac" else whole[: len(whole) * 2 // 3])
    assert read(file).truncated


def test_a_flac_without_the_frames_its_seek_table_names_is_truncated(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.flac", seconds=1.0, **BASE)
    table = struct.pack(">QQH", 0, 0, 4096) + struct.pack(">QQH", 40_000, 10**6, 4096) + b"\xff" * 8 + bytes(10)
    whole = file.read_bytes()
    put(file, b"fLaC\0" + whole[5:42] + b"\3" + len(table).to_bytes(3, "big") + table + whole[42:])
    assert by_header(file) is None
    assert read(file).truncated


def film() -> bytes:
    """One second of MP4 without any sound."""
    file = io.BytesIO()
    open_container: Any = av.open
    with open_container(file, "w", format="mp4") as output:
        stream = output.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 16
        for _ in range(10):
            output.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        output.mux(stream.encode(None))
    return file.getvalue()


def test_sound_behind_a_box_that_mutagen_misreads_is_no_film(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", **BASE)
    data = file.read_bytes()
    moov = data.index(b"moov") - 4
    size = int.from_bytes(data[moov : moov + 4], "big")
    meta = struct.pack(">I4sI4s8s", 24, b"meta", 16, b"hdlr", b"")  # as QuickTime has it, without a version
    first = moov + 8 + int.from_bytes(data[moov + 8 : moov + 12], "big")  # behind mvhd
    moved = (size + len(meta)).to_bytes(4, "big") + data[moov + 4 : first] + meta + data[first:]
    assert code(read(put(file, data[:moov] + moved))) is None


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("x.flac", b"", "empty_file"),
        ("x.mp4", film(), "not_audio"),
        ("x.flac", b"fLaC" + b"\xff" * 100, "unreadable_audio"),
        ("x.mp3", b"\0" * 50_000, "not_audio"),
        ("x.ogg", b"OggS" + b"\0" * 1000, "unreadable_audio"),
        ("x.m4a", b"\0\0\0\x10ftypM4A \0\0\0\0", "unreadable_audio"),
        ("x.wav", b"RIFF\xff\0\0\0WAVE", "unreadable_audio"),
        ("x.mpc", b"MPCKXX" + b"\xff" * 8 + b"\x7f", "unreadable_audio"),  # a packet beyond the end of any file
        ("x.jpg", JPEG, "unsupported"),
    ],
)
def test_what_is_no_music_gets_a_reason(name: str, data: bytes, expected: str, tmp_path: Path) -> None:
    reading = read(put(tmp_path / name, data))
    assert code(reading) == expected
    assert reading.facts is None
    assert reading.problem
    assert reading.problem[1].endswith(".")
