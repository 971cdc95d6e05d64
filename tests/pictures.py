"""A seed → pictures as photographs are: soft shapes, detail and grain; and pictures as attackers make them."""

from __future__ import annotations

import io
import os
import struct
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


def photo(seed: int, width: int = 800, height: int | None = None) -> Image.Image:
    """Return the same picture for a seed, whatever the size, but for its grain."""
    height = height or width
    rng = np.random.default_rng(seed)
    whole = np.zeros((height, width, 3), np.float32)
    for cells, weight in ((3, 0.45), (6, 0.3), (13, 0.15), (40, 0.1)):
        small = Image.fromarray((rng.random((cells, cells, 3)) * 255).astype(np.uint8))
        whole += np.asarray(small.resize((width, height), Image.Resampling.BICUBIC), np.float32) * weight
    shapes = rng.random((3, 6))
    shown = Image.fromarray(np.clip(whole + rng.normal(0, 2, whole.shape), 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(shown)
    for x, y, size, *colour in shapes:
        box = (x * width, y * height, (x + size / 3) * width, (y + size / 3) * height)
        draw.ellipse(box, fill=tuple(int(255 * part) for part in colour))
    return shown


def encoded(image: Image.Image, format: str = "JPEG", **options: Any) -> bytes:
    """Return a picture as a file."""
    out = io.BytesIO()
    image.save(out, format, **({"quality": 90} if format in ("JPEG", "WEBP") else {}) | options)
    return out.getvalue()


@cache
def jpeg(seed: int, width: int = 800, height: int | None = None, **options: Any) -> bytes:
    """Return a photograph as JPEG."""
    return encoded(photo(seed, width, height), **options)


def rotated(seed: int, orientation: int, width: int = 800, height: int = 600) -> bytes:
    """Return a photograph that is stored turned, and says so."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = "where I live"
    undo = {3: Image.Transpose.ROTATE_180, 6: Image.Transpose.ROTATE_90, 8: Image.Transpose.ROTATE_270}
    return encoded(photo(seed, width, height).transpose(undo[orientation]), exif=exif)


def png_bomb(side: int) -> bytes:
    """Return a small PNG of so many black pixels a side."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    packer = zlib.compressobj(9)
    line = bytes(side + 1)
    rows = b"".join(packer.compress(line) for _ in range(side)) + packer.flush()
    head = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def claiming(data: bytes, width: int, height: int) -> bytes:
    """Return a JPEG that says it is of another size."""
    at = next(at for mark in (b"\xff\xc0", b"\xff\xc2") if (at := data.find(mark)) > 0)
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


def children(of: int) -> set[int]:
    """Return the child processes of one."""
    found = (path.read_text().split() for path in Path(f"/proc/{of}/task").glob("*/children"))
    return {int(pid) for pids in found for pid in pids}


def workers() -> set[int]:
    """Return the processes that look at pictures, of all pools of this process."""
    return {worker for server in servers() for worker in children(server)}


def servers() -> set[int]:
    """Return the processes that fork them."""
    return {pid for pid in children(os.getpid()) if b"artwork" in Path(f"/proc/{pid}/cmdline").read_bytes()}
