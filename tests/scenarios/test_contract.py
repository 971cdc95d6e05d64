"""What scripts rely on: environment, commands, one JSON object, its keys, its paths, and the exit codes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from loguru import logger

from config.libraries import list_libraries
from config.locks import hold
from daemon.cli import main
from daemon.process_scan import main as process_scan
from daemon.scan_inbound import main as scan_inbound
from tests.commands import chosen
from tests.scenarios.drops import JPEG, Drop, link, song, songs
from tests.scenarios.house import House, seen
from workflow.stopping import StopOrTimeout

TWO = range(1, 3)
CHECKOUT = Path(__file__).parents[2]
ALBUM_KEYS = {
    *("key", "album_artist", "album", "year", "discs", "outcome", "reasons", "staging_path", "tracks"),
}
DROP: Drop = {
    **songs("Low Tide/CD1", "flac", TWO, date="1999"),
    **songs("Low Tide/CD2", "flac", TWO, date="1999"),
    "Low Tide/cover.jpg": JPEG,
    "Broken - One/01.mp3": b"rubbish",
    os.fsdecode(b"Caf\xe9/01.mp3"): song(),
    "link": link("Low Tide"),
    ".hidden": b"",
}


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on stdout; anything else there makes this fail."""
        return json.loads(self.out)


class Greenroom:
    """The command line on the installation of a house, run in this process."""

    def __init__(self, house: House) -> None:
        self.house = house

    def __call__(self, *arguments: object) -> Answer:
        return self.run(main, *arguments)

    def run(self, command: Any, *arguments: object) -> Answer:
        """Run one of the programs."""
        result = CliRunner().invoke(command, [*map(str, arguments)])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
        return Answer(result.exit_code, result.stdout, result.stderr)


@pytest.fixture
def greenroom(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Greenroom]:
    """The command line, with the environment that selects the house; signals and logs are put back afterwards."""
    chosen(monkeypatch, house.data, house.database)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)}
    yield Greenroom(house)
    logger.remove()
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_cycle_answers_with_every_key_and_with_paths_that_are_there(greenroom: Greenroom) -> None:
    house = greenroom.house
    house.drop(DROP)
    answer = greenroom("cycle", "--json")
    report = answer.json
    assert answer.code == 0
    assert (report["status"], report["dry_run"], report["error"]) == ("done", False, None)
    assert isinstance(report["run_id"], str)
    assert isinstance(report["duration_ms"], int)
    assert (
        report["counts"].items()
        >= {"staged": 1, "quarantined": 1, "needs_review": 1, "tracks": 6, "ignored": 2}.items()
    )
    assert all(album.keys() >= ALBUM_KEYS for album in report["albums"])
    for album in report["albums"]:
        assert all(reason.keys() >= {"code", "message", "path"} for reason in album["reasons"])
        assert all(track.keys() >= {"disc", "track", "title", "source", "path"} for track in album["tracks"])
        assert all(os.path.isabs(reason["path"]) for reason in album["reasons"] if reason["path"])
    staged = next(album for album in report["albums"] if album["outcome"] == "staged")
    assert (staged["album"], staged["discs"], staged["year"]) == ("Low Tide", 2, 1999)
    assert staged["staging_path"] == str(house.staging / "AD/Ada/1999 - Low Tide")
    assert [(track["disc"], track["track"], track["title"]) for track in staged["tracks"]] == [
        (disc, n, f"Song {n}") for disc in TWO for n in TWO
    ]
    assert all(Path(track["path"]).is_file() and not Path(track["source"]).exists() for track in staged["tracks"])
    waiting = next(album for album in report["albums"] if album["outcome"] == "needs_review")
    assert waiting["tracks"][0]["source"] == str(house.inbound) + r"/Caf\xe9/01.mp3"
    assert waiting["tracks"][0]["path"] is None
    assert {(Path(entry["path"]).name, bool(entry["reason"])) for entry in report["ignored"]} == {
        ("link", True),
        (".hidden", True),
    }


def test_items_and_runs_list_what_is_on_disk(greenroom: Greenroom) -> None:
    greenroom.house.drop(DROP)
    report = greenroom("cycle", "--json").json
    (item,) = greenroom("items", "--json").json
    assert Path(item["staging_path"]).is_dir()
    assert (item["album"], item["status"], item["revision"], item["track_count"]) == (
        "Low Tide",
        "pending_review",
        1,
        4,
    )
    (run,) = greenroom("runs", "--json").json
    assert (run["id"], run["status"], run["counts"]) == (report["run_id"], "done", report["counts"])
    assert {reason["album"] for reason in run["reasons"]} == {
        album["key"] for album in report["albums"] if album["outcome"] != "staged"
    }
    assert run["settings"]["quiet_seconds"] == 0
    assert greenroom("recover").code == 0


def test_a_dry_run_foretells_all_and_touches_nothing(greenroom: Greenroom, tmp_path: Path) -> None:
    house, plan = greenroom.house, tmp_path / "plan.json"
    house.drop(DROP)
    before = house.look()
    told = greenroom("cycle", "--dry-run", "--json", "--plan", plan).json
    assert house.look() == before
    assert told["dry_run"] is True
    assert greenroom("items", "--json").json == []
    done = greenroom("cycle", "--json").json
    same = ("key", "outcome", "staging_path", "reasons", "tracks")
    assert [[album[name] for name in same] for album in told["albums"]] == [
        [album[name] for name in same] for album in done["albums"]
    ]
    planned = {
        os.path.join(album["staging_path"], file["target"])
        for album in json.loads(plan.read_text())["albums"]
        for file in album["files"]
    }
    assert planned == {os.fsdecode(path) for path in house.staged_files()}


def test_a_dry_run_needs_no_lock_and_a_cycle_without_it_is_skipped(greenroom: Greenroom) -> None:
    house = greenroom.house
    house.drop(DROP)
    with house.database.read() as connection:
        roots = list_libraries(connection)
    with hold(house.database, roots, "somebody", StopOrTimeout(threading.Event())):
        assert greenroom("cycle", "--dry-run", "--json").code == 0
        answer = greenroom("cycle", "--json")
        assert (answer.code, answer.json["status"], answer.json["albums"]) == (75, "skipped", [])
        assert answer.json["error"]["message"]
        assert greenroom("recover").code == 75
    assert greenroom("runs", "--json").json[0]["status"] == "skipped"
    assert greenroom("cycle", "--json").code == 0


def test_a_root_that_is_not_mounted_fails_with_one_object(greenroom: Greenroom) -> None:
    (greenroom.house.inbound / ".greenroom-root").unlink()
    answer = greenroom("cycle", "--json")
    assert (answer.code, answer.json["status"], answer.json["error"]["code"]) == (1, "failed", "root_not_mounted")
    assert greenroom("runs", "--json").json[0]["status"] == "failed"


def test_missing_libraries_fail_with_one_object(greenroom: Greenroom) -> None:
    assert greenroom("libraries", "remove", greenroom.house.staging).code == 0
    answer = greenroom("cycle", "--json")
    assert (answer.code, answer.json["status"], answer.json["error"]["code"]) == (1, "failed", "no_library")
    assert "libraries add staging" in answer.json["error"]["message"]


def test_a_database_that_cannot_be_used_fails_with_one_object(
    greenroom: Greenroom, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "no.db").write_bytes(b"this is no database, and long enough to be sure of it" * 99)
    monkeypatch.setenv("GREENROOM_DATABASE_URL", f"sqlite:///{tmp_path / 'no.db'}")
    answer = greenroom("cycle", "--json")
    assert (answer.code, answer.json["status"]) == (1, "failed")
    assert all("no.db is damaged or no database" in told for told in (answer.json["error"]["message"], answer.err))


def test_a_staging_folder_that_fills_a_file_fails_only_its_albums(greenroom: Greenroom) -> None:
    house = greenroom.house
    house.drop(songs("a", "flac", TWO) | songs("b", "flac", TWO, artist="Bo"))
    (house.staging / "AD").write_bytes(b"a file where a folder should be")
    answer = greenroom("cycle", "--json")
    assert answer.code == 0
    outcomes = {album["album_artist"]: album["outcome"] for album in answer.json["albums"]}
    assert outcomes["Bo"] == "staged"
    assert outcomes["Ada"] in ("failed", "conflict")
    assert len(list((house.inbound / "a").iterdir())) == 2


def test_settings_have_short_names_and_refuse_nonsense(greenroom: Greenroom) -> None:
    assert greenroom("settings", "set", "quiet_seconds", "300").code == 0
    assert greenroom("settings", "get", "quiet_seconds").out.strip() == "300"
    assert greenroom("settings", "get", "staging_scan.quiet_seconds", "--json").json["value"] == 300
    assert greenroom("settings", "set", "quiet_seconds", "soon").code == 2
    assert greenroom("settings", "set", "schedule", "61 * * * *").code == 2
    assert greenroom("settings", "get", "no_such_thing").code == 2
    assert greenroom("settings", "get", "quiet_seconds").out.strip() == "300"


def test_libraries_are_checked_when_they_are_added(greenroom: Greenroom, tmp_path: Path) -> None:
    inside = greenroom.house.inbound / "inside"
    inside.mkdir()
    assert greenroom("libraries", "add", "library", inside).code != 0
    assert greenroom("libraries", "add", "library", str(tmp_path / "missing")).code != 0
    assert greenroom("libraries", "add", "attic", tmp_path).code == 2
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    assert greenroom("libraries", "add", "library", shelf).code == 0
    assert greenroom("libraries", "add", "library", shelf).code == 0
    assert [row["role"] for row in greenroom("libraries", "--json").json] == ["inbound", "staging", "library"]


def test_a_scan_and_then_a_process_make_a_cycle(greenroom: Greenroom) -> None:
    house = greenroom.house
    house.drop(DROP)
    before = house.look()
    scan = greenroom("scan", "--json")
    assert scan.code == 0
    assert (scan.json["audio"], scan.json["groups"], scan.json["problems"]) == (6, 3, 1)
    assert house.look() == before
    assert greenroom("process", "--dry-run", "--json").json["counts"]["staged"] == 1
    assert house.look() == before
    report = greenroom("process", "--scan", scan.json["scan_db"], "--json").json
    assert report["counts"]["staged"] == 1
    house.check_staging()


@pytest.mark.parametrize("still_staged", [True, False])
def test_a_scan_whose_files_are_gone_makes_its_albums_wait(greenroom: Greenroom, still_staged: bool) -> None:
    house = greenroom.house
    house.drop(songs("Low Tide", "flac", TWO) | songs("Tin", "flac", TWO, artist="Bo"))
    scan = greenroom("scan", "--json").json["scan_db"]
    assert greenroom("process", "--scan", scan).code == 0
    if not still_staged:
        shutil.rmtree(house.staging / "AD")
    again = greenroom("process", "--scan", scan, "--json")
    assert (again.code, again.json["status"]) == (0, "done")
    assert {album["outcome"] for album in again.json["albums"]} == {"waiting"}
    assert {album["reasons"][0]["code"] for album in again.json["albums"]} <= {"vanished", "source_changed"}


def test_the_old_names_do_the_same(greenroom: Greenroom, tmp_path: Path) -> None:
    house = greenroom.house
    house.drop(DROP)
    roots = ["-path", os.fspath(house.inbound), f"--output={tmp_path / 'scans'}"]
    command = [sys.executable, "-m", "daemon.scan_inbound", *roots]
    scan = subprocess.run(command, cwd=CHECKOUT, check=True, capture_output=True, text=True)
    scan_db = scan.stdout.strip()
    with closing(sqlite3.connect(f"file:{scan_db}?mode=ro", uri=True)) as sql:
        assert sql.execute("SELECT count(*) FROM file").fetchone()[0] == 7
    wrong = greenroom.run(process_scan, "-scan", scan_db, "-staging", str(house.inbound))
    assert wrong.code == 1
    assert house.staged() == []
    assert greenroom.run(process_scan, "-scan", scan_db, "-staging", str(house.staging)).code == 0
    assert len(house.staged()) == 5


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["-output", "o"], "-path is missing"),
        (["-path", "p", "-output"], "-output is missing"),
        (["-path", "p", "-output", "o", "-workers", "0"], "-workers: 0 is not between 1 and 64"),
        (["-path", "p", "-output", "o", "--workers=many"], "-workers: many is not between 1 and 64"),
        (["-path", "p", "-output", "o", "-wait"], "-wait is unknown"),
        (["p", "o"], "p is unknown"),
        (["-path", "no folder", "-output", "o"], "-path: b'no folder' is no folder"),
    ],
)
def test_the_old_scan_says_what_it_cannot_do_and_how_it_is_used(
    words: list[str], why: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["scan-inbound", *words])
    with pytest.raises(SystemExit) as ended:
        scan_inbound()
    assert ended.value.code == 2
    usage = "usage: scan-inbound -path FOLDER -output FOLDER [-workers 1-64]"
    assert capsys.readouterr() == ("", f"{usage}\nscan-inbound: error: {why}\n")


def test_the_old_scan_tells_its_options(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["scan-inbound", "--help"])
    with pytest.raises(SystemExit) as ended:
        scan_inbound()
    assert not ended.value.code
    assert {"-path", "-output", "-workers"} <= {*capsys.readouterr().out.split()}


@pytest.mark.parametrize(
    "arguments",
    [["cycle", "--nonsense"], ["nonsense"], ["settings", "set", "quiet_seconds"], ["process", "--scan", "/no"]],
)
def test_wrong_usage_ends_with_two_and_prints_nothing_on_stdout(greenroom: Greenroom, arguments: list[str]) -> None:
    answer = greenroom(*arguments)
    assert (answer.code, answer.out) == (2, "")


def test_a_command_with_a_result_logs_what_went_well_only_when_asked(
    greenroom: Greenroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    greenroom.house.drop(songs("Here", "flac", TWO))
    cycle = greenroom("cycle", "--json")
    assert (cycle.json["status"], cycle.err) == ("done", "")
    monkeypatch.setenv("GREENROOM_LOG_LEVEL", "INFO")
    assert "transfer taken back" in greenroom("undo", cycle.json["run_id"]).err


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_a_real_process_keeps_logs_off_stdout_whatever_it_can_print(greenroom: Greenroom, encoding: str) -> None:
    greenroom.house.drop(songs("雨", "flac", TWO, artist="雨宮", album="夜の庭"))
    environ = {**os.environ, "PYTHONIOENCODING": encoding, "GREENROOM_LOG_LEVEL": "DEBUG"}
    command = [sys.executable, "-m", "daemon.cli", "cycle", "--json"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environ, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    (album,) = json.loads(done.stdout)["albums"]
    assert album["album"] == "夜の庭"
    assert b"cycle done" in done.stderr
    for shown in ("cycle", "items", "runs"):
        plain = subprocess.run([*command[:3], shown], cwd=CHECKOUT, env=environ, capture_output=True, check=False)
        assert plain.returncode == 0, plain.stderr


def test_an_installation_of_its_own_is_made_by_the_first_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, greenroom: Greenroom
) -> None:
    data = tmp_path / "new" / "data"
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(data))
    monkeypatch.delenv("GREENROOM_DATABASE_URL")
    answer = greenroom("cycle", "--json")
    assert (answer.code, answer.json["error"]["code"]) == (1, "no_library")
    assert (data / "greenroom.db").is_file()
    assert seen(greenroom.house.inbound).keys() >= {os.fsencode(greenroom.house.inbound)}
