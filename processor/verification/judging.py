"""What a file should be, what it was at the last look, what it is now → fine, or what is wrong with it. Pure."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from config.reasons import Reason, show_path
from processor.filesystem.paths import within
from scanner.identity import same_time

Code = Literal["missing", "rotten", "changed", "edited", "unreadable", "undecodable"]
TROUBLE: Final[frozenset[Code]] = frozenset({"missing", "rotten", "unreadable", "undecodable"})  # a person is told
MADE: Final = frozenset({"nfo", "picture", "lyrics"})  # roles of what Greenroom makes, and can make anew
_WORDS: Final[dict[Code, str]] = {
    "missing": "is gone",
    "rotten": "is not what it was, although nobody wrote to it since: its disk may be failing",
    "changed": "was changed by somebody since it was last looked at",
    "edited": "was edited by somebody, and is left as it is",
    "unreadable": "cannot be read",
    "undecodable": "cannot be decoded to its end",
}


class Subject(NamedTuple):
    """One file that should be there."""

    root_uuid: str
    path: bytes  # relative to the root
    role: str
    size: int
    mtime_ns: int | None
    digest: str | None  # "blake3:…" or "sha256:…"; None: nobody has read it yet
    written_ns: int | None = None  # when we made it, since 1970; None of what we did not make

    @property
    def is_made(self) -> bool:
        """Whether Greenroom made it; an NFO, a picture, lyrics may also have come with the album."""
        return self.role in MADE and self.written_ns is not None


class Seen(NamedTuple):
    """One file as it is."""

    size: int
    mtime_ns: int
    digest: str
    trouble: Literal["unreadable", "undecodable"] | None = None


class Known(NamedTuple):
    """What is remembered of one file from look to look."""

    size: int
    mtime_ns: int
    digest: str
    code: Code | None


class Judged(NamedTuple):
    """What is wrong with a file, if anything, and what is to be remembered of it."""

    code: Code | None
    known: Known | None


def judge(subject: Subject, before: Known | None, seen: Seen | None) -> Judged:
    """Compare. A digest nobody knew is taken for right where size and time are those it was recorded with.

    What changed together with its time is somebody's doing, and right from then on; what changed without it is not.
    """
    if seen is None:
        return Judged("missing", before)
    if seen.trouble is not None:
        return Judged(seen.trouble, before)
    now = Known(seen.size, seen.mtime_ns, seen.digest, None)
    if subject.role == "sidecar" or seen.digest in (subject.digest, before and before.digest):
        keeps = before is not None and before.code == "edited" and seen.digest != subject.digest
        return Judged("edited" if keeps else None, now._replace(code="edited" if keeps else None))
    if subject.digest is None and _is_as_recorded(subject, seen) and _is_new(before, seen):
        return Judged(None, now)
    if _time_stood_still(subject, before, seen):
        good = before or Known(subject.size, seen.mtime_ns, subject.digest or "", None)
        return Judged("rotten", good._replace(code="rotten"))
    code: Code = "edited" if subject.is_made else "changed"
    return Judged(code, now._replace(code=code))


def is_anew(subject: Subject, before: Known | None, seen: Seen) -> bool:
    """Tell whether a file that is as it should be was written since it was looked at last, or recorded."""
    return not _time_stood_still(subject, before, seen)


def finding(code: Code, root: bytes, path: bytes, more: str) -> Reason:
    """Return a finding about a file below a root as a sentence."""
    return Reason(f"verify_{code}", f"{show_path(within(root, path))} {_WORDS[code]}{more}.", path)


def _is_as_recorded(subject: Subject, seen: Seen) -> bool:
    return seen.size == subject.size and (subject.mtime_ns is None or same_time(subject.mtime_ns, seen.mtime_ns))


def _is_new(before: Known | None, seen: Seen) -> bool:
    """Whether this is not the file of the last look: there was none, or what is recorded was replaced since."""
    return before is None or (before.size, before.mtime_ns) != (seen.size, seen.mtime_ns)


def _time_stood_still(subject: Subject, before: Known | None, seen: Seen) -> bool:
    if before is not None:
        return before.mtime_ns == seen.mtime_ns
    if subject.written_ns is not None:
        return seen.mtime_ns <= subject.written_ns  # disks that keep whole seconds cut them off
    return subject.mtime_ns is not None and same_time(subject.mtime_ns, seen.mtime_ns)
