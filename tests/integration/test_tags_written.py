"""Files as encoders and taggers leave them, made by hand and small → what is in them, and whether they are whole."""
# mypy: allow-untyped-calls
# (mutagen has no annotations)

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import av
import pytest
from mutagen.apev2 import BINARY, APEv2, APEValue
from mutagen.flac import FLAC

from scanner.facts import Facts
from scanner.tags.read import Reading
from tests.integration.test_tags_agree import BASE, by_header, by_mutagen, read
from tests.integration.test_tags_odd_files import BASIC, frame, id3, put, texts
from tests.music import audio, write_track

SECOND = 44_100
RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)


def mpeg(*rates: int) -> bytes:
    """MPEG 1 layer III, 44.1 kHz, stereo: one silent frame for each of the rates, in kbit/s."""
    heads = {rate: bytes((0xFF, 0xFB, RATES.index(rate) << 4, 0)) for rate in rates}
    return b"".join(heads[rate].ljust(144_000 * rate // SECOND, b"\0") for rate in rates)


def told(reading: Reading) -> Facts:
    assert reading.facts is not None, reading.problem
    return reading.facts


def milliseconds(frames: int) -> int:
    return round(frames * 1152 * 1000 / SECOND)


@pytest.mark.parametrize(
    "rates",
    [[128, 64, 320, 192] * 20, [32] * 60 + [320, 256] * 40, [320] * 20 + [32] * 200],
    ids=["from the start", "after silence", "but for its end"],
)
def test_the_length_of_a_variable_bitrate_without_a_header_is_counted(rates: list[int], tmp_path: Path) -> None:
    facts = told(read(put(tmp_path / "x.mp3", id3(BASIC) + mpeg(*rates) + b"TAG" + bytes(125))))
    assert facts.duration_ms == milliseconds(len(rates))
    assert facts.bitrate == pytest.approx(sum(rates) / len(rates) * 1000, rel=0.02)


def test_lost_bytes_between_frames_are_no_sound(tmp_path: Path) -> None:
    sound = mpeg(*[128, 64] * 20) + bytes(5000) + mpeg(*[64, 128] * 20)
    assert told(read(put(tmp_path / "x.mp3", id3(BASIC) + sound))).duration_ms == milliseconds(80)


def test_a_constant_bitrate_is_known_by_looking_here_and_there(tmp_path: Path) -> None:
    file = put(tmp_path / "x.mp3", id3(BASIC) + mpeg(*[160] * 100))
    facts = by_header(file)
    assert facts == by_mutagen(file)
    assert facts is not None
    assert facts.bitrate == 160_000


def layer_two() -> bytes:
    return (b"\xff\xfd\xa0\x00".ljust(144 * 192_000 // 44_100, b"\0")) * 30


def tta() -> bytes:
    head = b"TTA1" + struct.pack("<HHHII", 1, 2, 16, SECOND, SECOND) + bytes(4)
    return head + struct.pack("<I", 500) + bytes(4) + bytes(500)


OTHERS = {"mp2": (layer_two(), "mp2"), "tta": (tta(), "tta")}


@pytest.mark.parametrize("extension", OTHERS)
@pytest.mark.parametrize("tag", [b"", id3(BASIC)], ids=["bare", "tagged"])
def test_formats_that_only_few_use_are_read(extension: str, tag: bytes, tmp_path: Path) -> None:
    data, codec = OTHERS[extension]
    reading = read(put(tmp_path / f"x.{extension}", tag + data))
    facts = told(reading)
    assert (facts.codec, facts.sample_rate, facts.title) == (codec, SECOND, "TIT2" if tag else None)
    assert not reading.truncated


def test_the_sound_of_a_tta_file_is_told_whole(tmp_path: Path) -> None:
    facts = told(read(put(tmp_path / "x.tta", id3(BASIC) + tta())))
    assert (facts.channels, facts.bits, facts.bitrate) == (2, 16, 8 * len(tta()))


SHEET = 'REM DATE 1997\nPERFORMER "Ada"\nTITLE "Low (Disc 2)"\nFILE "x.wav" WAVE\n TRACK 01 AUDIO\n  TITLE "a"\n'


@pytest.mark.parametrize("extension", ["flac", "ape", "wv", "ogg"])
@pytest.mark.parametrize(
    ("tags", "more", "told_so"),
    [
        ({}, " TRACK 02 AUDIO\n", ("Low", "Ada", None, "1997", 2)),
        ({"artist": "Bo", "date": "2001"}, " TRACK 02 AUDIO\n", ("Low", None, "Bo", "2001", 2)),
        ({"album": "High", "disc": "1"}, " TRACK 02 AUDIO\n", ("High", "Ada", None, "1997", 1)),
        ({"album": "High"}, " TRACK 02 AUDIO\n", ("High", "Ada", None, "1997", None)),  # the disc is of the other album
        ({}, "", (None, None, None, None, None)),  # of a song
    ],
)
def test_an_image_says_what_the_cue_sheet_in_its_tags_does(
    extension: str, tags: dict[str, Any], more: str, told_so: tuple[object, ...], tmp_path: Path
) -> None:
    file = write_track(tmp_path / f"x.{extension}", more={"Cuesheet": SHEET + more}, **tags)
    facts = told(read(file))
    assert (facts.album, facts.album_artist, facts.artist, facts.date, facts.disc) == told_so


def test_other_tags_count_before_the_cue_sheet_among_them(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.flac", more={"Cuesheet": SHEET + " TRACK 02 AUDIO\n"})
    facts = told(read(put(file, id3(BASIC) + file.read_bytes())))
    assert (facts.album, facts.artist, facts.album_artist, facts.date) == ("TALB", "TPE1", None, "1997")


def test_a_cue_sheet_that_is_no_text_says_nothing(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.ape", title="Title")
    items: Any = APEv2(file)
    items["Cuesheet"] = APEValue(SHEET.encode(), BINARY)
    items.save(file)
    assert told(read(file)).album is None


def ape_tag(*items: tuple[bytes, bytes], version: int = 2000, more: int = 0) -> bytes:
    body = b"".join(struct.pack("<II", len(value), 0) + key + b"\0" + value for key, value in items)
    return body + b"APETAGEX" + struct.pack("<IIII", version, len(body) + 32 + more, len(items), 0) + bytes(8)


@pytest.mark.parametrize("extension", ["ape", "wv", "mpc", "mp3"])
@pytest.mark.parametrize("behind", [b"", b"TAG" + bytes(125), b"LYRICSBEGIN000011LYRICS200" + b"TAG" + bytes(125)])
def test_tags_in_the_code_page_of_an_old_program_are_read(extension: str, behind: bytes, tmp_path: Path) -> None:
    file = write_track(tmp_path / f"x.{extension}")
    said = ((b"Title", b"J\xf3ga"), (b"Artist", b"Bj\xf6rk\0Ada"), (b"Album", b"Homogenic"), (b"Track", b"5/10"))
    facts = told(read(put(file, file.read_bytes() + ape_tag(*said, version=1000) + behind)))
    assert (facts.title, facts.artists, facts.album, facts.track) == ("J\xf3ga", ("Bj\xf6rk", "Ada"), "Homogenic", 5)


@pytest.mark.parametrize("extension", ["ape", "wv", "mpc"])
@pytest.mark.parametrize(
    ("tag", "title"),
    [
        (ape_tag((b"Title", b"T"), (b"A\xff", b"x"), (b"Album", b"B")), "T"),
        (ape_tag((b"Title", b"T"), (b"Artist" * 99, b"x")), "T"),
        (ape_tag((b"Title", b"T")).replace(b"\1\0\0\0", b"\x09\0\0\0", 1), None),
        (ape_tag((b"Title", b"T"), more=-40), None),
        (ape_tag((b"Title", b"T"), more=1 << 30), None),
    ],
    ids=["a key", "a long key", "a value", "too small", "too large"],
)
def test_a_broken_tag_behind_the_sound_takes_nothing_from_it(
    extension: str, tag: bytes, title: str | None, tmp_path: Path
) -> None:
    file = write_track(tmp_path / f"x.{extension}")
    alone = told(read(file))
    facts = told(read(put(file, file.read_bytes() + tag)))
    assert (facts.title, facts.duration_ms, facts.codec) == (title, alone.duration_ms, alone.codec)


def test_a_bare_aac_stream_says_what_is_in_the_tags_around_it(tmp_path: Path) -> None:
    file = put(tmp_path / "x.aac", id3(texts("TIT2")) + audio("aac", 0.3))
    items = APEv2()
    items["Title"], items["Year"] = "Not asked", "2003"
    items.save(file)
    facts = told(read(file))
    assert (facts.codec, facts.title, facts.date) == ("aac", "TIT2", "2003")


def test_a_wav_too_large_for_its_format_is_read(tmp_path: Path) -> None:
    whole = audio("wav", 0.5)
    place = whole.index(b"data")
    size = len(whole) - place - 8
    large = b"ds64" + struct.pack("<IQQQI", 28, len(whole) + 28, size, size // 4, 0)
    unknown = b"\xff\xff\xff\xff"
    data = b"RF64" + unknown + b"WAVE" + large + whole[12 : place + 4] + unknown + whole[place + 8 :]
    reading = read(put(tmp_path / "x.wav", data))
    assert (told(reading).codec, told(reading).duration_ms, reading.truncated) == ("pcm", 500, False)
    assert read(put(tmp_path / "x.wav", data[:-1000])).truncated


@pytest.mark.parametrize("size", [0xFFFFFFFF, 0x7FFFF024], ids=["ffmpeg", "sox"])
def test_a_wav_written_to_a_pipe_is_as_long_as_there_are_bytes(size: int, tmp_path: Path) -> None:
    whole = audio("wav", 0.5)
    place = whole.index(b"data") + 4
    data = whole[:4] + struct.pack("<I", size) + whole[8:place] + struct.pack("<I", size - 36) + whole[place + 4 :]
    reading = read(put(tmp_path / "x.wav", data))
    assert (told(reading).duration_ms, reading.truncated) == (500, False)


def test_of_a_compressed_wav_the_samples_are_told(tmp_path: Path) -> None:
    form = struct.pack("<HHIIHHH", 0x55, 2, SECOND, 0, 1152, 0, 0)
    chunks = [b"fmt " + struct.pack("<I", len(form)) + form, b"fact" + struct.pack("<II", 4, 2 * SECOND)]
    body = b"WAVE" + b"".join(chunks) + b"data" + struct.pack("<I", 4000) + bytes(4000)
    facts = told(read(put(tmp_path / "x.wav", b"RIFF" + struct.pack("<I", len(body)) + body)))
    assert (facts.codec, facts.duration_ms, facts.bits) == ("mp3", 2000, None)


def wavpack_block(samples: int, flags: int, *, rate: int = 9, total: int = SECOND, pieces: bytes = b"") -> bytes:
    head = struct.pack("<4sIHBB", b"wvpk", 24 + len(pieces), 0x410, 0, 0)
    return head + struct.pack("<IIIII", total, 0, samples, flags | rate << 23 | 1, 0) + pieces


@pytest.mark.parametrize(
    ("data", "codec", "channels"),
    [
        (wavpack_block(SECOND, 0x1800), "wavpack", 2),
        (wavpack_block(SECOND, 0x1808), "wavpack-hybrid", 2),
        (wavpack_block(SECOND, 0x804) + wavpack_block(SECOND, 0) + wavpack_block(SECOND, 0x1004), "wavpack", 4),
        (wavpack_block(SECOND, 0x1800) + wavpack_block(0, 0x1800), "wavpack", 2),
    ],
    ids=["stereo", "hybrid", "four channels", "a checksum at its end"],
)
def test_the_blocks_of_wavpack_say_what_they_hold(data: bytes, codec: str, channels: int, tmp_path: Path) -> None:
    reading = read(put(tmp_path / "x.wv", data))
    facts = told(reading)
    assert (facts.codec, facts.channels, facts.duration_ms, reading.truncated) == (codec, channels, 1000, False)


@pytest.mark.parametrize(
    ("flags", "rate", "pieces", "heard"),
    [
        (0x1800, 15, bytes([0x02, 1, 0, 0, 0x67, 2, *(176_400).to_bytes(3, "little"), 0]), (176_400, 16)),
        (0x1800, 15, bytes([0xA2, 1, 0, 0, 0, 0, 0x27, 2, *(352_800).to_bytes(4, "little")]), (352_800, 16)),
        (0x1802 | 8 << 13, 9, b"", (44_100, 24)),
        (0x1800 | 17 << 13, 9, b"", (44_100, None)),
        (0x1800 | 1 << 31, 12, bytes([0x0E, 1, 2, 0]), (2_822_400, 1)),
        (0x1800 | 1 << 31, 12, bytes([0x8E, 1, 0, 0, 3, 0]), (5_644_800, 1)),
    ],
    ids=["176.4 kHz", "352.8 kHz", "24 bits of 32", "fewer than none", "DSD64", "DSD128"],
)
@pytest.mark.parametrize("is_told", [True, False])
def test_wavpack_of_any_rate_is_heard(
    flags: int, rate: int, pieces: bytes, heard: tuple[int, int | None], is_told: bool, tmp_path: Path
) -> None:
    samples = heard[0] // 8 if heard[1] == 1 else heard[0]
    parts = [wavpack_block(n, flags, rate=rate, total=samples if is_told else 0xFFFFFFFF, pieces=pieces)
             for n in (samples - 700, 700)]  # fmt: skip
    facts = told(read(put(tmp_path / "x.wv", b"".join(parts))))
    assert (facts.sample_rate, facts.bits, facts.duration_ms) == (*heard, 1000)


def test_wavpack_without_a_rate_is_no_sound_anybody_can_play(tmp_path: Path) -> None:
    reading = read(put(tmp_path / "x.wv", wavpack_block(SECOND, 0x1800, rate=15)))
    assert reading.facts is None
    assert "without a sample rate" in str(reading.problem)


@pytest.mark.parametrize(("extension", "codec"), [("ogg", "vorbis"), ("opus", "opus")])
def test_a_chain_of_ogg_streams_is_as_long_as_all_of_them(extension: str, codec: str, tmp_path: Path) -> None:
    parts = [write_track(tmp_path / f"{n}.{extension}", seconds=n / 2, **BASE) for n in (1, 2)]
    lengths = [told(read(part)).duration_ms or 0 for part in parts]
    facts = told(read(put(tmp_path / f"x.{extension}", b"".join(part.read_bytes() for part in parts))))
    assert facts.codec == codec
    assert facts.duration_ms == pytest.approx(sum(lengths), abs=2)


@pytest.mark.parametrize("film", ["none", "before", "behind"])
def test_an_mp4_in_fragments_is_as_long_as_all_of_them(film: str, tmp_path: Path) -> None:
    file = tmp_path / "x.m4a"
    moving: Any = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "300000"}
    with av.open(str(file), "w", format="mp4", options=moving) as output:
        pictures: Any = output.add_stream("mpeg4", rate=25, width=16, height=16) if film == "before" else None
        stream: Any = output.add_stream("aac", rate=SECOND, layout="stereo")
        pictures = output.add_stream("mpeg4", rate=25, width=16, height=16) if film == "behind" else pictures
        for number in range(50 if pictures else 0):
            picture = av.VideoFrame(16, 16, "yuv420p")
            picture.pts = number
            output.mux(pictures.encode(picture))
        for place in range(0, 2 * SECOND, 1024):
            part = av.AudioFrame(format="fltp", layout="stereo", samples=1024)
            for plane in part.planes:
                plane.update(bytes(4096))
            part.sample_rate, part.pts = SECOND, place
            output.mux(stream.encode(part))
        output.mux(stream.encode(None))
    assert by_header(file) is None
    assert told(read(file)).duration_ms == pytest.approx(2000, abs=60)


@pytest.mark.parametrize("rate", [44_100, 22_050])
def test_aac_of_one_channel_is_mono_where_it_cannot_become_two(rate: int, tmp_path: Path) -> None:
    file = tmp_path / "x.m4a"
    with av.open(str(file), "w", format="ipod") as output:
        output.metadata.update({"title": "Title", "artist": "Artist", "album": "Album"})
        stream: Any = output.add_stream("aac", rate=rate, layout="mono")
        part = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        part.sample_rate = rate
        part.planes[0].update(bytes(4096))
        output.mux([*stream.encode(part), *stream.encode(None)])
    whole = file.read_bytes()
    place = whole.index(b"mp4a", whole.index(b"stsd")) + 20
    put(file, whole[:place] + b"\0\2" + whole[place + 2 :])  # two, as QuickTime and many encoders say of any sound
    facts = by_header(file)
    assert facts is not None
    assert facts == by_mutagen(file)
    assert facts.channels == 1


def flac(tmp_path: Path, seconds: float = 3.0) -> bytes:
    return write_track(tmp_path / "x.flac", seconds=seconds, **BASE).read_bytes()


def test_a_flac_cut_before_its_last_frame_is_truncated(tmp_path: Path) -> None:
    whole = flac(tmp_path)
    assert by_header(tmp_path / "x.flac") is not None
    for part in range(1, 20):
        reading = read(put(tmp_path / "x.flac", whole[: len(whole) * part // 20]))
        assert reading.truncated or reading.problem, part


def test_a_flac_with_other_tags_at_its_end_is_whole(tmp_path: Path) -> None:
    whole = flac(tmp_path)
    behind_it = {b"TAG" + bytes(125): "header", bytes(9000): "header", bytes(60_000): "header", bytes(9**6): "mutagen"}
    for behind, reader in behind_it.items():
        reading = read(put(tmp_path / "x.flac", whole + behind))
        assert (reading.reader, reading.truncated) == (reader, False)
        assert told(reading).duration_ms == 3000


def test_a_flac_whose_encoder_did_not_know_its_length_is_counted_to_its_last_frame(tmp_path: Path) -> None:
    whole = flac(tmp_path)
    unknown = whole[:21] + bytes((whole[21] & 0xF0, 0, 0, 0, 0)) + whole[26:]
    reading = read(put(tmp_path / "x.flac", unknown))
    assert (told(reading).duration_ms, reading.truncated) == (3000, False)


def test_a_musepack_file_knows_where_its_table_of_seek_points_is(tmp_path: Path) -> None:
    head = b"MPCK" + b"SH\x0f" + bytes(12) + b"RG\x0c" + bytes(9) + b"SO\x06\x83\x74\0"
    assert not read(put(tmp_path / "x.mpc", head + bytes(600))).truncated
    assert read(put(tmp_path / "x.mpc", head + bytes(300))).truncated


def test_a_tta_file_knows_the_size_of_every_frame(tmp_path: Path) -> None:
    assert read(put(tmp_path / "x.tta", tta()[:-1])).truncated


@pytest.mark.parametrize(
    ("description", "value", "field", "expected"),
    [
        ("QuodLibet::albumartist", "Band", "album_artist", "Band"),
        ("TCMP", "1", "compilation", True),
        ("ORIGINAL YEAR", "1999", "original_date", "1999"),
        ("MusicBrainz Artist Id", "a" * 36 + "/" + "b" * 36, "mb_artist_ids", ("a" * 36, "b" * 36)),
    ],
    ids=["Quod Libet", "FFmpeg", "beets", "Picard in ID3v2.3"],
)
def test_names_of_single_programs_are_known(
    description: str, value: str, field: str, expected: object, tmp_path: Path
) -> None:
    text = frame("TXXX", b"\0" + description.encode() + b"\0" + value.encode())
    file = put(tmp_path / "x.mp3", id3(BASIC + text) + mpeg(*[128] * 30))
    facts = by_header(file)
    assert facts == by_mutagen(file)
    assert getattr(facts, field) == expected


@pytest.mark.parametrize(("number", "genres"), [(18, ("Rock",)), (0, None), (999, None)])
def test_a_genre_of_itunes_by_its_number_is_named(number: int, genres: tuple[str, ...] | None, tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.m4a", seconds=0.2, **BASE, genre="ab")
    as_text = struct.pack(">I4sI4sII", 26, b"\xa9gen", 18, b"data", 1, 0) + b"ab"
    as_number = struct.pack(">I4sI4sIIH", 26, b"gnre", 18, b"data", 0, 0, number)
    whole = file.read_bytes()
    assert as_text in whole
    facts = by_header(put(file, whole.replace(as_text, as_number)))
    assert (facts.genres if facts else None) == genres
    assert facts in (None, by_mutagen(file))


def test_of_a_year_and_a_date_the_date_is_read(tmp_path: Path) -> None:
    file = write_track(tmp_path / "x.flac", seconds=0.2, **BASE)
    tags = FLAC(file)
    tags["ORIGINALYEAR"], tags["ORIGINALDATE"] = "1999", "1999-01-02"
    tags.save()
    assert told(read(file)).original_date == "1999-01-02"
