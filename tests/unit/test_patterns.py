"""Patterns that are compiled late are the patterns they would have been."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest

from scanner import grouping
from scanner.grouping.patterns import pattern


def test_a_pattern_answers_as_one_that_was_compiled_at_once() -> None:
    text, flags = r"cd\W*(?P<number>\d+)", re.IGNORECASE
    late, early = pattern(text, flags), re.compile(text, flags)
    for _ in range(2):
        found, expected = late.search("Album (CD 12)"), early.search("Album (CD 12)")
        assert found is not None
        assert expected is not None
        assert (found.span(), found["number"]) == (expected.span(), expected["number"])
        assert late.fullmatch("CD 12 live") is early.fullmatch("CD 12 live") is None
        assert late.sub("", "CD1 or CD2", count=1) == early.sub("", "CD1 or CD2", count=1)
    assert pattern(rb"\xff+").fullmatch(b"\xff\xff") is not None


@pytest.mark.parametrize("module", [one.name for one in pkgutil.iter_modules(grouping.__path__)])
def test_every_pattern_of_grouping_is_one(module: str) -> None:
    kind = type(pattern(""))
    values = vars(import_module(f"scanner.grouping.{module}")).values()
    several = [one for value in values if isinstance(value, tuple) for one in value]
    inside = [one for value in several if isinstance(value, tuple) for one in value]
    for found in (one for one in (*values, *several, *inside) if isinstance(one, kind)):
        assert re.compile(found.pattern, found.flags).groupindex == found.groupindex
