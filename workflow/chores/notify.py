"""Events → messages to people, one digest a run, by whatever Apprise can reach; never in the way of anything else."""

from __future__ import annotations

import datetime as dt
import hashlib
import logging
import time
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any, Final

from pydantic import Field, field_validator
from sqlalchemy import Connection

from config.errors import Misconfigured, Rejected, Retryable
from processor.client.addresses import origin_of
from processor.client.webhook import deliver
from workflow import events
from workflow.engine import wanting
from workflow.engine.context import Context
from workflow.engine.failure import Cancelled
from workflow.engine.job import PRIORITIES, NewJob, Payload, Retries
from workflow.events import ENDS, KINDS, Event, Kind
from workflow.phase import Chore, ChoreSettings, settings_of

QUIET: Final = dt.timedelta(minutes=1)  # without another album that waits for a person, before that is told
PATIENCE: Final = dt.timedelta(minutes=30)  # for which the first of them waits for others
SHOWN: Final = 20  # lines of one message; the others are counted
SENT: Final = 500  # events of one message for a program, some 200 kB: many take no more than 1 MB
DEFAULT: Final = (
    "run_finished run_failed job_dead library_suspended needs_review player_missed damage_found move_held library_away"
)
_WORDS: Final[dict[Kind, str]] = {
    "item_staged": "staged", "needs_review": "needs review", "approved": "approved", "rejected": "rejected",
    "undone": "taken back", "published": "published", "unpublished": "taken out of its library",
    "run_finished": "run finished", "run_failed": "run failed", "job_dead": "job failed",
    "library_suspended": "library suspended", "player_missed": "not shown by a player",
    "damage_found": "damage found", "move_held": "move held for a person", "library_away": "library cannot be used",
}  # fmt: skip


class NotifySettings(ChoreSettings):
    """Who is told of what."""

    urls: str = Field(
        "", max_length=4096, json_schema_extra={"secret": True},
        description="Apprise URLs, such as ntfys://ntfy.sh/topic, apart by spaces; empty: nobody is told.",
    )  # fmt: skip
    webhooks: str = Field(
        "", max_length=4096, json_schema_extra={"secret": True},
        description="Addresses that get each message as JSON, apart by spaces, signed with webhook_secret.",
    )  # fmt: skip
    webhook_secret: str = Field(
        "", max_length=1000, json_schema_extra={"secret": True},
        description="What X-Greenroom-Signature is made with: HMAC-SHA256 of time, dot and body; empty: not signed.",
    )  # fmt: skip
    events: str = Field(DEFAULT, description=f"What is told, of: {', '.join(KINDS)}.")

    @field_validator("events")
    @classmethod
    def _events_are_known(cls, value: str) -> str:
        names = value.replace(",", " ").split()
        if unknown := set(names) - set(KINDS):
            raise ValueError(f"no event is called {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        return " ".join(names)

    @field_validator("urls")
    @classmethod
    def _urls_look_like_it(cls, value: str) -> str:
        if any("://" not in url for url in value.split()):
            raise ValueError("must be URLs, each with its scheme, apart by spaces")
        return " ".join(value.split())

    @field_validator("webhooks")
    @classmethod
    def _webhooks_can_be_reached(cls, value: str) -> str:
        for url in value.split():
            try:
                origin_of(url)
            except Rejected:
                raise ValueError("must be http or https addresses without credentials, apart by spaces") from None
        return " ".join(value.split())

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """The kinds of events that are told."""
        return tuple(kind for kind in KINDS if kind in self.events.split())

    @property
    def targets(self) -> dict[str, str]:
        """The URLs by the names that jobs have for them, so that no secret stands in a job's row."""
        return {hashlib.sha256(url.encode()).hexdigest()[:12]: url for url in f"{self.urls} {self.webhooks}".split()}


class Message(Payload):
    """What one message tells, and to whom: a whole run, or some events."""

    target: str
    run_id: str | None = None
    events: tuple[int, ...] = ()


class Notify(Chore):
    """Sends one message to one target; each target is tried again by itself."""

    name = "notify"
    description = "Tell people what happened, by Apprise, and programs, by webhooks."
    settings = NotifySettings
    payload = Message
    retries = Retries(attempts=8, base=30, cap=3600)

    def run(self, context: Context, payload: Message, settings: NotifySettings) -> None:
        """Send it. Raises Retryable when it was not taken, Cancelled when its target is no more in the settings."""
        url = settings.targets.get(payload.target)
        if url is None:
            raise Cancelled("its target is not in phase.notify any more")
        with context.database.read() as connection:
            if payload.run_id is None:
                told = events.of_ids(connection, payload.events)
            else:
                told = events.of_run(connection, payload.run_id, settings.kinds)
        if told and url in settings.webhooks.split():
            from processor.client.client import Client  # its libraries are not wanted where only settings are read

            with Client(context.database, wait=context.wait) as client:
                deliver(client, url, settings.webhook_secret, as_json(told), time.time())
        elif told:
            send(url, *rendered(told))


class Notifier:
    """The subscriber that wants a job for each message."""

    name = "notify"

    def wants(self, connection: Connection) -> Collection[Kind]:
        """Return what the settings name; nothing where nobody is to be told."""
        settings: NotifySettings = settings_of(connection, Notify.name)
        if not settings.targets or settings.mode != "auto":
            return ()
        return {*settings.kinds, *ENDS}

    def waits(self, heard: Sequence[Event], now: dt.datetime) -> bool:
        """Let albums that wait for a person come together: after a large run they do so one by one, for hours."""
        ages = [now - event.at for event in heard if event.at is not None and event.kind == "needs_review"]
        return len(ages) == len(heard) and dt.timedelta(0) <= min(ages) < QUIET and max(ages) < PATIENCE

    def take(self, connection: Connection, heard: Sequence[Event], now: dt.datetime) -> None:
        """Want a message for each run that ended with something to tell, and one for all that belongs to no run.

        None of a message that could not be sent: it would fail as well, and be told again, to everybody, for ever.
        """
        settings: NotifySettings = settings_of(connection, Notify.name)
        heard = [event for event in heard if event.facts.get("phase") != Notify.name]
        ended = [event.run_id for event in heard if event.kind in ENDS and is_worth_telling(event)]
        apart = tuple(event.id for event in heard if event.run_id is None and event.id is not None)
        wanted = [
            NewJob("notify", f"{subject} to {target}", None, Message(target=target, run_id=run_id, events=ids),
                   PRIORITIES["low"], actor="events")
            for target in settings.targets
            for subject, run_id, ids in [
                *((f"run {run_id}", run_id, ()) for run_id in ended),
                *([(f"events from {apart[0]}", None, apart)] if apart else []),
            ]
        ]  # fmt: skip
        wanting.submit(connection, wanted, now)


def is_worth_telling(event: Event) -> bool:
    """Whether the end of a run is news: it failed for another reason than the one before, it is well again, something
    moved, or other albums than at the end before wait for somebody. A dry run never is.
    """
    facts = event.facts
    moved = facts.get("counts", {}).get("staged") or facts.get("unheard")
    return not facts.get("dry_run") and bool(facts.get("code") != facts.get("before") or moved)


def rendered(told: Sequence[Event]) -> tuple[str, str]:
    """Return the title and the text of one message."""
    counted = Counter(event.kind for event in told if event.kind != "run_finished")
    head = ", ".join(f"{count} {_WORDS[kind]}" for kind, count in counted.items()) or "run finished"
    ends_first = sorted(told, key=lambda event: event.kind not in ENDS)  # the sum, before what is left out
    lines = [_line(event) for event in ends_first[:SHOWN]]
    more = [f"… and {len(told) - SHOWN} more"] if len(told) > SHOWN else []
    return f"Greenroom: {head}", "\n".join([*lines, *more])


def as_json(told: Sequence[Event]) -> dict[str, Any]:
    """Return one message for programs: the newest events, for the last of a run is its end, and how many others."""
    title, _ = rendered(told)
    names = ("kind", "subject", "why", "item_id", "run_id", "job_id", "id")
    sent = [{**{n: getattr(e, n) for n in names}, "facts": dict(e.facts)} for e in told[-SENT:]]
    return {"title": title, "events": sent, "left_out": len(told) - len(sent)}


def _line(event: Event) -> str:
    counts = event.facts.get("counts", {})
    failed = event.kind == "run_failed" or counts.get("failed")
    over = event.facts.get("before") and not event.facts.get("code")
    well = ["well again"] if event.kind == "run_finished" and over and not failed else []
    said = ", ".join([*well, *(f"{n} {name}" for name, n in counts.items() if n)])
    why = f": {event.why}" if said and failed else ""
    return f"{_WORDS[event.kind]}: {event.subject} ({said or event.why}){why}"


def send(url: str, title: str, body: str) -> None:
    """Send one message. Raises Misconfigured for a URL that is none, Retryable when it was not taken.

    What Apprise logs is thrown away: it holds the URL, and with it the secret.
    """
    import apprise

    log = logging.getLogger("apprise")
    log.handlers[:], log.propagate = [logging.NullHandler()], False
    scheme = url.partition("://")[0]
    target = apprise.Apprise()
    if not target.add(url):
        raise Misconfigured(f"Apprise cannot use a {scheme} URL of phase.notify.urls; look at what it needs")
    if not target.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT):
        raise Retryable(f"a message by {scheme} was not taken", code="not_delivered")


CHORE = Notify()
