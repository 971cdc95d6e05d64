"""A command as somebody types it, run in this process → what it prints and how it ends; and whose command it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from config.database import Database
from daemon.cli import main


def chosen(monkeypatch: pytest.MonkeyPatch, data_dir: Path, database: Database | str) -> None:
    """Let commands be of the installation with this data folder and this database, or its URL."""
    url = database if isinstance(database, str) else database.url.render_as_string(hide_password=False)
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(data_dir))
    monkeypatch.setenv("GREENROOM_DATABASE_URL", url)


def greenroom(*words: object, given: str = "") -> Result:
    """Run a command, which is given this on its standard input."""
    return CliRunner().invoke(main, [*map(str, words)], input=given, catch_exceptions=False)


def printed(*words: object, given: str = "", code: int = 0) -> str:
    """Return what a command prints that has to end so."""
    done = greenroom(*words, given=given)
    assert done.exit_code == code, done.output
    return done.output
