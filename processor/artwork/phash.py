"""A decoded picture, or only the first scan of a JPEG → the perceptual hash that imagehash would give, within two bits.

The hash is of the lowest 8 × 8 frequencies of the picture as 32 × 32 grey pixels: which of them are above their median.
So a JPEG need not be decoded in full: libjpeg can leave out frequencies (draft mode), and the first scan of a
progressive one has the mean of every 8 × 8 pixels. Where that could move more than two bits, all of it is decoded.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from PIL import Image

SIDE: Final = 32  # pixels
BITS: Final = 8  # of each direction
_MIDDLE: Final = BITS * BITS // 2
ENOUGH: Final = 64  # pixels of the shorter side that a reduced picture must have
# Reducing moves a frequency by 20 and hardly ever by more than 100. Two bits differ when two frequencies beside the
# median change places; for more, the second below it has to pass the second above it.
DOUBTFUL: Final = 100.0
_NOTHING: Final = 1e-6  # what is left of zero after adding up

_k = np.arange(BITS)[:, None]
_DCT: Final = 2 * np.cos(np.pi * _k * (2 * np.arange(SIDE)[None, :] + 1) / (2 * SIDE))  # DCT-II, as scipy scales it
_MARKER: Final = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")  # ends a scan: not stuffing, not a restart, not filling
_FF, _SOF, _SOS, _DQT, _EOI = 0xFF, 0xC2, 0xDA, 0xDB, b"\xff\xd9"  # of progressive JPEG: ITU-T T.81, table B.1
_TURNS: Final[dict[int, Any]] = {  # EXIF orientation → what shows it upright
    2: np.fliplr,
    3: lambda grey: np.rot90(grey, 2),
    4: np.flipud,
    5: np.transpose,
    6: lambda grey: np.rot90(grey, -1),
    7: lambda grey: np.transpose(np.rot90(grey, 2)),
    8: np.rot90,
}


def phash(image: Image.Image, data: bytes, orientation: int) -> str:
    """Return the hash of a picture that was opened from `data` and not loaded, shown upright, as 16 hex digits.

    Raises what Pillow raises for a picture it cannot decode.
    """
    if image.format == "JPEG" and min(image.size) >= 2 * ENOUGH:
        low, ordered = _reduced_frequencies(image, data, orientation)
        if ordered[_MIDDLE + 1] - ordered[_MIDDLE - 2] > DOUBTFUL:
            return _hex(low, ordered)
    return _hex(*_frequencies(image, None, orientation))


def first_scan(data: bytes) -> bytes | None:
    """Return a progressive JPEG up to the end of its first scan; None where it is of colours, or its end is missing.

    Of each table of quantisers the second is zero then, which only says that nothing is to be guessed from it: libjpeg
    would smooth what it takes for a picture half received, and take most of the time for it.
    """
    at, first = 2, None
    tables: list[tuple[int, int]] = []
    while at + 10 < len(data) and data[at] == _FF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == _SOF:
            first = data[at + 10]
        elif marker == _DQT:
            tables += _tables(data, at + 4, at + 2 + length)
        at += 2 + length
        if marker == _SOS:
            break
    else:
        return None
    end = _MARKER.search(data, at)
    if end is None or data[at - length + 3] != first or data.rfind(_EOI, at) < 0:
        return None
    cut = bytearray(data[: end.start()] + _EOI)
    for table, size in tables:
        cut[table + size : table + 2 * size] = bytes(size)
    return bytes(cut)


def _tables(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where each table of a DQT segment begins, and the bytes of one quantiser."""
    while at < end:
        size = 2 if data[at] >> 4 else 1
        yield at + 1, size
        at += 1 + 64 * size


def _reduced_frequencies(image: Image.Image, data: bytes, orientation: int) -> tuple[Any, Any]:
    """Decode no more of a JPEG than is needed, most often."""
    least = min(image.size)
    if "progressive" in image.info and least >= 8 * ENOUGH:
        data = first_scan(data) or data
    small: Any = Image.open(io.BytesIO(data), formats=["JPEG"])
    _, box = small.draft("L", (image.width * ENOUGH // least, image.height * ENOUGH // least))
    return _frequencies(small, box, orientation)


def _frequencies(
    image: Image.Image, box: tuple[float, float, float, float] | None, orientation: int
) -> tuple[Any, Any]:
    """Return the lowest frequencies, 8 × 8, and in their order. `box` is what of a reduced picture is not padding."""
    grey = np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box), dtype=np.float64)
    low = _DCT @ _TURNS.get(orientation, np.asarray)(grey) @ _DCT.T
    low[np.abs(low) < _NOTHING] = 0.0
    return low, np.sort(low, axis=None)


def _hex(low: Any, ordered: Any) -> str:
    median = (ordered[_MIDDLE - 1] + ordered[_MIDDLE]) / 2
    return np.packbits(low > median).tobytes().hex()
