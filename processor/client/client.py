"""A question to another machine → its answer: guarded, paced, tried again, remembered. The only way out over HTTP."""

from __future__ import annotations

import datetime as dt
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from typing import Any, Final, Self

from config import admin
from config.database import Database
from config.errors import Rejected
from config.reasons import show_time
from processor.client import circuit, circuits, memory, waiting
from processor.client.call import Call, a_call, shown
from processor.client.circuit import Circuit
from processor.client.exchange import Exchange, Trouble, World, trusted
from processor.client.memory import Remembered
from processor.client.service import Accept, Answer, Outage, Service

PATIENCE: Final = 30.0  # seconds a call waits where it is; for longer it gives up, and its job comes back later
SPENT: Final = 10.0  # seconds for which a service is left alone that says no request is left
ALONE: Final = 2  # requests' time for which others wait for an answer that somebody is asking for
PRUNE_EVERY: Final = 200  # answers a client remembers between two looks at how many there are
_UNASKED: Final = ("forbidden_url", "forbidden_address")  # of a service that was never asked nothing is concluded


@dataclass(slots=True)
class _Asked:
    """A call on its way."""

    call: Call
    service: Service
    key: str | None  # what its answer is remembered by
    requests: int = 0  # that went out


class Client:
    """Asks services. Thread-safe; close() when done.

    `wait(seconds)` is Context.wait of a job: what it raises passes through, so a job can be stopped wherever it waits.
    """

    def __init__(
        self,
        database: Database,
        *,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], dt.datetime] | None = None,
        world: World | None = None,
    ) -> None:
        self._database = database
        self._wait = wait
        self._clock = clock or database.clock  # which all hosts share
        world = world or World(ca=trusted(ssl.get_default_verify_paths()))
        self._chance, self._turn = world.chance, world.turn
        self._remembered = 0
        with database.read() as connection:
            contact = admin.get(connection, "network.contact")
        agent = f"Greenroom/{metadata.version('greenroom')} ({contact or 'self-hosted'})"
        self._exchange = Exchange(agent, world, self._clock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections that were kept open."""
        self._exchange.close()

    def get(
        self,
        url: str,
        *,
        service: Service,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        accept: Accept = "json",
        fresh: bool = False,
    ) -> Answer:
        """Ask for what is at a URL, following three redirects at most; `headers` go to its own origin only.

        An answer that is remembered and good is returned without asking, unless `fresh`; one that is not good any
        more is returned when the service does not answer. 404 and 410 are answers.

        Raises Outage (a Retryable) when there is no answer now: the network, 429, 5xx, an open circuit, half an answer;
        Refused when the service refuses; Rejected `forbidden_url`, `forbidden_address`, `wrong_type`, `too_large`,
        `too_many_redirects`; and what `turn` and `wait` raise.
        """
        return self._answer(a_call("GET", url, headers, accept, params=params), service, fresh)

    def post(
        self,
        url: str,
        *,
        service: Service,
        form: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
        accept: Accept = "json",
        fresh: bool = False,
    ) -> Answer:
        """Ask with a form or with JSON, as `get` does, but follow no redirect, which would carry the body elsewhere.

        It is tried again only when the service did not take it: no connection, 429, 503.
        """
        return self._answer(a_call("POST", url, headers, accept, form=form, body=json), service, fresh)

    def put(self, url: str, *, service: Service, headers: Mapping[str, str]) -> Answer:
        """Ask with PUT and no body: as `post`, but tried again as `get` is, for twice does no harm."""
        return self._answer(a_call("PUT", url, headers, "any"), service, fresh=True)

    def _answer(self, call: Call, service: Service, fresh: bool) -> Answer:
        if service.ttl is None:
            return self._fetch(_Asked(call, service, None))
        key = call.key(service)
        known = self._recall(key)
        if known is not None and known.is_good and not fresh:
            return known.answer
        # Who asks the same meanwhile, on whatever host, waits for this answer.
        with self._turn(self._database, f"answer {key}", self._wait, longest=ALONE * service.total):
            known = self._recall(key)
            if known is not None and known.is_good and not fresh:
                return known.answer
            try:
                return self._fetch(_Asked(call, service, key))
            except Outage:
                if known is None:
                    raise
                return known.answer

    def _recall(self, key: str) -> Remembered | None:
        with self._database.read() as connection:
            return memory.recall(connection, key, self._clock())

    def _fetch(self, asked: _Asked) -> Answer:
        """Ask, several times if need be, and record how it went for all workers."""
        call, service = asked.call, asked.service
        attempts = 1 if self._admit(service).state == "probing" else service.attempts
        for attempt in range(1, attempts + 1):
            try:
                answer = self._exchange.attempt(call, service, partial(self._sending, asked))
            except Trouble as trouble:
                delay = waiting.back_off(attempt, self._chance()) if trouble.quiet is None else trouble.quiet
                is_over = attempt == attempts or delay > PATIENCE or (call.method == "POST" and trouble.taken)
                if is_over:
                    self._fail(asked, trouble)
                self._wait(delay)
            except Rejected as error:
                if error.reason_code not in _UNASKED:
                    self._report(asked, None, None)
                raise
            else:
                self._report(asked, None, answer)
                return answer
        raise AssertionError("a service is asked at least once")

    @contextmanager
    def _sending(self, asked: _Asked) -> Iterator[None]:
        """Hold the turn of one request, unless the service may no longer be asked by then."""
        service = asked.service
        turn: AbstractContextManager[None] = nullcontext()
        if service.per_second:
            apart, longest = 1 / service.per_second, service.total
            turn = self._turn(self._database, service.name, self._wait, apart=apart, longest=longest)
        with turn:
            while seconds := circuit.barred(stands := self._standing(service), self._clock()):
                self._hold_back(service, stands, seconds)
            asked.requests += 1
            try:
                yield
            except Trouble as trouble:
                if trouble.quiet is not None:
                    self._leave_alone(service, trouble.quiet)
                raise

    def _fail(self, asked: _Asked, trouble: Trouble) -> None:
        name = asked.service.name
        message = f"{name} did not answer {shown(asked.call.url, asked.service)}: {trouble}"
        self._report(asked, message, None)
        raise Outage(message, seconds=trouble.quiet) from None

    def _admit(self, service: Service) -> Circuit:
        """Return the circuit when a call may go out. Raises Outage when that is not soon."""
        while True:
            stands = self._standing(service)
            found = circuit.admit(stands, self._clock())
            if found.admitted and found.circuit != stands:  # a probe, which one of all may send
                with self._database.begin() as connection:
                    stands = circuits.locked(connection, service.name)
                    found = circuit.admit(stands, self._clock())
                    if found.admitted:
                        circuits.write(connection, service.name, found.circuit)
            if found.admitted:
                return found.circuit
            self._hold_back(service, stands, found.seconds)

    def _standing(self, service: Service) -> Circuit:
        with self._database.read() as connection:
            return circuits.read(connection, service.name)

    def _hold_back(self, service: Service, stands: Circuit, seconds: float) -> None:
        """Wait until a service may be asked. Raises Outage when that is not soon."""
        if stands.state != "closed" or seconds > PATIENCE:
            until = self._clock() + dt.timedelta(seconds=seconds)  # a moment: it may be read, with a debt, hours later
            message = f"{service.name} is left alone until {show_time(until)}: it did not answer, or asked for it"
            raise Outage(message, seconds=seconds, code="provider_paused")
        self._wait(seconds)

    def _leave_alone(self, service: Service, seconds: float) -> None:
        """Let everybody wait, as a service asked for."""
        with self._database.begin() as connection:
            stands = circuits.locked(connection, service.name)
            stands = circuit.asked_for_quiet(stands, seconds, self._clock())
            circuits.write(connection, service.name, stands)

    def _report(self, asked: _Asked, error: str | None, answer: Answer | None) -> None:
        """Write down how a call ended, and its answer, if it is to be remembered."""
        now, service = self._clock(), asked.service
        with self._database.begin() as connection:
            stands = circuits.locked(connection, service.name)
            stands = circuit.succeeded(stands) if error is None else circuit.failed(stands, now)
            if answer is not None and service.remaining and answer.headers.get(service.remaining, "").strip() == "0":
                stands = circuit.asked_for_quiet(stands, SPENT, now)
            circuits.write(connection, service.name, stands)
            circuits.count(connection, service.name, asked.requests, now, error)
            if asked.key is not None and answer is not None and _is_readable(asked.call, answer):
                seconds = (service.ttl if answer.found else service.negative_ttl) or 0
                memory.remember(connection, asked.key, service.name, answer, now, seconds)
                self._remembered += 1
                if self._remembered % PRUNE_EVERY == 0:
                    memory.forget(connection, memory.surplus(connection, now - memory.STALE, PRUNE_EVERY))


def _is_readable(call: Call, answer: Answer) -> bool:
    """Tell whether an answer can be read; one that was cut off must not be remembered."""
    if call.accept != "json" or not answer.found:
        return True
    try:
        answer.json()
    except Rejected:
        return False
    return True
