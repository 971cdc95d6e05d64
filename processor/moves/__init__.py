"""A transfer's kind → how it is performed; one file a kind, all in one table."""

from typing import Final

from processor.moves import album, merge, replace, undo
from processor.moves.move import Move

MOVES: Final[dict[str, Move]] = {move.kind: move for move in (album.MOVE, merge.MOVE, replace.MOVE, undo.MOVE)}
