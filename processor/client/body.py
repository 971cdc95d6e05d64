"""An answer whose body is still on the wire → its bytes: so many at most, packed or not, and all of them."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from config.errors import Rejected, Retryable
from processor.client.service import Expected

_PLAIN: Final = re.compile(r"(application|audio|image|text|video)/[a-z]{1,12}")
_DIGITS: Final = 19  # of a length that anybody could mean
PIECE: Final = 1 << 16
_PACKED: Final = {"gzip": 47, "x-gzip": 47, "deflate": 47}  # wbits: zlib finds out which of the two it is


def read_body(raw: Any, headers: Mapping[str, str], expected: Expected) -> bytes:
    """Read urllib3's answer to its end.

    Raises Rejected for the wrong type, an unknown packing, or too many bytes before or after unpacking;
    Retryable `truncated` for half of what was packed. Errors of the network, fewer bytes than told among them, pass.
    """
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind and not expected.types.fullmatch(kind):
        seen = kind if _PLAIN.fullmatch(kind) else "of another type"  # a server may put into it what it was sent
        raise Rejected(f"the answer is {seen}, not {expected.header}", code="wrong_type")
    length = length_of(headers)
    if length is not None and length > expected.limit:
        raise _too_large(expected.limit)
    packing = headers.get("content-encoding", "identity").strip().lower()
    if packing not in ("identity", "", *_PACKED):
        raise Rejected("the answer is packed in a way that was not asked for", code="wrong_type")
    pieces = _counted(raw, expected.limit)
    if packing in _PACKED:
        pieces = _unpacked(pieces, expected.limit)
    return b"".join(pieces)


def length_of(headers: Mapping[str, str]) -> int | None:
    """Return how many bytes are said to come; None where that is not said, or nonsense."""
    told = headers.get("content-length", "").strip()
    return int(told) if told.isascii() and told.isdigit() and len(told) < _DIGITS else None


def _counted(raw: Any, limit: int) -> Iterator[bytes]:
    """Yield the body as it comes; urllib3 raises when fewer bytes came than were told."""
    came = 0
    while piece := raw.read1(PIECE, decode_content=False):
        came += len(piece)
        if came > limit:
            raise _too_large(limit)
        yield piece


def _unpacked(pieces: Iterator[bytes], limit: int) -> Iterator[bytes]:
    unpack = zlib.decompressobj(wbits=_PACKED["gzip"])
    first, came = True, 0
    for piece in pieces:
        if first and piece[:1] not in (b"\x1f", b"\x78"):  # "deflate" of servers that leave its two bytes of head out
            unpack = zlib.decompressobj(wbits=-15)
        first = False
        rest = piece
        while rest and not unpack.eof:
            try:
                out = unpack.decompress(rest, PIECE)
            except zlib.error:
                raise _truncated("it cannot be unpacked") from None
            came += len(out)
            if came > limit:
                raise _too_large(limit)
            yield out
            rest = unpack.unconsumed_tail
    if not first and not unpack.eof:
        raise _truncated("the end of its packing is missing")


def _too_large(limit: int) -> Rejected:
    return Rejected(f"the answer is larger than {limit} bytes", code="too_large")


def _truncated(why: str) -> Retryable:
    return Retryable(f"the answer is not whole: {why}", code="truncated")
