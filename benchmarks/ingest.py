"""P8: a whole cycle, from dropped albums to staged ones with their rows, against `beet import` that moves."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from benchmarks import peers
from benchmarks.corpus import FILES, Corpus, corpus, home
from benchmarks.measure import Row, alternate, micros, not_measured
from tests.databases import TEMPLATE, PostgresServer

ROUNDS = 3  # beets needs twenty seconds for each


def run(_large: bool) -> Iterator[Row]:
    """Measure with a fresh copy of the corpus for every round."""
    beet, files = peers.beets(), FILES[False]
    what = f"whole ingest of {files:,} files without artwork, against beet import with move"
    if beet is None:
        yield not_measured("P8", what, "PyPI has no beets", 10, 30)
        return
    with tempfile.TemporaryDirectory(dir=home()) as scratch, _ingesting(Path(scratch)) as bench:
        works = {
            "ours": bench.ours,
            "beets": lambda: peers.beet_import(beet, bench.inbound, bench.scratch, bench.library),
        }
        costs = alternate(works, before=bench.fresh, rounds=ROUNDS)
        note = f"{bench.kind}; ours {micros(costs['ours'], files)}; beets {costs['beets'].wall:.1f} s"
        yield Row("P8", what, costs["beets"].wall / costs["ours"].wall, 10, 30, note=note)
        cycle = median(bench.seconds)
        what = "the same, but for the start of our command, which a daemon does not need"
        yield Row("P8b", what, costs["beets"].wall / cycle, 10, 30, note=f"ours {cycle / files * 1e6:.1f} µs")


@contextlib.contextmanager
def _ingesting(scratch: Path) -> Iterator[_Ingest]:
    """Give one on PostgreSQL; on SQLite where no server can be started."""
    with peers.postgres() as server, contextlib.ExitStack() as stack:
        yield _Ingest(corpus(), scratch, server, stack)


class _Ingest:
    """Each round has a database of its own: in one that knows the albums they would be updated, not taken in."""

    def __init__(
        self, music: Corpus, scratch: Path, server: PostgresServer | None, databases: contextlib.ExitStack
    ) -> None:
        self.scratch, self.inbound, self.library = scratch, scratch / "inbound", scratch / "library"
        self._music, self._staging = music, scratch / "staging"
        self._server, self._databases, self.kind = server, databases, "postgresql" if server else "sqlite"
        self.seconds: list[float] = []  # of each cycle, as it says itself
        self._environment = {
            **os.environ,
            "GREENROOM_DATA_DIR": os.fspath(scratch / "data"),
            "GREENROOM_LOG_LEVEL": "WARNING",
        }

    def fresh(self) -> None:
        """Drop every album anew, and forget what was staged before."""
        for folder in (self.inbound, self._staging, self.library, self.scratch / "data"):
            shutil.rmtree(folder, ignore_errors=True)
        subprocess.run(["cp", "-a", self._music.root, self.inbound], check=True)
        self._staging.mkdir()
        self._databases.close()
        sqlite, server = f"sqlite:///{self.scratch / 'data' / 'greenroom.db'}", self._server
        url = self._databases.enter_context(server.database(TEMPLATE)) if server else sqlite
        self._environment["GREENROOM_DATABASE_URL"] = url
        for role, place in (("inbound", self.inbound), ("staging", self._staging)):
            self._greenroom("libraries", "add", role, os.fspath(place))
        self._greenroom("settings", "set", "staging_scan.quiet_seconds", "0")
        subprocess.run(["sync", "-f", self.scratch], check=True)

    def ours(self) -> None:
        """Run one cycle."""
        report = json.loads(self._greenroom("cycle", "--json"))
        assert report["counts"]["staged"], report["counts"]
        self.seconds.append(report["duration_ms"] / 1000)

    def _greenroom(self, *arguments: str) -> bytes:
        command: list[str | Path] = [Path(sys.executable).with_name("greenroom"), *arguments]
        return subprocess.run(command, check=True, env=self._environment, stdout=subprocess.PIPE).stdout
