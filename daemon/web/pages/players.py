"""The players → a page that shows, adds, changes, tests and removes them."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import Response

from config.errors import GreenroomError, NeedsReview
from daemon import players
from daemon.disks import WORTH_IT
from daemon.web.access import actor_of
from daemon.web.navigation import Link
from daemon.web.render import lead, page
from processor.players.kinds import kinds
from processor.players.paths import parsed
from processor.players.player import Player

router = APIRouter(prefix="/players")
LINK = Link(75, "Players", "/players")

Line = Annotated[str, Form(max_length=4096)]
Flag = Annotated[bool, Form()]


@router.get("")
def show(request: Request) -> Response:
    """Show every player, and a form for another one."""
    return _page(request)


@router.post("")
def add(
    request: Request, name: Line, kind: Line, url: Line, user: Line = "", secret: Line = "", path_map: Line = ""
) -> Response:
    """Add a player."""
    try:
        new = Player(0, name.strip(), kind, url, user or None, secret or None, parsed(path_map.splitlines()))
        players.add(request.app.state.greenroom, new, actor=actor_of(request).name)
    except GreenroomError as error:
        typed = {"name": name, "kind": kind, "url": url, "user": user, "path_map": path_map}
        return _page(request, typed=typed, refused=error.message, code=422)
    return lead("/players", "added")


@router.post("/{player_id}")
def change(
    request: Request, player_id: int, seen: Line, url: Line, user: Line = "", secret: Line = "", path_map: Line = "",
    enabled: Flag = False,
) -> Response:  # fmt: skip
    """Change a player, if it is still what was seen; without a secret it keeps the one it has."""
    try:
        new = Player(player_id, "", "", url, user or None, secret or None, parsed(path_map.splitlines()), enabled)
        players.change(request.app.state.greenroom, new, actor=actor_of(request).name, seen=seen)
    except NeedsReview as error:
        return _page(request, problem=error.message, code=409)
    except GreenroomError as error:
        return _page(request, problem=error.message, code=422)
    return lead("/players", "saved")


@router.post("/{player_id}/remove")
def remove(request: Request, player_id: int) -> Response:
    """Forget a player."""
    players.remove(request.app.state.greenroom, player_id, actor=actor_of(request).name)
    return lead("/players", "removed")


@router.post("/{player_id}/tell")
def tell(request: Request, player_id: int) -> Response:
    """Have a player told what it is owed and what it missed."""
    players.tell(request.app.state.greenroom, player_id, actor=actor_of(request).name)
    return lead("/players", "told")


@router.post("/{player_id}/test")
def try_out(request: Request, player_id: int) -> Response:
    """Ask a player who it is, and show what it would make of our libraries."""
    app = request.app.state.greenroom
    try:
        tested = app.disks.do(("player", player_id), lambda: players.try_out(app, player_id), times=WORTH_IT)
        found, refused = tested, None
    except GreenroomError as error:
        found, refused = None, error.message
    if "hx-request" in request.headers:
        return page(request, "parts/player_test.html", found=found, refused=refused)
    return _page(request, tested={player_id: (found, refused)})


_NOTHING: dict[str, str] = dict.fromkeys(("name", "kind", "url", "user", "path_map"), "")


def _page(
    request: Request, *, typed: dict[str, str] = _NOTHING, refused: str | None = None, problem: str | None = None,
    tested: dict[int, object] | None = None, code: int = 200,
) -> Response:  # fmt: skip
    app = request.app.state.greenroom
    return page(
        request, "players.html", code=code, standings=players.listed(app), missed=players.missed(app), kinds=kinds(),
        typed=typed, refused=refused, problem=problem, tested=tested or {},
    )  # fmt: skip
