"""An Ogg file with Vorbis or Opus → its facts from the first and last pages. Source: RFC 3533, RFC 7845, Vorbis I."""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from scanner.facts import Picture
from scanner.tags.remembered import Remembered
from scanner.tags.said import Row, Said, row_of
from scanner.tags.source import BLOCK, DoubtError, Source
from scanner.tags.vorbis_comment import UnfinishedError, read_comments

OPUS_RATE = 48000  # Hz; what every Opus decoder gives
LAST_PAGE_REACH = 1 << 16  # bytes before the end in which the last page must begin
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_VORBIS_MARK = 3  # the first byte of the comments
_PACKET_LIMIT = 1 << 22  # bytes of comments that are gathered whole
_PAGE = Struct("<4sBBqIIIB").unpack_from
_VORBIS_HEAD = Struct("<BI3i").unpack_from
_OPUS_HEAD = Struct("<BBHIhB").unpack_from
_HEADER = 27
_IDENTIFICATION = 30  # bytes of the first packet that matter


class Page(NamedTuple):
    """One page: where its content lies, and what its header says."""

    start: int  # of the content
    end: int
    flags: int
    position: int  # in samples, -1 unknown
    serial: int
    sequence: int
    lacing: bytes
    share: int  # bytes of the packet that the page begins with
    done: bool  # whether that packet ends on it


def page_at(source: Source, offset: int) -> Page:
    """Read the page header at `offset`; DoubtError when there is none or the page leaves the file."""
    start = source.reach(offset, _HEADER)
    mark, version, flags, position, serial, sequence, _, segments = _PAGE(source.window, start)
    if mark != b"OggS" or version:
        raise DoubtError("no page where one should be")
    lacing = source.bytes_at(offset + _HEADER, segments)
    length, share, done = _LACINGS[lacing]
    content = offset + _HEADER + segments
    if content + length > source.size:
        raise DoubtError("a page beyond the end of the file")
    return Page(content, content + length, flags, position, serial, sequence, lacing, share, done)


def _laced(lacing: bytes) -> tuple[int, int, bool]:
    """Return the bytes of a page, how many belong to the packet it begins with, and whether that ends on it."""
    full = len(lacing) - len(lacing.lstrip(b"\xff"))
    done = full < len(lacing)
    return sum(lacing), full * 0xFF + (lacing[full] if done else 0), done


_LACINGS = Remembered(_laced)  # most pages of a picture, and most of the first pages, are alike


def read(source: Source) -> Row:
    """Read identification, comments and length of the one stream. Raises DoubtError when mutagen should decide."""
    first = page_at(source, 0)
    head = source.bytes_at(first.start, first.end - first.start)
    if not first.flags & _FIRST or len(first.lacing) != 1 or first.lacing == b"\xff":
        raise DoubtError("a first page that holds more than the identification")
    if head.startswith(b"OpusHead"):
        return _read_opus(source, first, head)
    if head.startswith(b"\x01vorbis"):
        return _read_vorbis(source, first, head)
    raise DoubtError("another codec")


def identified(source: Source, page: Page) -> tuple[int, int] | None:
    """Return the samples before the sound and those of a second, of a stream that begins with this page."""
    head = source.bytes_at(page.start, min(page.share, _IDENTIFICATION)) if page.flags & _FIRST else b""
    if head.startswith(b"OpusHead"):
        return _OPUS_HEAD(head, 8)[2], OPUS_RATE
    return (0, _VORBIS_HEAD(head, 11)[1]) if head.startswith(b"\x01vorbis") else None


def _read_vorbis(source: Source, first: Page, head: bytes) -> Row:
    channels, rate, most, nominal, least = _VORBIS_HEAD(head, 11)
    said, pictures, _ = _comments(source, first, b"\x03vorbis")
    last = last_page(source)
    if last.serial != first.serial or not rate:
        raise DoubtError("several streams, or a rate of zero")
    most, nominal, least = max(0, most), max(0, nominal), max(0, least)
    bitrate = nominal or (most + least) // 2
    if nominal and 0 < most < nominal:
        bitrate = most
    elif nominal and least > nominal:
        bitrate = least
    return row_of(said, ("vorbis", last.position / float(rate), bitrate, rate, 0, channels), pictures)


def _read_opus(source: Source, first: Page, head: bytes) -> Row:
    version, channels, pre_skip, *_ = _OPUS_HEAD(head, 8)
    said, pictures, end = _comments(source, first, b"OpusTags")
    last = last_page(source)
    seconds = (last.position - pre_skip) / float(OPUS_RATE)
    if last.serial != first.serial or version >> 4 or seconds <= 0:
        raise DoubtError("several streams, an unknown version, or no sound")
    bitrate = round((source.size - end) * 8 / seconds)
    return row_of(said, ("opus", seconds, bitrate, OPUS_RATE, 0, channels), pictures)


def last_page(source: Source) -> Page:
    """Return the page that ends with the file and is marked as the last one; DoubtError when there is none."""
    for reach in (BLOCK, LAST_PAGE_REACH):
        offset = max(0, source.size - reach)
        found = source.bytes_at(offset, source.size - offset).rfind(b"OggS")
        if found >= 0:
            page = page_at(source, offset + found)
            if page.end == source.size and page.flags & _LAST and page.position >= 0:
                return page
            break
    raise DoubtError("no last page at the end of the file")


def _comments(source: Source, first: Page, mark: bytes) -> tuple[list[Said], list[Picture], int]:
    """Return what is said, pictures, and where the last page of the comments ends; they begin on the second page."""
    page = page_at(source, first.end)
    if page.serial != first.serial or page.sequence != first.sequence + 1 or page.flags & (_CONTINUED | _FIRST):
        raise DoubtError("another page than the comments")
    start = page.start - source.base
    data = source.window[start : start + page.share]  # as much as lies in the window
    if not data.startswith(mark):
        raise DoubtError("another packet than the comments")
    pictures: list[Picture] = []
    try:
        said, end = read_comments(data, len(mark), pictures)
        last, before = _last_of(source, page, end)
    except UnfinishedError:
        data, last, before = _gathered(source, page)
        pictures = []
        said, end = read_comments(data, len(mark), pictures)
    if before + last.share < end or (mark[0] == _VORBIS_MARK and not _is_framed(source, last, end - before)):
        raise DoubtError("comments that do not end with their packet")
    return said, pictures, last.end


def _last_of(source: Source, page: Page, end: int) -> tuple[Page, int]:
    """Return the last page of the packet `page` begins with, and how many bytes stand before it.

    The comments end `end` bytes into the packet, so pages before that are skipped.
    """
    before = 0
    while not page.done:
        before += page.share
        following = _leap(source, page, (end - before) // page.share) or _behind(source, page, 1)
        before += (following.sequence - page.sequence - 1) * page.share
        page = following
    return page, before


def _gathered(source: Source, page: Page) -> tuple[bytes, Page, int]:
    """Read the packet `page` begins with to its end; return it, its last page and the bytes before that page."""
    pieces = [source.bytes_at(page.start, page.share)]
    before = 0
    while not page.done:
        before += page.share
        page = _behind(source, page, 1)
        if before + page.share > _PACKET_LIMIT:
            raise DoubtError("very long comments")
        pieces.append(source.bytes_at(page.start, page.share))
    return b"".join(pieces), page, before


def _leap(source: Source, page: Page, pages: int) -> Page | None:
    """Skip pages of the same size; None where they are not."""
    try:
        return _behind(source, page, pages) if pages > 1 else None
    except DoubtError:
        return None


def _behind(source: Source, page: Page, pages: int) -> Page:
    """Return the page that many behind `page`; the sequence number on it proves that those between are there."""
    size = page.end - page.start + _HEADER + len(page.lacing)
    found = page_at(source, page.end + (pages - 1) * size)
    if found.serial != page.serial or found.sequence != page.sequence + pages or not found.flags & _CONTINUED:
        raise DoubtError("the comments do not go on where they should")
    return found


def _is_framed(source: Source, last: Page, end: int) -> bool:
    """Whether the framing bit is set behind the comments of Vorbis, which end so many bytes into the last page."""
    if end < 0:
        raise DoubtError("padding over several pages")
    return end < last.share and bool(source.bytes_at(last.start + end, 1)[0] & 1)
