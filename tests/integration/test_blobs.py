"""The cache of files: whole before it is told of, damaged ones noticed, kept while somebody holds them, then gone."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from config.database import Database
from config.errors import Retryable
from processor.artwork import blobs, desk
from processor.artwork.blobs import Blob, BlobMissing, Blobs
from processor.artwork.desk import WORK, Gallery
from processor.artwork.pool import PicturePool

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=31)


@pytest.fixture
def cache(database: Database, tmp_path: Path) -> Blobs:
    return Blobs(database, tmp_path)


def holding(database: Database, holder: str, *held: Blob, now: dt.datetime = NOW) -> None:
    with database.begin() as connection:
        blobs.hold(connection, holder, [one.sha256 for one in held], now)


def files(cache: Blobs) -> list[str]:
    return sorted(os.fsdecode(path.relative_to(cache.folder)) for path in cache.folder.rglob("*") if path.is_file())


def test_what_is_put_is_named_after_its_bytes_and_read_back(cache: Blobs) -> None:
    blob = cache.put(b"picture", "jpg", NOW)
    assert blob == Blob(hashlib.sha256(b"picture").hexdigest(), "jpg", 7)
    assert cache.find(blob.sha256) == blob
    assert cache.read(blob) == b"picture"
    assert files(cache) == [f"{blob.sha256[:2]}/{blob.sha256}.jpg"]


def test_the_same_bytes_are_kept_once_however_many_put_them_at_once(cache: Blobs) -> None:
    with ThreadPoolExecutor(8) as pool:
        put = list(pool.map(lambda _: cache.put(b"x" * 100_000, "png", NOW), range(8)))
    assert len(set(put)) == 1
    assert len(files(cache)) == 1


@pytest.mark.parametrize(
    "harm", [lambda path: path.write_bytes(b"pictur3"), lambda path: path.unlink(), lambda path: path.write_bytes(b"")]
)
def test_a_damaged_or_missing_file_is_noticed_and_can_be_put_again(cache: Blobs, harm: Callable[[Path], None]) -> None:
    blob = cache.put(b"picture", "jpg", NOW)
    harm(cache.path(blob))
    assert not cache.is_whole(blob)
    with pytest.raises(BlobMissing):
        cache.read(blob)
    assert cache.put(b"picture", "jpg", NOW) == blob
    assert cache.read(blob) == b"picture"
    assert len(files(cache)) == 1


def test_what_nobody_holds_goes_when_its_grace_is_over_and_what_somebody_holds_stays(
    cache: Blobs, database: Database
) -> None:
    shared, mine, free = (cache.put(data, "jpg", NOW) for data in (b"shared", b"mine", b"free"))
    holding(database, "album a", shared, mine)
    holding(database, "album b", shared)
    holding(database, "album a")
    with database.read() as connection:
        assert not blobs.has_garbage(connection, NOW + dt.timedelta(days=29))
        assert blobs.has_garbage(connection, LATER)
    assert cache.collect(NOW + dt.timedelta(days=29)) == 0
    assert cache.collect(LATER) == 2
    assert cache.read(shared) == b"shared"
    assert not cache.is_whole(mine)
    assert not cache.is_whole(free)
    with pytest.raises(BlobMissing):
        cache.find(mine.sha256)


def test_a_blob_that_is_wanted_again_within_its_grace_stays(cache: Blobs, database: Database) -> None:
    blob = cache.put(b"picture", "jpg", NOW)
    holding(database, "a", blob)
    holding(database, "a")
    holding(database, "b", blob)
    assert cache.collect(LATER) == 0
    holding(database, "b", now=LATER)
    assert cache.collect(LATER) == 0, "the grace begins when it is released"


def test_nobody_can_hold_what_is_gone(cache: Blobs, database: Database) -> None:
    blob = cache.put(b"picture", "jpg", NOW)
    assert cache.collect(LATER) == 1
    with pytest.raises(Retryable, match="put it again"):
        holding(database, "a", blob)


def test_files_that_no_row_knows_are_swept_when_they_are_old_enough(cache: Blobs, database: Database) -> None:
    blob = cache.put(b"picture", "jpg", NOW)
    folder = cache.folder / blob.sha256[:2]
    left, fresh, lost, young, published = (
        folder / name for name in (".a.new", ".b.new", "0" * 64 + ".jpg", "1" * 64 + ".nfo", "2" * 64 + ".nfo")
    )
    ages = {left: 2, fresh: 0, lost: 31, young: 29, published: 31, cache.path(blob): 31}
    for path, days in ages.items():
        path.touch()
        os.utime(path, ((LATER - dt.timedelta(days=days)).timestamp(),) * 2)
    holding(database, "a", blob)
    cache.collect(LATER, spared={"2" * 64})
    assert {path for path in ages if path.exists()} == {fresh, young, published, cache.path(blob)}


def test_what_goes_while_it_is_swept_costs_the_sweep_nothing(cache: Blobs, database: Database) -> None:
    blob = cache.put(b"picture", "jpg", NOW)
    for name in (".gone.new", f"../{WORK}gone"):
        (cache.folder / blob.sha256[:2] / name).symlink_to("nowhere")
    desk.sweep(Gallery(database, cache.data_dir, PicturePool(1)), LATER.timestamp())
    assert cache.collect(LATER) == 1


def test_a_blob_that_is_spared_stays_though_nobody_holds_it(cache: Blobs) -> None:
    published, free = cache.put(b"published", "jpg", NOW), cache.put(b"free", "jpg", NOW)
    assert cache.collect(LATER, spared={published.sha256}) == 1
    assert cache.read(published) == b"published"
    assert not cache.is_whole(free)


def test_bytes_are_durable_before_they_have_their_name_and_that_before_there_is_a_row(
    cache: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = hashlib.sha256(b"picture").hexdigest()
    real, synced = os.fsync, []

    def fsync(fd: int) -> None:
        real(fd)
        target = Path(os.readlink(f"/proc/self/fd/{fd}"))
        what = "bytes" if target.is_file() else os.path.relpath(target, cache.folder)
        with pytest.raises(BlobMissing):
            cache.find(name)
        synced.append((what, cache.path(Blob(name, "jpg", 7)).exists()))

    monkeypatch.setattr("processor.artwork.blobs.os.fsync", fsync)
    cache.put(b"picture", "jpg", NOW)
    assert synced == [("..", False), (".", False), ("bytes", False), (name[:2], True)]


def test_a_full_disk_is_told_and_nothing_is_recorded(cache: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("processor.artwork.blobs.os.fsync", full)
    with pytest.raises(Retryable, match="free some space"):
        cache.put(b"picture", "jpg", NOW)
    monkeypatch.undo()
    with pytest.raises(BlobMissing):
        cache.find(hashlib.sha256(b"picture").hexdigest())
