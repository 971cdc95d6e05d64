"""The bytes of a file that may be a picture → what it is and shows, or the reason why it is not used.

Runs in limited child processes only: a hostile picture may break the decoder. Nothing is decoded before its size is
known; limits are those of Pillow's own guide for untrusted input, narrower where one decoder needs more memory.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from blake3 import blake3
from PIL import Image, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from processor.artwork.likeness import ALGORITHM
from processor.artwork.phash import phash
from processor.artwork.source import Refused, check_bytes
from processor.artwork.wire import Seen

FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF")  # by content; EPS, SVG and others reach interpreters
MOST_SIDE: Final = 10_000  # pixels
MOST_PIXELS: Final = 40_000_000
MOST_PIXELS_WHOLE: Final = 25_000_000  # of what is always decoded whole: all but baseline JPEG
_ORIENTATION: Final = 0x0112  # EXIF tag
_TURNED: Final = range(5, 9)  # orientations that exchange width and height

Image.MAX_IMAGE_PIXELS = MOST_PIXELS


def look(data: bytes) -> Seen:
    """Look at a picture. Raises Refused, and for one that exhausts the process MemoryError."""
    with opened(data) as image:
        orientation = orientation_of(image)
        width, height = reversed(image.size) if orientation in _TURNED else image.size
        return Seen(
            blake3(data).hexdigest(),
            len(data),
            str(image.format).lower(),
            width,
            height,
            orientation,
            image.has_transparency_data,
            phash(image, data, orientation),
            ALGORITHM,
        )


@contextmanager
def opened(data: bytes) -> Iterator[Image.Image]:
    """Open a picture that keeps all limits, without decoding it; what a decoder says in the block is Refused, too."""
    check_bytes(len(data))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _opened(data) as image:
                _check(image)
                yield image
    except (Refused, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise Refused("picture_too_large", f"It has more than {MOST_PIXELS} pixels.") from None
    except UnidentifiedImageError:
        raise Refused("not_a_picture", "Its content is no JPEG, PNG, WebP or GIF.") from None
    except Exception as error:  # noqa: BLE001 - a hostile file may raise anything in a parser that is not ours
        said = " ".join(str(error).split())[:200]
        raise Refused("unreadable_picture", f"It cannot be decoded: {said}.") from None


def _opened(data: bytes) -> Image.Image:
    """Open a picture; of a JPEG with others behind it, as phones take them (MPO), the first alone, as players do."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    return JpegImageFile(io.BytesIO(data)) if image.format == "MPO" else image


def orientation_of(image: Image.Image) -> int:
    """Return how EXIF says it is to be shown, 1 to 8; 1 where it says nothing or nonsense."""
    found: Any = image.getexif().get(_ORIENTATION, 1)
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def _check(image: Image.Image) -> None:
    """Raise Refused for what is not decoded: too many pixels, several frames, the inks of a printer."""
    width, height = image.size
    is_baseline = image.format == "JPEG" and "progressive" not in image.info
    most = MOST_PIXELS if is_baseline else MOST_PIXELS_WHOLE
    if max(width, height) > MOST_SIDE or width * height > most:
        raise Refused(
            "picture_too_large", f"It has {width} × {height} pixels; {MOST_SIDE} a side, {most} are looked at."
        )
    if getattr(image, "n_frames", 1) != 1:
        raise Refused("animated", "It has more than one frame.")
    if image.mode == "CMYK":
        raise Refused("cmyk", "Its colours are a printer's (CMYK), which players show wrong.")
