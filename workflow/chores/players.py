"""What players are owed → each told of its folders together, asked whether it shows them, and asked elsewhere if not.

A player that is down keeps its debts, and its job is tried again; nothing else waits for it.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from typing import Final

from pydantic import Field
from sqlalchemy import Connection

from config.errors import GreenroomError, Misconfigured
from config.machine import utc_now
from processor.players import debts, rows
from processor.players.debts import Debt
from processor.players.kinds import kind_of, line_to
from processor.players.player import Player
from processor.players.telling import Case, Outcome, World, explained, tell
from processor.players.wanted import wanted
from workflow import events, progress
from workflow.engine import wanting
from workflow.engine.context import Context
from workflow.engine.job import PRIORITIES, Job, NewJob, Payload, Retries
from workflow.engine.work import Ending
from workflow.events import Event
from workflow.phase import Chore, ChoreSettings, settings_of

NAME: Final = "players"
PLAYING_SECONDS: Final = 120.0  # before a player that plays is looked at again
LONGEST_WAIT: Final = 10  # times the debounce: however often folders change, they are told after so long


class PlayersSettings(ChoreSettings):
    """How players are told."""

    at_once: int = Field(4, ge=1, le=64, description="Players told at once in one process.")
    debounce_seconds: int = Field(
        15, ge=0, le=3600, json_schema_extra={"unit": "s"},
        description="Folders are told together when none was added for so long.",
    )  # fmt: skip
    skip_while_playing: bool = Field(True, description="Leave a player that plays something alone until it has ended.")
    clean_first: bool = Field(False, description="Let it forget what is gone before it looks for what is new.")


class Tell(Payload):
    """Which player is to be told; None: every one that is owed anything."""

    player_id: int | None = None


class Players(Chore):
    """Tells one player what it is owed."""

    name = NAME
    description = "Tell players what was published, and ask whether they show it."
    settings = PlayersSettings
    payload = Tell
    retries = Retries(attempts=12, base=30, cap=3600)
    daily = True

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock

    def has_work(self, connection: Connection, settings: PlayersSettings, now: dt.datetime) -> bool:
        """Whether a player is owed anything whose job gave up."""
        return debts.is_owed(connection)

    def run(self, context: Context, payload: Tell, settings: PlayersSettings) -> Ending | None:
        """Tell the player; what ends the job is settled with it."""
        if payload.player_id is None:
            return lambda connection, job: want(connection, debts.debtors(connection), actor=job.actor)
        with context.database.read() as connection:
            found = [one for one in rows.players(connection, only_enabled=True) if one.id == payload.player_id]
            owed = debts.debts(connection, payload.player_id) if found else []
        if not owed:
            return None
        player = found[0]
        if (seconds := still_coming(owed, settings.debounce_seconds, utc_now())) and not context.job.manual:
            return _later(player, seconds)
        try:
            return self._told(context, player, owed, settings)
        except GreenroomError as error:
            with context.database.begin() as connection:
                rows.in_trouble(connection, player.id, error.message)
            raise

    def _told(self, context: Context, player: Player, owed: Sequence[Debt], settings: PlayersSettings) -> Ending:
        from processor.client.client import Client  # its libraries are not wanted where only settings are read

        kind = kind_of(player.kind)
        cases, gone = _cases(context, player, owed)
        with Client(context.database, wait=context.wait) as client:
            line = line_to(client, player)
            if settings.skip_while_playing and not context.job.manual and kind.playing(line):
                return _later(player, PLAYING_SECONDS)
            if settings.clean_first:
                kind.clean(line)
            outcomes = tell(line, cases, World(context.wait, self._clock))

        def end(connection: Connection, job: Job) -> None:
            for debt in [*gone, *(outcome.debt for outcome in outcomes if outcome.sight)]:
                debts.settle(connection, debt)
            missed = [(outcome, explained(player.name, outcome)) for outcome in outcomes if outcome.sight is None]
            for outcome, why in missed:
                debts.give_up(connection, outcome.debt, why)
            events.tell(connection, _missed(connection, player, missed, job), utc_now())
            rows.heard(connection, player.id, utc_now())
            if player.id in debts.debtors(connection):  # wanted anew while we told it
                want(connection, [player.id], actor=job.actor)

        return end


def want(
    connection: Connection, player_ids: Sequence[int], *, actor: str, delay: float = 0, manual: bool = False
) -> None:
    """Want players told, in the transaction that owes them something; by themselves not before more may have come."""
    priority = PRIORITIES["urgent" if manual else "low"]
    settings: PlayersSettings = settings_of(connection, NAME)
    if not manual:
        delay = max(delay, settings.debounce_seconds)
    new = [NewJob(NAME, f"player {id}", None, Tell(player_id=id), priority, actor, manual, delay) for id in player_ids]
    wanting.submit(connection, new, utc_now())


def still_coming(owed: Sequence[Debt], debounce: float, now: dt.datetime) -> float:
    """Return for how many seconds more folders may come that are better told together with these; 0: tell now."""
    newest, oldest = max(debt.wanted_at for debt in owed), min(debt.since for debt in owed)
    quiet = debounce - (now - newest).total_seconds()
    patience = debounce * LONGEST_WAIT - (now - oldest).total_seconds()
    if quiet > 2 * debounce:  # a debt of a later hour is one of a clock that was ahead, and would never be told
        return 0.0
    return max(0.0, min(quiet, patience))


def _cases(context: Context, player: Player, owed: Sequence[Debt]) -> tuple[list[Case], list[Debt]]:
    """Return what the player should show for its debts, and those of items that are gone."""
    cases, gone = [], []
    with context.database.read() as connection:
        for debt in owed:
            try:
                cases.append(Case(debt, wanted(connection, player, debt.owed)))
            except Misconfigured:
                gone.append(debt)
    return cases, gone


def _missed(connection: Connection, player: Player, missed: Sequence[tuple[Outcome, str]], job: Job) -> list[Event]:
    names = progress.names(connection, [outcome.debt.owed.item_id for outcome, _ in missed])
    return [
        Event("player_missed", names[id], why, id, job_id=job.id, facts={"player": player.name})
        for outcome, why in missed
        if (id := outcome.debt.owed.item_id) in names
    ]


def _later(player: Player, seconds: float) -> Ending:
    return lambda connection, job: want(connection, [player.id], actor=job.actor, delay=seconds)


CHORE = Players()
