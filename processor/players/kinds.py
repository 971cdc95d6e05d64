"""The files of this folder → the kinds of players there are, by name, and a line to one player."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Final

from config.errors import Misconfigured, NeedsReview, Rejected
from config.redaction import conceal
from processor import players
from processor.client.addresses import origin_of
from processor.players.player import Line, Player, PlayerKind

if TYPE_CHECKING:
    from processor.client.client import Client

_NAME: Final = re.compile(r"[\w][\w .-]{0,59}")


@cache
def kinds() -> Mapping[str, PlayerKind]:
    """Return the kinds of players, by name."""
    modules = (importlib.import_module(f"{players.__name__}.{m.name}") for m in pkgutil.iter_modules(players.__path__))
    found = [module.PLAYER for module in modules if hasattr(module, "PLAYER")]
    return {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}


def kind_of(name: str) -> PlayerKind:
    """Return one kind. Raises Misconfigured for a name that is none."""
    if name not in kinds():
        raise Misconfigured(f"there is no kind of player {name!r}; there are {', '.join(kinds())}", code="unknown_kind")
    return kinds()[name]


def checked(player: Player) -> Player:
    """Return a player as it may be stored. Raises Misconfigured with what is wrong: name, kind, URL, credentials."""
    kind = kind_of(player.kind)
    url = player.url.strip().rstrip("/")
    if not _NAME.fullmatch(player.name):
        raise Misconfigured("a player's name has up to 60 letters, digits, spaces, dots, dashes", code="bad_player")
    try:
        origin_of(url)
    except Rejected as error:
        raise Misconfigured(
            f"the URL of a player looks like {kind.example}: {error.message}", code="bad_player"
        ) from None
    if "?" in url or "#" in url:
        raise Misconfigured(f"the URL of a player looks like {kind.example}, with nothing behind it", code="bad_player")
    if kind.signs_in == "token" and (player.user or not player.secret):
        raise Misconfigured(f"{kind.title} wants a token and no user: {kind.hint}", code="bad_player")
    user, secret = player.user or None, player.secret or None
    if secret is not None:
        conceal([secret])
    return replace(player, url=url, user=user, secret=secret)


def line_to(client: Client, player: Player) -> Line:
    """Return a line to a player, with what proves who asks. Raises NeedsReview when that has to be entered again."""
    if player.lost:
        raise NeedsReview(f"{player.name}: {player.lost}", code="secret_lost")
    kind = kind_of(player.kind)
    conceal(filter(None, [player.secret]))
    return Line(client, player, kind.headers(player), kind.params(player))
