"""An installation with two empty roots, and a browser at it: what tests of pages and of the API begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.bootstrap import Application
from tests.web import Browser, add_roots, installation, set_up


@pytest.fixture
def web_url(database_url: str) -> str:
    """Each kind of database; a module for which one is enough says so with a fixture of its own."""
    return database_url


@pytest.fixture
def bare_app(web_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """An installation with nothing in it."""
    with installation(web_url, tmp_path, monkeypatch) as opened:
        yield opened


@pytest.fixture
def app(bare_app: Application, tmp_path: Path) -> Application:
    """An installation with two empty roots."""
    add_roots(bare_app, tmp_path)
    return bare_app


@pytest.fixture
def browser(app: Application) -> Browser:
    """A browser that is signed in."""
    made = Browser(app)
    set_up(made)
    return made
