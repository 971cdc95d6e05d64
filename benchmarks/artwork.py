"""P15, P16: what it takes to know the picture of every track, against imagehash's phash of each, in one process."""

from __future__ import annotations

import io
import os
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import imagehash
from blake3 import blake3
from PIL import Image

from benchmarks.corpus import home
from benchmarks.measure import Row, alternate
from processor.artwork.likeness import distance
from processor.artwork.phash import phash
from processor.artwork.pool import PicturePool
from processor.artwork.wire import Seen, Task
from tests.pictures import photo

COVERS, TRACKS = 80, 12  # as in a collection: of 12 tracks that carry a picture 11 carry one that was there before
PROGRESSIVE = 0.31
PROCESSES = 4


def run(_large: bool) -> list[Row]:
    """Measure on 80 covers of 960 tracks. Raises AssertionError when a hash is not within two bits of imagehash's."""
    covers = _covers()
    progressive = [data for data in covers if b"\xff\xc2" in data]
    pool = PicturePool(PROCESSES)
    try:
        _check(covers, pool)
        works: dict[str, Callable[[], object]] = {
            "tracks": lambda: _tracks(covers * TRACKS, pool),
            "distinct": lambda: _tracks(covers, pool),
            "one process": lambda: [_own(data) for data in progressive],
            "imagehash": lambda: [_plain(data) for data in covers],
            "imagehash, progressive": lambda: [_plain(data) for data in progressive],
        }
        costs = {name: cost.wall for name, cost in alternate(works).items()}
    finally:
        pool.close()
    plain, track = costs["imagehash"] / len(covers), costs["tracks"] / len(covers) / TRACKS
    distinct = costs["distinct"] / len(covers)
    theirs, ours = (costs[name] / len(progressive) * 1e3 for name in ("imagehash, progressive", "one process"))
    return [
        Row("P15", f"the picture of a track, {TRACKS} with each, {PROCESSES} processes, against imagehash in one",
            plain / track, 50, 150, note=f"{track * 1e3:.2f} ms, imagehash {plain * 1e3:.1f} ms"),
        Row("P15a", f"the same where every track has a picture of its own, {PROCESSES} processes",
            plain / distinct, 5, note=f"{distinct * 1e3:.1f} ms"),
        Row("P16", "hash of a progressive JPEG, one process each", theirs / ours, 5, 10,
            note=f"{ours:.1f} ms, imagehash {theirs:.1f} ms"),
    ]  # fmt: skip


def _tracks(pictures: Sequence[bytes], pool: PicturePool) -> dict[str, Seen]:
    """Look at the picture of each track, as a pass does: at each content once."""
    with tempfile.TemporaryDirectory(dir=home()) as folder:
        seen: set[str] = set()

        def fresh() -> Any:
            for data in pictures:
                content = blake3(data).hexdigest()
                if content not in seen:
                    seen.add(content)
                    path = Path(folder, content)
                    path.write_bytes(data)
                    yield Task("look", os.fsencode(path))

        return {found.content: found for _, found in pool.each(fresh())}


def _check(covers: Sequence[bytes], pool: PicturePool) -> None:
    found = _tracks(covers, pool)
    for data in covers:
        seen = found[blake3(data).hexdigest()]
        assert distance(seen.phash, _plain(data)) <= 2, "a hash is not imagehash's"
        assert distance(seen.phash, _own(data)) == 0, "another process, another hash"


def _own(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        return phash(image, data, 1)


def _plain(data: bytes) -> str:
    with Image.open(io.BytesIO(data)) as image:
        return str(imagehash.phash(image))


def _covers() -> list[bytes]:
    """Return covers of 1000 to 3000 pixels as JPEG, some of them progressive; made once."""
    folder = home() / f"covers{COVERS}"
    if not (folder / "done").exists():
        print(f"bench: making {COVERS} covers in {folder}", file=sys.stderr)
        folder.mkdir(exist_ok=True)
        rng = random.Random(5)
        for number in range(COVERS):
            size, quality = rng.choice((1000, 1200, 1400, 1500, 2000, 3000)), rng.randint(80, 95)
            is_progressive = rng.random() < PROGRESSIVE
            photo(number, size).save(folder / f"{number}.jpg", quality=quality, progressive=is_progressive)
        (folder / "done").touch()
    return [path.read_bytes() for path in sorted(folder.glob("*.jpg"))]
