"""Interrupted transfers → finished, undone, or explained to a person. May itself be killed anywhere, and run again."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields, replace

from config.reasons import Reason, sentence
from processor.moves.move import Performance
from processor.settle import take_over
from processor.transfers import journal
from processor.transfers.orphans import sweep
from processor.transfers.transfer import Transfer


@dataclass(frozen=True, slots=True)
class RecoveryReport:
    """What became of each unfinished transfer, in its new state, and what there is to say about it."""

    done: tuple[Transfer, ...] = ()
    cancelled: tuple[Transfer, ...] = ()  # undone; the next scan finds the sources as they were
    attention: tuple[Transfer, ...] = ()  # a person has to look; `error` says at what
    waiting: tuple[Transfer, ...] = ()  # still open: the disk or the database was not up to it
    reasons: tuple[Reason, ...] = ()

    def joined(self, others: Iterable[RecoveryReport]) -> RecoveryReport:
        """Return one report of this recovery and others; what several say of a root they share is said once."""
        reports = (self, *others)
        names = [field.name for field in fields(self)]
        whole = RecoveryReport(*(tuple(one for report in reports for one in getattr(report, name)) for name in names))
        return replace(whole, reasons=tuple(dict.fromkeys(whole.reasons)))


def recover(run: Performance, roots: tuple[bytes, bytes]) -> RecoveryReport:
    """Settle every transfer left open between two roots (source, destination), and sweep hidden folders without a row.

    Call it under the lease of the roots and after their sentinels were checked: an unmounted root looks empty.
    Raises LeaseLost, Stopped, and Retryable when the database fails.
    """
    with run.database.read() as connection:
        unfinished = journal.open_transfers(connection, *roots)
        unfinished += journal.open_transfers(connection, roots[1], roots[1])  # to the trash of a root, and from it
    settled = [take_over(run, transfer) for transfer in unfinished]
    run.reasons += sweep(run.database, run.guard, *roots)
    run.reasons += sweep(run.database, run.guard, *reversed(roots))  # undos build in the inbound root
    return report_of(settled, run.reasons)


def waiting_for_a_person(unsettled: Iterable[Transfer], told: Iterable[Transfer]) -> RecoveryReport:
    """Return the transfers that wait for a person since an earlier recovery, without those in `told`."""
    known = {transfer.id for transfer in told}
    held = tuple(one for one in unsettled if one.state == "attention" and one.id not in known)
    message = "A move waits for a person: {}; `greenroom fsck` says what can be done"
    return RecoveryReport(
        attention=held,
        reasons=tuple(
            Reason("unsettled_transfer", sentence(message.format(one.error)), os.path.join(one.dst_root, one.target))
            for one in held
        ),
    )


def report_of(settled: Sequence[Transfer], reasons: Sequence[Reason]) -> RecoveryReport:
    """Return what became of transfers that were taken over."""
    by_state = {state: tuple(t for t in settled if t.state == state) for state in ("done", "cancelled", "attention")}
    waiting = tuple(t for t in settled if t.state not in by_state)
    message = "A move could not be settled, and is tried again: {}"
    why = [
        Reason("unsettled_transfer", sentence(message.format(one.error)), os.path.join(one.dst_root, one.target))
        for one in waiting
    ]
    return RecoveryReport(**by_state, waiting=waiting, reasons=(*reasons, *why))
