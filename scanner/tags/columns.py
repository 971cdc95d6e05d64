"""A reading ↔ the columns the scan DB keeps it in; the processes that read tags answer in them already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress, groupby
from json.encoder import encode_basestring_ascii as quoted
from types import NoneType
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.facts import Facts, Picture

if TYPE_CHECKING:
    from scanner.tags.read import Reading

    Read = Reading | tuple[None, tuple[str, str], bool, str]

_LISTS = Facts._fields.index("artists")  # from here on a fact is several values
# A fact that is one value has a column of its name; those that are several share one JSON text.
FACT_COLUMNS = (*Facts._fields[:_LISTS], "lists")
READING_COLUMNS = ("file_id", "unwritten", "problem", "message", "truncated", "reader", *FACT_COLUMNS)
_NO_FACTS = (None,) * len(FACT_COLUMNS)
_NO_PROBLEM = (None, None)
_EVERY = range(len(READING_COLUMNS))


def columns_of(file_id: int, unwritten: bool, reading: Read) -> tuple[object, ...]:
    """Return the row of one reading, in the order of READING_COLUMNS.

    `unwritten` is whether it is known that nobody was writing to the file. What is not so is None, as is the unknown.
    """
    facts, problem, truncated, reader = reading
    code, message = problem or _NO_PROBLEM
    head = (file_id, 1 if unwritten else None, code, message, 1 if truncated else None, reader)
    return head + _NO_FACTS if facts is None else (*head, *fact_columns(facts))


def fact_columns(facts: Sequence[Any]) -> list[object]:
    """Return the facts, which may also be a row of them, in the order of FACT_COLUMNS."""
    return [*facts[:_LISTS], _text_of_lists(tuple(facts[_LISTS:]))]


class Block(NamedTuple):
    """Readings in which the same columns are known, column by column; nothing is said of the others.

    Python gives SQLite a None only after it has looked for an adapter, which takes as long as seven numbers.
    """

    columns: tuple[int, ...]  # indexes into READING_COLUMNS, rising; the file's id is always there
    values: Sequence[Sequence[Any]]  # of each column, file by file

    @property
    def file_ids(self) -> Sequence[int]:
        """The ids of the files."""
        return self.values[0]


def blocks_of(rows: Iterable[Sequence[object]]) -> list[Block]:
    """Put rows that follow one another and have the same columns together."""
    blocks = []
    for types, same in groupby(rows, _types):
        known = [each is not NoneType for each in types]
        blocks.append(Block(tuple(compress(_EVERY, known)), [*compress(zip(*same, strict=True), known)]))
    return blocks


def _types(row: Sequence[object]) -> tuple[type, ...]:
    return tuple(map(type, row))


@lru_cache(maxsize=256)
def _text_of_lists(lists: Sequence[Any]) -> str:
    """Write the lists as JSON, the last one of pictures; the tracks of an album mostly have the same."""
    *texts, pictures = lists
    told = [f"[{size},{kind},{'null' if mime is None else quoted(mime)}]" for size, kind, mime in pictures]
    return f"[{','.join(map(_text_of_texts, texts))},[{','.join(told)}]]"


@lru_cache(maxsize=1024)
def _text_of_texts(values: tuple[str, ...]) -> str:
    return f"[{','.join(map(quoted, values))}]"


def facts_of(columns: Sequence[Any]) -> Facts | None:
    """Return the facts from their columns, in the order of FACT_COLUMNS."""
    *plain, text = columns
    if text is None:
        return None
    values: dict[str, Any] = dict(zip(FACT_COLUMNS, plain, strict=False)) | lists_of(text)
    if values["compilation"] is not None:
        values["compilation"] = bool(values["compilation"])
    return Facts(**values)


@lru_cache(maxsize=256)  # the tracks of an album say the same; whoever is given it leaves it as it is
def lists_of(text: str) -> dict[str, tuple[Any, ...]]:
    """Return the facts that are several values, by name.

    A text of another shape can only come from a process that a hostile file took over; it counts as nothing.
    """
    try:
        *texts, pictures = [tuple(values) for values in json.loads(text)]
        named = dict(zip(Facts._fields[_LISTS:], [*texts, _pictures(pictures)], strict=True))
    except (ValueError, TypeError, RecursionError):
        named = {}
    sound = all(type(value) is str for values in named.values() for value in values if type(value) is not Picture)
    return named if sound else {}


def _pictures(found: tuple[Any, ...]) -> tuple[Picture, ...]:
    pictures = tuple(Picture(*picture) for picture in found)
    if any(type(one.size) is not int or type(one.type) is not int for one in pictures):
        raise TypeError("a picture is told by numbers")
    return pictures
