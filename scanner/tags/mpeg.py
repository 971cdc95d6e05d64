"""The first frames of MPEG audio layer III → its stream. Source: ISO 11172-3 2.4.1, the Xing, LAME and VBRI headers."""

from __future__ import annotations

import re
from struct import Struct

from scanner.tags.normalise import Stream
from scanner.tags.source import DoubtError, Source

_V1_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s
_V2_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MONO = 3
_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8  # flags of a Xing header
_WINDOW = 3200  # bytes: three frames of 320 kbit/s and the head of a fourth
_FRAMES_NEEDED = 4  # in a row, to believe in a stream without a header of its own
_LAME = re.compile(rb"LAME3\.(?:9[1-9]|1[0-9][0-9])(?![0-9])", re.DOTALL)
_LAME_SIZE = 9 + 27  # version, then the extended header

_THREE = Struct(">III").unpack_from
_VBRI = Struct(">4sHHHIIHHHH")


# Bitrate in bit/s, sample rate in Hz, channels, samples, length in bytes, where in it a Xing header would be.
Frame = tuple[int, int, int, int, int, int]


def stream_at(source: Source, position: int) -> Stream:
    """Read the stream whose first frame is at `position`, in file order: Xing or VBRI header, else constant bitrate."""
    start = source.reach(position, min(_WINDOW, source.size - position))
    data = source.window[start:]
    header = _frame(data, 0)
    if header is None:
        raise DoubtError("no MPEG frame behind the tag")
    place = header[5]
    audio_size = source.size - position
    if data[place : place + 4] in (b"Xing", b"Info"):
        return _xing(data, header, audio_size)
    if data[36:40] == b"VBRI":
        return _vbri(data, header, audio_size)
    return _constant(data, header, audio_size)


def _frame(data: bytes, at: int) -> Frame | None:
    """Return the frame whose header is at `at`, or None when there is none."""
    word = int.from_bytes(data[at : at + 4], "big")
    version, rate_index, sample_index = word >> 19 & 3, word >> 12 & 15, word >> 10 & 3
    if word >> 21 != 0x7FF or version == 1 or word >> 17 & 3 != 1 or rate_index in (0, 15) or sample_index == 3:
        return None
    mono = word >> 6 & 3 == _MONO
    sample_rate = _SAMPLE_RATES[version][sample_index]
    if version == 3:
        bitrate, samples, place = _V1_RATES[rate_index] * 1000, 1152, 21 if mono else 36
    else:
        bitrate, samples, place = _V2_RATES[rate_index] * 1000, 576, 13 if mono else 21
    length = samples // 8 * bitrate // sample_rate + (word >> 9 & 1)
    return bitrate, sample_rate, 1 if mono else 2, samples, length, place


def _xing(data: bytes, header: Frame, audio_size: int) -> Stream:
    _, sample_rate, channels, frame_samples, frame_length, place = header
    flags, frames, size = _THREE(data, place + 4)
    if flags & 3 != _FRAMES | _BYTES or not frames or size > audio_size:
        raise DoubtError("a Xing header that leaves something open, or promises more than there is")
    samples = frame_samples * frames
    bitrate = round(max(0, size - frame_length) * 8 * sample_rate / float(samples))
    place += 16 + (100 if flags & _TOC else 0) + (4 if flags & _QUALITY else 0)
    samples -= _encoder_delay(data[place : place + _LAME_SIZE])
    return Stream("mp3", float(max(0, samples)) / sample_rate, bitrate, sample_rate, 0, channels)


def _encoder_delay(lame: bytes) -> int:
    """Return the samples LAME added before and after the music, 0 where another encoder wrote the header."""
    if not lame.startswith((b"LAME", b"L3.99")):
        return 0
    if len(lame) < _LAME_SIZE or not _LAME.match(lame):
        raise DoubtError("a LAME version with rules of its own")
    if lame[9] >> 4:  # revision
        return 0
    both = int.from_bytes(lame[21:24], "big")
    return (both >> 12) + (both & 0xFFF)


def _vbri(data: bytes, header: Frame, audio_size: int) -> Stream:
    _, sample_rate, channels, samples, *_ = header
    _, version, _, _, size, frames, entries, _, entry_size, _ = _VBRI.unpack_from(data, 36)
    if version != 1 or entry_size not in (2, 4) or 36 + _VBRI.size + entries * entry_size > len(data) or not frames:
        raise DoubtError("a VBRI header out of the ordinary")
    if size > audio_size:
        raise DoubtError("a VBRI header that promises more than there is")
    seconds = float(samples * frames) / sample_rate
    return Stream("mp3", seconds, int(size * 8 / seconds), sample_rate, 0, channels)


def _constant(data: bytes, header: Frame, audio_size: int) -> Stream:
    bitrate, sample_rate, channels, _, length, _ = header
    at = length
    for _ in range(_FRAMES_NEEDED - 1):
        frame = _frame(data, at)
        place = at + frame[5] if frame else 0
        if frame is None or frame[:3] != header[:3]:
            raise DoubtError("frames of several bitrates and no header that tells the length")
        if place + 4 > len(data) or data[place : place + 4] in (b"Xing", b"Info") or data[at + 36 : at + 40] == b"VBRI":
            raise DoubtError("a header in a later frame")
        at += frame[4]
    return Stream("mp3", 8 * audio_size / float(bitrate), bitrate, sample_rate, 0, channels)


def declared_end(source: Source, position: int) -> int:
    """Return where the audio ends by the Xing or VBRI header in the frame at `position`, 0 without one."""
    data = source.bytes_at(position, min(_WINDOW, source.size - position))
    header = _frame(data, 0)
    if header is None:
        return 0
    place = header[5]
    if data[place : place + 4] in (b"Xing", b"Info") and len(data) >= place + 16:
        flags, _, size = _THREE(data, place + 4)
        return position + size if flags & 3 == _FRAMES | _BYTES else 0
    if data[36:40] == b"VBRI" and len(data) >= 36 + _VBRI.size:
        return position + int(_VBRI.unpack_from(data, 36)[4])
    return 0
