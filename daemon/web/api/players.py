"""The players ↔ JSON: listed, added, changed, removed, tested, told. No secret ever leaves."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, Field

from config.errors import NeedsReview, Rejected, Retryable
from daemon.actions import players
from daemon.disks import WORTH_IT
from daemon.web.access import By
from daemon.web.bodies import Body, Responses
from daemon.web.installation import App
from daemon.web.routing import api_router
from processor.players.examination import Examination
from processor.players.paths import parsed
from processor.players.player import Player
from processor.players.rows import Standing

router = api_router("/api/v1/players", "players")
REFUSED: Responses = {422: {"description": "It cannot be; nothing was changed."}}
UNKNOWN: Responses = REFUSED | {404: {"description": "There is no such player."}}
STALE: Responses = UNKNOWN | {409: {"description": "The player is not what `seen` says; nothing was changed."}}
Text = Annotated[str, Field(max_length=4096)]


class PlayerOut(BaseModel):
    """One player, and how it goes with it."""

    id: int
    name: str
    kind: str
    url: str
    user: str | None
    has_secret: bool
    path_map: list[str]
    enabled: bool
    mark: str = Field(description="What changes with any of the above; a change may say it as `seen`.")
    heard_at: dt.datetime | None
    problem: str | None
    owed: int
    missed: list[str] = Field(description="Why folders were never shown; those longest ago, 50 at most.")
    missed_count: int


class PlayerChange(Body):
    """What may be changed of a player; a secret that is left out stays as it is."""

    url: Text = Field(examples=["http://livingroom:8080"])
    user: Text | None = None
    secret: Text | None = Field(None, description="A password or a token.")
    path_map: list[Text] = Field([], max_length=100, examples=[["/srv/music=smb://nas/music"]])
    enabled: bool = True


class PlayerChanged(PlayerChange):
    """A change of what was seen."""

    seen: Text | None = Field(None, description="The `mark` of what is changed; if it is another by now, nothing is.")


class PlayerIn(PlayerChange):
    """A player that is to be told."""

    name: Text = Field(examples=["livingroom"])
    kind: Text = Field(examples=["kodi"])


class PlaceOut(BaseModel):
    """One folder of ours as the player would be asked for it."""

    ours: str
    theirs: str | None
    known: bool | None


class Tested(BaseModel):
    """What a player says of itself, and what would keep albums from being seen."""

    version: str | None = Field(description="Null: it did not answer, or not as it should; `problems` says how.")
    roots: list[str]
    places: list[PlaceOut]
    problems: list[str]
    suggested: list[str]


class Told(BaseModel):
    """How many folders are to be told."""

    folders: int


@router.get("", summary="The players, and how it goes with each")
def read(app: App) -> list[PlayerOut]:
    """Return every player."""
    missed = players.missed(app)
    return [_out(one, missed.get(one.player.id, [])) for one in players.listed(app)]


@router.post("", status_code=201, summary="Add a player", responses=REFUSED)
def add(app: App, what: PlayerIn, actor: By) -> list[PlayerOut]:
    """Add it, without asking it anything."""
    new = Player(0, what.name, what.kind, what.url, what.user, what.secret, parsed(what.path_map), what.enabled)
    players.add(app, new, actor=actor.name)
    return read(app)


@router.put("/{player_id}", summary="Change a player", responses=STALE)
def change(app: App, player_id: int, what: PlayerChanged, actor: By) -> list[PlayerOut]:
    """Change everything but its name and kind, if it is still what was seen."""
    new = Player(player_id, "", "", what.url, what.user, what.secret, parsed(what.path_map), what.enabled)
    players.change(app, new, actor=actor.name, seen=what.seen)
    return read(app)


@router.delete("/{player_id}", summary="Forget a player", responses=UNKNOWN)
def remove(app: App, player_id: int, actor: By) -> list[PlayerOut]:
    """Forget it, and what it is owed."""
    players.remove(app, player_id, actor=actor.name)
    return read(app)


@router.post("/{player_id}/test", summary="Ask a player who it is", responses=UNKNOWN)
def try_out(app: App, player_id: int, folder: Annotated[list[str] | None, Query(max_length=100)] = None) -> Tested:
    """Return what it says, and which paths it would be asked for: of folders, or else of the libraries."""
    folders = [one.encode("utf-8", "surrogatepass") for one in folder or []]
    try:
        return _tested(
            app.disks.do(("player", player_id), lambda: players.try_out(app, player_id, folders), times=WORTH_IT)
        )
    except (NeedsReview, Retryable, Rejected) as error:
        return Tested(version=None, roots=[], places=[], problems=[error.message], suggested=[])


@router.post("/{player_id}/tell", summary="Tell a player what it is owed and what it missed", responses=UNKNOWN)
def tell(app: App, player_id: int, actor: By) -> Told:
    """Want it told now."""
    return Told(folders=players.tell(app, player_id, actor=actor.name))


def _out(one: Standing, missed: list[str]) -> PlayerOut:
    player = one.player
    return PlayerOut(
        id=player.id, name=player.name, kind=player.kind, url=player.url, user=player.user,
        has_secret=bool(player.secret or player.lost), path_map=[str(pair) for pair in player.path_map],
        enabled=player.enabled, mark=player.mark, heard_at=one.heard_at, problem=one.problem, owed=one.owed,
        missed=missed, missed_count=one.missed,
    )  # fmt: skip


def _tested(found: Examination) -> Tested:
    return Tested(
        version=found.health.version, roots=list(found.roots), problems=found.problems,
        places=[PlaceOut(ours=place.ours, theirs=place.theirs, known=place.known) for place in found.places],
        suggested=[str(pair) for pair in found.suggested],
    )  # fmt: skip
