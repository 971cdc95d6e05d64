"""A transfer's kind → how it is performed; one file a kind, all in one table."""

from typing import Final

from processor.moves import (
    album,
    discard,
    merge,
    publish,
    refresh,
    replace,
    restage,
    restore,
    retag,
    undo,
    undo_merge,
    undo_replace,
    undo_retag,
    unpublish,
    upgrade,
)
from processor.moves.move import Move

_KINDS: Final = (
    album, merge, replace, retag, discard, publish, refresh, upgrade, restage,
    undo, undo_merge, undo_replace, undo_retag, restore, unpublish,
)  # fmt: skip
MOVES: Final[dict[str, Move]] = {kind.MOVE.kind: kind.MOVE for kind in _KINDS}
