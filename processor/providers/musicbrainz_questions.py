"""What is wanted of MusicBrainz → the text of a search, in Lucene's language. Pure."""

from __future__ import annotations

import re
from typing import Final

from processor.providers.provider import Search
from scanner.grouping.folding import clean

LONGEST: Final = 200  # characters of a name that are searched
_SPECIAL = re.compile(r"([+\-&|!(){}\[\]^\"~*?:\\/])")
_OPERATOR = re.compile(r"\b(AND|OR|NOT|TO)\b")
_WORD = re.compile(r"\w+")


def query_of(wanted: Search) -> str:
    """Return the search: names must be there, the rest only makes it likelier. A number is enough by itself.

    Names without a letter or a digit ("†††") are none for its index; "" where nothing is left to search for.
    """
    if wanted.barcode:
        return f"barcode:{escaped(wanted.barcode)}"
    if wanted.group_id:
        return f"rgid:{escaped(wanted.group_id)}"
    named = _loose if wanted.is_loose else _strict
    names = [name for name in (named("release", wanted.title), named("artist", wanted.artist)) if name]
    if wanted.catalog_number:
        number = f"catno:{escaped(wanted.catalog_number.replace(' ', ''))}"
        return f"{number} AND ({' OR '.join(names)})" if names else number
    together = (" OR " if wanted.is_loose else " AND ").join(names)
    return f"({together}) OR ({together} AND tracks:{wanted.tracks})" if names and wanted.tracks else together


def escaped(text: str) -> str:
    """Return text without meaning for Lucene."""
    plain = _OPERATOR.sub(lambda word: word[0].lower(), (clean(text) or "")[:LONGEST])
    return _SPECIAL.sub(r"\\\1", plain)


def _strict(field: str, text: str | None) -> str | None:
    return f"{field}:({escaped(text)})" if text and _WORD.search(text) else None


def _loose(field: str, text: str | None) -> str | None:
    words = [f"{escaped(word)}~" if len(word) > 3 else escaped(word) for word in _WORD.findall((text or "")[:LONGEST])]
    return f"{field}:({' '.join(words)})" if words else None
