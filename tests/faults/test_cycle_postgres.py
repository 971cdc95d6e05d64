"""PostgreSQL lost or cut off in the middle of a cycle: nothing is lost, and it all is done once it is back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from tests.databases import TEMPLATE, PostgresServer
from tests.faults.cycles import House, converges, forked, lost
from tests.faults.test_cycle_signals import is_moving, is_scanning
from tests.waiting import until

pytestmark = pytest.mark.postgres


def begun(house: House) -> int:
    return forked(lambda: house.command("cycle", "--json"))


def checked(house: House, child: int) -> None:
    """Wait for the cycle, which may have failed, but says so in one object and without a traceback."""
    _, status = os.waitpid(child, 0)
    ended = house.ended(os.waitstatus_to_exitcode(status))
    assert "Traceback" not in ended.err
    assert (ended.status, json.loads(ended.out)["status"]) in ((0, "done"), (1, "failed")), ended
    assert list(lost(house)) == []


def is_switched(house: House) -> bool:
    """Whether an album is in its place; its row may not be there yet."""
    return any(path.name != ".greenroom-tx" for path in house.staging.iterdir() if path.is_dir())


@pytest.mark.parametrize("once", [is_scanning, is_moving, is_switched])
def test_a_server_that_goes_down_in_a_cycle_and_comes_back_costs_nothing(
    tmp_path: Path, server: PostgresServer, once: Callable[[House], bool]
) -> None:
    with server.database(TEMPLATE) as url:
        house = House(tmp_path, url=url, rate_limit=20)
        child = begun(house)
        until(lambda: once(house))
        server.crash()
        checked(house, child)
        server.start()
        house.set(rate_limit=0)
        assert converges(house) == []


def test_sessions_that_are_cut_off_cost_nothing(tmp_path: Path, postgres_server: PostgresServer) -> None:
    for n in range(3):
        with postgres_server.database(TEMPLATE) as url:
            house = House(tmp_path / f"{n}", url=url, rate_limit=20)
            child = begun(house)
            until(partial((is_scanning, is_moving, is_switched)[n], house))
            for _ in range(n + 1):
                postgres_server.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname LIKE 'test%' AND pid <> pg_backend_pid()"
                )
            checked(house, child)
            house.set(rate_limit=0)
            assert converges(house) == []
