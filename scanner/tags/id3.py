"""An ID3v2 tag and the MPEG frames behind it → facts. Source: id3.org, informal standards 2.2.0, 2.3.0 and 2.4.0."""

from __future__ import annotations

from struct import Struct

from scanner.tags.id3_frames import APART, KINDS, PADDING, PICTURE, PICTURE_HEAD, SKIPPED, TEXT, picture_in, said_in
from scanner.tags.mpeg import stream_at
from scanner.tags.remembered import Remembered
from scanner.tags.said import Row, row_of
from scanner.tags.source import DoubtError, Source

_TAG = Struct(">3xHBI").unpack_from
_FRAME = Struct(">4sIH")

_NOTHING = 1  # byte of a frame that holds its encoding at most, which mutagen passes over

Heads = Remembered[tuple[int, int]]  # the ten bytes in front of a frame → its kind, and its length with them


def read(source: Source) -> Row:
    """Read the tag at the start of the file and the stream behind it. Raises DoubtError when mutagen should decide."""
    version, flags, size = _TAG(source.head)
    heads = _HEADS.get(version)
    if heads is None or flags:
        raise DoubtError("a tag that is unsynchronised, extended or has a footer")
    end = 10 + synchsafe(size)
    if end > source.size:
        raise DoubtError("a tag longer than the file")
    frames = _old_frames(source, end) if version == _V22 else _frames(source, end, heads)
    pictures = [picture_in(frame, heads[frame[:10]][1]) for frame in frames[PICTURE]]
    said = said_in(frames[TEXT], frames[APART])
    return row_of(said, stream_at(source, end), [picture for picture in pictures if picture])


def onward(source: Source) -> list[int]:
    """Return where the stream begins, behind a tag that the first block does not hold."""
    end = 10 + synchsafe(_TAG(source.head)[2])
    return [end] if end > len(source.head) else []


def synchsafe(word: int) -> int:
    """Return the 28 bits of four bytes with seven each; DoubtError if an eighth is set."""
    if word & 0x80808080:
        raise DoubtError("a size that is not synchsafe")
    return word & 0x7F | word >> 1 & 0x3F80 | word >> 2 & 0x1FC000 | word >> 3 & 0xFE00000


def _frames(source: Source, end: int, heads: Heads) -> tuple[list[bytes], ...]:
    """Return the raw frames up to `end` by kind, of pictures the first bytes. This loop is most of a scan."""
    found: tuple[list[bytes], ...] = ([], [], [])
    window, room = source.window, len(source.window)
    at, stop = 10, end  # in the window
    while (content := at + 10) <= stop:
        if content > room:
            at, stop, window, room = _move(source, at, stop, 10)
            content = at + 10
        kind, length = heads[window[at:content]]
        following = at + length
        if following > stop:
            raise DoubtError("a frame that leaves the tag")
        if kind < PICTURE and following <= room:
            found[kind].append(window[at:following])
        elif kind == PADDING:
            break
        elif kind != SKIPPED:
            needed = length if kind != PICTURE else min(length, PICTURE_HEAD)
            if at + needed > room:
                at, stop, window, room = _move(source, at, stop, needed)
                following = at + length
            found[kind].append(window[at : at + needed])
        at = following
    return found


def _old_frames(source: Source, end: int) -> tuple[list[bytes], ...]:
    """Return the frames of v2.2, which iTunes wrote for ten years, as v2.3 has them."""
    found: tuple[list[bytes], ...] = ([], [], [])
    at = 10
    while at + 6 <= end:
        head = source.bytes_at(at, 6)
        if not any(head[:3]):
            break
        size = int.from_bytes(head[3:], "big")
        kind, name = _OLD_NAMES.get(head[:3], (None, b""))
        at += 6 + size
        if at > end or (kind is None and size):
            raise DoubtError("a frame of an unusual kind, or one that leaves the tag")
        if kind is not None and kind < SKIPPED and size > _NOTHING:
            body = source.bytes_at(at - size, size if kind != PICTURE else min(size, PICTURE_HEAD))
            if kind == PICTURE:  # three letters instead of a type
                form = _PICTURE_FORMS[body[1:4]]
                body, size = body[:1] + form + body[4:], size + len(form) - 3
            found[kind].append(_FRAME.pack(name, size, 0) + body)
    return found


def _move(source: Source, at: int, stop: int, length: int) -> tuple[int, int, bytes, int]:
    """Make the window hold `length` bytes from `at`; return where that and `stop` are now, and the window."""
    start = source.reach(source.base + at, length)
    return start, stop - at + start, source.window, len(source.window)


def _head_v23(head: bytes) -> tuple[int, int]:
    name, size, flags = _FRAME.unpack(head)
    return _head(name, size, flags)


def _head_v24(head: bytes) -> tuple[int, int]:
    name, size, flags = _FRAME.unpack(head)
    if not any(name) and any(head):
        raise DoubtError("padding that is not empty, in front of which mutagen may not take sizes for synchsafe")
    if name == b"TORY":
        raise DoubtError("an older frame, at whose end mutagen reads more than one NUL in this version")
    return _head(name, synchsafe(size), flags)


def _head(name: bytes, size: int, flags: int) -> tuple[int, int]:
    kind = KINDS.get(name) if size > _NOTHING else SKIPPED
    if not any(name):
        return PADDING, 10
    if kind is None or flags & 0xFF:
        raise DoubtError("a frame of an unusual kind, or one that is compressed, encrypted or grouped")
    return kind, 10 + size


# By version; what _old_frames makes of v2.2 has heads of v2.3.
_V22 = 0x0200
_HEADS: dict[int, Heads] = {0x0300: Remembered(_head_v23), 0x0400: Remembered(_head_v24)}
_HEADS[_V22] = _HEADS[0x0300]
_PICTURE_FORMS = {b"JPG": b"image/jpeg\0", b"PNG": b"image/png\0"}
_OLD_NAMES: dict[bytes, tuple[int, bytes]] = {
    pair[:3]: (KINDS[pair[4:]], pair[4:])
    for pair in (
        b"TT2=TIT2 TP1=TPE1 TP2=TPE2 TAL=TALB TRK=TRCK TPA=TPOS TYE=TYER TDA=TDAT TIM=TIME TOR=TORY TCO=TCON TCP=TCMP "
        b"TPB=TPUB TMT=TMED TXX=TXXX UFI=UFID PIC=APIC TT1=TIT1 TT3=TIT3 TP3=TPE3 TP4=TPE4 TCM=TCOM TEN=TENC TBP=TBPM "
        b"TCR=TCOP TLE=TLEN TSS=TSSE TS2=TSO2 TSA=TSOA TSC=TSOC TSP=TSOP TST=TSOT COM=COMM ULT=USLT GEO=GEOB POP=POPM "
        b"CNT=PCNT MCI=MCDI IPL=IPLS WXX=WXXX WAR=WOAR"
    ).split()
}
