"""Every benchmark at a size that takes no time: whether it still runs, not what it measures."""

from __future__ import annotations

import contextlib
import importlib
from pathlib import Path
from types import ModuleType

import pytest

from benchmarks import artwork, corpus, database, engine, engine_peers, measure, move, peers
from benchmarks.__main__ import NAMES
from tests.databases import PostgresServer

# What each measures where there is neither a PostgreSQL server nor anybody else's program.
MEASURED = {
    "tags": {"P1"},
    "walk": {"P9"},
    "scan": {"P5"},
    "move": {"P12", "P12b", "P14", "P14b"},
    "database": {"P18", "P18b"},
    "artwork": {"P15", "P15a", "P16"},
    "engine": {"E2", "E4"},
}
SMALL: dict[ModuleType, dict[str, object]] = {
    corpus: {"FILES": {False: 20}, "EMPTY_FILES": 46, "EMPTY_FOLDERS": 26},
    measure: {"ROUNDS": 1},
    move: {"SIZE": 1 << 16, "ROUNDS": 1, "SCALES": {False: move.Scale(copied=2, albums=3)}},
    database: {"ALBUMS": 20, "ONE_BY_ONE": 2, "FILES": 240},
    artwork: {"COVERS": 1, "TRACKS": 2, "PROGRESSIVE": 1.0, "PROCESSES": 1},
    engine: {"JOBS": 20, "BACKLOGS": (50, 100), "ROUNDS": 2, "WORKERS": 1, "PEERS": {"SQLite": (), "PostgreSQL": ()}},
    engine_peers: {"SINGLE": 2},
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where benchmarks keep what is made once, with a beets that does nothing."""
    made = tmp_path_factory.mktemp("bench")
    beet = made / "beets" / "bin" / "beet"
    beet.parent.mkdir(parents=True)
    beet.write_text("#!/bin/sh\n")
    beet.chmod(0o755)
    return made


@pytest.fixture(autouse=True)
def _small(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_BENCH_DIR", str(home))
    for module, sizes in SMALL.items():
        for name, value in sizes.items():
            monkeypatch.setattr(module, name, value)
    monkeypatch.setattr(peers.Mpd, "is_there", lambda: False)
    monkeypatch.setattr(peers, "postgres", contextlib.nullcontext)


def measured(name: str) -> set[str]:
    """Run a benchmark; return the ids of its rows that have a ratio."""
    rows = list(importlib.import_module(f"benchmarks.{name}").run(False))
    assert len(measure.table(rows).splitlines()) == 1 + len(rows)
    return {row.id for row in rows if row.ratio is not None}


@pytest.mark.parametrize("name", MEASURED)
def test_a_benchmark_still_runs(name: str) -> None:
    assert measured(name) >= MEASURED[name]


@pytest.mark.postgres
def test_rows_are_upserted_into_a_server(postgres_server: PostgresServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peers, "postgres", lambda: contextlib.nullcontext(postgres_server))
    assert measured("database") >= {"P17", "P17b"}


def test_no_other_benchmark_is_left_out() -> None:
    """A whole ingest begins by setting up an installation from the command line, over and over: a minute of it."""
    assert set(NAMES) - set(MEASURED) == {"ingest"}
