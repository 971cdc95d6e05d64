"""Names of benchmarks → their table: `python -m benchmarks [--large] [--json] [name…]`."""

from __future__ import annotations

import argparse
import importlib
import sys

from benchmarks.measure import Row, as_json, calibration, table

NAMES = ("tags", "walk", "scan", "move", "database", "ingest", "artwork", "engine")


def main() -> None:
    """Run what is asked for, all of it by default."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Ratios against other programs, run in turn.")
    parser.add_argument("names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)}; default: all")
    parser.add_argument("--large", action="store_true", help="scan 20,000 files and not 2,000")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    given = parser.parse_args()
    if unknown := set(given.names).difference(NAMES):
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    rows: list[Row] = []
    notes = [calibration()]
    for name in given.names or NAMES:
        print(f"bench: {name}", file=sys.stderr)
        rows += importlib.import_module(f"benchmarks.{name}").run(given.large)
        notes.append(f"{calibration()} (after {name})")
    print(as_json(rows, notes) if given.json else "\n".join([table(rows), *notes]))


if __name__ == "__main__":
    main()
