"""A name in the inbound tree → the reason it is left alone, or None: built-in lists first, then gitignore patterns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from config.errors import Misconfigured
from scanner.grouping.patterns import pattern as expression

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

IGNORE_FILE = b".greenroomignore"
MAX_IGNORE_FILE = 64 * 1024  # bytes
MAX_PATTERNS = 200  # a file, or the admin's list
MAX_PATTERN_LENGTH = 255
# A glob becomes a backtracking regex; `globs.py` takes most of that out of it, these the rest.
MAX_STARS = 3  # in one part of a pattern, between two slashes
MAX_DOUBLE_STARS = 2  # in a whole pattern
# Each star beyond the first of its part multiplies what those of other parts and every ** cost: `*a*a*a/*a*a*b` hangs.
MAX_STARS_BEYOND = 2  # in a whole pattern; both ** are one of them, and so is a class that may match a slash
# One of some letters and digits, as in *[Ss]cans*. What else a class says may match a slash: [!a], [+-9].
CLASS = r"\[(?:[0-9A-Za-z](?:-[0-9A-Za-z])?)+\]"

# What other programs leave behind; nothing of a person's music. All lower case.
JUNK_NAMES = frozenset(
    b"""
    .ds_store .localized .appledouble .spotlight-v100 .fseventsd .temporaryitems .documentrevisions-v100 __macosx
    thumbs.db ehthumbs.db desktop.ini $recycle.bin @eadir @tmp #recycle #snapshot .snapshot .snapshots
    .stfolder .stversions .stignore .directory .thumbnails .nomedia .ignore .ndignore .plexignore .lmsignore
    lost+found found.000 @recycle @recently-snapshot ~snapshot thevolumesettingsfolder
    """.split()
) | {b"system volume information", b"network trash folder", b"temporary items", b"icon\r"}
OLD_BINS = frozenset([b"RECYCLER", b"RECYCLED"])  # of Windows before Vista; "Recycler" is an album of ZZ Top
JUNK_PREFIXES = (b"._", b".trash")

# Suffixes that download and copy programs give to what is not whole yet. All lower case.
TEMP_SUFFIXES = tuple(
    b""".part .partial .!qb .!ut .bc! .crdownload .download .opdownload .tmp .temp .aria2 .st .dctmp .incomplete
    .unfinished .filepart .ytdl .partial~ .backup~ .!sync .bts .ffs_tmp .fdmdownload .jc! .xltd
    .downloading .lftp-pget-status .cyberducksegment .!bt .az! .bt! .ob! .td .td.cfg .xltd.cfg .dtapart""".split()
)
# .in. is of ProFTPD (HiddenStores), .goutputstream- of programs of GNOME.
TEMP_PREFIXES = (b".nfs", b".fuse_hidden", b".syncthing.", b"~syncthing~", b".getxfer.", b".in.", b".goutputstream-")
# An album may well be called "Alles.st"; a folder is temporary only under the names programs use for folders.
TEMP_FOLDER_SUFFIXES = tuple(
    b".part .partial .!qb .!ut .crdownload .download .tmp .incomplete .unfinished .filepart .cyberducksegment".split()
)
_FAILED = b"_failed_"  # SABnzbd
TEMP_FOLDER_PREFIXES = (b"_unpack_", _FAILED)
TEMP_FOLDERS = frozenset([b".~tmp~", b".rsync-partial", b"_unpack"])  # of rsync, NZBGet: until all in it is whole
_FRAGMENT = re.compile(rb"\.part-frag\d+$")  # yt-dlp
# Before the name: Soulseek NS and Nicotine+, Android, Ares.
_BEFORE = re.compile(rb"incomplete(?:~|[0-9a-f]{32})|\.pending-\d+-|___arestra___")
_HIDDEN_COPY = re.compile(  # .<name>.<ext>.XXXXXX of rsync, .<name>.~<hex> of Nextcloud and ownCloud
    rb"\.(?:.+\.[a-z0-9]{2,4}(?P<rsync>\.[a-z0-9]{6})|.+(?P<cloud>\.~[0-9a-f]{1,8}))"
)
# What Syncthing, ownCloud, Nextcloud and Dropbox, Seafile, Synology Drive keep beside a file two machines had changed.
_CONFLICT = expression(
    rb"""(.+?)(?:\.sync-conflict-\d{8}-\d{6}(?:-[a-z0-9]{7})?
    | _conflict-\d{8}-\d{6}
    | [ ]\([^()]*conflicted[ ]copy[ ]\d{4}-\d\d-\d\d[^()]*(?:\(\d+\))?\)
    | [ ]\(sfconflict[ ][^()]*\)
    | _[^_]+_[a-z]{3}-\d\d-\d{4}-\d{4}_conflict)+(\.[^.]+)""",
    re.IGNORECASE | re.VERBOSE,
)
# "...And Justice for All" and ".5: The Gray Chapter" are albums, not hidden files.
_HIDDEN = re.compile(rb"\.[^.0-9]")

# Nearly every name begins unlike the first and ends in four bytes of the second; the walk spares those a call of a
# microsecond.
ODD_FIRST = frozenset(b"._@~#$I")
PLAIN_LAST = frozenset(
    b"flac opus aiff jpeg .mp3 .m4a .ogg .wav .aif .wma .ape .mpc .dsf .jpg .png .cue .log .txt .nfo .m3u .lrc".split()
)


class Why(NamedTuple):
    """A reason code and the sentence that goes with it."""

    code: str
    message: str


OWN = Why("own_file", "Greenroom's own file.")
SIDECAR_NAME = b"album.greenroom.json"
SIDECAR = Why(
    "own_file",
    "Greenroom's own file: what it knew of this album where it was before. It stays here, and can be removed.",
)
JUNK = Why("junk", "Left behind by another program; not part of an album.")
HIDDEN = Why("hidden", "Hidden files and folders are not taken; rename it if it should be.")
PARTIAL = Why("partial_download", "The name says that a program is still writing this; its album waits.")
PARTIAL_FOLDER = Why(
    "partial_folder", "The name says that a program is still writing into this folder; it will be looked into later."
)
FAILED = Why(
    "partial_folder",
    "The name says that unpacking it failed; if the album in it is whole, give the folder another name.",
)
PATTERN = Why("ignored_by_pattern", "An ignore pattern matches it.")


def built_in(name: bytes, is_folder: bool) -> Why | None:
    """Return why a name is never taken, whatever the settings say."""
    low = name.lower()
    if low in JUNK_NAMES or name in OLD_BINS:
        return JUNK
    if is_folder and low[0] not in ODD_FIRST and b"." not in low:  # as most are
        return None
    if low.startswith(b".greenroom"):
        return OWN
    if low == SIDECAR_NAME and not is_folder:
        return SIDECAR
    if low.startswith(JUNK_PREFIXES):
        return JUNK
    if _is_temporary(low, is_folder):
        return PARTIAL if not is_folder else FAILED if low.startswith(_FAILED) else PARTIAL_FOLDER
    return HIDDEN if _HIDDEN.match(low) else None


def _is_temporary(low: bytes, is_folder: bool) -> bool:
    if is_folder:
        return low.startswith(TEMP_FOLDER_PREFIXES) or low.endswith(TEMP_FOLDER_SUFFIXES) or low in TEMP_FOLDERS
    if low.startswith(TEMP_PREFIXES) or low.endswith(TEMP_SUFFIXES):
        return True
    return bool(_FRAGMENT.search(low) or _HIDDEN_COPY.fullmatch(low) or _BEFORE.match(low))


def finished_name(name: bytes) -> bytes:
    """Return the name a temporary file's whole sibling has: `01.flac.part` and `01.flac.aria2` belong to `01.flac`."""
    low = name.lower()
    if match := _FRAGMENT.search(low):
        return name[: match.start()]
    if match := _BEFORE.match(low):
        return name[match.end() :]
    if match := _HIDDEN_COPY.fullmatch(low):
        return name[1 : match.start(match.lastgroup or 0)]
    return next((name[: -len(suffix)] for suffix in TEMP_SUFFIXES if low.endswith(suffix)), name)


def unconflicted_name(name: bytes) -> bytes | None:
    """Return what the file is called that a sync program kept another version of under this name; None of others."""
    match = _CONFLICT.fullmatch(name)
    return match and match[1] + match[2]


class IgnoreRules:
    """The patterns in force in one folder: the admin's list and every `.greenroomignore` above, the nearest last."""

    def __init__(self, layers: tuple[tuple[int, GitIgnoreSpec], ...] = ()) -> None:
        self._layers = layers  # (how many bytes of the relative path to leave out, patterns)
        self.present = bool(layers)

    @classmethod
    def of(cls, patterns: Sequence[str]) -> IgnoreRules:
        """Make the rules of the inbound root from the admin's patterns.

        Raises Misconfigured when a pattern is refused (see `refused`).
        """
        for pattern in patterns:
            if why := refused(pattern):
                raise Misconfigured(f"ignore pattern {pattern!r} is refused: {why}")
        if len(patterns) > MAX_PATTERNS:
            raise Misconfigured(f"{len(patterns)} ignore patterns are too many; {MAX_PATTERNS} are allowed")
        return cls(((0, _spec(patterns)),)) if patterns else cls()

    def inside(self, folder: bytes, text: bytes) -> tuple[IgnoreRules, tuple[str, ...]]:
        """Add the ignore file of `folder` (relative to the root); return the rules below it and the lines refused."""
        lines = text[:MAX_IGNORE_FILE].decode("utf-8-sig", "surrogateescape").splitlines()  # Notepad writes a mark
        usable = [line for line in lines[:MAX_PATTERNS] if not refused(line)]
        bad = tuple(line for line in lines if refused(line)) + tuple(lines[MAX_PATTERNS:])
        layer = (len(folder) + 1 if folder else 0, _spec(usable))
        return IgnoreRules((*self._layers, layer)), bad

    def why(self, path: bytes, is_folder: bool) -> Why | None:
        """Return why the patterns leave a path (relative to the root) alone; the nearest ignore file decides."""
        if not self._layers:
            return None
        text = path.decode("utf-8", "surrogateescape") + ("/" if is_folder else "")
        for skip, spec in reversed(self._layers):
            # A skip counts bytes; surrogateescape keeps them countable only in the undecoded path.
            below = path[skip:].decode("utf-8", "surrogateescape") + ("/" if is_folder else "") if skip else text
            verdict = spec.check_file(below).include
            if verdict is not None:
                return PATTERN if verdict else None
        return None


def _spec(lines: Sequence[str]) -> GitIgnoreSpec:
    from pathspec import GitIgnoreSpec  # most scans have no pattern, and start quicker without it

    from scanner.globs import Glob

    return GitIgnoreSpec.from_lines(Glob, lines)


def refused(pattern: str) -> str | None:
    """Return why a gitignore pattern cannot be used, or None: long ones and those a hostile name could make slow."""
    if len(pattern) > MAX_PATTERN_LENGTH:
        return f"it is longer than {MAX_PATTERN_LENGTH} characters"
    double = len(re.findall(r"\*\*+", pattern))
    if double > MAX_DOUBLE_STARS:
        return f"it has more than {MAX_DOUBLE_STARS} times **"
    stars = [part.count("*") for part in pattern.split("/") if part != "**"]  # each of `a**b` becomes a wildcard
    if max(stars, default=0) > MAX_STARS:
        return f"one part of it has more than {MAX_STARS} stars"
    has_class = "[" in re.sub(rf"\\.|{CLASS}", "", pattern)  # \[ is a bracket
    if sum(count - 1 for count in stars if count) > MAX_STARS_BEYOND - (double == MAX_DOUBLE_STARS) - has_class:
        return "too many of its parts have several stars"
    try:
        _spec([pattern])
    except ValueError as error:
        return str(error)
    return None
