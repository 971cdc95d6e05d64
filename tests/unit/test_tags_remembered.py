"""Questions asked again and again → the same answers, from a table that never grows large."""

from __future__ import annotations

import pytest

from scanner.tags.remembered import Remembered


def test_an_answer_is_given_once_and_then_known() -> None:
    asked: list[bytes] = []

    def length(question: bytes) -> int:
        asked.append(question)
        return len(question)

    table = Remembered(length)
    assert [table[b"four"], table[b"four"], table[b"three"]] == [4, 4, 5]
    assert asked == [b"four", b"three"]


def test_an_error_is_not_remembered() -> None:
    answers = iter([b"x", b"7"])
    table = Remembered(lambda _: int(next(answers)))
    with pytest.raises(ValueError, match="invalid literal"):
        table[b"?"]
    assert table[b"?"] == 7


def test_a_table_forgets_before_it_grows_large() -> None:
    table = Remembered(len)
    for number in range(10_000):
        assert table[b"%05d" % number] == 5
        assert len(table) <= 1024
