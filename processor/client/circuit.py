"""What became of calls to one service → whether the next may go out: closed, open for five minutes, probing. Pure."""

from __future__ import annotations

import datetime as dt
from typing import Final, Literal, NamedTuple

from processor.client.waiting import LONGEST_ASKED

State = Literal["closed", "open", "probing"]

FAILURES: Final = 5  # calls in a row that open it
OPEN: Final = dt.timedelta(minutes=5)
SUCCESSES: Final = 2  # probes in a row that close it
PROBE: Final = dt.timedelta(minutes=2)  # who probes and says nothing for so long is taken for dead


class Circuit(NamedTuple):
    """How one service stands, as all workers of all hosts see it."""

    state: State = "closed"
    failures: int = 0  # in a row
    successes: int = 0  # of probes, in a row
    until: dt.datetime | None = None  # open: when a probe may go out; probing: when the one under way counts as dead
    quiet_until: dt.datetime | None = None  # the service asked to be left alone until then


class Admission(NamedTuple):
    """Whether a call may go out, and the circuit from then on; else in how many seconds it is worth asking again."""

    circuit: Circuit
    admitted: bool
    seconds: float = 0


def admit(circuit: Circuit, now: dt.datetime) -> Admission:
    """Decide about one call. Of an open circuit one call goes out as a probe when its time has come."""
    if seconds := _left(circuit.quiet_until, now):
        return Admission(circuit, False, seconds)
    if circuit.state == "closed":
        return Admission(circuit, True)
    if seconds := _left(circuit.until, now):
        return Admission(circuit, False, seconds)
    return Admission(circuit._replace(state="probing", until=now + PROBE), True)


def barred(circuit: Circuit, now: dt.datetime) -> float:
    """Return for how many seconds a call has to wait that was admitted: much may have happened before its turn."""
    return max(_left(circuit.quiet_until, now), _left(circuit.until, now) if circuit.state == "open" else 0)


def _left(end: dt.datetime | None, now: dt.datetime) -> float:
    """Return the seconds until an end; none if it is further away than any ever is, for a clock was set back then."""
    left = (end - now).total_seconds() if end is not None else 0
    return left if 0 < left <= LONGEST_ASKED else 0


def succeeded(circuit: Circuit) -> Circuit:
    """Return the circuit after a call that was answered; of one that began before it opened nothing is concluded."""
    if circuit.state == "open":
        return circuit
    if circuit.state == "closed" or circuit.successes + 1 >= SUCCESSES:
        return Circuit(quiet_until=circuit.quiet_until)
    return circuit._replace(successes=circuit.successes + 1, until=None)


def failed(circuit: Circuit, now: dt.datetime) -> Circuit:
    """Return the circuit after a call that was not."""
    circuit = circuit._replace(failures=circuit.failures + 1)
    if circuit.state == "open" or (circuit.state == "closed" and circuit.failures < FAILURES):
        return circuit
    return circuit._replace(state="open", successes=0, until=now + OPEN)


def asked_for_quiet(circuit: Circuit, seconds: float, now: dt.datetime) -> Circuit:
    """Return the circuit of a service that wants no call for some seconds."""
    if _left(circuit.quiet_until, now) > seconds:
        return circuit
    return circuit._replace(quiet_until=now + dt.timedelta(seconds=seconds))
