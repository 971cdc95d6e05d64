"""Hosts with names, mounts and data folders of their own, one PostgreSQL → each does what it has the roots for."""

from __future__ import annotations

import ctypes
import datetime as dt
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, ClassVar

import pytest

from config import admin, libraries
from config.database import Database
from config.libraries import Role
from processor.items import storing
from tests.engine_worker import QUICK
from tests.faults.test_engine_workers import NURSERY
from tests.items import album
from tests.waiting import until
from workflow import succession
from workflow.engine import failure, runner
from workflow.engine.engine import Engine
from workflow.engine.worker import working
from workflow.phase import Decision, Phase
from workflow.phases.review import ReviewSettings

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)
NEW_SPACES = 0x00020000 | 0x04000000 | 0x40000000  # CLONE_NEWNS, CLONE_NEWUTS, CLONE_NEWNET of unshare(2)
pytestmark = [
    pytest.mark.postgres,
    pytest.mark.skipif(os.geteuid() != 0, reason="only root may give a process mounts and a name of its own"),
]


class Shelve(Phase):
    """A phase that leaves a file in staging, named after the host that was there."""

    name, after, reached = "review", "stage", "reviewed"
    roots: ClassVar[tuple[Role, ...]] = ("staging",)
    settings = ReviewSettings

    def __init__(self, staging: Path) -> None:
        self.staging = staging

    def run(self, context: Any, item: Any, payload: Any, settings: Any) -> Decision:
        """Leave it."""
        (self.staging / f"{item['id']}-{socket.gethostname()}").touch()
        return Decision("approved", f"shelved on {socket.gethostname()}")


class ShelveEach(Shelve):
    """One that asks for the root of the album alone."""

    roots: ClassVar[tuple[Role, ...]] = ()

    def run(self, context: Any, item: Any, payload: Any, settings: Any) -> Decision:
        """Leave it, unless the root of the album is away."""
        with context.database.read() as connection:
            staging = libraries.sole_library(connection, "staging")
        succession.require_roots([staging], failure.RootAway)
        return super().run(context, item, payload, settings)


def host(name: str, url: str, folder: Path, shelve: Shelve, *, mounted: bool) -> None:
    """Be a worker on a host of its own; where the disk is not mounted, its mount point is an empty folder."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(NEW_SPACES) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    socket.sethostname(name)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    if not mounted:
        subprocess.run(["mount", "-t", "tmpfs", "none", shelve.staging], check=True)
    failure.AWAY[failure.PhaseAway] = 0.5  # for good: this process is a child
    vars(runner)["BUSY_SECONDS"] = 600.0
    database = Database(url)
    data = folder / name
    data.mkdir(exist_ok=True)
    works = {"review": succession.PhaseWork(shelve)}
    with working(database, data, works, succession.limits, concurrency=4, grace=5, pace=QUICK):
        while True:
            time.sleep(1)


class Shop:
    """A staging library, a database and the hosts that share them."""

    def __init__(self, database: Database, url: str, folder: Path) -> None:
        self.engine, self.staging = Engine(database, succession.works()), folder / "staging"
        self.staging.mkdir()
        self._database, self._url, self._folder = database, url, folder
        self.hosts: list[BaseProcess] = []
        with database.begin() as connection:
            libraries.add_library(connection, "staging", bytes(self.staging), now=NOW)
            admin.put(connection, "phase.enrich.mode", "off", actor="eva", now=NOW)
            admin.put(connection, "phase.review.auto_approve", "0.5", actor="eva", now=NOW)

    def stage(self, *keys: str) -> None:
        with self._database.begin() as connection:
            upserted = storing.upsert(connection, [album(key) for key in keys], NOW)
            succession.after_staging(connection, upserted, "r1", NOW)

    def open(self, name: str, *, mounted: bool, shelve: type[Shelve] = Shelve) -> BaseProcess:
        process = NURSERY.Process(
            target=host, args=(name, self._url, self._folder, shelve(self.staging)), kwargs={"mounted": mounted}
        )
        process.start()
        self.hosts.append(process)
        until(lambda: name in {worker.host for worker in self.engine.workers()})
        return process

    def shelved(self) -> list[str]:
        return sorted({path.name.partition("-")[2] for path in self.staging.glob("[0-9]*")})

    def done(self, count: int) -> Callable[[], bool]:
        return lambda: self.engine.counts()["review"].get("done", 0) == count

    def close(self) -> None:
        for process in self.hosts:
            process.kill()
            process.join()
            process.close()


@pytest.fixture
def shop(postgres_url: str, tmp_path: Path) -> Iterator[Shop]:
    """A shop without a host yet."""
    database = Database(postgres_url)
    opened = Shop(database, postgres_url, tmp_path)
    yield opened
    opened.close()
    database.close()


def test_each_host_touches_only_the_roots_it_has_and_another_takes_over_for_a_dead_one(shop: Shop) -> None:
    cellar = shop.open("cellar", mounted=False)
    shop.stage("k1", "k2")
    until(lambda: {job.code for job in shop.engine.list()} == {"not_here"})
    attic = shop.open("attic", mounted=True)
    until(shop.done(2))
    assert shop.shelved() == ["attic"]
    until(lambda: {worker.host for worker in shop.engine.workers()} == {"attic", "cellar"})  # late ones come back
    attic.kill()
    shop.stage("k3", "k4")
    shop.open("barn", mounted=True)
    until(shop.done(4))
    assert shop.shelved() == ["attic", "barn"]
    assert os.listdir(f"/proc/{cellar.pid}/root{shop.staging}") == []
    until(lambda: {worker.host for worker in shop.engine.workers()} == {"barn", "cellar"})


def test_an_album_whose_root_another_host_has_is_done_there_at_once(shop: Shop) -> None:
    shop.open("cellar", mounted=False, shelve=ShelveEach)
    shop.stage("k1", "k2")
    until(lambda: {job.code for job in shop.engine.list()} == {"not_here"})
    shop.open("attic", mounted=True, shelve=ShelveEach)
    until(shop.done(2))
    assert shop.shelved() == ["attic"]
