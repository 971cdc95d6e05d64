"""The sample description of an MP4 track → its codec, rates and channels. Source: ISO 14496-1, -3, -14, ALAC cookie."""

from __future__ import annotations

from struct import Struct

from scanner.tags.said import Stream
from scanner.tags.source import DoubtError

_ENTRY = Struct(">B3xII4s16xH6xH2xI4sB").unpack_from
_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_AAC_LC, _SBR = 2, 5  # audio object types
_SYNC_EXTENSION = 0x2B7


def sample_entry(description: bytes, seconds: float) -> Stream:
    """Read the first entry of `stsd`: behind version and count stands the entry, and in it the box of the codec."""
    version, count, size, codec, channels, rate, inner_size, inner, inner_version = _ENTRY(description)
    if version or size + 8 > len(description) or inner_size + 36 > size or not count:
        raise DoubtError("a sample entry of an odd size")
    config = description[56 : 44 + inner_size]  # behind the box header, version and flags
    if inner_version:
        raise DoubtError("a codec box of an unknown version")
    if codec == inner == b"alac":
        if config[4]:
            raise DoubtError("an ALAC cookie of an unknown version")
        bitrate, rate = int.from_bytes(config[16:20], "big"), int.from_bytes(config[20:24], "big")
        return "alac", seconds, bitrate, rate, config[5], config[9]
    if codec == b"fLaC" and inner == b"dfLa" and config[0] & 0x7F == 0:  # STREAMINFO comes first
        packed = int.from_bytes(config[14:18], "big")
        return "flac", seconds, 0.0, packed >> 12, (packed >> 4 & 31) + 1, (packed >> 9 & 7) + 1
    if codec == b"mp4a" and inner == b"esds":
        bitrate, rate, channels = _elementary_stream(config, rate, channels)
        return "aac", seconds, bitrate, rate, 0, channels
    raise DoubtError("a codec of another kind")


def _elementary_stream(config: bytes, rate: int, channels: int) -> tuple[int, int, int]:
    """Return bitrate, sample rate and channels of an ES descriptor (ISO 14496-1 section 7.2.6) that holds AAC-LC."""
    place, _ = _descriptor(config, 0, 3)
    if config[place + 2] & 0xE0:
        raise DoubtError("a stream that depends on another")
    place, length = _descriptor(config, place + 3, 4)
    if config[place] != 0x40 or config[place + 1] >> 2 != 5 or length <= 13:
        raise DoubtError("not MPEG-4 audio")
    bitrate = int.from_bytes(config[place + 9 : place + 13], "big")
    place, length = _descriptor(config, place + 13, 5)
    specific = config[place : place + length]
    if not 2 <= length <= 8 or len(specific) != length:
        raise DoubtError("a decoder configuration of an odd size")
    return bitrate, *_audio_config(int.from_bytes(specific, "big") << 64 - 8 * length, length, rate, channels)


def _descriptor(config: bytes, place: int, tag: int) -> tuple[int, int]:
    """Return start and length of the content of the descriptor at `place`."""
    if config[place] != tag:
        raise DoubtError("another descriptor than expected")
    length = 0
    for here in range(place + 1, place + 5):
        length = length << 7 | config[here] & 0x7F
        if config[here] < 0x80:
            return here + 1, length
    raise DoubtError("a length without an end")


def _audio_config(bits: int, length: int, rate: int, channels: int) -> tuple[int, int]:
    """Return sample rate and channels of an AudioSpecificConfig (ISO 14496-3 section 1.6.2.1) in the top of 64 bits."""
    kind, rate_index, layout, flags = bits >> 59, bits >> 55 & 15, bits >> 51 & 15, bits >> 48 & 7
    if kind != _AAC_LC or rate_index >= len(_AAC_RATES) or not 1 <= layout <= 7 or flags & 3:
        raise DoubtError("not plain AAC-LC")
    plain = _AAC_RATES[rate_index] > 24000  # else there may be spectral band replication, unless the config says no
    if length >= 4 and bits >> 37 & 0x7FF == _SYNC_EXTENSION:
        if bits >> 31 & 0x3F != _SBR << 1:
            raise DoubtError("spectral band replication")
        plain = True
    if plain:
        rate = _AAC_RATES[rate_index]
    if plain or layout > 1:  # else one channel may become two
        channels = 8 if layout == 7 else layout
    return rate, channels
