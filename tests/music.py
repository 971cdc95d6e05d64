"""Titles and names → real, playable, tagged audio files; encoded once per format, then copied and tagged."""
# mypy: allow-untyped-calls, allow-any-generics
# (mutagen, which tags them, has no annotations)

from __future__ import annotations

import functools
import io
import math
import os
import struct
from array import array
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import av
from mutagen import id3
from mutagen.aiff import AIFF
from mutagen.apev2 import APEv2
from mutagen.asf import ASF
from mutagen.asf._attrs import ASFByteArrayAttribute
from mutagen.dsf import DSF
from mutagen.flac import FLAC
from mutagen.flac import Picture as FlacPicture
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm
from mutagen.ogg import OggPage
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis
from mutagen.wave import WAVE

RATE = 44100  # Hz
EXTENSIONS = ("mp3", "flac", "m4a", "alac", "ogg", "opus", "wav", "aiff", "wma", "wv", "ape", "mpc", "dsf")
JPEG = bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + bytes(range(256)) * 4 + bytes.fromhex("ffd9")
PNG = bytes.fromhex("89504e470d0a1a0a") + bytes(range(256)) * 4

# Extension → container of PyAV, codec, sample format, options.
_ENCODERS: dict[str, tuple[str, str, str, dict[str, str]]] = {
    "mp3": ("mp3", "libmp3lame", "s16p", {"b": "128k", "id3v2_version": "0"}),
    "mp3-vbr": ("mp3", "libmp3lame", "s16p", {"q": "2", "id3v2_version": "0"}),
    "mp3-bare": ("mp3", "libmp3lame", "s16p", {"b": "128k", "write_xing": "0", "id3v2_version": "0"}),
    "flac": ("flac", "flac", "s16", {}),
    "m4a": ("ipod", "aac", "fltp", {"b": "96k"}),
    "alac": ("ipod", "alac", "s16p", {}),
    "ogg": ("ogg", "vorbis", "fltp", {"strict": "-2"}),
    "opus": ("opus", "libopus", "s16", {"b": "64k"}),
    "wav": ("wav", "pcm_s16le", "s16", {}),
    "aiff": ("aiff", "pcm_s16be", "s16", {}),
    "wma": ("asf", "wmav2", "fltp", {"b": "96k"}),
    "wv": ("wv", "wavpack", "s16p", {}),
    "aac": ("adts", "aac", "fltp", {"b": "96k"}),
}
_SAME = {"mp4": "m4a", "m4b": "m4a", "oga": "ogg", "aif": "aiff"}

Picture = tuple[bytes, str] | tuple[bytes, str, int]  # bytes, mime, type (3, the front cover)


def write_track(
    path: str | bytes | os.PathLike[Any], *, flavour: str | None = None, seconds: float = 1.0, **tags: Any
) -> Path:
    """Write one tagged file; the extension of `path` decides the format and `flavour` (mp3-vbr, alac …) overrides it.

    Tags: title, artist, album, album_artist, track ("3/12"), disc, disc_subtitle, date, original_date, genre, label,
    compilation (bool), mb (field of Facts without `mb_` → id or ids), replaygain (track_gain … → text), picture or
    pictures, id3_version (3 or 4), encoding (of ID3 text). A list is several values. `more` is further raw comments.
    """
    place = Path(os.fsdecode(path))
    extension = place.name.rpartition(".")[2].lower()  # of "..flac", too, which has no suffix for Python 3.14
    place.write_bytes(audio(flavour or extension, seconds))
    if tags:
        _TAGGERS[flavour.partition("-")[0] if flavour else _SAME.get(extension, extension)](place, _Tags(tags))
    return place


def write_album(
    folder: str | os.PathLike[str], *, artist: str, album: str, tracks: int = 12, ext: str = "flac", **tags: Any
) -> list[Path]:
    """Write `tracks` tagged files "NN - Track NN.ext" into `folder`, which is made."""
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    common = {"artist": artist, "album": album, "album_artist": artist, "date": "2001", **tags}
    return [
        write_track(
            place / f"{number:02} - Track {number:02}.{ext}",
            **{"title": f"Track {number:02}", "track": f"{number}/{tracks}", **common},
        )
        for number in range(1, tracks + 1)
    ]


@functools.cache
def audio(flavour: str, seconds: float = 1.0) -> bytes:
    """Return untagged audio of one format: a quiet chord, encoded once per process."""
    flavour = _SAME.get(flavour, flavour)
    if flavour in _BY_HAND:
        return _BY_HAND[flavour](seconds)
    container, codec, sample_format, options = _ENCODERS[flavour]
    file = io.BytesIO()
    rate = 48000 if flavour == "opus" else RATE
    muxer = {name: options[name] for name in ("write_xing", "id3v2_version") if name in options}
    open_container: Any = av.open  # its overloads leave out files in memory with options
    with open_container(file, "w", format=container, options=muxer) as output:
        encoder = {name: value for name, value in options.items() if name not in muxer}
        stream: Any = output.add_stream(codec, rate=rate, options=encoder, format=sample_format, layout="stereo")
        if "q" in options:
            stream.codec_context.qscale = True
            stream.codec_context.global_quality = int(options["q"]) * 118
        for frame in _frames(rate, seconds, sample_format):
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return _with_nominal_bitrate(file.getvalue()) if flavour == "ogg" else file.getvalue()


def _with_nominal_bitrate(ogg: bytes) -> bytes:
    """State 96 kbit/s in the Vorbis header, as libvorbis does and FFmpeg's own encoder does not."""
    file = io.BytesIO(ogg)
    page = OggPage(file)
    rest = file.read()
    page.packets[0] = page.packets[0][:20] + struct.pack("<i", 96_000) + page.packets[0][24:]
    return bytes(page.write()) + rest


def _frames(rate: int, seconds: float, sample_format: str) -> Iterable[Any]:
    samples = array("h", _chord(rate, seconds)).tobytes()
    resampler = av.AudioResampler(format=sample_format, layout="stereo", rate=rate)
    frame = av.AudioFrame(format="s16", layout="stereo", samples=len(samples) // 4)
    frame.planes[0].update(samples)
    frame.sample_rate = rate
    frame.pts = 0
    fifo = av.AudioFifo()
    for part in resampler.resample(frame):
        fifo.write(part)
    while (block := fifo.read(1024, partial=True)) is not None:
        yield block


def _chord(rate: int, seconds: float) -> Iterable[int]:
    for index in range(int(rate * seconds)):
        at = index / rate * math.tau
        yield int(6000 * math.sin(440 * at) + 2000 * math.sin(554 * at))
        yield int(6000 * math.sin(440 * at) + 2000 * math.sin(660 * at))


def _dsf(seconds: float) -> bytes:
    """DSD64 stereo: blocks of 4096 bytes per channel, silence is the pattern 0x69."""
    samples = int(2822400 * seconds)
    blocks = -(-samples // (4096 * 8)) * 2
    data = b"\x69" * 4096 * blocks
    layout = struct.pack("<4sQIIIIIIQII", b"fmt ", 52, 1, 0, 2, 2, 2822400, 1, samples, 4096, 0)
    return (
        struct.pack("<4sQQQ", b"DSD ", 28, 28 + 52 + 12 + len(data), 0)
        + layout
        + struct.pack("<4sQ", b"data", 12 + len(data))
        + data
    )


def _ape(seconds: float) -> bytes:
    """Headers of Monkey's Audio 3.99 with a body nobody can decode: no encoder for it is at hand."""
    samples = int(RATE * seconds)
    body = b"\0" * 4096
    descriptor = struct.pack("<4sHHIIIIIII16s", b"MAC ", 3990, 0, 52, 24, 4, 44, len(body), 0, 0, b"\0" * 16)
    header = struct.pack("<HHIIIHHI", 2000, 0, samples, samples, 1, 16, 2, RATE)
    return descriptor + header + b"\0" * 4 + b"\0" * 44 + body


def _mpc(seconds: float) -> bytes:
    """Headers of Musepack SV7 with a body nobody can decode: no encoder for it is at hand."""
    frames = int(RATE * seconds / 1152) + 1
    return struct.pack("<3sBIIHhHh", b"MP+", 7, frames, 0, 0, 0, 0, 0) + b"\0" * 4096


_BY_HAND: dict[str, Callable[[float], bytes]] = {"dsf": _dsf, "ape": _ape, "mpc": _mpc}


class _Tags:
    """What to write, as lists of text by a neutral name."""

    def __init__(self, tags: dict[str, Any]) -> None:
        tags = dict(tags)
        self.id3_version: int = tags.pop("id3_version", 4)
        self.encoding: int = tags.pop("encoding", 1 if self.id3_version == 3 else 3)
        self.more: dict[str, Any] = tags.pop("more", {})
        single = tags.pop("picture", None)
        given: list[Picture] = tags.pop("pictures", [single] if single else [])
        self.pictures = [(data, mime, kind[0] if kind else 3) for data, mime, *kind in given]
        self.mb = {name: _list(value) for name, value in tags.pop("mb", {}).items()}
        self.replaygain = {name: str(value) for name, value in tags.pop("replaygain", {}).items()}
        self.compilation: bool | None = tags.pop("compilation", None)
        self.text = {name: _list(value) for name, value in tags.items() if value is not None}


def _list(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]


# Neutral name → Vorbis comment (also APEv2 in title case), ID3 frame, MP4 atom, ASF attribute.
_NAMES = {
    "title": ("TITLE", "TIT2", "\xa9nam", "Title"),
    "artist": ("ARTIST", "TPE1", "\xa9ART", "Author"),
    "artists": ("ARTISTS", "TXXX:ARTISTS", "----:ARTISTS", "WM/ARTISTS"),
    "album": ("ALBUM", "TALB", "\xa9alb", "WM/AlbumTitle"),
    "album_artist": ("ALBUMARTIST", "TPE2", "aART", "WM/AlbumArtist"),
    "track": ("TRACKNUMBER", "TRCK", "trkn", "WM/TrackNumber"),
    "disc": ("DISCNUMBER", "TPOS", "disk", "WM/PartOfSet"),
    "disc_subtitle": ("DISCSUBTITLE", "TSST", "----:DISCSUBTITLE", "WM/SetSubTitle"),
    "date": ("DATE", "TDRC", "\xa9day", "WM/Year"),
    "original_date": ("ORIGINALDATE", "TDOR", "----:ORIGINALDATE", "WM/OriginalReleaseTime"),
    "genre": ("GENRE", "TCON", "\xa9gen", "WM/Genre"),
    "label": ("LABEL", "TPUB", "----:LABEL", "WM/Publisher"),
    "comment": ("COMMENT", "COMM", "\xa9cmt", "Description"),
}
_MB = {
    "recording_id": ("MUSICBRAINZ_TRACKID", "MusicBrainz Track Id"),
    "track_id": ("MUSICBRAINZ_RELEASETRACKID", "MusicBrainz Release Track Id"),
    "release_id": ("MUSICBRAINZ_ALBUMID", "MusicBrainz Album Id"),
    "release_group_id": ("MUSICBRAINZ_RELEASEGROUPID", "MusicBrainz Release Group Id"),
    "artist_ids": ("MUSICBRAINZ_ARTISTID", "MusicBrainz Artist Id"),
    "album_artist_ids": ("MUSICBRAINZ_ALBUMARTISTID", "MusicBrainz Album Artist Id"),
}


def _tag_id3(tags: _Tags, frames: Any) -> None:
    for name, values in tags.text.items():
        frame = _NAMES[name][1]
        if frame.startswith("TXXX:"):
            frames.add(id3.TXXX(encoding=tags.encoding, desc=frame[5:], text=values))
        elif frame == "COMM":
            frames.add(id3.COMM(encoding=tags.encoding, lang="eng", desc="", text=values))
        else:
            frames.add(getattr(id3, frame)(encoding=tags.encoding, text=values))
    for name, values in tags.mb.items():
        if name == "recording_id":
            frames.add(id3.UFID(owner="http://musicbrainz.org", data=values[0].encode()))
        else:
            frames.add(id3.TXXX(encoding=tags.encoding, desc=_MB[name][1], text=values))
    for name, value in tags.replaygain.items():
        frames.add(id3.TXXX(encoding=tags.encoding, desc="REPLAYGAIN_" + name.upper(), text=[value]))
    for name, value in tags.more.items():
        frames.add(id3.TXXX(encoding=tags.encoding, desc=name, text=_list(value)))
    if tags.compilation is not None:
        frames.add(id3.TCMP(encoding=tags.encoding, text=[str(int(tags.compilation))]))
    for number, (data, mime, kind) in enumerate(tags.pictures):
        frames.add(id3.APIC(encoding=tags.encoding, mime=mime, type=kind, desc=f"Bild {number}", data=data))
    if tags.id3_version == 3:
        frames.update_to_v23()


def _tag_mp3(path: Path, tags: _Tags) -> None:
    frames = id3.ID3()
    _tag_id3(tags, frames)
    frames.save(path, v1=0, v2_version=tags.id3_version, v23_sep=None)


def _tag_chunks(opener: Any) -> Callable[[Path, _Tags], None]:
    def tag(path: Path, tags: _Tags) -> None:
        file = opener(path)
        if file.tags is None:
            file.add_tags()
        _tag_id3(tags, file.tags)
        file.save(v2_version=tags.id3_version)

    return tag


def _comments(tags: _Tags) -> dict[str, list[str]]:
    comments = {_NAMES[name][0]: values for name, values in tags.text.items()}
    for name, total in (("TRACKNUMBER", "TRACKTOTAL"), ("DISCNUMBER", "DISCTOTAL")):
        number, slash, of = comments.get(name, [""])[0].partition("/")
        if slash:
            comments |= {name: [number], total: [of]}
    comments |= {_MB[name][0]: values for name, values in tags.mb.items()}
    comments |= {"REPLAYGAIN_" + name.upper(): [value] for name, value in tags.replaygain.items()}
    if tags.compilation is not None:
        comments["COMPILATION"] = [str(int(tags.compilation))]
    return comments | {name: _list(value) for name, value in tags.more.items()}


def _flac_picture(data: bytes, mime: str, kind: int) -> FlacPicture:
    picture = FlacPicture()
    picture.data, picture.mime, picture.type, picture.desc = data, mime, kind, "Bild"
    return picture


def _tag_flac(path: Path, tags: _Tags) -> None:
    file = FLAC(path)
    for name, values in _comments(tags).items():
        file[name] = values
    for picture in tags.pictures:
        file.add_picture(_flac_picture(*picture))
    file.save()


def _tag_ogg(opener: Any) -> Callable[[Path, _Tags], None]:
    def tag(path: Path, tags: _Tags) -> None:
        import base64

        file = opener(path)
        for name, values in _comments(tags).items():
            file[name] = values
        if tags.pictures:
            pictures = [base64.b64encode(_flac_picture(*picture).write()).decode() for picture in tags.pictures]
            file["metadata_block_picture"] = pictures
        file.save()

    return tag


def _tag_mp4(path: Path, tags: _Tags) -> None:
    file = MP4(path)
    if file.tags is None:
        file.add_tags()
    for name, values in tags.text.items():
        atom = _NAMES[name][2]
        if atom in ("trkn", "disk"):
            number, _, of = values[0].partition("/")
            file[atom] = [(int(number), int(of or 0))]
        elif atom.startswith("----:"):
            file["----:com.apple.iTunes:" + atom[5:]] = [MP4FreeForm(value.encode()) for value in values]
        else:
            file[atom] = values
    named = {_MB[name][1]: values for name, values in tags.mb.items()}
    named |= {"REPLAYGAIN_" + name.upper(): [value] for name, value in tags.replaygain.items()}
    named |= {name: _list(value) for name, value in tags.more.items()}
    for name, values in named.items():
        file["----:com.apple.iTunes:" + name] = [MP4FreeForm(value.encode()) for value in values]
    if tags.compilation is not None:
        file["cpil"] = tags.compilation
    if tags.pictures:
        kinds = {"image/png": MP4Cover.FORMAT_PNG}
        file["covr"] = [MP4Cover(data, kinds.get(mime, MP4Cover.FORMAT_JPEG)) for data, mime, _ in tags.pictures]
    file.save()


def _tag_asf(path: Path, tags: _Tags) -> None:
    file = ASF(path)
    for name, values in tags.text.items():
        file[_NAMES[name][3]] = values
    for name, values in tags.mb.items():
        file[_MB[name][1].replace("MusicBrainz ", "MusicBrainz/")] = values
    for name, value in tags.replaygain.items():
        file["REPLAYGAIN_" + name.upper()] = [value]
    if tags.compilation is not None:
        file["WM/IsCompilation"] = [str(int(tags.compilation))]
    if tags.pictures:
        file["WM/Picture"] = [
            ASFByteArrayAttribute(struct.pack("<BI", kind, len(data)) + (mime + "\0Bild\0").encode("utf-16-le") + data)
            for data, mime, kind in tags.pictures
        ]
    file.save()


def _tag_ape(path: Path, tags: _Tags) -> None:
    items = APEv2()
    names = {"TRACKNUMBER": "Track", "DISCNUMBER": "Disc", "DATE": "Year"}
    comments = _comments(tags)
    for name, total in (("TRACKNUMBER", "TRACKTOTAL"), ("DISCNUMBER", "DISCTOTAL")):
        if total in comments:
            comments[name] = [comments[name][0] + "/" + comments.pop(total)[0]]
    for name, values in comments.items():
        items[names.get(name, name.title() if name.isalpha() else name)] = values
    for data, _, kind in tags.pictures:
        from mutagen.apev2 import APEBinaryValue

        side = "Front" if kind == 3 else "Back"
        items[f"Cover Art ({side})"] = APEBinaryValue(b"cover.jpg\0" + data)
    items.save(path)


_TAGGERS: dict[str, Callable[[Path, _Tags], None]] = {
    "mp3": _tag_mp3,
    "flac": _tag_flac,
    "m4a": _tag_mp4,
    "alac": _tag_mp4,
    "ogg": _tag_ogg(OggVorbis),
    "opus": _tag_ogg(OggOpus),
    "wav": _tag_chunks(WAVE),
    "aiff": _tag_chunks(AIFF),
    "dsf": _tag_chunks(DSF),
    "wma": _tag_asf,
    "wv": _tag_ape,
    "ape": _tag_ape,
    "mpc": _tag_ape,
}
