"""A reading ↔ the columns the scan DB keeps it in; the processes that read tags answer in them already."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from scanner.facts import Facts, Picture

if TYPE_CHECKING:
    from scanner.tags.read import Reading

    Read = Reading | tuple[None, tuple[str, str], bool, str]

_LISTS = tuple(i for i, name in enumerate(Facts._fields) if Facts._field_defaults[name] == ())
_PLAIN = tuple(i for i in range(len(Facts._fields)) if i not in _LISTS)
_plain, _lists = itemgetter(*_PLAIN), itemgetter(*_LISTS)
# A fact that is one value has a column of its name; those that are several share one JSON text.
FACT_COLUMNS = (*_plain(Facts._fields), "lists")
READING_COLUMNS = ("file_id", "unwritten", "problem", "message", "truncated", "reader", *FACT_COLUMNS)
_NO_FACTS = (None,) * len(FACT_COLUMNS)
_NO_PROBLEM = (None, None)
_encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


def columns_of(file_id: int, unwritten: bool, reading: Read) -> tuple[object, ...]:
    """Return the row of one reading, in the order of READING_COLUMNS.

    `unwritten` is whether it is known that nobody was writing to the file. What is not so is None, as is the unknown.
    """
    facts, problem, truncated, reader = reading
    head = (file_id, 1 if unwritten else None, *(problem or _NO_PROBLEM), 1 if truncated else None, reader)
    if facts is None:
        return head + _NO_FACTS
    if facts.compilation is not None:
        facts = facts._replace(compilation=int(facts.compilation))  # type: ignore[arg-type] # a bool is a column's number
    return (*head, *_plain(facts), _text_of_lists(_lists(facts)))


class Block(NamedTuple):
    """Rows in which the same columns are known; nothing is said of the others.

    Python gives SQLite a None or a bool only after it has looked for an adapter, which takes as long as five numbers.
    """

    columns: tuple[int, ...]  # indexes into READING_COLUMNS, rising; the file's id is always there
    rows: Sequence[Sequence[Any]]


def blocks_of(rows: Iterable[Sequence[object]]) -> list[Block]:
    """Put rows that follow one another and have the same columns together."""
    return [
        Block(columns, [[value for value in row if value is not None] for row in same])
        for columns, same in groupby(rows, _known)
    ]


def _known(row: Sequence[object]) -> tuple[int, ...]:
    return tuple([index for index, value in enumerate(row) if value is not None])


@lru_cache(maxsize=64)
def _text_of_lists(lists: tuple[tuple[object, ...], ...]) -> str:
    """Write the lists as JSON; the tracks of an album mostly have the same."""
    return _encode(lists)


def facts_of(columns: Sequence[Any]) -> Facts | None:
    """Return the facts from their columns, in the order of FACT_COLUMNS."""
    *plain, text = columns
    if text is None:
        return None
    values = dict(zip(FACT_COLUMNS, plain, strict=False)) | lists_of(text)
    if values["compilation"] is not None:
        values["compilation"] = bool(values["compilation"])
    return Facts(**values)


def lists_of(text: str) -> dict[str, tuple[Any, ...]]:
    """Return the facts that are several values, by name.

    A text of another shape can only come from a process that a hostile file took over; it counts as nothing.
    """
    try:
        *texts, pictures = [tuple(values) for values in json.loads(text)]
        named = {Facts._fields[i]: values for i, values in zip(_LISTS, [*texts, _pictures(pictures)], strict=True)}
    except (ValueError, TypeError, RecursionError):
        named = {}
    sound = all(type(value) is str for values in named.values() for value in values if type(value) is not Picture)
    return named if sound else {}


def _pictures(found: tuple[Any, ...]) -> tuple[Picture, ...]:
    pictures = tuple(Picture(*picture) for picture in found)
    if any(type(one.size) is not int or type(one.type) is not int for one in pictures):
        raise TypeError("a picture is told by numbers")
    return pictures
