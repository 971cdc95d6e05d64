"""P3 to P7, P11: whole scans, each a process of its own, against MPD, beets and the least any program does."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks import measure, peers
from benchmarks.corpus import Corpus, corpus, home
from benchmarks.measure import Row, alternate, measured, micros, not_measured
from scanner.scan import scan_folder

WORKERS = 4
# How much quicker than MPD a Go program with dhowden/tag, four workers and no database was where both were measured.
GO_OVER_MPD = {True: 2.6, False: 4.0}  # with 20,000 files, with 2,000
_DROP = Path("/proc/sys/vm/drop_caches")


def run(large: bool) -> Iterator[Row]:
    """Measure on 2,000 files, or on 20,000 for the targets that ask for them."""
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        bench = _Scans(corpus(large), Path(scratch))
        yield from bench.warm(large)
        yield from bench.cold(large)
        yield from bench.unchanged(large)


class _Scans:
    def __init__(self, music: Corpus, scratch: Path) -> None:
        self._music, self._scratch = music, scratch
        self._files = len(music.truth)
        self._mpd = peers.Mpd(music.root, scratch) if peers.Mpd.is_there() else None

    def scan(self) -> None:
        """Scan as somebody at a shell would, with nothing known before."""
        shutil.rmtree(self._output, ignore_errors=True)
        self.rescan()

    def rescan(self) -> None:
        """Scan again with what the scan before knew."""
        program = Path(sys.executable).with_name("scan-inbound")
        command: list[str | Path] = [
            program,
            "-path",
            self._music.root,
            "-output",
            self._output,
            "-workers",
            str(WORKERS),
        ]
        subprocess.run(command, check=True, capture_output=True)

    def rescan_live(self) -> None:
        """Scan again in this process."""
        scan_folder(os.fsencode(self._music.root), self._output, workers=WORKERS, stop=threading.Event())

    @property
    def _output(self) -> Path:
        return self._scratch / "scan-db"

    def warm(self, large: bool) -> Iterator[Row]:
        """Measure full scans with everything in the page cache."""
        works: dict[str, Callable[[], object]] = {"ours": self.scan}
        if program := peers.c_limit():
            names = b"\0".join(self._music.paths)
            works["c"] = lambda: subprocess.run([program], input=names, check=True)
        if mpd := self._mpd:
            works["mpd"] = partial(mpd.scan_anew, self._files)
        costs = alternate(works)
        ours, size = costs["ours"], f"{self._files} files"
        what = f"full scan of {size}, against MPD's"
        if mpd:
            note = f"ours {micros(ours, self._files)}; MPD {micros(costs['mpd'], self._files)}"
            over_mpd = costs["mpd"].wall / ours.wall
            yield Row("P3", what, over_mpd, 20 if large else None, 50 if large else None, note=note)
            what, note = f"full scan of {size}, against Go dhowden/tag", "reckoned from P3: no Go here"
            yield Row("P6", what, over_mpd / GO_OVER_MPD[large], 8 if large else None, 20 if large else None, note=note)
        else:
            yield not_measured("P3", what, "mpd and mpc are not installed", 20, 50)
            yield not_measured("P6", "full scan, against Go dhowden/tag", "neither Go nor MPD is installed", 8, 20)
        yield self._beets(ours.wall, size, 150 if large else 50)
        what = f"CPU of a full scan of {size}, as multiples of open and pread in C"
        if program:
            note = f"C {micros(costs['c'], self._files)}"
            yield Row("P7", what, ours.cpu / costs["c"].cpu, 8, 3, True, note)
        else:
            yield not_measured("P7", what, "no C compiler", 8, 3)

    def _beets(self, ours: float, size: str, must: float) -> Row:
        what = f"full scan of {size}, against beet import -A in place"
        program = peers.beets()
        if program is None:
            return not_measured("P5", what, "PyPI has no beets", must, 400)
        theirs = measured(lambda: peers.beet_import(program, self._music.root, self._scratch))
        return Row("P5", what, theirs.wall / ours, must, 400, note=f"beets ran once, {theirs.wall:.1f} s")

    def cold(self, large: bool) -> Iterator[Row]:
        """Measure full scans with nothing in the page cache, where we may empty it."""
        what = f"full scan of {self._files} files, cold, against MPD's"
        if large or not self._mpd or not os.access(_DROP, os.W_OK):
            why = "only with 2,000 files" if large else "needs MPD, and root to empty the page cache"
            yield not_measured("P4", what, why, 8, 20)
            return
        mpd = self._mpd

        def drop() -> None:
            os.sync()
            _DROP.write_text("3")

        costs = alternate({"ours": self.scan, "mpd": partial(mpd.scan_anew, self._files)}, before=drop)
        note = f"ours {micros(costs['ours'], self._files)}"
        yield Row("P4", what, costs["mpd"].wall / costs["ours"].wall, 8, 20, note=note)

    def unchanged(self, large: bool) -> Iterator[Row]:
        """Measure scans that find nothing new; with 2,000 files that is mostly the start of Python."""
        what = f"unchanged rescan of {self._files} files, whole process, against MPD's"
        if not self._mpd:
            yield not_measured("P11", what, "mpd and mpc are not installed", 1, 5)
            return
        self.scan()
        self._mpd.forget()
        self._mpd.scan(self._files)
        # The scans before the one carried on from would pile up; the newest is enough.
        works = {"ours": self.rescan, "live": self.rescan_live, "mpd": self._mpd.rescan}
        costs = alternate(works, before=self._keep_newest, rounds=2 * measure.ROUNDS)
        self._mpd.stop()
        note = f"ours {micros(costs['ours'], self._files)}"
        ratio = costs["mpd"].wall / costs["ours"].wall
        yield Row("P11", what, ratio, 1 if large else None, note=note)
        what = "the same in a process that lives on, as the daemon and MPD do"
        note = f"ours {micros(costs['live'], self._files)}"
        yield Row("P11b", what, costs["mpd"].wall / costs["live"].wall, None, 5 if large else None, note=note)

    def _keep_newest(self) -> None:
        for old in sorted(self._output.iterdir())[:-1]:
            old.unlink()
