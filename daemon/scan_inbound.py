"""`scan-inbound -path … -output …`: the old name of the scan, for scripts; needs no installation and no database."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from config.errors import GreenroomError
from config.machine import keep_imported, open_streams, uncollected
from config.reasons import counted

USAGE = """\
usage: scan-inbound -path FOLDER -output FOLDER [-workers 1-64]

Scan a folder of albums into a scan DB, and print that file's path.

  -path FOLDER     Folder to scan.
  -output FOLDER   Folder of the scan DB.
  -workers 1-64    Processes reading tags; default 4.
"""
WORKERS = range(1, 65)


def main() -> None:
    """Scan a folder of albums into a scan DB, and print that file's path."""
    open_streams()
    root, output, workers = _asked(sys.argv[1:])
    with uncollected():
        from daemon.progress import bars
        from daemon.signals import attended, stop_on_signals
        from scanner.scan import scan_folder

        keep_imported()
    try:
        with attended(), bars() as progress:
            if not os.path.isdir(root):
                _refuse(f"-path: {os.fsencode(root)!r} is no folder")
            root_path = os.path.abspath(os.fsencode(root))
            scan_db, stats = scan_folder(root_path, output, workers=workers, stop=stop_on_signals(), progress=progress)
    except GreenroomError as error:
        sys.stderr.write(f"scan-inbound: {error.message}\n")
        sys.exit(error.exit_code)
    sys.stderr.write(
        f"{counted(stats.audio, 'audio file')}, {counted(stats.groups, 'album')}, {stats.problems} unreadable\n"
    )
    _answer(os.fsencode(scan_db) + b"\n")


def _asked(words: Sequence[str]) -> tuple[str, Path, int]:
    """Return folder, output and workers; `-path x`, `--path x` and `-path=x` are the same.

    Read by hand, because argparse, or click, as the other commands have it, would add a tenth to a start, or a third.
    """
    asked = {"workers": "4"}
    rest = iter(words)
    for word in rest:
        option, is_whole, value = word.partition("=")
        name = option.removeprefix("-").removeprefix("-")
        if option in ("-h", "--help"):
            _answer(USAGE.encode())
            sys.exit()
        if name not in ("path", "output", "workers") or name == option:
            _refuse(f"{word} is unknown")
        asked[name] = value if is_whole else next(rest, "")
    for name in ("path", "output"):
        if not asked.get(name):
            _refuse(f"-{name} is missing")
    if not asked["workers"].isdecimal() or int(asked["workers"]) not in WORKERS:
        _refuse(f"-workers: {asked['workers']} is not between {WORKERS[0]} and {WORKERS[-1]}")
    return asked["path"], Path(asked["output"]), int(asked["workers"])


def _answer(text: bytes) -> None:
    try:
        sys.stdout.buffer.write(text)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is still to be written
        sys.stderr.write(f"scan-inbound: the answer could not be written: {error.strerror}\n")
        sys.exit(1)


def _refuse(why: str) -> NoReturn:
    sys.stderr.write(f"{USAGE.splitlines()[0]}\nscan-inbound: error: {why}\n")
    sys.exit(2)


if __name__ == "__main__":
    main()
