"""Databases for tests: a file or a real server, empty or migrated, one of its own for each test."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from loguru import logger

import daemon.bootstrap  # noqa: F401  # names what declares settings, as for every command
from config.database import Database
from tests.databases import TEMPLATE, PostgresServer, close_opened, migrate, start_postgres

# A loaded machine must not fail a test, and the checkout may belong to somebody else: no clock, nothing written.
settings.register_profile(
    "greenroom", deadline=None, database=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("greenroom")

BOTH = {"sqlite": "sqlite", "postgres": pytest.param("postgresql", marks=pytest.mark.postgres)}

# Many daemons run at once in tests, and one port is enough for one page only.
os.environ.setdefault("GREENROOM_WEB", "")
# No test leaves this machine: providers are asked only where a test has made one.
os.environ["GREENROOM_OFFLINE"] = "true"


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Level and message of everything logged from INFO on."""
    lines: list[str] = []
    sink = logger.add(lambda message: lines.append(str(message).rstrip()), format="{level} {message}", level="INFO")
    yield lines
    logger.remove(sink)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server of this test process, started by the first test that asks for one."""
    server = start_postgres()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(_sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database, this test's own."""
    return f"sqlite:///{shutil.copy(_sqlite_template, tmp_path / 'greenroom.db')}"


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database, this test's own."""
    with postgres_server.database(TEMPLATE) as url:
        yield url


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Let a test that asks for a database run once on each kind; on one, if it is marked with that one's name."""
    if "database_url" in metafunc.fixturenames:
        only = [kind for name, kind in BOTH.items() if metafunc.definition.get_closest_marker(name)]
        metafunc.parametrize("database_url", only or BOTH.values(), indirect=True)


def pytest_collection_finish() -> None:
    """Leave what is imported, and every test, out of the garbage that each test's end looks through."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown() -> None:
    """Close databases before what they are in goes."""
    close_opened()


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database."""
    return str(request.getfixturevalue({"sqlite": "sqlite_url", "postgresql": "postgres_url"}[request.param]))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture(params=BOTH.values())
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table, of each kind."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        yield opened
        opened.close()
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    with server.database() as url:
        opened = Database(url)
        yield opened
        opened.close()
