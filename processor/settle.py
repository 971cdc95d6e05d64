"""One begun transfer → done, undone, or explained to a person: state by state, by the steps of its kind."""

from __future__ import annotations

from dataclasses import replace

from loguru import logger

from config.errors import GreenroomError, LeaseLost, NeedsReview, Rejected, Retryable, Stopped
from processor.moves import MOVES
from processor.moves.move import Performance
from processor.transfers import journal
from processor.transfers.arrival import await_sidecars
from processor.transfers.transfer import State, Transfer

MAX_ATTEMPTS = 3  # a transfer that was interrupted more often than this in one state waits for a person


def take_over(run: Performance, transfer: Transfer) -> Transfer:
    """Settle a transfer somebody else began, or we did before we died; return it in its new state.

    Raises LeaseLost, Stopped, and Retryable when the database fails.
    """
    with run.database.begin() as connection:
        ours = replace(journal.adopt(connection, transfer, run.guard.fence, run.now), error=None)
    if ours.attempt > MAX_ATTEMPTS:
        error = NeedsReview(f"this move was interrupted {MAX_ATTEMPTS} times; find out why before it is tried again")
        settled = run.close(ours, "attention", error)
    else:
        settled = settle(run, ours)
    log = logger.bind(transfer=settled.id, target=settled.shown, state=settled.state, error=settled.error)
    if settled.state in ("done", "cancelled"):
        log.info("interrupted transfer settled")
    else:  # it waits for the next recovery, or for a person
        log.warning("interrupted transfer not settled")
    return settled


def settle(run: Performance, transfer: Transfer) -> Transfer:
    """Go forward, state by state; where that is not possible go back; where that may lose something, ask a person.

    Of a transfer planned just now (attempt 0) it is the performance. Raises what `take_over` does.
    """
    move = MOVES[transfer.kind]
    while transfer.state != "done":
        try:
            if transfer.attempt:
                await_sidecars(transfer, run.guard)
            transfer = move.renumbered(transfer)
            transfer = move.steps[transfer.state](run, transfer)
        except LeaseLost:
            raise
        except Stopped as stop:
            if transfer.attempt == 0:  # just begun: nobody waits for it yet
                return _back(run, transfer, stop)
            run.postpone(transfer, stop)  # being asked to stop is no failed attempt
            raise
        except (Retryable, NeedsReview, Rejected) as error:
            if error.reason_code == "database_unavailable":
                raise  # whether a commit happened is not known; the next recovery reads it
            return _back(run, transfer, error)
    return transfer


def _back(run: Performance, transfer: Transfer, error: GreenroomError) -> Transfer:
    state: State = transfer.state
    run.guard.check("take back")  # where another disk is in the place of ours, nothing of it is there to be found
    if state != "published":
        try:
            state = MOVES[transfer.kind].roll_back(transfer, run.guard)
        except LeaseLost:
            raise
        except (Retryable, NeedsReview, Rejected, Stopped) as second:
            error = second
    run.trouble = error
    if state != transfer.state:
        return run.close(transfer, state, error)
    if isinstance(error, Retryable | Stopped) or transfer.attempt == 0:  # the next recovery has a try of its own
        return run.postpone(transfer, error)
    return run.close(transfer, "attention", error)
