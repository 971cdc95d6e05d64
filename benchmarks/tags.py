"""P1, P2: reading tags in one process, against mutagen and against the least any program does with a file.

Nothing here waits, so processor time is compared, which neighbours disturb less. Mutagen is all Python and the least is
all kernel, so how far they are apart says what machine this is: P2 can only be compared between machines where that is
the same. What Python needs for the least is told beside it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from typing import Any

from mutagen.flac import FLAC
from mutagen.mp3 import MP3
from mutagen.mp4 import MP4
from mutagen.oggopus import OggOpus
from mutagen.oggvorbis import OggVorbis

from benchmarks import measure, peers
from benchmarks.corpus import Corpus, corpus
from benchmarks.measure import Row, alternate, micros, not_measured
from scanner.facts import Facts
from scanner.tags.read import read_tags

APART = 36  # times the C program's time mutagen took where the targets were measured
_CLASSES: dict[str, Any] = {"mp3": MP3, "flac": FLAC, "m4a": MP4, "ogg": OggVorbis, "opus": OggOpus}


def run(_large: bool) -> Iterator[Row]:
    """Measure on 2,000 files. Raises AssertionError when a tag is not what was written."""
    music = corpus()
    _check(music)
    paths = music.paths
    works: dict[str, Callable[[], object]] = {
        "ours": lambda: _read_all(paths),
        "mutagen": lambda: _mutagen(paths),
        "python": lambda: _open_and_read(paths),
    }
    if program := peers.c_limit():
        names = b"\0".join(paths)
        works["c"] = lambda: subprocess.run([program], input=names, check=True)
    costs = alternate(works, 3 * measure.ROUNDS)  # they are short, and neighbours come and go
    ours = costs["ours"]
    note = f"CPU; ours {micros(ours, len(paths))}"
    what = "facts of one file, against mutagen's class for its extension"
    yield Row("P1", what, costs["mutagen"].cpu / ours.cpu, 10, 20, note=note)
    what = "facts of one file, against open and pread in C"
    if program is None:
        yield not_measured("P2", what, "no C compiler", 0.25, 0.5)
        return
    apart, over_mutagen = costs["mutagen"].cpu / costs["c"].cpu, costs["mutagen"].cpu / ours.cpu
    note = f"CPU; C {micros(costs['c'], len(paths))}; open and pread in Python {micros(costs['python'], len(paths))}"
    note += f"; mutagen {apart:.0f} times C: {over_mutagen / APART:.2f} where it takes {APART} times, as for the target"
    yield Row("P2", what, costs["c"].cpu / ours.cpu, 0.25, 0.5, note=note)


def _read_all(paths: list[bytes]) -> list[Facts | None]:
    return [_read(path) for path in paths]


def _read(path: bytes) -> Facts | None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return read_tags(fd, path.rpartition(b".")[2].decode(), os.fstat(fd).st_size).facts
    finally:
        os.close(fd)


def _open_and_read(paths: list[bytes]) -> None:
    """Only what Python cannot leave out: open each file, ask for its size, read its first 4 KiB."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        os.fstat(fd)
        os.pread(fd, 4096, 0)
        os.close(fd)


def _mutagen(paths: list[bytes]) -> None:
    """Only open each file with the class for its extension, and leave the tags as they are."""
    for path in paths:
        _CLASSES[path.rpartition(b".")[2].decode()](path)


def _check(music: Corpus) -> None:
    """Compare every fact with what was written."""
    for place, written in music.truth.items():
        facts = _read(os.fsencode(music.root / place))
        assert facts is not None, place
        track, _, total = written["track"].partition("/")
        disc, _, discs = written.get("disc", "/").partition("/")
        expected = {name: written[name] for name in ("title", "artist", "album", "album_artist", "date", "compilation")}
        expected |= {"genres": (written["genre"],), "track": int(track), "track_total": int(total)}
        expected |= {"disc": int(disc) if disc else None, "disc_total": int(discs) if discs else None}
        expected |= {f"mb_{name}": (id,) if name.endswith("s") else id for name, id in written["mb"].items()}
        found = {name: getattr(facts, name) for name in expected}
        assert found == expected, (place, found, expected)
        assert [picture.size for picture in facts.pictures] == [s for s in (written["picture"],) if s], place
