"""A published album → owed to every player, which is told of it together with others; nothing waits for a player."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from itertools import takewhile
from typing import Any, Final

from pydantic import Field
from sqlalchemy import Connection

from config import libraries
from processor.players import debts, rows
from processor.players.debts import Change, Owed
from processor.publication import ledger
from processor.transfers.transfer import path_from_json
from workflow import events, history
from workflow.engine.context import Context
from workflow.engine.job import Payload
from workflow.events import Event, Kind
from workflow.phase import Decision, Mode, Phase, PhaseSettings, settings_of

UNPUBLISHED: Final[tuple[Kind, ...]] = ("unpublished",)
_TEXTS: Final = b".nfo"


class SyncSettings(PhaseSettings):
    """Whether players are told of what is published."""

    mode: Mode = Field("auto", description="Auto: by itself; manual: wait for a person; off: tell no player.")
    delay_seconds: int = Field(
        0, ge=0, le=86_400, json_schema_extra={"unit": "s"},
        description="How long after the publication, for libraries that reach the players with a delay.",
    )  # fmt: skip


class Sync(Phase):
    """Owes the album's folder to each player that is on."""

    name = "sync"
    after = "publish"
    reached = "synced"
    description = "Have every player told of what was published."
    settings = SyncSettings

    def run(self, context: Context, item: Mapping[str, Any], payload: Payload, settings: SyncSettings) -> Decision:
        """Owe it, and want the players told. What is owed twice is owed once."""
        with context.database.begin() as connection:
            home = ledger.publication(connection, item["id"])
            if home is None:
                return Decision(item["status"], "it is in no library, so no player is told")
            since = _since(connection, item["id"])
            places = [(home.path, change_of(since)), *((path, "gone") for path in _left(since) - {home.path})]
            told: list[str] = []
            for path, change in places:
                owed = _owed(connection, item["id"], home.root_uuid, path, change)
                told = owe(connection, owed, settings) if owed else []
        return Decision(item["status"], f"owed to {', '.join(told)}" if told else "there is no player to tell")


class Withdrawn:
    """The subscriber that owes players what was taken out of a library: the item is back in review by then."""

    name = "sync"

    def wants(self, connection: Connection) -> Collection[Kind]:
        """Return `unpublished`, unless players are told only when a person asks."""
        return UNPUBLISHED if settings_of(connection, Sync.name).mode == "auto" else ()

    def waits(self, heard: Sequence[Event], now: dt.datetime) -> bool:
        """Owe at once."""
        return False

    def take(self, connection: Connection, heard: Sequence[Event], now: dt.datetime) -> None:
        """Owe each folder that is gone."""
        for event in heard:
            folder, item_id = path_from_json(event.facts["folder"]), event.item_id
            owed = item_id and _owed(connection, item_id, event.facts["library"], folder, "gone")
            if owed:
                owe(connection, owed, settings_of(connection, Sync.name))


def change_of(published: Sequence[Event]) -> Change:
    """Return what publications of one folder changed there, all together; if nobody knows, that something did."""
    if any(not event.facts["again"] for event in published):
        return "new"
    files = [path for event in published for path in (*event.facts["files"], *event.facts["removed"])]
    only_texts = files and all(path_from_json(path).endswith(_TEXTS) for path in files)
    return "texts" if only_texts else "changed"


def _left(published: Sequence[Event]) -> set[bytes]:
    """Return the folders an album had before it got other names."""
    return {path_from_json(event.facts["was"]) for event in published if event.facts.get("was")}


def owe(connection: Connection, owed: Owed, settings: SyncSettings) -> list[str]:
    """Owe a folder to every player that is on, and want them told; return their names."""
    from workflow.chores import players  # not wanted where only the chain is looked at

    found = rows.players(connection, only_enabled=True)
    ids = [player.id for player in found]
    debts.owe(connection, ids, owed, dt.datetime.now(dt.UTC))
    players.want(connection, ids, actor="chain", delay=settings.delay_seconds)
    return [player.name for player in found]


def _owed(connection: Connection, item_id: int, root_uuid: str, folder: bytes, change: Change) -> Owed | None:
    """Return what is owed; None where the library was forgotten meanwhile."""
    root = libraries.root_paths(connection).get(root_uuid)
    return Owed(item_id, root, folder, change) if root else None


def _since(connection: Connection, item_id: int) -> list[Event]:
    """Return the publications of an item since it was last owed, by the order of its history: clocks are set back."""
    since = takewhile(lambda one: one["what"] != Sync.name, reversed(history.of_item(connection, item_id)))
    return events.of_item(connection, item_id, "published", {one["at"] for one in since})


PHASE = Sync()
