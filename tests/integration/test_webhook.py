"""Messages to programs: signed so that a receiver can tell, told again when not taken, and no secret anywhere."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import admin
from config.database import Database
from config.errors import GreenroomError, Misconfigured, Retryable
from config.reasons import MASK
from tests.commands import chosen, greenroom
from tests.providers import Provider, Reply, redirect
from workflow import events
from workflow.chores.notify import Message, Notifier, Notify, NotifySettings, as_json
from workflow.engine import listing
from workflow.engine.context import Context
from workflow.engine.job import Job
from workflow.events import Event

pytestmark = pytest.mark.sqlite
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
SECRET = "v3ry s3cret"


class Quick(Context):
    """A job that does not wait."""

    def wait(self, seconds: float) -> None:
        self.check()


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider().serving() as serving:
        serving.answers["/hook"] = Reply(204, kind=None)
        yield serving


def wanted(database: Database, provider: Provider, **settings: Any) -> tuple[Job, NotifySettings]:
    """Return the job that an event makes with these settings."""
    with database.begin() as connection:
        for name, value in {"webhooks": f"{provider.url}/hook", "webhook_secret": SECRET, **settings}.items():
            admin.put(connection, f"phase.notify.{name}", value, actor="eva", now=NOW)
        section, _ = admin.read_section(connection, "phase.notify")
    events.dispatch(database, [Notifier()], NOW)
    with database.begin() as connection:
        events.tell(connection, [Event("player_missed", "Ærø – “Åben”", "tv does not show it", 7)], NOW)
    events.dispatch(database, [Notifier()], NOW)
    with database.read() as connection:
        (job,) = listing.page(connection, statuses=(), phase="notify", item_id=None, before=None, limit=9)
    assert isinstance(section, NotifySettings)
    return job, section


def carry(database: Database, job: Job, settings: NotifySettings) -> None:
    context = Quick(database, Path("/nowhere"), job, threading.Event())
    Notify().run(context, Message.read(job.payload, job.payload_version), settings)


def test_a_receiver_can_tell_who_sent_a_message_and_when(database: Database, provider: Provider) -> None:
    job, settings = wanted(database, provider)
    carry(database, job, settings)
    (seen,) = provider.seen
    at = seen.headers["x-greenroom-timestamp"]
    right = hmac.new(SECRET.encode(), at.encode() + b"." + seen.body, hashlib.sha256).hexdigest()
    assert seen.headers["x-greenroom-signature"] == f"sha256={right}"
    assert abs(int(at) - dt.datetime.now(dt.UTC).timestamp()) < 3600
    message = json.loads(seen.body)
    assert message["title"] == "Greenroom: 1 not shown by a player"
    (event,) = message["events"]
    assert (event["kind"], event["subject"], event["item_id"]) == ("player_missed", "Ærø – “Åben”", 7)
    assert SECRET not in str(job)
    assert provider.url not in str(job)


def test_of_a_huge_run_a_program_is_sent_the_newest_events_and_how_many_others_there_were() -> None:
    staged = [Event("item_staged", f"album {n}", "new", n) for n in range(10_000)]
    message = as_json([*staged, Event("run_finished", "run r", "10000 staged")])
    assert message["title"] == "Greenroom: 10000 staged"
    assert message["left_out"] + len(message["events"]) == 10_001
    assert [event["subject"] for event in message["events"]][-2:] == ["album 9999", "run r"]
    assert len(json.dumps(message)) < 1_000_000
    assert as_json(staged[:2])["left_out"] == 0


def test_without_a_secret_it_is_not_signed(database: Database, provider: Provider) -> None:
    carry(database, *wanted(database, provider, webhook_secret=""))
    assert "x-greenroom-signature" not in provider.seen[0].headers


@pytest.mark.parametrize(
    ("reply", "retried"),
    [(Reply(500), True), (Reply(429), True), (Reply(404), False), (Reply(401), False), (redirect("/else"), False)],
    ids=str,
)
def test_what_is_not_taken_is_told_again_if_that_may_help(
    database: Database, provider: Provider, reply: Reply, retried: bool
) -> None:
    job, settings = wanted(database, provider)
    provider.down = reply
    with pytest.raises(GreenroomError) as raised:
        carry(database, job, settings)
    assert f"{provider.url}/hook" not in raised.value.message, "many an address is all that its receiver asks for"
    assert isinstance(raised.value, Retryable) == retried
    assert "/else" not in provider.paths()
    assert SECRET not in raised.value.message


def test_its_address_and_its_secret_are_shown_to_nobody(database: Database, provider: Provider) -> None:
    wanted(database, provider)
    with database.read() as connection:
        changes = admin.history(connection)
    assert {change["new"] for change in changes} == {json.dumps(MASK, ensure_ascii=False)}
    with database.begin() as connection, pytest.raises(Misconfigured, match="http or https") as raised:
        admin.put(connection, "phase.notify.webhooks", "https://eva:hunter22@nas/", actor="eva", now=NOW)
    assert "hunter22" not in raised.value.message


def test_an_admin_sees_at_once_who_takes_messages(
    database: Database, database_url: str, provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen(monkeypatch, tmp_path, database_url)
    by_apprise = f"json://eva:hunter22@127.0.0.1:{provider.port}/hook"
    with database.begin() as connection:
        for name, value in (("urls", by_apprise), ("webhooks", f"{provider.url}/hook"), ("webhook_secret", SECRET)):
            admin.put(connection, f"phase.notify.{name}", value, actor="eva", now=NOW)

    def run() -> tuple[int, str]:
        done = greenroom("notify")
        return done.exit_code, done.output

    assert run() == (0, f"json: taken\nwebhook {provider.url}: taken\n")
    assert [json.loads(seen.body)["title"] for seen in provider.seen] == ["Greenroom: a test"] * 2
    provider.down = Reply(404, b"{}")
    code, output = run()
    assert (code, output.count("taken"), "nothing at the address" in output) == (1, 1, True)
    assert "hunter22" not in output
    assert SECRET not in output
