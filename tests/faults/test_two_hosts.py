"""Two machines, one inbound root, one PostgreSQL: who sleeps past his lease wakes up fenced, and loses nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from config import locks
from config.database import Database
from config.lease import Lease, holder
from config.libraries import Library, list_libraries
from config.machine import boot_id
from tests.databases import TEMPLATE, PostgresServer
from tests.faults.cycles import House, converges, forked, lost, wrong_items
from tests.faults.libraries import to_exchange, to_publish
from tests.faults.steps import begin, labels
from tests.faults.test_cycle_environment import CYCLE, every_kind
from tests.faults.trials import Trial, must
from tests.waiting import until
from workflow import holding

pytestmark = pytest.mark.postgres
SHORT = Lease(seconds=4, renew=0.1, deadline=3)


@contextlib.contextmanager
def unlocked(database: Database, library: Library) -> Iterator[int]:
    """Lock nothing."""
    yield os.stat(library.path).st_dev


def on_host(name: str) -> None:
    """Be a process of another machine: its kernel knows nothing of the locks of ours. For a child only."""
    os.environ["GREENROOM_BOOT_ID"] = name
    boot_id.cache_clear()
    locks._flock = unlocked
    holding.hold = partial(locks.hold, lease=SHORT)  # type: ignore[attr-defined]  # for good: this process is a child


def fall_asleep(_label: str) -> None:
    """Stop, as a machine that is suspended does."""
    signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # so that this thread takes no further step before


def is_free(database: Database) -> bool:
    """Whether nobody's lease runs."""
    with database.read() as connection:
        return not any(holder(connection, library.root_uuid) for library in list_libraries(connection))


def run_on(house: House, name: str, *command: str) -> int:
    """Run a command on another machine; return how it ended."""

    def work() -> None:
        on_host(name)
        house.command(*command, output=house.data)

    _, status = os.waitpid(forked(work), 0)
    return os.waitstatus_to_exitcode(status)


def goes_well_on(house: House, name: str, *command: str) -> bool:
    """Whether a command on another machine, or else a cycle, ends well."""
    return run_on(house, name, *(command or CYCLE)) == 0


def sleeps_past_its_lease(house: House, n: int, url: str, server: PostgresServer, *command: str) -> int:
    """Begin a command on a machine that falls asleep before its n-th step, until nobody's lease runs; its process."""
    asleep = begin(house, n, fall_asleep, *command, before=partial(on_host, "one"))
    _, status = os.waitpid(asleep, os.WUNTRACED)
    assert os.WIFSTOPPED(status)
    # The server ends the session of a machine that does not answer, and with it the advisory lock.
    name = url.split("/")[3].split("?", maxsplit=1)[0]
    server.execute(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    with house.database() as database:
        until(partial(is_free, database))
    return asleep


def wakes_up_to_stop(house: House, asleep: int) -> None:
    """Wake a process up; it fails, in words."""
    os.kill(asleep, signal.SIGCONT)
    _, status = os.waitpid(asleep, 0)
    ended = house.ended(os.waitstatus_to_exitcode(status))
    assert "Traceback" not in ended.err, ended.err
    assert ended.status == 1, ended


def test_a_host_that_slept_past_its_lease_stops_when_it_wakes(tmp_path: Path, postgres_server: PostgresServer) -> None:
    with postgres_server.database(TEMPLATE) as url:
        steps = labels(House(tmp_path / "count", url=url, workers=1), *CYCLE)
    for n in every_kind(steps):
        with postgres_server.database(TEMPLATE) as url:
            house = House(tmp_path / f"{n}", url=url, workers=1)
            asleep = sleeps_past_its_lease(house, n, url, postgres_server, *CYCLE)
            until(partial(goes_well_on, house, "two"))
            assert [*lost(house), *wrong_items(house)] == []
            before = house.items()
            wakes_up_to_stop(house, asleep)
            assert [*lost(house), *wrong_items(house)] == []
            assert house.items() == before, n
            assert converges(house) == [], n


WAYS = {"published": to_publish, "exchanged": to_exchange}


@pytest.mark.parametrize("way", WAYS)
def test_a_host_that_slept_in_a_publication_stops_when_it_wakes(
    tmp_path: Path, postgres_server: PostgresServer, way: str
) -> None:
    def made(name: str, url: str) -> tuple[House, Trial]:
        house = House(tmp_path / name, url=url, workers=1)
        house.add_library()
        must(house, *CYCLE)
        return house, WAYS[way](house)

    with postgres_server.database(TEMPLATE) as url:
        house, trial = made("count", url)
        steps = labels(house, *trial.command)
    for n in every_kind(steps):
        with postgres_server.database(TEMPLATE) as url:
            house, trial = made(f"{n}", url)
            asleep = sleeps_past_its_lease(house, n, url, postgres_server, *trial.command)
            until(partial(goes_well_on, house, "two", *trial.command))
            assert [*lost(house)] == [], (n, steps[n - 1])
            before = house.items()
            wakes_up_to_stop(house, asleep)
            assert house.items() == before, n
            assert trial.converges(house) == [], n
