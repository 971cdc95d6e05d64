"""PostgreSQL frozen, turned read-only, or cut off at a COMMIT: what happened is looked up and never guessed."""

from __future__ import annotations

import contextlib
import os
import socket
import tempfile
import threading
from functools import partial
from pathlib import Path
from typing import Literal

import pytest

from tests.databases import TEMPLATE, PostgresServer
from tests.faults import ALL
from tests.faults.cycles import House, converges, forked, lost, wrong_items
from tests.faults.steps import begin, labels
from tests.faults.test_cycle_environment import CYCLE, every_kind, told
from tests.faults.test_cycle_signals import is_moving
from tests.waiting import until

pytestmark = pytest.mark.postgres
COMMIT = b"COMMIT\0"


def ended(house: House, child: int) -> str:
    """Wait for a cycle; return how its report says it ended."""
    _, status = os.waitpid(child, 0)
    return str(told(house.ended(os.waitstatus_to_exitcode(status)))["status"])


def test_a_server_that_freezes_and_thaws_costs_nothing(tmp_path: Path, server: PostgresServer) -> None:
    with server.database(TEMPLATE) as url:
        house = House(tmp_path, url=url, rate_limit=20)
        child = forked(lambda: house.command(*CYCLE))
        until(lambda: is_moving(house))
        with server.frozen():
            until(lambda: is_waiting(child))
        assert ended(house, child) == "done"
        house.set(rate_limit=0)
        assert converges(house) == []


def is_waiting(process: int) -> bool:
    """Whether a thread waits for an answer."""
    waits = {path.read_text() for path in Path(f"/proc/{process}/task").glob("*/wchan")}
    return bool(waits & {"do_sys_poll", "poll_schedule_timeout.constprop.0", "do_epoll_wait", "ep_poll"})


def test_a_server_that_takes_no_writes_is_told(tmp_path: Path, server: PostgresServer) -> None:
    with server.database(TEMPLATE) as url:
        count = House(tmp_path / "count", url=url, workers=1)
        steps = labels(count, *CYCLE)
    for n in every_kind(steps):
        with server.database(TEMPLATE) as url:
            house = House(tmp_path / f"{n}", url=url, workers=1)

            def read_only(_label: str, url: str = url) -> None:
                name = url.split("/")[3].split("?", maxsplit=1)[0]
                server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
                server.execute(
                    f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
                )  # a failover ends every session

            child = begin(house, n, read_only, *CYCLE)
            _, status = os.waitpid(child, 0)
            said = house.ended(os.waitstatus_to_exitcode(status))
            assert "Traceback" not in said.err, said.err
            assert said.status == 1
            assert "takes no writes" in said.err + said.out or "did not answer" in said.err + said.out
            server.execute(f"ALTER DATABASE {url.split('/')[3].split('?')[0]} RESET default_transaction_read_only")
            assert converges(house) == [], n


class Cutter:
    """Stands between a client and the server; cuts everything off at a COMMIT, before or after the server has it."""

    def __init__(self, server: Path, at: int, when: Literal["before", "after"]) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="greenroom-cut-", dir="/tmp"))
        self.cut = False
        self._server, self._at, self._when = server / ".s.PGSQL.5432", at, when
        self._commits = 0
        self._committing: socket.socket | None = None
        self._open: list[socket.socket] = []
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(os.fspath(self.folder / ".s.PGSQL.5432"))
        self._listening.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()
        self._cut_off()
        (self.folder / ".s.PGSQL.5432").unlink()
        self.folder.rmdir()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(os.fspath(self._server))
                self._open += [client, server]
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, sink: socket.socket) -> None:
        asks = sink.getpeername() != ""  # the server has a name, a client none
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if source is self._committing:  # the server has answered: it is committed, and nobody learns of it
                    self._cut_off()
                    return
                if asks and COMMIT in data and self._counts():
                    if self._when == "before":
                        self._cut_off()
                        return
                    self._committing = sink
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _counts(self) -> bool:
        self._commits += 1
        return self._commits == self._at

    def _cut_off(self) -> None:
        self.cut = self._commits >= self._at
        for one in self._open:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_commit_whose_answer_is_lost_is_looked_up(
    tmp_path: Path, postgres_server: PostgresServer, when: Literal["before", "after"]
) -> None:
    at, cut = 0, True
    while cut:
        at += 1 if ALL else 7
        with postgres_server.database(TEMPLATE) as url:
            cutter = Cutter(postgres_server.folder, at, when)
            house = House(tmp_path / f"{at}", url=url, workers=1)
            house.environ["GREENROOM_DATABASE_URL"] = url.replace(str(postgres_server.folder), str(cutter.folder))
            _, status = os.waitpid(forked(partial(house.command, *CYCLE)), 0)
            said = house.ended(os.waitstatus_to_exitcode(status))
            cut = cutter.cut
            cutter.close()
            assert "Traceback" not in said.err, said.err
            assert said.status in (0, 1)
            assert [*lost(house), *wrong_items(house)] == []
            house.environ["GREENROOM_DATABASE_URL"] = url
            assert converges(house) == [], (at, when)
    assert at > 8
