"""The blocks of a WavPack file → its sound, where mutagen knows neither free sample rates (176.4 kHz) nor faster DSD.

Source: WavPack 4 & 5 File Format, and `open_utils.c` of WavPack 5 for what it leaves open.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, NamedTuple

from mutagen import StreamInfo, wavpack

# mark, bytes without these first eight, version, upper byte of the index, of all samples, their lower bytes, flags
_HEADER = Struct("<4sIHBBIIII4x")
_BYTES, _MONO, _HYBRID, _FIRST, _LAST, _DSD = 0x3, 0x4, 0x8, 0x800, 0x1000, 1 << 31
_SHIFT, _RATE = 13, 23  # where these begin in the flags: five bits that are not used of each sample, four of the rate
_UNTOLD = 0xFFFFFFFF  # samples of a file that was written to a pipe
_RATE_IS, _DSD_IS = 0x27, 0x0E  # pieces of a block: a rate that is not in the table, and how much faster DSD is
_ID, _ODD, _LARGE = 0x3F, 0x40, 0x80  # of the first byte of a piece
_FASTEST = 8  # the power of two by which DSD is faster than the rate it is told with
_MOST = 256  # channels, or pieces of a block


class WavPackInfo(StreamInfo):
    """What mutagen's has, told right; `is_hybrid` says that a file beside it may hold the rest of the sound.

    Raises wavpack.WavPackHeaderError for what does not begin with a block, or tells no sample rate.
    """

    def __init__(self, file: BinaryIO) -> None:
        block = _first_of_sound(file)
        rates, pieces = wavpack.RATES, dict(_pieces(file, block))
        number = block.flags >> _RATE & 0xF
        rate = rates[number] if number < len(rates) else int.from_bytes(pieces.get(_RATE_IS, b""), "little")
        if not rate:
            raise wavpack.WavPackHeaderError("a WavPack file without a sample rate")
        self.version, self.is_hybrid = block.version, bool(block.flags & _HYBRID)
        self.bits_per_sample = max(0, ((block.flags & _BYTES) + 1) * 8 - (block.flags >> _SHIFT & 0x1F))
        self.sample_rate, at_once = rate, 1
        if block.flags & _DSD:
            self.sample_rate, at_once = rate * 8 << min(pieces.get(_DSD_IS, b"\0")[0], _FASTEST), 8
            self.bits_per_sample = 1
        self.channels = _channels(file, block)
        samples = block.total if block.total is not None and not block.first else _samples(file, block)
        self.length = samples * at_once / self.sample_rate

    def pprint(self) -> str:
        """Say it to people."""
        return f"WavPack, {self.length:.2f} seconds, {self.sample_rate} Hz"


class WavPack(wavpack.WavPack):
    """A WavPack file with its APEv2 tag."""

    _Info = WavPackInfo  # type: ignore[assignment]


class _Block(NamedTuple):
    start: int
    end: int
    version: int
    first: int  # sample of the file
    total: int | None  # samples of the file
    samples: int
    flags: int


def _block_at(file: BinaryIO, start: int) -> _Block | None:
    file.seek(start)
    header = file.read(_HEADER.size)
    if len(header) < _HEADER.size or not header.startswith(b"wvpk"):
        return None
    _, size, version, index_high, total_high, total, index, samples, flags = _HEADER.unpack(header)
    whole = None if total == _UNTOLD else total + (total_high << 32) - total_high
    return _Block(start, start + size + 8, version, index + (index_high << 32), whole, samples, flags)


def _first_of_sound(file: BinaryIO) -> _Block:
    """Return the first block from here that has samples: what is in front of it tells neither rate nor bits."""
    block = first = _block_at(file, file.tell())
    for _ in range(_MOST):
        if block is None or block.samples:
            break
        block = _block_at(file, block.end)
    if first is None:
        raise wavpack.WavPackHeaderError("not a WavPack file")
    return block or first


def _pieces(file: BinaryIO, block: _Block) -> Iterator[tuple[int, bytes]]:
    """Yield the kind and the first four bytes of each piece of a block."""
    position = block.start + _HEADER.size
    for _ in range(_MOST):
        file.seek(position)
        head = file.read(4)
        if position + 2 > block.end or len(head) < 2:
            return
        large = bool(head[0] & _LARGE)
        size = 2 * int.from_bytes(head[1 : 4 if large else 2], "little")
        position += 4 if large else 2
        file.seek(position)
        yield head[0] & _ID, file.read(max(0, min(4, size - bool(head[0] & _ODD))))
        position += size


def _channels(file: BinaryIO, block: _Block) -> int:
    """Count the channels of the blocks of one moment, each of one or two; where they are in no order, of the first."""
    one = 1 if block.flags & _MONO else 2
    channels, at = one, block
    while not at.flags & _LAST and channels < _MOST:
        following = _block_at(file, at.end)
        if following is None or following.flags & _FIRST:
            return one
        channels, at = channels + (1 if following.flags & _MONO else 2), following
    return channels


def _samples(file: BinaryIO, block: _Block) -> int:
    """Add up the samples of all moments, where the first block does not tell."""
    samples, at = 0, _block_at(file, block.start)
    while at is not None:
        samples += at.samples if at.flags & _FIRST else 0
        at = _block_at(file, at.end)
    return samples
