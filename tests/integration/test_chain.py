"""The chain: what follows what, who may open a gate, and that the rows say the same whatever dies in between."""

from __future__ import annotations

import datetime as dt
import json
import os
import random
import re
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, text, update

from config import admin, libraries
from config.database import Database
from config.errors import Misconfigured, Rejected
from processor.items import repository, storing
from tests.carrying import carrying
from tests.commands import chosen, printed
from tests.items import album
from tests.waiting import is_blocked, until
from workflow import history, progress, succession
from workflow.chain import next_phase, passed_over
from workflow.engine.context import Context
from workflow.engine.engine import Engine
from workflow.engine.failure import AWAY, PhaseAway
from workflow.engine.job import Job, Payload
from workflow.engine.tables import JobRow
from workflow.operations import deciding
from workflow.phase import Decision, Phase, all_chores, all_phases
from workflow.phases.enrich import EnrichSettings
from workflow.phases.review import ReviewSettings
from workflow.progress import ProgressRow
from workflow.states import MOVES, IllegalMove, check_move

NOW = dt.datetime(2024, 5, 1, tzinfo=dt.UTC)


def stage(database: Database, *keys: str) -> list[int]:
    with database.begin() as connection:
        upserted = storing.upsert(connection, [album(key) for key in keys], NOW)
        succession.after_staging(connection, upserted, "r1", NOW)
    return [upserted[key].id for key in keys]


def put(database: Database, **settings: Any) -> None:
    with database.begin() as connection:
        for name, value in settings.items():
            admin.put(connection, f"phase.review.{name}", value, actor="eva", now=NOW)


@pytest.fixture
def database(database: Database) -> Database:
    """A database whose chain goes from staging to review at once; enriching has tests of its own."""
    with database.begin() as connection:
        admin.put(connection, "phase.enrich.mode", "off", actor="eva", now=NOW)
    return database


def item(database: Database, item_id: int) -> dict[str, Any]:
    with database.read() as connection:
        return progress.find(connection, item_id)


def happened(database: Database, item_id: int) -> list[tuple[str, str, str]]:
    with database.read() as connection:
        rows = history.of_item(connection, item_id)
    return [(row["actor"], row["what"], row["status"]) for row in rows if row["what"] != "enrich"]


@pytest.fixture
def engine(database: Database) -> Engine:
    """The engine with the phases there are."""
    return Engine(database, succession.works())


class Link(Phase):
    """A phase for tables of the chain."""

    def __init__(self, name: str, after: str | None, reached: str) -> None:
        self.name, self.after, self.reached = name, after, reached  # type: ignore[misc]


CHAIN = {
    name: Link(name, after, reached)
    for name, after, reached in [
        ("stage", None, "staged"), ("enrich", "stage", "enriched"), ("review", "enrich", "reviewed"),
        ("publish", "review", "published"),
    ]
}  # fmt: skip


@pytest.mark.parametrize(
    ("position", "status", "gates", "follows"),
    [
        ("staged", "pending_review", {"enrich": "auto"}, ("enrich", "auto")),
        ("staged", "pending_review", {"enrich": "off", "review": "manual"}, ("review", "manual")),
        ("staged", "pending_review", {"enrich": "off", "review": "off"}, None),
        ("staged", "rejected", {"enrich": "auto"}, None),
        ("staged", "missing", {"enrich": "auto"}, None),
        ("reviewed", "approved", {"publish": "manual"}, ("publish", "manual")),
        ("published", "published", {"publish": "auto"}, None),
    ],
)
def test_one_table_says_what_follows(position: str, status: str, gates: Any, follows: Any) -> None:
    assert next_phase(position, status, CHAIN, gates) == follows
    skipped = [name for name in ("enrich", "review") if gates.get(name) == "off"]
    assert [*passed_over(position, CHAIN, {"publish": "auto", **gates})] == skipped


def test_no_command_but_the_worker_imports_what_carries_jobs() -> None:
    check = "import sys, daemon.service, daemon.cli.jobs, daemon.cli.cycle; sys.exit('dbos' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=Path(__file__).parents[2], check=False).returncode == 0


def test_statuses_follow_one_another_as_the_table_says() -> None:
    assert {then for allowed in MOVES.values() for then in allowed} <= set(MOVES)
    check_move(1, "pending_review", "approved")
    with pytest.raises(IllegalMove, match="item 1 is missing, and cannot become approved; put its files back"):
        check_move(1, "missing", "approved")


@pytest.mark.parametrize("now", MOVES)
def test_who_asks_for_what_cannot_be_is_told_what_can_be_done_without_the_programs_words(now: str) -> None:
    then = next(status for status in MOVES if status != now and status not in MOVES[now])
    with pytest.raises(IllegalMove) as refused:
        check_move(1, now, then)
    said, _, instead = refused.value.message.partition("; ")
    assert "_" not in said
    assert instead


def test_phases_are_found_by_their_files_and_bring_their_settings(database: Database) -> None:
    assert list(all_phases())[:3] == ["stage", "enrich", "review"]
    assert {"cleanup", "notify", "refresh"} <= set(all_chores())
    put(database, at_once=2)
    with database.read() as connection:
        assert succession.limits(connection)["review"].workers == 2
    with pytest.raises(Misconfigured, match="off, or a number"):
        put(database, auto_approve="sometimes")


def test_what_is_staged_waits_for_a_person_unless_a_rule_decides(database: Database, engine: Engine) -> None:
    stage(database, "k1")
    assert engine.list() == []
    put(database, auto_approve="0.5")
    (second,) = stage(database, "k2")
    assert [(job.phase, job.item_id, job.actor) for job in engine.list()] == [("review", second, "chain")]
    assert stage(database, "k2") == [second]  # nothing changed
    assert happened(database, second) == [("cycle", "stage", "pending_review")]


def test_the_job_is_staged_with_its_item_or_not_at_all(database: Database, engine: Engine) -> None:
    put(database, auto_approve="0.5")
    with pytest.raises(ZeroDivisionError), database.begin() as connection:  # noqa: PT012  the block is what is tested
        succession.after_staging(connection, storing.upsert(connection, [album("k")], NOW), "r", NOW)
        raise ZeroDivisionError
    assert engine.list() == []
    with database.read() as connection:
        assert repository.ids(connection) == []


def test_a_rule_approves_and_a_person_decides_the_rest(database: Database, engine: Engine, tmp_path: Path) -> None:
    put(database, auto_approve="0.5", max_warnings=9)
    ids = stage(database, "k1", "k2")
    with database.begin() as connection:
        connection.execute(text("UPDATE staging_items SET confidence = 0.1 WHERE id = :id"), {"id": ids[1]})
    with carrying(database, tmp_path):
        until(lambda: engine.counts().get("review") == {"done": 2})
    assert [(item(database, i)["status"], item(database, i)["position"]) for i in ids] == [
        ("approved", "reviewed"),
        ("pending_review", "staged"),
    ]
    assert succession.reconcile(database) == 0  # the rule has spoken
    deciding.decide(database, ids[1], "approved", actor="eva", why="heard it")
    assert happened(database, ids[1])[-2:] == [("eva", "review", "approved"), ("chain", "tag", "approved")]
    deciding.decide(database, ids[1], "rejected", actor="eva", why="heard it again")
    with pytest.raises(IllegalMove):
        deciding.decide(database, ids[1], "published", actor="eva", why="a slip")
    assert item(database, ids[1])["status"] == "rejected"


def test_a_rule_does_not_approve_again_what_a_person_took_back(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    put(database, auto_approve="0.5", max_warnings=9)
    (one,) = stage(database, "k1")
    with carrying(database, tmp_path):
        until(lambda: item(database, one)["status"] == "approved")
        deciding.take_back(database, one, actor="eva")
        succession.reconcile(database)
        until(lambda: engine.counts().get("review") == {"done": 2})
        assert item(database, one)["status"] == "pending_review"
        succession.request(engine, "review", one, actor="eva")
        until(lambda: item(database, one)["status"] == "approved")


def test_what_was_before_a_decision_has_to_be_known_for_taking_it_back(database: Database) -> None:
    """Of items that an older version staged the history knows less."""
    (one,) = stage(database, "k1")
    with database.begin() as connection:
        connection.execute(delete(history.ItemHistoryRow))
    for _ in range(2):
        with pytest.raises(Rejected, match="was no decision"):
            deciding.take_back(database, one, actor="eva")
        deciding.decide(database, one, "approved", actor="eva", why="heard it")
    with database.read() as connection:
        assert deciding.undoable(history.of_item(connection, one), "approved") is None


def test_a_gate_that_closed_meanwhile_holds_what_nobody_asked_for(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    put(database, auto_approve="0.5")
    one, two = stage(database, "k1", "k2")
    put(database, auto_approve="off")
    succession.request(engine, "review", two, actor="eva")
    with carrying(database, tmp_path):
        until(lambda: engine.counts().get("review") == {"cancelled": 1, "done": 1})
    (job,) = engine.list(item_id=one)
    assert (job.status, job.code) == ("cancelled", "gate_closed")
    assert engine.list(item_id=two)[0].actor == "eva"
    put(database, auto_approve="0.5")
    assert succession.reconcile(database) == 1


class Interrupted(Phase):
    """A phase whose album is taken back while it is at it."""

    name, after, reached, description, settings = "review", "stage", "reviewed", "Look once more.", ReviewSettings

    def run(self, context: Context, item: Mapping[str, Any], payload: Any, settings: Any) -> Decision:
        """Take the album back, and look for it."""
        with context.database.begin() as connection:
            repository.unlist(connection, item["key"], item["path"])
        with context.database.read() as connection:
            repository.item(connection, item["id"])
        raise AssertionError("it is still there")


def test_a_job_whose_album_was_taken_back_is_over_and_nobody_is_told_of_a_failure(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    put(database, auto_approve="0.5")
    ids = stage(database, "waiting", "begun")
    with database.begin() as connection:
        repository.unlist(connection, "waiting", album().path)
    works = {"review": succession.PhaseWork(Interrupted())}
    with carrying(database, tmp_path, works, concurrency=1):
        until(lambda: not {"queued", "running"} & engine.counts()["review"].keys())
    assert engine.counts() == {"review": {"cancelled": 2}}
    assert {job.error for job in engine.list()} == {f"item {one} is not there any more" for one in ids}
    with database.read() as connection:
        assert "job_dead" not in connection.scalars(text("SELECT kind FROM events")).all()


def test_a_phase_that_is_off_is_remembered_as_passed_over(database: Database) -> None:
    put(database, mode="off")
    (one,) = stage(database, "k1")
    passed = [("chain", phase, "pending_review") for phase in ("review", "tag")]
    assert happened(database, one) == [("cycle", "stage", "pending_review"), *passed]
    stage(database, "k1")  # nothing changed
    assert len(happened(database, one)) == 3


class Looked(Phase):
    """Enriching that asks nobody."""

    name, after, reached, settings = "enrich", "stage", "enriched", EnrichSettings

    def run(self, context: Any, item: Any, payload: Any, settings: Any) -> Decision:
        """Leave the item as it is."""
        return Decision(item["status"], "nobody was asked")


def carried(database: Database, phase: Phase, job: Job, folder: Path) -> None:
    """Carry one job of a phase to its end, as a worker does."""
    ending = succession.PhaseWork(phase).run(Context(database, folder, job, threading.Event()), job, Payload())
    with database.begin() as connection:
        ending(connection, job)


def test_an_album_waits_for_a_person_when_all_that_goes_by_itself_is_done(
    database: Database, engine: Engine, tmp_path: Path
) -> None:
    with database.begin() as connection:
        admin.put(connection, "phase.enrich.mode", "auto", actor="eva", now=NOW)
    (one,) = stage(database, "k1")

    def told() -> list[str]:
        with database.read() as connection:
            return list(connection.scalars(text("SELECT why FROM events WHERE kind = 'needs_review'")))

    assert told() == []
    carried(database, Looked(), engine.list(item_id=one)[0], tmp_path)
    assert (told(), item(database, one)["position"]) == (["nobody was asked"], "enriched")


@pytest.mark.parametrize("setting", ["phase.enrich.paused", "staging_scan.dry_run"])
def test_while_a_phase_is_paused_or_dry_run_is_on_its_jobs_wait(
    database: Database, engine: Engine, tmp_path: Path, setting: str
) -> None:
    (one,) = stage(database, "k1")
    job = succession.request(engine, "enrich", one, actor="eva")
    with database.begin() as connection:
        admin.put(connection, setting, True, actor="eva", now=NOW)
    with pytest.raises(PhaseAway, match="enrich waits"):  # and so do all others of the phase, without being tried
        carried(database, Looked(), job, tmp_path)


class Files(Phase):
    """A phase that works on the files in staging."""

    name, after, reached, roots = "review", "stage", "reviewed", ("staging",)
    settings = ReviewSettings

    def run(self, context: Any, item: Any, payload: Any, settings: Any) -> Decision:
        """Take note of nothing."""
        return Decision("approved", "its files are here")


def test_a_job_that_needs_a_root_waits_where_it_is_not_mounted(
    database: Database, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = tmp_path / "staging"
    staging.mkdir()
    put(database, auto_approve="0.5")
    with database.begin() as connection:
        sentinel = Path(os.fsdecode(libraries.add_library(connection, "staging", bytes(staging), now=NOW).sentinel))
    (one,) = stage(database, "k1")
    works = {"review": succession.PhaseWork(Files())}
    monkeypatch.setitem(AWAY, PhaseAway, 0.1)
    sentinel.rename(tmp_path / "unmounted")
    with carrying(database, tmp_path, works):
        until(lambda: engine.list(item_id=one)[0].code == "not_here")
        assert item(database, one)["status"] == "pending_review"
        (tmp_path / "unmounted").rename(sentinel)
        until(lambda: item(database, one)["status"] == "approved")
    assert engine.list(item_id=one)[0].attempt == 1


def test_whoever_lost_a_job_gets_it_again(database: Database, engine: Engine) -> None:
    put(database, auto_approve="0.5")
    ids = stage(database, *(f"k{n}" for n in range(20)))
    lost = random.Random(7).sample(ids, 9)
    with database.begin() as connection:
        for item_id in lost:
            connection.execute(text("DELETE FROM jobs WHERE item_id = :id"), {"id": item_id})
        connection.execute(text("DELETE FROM item_progress WHERE item_id = :id"), {"id": lost[0]})
    assert succession.reconcile(database) == 9
    assert sorted(job.item_id or 0 for job in engine.list()) == sorted(ids)
    assert succession.reconcile(database) == 0


def test_a_clock_set_back_makes_no_job_come_again_and_again(database: Database, engine: Engine) -> None:
    """The rule leaves it to a person, and the item stays where it is: since a time that is yet to come."""
    put(database, auto_approve="0.9")
    (item_id,) = stage(database, "k1")
    with database.begin() as connection:
        tomorrow = dt.datetime.now(dt.UTC) + dt.timedelta(days=1)
        connection.execute(update(ProgressRow).values(moved_at=tomorrow))
        connection.execute(update(JobRow).values(status="done", created_at=dt.datetime.now(dt.UTC)))
    assert succession.reconcile(database) == 0
    with database.begin() as connection:
        connection.execute(delete(JobRow))
    assert succession.reconcile(database) == 1, "it had none at all"
    assert [job.item_id for job in engine.list()] == [item_id]


def test_the_commands_show_the_chain_its_jobs_and_what_happened(
    database: Database, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(database, auto_approve="0.5")
    (one,) = stage(database, "k1")
    chosen(monkeypatch, tmp_path, database)
    (job,) = engine.list()
    assert "review" in printed("phases")
    assert '"gate": "auto"' in printed("phases", "--json")
    assert "queued" in printed("jobs", "list", "--status", "queued")
    assert f'"id": {job.id}' in printed("jobs", "show", job.id, "--json")
    assert json.loads(printed("jobs", "pause", "review", "--json")) == {"phase": "review", "paused": True}
    assert "(paused)" in printed("phases")
    printed("jobs", "resume", "review")
    printed("jobs", "cancel", job.id)
    assert "nothing to cancel" in printed("jobs", "cancel", job.id, code=2)
    again = json.loads(printed("jobs", "retry", job.id, "--json"))
    assert again["is_new"]
    assert '"was": "queued"' in printed("jobs", "cancel", str(again["job"]), "--json")
    failure = {"attempt": 1, "at": "2026-01-01T00:00:00+00:00", "code": "full", "message": "the disk was full"}
    with database.begin() as connection:
        dead = {"status": "dead", "code": "full", "error": "the disk was full", "failures": [failure]}
        connection.execute(update(JobRow).where(JobRow.id == job.id).values(**dead))
    shown = printed("jobs", "show", job.id)
    assert "2026-01-01 00:00:00 UTC  attempt 1, full: the disk was full\n" in shown
    assert "Put right what the error names" in shown
    assert "1 dead; `greenroom jobs --status dead` says why" in printed("status")
    printed("review", "reject", one, "--why", "bootleg")
    shown = printed("items", "show", one)
    assert "bootleg" in shown
    assert re.search(r"Title +\S.* tags\n", shown)
    told = json.loads(printed("items", "show", one, "--json"))
    assert (told["position"], told["warnings"][0]["message"] in shown) == ("staged", True)
    assert [file["path"] in shown for file in told["files"]] == [True, False], "tracks are listed, pictures not"
    assert r"in \xfe" in shown, "as the path of a reason says it, which is no UTF-8"
    assert '"status": "approved"' in printed("review", "approve", one, "--json")
    assert f"item {one} is rejected again" in printed("review", "undo", one)
    assert "no item 99" in printed("items", "show", "99", code=2)
    assert "no phase" in printed("worker", "--phases", "omega", code=2)


@pytest.mark.postgres
@pytest.mark.parametrize("meanwhile", ["another host", "a person"])
def test_who_gives_an_item_its_first_place_is_not_in_anybodys_way(database: Database, meanwhile: str) -> None:
    """An older version staged it; two transactions begin before either has ended."""
    with database.begin() as connection:
        item = storing.upsert(connection, [album()], NOW)["k"].id

    def also() -> None:
        if meanwhile == "a person":
            deciding.decide(database, item, "approved", actor="eva", why="heard it")
            return
        with database.begin() as connection:
            progress.adopt(connection, NOW)

    with ThreadPoolExecutor(1) as threads:
        with database.begin() as connection:
            progress.adopt(connection, NOW)
            other = threads.submit(also)
            until(lambda: is_blocked(database))
        other.result()
    with database.read() as connection:
        assert progress.find(connection, item)["position"] == ("reviewed" if meanwhile == "a person" else "staged")
