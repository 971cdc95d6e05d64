"""Callables that do the same work → what each costs, run in turn, and the rows of the table of ratios."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any, NamedTuple

ROUNDS = 5
Work = Callable[[], object]


class Cost(NamedTuple):
    """Seconds of one run, or the medians of several."""

    wall: float
    cpu: float  # user and system time of this process and of every child it waited for


class Row(NamedTuple):
    """One line of the table. `ratio` is how many times better we are, except where `at_most` is set."""

    id: str
    what: str
    ratio: float | None
    must: float | None = None
    moonshot: float | None = None
    at_most: bool = False  # the ratio is a cost, and small ones are good
    note: str = ""  # absolute numbers, or why it was not measured

    @property
    def verdict(self) -> str:
        """Return what the ratio is worth."""
        if self.ratio is None:
            return "not measured"
        for target, word in ((self.moonshot, "moonshot"), (self.must, "holds")):
            if target is not None and (self.ratio <= target if self.at_most else self.ratio >= target):
                return word
        return "MISSED" if self.must is not None else "-"


def not_measured(id: str, what: str, why: str, must: float | None = None, moonshot: float | None = None) -> Row:
    """Return a row that says why it has no number."""
    return Row(id, what, None, must, moonshot, note=f"not measured: {why}")


def alternate(works: Mapping[str, Work], rounds: int | None = None, *, before: Work | None = None) -> dict[str, Cost]:
    """Run all works in turn, `rounds` times or ROUNDS; return the medians.

    `before` runs before each work and is not counted, nor is a first round. Without it that is the work itself: a
    kernel that takes back what nobody has touched for seconds (DAMON, on virtual machines) leaves none warm who had to
    wait for the others.
    """
    costs: dict[str, list[Cost]] = {name: [] for name in works}
    for number in range((rounds or ROUNDS) + bool(before)):
        for name, work in works.items():
            (before or work)()
            cost = measured(work)
            if number or not before:
                costs[name].append(cost)
    return {name: Cost(*map(median, zip(*found, strict=True))) for name, found in costs.items()}


def measured(work: Work) -> Cost:
    """Run a work once."""
    cpu, wall = _cpu(), time.perf_counter()
    work()
    return Cost(time.perf_counter() - wall, _cpu() - cpu)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def micros(cost: Cost, items: int) -> str:
    """Return wall and CPU time of one item in microseconds."""
    return f"{cost.wall / items * 1e6:.1f} µs, {cost.cpu / items * 1e6:.1f} µs CPU"


def calibration(processes: int = 4) -> str:
    """Return how many cores' worth of work so many processes get done now: the ceiling of all parallel rows."""
    loop = [sys.executable, "-S", "-c", "x = 0\nfor i in range(6_000_000): x += i"]
    alone = min(measured(lambda: subprocess.run(loop, check=True)).wall for _ in range(3))

    def together() -> None:
        for child in [subprocess.Popen(loop) for _ in range(processes)]:
            child.wait()

    cores = processes * alone / median(measured(together).wall for _ in range(3))
    return f"calibration: {processes} processes get {cores:.1f} cores' worth of work done now"


def table(rows: Iterable[Row]) -> str:
    """Return the rows as aligned text."""
    head = ("id", "ratio", "must hold", "moonshot", "verdict", "what")
    lines = [head, *(_cells(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    def target(value: float | None) -> str:
        return "-" if value is None else f"{'≤' if row.at_most else '≥'}{value:g}"

    ratio = "-" if row.ratio is None else f"{row.ratio:.3g}"
    note = f" ({row.note})" if row.note else ""
    return row.id, ratio, target(row.must), target(row.moonshot), row.verdict, row.what + note


def as_json(rows: Iterable[Row], notes: Iterable[str]) -> str:
    """Return the rows as one JSON object."""
    found: list[dict[str, Any]] = [row._asdict() | {"verdict": row.verdict} for row in rows]
    return json.dumps({"rows": found, "notes": list(notes)}, ensure_ascii=False, indent=1)
