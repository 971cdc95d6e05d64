"""One safeguard taken out of our source, as data, and the words for what proves that somebody notices."""

from __future__ import annotations

from typing import NamedTuple


class Mutant(NamedTuple):
    """One edit by exact text, and what must notice it: arguments of `python -m`."""

    name: str
    file: str
    old: str
    new: str
    proof: tuple[str, ...]


def tests(*nodes: str) -> tuple[str, ...]:
    """A proof by tests."""
    return ("pytest", "-x", "-q", "-p", "no:cacheprovider", *nodes)


def asking(chosen: str) -> tuple[str, ...]:
    """A proof by tests of the client, where rows do not matter on SQLite alone."""
    return tests("tests/integration/test_client.py", "-k", chosen, "-m", "not postgres")


def on_sqlite(chosen: str, file: str) -> tuple[str, ...]:
    """A proof by some tests of a file, on SQLite alone."""
    return tests(file, "-k", chosen, "-m", "not postgres")


def power(place: str, story: str, every: int = 5, subject: str = "cycle") -> tuple[str, ...]:
    """A proof by power cuts."""
    what = ("--place", place, "--subject", subject, "--story", story)
    return ("tests.faults", "power", *what, "--every", f"{every}", "--stop")
