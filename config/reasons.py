"""A decision → the code, the sentence and the path that explain it to a person."""

from __future__ import annotations

import datetime as dt
from typing import Final, NamedTuple
from unicodedata import bidirectional, category

MASK: Final = "•••"  # what is shown of a secret
_JOINERS: Final = "\u200c\u200d"  # Persian and the scripts of India are not written without them, nor a family of emoji


class Reason(NamedTuple):
    """Why something was decided.

    `code` is stable and meant for scripts (`snake_case`); `message` is one English sentence for a person;
    `path`, if there is one, is relative to the root the decision is about (the inbound root unless said otherwise).
    """

    code: str
    message: str
    path: bytes | None = None


def sentence(clause: str) -> str:
    """Return what an error or a log line says as a sentence of its own; a path at its beginning is left alone."""
    start = clause.partition(" ")[0]
    whole = clause[:1].upper() + clause[1:] if start.isalpha() else clause
    return whole if whole.endswith((".", "?", "!")) else f"{whole}."


def counted(number: int, noun: str) -> str:
    """Return a number of things: 1 file, 2 files."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def figure(name: str, number: int) -> str:
    """Return what a key of a run's counts is called beside its number: (1) album, (2) albums, (1) needs review."""
    shown = name.replace("_", " ")
    return shown.removesuffix("s") if number == 1 else shown


def called(artist: str | None, album: str | None) -> str:
    """Return what people call an album, by the text its files have."""
    return f"{artist or 'unknown artist'} – {album or 'unknown album'}"


def show_time(moment: dt.datetime) -> str:
    """Return a moment as sentences and tables say it, which stays true wherever and whenever it is read."""
    return f"{moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def path_text(path: bytes) -> str:
    r"""Return a path or a name as text, as scripts read it in JSON: bytes that are not UTF-8 become `\xff`."""
    return path.decode("utf-8", "backslashreplace")


def show_path(path: bytes) -> str:
    r"""Return a path as text that any terminal and log can hold, in one line: ESC, too, becomes `\x1b`."""
    return show_text(path_text(path))


def show_text(text: str) -> str:
    r"""Return text of strangers, of tags and names, without anything a terminal would obey: ESC becomes `\x1b`."""
    if text.isprintable():  # a space is, and nearly all there is
        return text
    return "".join(c if _is_harmless(c, before) else _escaped(c) for before, c in zip("\0" + text, text, strict=False))


def isolated(text: str) -> str:
    """Return text that is written from right to left between marks (FSI, PDI) that leave what is beside it as it is."""
    turns = not text.isascii() and any(bidirectional(c) in ("R", "AL") for c in text)
    return f"\u2068{text}\u2069" if turns else text


def _is_harmless(char: str, before: str) -> bool:
    joins = char in _JOINERS and before.isprintable() and not before.isascii()
    return joins or char.isprintable() or category(char) == "Zs"


def _escaped(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")
