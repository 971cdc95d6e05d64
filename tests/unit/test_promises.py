"""Each clause of what is promised and each line against strangers names tests, and those tests are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROMISES = (ROOT / "docs/promises.md").read_text()
STRANGERS = (ROOT / "ARCHITECTURE.md").read_text().split("## What strangers may try")[1].split("\n## ")[0]
CLAUSES = re.split(r"^\d\. ", PROMISES.split("\n## ")[0], flags=re.MULTILINE)[1:]


def named(text: str) -> list[tuple[str, str]]:
    """The tests a text names: file and function."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)


def test_each_of_the_seven_clauses_names_a_test() -> None:
    assert len(CLAUSES) == 7
    assert all(named(clause) for clause in CLAUSES)


def test_the_named_tests_are_there() -> None:
    for file, function in named(PROMISES):
        tree = ast.parse((ROOT / file).read_bytes())
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, f"{file}::{function}"


def test_each_line_against_strangers_names_tests_that_are_there() -> None:
    lines = STRANGERS.strip().splitlines()[2:]
    assert len(lines) > 10
    for line in lines:
        file = None
        tests = re.findall(r"`(test_\w+\.py)?::(\w+)`", line)
        assert tests, line
        for given, function in tests:
            file = given or file
            assert f"def {function}(" in (ROOT / "tests/integration" / str(file)).read_text(), f"{file}::{function}"
