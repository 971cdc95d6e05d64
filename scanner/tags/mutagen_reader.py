"""An open audio file → its facts as mutagen sees them; for every format, and whenever the header reader is in doubt."""

from __future__ import annotations

import contextlib
import os
from importlib import import_module
from struct import error as StructError
from typing import Any, BinaryIO

from scanner.facts import Facts, Picture
from scanner.tags.apev2 import items
from scanner.tags.mutagen_tags import SHEET, Converted, from_ape, from_id3, tags_of
from scanner.tags.normalise import Tags, clean, first
from scanner.tags.ogg import OPUS_RATE
from scanner.tags.riff import read_wave
from scanner.tags.said import Stream, row_of, say
from scanner.tags.source import Source
from scanner.tags.truncation import id3_end
from scanner.tags.walked import walked

# Container → module and class: mutagen's, or ours on top of it.
_CLASSES = {
    "mp3": ("mutagen.mp3", "MP3"),
    "flac": ("mutagen.flac", "FLAC"),
    "mp4": ("scanner.tags.mp4_lenient", "MP4"),
    "adts": ("mutagen.aac", "AAC"),
    "vorbis": ("mutagen.oggvorbis", "OggVorbis"),
    "opus": ("mutagen.oggopus", "OggOpus"),
    "oggflac": ("mutagen.oggflac", "OggFLAC"),
    "speex": ("mutagen.oggspeex", "OggSpeex"),
    "wav": ("mutagen.wave", "WAVE"),
    "aiff": ("mutagen.aiff", "AIFF"),
    "asf": ("mutagen.asf", "ASF"),
    "ape": ("mutagen.monkeysaudio", "MonkeysAudio"),
    "wavpack": ("scanner.tags.wavpack", "WavPack"),
    "musepack": ("mutagen.musepack", "Musepack"),
    "dsf": ("mutagen.dsf", "DSF"),
    "dsdiff": ("mutagen.dsdiff", "DSDIFF"),
    "tta": ("mutagen.trueaudio", "TrueAudio"),
    "tak": ("mutagen.tak", "TAK"),
}
_CODECS = {"asf": "wma", "dsf": "dsd", "dsdiff": "dsd", "adts": "aac", "oggflac": "flac"}
_MAY_HAVE_ID3 = {"mp3", "tta", "flac", "ape", "wavpack", "musepack"}  # beside tags of their own, as EAC wrote it
_HAVE_APE = {"ape", "wavpack", "musepack", "tak"}  # which is read here: mutagen gives up all of a file for one odd text
_HAVE_BITS = {"flac", "aiff", "ape", "wavpack", "tak", "dsf", "dsdiff", "alac"}


def open_as(container: str, file: BinaryIO) -> Any:
    """Return mutagen's object for the file. Raises whatever mutagen and the file make of each other."""
    file.seek(0)
    keywords = {"load_v1": False} if container == "mp3" else {}
    return _class_of(container)(file, **keywords)


def _class_of(container: str) -> Any:
    module, name = _CLASSES[container]
    return getattr(import_module(module), name)


def read(fd: int, container: str) -> Facts:
    """Read the file as one of the containers above, from the descriptor (never by path again)."""
    source = Source(fd, os.fstat(fd).st_size)
    if container == "wav":
        return _read_wave(source)
    with os.fdopen(os.dup(fd), "rb") as file:
        if container in _HAVE_APE:
            file.seek(id3_end(source))  # where who asked has read, or written, to is no matter
            info = _class_of(container)._Info(file)
            tags, pictures = from_ape(items(source))
        else:
            found = open_as(container, file)
            info = found.info
            tags, pictures = tags_of(found.tags, container)
        if container == "mp3" and info.sketchy:
            raise ValueError("no four MPEG frames in a row")
        if container in _MAY_HAVE_ID3:
            _complete_from_end(tags, file, source)
        if container == "adts":
            tags, pictures = _around_adts(file, source)
        elif container == "flac":
            pictures += [Picture(len(p.data), p.type, p.mime or None) for p in found.pictures]
    _complete_from_sheet(tags)
    return _facts(tags, walked(source, container, info, _stream(info, container)), pictures)


def is_film(fd: int, container: str) -> bool:
    """Tell of a file without any sound that was read whether its tracks are of pictures alone.

    Of an MP4 without sound mutagen takes the length of the film; and where it sees no track at all, it lost its way.
    """
    if container != "mp4":
        return False
    with os.fdopen(os.dup(fd), "rb") as file:
        file.seek(0)
        atoms: Any = import_module("mutagen.mp4").Atoms(file)
        return any(atoms[b"moov"].findall(b"trak"))


def _facts(tags: Tags, stream: Stream, pictures: list[Picture]) -> Facts:
    return Facts._make(row_of([say(field, values) for field, values in tags.items()], stream, pictures))


def _read_wave(source: Source) -> Facts:
    """Take the sound and the INFO list by ourselves, and of mutagen the ID3 tag; it knows RIFF, but not RF64."""
    stream, said = read_wave(source)
    tags: Tags = {}
    pictures: list[Picture] = []
    if source.head[:4] == b"RIFF":
        with os.fdopen(os.dup(source.fd), "rb") as file:
            tags, pictures = tags_of(open_as("wav", file).tags, "wav")
    return _facts({**said, **tags}, stream, pictures)


def _stream(info: Any, container: str) -> Stream:
    codec: str | None = _CODECS.get(container, container)
    if container == "mp4":
        codec = _mp4_codec(info.codec)
    elif container == "mp3":
        codec = f"mp{info.layer}"
    elif container == "wavpack" and info.is_hybrid:
        codec = "wavpack-hybrid"
    return (
        codec,
        max(0.0, info.length),
        max(0, getattr(info, "bitrate", 0)),
        OPUS_RATE if container == "opus" else getattr(info, "sample_rate", 0),
        getattr(info, "bits_per_sample", 0) if container in _HAVE_BITS or codec in _HAVE_BITS else 0,
        int(getattr(info, "channels", 0)),
    )


def _mp4_codec(name: str) -> str | None:
    if name.startswith("mp4a"):
        return "mp3" if name.upper() in ("MP4A.69", "MP4A.6B") else "aac"
    return clean(name.lower())


def _around_adts(file: BinaryIO, source: Source) -> Converted:
    """Read the ID3 tag in front of a bare AAC stream, of which mutagen reads no tags, or an APEv2 tag behind it."""
    from mutagen import MutagenError
    from mutagen.id3 import ID3

    tags: Tags = {}
    pictures: list[Picture] = []
    file.seek(0)
    reader: Any = ID3
    with contextlib.suppress(MutagenError):  # there is none
        tags, pictures = from_id3(reader(file))
    _complete_from_end(tags, file, source)
    return tags, pictures


def _complete_from_sheet(tags: Tags) -> None:
    """Fill what the tags of an image leave open from the cue sheet that is one of them."""
    texts = tags.pop(SHEET, None)
    if texts is None or all(map(tags.get, ("album", "artist", "date"))):
        return
    from scanner.grouping.sheets import added, parse
    from scanner.smallfiles import MAX_SMALL

    sheet = parse(b"", "\n".join(texts).encode(errors="replace")[:MAX_SMALL])
    if sheet is None or sheet.tracks < 2:  # of a song
        return
    artist = tags.get("album_artist") or tags.get("artist")
    said = added(sheet, album=tags.get("album"), artist=artist, year=tags.get("date"), disc=tags.get("disc"))
    told = {"album": said.album, "album_artist": said.album_artist, "date": said.year, "disc": said.disc}
    tags.update((field, [str(value)]) for field, value in told.items() if value)


def _complete_from_end(tags: Tags, file: BinaryIO, source: Source) -> None:
    """Fill what a file's own tag leaves open from APEv2 or ID3v1 at its end, or ID3v2, if it lacks what matters."""
    if all(first(tags.get(field, ())) for field in ("title", "artist", "album")):
        return
    from mutagen import MutagenError
    from mutagen.id3 import ID3

    found = [from_ape(items(source))[0]]
    file.seek(0)
    reader: Any = ID3
    with contextlib.suppress(MutagenError, ValueError, StructError, LookupError):  # there is none, or it is in no order
        found.append(from_id3(reader(file))[0])
    for more in found:
        tags.update((field, values) for field, values in more.items() if not first(tags.get(field, ())))
