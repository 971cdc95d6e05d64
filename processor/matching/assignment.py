"""A table of costs → the cheapest way to give each row a column of its own. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_FREE: Final = -1


def assign(costs: Sequence[Sequence[float]]) -> list[int | None]:
    """Return for each row its column, so that the sum is the least; None for rows that get none.

    Of the shorter side everybody gets a partner. It takes the time of rows² · columns at worst (the Hungarian method
    with shortest augmenting paths), and next to none where each row has a best column of its own.
    """
    rows, columns = len(costs), len(costs[0]) if costs else 0
    if not columns:
        return [None] * rows
    if rows > columns:
        turned: list[int | None] = [None] * rows
        for column, row in enumerate(_assigned([list(column) for column in zip(*costs, strict=True)])):
            turned[row] = column
        return turned
    return [*_assigned(costs)]


def _assigned(costs: Sequence[Sequence[float]]) -> list[int]:
    """Return for each row its column; there are at least as many columns as rows."""
    columns = len(costs[0])
    of_rows = [min(row) for row in costs]  # prices: what is left of a cost is never negative, and 0 where it is taken
    of_columns = [0.0] * columns
    taken = [_FREE] * columns  # by which row
    waiting = []
    for row, values in enumerate(costs):
        best = values.index(of_rows[row])
        if taken[best] == _FREE:
            taken[best] = row
        else:
            waiting.append(row)
    for row in waiting:
        _augment(costs, row, taken, of_rows, of_columns)
    found = [_FREE] * len(costs)
    for column, row in enumerate(taken):
        if row != _FREE:
            found[row] = column
    return found


def _augment(
    costs: Sequence[Sequence[float]], start: int, taken: list[int], of_rows: list[float], of_columns: list[float]
) -> None:
    """Give one more row a column, moving others along the cheapest path to a free one (Dijkstra's)."""
    columns = len(taken)
    distance = [float("inf")] * columns
    before = [_FREE] * columns  # the column whose row the path comes from
    is_done = [False] * columns
    reached: list[int] = []
    row, at, walked = start, _FREE, 0.0
    while True:
        values, price = costs[row], of_rows[row]
        nearest, least = _FREE, float("inf")
        for column in range(columns):
            if is_done[column]:
                continue
            through = walked + values[column] - price - of_columns[column]
            if through < distance[column]:
                distance[column], before[column] = through, at
            if distance[column] < least:
                nearest, least = column, distance[column]
        at, walked = nearest, least
        if taken[at] == _FREE:
            break
        is_done[at] = True
        reached.append(at)
        row = taken[at]
    of_rows[start] += walked
    for column in reached:
        of_rows[taken[column]] += walked - distance[column]
        of_columns[column] -= walked - distance[column]
    while before[at] != _FREE:
        taken[at] = taken[before[at]]
        at = before[at]
    taken[at] = start
