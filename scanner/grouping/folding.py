"""A name as somebody typed it → the text that all its spellings have in common."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from contextlib import suppress
from functools import lru_cache

from scanner.grouping.patterns import pattern

ALIKE = 0.9
"""Two folded names are one misspelt name when so much of the longer one agrees (Levenshtein with swaps)."""

MOST_EDITS = 2
"""A long title that differs in more letters differs in a word: "… Part One" is not "… Part Two"."""

_ACCENTS = pattern("[\u0300-\u036f]")  # only these: the marks of Japanese and Indic scripts are letters
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})
_ASCII = bytes(range(128))
_NO_ENGLISH_LETTERS = bytes(code for code in range(256) if not (code < 128 and chr(code).isalpha()))
_MISREAD = 8  # letters beyond ASCII, before anything is concluded
_UNSEEN = dict.fromkeys((0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF))
_INITIALS = pattern(r"\b(?:[^\W\d_]\.){2,}")
_CALLS = pattern(r"!{3,}|\?{3,}")  # so many are meant: "Die drei ???" and "Die drei !!!" are two series of plays
_AND = pattern(r"\s*&\s*|\s\+\s")
_APOSTROPHES = pattern("['’‘ʼ`´]")
_LAST_ARTICLE = pattern(r"^(.+), (the|a|an)$")
_FIRST_ARTICLE = pattern(r"^(?:the|an?) (?=.)")
_DECORATION = frozenset("|~<>=^¨")
_NUMERAL = pattern(r"\w*\d\w*|[ivx]+|\w|one|two|three|four|five|six|seven|eight|nine|ten|first|second|third")


def clean(text: str | None) -> str | None:
    """Return a tag's text fit to be shown and stored, None if blank.

    It is NFC, without control characters, lone surrogates, or marks that only say which way text runs.
    """
    if text is None or _is_clean(text):
        return text or None  # as nearly all are
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.encode("utf-8", "backslashreplace").decode("utf-8"))
    if not text.isprintable():
        text = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text.translate(_UNSEEN))
    return " ".join(text.split()) or None


def _is_clean(text: str) -> bool:
    if not text.isprintable() or "  " in text or text.strip(" ") != text:
        return False
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def are_clean(texts: Iterable[str], joined: str) -> bool:
    """Tell whether `clean` would leave all of these as they are, from the texts joined by "|"; False if in doubt."""
    return _is_clean(joined) and " |" not in joined and "| " not in joined and all(texts)


def is_misread(*names: str | None) -> bool:
    """Tell whether names were written in another code page and read as Latin-1: "Êèíî", where "Кино" was meant.

    No language that Latin-1 is made for writes several words with twice as many accents as plain letters, nor any text
    whose bytes happen to be UTF-8: "RÃ³s".
    """
    text = "".join(filter(None, names))
    if text.isascii():
        return False
    raw = _bytes_of(text)
    if raw is None:
        return False
    with suppress(UnicodeDecodeError):
        return bool(raw.decode())
    others = len(raw.translate(None, _ASCII))
    return others >= _MISREAD and others > 2 * len(raw.translate(None, _NO_ENGLISH_LETTERS))


def _bytes_of(text: str) -> bytes | None:
    """Return what was read as Latin-1, or as Windows reads it: "Donâ€™t"; None if it was neither."""
    for code_page in ("latin-1", "cp1252"):
        with suppress(UnicodeEncodeError):
            return text.encode(code_page)
    return None


@lru_cache(maxsize=8192)
def fold(text: str) -> str:
    """Fold case, width, accents, punctuation, "&" and the leading article: `"The Beatles"` → `"beatles"`.

    Edition words stay. A name of nothing but punctuation stays as it is, so "!!!" is not "???";
    three of these stay anywhere.
    """
    plain = spoken = text.casefold()
    if not text.isascii():
        plain = unicodedata.normalize("NFKC", text.encode("utf-8", "backslashreplace").decode("utf-8")).casefold()
        bare = _ACCENTS.sub("", unicodedata.normalize("NFD", plain))
        spoken = unicodedata.normalize("NFC", bare).translate(_LETTERS)
    calls: list[str] = []
    if not spoken.replace(" ", "").isalnum():  # else nothing of this is to be done
        calls = _CALLS.findall(spoken)
        spoken = _INITIALS.sub(lambda initials: initials[0].replace(".", ""), spoken)
        spoken = _LAST_ARTICLE.sub(r"\2 \1", _AND.sub(" and ", _APOSTROPHES.sub("", spoken)).strip())
        spoken = spoken.translate(_SPOKEN)
    words = " ".join(spoken.split() + calls)
    return _FIRST_ARTICLE.sub("", words) or " ".join(plain.split())


class _Spoken(dict[int, str]):
    """What is heard of a character: letters, digits, marks, symbols ("÷", "♥"); nothing of invisible ones; else a gap.

    Asked once for each character, and remembered.
    """

    def __missing__(self, code: int) -> str:
        char = chr(code)
        category = unicodedata.category(char)
        heard = char if category[0] in "LNMS" and char not in _DECORATION else "" if category == "Cf" else " "
        self[code] = heard
        return heard


_SPOKEN = _Spoken()


def alike(one: str, other: str) -> bool:
    """Tell whether two folded names are one name with a typo; numbers, numerals and single letters must be the same."""
    edits = min(MOST_EDITS, int(max(len(one), len(other)) * (1 - ALIKE) + 1e-9))
    if abs(len(one) - len(other)) > edits or numerals(one) != numerals(other):
        return False
    return _within(one, other, edits)


def differ_in_a_letter(one: str, other: str) -> bool:
    """Tell whether two folded names differ in one letter, or two that are swapped, but in no number or numeral."""
    return numerals(one) == numerals(other) and _within(one, other, 1)


def numerals(folded: str) -> list[str]:
    """Return the words of a folded name that count, or may count."""
    return [word for word in folded.split() if _NUMERAL.fullmatch(word)]


def _within(one: str, other: str, edits: int) -> bool:
    """Tell whether so many insertions, deletions, replacements and swaps of neighbours make both texts equal."""
    pairs = enumerate(zip(one, other, strict=False))
    same = next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
    one, other = one[same:], other[same:]
    if not one or not other:
        return len(one) + len(other) <= edits
    return edits > 0 and (
        _within(one[1:], other[1:], edits - 1)
        or _within(one[1:], other, edits - 1)
        or _within(one, other[1:], edits - 1)
        or (one[:2] == other[1::-1] and _within(one[2:], other[2:], edits - 1))
    )
