"""Two names of one thing → how far apart they are, from 0 (the same) to 1; and words that make another recording."""

from __future__ import annotations

import re
from collections.abc import Set
from functools import lru_cache
from typing import Final, NamedTuple

from rapidfuzz.distance import OSA

from scanner.grouping.folding import fold

SUBTITLE: Final = 0.1  # "Song (A Second Name)" beside "Song"
EDITION: Final = 0.05  # "Song (2011 Remaster)" beside "Song"
GUEST: Final = 0.02  # "Song feat. Somebody" beside "Song"
PART: Final = 0.1  # "Finale" beside "Symphony No. 9: IV. Finale"
SOME: Final = 0.2  # "One" beside "One & Other"
OTHER_VERSION: Final = 0.6  # "Song (Live)" beside "Song", "Song (One's Remix)" beside "Song (Other's Remix)"
OTHER_NUMBER: Final = 0.5  # "Part 1" beside "Part 2"

_BRACKETS = re.compile(r"[(\[{]([^()\[\]{}]*)[)\]}]")
_DASHED = re.compile(r"\s+[-–—~]\s+")
# Up to what may say that it is another recording: "Song feat. Somebody (Live)", "Song feat. Somebody - Remix".
_GUEST = re.compile(
    r"(?<!\s)(?:\s*([(\[])\s*|\s+)(?:feat(?:uring|\.)?|ft\.?|w/)\s+(?:(?!\s[-–—~]\s)[^()\[\]])+(?(1)[)\]]?)",
    re.IGNORECASE,
)
_SAME_VERSION: Final = {
    **dict.fromkeys(("concert", "vivo", "directo", "diretta", "ライブ", "ライヴ"), "live"),
    **dict.fromkeys(("akustik", "akustisch", "acustico", "acustica", "acoustique"), "acoustic"),
    "rmx": "remix", "カラオケ": "karaoke",
}  # fmt: skip
_VERSION = re.compile(
    r"\b(?!edited\b)(live|remix|mix|dub|demo|acoustic|unplugged|instrumental|karaoke|a ?cappella|acapella|edit|cover"
    r"|reprise|session|rehearsal|outtake|take|rework|vip|extended|orchestral|piano|radio|club|early|alternat\w+"
    rf"|commentary|sped up|slowed|nightcore|{'|'.join(_SAME_VERSION)})(?:e?s|ed)?\b"
)
# Whoever calls it theirs recorded it anew: "Taylor's Version", which file names write without its apostrophe.
_OWN_VERSION = re.compile(
    r"\b(?!(?:bonus|tracks|singles|albums|lyrics|discs|years|collectors|this|eps|lps|cds)\b)\w{2,}s version\b"
)
# What shops call the recording itself an "original mix"; and a "radio edit" a "radio version".
_MIX = re.compile(r"\b(original|album|radio|club|dub|extended) (?:mix|edit|version)\b")
_NAMED = (
    r"remaster\w*|reissue\w*|edition|version|deluxe|expanded|anniversary|mono|explicit|clean|edited|bonus|special|limited"
    r"|collector\w*"
)
IS_EDITION: Final = re.compile(rf"\b(?:{_NAMED})\b")  # of folded text
_EDITION = re.compile(rf"\b({_NAMED}|stereo|album|original|single|digital|disc|cd|ep|lp|(?:19|20)\d\d)\b")
_REMASTERED = re.compile(  # with its year, which is none of a concert
    r"\b(?:(?:19|20)\d\d (?:digital )?remaster\w*(?! (?:19|20)\d\d\b)|remaster\w* (?:19|20)\d\d)\b"
)
_JOINS = re.compile(r"\s*(?:[;,/+&×]|\b(?:and|und|et|y|x|vs\.?|with|feat\.?|ft\.?|featuring)\b)\s*", re.IGNORECASE)
_SHORT = re.compile(r"\b(?:pts?|vol)\b")
_LONG: Final = {"pt": "part", "pts": "parts", "vol": "volume"}
_NUMBERING = re.compile(r"^(?:[ivx]+|\d+) (?=.)")
_DIGITS = re.compile(r"\d+|[ivx]+")
_ROMAN: Final = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_SPELLED: Final = {
    word: str(n)
    for words in ("one two three four five six seven eight nine ten", "first second third fourth fifth")
    for n, word in enumerate(words.split(), 1)
}
_LITTLE: Final = {"at", "in", "from", "on", "of"}  # "Live in Paris" is "Live from Paris"


class Name(NamedTuple):
    """A name taken apart, folded."""

    whole: str  # with Roman numbers as others
    bare: str  # without guests, brackets, and what follows a dash and is a version's
    beside: str  # what stood there
    versions: frozenset[str]  # words of it that make another recording
    rest: str  # what else stood there, but for words of editions: who played or mixed it, where, a second name
    rest_words: frozenset[str]  # of that, but for the numbers
    rest_numbers: frozenset[str]
    digits: tuple[str, ...]  # its numbers that are written in digits, also Roman ones, sorted
    numbers: tuple[str, ...]  # those and the spelled ones
    last: str  # of the bare name, behind the last colon


@lru_cache(maxsize=8192)
def parsed(text: str) -> Name:
    """Take a name apart: `"Song (Live) [feat. X]"` is the bare `"song"`, beside it `"live"`."""
    without = _GUEST.sub(" ", text)
    beside = _BRACKETS.findall(without)
    head, *tail = _DASHED.split(_BRACKETS.sub(" ", without))
    while tail and (_VERSION.search(fold(tail[-1])) or _EDITION.search(fold(tail[-1]))):
        beside.append(tail.pop())
    spoken = " - ".join([head, *tail])
    bare, said = _folded(spoken), _MIX.sub(r"\1", _folded(" ".join(beside)))
    if not bare:
        bare, said = _folded(text), ""
    versions = frozenset(_SAME_VERSION.get(word, word) for word in _VERSION.findall(said) + _OWN_VERSION.findall(said))
    rest = _rest(said, is_dated=bool(versions))
    return Name(
        whole=" ".join(_ROMAN.get(word, word) for word in _folded(text).split()),
        bare=bare,
        beside=said,
        versions=versions,
        rest=rest,
        rest_words=frozenset(word for word in rest.split() if not word.isdigit()),
        rest_numbers=frozenset(_numbers(rest)),
        digits=_digits(bare),
        numbers=_numbers(bare),
        last=_folded(spoken.rpartition(": ")[2]),
    )


def _rest(said: str, *, is_dated: bool) -> str:
    """Return the words that are no version's and no edition's; the year of a concert tells it from others."""
    words = [_SPELLED.get(word, word) for word in _VERSION.sub(" ", _REMASTERED.sub(" ", said)).split()]
    kept = [word for word in words if (is_dated and word.isdigit()) or not _EDITION.match(word)]
    return " ".join(word for word in kept if word not in _LITTLE)


def _folded(text: str) -> str:
    return _SHORT.sub(lambda word: _LONG[word[0]], fold(text))


def _digits(text: str) -> tuple[str, ...]:
    return tuple(sorted(_ROMAN.get(word, word) for word in text.split() if _DIGITS.fullmatch(word)))


def _numbers(text: str) -> tuple[str, ...]:
    return tuple(sorted([*_digits(text), *(_SPELLED[word] for word in text.split() if word in _SPELLED)]))


@lru_cache(maxsize=16384)  # 128 tracks with as many, for each edition anew; four times that was 20 MB more for ever
def title_distance(one: str, other: str) -> float:
    """Return how far two titles are apart; case, accents, articles, "&" and punctuation do not count.

    A guest, an edition or a second name counts little, a typo by its letters; a live version or another number much.
    """
    left, right = parsed(one), parsed(other)
    if left.whole == right.whole:
        return 0.0
    if left.bare == right.bare:
        return _beside(left, right)
    away = float(OSA.normalized_distance(left.bare, right.bare))
    if _is_part(left, right) or _is_part(right, left) or _is_movement(left, right):
        away = min(away, PART)
    elif left.numbers != right.numbers and (left.digits != right.digits or len(left.numbers) == len(right.numbers)):
        away = max(away, OTHER_NUMBER)
    return max(away, _beside(left, right))


def _is_part(whole: Name, part: Name) -> bool:
    """Whether a name is what stands behind the colon of the other, with or without its number."""
    return part.bare in (whole.last, _NUMBERING.sub("", whole.last))


def _beside(left: Name, right: Name) -> float:
    """Return what it counts that different things stand beside two names."""
    if left.versions != right.versions:
        return OTHER_VERSION
    if left.beside == right.beside:
        return GUEST
    if not _agree(left.rest_numbers, right.rest_numbers):
        return OTHER_NUMBER
    if not _agree(left.rest_words, right.rest_words):
        return min(OTHER_VERSION, max(SUBTITLE, float(OSA.normalized_distance(left.rest, right.rest))))
    return EDITION if _EDITION.search(f"{left.beside} {right.beside}") else SUBTITLE


def _agree(ours: Set[str], theirs: Set[str]) -> bool:
    """Whether one says no more than the other does."""
    return ours <= theirs or theirs <= ours


def _is_movement(left: Name, right: Name) -> bool:
    """Whether both are one movement of a work that one of them names with fewer numbers."""
    return left.last == right.last and _agree(set(left.digits), set(right.digits))


@lru_cache(maxsize=8192)
def artist_distance(one: str, other: str) -> float:
    """Return how far two artists are apart; guests count little, the order of names nothing."""
    left, right = fold(one), fold(other)
    if left == right:
        return 0.0
    ours, theirs = _each(one), _each(other)
    if ours == theirs or fold(_GUEST.sub(" ", one)) == fold(_GUEST.sub(" ", other)):
        return GUEST
    words = " ".join(sorted(left.split())), " ".join(sorted(right.split()))
    away = min(float(OSA.normalized_distance(left, right)), float(OSA.normalized_distance(*words)))
    return min(away, SOME) if ours and theirs and (ours < theirs or theirs < ours) else away


def _each(text: str) -> frozenset[str]:
    return frozenset(name for name in map(fold, _JOINS.split(text)) if name)
