"""P12 to P14: albums of files moved for good, against `cp -a` with `sync -f` and against bare renames."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.corpus import home
from benchmarks.measure import Row, alternate, micros, not_measured
from config.machine import boot_id
from processor.filesystem import copying
from processor.filesystem.files import Tree
from processor.staging.crew import Crew
from processor.staging.mover import BATCH
from processor.transfers.building import build, sync_sources
from processor.transfers.clearing import clear, emptied
from processor.transfers.comparing import digest_at
from processor.transfers.hidden import hidden_folder
from processor.transfers.steps import above_hidden, above_target, fill, rename, sync_above, sync_built
from processor.transfers.transfer import Transfer, TransferFile
from scanner.identity import Identity
from scanner.writers import has_writer

SIZE, TRACKS = 13 << 20, 12
WORKERS = 4
ROUNDS = 3  # each of them waits for the disk
_numbers = itertools.count()


class _Free:
    """A guard that forbids nothing."""

    fence = 1

    def check(self, label: str) -> None:
        """Let every step go."""

    def check_stop(self) -> None:
        """Never stop."""


class Scale(NamedTuple):
    """How much is moved."""

    copied: int  # files of SIZE
    albums: int  # of TRACKS


SCALES: Final = {False: Scale(48, 400), True: Scale(160, 1667)}


def run(large: bool) -> Iterator[Row]:
    """Measure; every copy is read back before its time counts."""
    with tempfile.TemporaryDirectory(dir=home()) as scratch:
        yield from _copy(Path(scratch), SCALES[large].copied)
        why = "every copy is hashed and goes to the disk; there is no plain one"
        yield not_measured("P13", "plain copy, 4 threads, against cp -a", why, 2, 4)
        yield from _rename(Path(scratch), SCALES[large].albums)


def _copy(scratch: Path, files: int) -> Iterator[Row]:
    source, ours, theirs = scratch / "source", scratch / "ours", scratch / "cp"
    source.mkdir()
    for n in range(files):
        (source / f"{n:03}.flac").write_bytes(os.urandom(SIZE))
    _settle(scratch)
    done: list[Transfer] = []

    def copy() -> None:
        transfer = _transfer(source, ours, sorted(source.iterdir()))
        done[:] = [fill(transfer, _Free(), strongest="copy", workers=WORKERS)]

    def write() -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(lambda file: _write(file, ours / file.name), sorted(source.iterdir())):
                pass

    def cp() -> None:
        subprocess.run(["cp", "-a", source, theirs], check=True)
        subprocess.run(["sync", "-f", theirs], check=True)

    def clean() -> None:
        for folder in (ours, theirs):
            shutil.rmtree(folder, ignore_errors=True)
        ours.mkdir()
        _settle(scratch)

    costs = alternate({"cp": cp, "written": write, "ours": copy}, before=clean, rounds=ROUNDS)
    with Tree(os.fsencode(ours)) as tree:
        for file in done[0].files:
            assert digest_at(tree, hidden_folder(done[0]) + b"/" + file.target) == file.digest
    shutil.rmtree(source)
    rate = {name: f"{files * SIZE / 1e9 / cost.wall:.2f} GB/s" for name, cost in costs.items()}
    cp_wall = costs["cp"].wall
    what = "durable copy with digest, 4 threads, against cp -a and sync -f"
    note = f"ours {rate['written']}, cp and sync {rate['cp']}"
    yield Row("P12", what, cp_wall / costs["written"].wall, 1.1, 2, note=note)
    what = "the same, and each copy proven: read back from the disk"
    yield Row("P12b", what, cp_wall / costs["ours"].wall, note=f"ours {rate['ours']}")


def _settle(folder: Path) -> None:
    """Have nothing wait for the disk of the folder."""
    subprocess.run(["sync", "-f", folder], check=True)


def _write(source: Path, target: Path) -> None:
    with source.open("rb", buffering=0) as original, target.open("xb", buffering=0) as copied:
        copying.copy(original.fileno(), copied.fileno(), SIZE)
        os.fsync(copied.fileno())


def _rename(scratch: Path, albums: int) -> Iterator[Row]:
    inbound, staging, renamed = scratch / "inbound", scratch / "staging", scratch / "renamed"

    planned: list[Transfer] = []

    def make() -> None:
        for folder in (inbound, staging, renamed):
            shutil.rmtree(folder, ignore_errors=True)
        staging.mkdir()
        for n in range(albums):
            (inbound / str(n)).mkdir(parents=True)
            for track in range(TRACKS):
                (inbound / str(n) / f"{track}.flac").touch()
        planned[:] = [
            _transfer(inbound, staging, sorted((inbound / str(n)).iterdir()), os.fsencode(f"{n % 100}/{n}"))
            for n in range(albums)
        ]
        _settle(scratch)

    def move() -> None:
        with Crew(WORKERS) as crew:
            for first in range(0, albums, BATCH):
                _move_batch(crew, planned[first : first + BATCH])

    def rename() -> None:
        for n in range(albums):
            os.makedirs(f"{renamed}/{n}")
            for track in range(TRACKS):
                os.rename(f"{inbound}/{n}/{track}.flac", f"{renamed}/{n}/{track}.flac")

    def calls() -> None:
        with ThreadPoolExecutor(WORKERS) as pool:
            for first in range(0, albums, BATCH):
                _bare_batch(pool, range(first, min(first + BATCH, albums)), os.fspath(inbound), os.fspath(staging))

    costs = alternate({"rename": rename, "calls": calls, "ours": move}, before=make, rounds=ROUNDS)
    files = albums * TRACKS
    note = f"ours {micros(costs['ours'], files)}; bare {micros(costs['rename'], files)}"
    what = "durable move by link, sidecar and switch, 4 threads, against bare renames"
    yield Row("P14", what, costs["rename"].wall / costs["ours"].wall, 0.4, 0.9, note=note)
    what = "the same, against nothing but its system calls"
    yield Row("P14b", what, costs["calls"].wall / costs["ours"].wall, note=f"calls {micros(costs['calls'], files)}")


def _bare_batch(pool: ThreadPoolExecutor, batch: Iterable[int], inbound: str, staging: str) -> None:
    """Do what a durable move asks of the system, and nothing else: no stop, no error, no word."""

    def sync(path: str, *, watch: bool = False) -> None:
        descriptor = os.open(path, os.O_RDONLY)
        if watch:
            has_writer(descriptor)
        os.fsync(descriptor)
        os.fstat(descriptor)
        os.close(descriptor)

    def each(paths: Iterable[str]) -> None:
        for _ in pool.map(sync, paths):
            pass

    def tracks(folder: str) -> list[str]:
        return [f"{folder}/{track}.flac" for track in range(TRACKS)]

    def sync_album(n: int) -> None:
        for path in tracks(f"{inbound}/{n}"):
            sync(path, watch=True)

    for _ in pool.map(sync_album, batch):
        pass
    for n in batch:
        os.mkdir(f"{staging}/.{n}")
        Path(f"{staging}/.{n}/sidecar").write_bytes(bytes(2000))
        for source, target in zip(tracks(f"{inbound}/{n}"), tracks(f"{staging}/.{n}"), strict=True):
            os.link(source, target)
            os.stat(target)
    each(f"{staging}/.{n}/{name}" for n in batch for name in ("sidecar", ""))
    each([staging])
    for n in batch:
        os.rename(f"{staging}/.{n}", f"{staging}/{n}")
    each([staging])
    for n in batch:
        for source, target in zip(tracks(f"{inbound}/{n}"), tracks(f"{staging}/{n}"), strict=True):
            os.stat(source)
            os.stat(target)
            os.unlink(source)
        os.rmdir(f"{inbound}/{n}")
    each([inbound])


def _move_batch(crew: Crew, albums: list[Transfer]) -> None:
    """Take albums through the steps of a batch as the product does, but for its commits."""
    guard = _Free()

    def sync(root: bytes, above: Callable[[Transfer], Iterable[bytes]], *, missing_ok: bool = False) -> None:
        folders = {folder for album in albums for folder in above(album)}
        crew.each(folders, lambda path: sync_above(root, [path], guard, missing_ok=missing_ok))

    inbound, staging = albums[0].src_root, albums[0].dst_root
    durable = [sync_sources(album, guard, partial(crew.sync, check=guard.check_stop)) for album in albums]
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
