"""A transfer's kind → how it is performed; one file a kind, all in one table."""

from typing import Final

from processor.moves import album, merge, publish, refresh, replace, undo, undo_merge, undo_replace, unpublish
from processor.moves.move import Move

MOVES: Final[dict[str, Move]] = {
    kind.MOVE.kind: kind.MOVE
    for kind in (album, merge, publish, refresh, replace, undo, undo_merge, undo_replace, unpublish)
}
