"""The first frames of MPEG audio layer III → its stream. Source: ISO 11172-3 2.4.1, the Xing, LAME and VBRI headers."""

from __future__ import annotations

import re
from struct import Struct

from scanner.tags.remembered import Remembered
from scanner.tags.said import Stream
from scanner.tags.source import DoubtError, Source

_V1_RATES = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)  # kbit/s
_V2_RATES = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_SAMPLE_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_MONO = 3
_FRAMES, _BYTES, _TOC, _QUALITY = 1, 2, 4, 8  # flags of a Xing header
_WINDOW = 3200  # bytes: three frames of 320 kbit/s and the head of a fourth
_FRAMES_NEEDED = 4  # in a row, to believe in a stream without a header of its own
_LOOKS = 4  # parts of such a stream, at each of whose ends a few frames are looked at
_LAME = re.compile(rb"LAME3\.(?:9[1-9]|1[0-9][0-9])(?![0-9])", re.DOTALL)
_LAME_SIZE = 9 + 27  # version, then the extended header

_XING_WINDOW = 36 + 16 + 100 + 4 + _LAME_SIZE  # bytes that hold a frame's head and the whole Xing header
_XING_MARKS = frozenset((b"Xing", b"Info"))
_V1, _APE, _LYRICS = 128, 32, 15  # bytes of ID3v1, and of what ends an APEv2 tag and Lyrics3
_HAS_HEADER = 1 << 31  # of an APEv2 tag
_THREE = Struct(">III").unpack_from
_DELAYS = Struct(">I").unpack_from
_ITEMS = Struct("<III").unpack_from
_VBRI = Struct(">4sHHHIIHHHH")


# Bitrate in bit/s, sample rate in Hz, channels, samples, length in bytes, where in it a Xing header would be.
Frame = tuple[int, int, int, int, int, int]


def stream_at(source: Source, position: int) -> Stream:
    """Read the stream whose first frame is at `position`, in file order: Xing or VBRI header, else constant bitrate."""
    audio_size = source.size - position
    start = source.reach(position, min(_XING_WINDOW, audio_size))
    window = source.window
    header = _HEADERS[window[start : start + 4]]
    if header is None:
        raise DoubtError("no MPEG frame behind the tag")
    place = start + header[5]
    if window[place : place + 4] in _XING_MARKS:
        return _xing(window, place, header, audio_size)
    start = source.reach(position, min(_WINDOW, audio_size))
    data = source.window[start:]
    if data[36:40] == b"VBRI":
        return _vbri(data, header, audio_size)
    audio_size -= _tags_behind(source, position)
    stream, end = _constant(data, header, audio_size), position + audio_size
    if not all([_goes_on(source, end - audio_size * part // _LOOKS, end, header) for part in range(1, _LOOKS)]):
        raise DoubtError("frames of several bitrates and no header that tells the length")
    return stream


def frame_at(header: bytes) -> Frame | None:
    """Return the frame that begins with these four bytes, or None when none does."""
    word = int.from_bytes(header, "big")
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


_HEADERS = Remembered(frame_at)


def _tags_behind(source: Source, position: int) -> int:
    """Return the bytes of ID3v1, APEv2 and Lyrics3 at the end: pictures in them would count as half a minute."""
    reach = min(_V1 + _APE, source.size - position)
    tail = source.bytes_at(source.size - reach, reach)
    size = _V1 if tail[-_V1 : -_V1 + 3] == b"TAG" else 0
    for _ in range(2):
        if size + _APE > source.size - position:
            break
        tail = source.bytes_at(source.size - size - _APE, _APE)
        if tail.startswith(b"APETAGEX"):
            length, _, flags = _ITEMS(tail, 12)
            size += length + (_APE if flags & _HAS_HEADER else 0)
        elif tail.endswith(b"LYRICS200") and tail[-_LYRICS:-9].isdigit():
            size += int(tail[-_LYRICS:-9]) + _LYRICS
    return size if size < source.size - position else 0


def _xing(data: bytes, place: int, header: Frame, audio_size: int) -> Stream:
    _, sample_rate, channels, frame_samples, frame_length, _ = header
    flags, frames, size = _THREE(data, place + 4)
    if flags & 3 != _FRAMES | _BYTES or not frames or size > audio_size:
        raise DoubtError("a Xing header that leaves something open, or promises more than there is")
    samples = frame_samples * frames
    bitrate = round(max(0, size - frame_length) * 8 * sample_rate / float(samples))
    place += 16 + (100 if flags & _TOC else 0) + (4 if flags & _QUALITY else 0)
    has_delays = _LAME_DELAYS[data[place : place + 10]]
    if has_delays is not None:
        if place + _LAME_SIZE > len(data):
            raise DoubtError("a LAME header that is cut")
        if has_delays:
            (both,) = _DELAYS(data, place + 20)  # the lower 24 bits
            samples -= (both >> 12 & 0xFFF) + (both & 0xFFF)
    return "mp3", float(max(0, samples)) / sample_rate, bitrate, sample_rate, 0, channels


def _has_delays(start: bytes) -> bool | None:
    """Whether LAME tells how many samples it added before and after the music; None for another encoder."""
    if not start.startswith((b"LAME", b"L3.99")):
        return None
    if len(start) < 10 or not _LAME.match(start):
        raise DoubtError("a LAME version with rules of its own")
    return not start[9] >> 4  # revision


_LAME_DELAYS = Remembered(_has_delays)


def _vbri(data: bytes, header: Frame, audio_size: int) -> Stream:
    _, sample_rate, channels, samples, *_ = header
    _, version, _, _, size, frames, entries, _, entry_size, _ = _VBRI.unpack_from(data, 36)
    if version != 1 or entry_size not in (2, 4) or 36 + _VBRI.size + entries * entry_size > len(data) or not frames:
        raise DoubtError("a VBRI header out of the ordinary")
    if size > audio_size:
        raise DoubtError("a VBRI header that promises more than there is")
    seconds = float(samples * frames) / sample_rate
    return "mp3", seconds, int(size * 8 / seconds), sample_rate, 0, channels


def _constant(data: bytes, header: Frame, audio_size: int) -> Stream:
    bitrate, sample_rate, channels, _, length, _ = header
    at = length
    for _ in range(_FRAMES_NEEDED - 1):
        frame = frame_at(data[at : at + 4])
        place = at + frame[5] if frame else 0
        if frame is None or frame[:3] != header[:3]:
            raise DoubtError("frames of several bitrates and no header that tells the length")
        if place + 4 > len(data) or data[place : place + 4] in _XING_MARKS or data[at + 36 : at + 40] == b"VBRI":
            raise DoubtError("a header in a later frame")
        at += frame[4]
    return "mp3", 8 * audio_size / float(bitrate), bitrate, sample_rate, 0, channels


def _goes_on(source: Source, position: int, end: int, header: Frame) -> bool:
    """Whether frames like the first one follow one another around `position`, or up to `end`."""
    length = min((_FRAMES_NEEDED + 1) * (header[4] + 1), end - position)
    data = source.bytes_at(position, length)
    place = data.find(b"\xff")
    while place >= 0:
        at = place
        while (frame := _HEADERS[data[at : at + 4]]) is not None and frame[:3] == header[:3]:
            at += frame[4]
        if at > place and at + 4 > length:  # up to the last one that begins here
            return True
        place = data.find(b"\xff", place + 1)
    return False


def declared_end(source: Source, position: int) -> int:
    """Return where the audio ends by the Xing or VBRI header in the frame at `position`, 0 without one."""
    data = source.bytes_at(position, min(_WINDOW, source.size - position))
    header = frame_at(data[:4])
    if header is None:
        return 0
    place = header[5]
    if data[place : place + 4] in _XING_MARKS and len(data) >= place + 16:
        flags, _, size = _THREE(data, place + 4)
        return position + size if flags & 3 == _FRAMES | _BYTES else 0
    if data[36:40] == b"VBRI" and len(data) >= 36 + _VBRI.size:
        return position + int(_VBRI.unpack_from(data, 36)[4])
    return 0
