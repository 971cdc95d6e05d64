"""Jobs that are due → carried out by this process, and by another one when this one dies."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from loguru import logger
from sqlalchemy import Connection

from config.database import Database
from config.driver_errors import answering
from config.errors import GreenroomError
from config.machine import boottime, utc_now
from workflow.engine import dispatches, hosts, jobs
from workflow.engine.job import Limits
from workflow.engine.naming import worker_name
from workflow.engine.runner import Runner
from workflow.engine.work import Work

if TYPE_CHECKING:
    from workflow.engine.carrier import Carrier

CHECKED_AT_ONCE: Final = 1000  # dispatches looked up in one round


class Pace(NamedTuple):
    """How often a worker looks, in seconds."""

    poll: float = 0.5  # for jobs that are due
    claim: float = 1.0  # how often DBOS asks for dispatches of each phase; of lazy phases a fourth as often
    beat: float = 2.0  # signs of life, with a look at settings, cancellations and dead workers
    slot: float = 5.0  # how long a phase keeps a thread while it has jobs, before others get their turn
    timeout: float = hosts.DEAD_AFTER
    tidy: float = 60.0  # lost dispatches are found, ended ones removed


PACE: Final = Pace()
ReadLimits = Callable[[Connection], Mapping[str, Limits]]


class Worker:
    """Carries jobs of some phases from start() to stop(). One in a process."""

    def __init__(
        self,
        database: Database,
        data_dir: Path,
        works: Mapping[str, Work],
        executor: str,
        limits: ReadLimits,
        *,
        concurrency: int,
        pace: Pace = PACE,
    ) -> None:
        self._database, self._works, self._read_limits = database, works, limits
        self._allowed: Mapping[str, Limits] = {}
        self._executor, self._concurrency, self._pace = executor, concurrency, pace
        self._stop = threading.Event()
        self._runner = Runner(database, data_dir, works, executor, self._stop, pace.slot)
        self._carrier: Carrier | None = None
        self._threads: list[threading.Thread] = []
        self._alive_since: float | None = None  # of signs of life without a gap
        self._beaten = 0.0  # when the last one was given
        self._heard: dict[hosts.Sign, float] = {}  # the last sign of life of each worker, and since when it is
        self._checked = 0  # id up to which lost dispatches were looked for
        self._trouble: dict[str, str] = {}  # what failed twice in a row, and why

    def start(self) -> None:
        """Take back what this worker's predecessor had, and begin. Raises Retryable when the database is away."""
        from workflow.engine.carrier import Carrier

        url = self._database.url.render_as_string(hide_password=False)
        with answering(self._database.url):
            self._carrier = Carrier(url, self._executor, self._runner.run, self._works, self._concurrency)
            try:
                self._enlist()
                self._take_back()
                self._carrier.launch()
                self._limit()
            except BaseException:
                self._carrier.stop()
                raise
        for name, step, seconds in (
            ("hand-over", self._hand_over, self._pace.poll),
            ("beat", self._beat, self._pace.beat),
            ("tidy", self._tidy, self._pace.tidy),
        ):
            thread = threading.Thread(target=self._repeat, args=(name, step, seconds), name=name, daemon=True)
            thread.start()
            self._threads.append(thread)
        logger.bind(executor=self._executor, phases=sorted(self._works)).info("worker started")

    @property
    def is_busy(self) -> bool:
        """Whether a job is being done here."""
        return bool(self._runner.running())

    @property
    def trouble(self) -> str:
        """What of a worker's own work fails at each try, and why; empty where all goes well."""
        return "; ".join(f"{what} failed: {error}" for what, error in dict(self._trouble).items())

    def stop(self, grace: float) -> bool:
        """Take no more jobs, let the running ones reach a safe place, give back what is left.

        Return whether every job ended within `grace` seconds; if not, its thread still runs, but can commit nothing.
        """
        assert self._carrier is not None
        self._stop.set()
        idle = self._runner.is_idle(grace)
        for thread in self._threads:
            thread.join()
        # If the database is away, the next worker of this name gives it back.
        with contextlib.suppress(GreenroomError), answering(self._database.url):
            with self._database.begin() as connection:
                jobs.give_back(connection, self._executor, utc_now(), died=False)
            self._take_back()
            with self._database.begin() as connection:
                hosts.leave(connection, self._executor)
        self._carrier.stop()
        logger.bind(executor=self._executor, idle=idle).info("worker stopped")
        return idle

    def _enlist(self) -> None:
        row = {
            "executor": self._executor,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "phases": sorted(self._works),
            "concurrency": self._concurrency,
            "started_at": utc_now(),
        }
        with self._database.begin() as connection:
            hosts.enlist(connection, row)

    def _limit(self) -> None:
        assert self._carrier is not None
        with self._database.read() as connection:
            self._allowed = self._read_limits(connection)
        self._runner.limit(self._allowed)
        self._carrier.limit(self._allowed, self._pace.claim)

    def _hand_over(self) -> None:
        """Keep as many dispatches of a phase waiting as it has slots; its other jobs wait in their rows."""
        assert self._carrier is not None
        here, passed = [phase for phase in self._works if not self._runner.is_away(phase)], self._runner.passed()
        with self._database.read() as connection:
            phases = dispatches.waiting(connection, here, utc_now(), passed)
        for phase in phases:
            slots = self._allowed[phase].slots
            room = slots - self._carrier.waiting(phase, slots)
            if room > 0:
                with self._database.begin() as connection:
                    self._carrier.enqueue(connection, dispatches.hand_over(connection, phase, utc_now(), room, passed))

    def _beat(self) -> None:
        assert self._carrier is not None
        running = self._runner.running()
        with self._database.begin() as connection:
            is_known = hosts.beat(connection, self._executor)
            held = jobs.held_by(connection, self._executor)
            signs = hosts.signs(connection)
        if strays := self._runner.tell(running, held):
            with self._database.begin() as connection:
                jobs.give_back(connection, self._executor, utc_now(), died=True, only=strays)
        if not is_known:
            logger.bind(executor=self._executor).warning("this worker was taken for dead; it begins anew")
            self._enlist()
        self._limit()
        # Silence is measured by our own clock, because the database's may be set. After an outage everybody was silent,
        # and after a sleep of the machine, so only a worker may judge that was never silent itself.
        now = boottime()
        if self._alive_since is None or not is_known or now - self._beaten > self._pace.timeout / 2:
            self._alive_since, self._heard = now, {}
        self._beaten = now
        self._heard = {sign: self._heard.get(sign, now) for sign in signs}
        if now - self._alive_since > self._pace.timeout:
            self._bury([sign for sign, since in self._heard.items() if now - since > self._pace.timeout])

    def _bury(self, silent: Iterable[hosts.Sign]) -> None:
        with self._database.begin() as connection:
            dead = hosts.bury(connection, silent)
            for executor in dead:
                logger.bind(executor=executor).warning("a worker is dead; its jobs go to others")
                jobs.give_back(connection, executor, utc_now(), died=True)
            jobs.give_back(connection, None, utc_now(), died=True)
        for executor in dead:
            self._drop_claims(executor)

    def _take_back(self) -> None:
        """Give back what runs under our name, of a process before us too, and what it had claimed."""
        with self._database.begin() as connection:
            jobs.give_back(connection, self._executor, utc_now(), died=True)
        self._drop_claims(self._executor)

    def _drop_claims(self, executor: str) -> None:
        """Give back the dispatches a dead worker had taken and not begun."""
        assert self._carrier is not None
        claimed = self._carrier.claimed_by(executor)
        with self._database.begin() as connection:
            dispatches.uncarry(connection, claimed)
        self._carrier.drop(claimed)

    def _tidy(self) -> None:
        assert self._carrier is not None
        with self._database.begin() as connection:
            dispatches.unstrand(connection, utc_now())
            handed = dispatches.carried(connection, self._works, self._checked, CHECKED_AT_ONCE)
            there = {sign.executor for sign in hosts.signs(connection)}  # until somebody struck it out, by `_bury`
        self._checked = handed[-1][0] if handed else 0
        lost = self._carrier.lost(handed, there)
        if lost:
            with self._database.begin() as connection:
                found = dispatches.uncarry(connection, lost)
            logger.bind(jobs=found).warning("dispatches were lost; the jobs are handed over again")
        while not self._stop.is_set() and self._carrier.forget_ended():
            pass

    def _repeat(self, name: str, step: Callable[[], None], seconds: float) -> None:
        told = ""
        while not self._stop.is_set():
            try:
                with answering(self._database.url):  # the carrier's errors are the driver's
                    step()
                told = ""
                self._trouble.pop(name, None)
            except GreenroomError as error:
                self._alive_since = None if name == "beat" else self._alive_since
                if error.message != told:
                    logger.bind(what=name, error=error.message).warning("failed; it is tried again")
                if told:
                    self._trouble[name] = error.message
                told = error.message
            except Exception as error:  # noqa: BLE001 - what keeps a worker going must not end
                self._alive_since = None if name == "beat" else self._alive_since
                if repr(error) != told:
                    logger.bind(what=name).exception("failed unexpectedly; it is tried again")
                if told:
                    self._trouble[name] = repr(error)
                told = repr(error)
            self._stop.wait(seconds)


@contextlib.contextmanager
def working(
    database: Database,
    data_dir: Path,
    works: Mapping[str, Work],
    limits: ReadLimits,
    *,
    concurrency: int,
    grace: float,
    pace: Pace = PACE,
) -> Iterator[Worker]:
    """Carry jobs while the block runs, under a name of this data folder; `grace` is what stop() is given."""
    with worker_name(data_dir) as executor:
        worker = Worker(database, data_dir, works, executor, limits, concurrency=concurrency, pace=pace)
        worker.start()
        try:
            yield worker
        finally:
            worker.stop(grace)
