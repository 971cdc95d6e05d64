"""An open application → what people do with players: added, changed, removed, tested, told."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from config import activity, libraries
from config.errors import Misconfigured, NeedsReview, Rejected, Retryable
from daemon.bootstrap import Application
from daemon.finding import Finding
from processor.players import debts, examination, rows
from processor.players.examination import Examination
from processor.players.kinds import checked, kind_of, line_to
from processor.players.paths import mapped
from processor.players.player import Line, Player
from processor.players.rows import Standing
from workflow.chores import players as telling

MOST_MISSED: Final = 50  # folders of one player that are listed; the others are counted
KEEP: Final = None  # of a secret that is not given: the one that is stored


def listed(app: Application) -> list[Standing]:
    """Return how it goes with each player."""
    with app.database.read() as connection:
        return rows.standings(connection)


def missed(app: Application) -> dict[int, list[str]]:
    """Return why folders were never shown, by player; of each those that were wanted longest ago."""
    with app.database.read() as connection:
        return {
            player.id: [debt.missed or "" for debt in debts.missed(connection, player.id, MOST_MISSED)]
            for player in rows.players(connection)
        }


def add(app: Application, player: Player, *, actor: str) -> Player:
    """Store a player. Raises Misconfigured with what is wrong with it."""
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        made = rows.add(connection, checked(player), now)
        activity.note(connection, "player_added", actor, now, made.name)
    return made


def change(app: Application, player: Player, *, actor: str, seen: str | None = None) -> Player:
    """Store what is new of a player; without a secret it keeps the one it has, as long as its address is the same.

    `seen` is the mark of what was changed; None: whatever it is now. Raises NeedsReview `player_changed` if it is
    another by now, and Misconfigured: a secret is not sent to another address than the one it was entered for.
    """
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        before = rows.to_change(connection, player.id)
        if seen not in (None, before.mark):
            message = f"somebody changed the player {before.name} meanwhile; nothing was saved, so look at it again"
            raise NeedsReview(message, code="player_changed")
        if player.secret is KEEP and (before.secret is not None or before.lost):
            if player.url.strip().rstrip("/") != before.url:
                message = "the address of the player is another one; enter its password or token again"
                raise Misconfigured(message, code="bad_player")
            player = replace(player, secret=before.secret, lost=before.lost)
        player = checked(replace(player, name=before.name, kind=before.kind))
        rows.change(connection, player)
        activity.note(connection, "player_changed", actor, now, player.name)
    return player


def remove(app: Application, name_or_id: str | int, *, actor: str) -> Player:
    """Forget a player and what it is owed. Raises Misconfigured when there is none."""
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        player = rows.find(connection, name_or_id)
        rows.remove(connection, player)
        activity.note(connection, "player_removed", actor, now, player.name)
    return player


def try_out(app: Application, name_or_id: str | int, folders: Sequence[bytes] = ()) -> Examination:
    """Ask a player who it is, and what it would make of folders; of the libraries, if none are given.

    Raises Misconfigured when there is no such player, and what the player or the way there raises.
    """
    with app.database.read() as connection:
        player = rows.find(connection, name_or_id)
        there = [one.path for one in libraries.music_libraries(connection, "library")]
    with _line(app, player) as line:
        return examination.examine(line, list(folders) or there)


def examine(app: Application) -> Iterator[Finding]:
    """Test each player that is on, as people do by the button; never raises for what it finds.

    One whose secret is lost is left out: that is told with the other secrets, and nobody can ask it anything.
    """
    with app.database.read() as connection:
        found = [player for player in rows.players(connection, only_enabled=True) if not player.lost]
    for player in found:
        try:
            tested = try_out(app, player.id)
        except (NeedsReview, Rejected, Retryable) as error:
            yield Finding("problem", error.reason_code, f"the player {player.name}: {error.message}")
            continue
        if not tested.problems:
            yield Finding("ok", "player", f"the player {player.name} answers: {tested.health.version}")
        for problem in tested.problems:
            yield Finding("problem", "player", f"the player {player.name}: {problem}")


def tell(app: Application, name_or_id: str | int | None, *, actor: str) -> int:
    """Want players told now of what they are owed and of what they missed; return how many folders that is.

    None: all players. Raises Misconfigured when there is none of that name.
    """
    now = dt.datetime.now(dt.UTC)
    with app.database.begin() as connection:
        found = rows.players(connection) if name_or_id is None else [rows.find(connection, name_or_id)]
        for player in found:
            debts.want_again(connection, player.id, now)
        owed = [debt for player in found for debt in debts.debts(connection, player.id)]
        telling.want(connection, sorted({debt.player_id for debt in owed}), actor=actor, manual=True)
    return len(owed)


def look(app: Application, name: str, folder: bytes) -> str:
    """Ask a player now to look at a folder; return what it was asked for.

    Raises Misconfigured when its path map does not cover the folder, or there is no such player.
    """
    with app.database.read() as connection:
        player = rows.find(connection, name)
    found = mapped(player.path_map, folder)
    if found is None:
        raise Misconfigured(f"no path map of {name} covers that folder; `greenroom players test {name}` says more")
    with _line(app, player) as line:
        kind_of(player.kind).tell(line, found)
    return found


@contextlib.contextmanager
def _line(app: Application, player: Player) -> Iterator[Line]:
    with app.client() as client:
        yield line_to(client, player)
