"""Pure functions of bytes → tables of their last answers: the tracks of an album say mostly the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

SHORT = 256  # bytes of what is worth remembering
_MOST = 1024  # answers: some albums' worth, and never much memory

T = TypeVar("T")


class Remembered(dict[bytes, T], Generic[T]):
    """`table[question]` is the function's answer; asked again, it costs a look into a dict. Errors are forgotten."""

    __slots__ = ("_answer",)

    def __init__(self, answer: Callable[[bytes], T]) -> None:
        self._answer = answer

    def __missing__(self, question: bytes) -> T:
        answer = self._answer(question)
        remember(self, question, answer)
        return answer


def remember(table: dict[bytes, T], question: bytes, answer: T) -> None:
    """Keep one answer, and forget all when there are many."""
    if len(table) >= _MOST:
        table.clear()
    table[question] = answer
