"""An album to move; an installation with two empty roots, and a browser at it: what many tests begin with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from daemon.bootstrap import Application
from processor.artwork.pool import PicturePool
from tests.faults.world import ALBUM, World
from tests.web import Browser, add_roots, installation, sign_in


@pytest.fixture(params=["link", "copy"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    """One album that was not moved yet, on each way."""
    return World.make(tmp_path, ALBUM, request.param)


@pytest.fixture(scope="module")
def pool() -> Iterator[PicturePool]:
    """Two processes that look at pictures, for a whole module: they take a while to begin."""
    made = PicturePool(2)
    yield made
    made.close()


@pytest.fixture
def bare_app(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Application]:
    """An installation with nothing in it."""
    with installation(database_url, tmp_path, monkeypatch) as opened:
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
    sign_in(made)
    return made
