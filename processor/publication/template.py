"""A naming template such as `{album_artist}/{album}[ ({year})]` → its parts, checked; parts and values → a text. Pure.

    {name}       a value
    {name:02}    a number with at least so many digits
    [ … ]        only where every value in it is known; none within another
    /            a folder begins
    {{ }} [[ ]]  the signs themselves

A value never makes a folder: its slashes become `+`, as everywhere in names.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

LONGEST: Final = 500  # characters of a template
_TOKEN: Final = re.compile(r"\{\{|\}\}|\[\[|\]\]|\{([^{}]*)\}|[][{}]|[^][{}]+")
_VALUE: Final = re.compile(r"([a-z_]+)(?::0([1-9]))?")
Values = Mapping[str, str | int | None]


class Value(NamedTuple):
    """A value by its name; `width` is the least number of digits."""

    name: str
    width: int = 0


class Optional(NamedTuple):
    """Parts that are left out together where one of their values is not known."""

    parts: tuple[Part, ...]


Part = str | Value | Optional


def parse(text: str, names: Collection[str]) -> tuple[Part, ...]:
    """Return the parts of a template whose values may have these names. Raises ValueError with what is wrong."""
    if len(text) > LONGEST:
        raise ValueError(f"must be at most {LONGEST} characters")
    if not text.isprintable():
        raise ValueError("must not have control characters or line breaks")
    stack: list[list[Part]] = [[]]
    for match in _TOKEN.finditer(text):
        sign = match[0]
        if sign == "[":
            if len(stack) > 1:
                raise ValueError("a part in [ ] cannot hold another one; write [[ for the sign itself")
            stack.append([])
        elif sign == "]":
            if len(stack) == 1:
                raise ValueError(f"the ] at character {match.start() + 1} closes nothing; write ]] for the sign itself")
            parts = tuple(stack.pop())
            if not any(True for _ in used(parts)):
                raise ValueError("a part in [ ] has no value, so it would never be left out; write [[ ]] for the signs")
            stack[-1].append(Optional(parts))
        else:
            stack[-1].append(_part(sign, match, names))
    if len(stack) > 1:
        raise ValueError("a [ is never closed")
    return tuple(stack[0])


def _part(sign: str, match: re.Match[str], names: Collection[str]) -> Part:
    if sign in ("{{", "}}", "[[", "]]"):
        return sign[0]
    if sign in ("{", "}"):
        raise ValueError(f"the {sign} at character {match.start() + 1} has no other half; write {sign * 2} for it")
    if match[1] is None:
        return sign
    value = _VALUE.fullmatch(match[1])
    if value is None or value[1] not in names:
        raise ValueError(f"there is no {sign}; there are {', '.join(f'{{{name}}}' for name in sorted(names))}")
    return Value(value[1], int(value[2] or 0))


def used(parts: Collection[Part]) -> Iterator[str]:
    """Yield the names of the values in a template."""
    for part in parts:
        if isinstance(part, Value):
            yield part.name
        elif isinstance(part, Optional):
            yield from used(part.parts)


def render(parts: Collection[Part], values: Values) -> str:
    """Return the text; a value that is not known is nothing."""
    return "".join(_text(part, values) for part in parts)


def _text(part: Part, values: Values) -> str:
    if isinstance(part, str):
        return part
    if isinstance(part, Optional):
        known = all(values.get(name) not in (None, "") for name in used(part.parts))
        return render(part.parts, values) if known else ""
    value = values.get(part.name)
    if isinstance(value, int):
        return f"{value:0{part.width}d}"
    return value.replace("/", "+") if value else ""
