"""`scan-inbound -path … -output …`: the old name of the scan, for scripts; needs no installation and no database."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from config.errors import GreenroomError
from config.machine import keep_imported
from daemon.progress import bars
from daemon.signals import attended, stop_on_signals
from scanner.scan import scan_folder

WORKERS = range(1, 65)


def main() -> None:
    """Scan a folder of albums into a scan DB, and print that file's path."""
    keep_imported()
    # Not click, as the other commands: half of a start would be its import.
    parser = argparse.ArgumentParser(prog="scan-inbound", description=main.__doc__, allow_abbrev=False)
    parser.add_argument("-path", "--path", required=True, help="Folder to scan.")
    parser.add_argument("-output", "--output", required=True, type=Path, help="Folder of the scan DB.")
    parser.add_argument(
        "-workers", "--workers", type=int, default=4, metavar="1-64", help="Processes reading tags; default 4."
    )
    asked = parser.parse_args()
    if asked.workers not in WORKERS:
        parser.error(f"argument -workers: {asked.workers} is not between {WORKERS[0]} and {WORKERS[-1]}")
    try:
        with attended(), bars() as progress:
            if not os.path.isdir(asked.path):
                parser.error(f"argument -path: {os.fsencode(asked.path)!r} is no folder")
            root = os.path.abspath(os.fsencode(asked.path))
            scan_db, stats = scan_folder(
                root, asked.output, workers=asked.workers, stop=stop_on_signals(), progress=progress
            )
    except GreenroomError as error:
        parser.exit(error.exit_code, f"scan-inbound: {error.message}\n")
    sys.stderr.write(f"{stats.audio} audio files, {stats.groups} albums, {stats.problems} unreadable\n")
    sys.stdout.buffer.write(os.fsencode(scan_db) + b"\n")


if __name__ == "__main__":
    main()
