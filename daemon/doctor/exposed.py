"""The files that hold secrets, or tell them by digests → those that everybody on this machine may read."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from config.boot import BootSettings, config_file, is_secret_in_file
from config.reasons import show_path
from daemon.finding import Finding


def examine_exposed(boot: BootSettings, database: Path | None) -> Iterator[Finding]:
    """Name them; `database` is SQLite's file. Greenroom makes none such; a copy, or an older version, may have."""
    holds = [(database, "accounts and secrets")] if database else []
    holds += [(boot.secret_key_file, "the key of secrets")] if boot.secret_key_file else []
    holds += [(config_file(), "a password or a key")] if is_secret_in_file(boot) else []
    for file, what in holds:
        if _is_open_to_all(file):
            shown = show_path(bytes(file))
            message = f"everybody on this machine may read {shown}, which holds {what}: `chmod o= {shown}`"
            yield Finding("note", "exposed", message)


def _is_open_to_all(file: Path) -> bool:
    """Whether the rights of a file, and of all folders above it, let anybody read it."""
    try:
        may_enter = all(folder.stat().st_mode & stat.S_IXOTH for folder in file.resolve().parents)
        return may_enter and bool(file.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
