"""A published album that was moved → back in staging under the names it had there, and in its library as it was.

The first steps are those of taking it out; then the item says where it was in staging, so that what late tracks and
better copies do to a staged album can be done to it. The publication that follows takes the published one's place.
"""

from __future__ import annotations

from typing import Final

from processor.moves.move import Move, Performance, same
from processor.moves.undo import fill_inbound, patient
from processor.moves.unpublish import sign, tell
from processor.transfers.giving_back import forget_marks, take_away
from processor.transfers.transfer import Transfer


def _clear(run: Performance, transfer: Transfer) -> Transfer:
    with patient():
        forget_marks(transfer, run.guard)
        sign(run, transfer)
    return run.advance(transfer, "done")


MOVE: Final = Move("restage", same, {"planned": fill_inbound, "materialised": tell, "published": _clear}, take_away)
