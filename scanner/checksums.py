"""A list of checksums beside the music → what it says of each file, and which audio file is not what it says.

Releases come with such lists so that whoever receives them can tell whether all arrived, and whole: .sfv (CRC-32),
.md5 and .sha… as md5sum(1) and its kin write them, also in the style of BSD, .ffp and shntool's .st5 (the MD5 of the
decoded audio, which FLAC keeps in its STREAMINFO; here only the two are compared, nothing is decoded).
"""

from __future__ import annotations

import os
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Final, NamedTuple

from config import leave
from config.plain import opened
from config.reasons import Reason, show_path
from scanner.identity import Identity
from scanner.smallfiles import read_small

BUFFER: Final = 1 << 20
_BY_LENGTH: Final = {8: "crc32", 32: "md5", 40: "sha1", 64: "sha256", 128: "sha512"}
_SUM_FIRST: Final = re.compile(rb"\\?([0-9A-Fa-f]{32,128})[ \t]+\*?(\S.*)")
_SHNTOOL: Final = b"[shntool]"  # before the name: the sum is of the decoded audio
_WINDOWS: Final = re.compile(rb"[A-Za-z]:/")
_FOREIGN: Final = re.compile(rb"[^\x00-\x7f]+")
_BSD: Final = re.compile(rb"(?:MD5|SHA1|SHA256|SHA512) ?\((.+)\) ?= ?([0-9A-Fa-f]{32,128})")
_FFP: Final = re.compile(rb"(.+?):([0-9A-Fa-f]{32})")
_SFV: Final = re.compile(rb"(.*\S)[ \t]+([0-9A-Fa-f]{8})")
_STREAMINFO_MD5: Final = slice(26, 42)  # "fLaC", a block header of 4 bytes, 18 of other values: RFC 9639, 8.2

Sum = Callable[[int], str | None]  # an open file → its checksum in lower-case hex; None if it has none of this kind
Remember = Callable[[bytes, Identity, str, Callable[[], str | None]], str | None]


class Listed(NamedTuple):
    """What a list says of one file."""

    name: bytes  # relative to the list's folder
    algorithm: str  # a key of SUMS
    value: str  # lower-case hex


def parse(data: bytes) -> tuple[Listed, ...]:
    """Return what a list says. Lines of no known form are passed by, and so are names that lead out of the folder."""
    lines = (line.strip() for line in data.removeprefix(b"\xef\xbb\xbf").splitlines())
    found = (_line(line) for line in lines if line and not line.startswith((b";", b"#")))
    return tuple(listed for listed in found if listed is not None and _stays_below(listed.name))


def _line(line: bytes) -> Listed | None:
    if match := _SUM_FIRST.fullmatch(line):
        value, name = match.groups()
        if name.startswith(_SHNTOOL) and len(value) == 32:
            return Listed(_name(name.removeprefix(_SHNTOOL)), "flac", value.decode().lower())
    elif match := _BSD.fullmatch(line) or _SFV.fullmatch(line):
        name, value = match.groups()
    elif match := _FFP.fullmatch(line):
        return Listed(_name(match[1]), "flac", match[2].decode().lower())
    else:
        return None
    algorithm = _BY_LENGTH.get(len(value))
    return Listed(_name(name), algorithm, value.decode().lower()) if algorithm else None


def _name(written: bytes) -> bytes:
    """Return a name as Linux writes it; lists made on Windows have backslashes."""
    return written.strip().replace(b"\\", b"/").removeprefix(b"./")


def _stays_below(name: bytes) -> bool:
    outside = name.startswith(b"/") or _WINDOWS.match(name) or b".." in name.split(b"/")
    return not outside and b"\0" not in name


def failures(root: bytes, list_path: bytes, wanted: Callable[[bytes], bool], remember: Remember) -> Iterator[Reason]:
    """Say which files one list speaks of are missing or not what it says. Paths are relative to `root`.

    Only names that are `wanted` count; `remember` keeps the sums of files that are not touched.
    """
    shown, folder = show_path(list_path), os.path.dirname(list_path)
    for entry in parse(read_small(os.path.join(root, list_path))):
        if not wanted(entry.name):
            continue
        there = _find(root, os.path.join(folder, entry.name))
        if there is None:
            message = f"{shown} lists it, and it is not here; if it is still arriving, it is taken when all are."
            yield Reason("listed_file_missing", message, os.path.join(folder, entry.name))
        elif _differs(root, there, entry, remember):
            message = f"Its {entry.algorithm} is not what {shown} says: it is damaged, changed or still arriving."
            yield Reason("checksum_differs", message, there)


def _find(root: bytes, path: bytes) -> bytes | None:
    """Return the path as it is spelled here; lists made on Windows do not mind upper and lower case.

    Nor do they name their code page: a name that is no UTF-8 is the only one here that has the same ASCII around it.
    """
    if os.path.lexists(os.path.join(root, path)):
        return path
    folder, name = os.path.split(path)
    try:
        names = os.listdir(os.path.join(root, folder))
    except OSError:
        return None
    alike = [one for one in sorted(names) if _folded(one) == _folded(name)]
    if not alike and not _is_text(name):
        alike = [one for one in names if _plain(one) == _plain(name)]
        alike = alike if len(alike) == 1 else []
    return os.path.join(folder, alike[0]) if alike else None


def _folded(name: bytes) -> str:
    return unicodedata.normalize("NFC", name.decode("utf-8", "surrogateescape")).casefold()


def _plain(name: bytes) -> bytes:
    return _FOREIGN.sub(b"?", name).lower()


def _is_text(name: bytes) -> bool:
    try:
        return bool(name.decode())
    except UnicodeDecodeError:
        return False


def _differs(root: bytes, path: bytes, entry: Listed, remember: Remember) -> bool:
    """Tell whether a file's sum is another one; a file that cannot be read or has no such sum does not differ."""
    whole = os.path.join(root, path)
    try:
        with opened(whole) as descriptor:
            identity = Identity.of(os.fstat(descriptor))
            value = remember(whole, identity, entry.algorithm, lambda: SUMS[entry.algorithm](descriptor))
    except OSError:
        return False
    return value is not None and value != entry.value


def _blocks(descriptor: int) -> Iterator[bytes]:
    while block := os.read(descriptor, BUFFER):
        leave.check_stop()
        yield block


def _crc32(descriptor: int) -> str:
    value = 0
    for block in _blocks(descriptor):
        value = zlib.crc32(block, value)
    return f"{value:08x}"


def _hashed(algorithm: str) -> Sum:
    def sum_of(descriptor: int) -> str:
        import hashlib  # few scans meet a list of checksums, and it loads OpenSSL

        hasher = hashlib.new(algorithm, usedforsecurity=False)
        for block in _blocks(descriptor):
            hasher.update(block)
        return hasher.hexdigest()

    return sum_of


def _flac(descriptor: int) -> str | None:
    """Return the MD5 of the audio as STREAMINFO has it; None for other files, and where the encoder left it out."""
    head = os.pread(descriptor, _STREAMINFO_MD5.stop, 0)
    md5 = head[_STREAMINFO_MD5]
    return md5.hex() if head.startswith(b"fLaC") and any(md5) else None


SUMS: Final[Mapping[str, Sum]] = {
    "crc32": _crc32,
    "flac": _flac,
    **{name: _hashed(name) for name in ("md5", "sha1", "sha256", "sha512")},
}
