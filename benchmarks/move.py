"""P12 to P14: albums of files moved for good, against `cp -a` with `sync -f` and against bare renames."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from benchmarks.corpus import home
from benchmarks.measure import Row, alternate, micros, not_measured
from config.machine import boot_id
from processor.clearing import clear, emptied
from processor.crew import Crew
from processor.files import Tree
from processor.journal import Transfer, TransferFile
from processor.materialise import digest_at
from processor.mover import BATCH
from processor.transfer import (
    above_hidden,
    above_target,
    build,
    fill,
    hidden_folder,
    rename,
    sync_above,
    sync_built,
    sync_sources,
)
from scanner.identity import Identity

COPIED, SIZE, ALBUMS, TRACKS = 160, 13 << 20, 1667, 12
WORKERS = 4
_numbers = itertools.count()


class _Free:
    """A guard that forbids nothing."""

    fence = 1

    def check(self, label: str) -> None:
        """Let every step go."""

    def check_stop(self) -> None:
        """Never stop."""


def run(_large: bool) -> Iterator[Row]:
    """Measure; every copy is read back before its time counts."""
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        yield _copy(Path(scratch))
        why = "every copy is hashed, synced and read back; there is no plain one"
        yield not_measured("P13", "plain copy, 4 threads, against cp -a", why, 2, 4)
        yield _rename(Path(scratch))


def _copy(scratch: Path) -> Row:
    source, ours, theirs = scratch / "source", scratch / "ours", scratch / "cp"
    source.mkdir()
    for n in range(COPIED):
        (source / f"{n:03}.flac").write_bytes(os.urandom(SIZE))
    os.sync()
    done: list[Transfer] = []

    def copy() -> None:
        transfer = _transfer(source, ours, sorted(source.iterdir()))
        done[:] = [fill(transfer, _Free(), strongest="copy", workers=WORKERS)]

    def cp() -> None:
        subprocess.run(["cp", "-a", source, theirs], check=True)
        subprocess.run(["sync", "-f", theirs], check=True)

    def clean() -> None:
        for folder in (ours, theirs):
            shutil.rmtree(folder, ignore_errors=True)
        ours.mkdir()
        os.sync()

    costs = alternate({"cp": cp, "ours": copy}, before=clean)
    with Tree(os.fsencode(ours)) as tree:
        for file in done[0].files:
            assert digest_at(tree, hidden_folder(done[0]) + b"/" + file.target) == file.digest
    shutil.rmtree(source)
    rate = COPIED * SIZE / 1e9
    note = f"ours {rate / costs['ours'].wall:.2f} GB/s, cp and sync {rate / costs['cp'].wall:.2f} GB/s"
    what = "durable copy with digest and proof, 4 threads, against cp -a and sync -f"
    return Row("P12", what, costs["cp"].wall / costs["ours"].wall, 1.1, 2, note=note)


def _rename(scratch: Path) -> Row:
    inbound, staging, renamed = scratch / "inbound", scratch / "staging", scratch / "renamed"

    planned: list[Transfer] = []

    def make() -> None:
        for folder in (inbound, staging, renamed):
            shutil.rmtree(folder, ignore_errors=True)
        staging.mkdir()
        for n in range(ALBUMS):
            (inbound / str(n)).mkdir(parents=True)
            for track in range(TRACKS):
                (inbound / str(n) / f"{track}.flac").touch()
        planned[:] = [
            _transfer(inbound, staging, sorted((inbound / str(n)).iterdir()), os.fsencode(f"{n % 100}/{n}"))
            for n in range(ALBUMS)
        ]
        os.sync()

    def move() -> None:
        with Crew(WORKERS) as crew:
            for first in range(0, ALBUMS, BATCH):
                _move_batch(crew, planned[first : first + BATCH])

    def rename() -> None:
        for n in range(ALBUMS):
            (renamed / str(n)).mkdir(parents=True)
            for track in range(TRACKS):
                os.rename(inbound / str(n) / f"{track}.flac", renamed / str(n) / f"{track}.flac")

    costs = alternate({"rename": rename, "ours": move}, before=make, rounds=3)
    files = ALBUMS * TRACKS
    note = f"ours {micros(costs['ours'], files)}; bare {micros(costs['rename'], files)}"
    what = "durable move by link, sidecar and switch, 4 threads, against bare renames"
    return Row("P14", what, costs["rename"].wall / costs["ours"].wall, 0.4, 0.9, note=note)


def _move_batch(crew: Crew, albums: list[Transfer]) -> None:
    """Take albums through the steps of a batch as the product does, but for its commits."""
    guard = _Free()

    def sync(root: bytes, above: Callable[[Transfer], Iterable[bytes]], *, missing_ok: bool = False) -> None:
        folders = {folder for album in albums for folder in above(album)}
        crew.each(folders, lambda path: sync_above(root, [path], guard, missing_ok=missing_ok))

    inbound, staging = albums[0].src_root, albums[0].dst_root
    durable = crew.each(albums, lambda album: sync_sources(album, guard))
    albums = crew.each(zip(albums, durable, strict=True), lambda ready: build(ready[0], guard, durable=ready[1]))
    crew.each(albums, lambda album: sync_built(album, guard))
    sync(staging, above_hidden)
    crew.each(albums, lambda album: rename(album, guard))
    sync(staging, above_target)
    crew.each(albums, lambda album: clear(album, guard))
    sync(inbound, emptied, missing_ok=True)


def _transfer(source: Path, staging: Path, files: list[Path], target: bytes = b"album") -> Transfer:
    planned = tuple(
        TransferFile(os.fsencode(file.relative_to(source)), os.fsencode(file.name), "audio", Identity.of(file.stat()))
        for file in files
    )
    return Transfer(
        id=f"bench-{next(_numbers)}",
        kind="album",
        state="planned",
        src_root=os.fsencode(source),
        dst_root=os.fsencode(staging),
        target=target,
        files=planned,
        item={},
        fence=1,
        boot_id=boot_id(),
    )
