"""The players → a page that shows, adds, changes, tests and removes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, Form, Request
from starlette.responses import Response

from config.errors import GreenroomError, NeedsReview
from daemon.actions import players
from daemon.disks import WORTH_IT
from daemon.web.access import By
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import lead, page
from daemon.web.routing import page_router
from processor.players.kinds import kinds
from processor.players.paths import parsed
from processor.players.player import Player

router = page_router("/players")
LINK = Link(75, "Players", "/players")

Line = Annotated[str, Form(max_length=4096)]
Flag = Annotated[bool, Form()]


@dataclass(frozen=True, slots=True)
class Typed:
    """What a form says of a player, whether it is new or changed. A dependency."""

    url: Line
    user: Line = ""
    secret: Line = field(default="", repr=False)
    path_map: Line = ""

    def player(self, player_id: int = 0, name: str = "", kind: str = "", *, enabled: bool = True) -> Player:
        """Return it as a player. Raises what `parsed` does."""
        pairs = parsed(self.path_map.splitlines())
        return Player(player_id, name, kind, self.url, self.user or None, self.secret or None, pairs, enabled)


@router.get("")
def show(request: Request, app: App) -> Response:
    """Show every player, and a form for another one."""
    return _page(request, app)


@router.post("")
def add(request: Request, app: App, actor: By, name: Line, kind: Line, typed: Annotated[Typed, Depends()]) -> Response:
    """Add a player."""
    try:
        players.add(app, typed.player(name=name.strip(), kind=kind), actor=actor.name)
    except GreenroomError as error:
        shown = {"name": name, "kind": kind, "url": typed.url, "user": typed.user, "path_map": typed.path_map}
        return _page(request, app, typed=shown, refused=error.message, code=422)
    return lead("/players", "added")


@router.post("/{player_id}")
def change(
    request: Request, app: App, actor: By, player_id: int, seen: Line, typed: Annotated[Typed, Depends()],
    enabled: Flag = False,
) -> Response:  # fmt: skip
    """Change a player, if it is still what was seen; without a secret it keeps the one it has."""
    try:
        players.change(app, typed.player(player_id, enabled=enabled), actor=actor.name, seen=seen)
    except NeedsReview as error:
        return _page(request, app, problem=error.message, code=409)
    except GreenroomError as error:
        return _page(request, app, problem=error.message, code=422)
    return lead("/players", "saved")


@router.post("/{player_id}/remove")
def remove(app: App, player_id: int, actor: By) -> Response:
    """Forget a player."""
    players.remove(app, player_id, actor=actor.name)
    return lead("/players", "removed")


@router.post("/{player_id}/tell")
def tell(app: App, player_id: int, actor: By) -> Response:
    """Have a player told what it is owed and what it missed."""
    players.tell(app, player_id, actor=actor.name)
    return lead("/players", "told")


@router.post("/{player_id}/test")
def try_out(request: Request, app: App, player_id: int) -> Response:
    """Ask a player who it is, and show what it would make of our libraries."""
    try:
        tested = app.disks.do(("player", player_id), lambda: players.try_out(app, player_id), times=WORTH_IT)
        found, refused = tested, None
    except GreenroomError as error:
        found, refused = None, error.message
    if "hx-request" in request.headers:
        return page(request, "parts/player_test.html", found=found, refused=refused)
    return _page(request, app, tested={player_id: (found, refused)})


_NOTHING: dict[str, str] = dict.fromkeys(("name", "kind", "url", "user", "path_map"), "")


def _page(
    request: Request, app: App, *, typed: dict[str, str] = _NOTHING, refused: str | None = None,
    problem: str | None = None, tested: dict[int, object] | None = None, code: int = 200,
) -> Response:  # fmt: skip
    return page(
        request, "players.html", code=code, standings=players.listed(app), missed=players.missed(app), kinds=kinds(),
        typed=typed, refused=refused, problem=problem, tested=tested or {},
    )  # fmt: skip
