r"""Artist, album, track and file names → path components that ext4, NTFS and SMB take and every player shows. Pure.

Rules (Microsoft "Naming Files, Paths, and Namespaces"; spelling as users of Lidarr and Radarr know it):
`/ \` become `+`, `: ` becomes ` - `, `: * |` become `-`, `?` becomes `!`, `"` becomes `'`, `< >` go; white space is
one space; control, format (zero width, direction marks) and non-characters go; names are NFC; no space, dot or dash in
front, no space or dot behind; device names and names that players skip get a `_`. Three `?` and more become wide ones,
because "Die drei ???" and "Die drei !!!" are two artists.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

UNKNOWN_ARTIST: Final = b"_/Unknown Artist"  # a place, never a fact: no row and no tag ever says so
STEM_BYTES: Final = 200  # of 255, so that " [2]", an extension and a temporary suffix still fit

_COLON: Final = re.compile(r":(?=\s)\s*")
_CALLS: Final = re.compile(r"\?{3,}")
_EXTENSION: Final = re.compile(r"(?s)(.+)(\.[A-Za-z0-9]{1,16})")

_ILLEGAL: Final = {
    **dict.fromkeys("\u3164\uffa0\u2800", " "),  # letters and signs that look like nothing
    **{"/": "+", "\\": "+", "?": "!", "*": "-", "|": "-", '"': "'", "<": "", ">": "", "\ufffd": "_"},
}
# Jellyfin takes `sample.flac` and `x.sample.flac` for teasers, in Hungarian, too.
_SAMPLE: Final = re.compile(r"(?i)((?:^|\.)(?:sample|minta))$")
_SKIPPED_ENDS: Final = (".trickplay", ".sync", ".bts")  # of folders, too
_DEVICE: Final = re.compile(r"(?i)(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?= *(?:\.|$))")
# Folders that Jellyfin (IgnorePatterns.cs), Navidrome (walk_dir_tree.go), Synology and QNAP never look into, and one
# name of our own.
_SKIPPED_FOLDERS: Final = frozenset(
    {"metadata", "subs", "sample", "minta", "extrafanart", "extrathumbs", "actors", "snapshots"}
    | {"lost+found", "@eadir", "eadir", "@recycle", "#recycle", "$recycle.bin", "#snapshot", "@recently-snapshot"}
    | {"ps3_update", "ps3_vprm", "temprec", "tempsbe", "system volume information"}
    | {"album.greenroom.json"}  # our sidecar's name: a folder called so would pass for a broken one
)
_ARTICLES: Final = frozenset(
    {"the", "a", "an", "der", "die", "das", "le", "la", "les", "los", "las", "el", "il", "lo", "gli"}
    | {"een", "het", "de", "den", "det"}
)
_LETTERS: Final = str.maketrans({"ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def component(text: str) -> str:
    """Return one safe path component for any text; what is safe already stays as it is.

    >>> component('AC/DC: "Live?"')
    "AC+DC - 'Live!'"
    """
    return _cut(_edged(_legal(text))).rstrip(" .")


def folder_name(text: str) -> bytes:
    """Return a safe folder name that no player takes for something of its own, in UTF-8."""
    name = component(text)
    small = name.casefold()
    skipped = small in _SKIPPED_FOLDERS or small.endswith(_SKIPPED_ENDS) or not name.strip("~")
    return (name + "_" if skipped else name).encode()


def file_name(raw: bytes) -> bytes:
    """Return a safe file name for a file that keeps its own; the extension survives any shortening."""
    stem, extension = _split(_edged(_legal(raw.decode("utf-8", "surrogateescape"))))
    stem = _SAMPLE.sub(r"\1_", _cut(stem)) if extension else component(stem)
    return (stem + extension).encode()


def track_name(
    *, disc: int | None, track: int | None, title: str | None, source: bytes, discs: int = 1, tracks: int = 99
) -> bytes:
    """Return `[disc-]NN - Title.ext`; `discs` and `tracks` are the highest numbers of the album and decide the width.

    Without a track number it is `Title.ext`; without a title the stem of `source`, the file's own name, stands for it.
    """
    stem, extension = _split(source.decode("utf-8", "surrogateescape"))
    if track is not None and not title:
        stem = re.sub(rf"^(?:\d{{1,2}}-)?0*{track}[ ._-]+(?=.)", "", stem)  # the number will stand in front anyway
    name = component(title or stem)
    if track is not None:
        number = f"{track:0{max(2, len(str(tracks)))}d}"
        if disc is not None and discs > 1:
            number = f"{disc:0{len(str(discs))}d}-{number}"
        name = f"{number} - {name}"
    return file_name((component(name) + extension.lower()).encode("utf-8", "surrogateescape"))


def album_folder(album_artist: str | None, album: str, year: int | None) -> bytes:
    """Return `<code>/<artist>/<year> - <album>`, relative to the staging root; without a year it is `<album>` alone."""
    place = b"%s/%s" % (directory_code(album_artist), folder_name(album_artist)) if album_artist else UNKNOWN_ARTIST
    return place + b"/" + folder_name(album if year is None else f"{year:04d} - {component(album)}")


def directory_code(artist: str) -> bytes:
    """Return the short folder artists are sharded by: up to three initials, or the first two letters of a single word.

    A leading article is dropped (`The Beatles` → `BE`, `Led Zeppelin` → `LZ`). A name that begins in another script has
    its first letter as the code (`Кино` → `К`); a name without any letter or digit has `_` and two digits of a hash.
    """
    words = [word for word in _fold(artist).split() if any(c.isalnum() for c in word)]
    if len(words) > 1 and words[0] in _ARTICLES:
        del words[0]
    if not words:
        return b"_" + hashlib.sha256(_fold(artist).encode("utf-8", "surrogatepass")).hexdigest()[:2].encode()
    plain = [
        re.sub(r"[^a-z0-9]", "", unicodedata.normalize("NFKD", word.translate(_LETTERS)).lower()) for word in words
    ]
    if not plain[0]:
        return component(next(c for c in words[0] if c.isalnum()).upper()).encode()
    plain = [word for word in plain if word]
    code = plain[0][:2] if len(plain) == 1 else "".join(word[0] for word in plain[:3])
    return component(code.upper()).encode()


def fold(path: bytes) -> str:
    """Return what a file system without case or Unicode forms compares: of two names with one fold only one can be."""
    return _fold(path.decode("utf-8", "surrogateescape"))


class Places:
    """The places taken inside one album's folder, compared without case and Unicode form."""

    def __init__(self, taken: Iterable[bytes] = ()) -> None:
        self._files: set[str] = set()
        self._folders: dict[str, bytes] = {}
        self._last: dict[str, int] = {}  # the highest number given to a name, so that a thousand twins stay cheap
        for path in taken:
            self.claim(path)

    def claim(self, path: bytes) -> bytes:
        """Take a relative path, or the next free one: `a.jpg`, `a [2].jpg` … The same claims give the same places.

        Folders that differ only in case or Unicode form become one, spelled as the first of them.
        """
        *parents, name = path.split(b"/")
        base = b""
        for parent in parents:
            base = self._free(base + parent, folder=True)
            base = self._folders.setdefault(fold(base), base) + b"/"
        place = self._free(base + name)
        self._files.add(fold(place))
        return place

    def _free(self, path: bytes, *, folder: bool = False) -> bytes:
        """Return the first numbering of the path that nothing of another nature has; a folder may be shared."""
        folded = fold(path)
        number = 1 if folder else self._last.get(folded, 1)
        while True:
            place = numbered(path, number, folder=folder)
            name = folded if place is path else fold(place)
            if name not in self._files and (folder or name not in self._folders):
                break
            number += 1
        if not folder:
            self._last[folded] = number
        return place


def numbered(path: bytes, number: int, *, folder: bool = False) -> bytes:
    """Return the path with ` [2]` at its end, or before a file's extension; number 1 is the path itself."""
    if number == 1:
        return path
    parent, slash, name = path.rpartition(b"/")
    text = name.decode("utf-8", "surrogateescape")  # names of others, beside an album, need not be UTF-8
    stem, extension = (text, "") if folder else _split(text)
    return parent + slash + f"{stem} [{number}]{extension}".encode("utf-8", "surrogateescape")


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def _legal(text: str) -> str:
    if ":" in text:
        text = _COLON.sub(" - ", text).replace(":", "-")
    if "???" in text:
        text = _CALLS.sub(lambda calls: "\uff1f" * len(calls[0]), text)
    legal = " ".join(text.translate(_LEGAL).split())
    return legal if legal.isascii() else unicodedata.normalize("NFC", legal)


class _Legal(dict[int, str]):
    """What becomes of a character; asked once for each, and remembered: the letters of a library are few."""

    def __missing__(self, code: int) -> str:
        self[code] = legal = _legal_character(chr(code))
        return legal


def _legal_character(c: str) -> str:
    if c in _ILLEGAL:
        return _ILLEGAL[c]
    if c.isspace():
        return " "
    category = unicodedata.category(c)
    if category == "Cs":  # half of a surrogate pair: a file name that was not UTF-8, or a broken tag
        return "_"
    return "" if category in ("Cc", "Cf") or ord(c) & 0xFFFE == 0xFFFE or 0xFDD0 <= ord(c) <= 0xFDEF else c


_LEGAL: Final = _Legal()


def _split(name: str) -> tuple[str, str]:
    match = _EXTENSION.fullmatch(name)
    return (match[1], match[2]) if match else (name, "")


def _edged(text: str) -> str:
    """Put the two ends of a name right, and a device's name in front."""
    text = text.lstrip(" .-").rstrip(" .")
    device = _DEVICE.match(text)  # a search would look for the beginning of the text at each of its characters
    return f"{device[0]}_{text[device.end() :]}" if device else text or "_"


def _cut(text: str) -> str:
    """Shorten to so many bytes of UTF-8, never inside a character nor between a letter and its accents."""
    if 4 * len(text) <= STEM_BYTES:  # as nearly all are
        return text
    kept = text.encode()[:STEM_BYTES].decode("utf-8", "ignore")
    end = len(kept)
    while 0 < end < len(text) and unicodedata.category(text[end]).startswith("M"):
        end -= 1
    return text[:end] or kept
