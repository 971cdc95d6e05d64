"""Commands → what a person reads."""

from __future__ import annotations

import datetime as dt
import fcntl
import json
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import BashComplete
from click.testing import CliRunner
from rich.cells import cell_len
from sqlalchemy import delete, insert, select, text, update

from config import activity, admin
from config.lease import Guard
from config.leave import check_signal
from config.libraries import music_libraries, sole_library
from config.locks import hold
from config.reasons import show_time
from daemon.actions import publishing
from daemon.bootstrap import application
from daemon.cli import COMMANDS, main
from daemon.cli.group import Group
from daemon.cli.output import album_name
from daemon.cli.person import person
from daemon.sole import LOCK_NAME, sole_daemon
from processor.settle import MAX_ATTEMPTS
from processor.tables import LedgerRow, StagingItem, TransferRow
from processor.transfers import journal
from tests.commands import greenroom, printed
from tests.music import write_album
from tests.waiting import until
from workflow.engine import hosts, jobs
from workflow.engine.failure import Verdict
from workflow.events import EventRow
from workflow.operations.tagging import tag_item
from workflow.runs import RunRow


@pytest.fixture
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with an empty inbound and staging library that takes what is there at once."""
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))
    for role in ("inbound", "staging"):
        (tmp_path / role).mkdir()
        greenroom("libraries", "add", role, str(tmp_path / role))
    greenroom("settings", "set", "quiet_seconds", "0")
    return tmp_path


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_teaches_itself(name: str) -> None:
    shown = greenroom(name, "--help")
    assert shown.exit_code == 0
    assert "Usage:" in shown.output
    assert len(shown.output.splitlines()) > 5


def test_why_a_cycle_failed_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path))
    assert greenroom("cycle").output.count("no inbound library") == 1
    assert greenroom("cycle", "--json").output.count("no inbound library") == 1


def verbs(command: click.Command, *name: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of a command, then those of the commands it has."""
    yield name
    if isinstance(command, click.Group):
        context = click.Context(command)
        for verb in command.list_commands(context):
            found = command.get_command(context, verb)
            assert found is not None
            yield from verbs(found, *name, verb)


@pytest.mark.parametrize("words", list(verbs(main)), ids=" ".join)
def test_help_fits_a_terminal_and_says_all_of_each_command(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    lines = greenroom(*words, "--help").output.splitlines()
    assert [line for line in lines if len(line) > 80 or (line.endswith("...") and not line.startswith("Usage:"))] == []


@pytest.mark.parametrize(
    ("typed", "meant"),
    [(["cyle"], "cycle"), (["reveiw", "approve", "1"], "review"), (["review", "aprove", "1"], "approve")],
)
def test_a_mistyped_command_is_told_what_was_meant(typed: list[str], meant: str) -> None:
    told = greenroom(*typed)
    assert (told.exit_code, meant in told.stderr) == (2, True)


GROUPS = {name: found for name in COMMANDS if isinstance(found := main.get_command(click.Context(main), name), Group)}
LISTS = [name for name, found in GROUPS.items() if found.listing]


@pytest.mark.parametrize("name", LISTS)
@pytest.mark.parametrize("option", [(), ("--json",)], ids=str)
def test_a_list_is_shown_with_and_without_the_word_for_it(data_dir: Path, name: str, option: tuple[str, ...]) -> None:
    shown = greenroom(name, *option)
    assert (shown.exit_code, shown.output) == (0, greenroom(name, "list", *option).output)
    assert "  --json " in greenroom(name, "--help").output


def test_what_has_a_list_is_no_less_than_what_people_type_it_of() -> None:
    typed = "accounts hooks items jobs keys libraries phases players runs settings trash"
    assert set(typed.split()) < set(LISTS)


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("rev", "review"),
        ("review ap", "approve"),
        ("jobs ret", "retry"),
        ("items --st", "--status"),
        ("items --status mis", "missing"),
        ("items --json --st", "--status"),
        ("settings set staging_scan.quiet", "staging_scan.quiet_seconds"),
        ("settings list staging_scan.quiet", "staging_scan.quiet_seconds"),
        ("libraries add sta", "staging"),
        ("libraries remove /srv", "/srv"),  # and the shell goes on
        ("jobs pause pub", "publish"),
        ("jobs --phase ver", "verify"),
        ("worker --phases pub", "publish"),
        ("providers test lrc", "lrclib"),
        ("review set 17 themes", "themes"),
        ("pictures give 17 book", "booklet"),
    ],
)
def test_a_shell_completes_what_needs_no_database(monkeypatch: pytest.MonkeyPatch, typed: str, completed: str) -> None:
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "no database")
    *words, begun = typed.split()
    complete = BashComplete(main, {}, "greenroom", "_GREENROOM_COMPLETE")
    assert [found.value for found in complete.get_completions(words, begun)] == [completed]


def test_completing_the_name_of_a_command_imports_none() -> None:
    code = "import sys; from daemon.cli import main\n"
    code += "try: main(prog_name='greenroom')\nfinally: print(*sys.modules, file=sys.stderr)"
    typed = {"COMP_WORDS": "greenroom re", "COMP_CWORD": "1", "_GREENROOM_COMPLETE": "bash_complete"}
    run = [sys.executable, "-c", code]
    told = subprocess.run(run, env=os.environ | typed, capture_output=True, text=True, check=False)
    assert told.stdout.split() == ["plain,review", "plain,recover"]
    assert "daemon.cli.review" not in told.stderr.split()


def test_an_option_before_a_verb_is_refused_rather_than_passed_over(data_dir: Path) -> None:
    shown = greenroom("settings", "--json", "get", "quiet_seconds")
    assert (shown.exit_code, "extra argument (quiet_seconds)" in shown.output) == (2, True)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("items", "yet"),
        ("runs", "Nothing has run yet: `greenroom cycle`"),
        ("libraries", "`greenroom libraries add inbound PATH`"),
        ("jobs list", "No album wants anything done."),
        ("review", "No album waits for a person."),
        ("settings history", "yet"),
        ("accounts", "`greenroom accounts add NAME`"),
        ("keys list", "`greenroom keys add NAME`"),
        ("players", "`greenroom players add --help`"),
        ("hooks", "`greenroom hooks add lidarr`"),
    ],
)
def test_an_empty_list_says_so_and_what_fills_it(
    command: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))
    (told,) = greenroom(*command.split()).stdout.splitlines()
    assert words in told


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("settings set enabled ture", "staging_scan.enabled cannot be 'ture': must be true or false"),
        ("settings set quiet_seconds 1h", "must be a whole number"),
        ("jobs list --phase enrihc", "enrihc is no phase with jobs; see `greenroom phases`"),
        ("keys add nightly", "a key acts for an account, and there is none yet: `greenroom accounts add NAME`"),
        ("settings set quiet_seconds -4", "must be greater than or equal to 0"),
        ("settings set rate_limit much", "must be a number"),
        ("settings set phase.publish.mode never", "must be 'auto', 'manual' or 'off'"),
        ("review set 1 year 1969", "date (Date), original_date (First released)"),
        ("libraries add library {file}", "is a file, and no folder"),
        ("libraries add library {file}s", "is no folder; create it first"),
    ],
)
def test_what_is_typed_wrongly_is_answered_with_what_would_be_right(data_dir: Path, typed: str, told: str) -> None:
    (data_dir / "file").touch()
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    refused = greenroom(*typed.format(file=data_dir / "file").split())
    assert refused.exit_code
    assert told in refused.stderr


def test_settings_are_listed_by_section_or_by_how_their_keys_begin(data_dir: Path) -> None:
    def keys(prefix: str) -> set[str]:
        return {row["key"] for row in json.loads(greenroom("settings", "list", prefix, "--json").output)}

    assert keys("phase.publish.f") == {"phase.publish.file", "phase.publish.file_mode", "phase.publish.folder",
                                       "phase.publish.folder_mode"}  # fmt: skip
    assert keys("phase.publish.f") < keys("phase.publish")
    refused = greenroom("settings", "list", "no.such")
    assert (refused.exit_code, "no setting begins with no.such" in refused.output) == (2, True)


def test_settings_are_listed_with_what_a_hand_spoiled(data_dir: Path) -> None:
    greenroom("settings", "set", "quiet_seconds", "5")
    with sqlite3.connect(data_dir / "data/greenroom.db") as database:
        database.execute("UPDATE settings SET value = '5 s' WHERE key = 'staging_scan.quiet_seconds'")
    (listed,) = json.loads(greenroom("settings", "list", "staging_scan.quiet_seconds", "--json").output)
    assert listed["value"] == "5 s"
    greenroom("settings", "set", "enabled", "true")
    said = greenroom("status").output
    assert "(off: a setting cannot be read)" in said
    assert "staging_scan.enabled is false" not in said
    assert "problem    a stored setting cannot be read: staging_scan.quiet_seconds" in said


@pytest.mark.parametrize("command", ["items", "runs", "settings"])
def test_a_narrow_terminal_breaks_no_name_in_two(data_dir: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Antidisestablishmentarian", tracks=1, ext="mp3")
    run = json.loads(greenroom("cycle", "--json").stdout)["run_id"]
    monkeypatch.setenv("TTY_COMPATIBLE", "1")  # rich: a terminal,
    monkeypatch.setenv("TERM", "dumb")  # of 80 columns and without colours
    shown = greenroom(command).stdout
    names = {"items": "pending_review", "runs": run, "settings": "phase.publish.folder_mode"}
    assert names[command] in shown
    assert max(map(len, shown.splitlines())) <= 80
    alone = {line.strip() for line in shown.splitlines() if line.rstrip().endswith(":")}
    assert alone <= {"where:"}  # no value stands apart from its title but a path of more than a line


def test_what_is_written_from_right_to_left_turns_nothing_around_on_a_terminal(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_album(data_dir / "inbound" / "a", artist="אמן", album="אלבום", tracks=1, ext="mp3")
    told = greenroom("cycle").stdout + greenroom("items").stdout + greenroom("items", "--json").stdout
    assert ("אמן – אלבום" in told, "\u2068" in told) == (True, False)
    (place,) = (item["staging_path"] for item in json.loads(greenroom("items", "--json").stdout))
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    monkeypatch.setenv("COLUMNS", "400")
    shown = greenroom("items").stdout
    assert [mark in shown for mark in ("\u2068אמן\u2069", "\u2068אלבום\u2069", f" {place}")] == [True] * 3
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert album_name("אמן", None) == "\u2068אמן\u2069 – unknown album"


def test_a_row_of_a_list_is_one_line_in_a_pipe_however_long(data_dir: Path) -> None:
    for album in ("Tide", "海" * 29):
        write_album(data_dir / "inbound" / album, artist="A" * 60, album=album, tracks=1, ext="mp3")
    greenroom("cycle")
    head, *rows = greenroom("items", "--sort", "album").stdout.splitlines()
    places = [item["staging_path"] for item in json.loads(greenroom("items", "--sort", "album", "--json").stdout)]
    assert [row[-len(place) :] for row, place in zip(rows, places, strict=True)] == places
    assert [cell_len(row[: -len(place)]) for row, place in zip(rows, places, strict=True)] == [cell_len(head[:-5])] * 2


@pytest.mark.parametrize(
    "words",
    [
        "greenroom status", "greenroom settings", "greenroom settings list --json", "greenroom items --json",
        "greenroom --help",
        "greenroom cycle --help", "scan-inbound --help", "scan-inbound -path inbound -output .", "process-scan --help",
    ],
)  # fmt: skip
def test_a_disk_too_full_for_an_answer_is_told_in_one_sentence(data_dir: Path, words: str) -> None:
    program, *arguments = words.split()
    with Path("/dev/full").open("wb") as full:
        ran = subprocess.run([Path(sys.executable).with_name(program), *arguments], cwd=data_dir,
                             stdout=full, stderr=subprocess.PIPE, text=True, check=False)  # fmt: skip
    assert ran.returncode == 1
    *before, told = ran.stderr.splitlines()
    assert told.startswith(f"{program}: the answer could not be written")
    assert len(before) == ("-path" in arguments)  # what was found


@pytest.mark.parametrize("command", ["accounts add eva", "players add den kodi http://localhost"])
def test_a_password_that_is_no_text_is_wrong_usage_and_not_shown(data_dir: Path, command: str) -> None:
    for encoding in ("utf-8:strict", "utf-8:surrogateescape"):
        program = [str(Path(sys.executable).with_name("greenroom")), *command.split()]
        environment = os.environ | {"PYTHONIOENCODING": encoding}
        ran = subprocess.run(program, input=b"hunter\xff22-horse\n", env=environment, capture_output=True, check=False)
        assert (ran.returncode, b"what was given is no text" in ran.stderr, b"hunter" in ran.stderr) == (2, True, False)


@pytest.mark.parametrize(
    "typed", [["libraries", "remove", ""], ["libraries", "add", "inbound", ""], ["enrich", "--search", " "]]
)
def test_a_variable_of_a_script_that_is_empty_means_neither_this_folder_nor_all_albums(
    data_dir: Path, typed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data_dir / "inbound")
    before = greenroom("libraries", "--json").stdout
    assert greenroom(*typed).exit_code == 2
    assert greenroom("libraries", "--json").stdout == before


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("greenroom status --json", 0),
        ("greenroom items", 0),
        ("greenroom accounts add eva", 2),
        ("scan-inbound -path . -output .", 0),
    ],
)
def test_closed_standard_streams_are_empty_ones(data_dir: Path, command: str, code: int) -> None:
    program = ["sh", "-c", f"exec {Path(sys.executable).parent}/{command} <&- >&-"]
    ran = subprocess.run(program, cwd=data_dir, stderr=subprocess.PIPE, text=True, check=False)
    assert (ran.returncode, "Traceback" in ran.stderr) == (code, False)


def test_a_cycle_names_each_album_what_became_of_it_and_why(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=2, ext="mp3")
    shown = greenroom("cycle").output
    assert "✓ staged" in shown
    assert "Ada Fern – Harbour" in shown
    assert f"→ {data_dir}/staging/AF/Ada Fern/" in shown
    assert "The album and artist tags agree." in shown
    assert "1 staged in" in shown


def test_a_mistyped_status_is_refused_instead_of_finding_nothing(data_dir: Path) -> None:
    for words in (("enrich",), ("items",), ("jobs",)):
        mistyped = greenroom(*words, "--status", "pendng_review")
        assert (mistyped.exit_code, "is not one of" in mistyped.stderr) == (2, True)


def test_what_a_run_did_and_why_is_shown_afterwards_too(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    (data_dir / "inbound" / "b").mkdir()
    (data_dir / "inbound" / "b" / "01.mp3").write_bytes(b"no music" * 500)
    greenroom("cycle")
    (run,) = json.loads(greenroom("runs", "--json").output)
    shown = greenroom("runs", "show", run["id"]).output
    assert "1 staged, 1 quarantined" in shown
    assert "item 1: Ada Fern – Harbour, pending_review" in shown
    assert "None of the audio files here can be read.  [b]" in shown
    told = json.loads(greenroom("runs", "show", run["id"], "--json").output)
    assert [album["item_id"] for album in told["moved"]] == [1]
    assert {name: told[name] for name in run} == run, "called as in the list"
    assert "`greenroom runs` lists them" in greenroom("runs", "show", "nope").stderr


def test_a_plan_that_cannot_be_written_costs_no_report(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=2, ext="mp3")
    early = greenroom("cycle", "--json", "--plan", str(data_dir / "nowhere" / "plan.json"))
    assert (early.exit_code, early.stdout) == (2, "")
    assert list((data_dir / "staging").iterdir()) == [data_dir / "staging" / ".greenroom-root"]
    late = greenroom("cycle", "--json", "--plan", "/dev/full")
    assert late.exit_code == 1
    assert json.loads(late.stdout)["counts"]["staged"] == 1
    assert "/dev/full: No space left on device" in late.stderr


def test_a_plan_goes_into_a_pipe_and_waits_for_nobody_to_read_one(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=2, ext="mp3")
    pipe = data_dir / "plan"
    os.mkfifo(pipe)
    unread = greenroom("cycle", "--dry-run", "--plan", str(pipe))
    assert (unread.exit_code, f"could not be written to {pipe}: No such device" in unread.stderr) == (1, True)
    reads = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    assert greenroom("cycle", "--dry-run", "--plan", str(pipe)).exit_code == 0
    with os.fdopen(reads) as told:
        assert len(json.load(told)["albums"]) == 1


@pytest.mark.parametrize("zone", ["CET-1CEST,M3.5.0,M10.5.0/3", "Mars/Olympus"])
def test_a_machine_whose_time_zone_has_no_name_works_in_utc_and_says_so(data_dir: Path, zone: str) -> None:
    command = [sys.executable, "-m", "daemon.cli", "cycle", "--json"]
    done = subprocess.run(command, check=False, env=os.environ | {"TZ": zone}, capture_output=True, text=True)
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "done")
    assert done.stderr.count("schedules are read in UTC") == 1


def test_an_undo_shows_each_album_where_it_was_and_what_stands_in_the_way(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=2, ext="mp3")
    run = json.loads(greenroom("cycle", "--json").stdout)["run_id"]
    told = greenroom("undo", run, "--dry-run")
    assert told.exit_code == 0
    assert "✓ undone   Ada Fern – Harbour: 2 files" in told.output
    assert "would be: 1 undone" in told.output
    (extra,) = [path.parent / "mine.txt" for path in (data_dir / "staging").rglob("01*")]
    extra.write_bytes(b"mine")
    refused = greenroom("undo", run)
    assert refused.exit_code == 1
    assert f"move it elsewhere first.  [{extra}]" in refused.output
    extra.unlink()
    report = json.loads(greenroom("undo", run, "--json").stdout)
    assert report["counts"] == {"undone": 1, "refused": 0, "failed": 0}
    assert [file["source"] for file in report["albums"][0]["files"]] == sorted(
        str(path) for path in (data_dir / "inbound" / "a").iterdir()
    )
    assert f"greenroom undo --release {report['albums'][0]['transfer']}" in greenroom("cycle").output
    assert "1 released" in greenroom("undo", run, "--release").output
    assert "1 staged" in greenroom("cycle").output
    assert greenroom("undo", "nobody").exit_code == 2


def test_the_trash_is_listed_and_emptied(data_dir: Path) -> None:
    assert json.loads(greenroom("trash", "list", "--json").stdout) == []
    lying = data_dir / "staging" / ".greenroom-trash" / "some-transfer" / "1.mp3"
    lying.parent.mkdir(parents=True)
    lying.write_bytes(b"song")
    assert "some-transfer" in greenroom("trash", "list").output
    told = greenroom("trash", "empty", "--older-than", "0")
    assert "removed for good: 0 albums, 0 files, 0 bytes; kept: 1" in told.output  # by no known transfer
    assert lying.read_bytes() == b"song"


def test_what_would_go_from_the_trash_is_named_first(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "trash", "1")
    assert greenroom("trash", "empty").output == "nothing has lain there for 30 days\n"
    would = greenroom("trash", "empty", "--older-than", "0", "--dry-run").output
    assert would.startswith("would be removed Ada Fern – Harbour: 1 file, ")  # the sidecar is not hers
    assert "would be removed for good: 1 album, 1 file" in would
    gone = greenroom("trash", "empty", "--older-than", "0").output
    assert gone == would.replace("would be ", "")
    assert greenroom("trash", "empty", "--older-than", "0").output == "the trash is empty\n"


def test_one_is_told_as_one(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    assert greenroom("scan").stdout.startswith("1 file (1 audio, 1 read, 0 unchanged), 1 album (0 waiting), ")


@pytest.mark.parametrize("days", [0, 1])
def test_a_cycle_empties_the_trash_of_what_has_lain_there_for_its_days(data_dir: Path, days: int) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "trash", "1")
    greenroom("settings", "set", "staging_scan.trash_days", str(days))
    assert greenroom("cycle").exit_code == 0
    assert len([*(data_dir / "staging" / ".greenroom-trash").glob("*-*")]) == days
    assert len([*(data_dir / "staging").rglob("*.mp3")]) == days


def test_an_album_that_was_rejected_before_goes_to_the_trash_and_one_that_is_published_just_now_does_not(
    data_dir: Path,
) -> None:
    for name in ("a", "b"):
        write_album(data_dir / "inbound" / name, artist="Ada Fern", album=name, tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "reject", "1")
    with application() as app, app.database.begin() as connection:
        connection.execute(update(StagingItem).where(StagingItem.id == 2).values(status="publishing"))
    for words in (("--dry-run",), ()):
        assert "cannot become rejected" in printed("review", "trash", "2", *words, code=1)
    assert "1 trashed" in printed("review", "trash", "1")
    with application() as app, app.database.read() as connection:
        (noted,) = (one for one in activity.newest(connection) if one.what == "album_trashed")
    assert noted.account == person()


def test_the_trash_is_emptied_while_the_disk_of_inbound_is_away(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "trash", "1")
    (data_dir / "inbound").rename(data_dir / "elsewhere")
    (data_dir / "inbound").mkdir()
    told = json.loads(greenroom("trash", "empty", "--older-than", "0", "--json").stdout)
    assert (len(told["removed"]), told["kept"]) == (1, [])
    assert not [*(data_dir / "staging").rglob("*.mp3")]


def test_of_a_library_that_is_away_it_is_said_that_its_trash_was_not_emptied(data_dir: Path) -> None:
    library = data_dir / "library"
    library.mkdir()
    greenroom("libraries", "add", "library", str(library))
    library.rename(data_dir / "elsewhere")
    library.mkdir()
    for words in (("--dry-run",), ()):
        told = json.loads(greenroom("trash", "empty", "--older-than", "0", "--json", *words).stdout)
        assert [one["code"] for one in told["kept"]] == ["root_not_mounted"]


def test_while_only_dry_runs_are_allowed_nothing_is_taken_back_or_removed(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    write_album(data_dir / "inbound" / "b", artist="Ada Fern", album="Tide", tracks=1, ext="mp3")
    run = json.loads(greenroom("cycle", "--json").stdout)["run_id"]
    greenroom("review", "trash", "1")
    greenroom("settings", "set", "staging_scan.trash_days", "0")
    greenroom("settings", "set", "staging_scan.dry_run", "true")
    before = sorted((data_dir / "staging").rglob("*"))
    for words in (("undo", run), ("trash", "empty", "--older-than", "0")):
        refused = greenroom(*words)
        assert refused.exit_code == 1
        assert "staging_scan.dry_run is on" in refused.stderr
        assert "would be" in greenroom(*words, "--dry-run").stdout
    for repair in (["recover"], ["fsck", "--adopt"], ["review", "trash", "2"]):
        refused = greenroom(*repair)
        assert (refused.exit_code, "staging_scan.dry_run is on" in refused.stderr) == (1, True), repair
    assert greenroom("fsck").exit_code == 0
    assert json.loads(greenroom("gc", "--json").stdout)["trash"] == 0
    assert sorted((data_dir / "staging").rglob("*")) == before


@pytest.mark.parametrize("command", ["cycle", "cycle --dry-run", "scan"])
def test_however_often_is_scanned_no_more_scans_are_kept_than_are_wanted(data_dir: Path, command: str) -> None:
    greenroom("settings", "set", "staging_scan.keep_scan_dbs", "2")
    for _ in range(4):
        greenroom(*command.split())
    assert len(list((data_dir / "data" / "scan-db").glob("*.db"))) == 2


def test_nothing_lies_in_the_trash_for_longer_than_days_can_be_counted(data_dir: Path) -> None:
    assert greenroom("trash", "empty", "--older-than", "99999999999").exit_code == 2


def test_an_album_named_twice_is_decided_once(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "approve", "1")
    assert (
        greenroom("review", "undo", "1", "1").stderr
        == f"item 1 is pending_review again; taken back: approved by {person()}\n"
    )


def test_what_became_of_some_is_told_though_somebody_holds_the_library_of_the_next(data_dir: Path) -> None:
    (data_dir / "library").mkdir()
    greenroom("libraries", "add", "library", str(data_dir / "library"))
    write_album(data_dir / "inbound" / "a", artist="Ada", album="a", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "approve", "1")
    with application() as app:
        with app.database.read() as connection:
            library = sole_library(connection, "library")
        with hold(app.database, [library], "test", threading.Event()):
            ended = greenroom("publish", "99", "1", "--json")
    assert ended.exit_code == 75
    assert [(one["item"], one["outcome"]) for one in json.loads(ended.stdout)] == [(99, "refused")]


def test_what_stands_still_once_a_library_was_removed_is_said_and_goes_on_with_it(data_dir: Path) -> None:
    library = data_dir / "library"
    library.mkdir()
    greenroom("libraries", "add", "library", str(library))
    for name in ("Harbour", "Tide"):
        write_album(data_dir / "inbound" / name, artist="Ada", album=name, tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "approve", "1", "2")
    greenroom("publish", "1", "2")
    with application() as app, app.database.begin() as connection:  # as if it had been killed before the end
        (last,) = connection.scalars(select(TransferRow.id).where(TransferRow.target == b"Ada/Tide (2001)"))
        connection.execute(update(TransferRow).where(TransferRow.id == last).values(state="published"))
    told = greenroom("libraries", "remove", str(library)).stderr
    unfinished = f"a move into or out of {library} is unfinished, and that is no library any more"
    assert f"note: {unfinished}" in told
    assert "note: 2 albums published in a library that was removed" in told
    status = " ".join(greenroom("status").output.split())
    assert unfinished in status
    assert "settled by the next cycle" not in status
    assert "settled by the next cycle" not in printed("doctor", code=1)
    doctor = printed("doctor", code=1)
    assert f"✗ {unfinished}" in doctor
    assert "• 2 albums published in a library that was removed" in doctor
    fsck = greenroom("fsck")
    assert fsck.exit_code == 1
    assert "Published in a library that was removed: Ada/Harbour (2001)." in fsck.output
    assert f"to {library}, which are not the libraries any more; add them again" in fsck.output
    assert "the next one or `greenroom recover` settles it" not in fsck.output
    greenroom("libraries", "add", "library", str(library))
    greenroom("cycle")
    assert "removed" not in printed("doctor")
    assert greenroom("fsck").exit_code == 0
    greenroom("libraries", "remove", str(library))
    assert "nobody looked at its files, for its root is no library" in greenroom("items", "forget", "1").stderr


@pytest.mark.parametrize("is_busy", [False, True])
def test_a_library_that_cannot_be_worked_on_keeps_no_other_from_being_recovered(data_dir: Path, is_busy: bool) -> None:
    away, other = data_dir / "a", data_dir / "b"
    for library in (away, other):
        library.mkdir()
        greenroom("libraries", "add", "library", str(library))
    greenroom("settings", "set", "phase.publish.library", f"artist Ada -> {away}; * -> {other}")
    for artist in ("Ada", "Bea"):
        write_album(data_dir / "inbound" / artist, artist=artist, album="Tide", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "approve", "1", "2")
    assert greenroom("publish", "1", "2").exit_code == 0
    with application() as app, app.database.begin() as connection:  # as if it had been killed before the end, twice
        connection.execute(update(TransferRow).where(TransferRow.kind == "publish").values(state="published"))
    if is_busy:
        with application() as app:
            with app.database.read() as connection:
                (first, _) = music_libraries(connection, "library")
            with hold(app.database, [first], "test", threading.Event()):
                assert f"{away}" in printed("recover", code=75)
    else:
        away.rename(data_dir / "elsewhere")
        assert f"{away}" in printed("recover", code=1)
    with application() as app, app.database.read() as connection:
        left = connection.execute(select(TransferRow.dst_root).where(TransferRow.state == "published"))
        assert list(left.scalars()) == [os.fsencode(away)]


def test_new_tags_that_are_not_all_in_place_are_of_no_library_that_was_removed_and_are_finished(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada", album="Tide", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "set", "1", "title", "Tides")
    with application() as app:
        assert tag_item(app.database, 1, threading.Event()).outcome == "retagged"
        with app.database.begin() as connection:  # as if it had been killed before the end
            connection.execute(update(TransferRow).where(TransferRow.kind == "retag").values(state="published"))
    assert "no library any more" not in greenroom("doctor").output
    assert "1 finished, 0 undone, 0 left open" in printed("recover")
    with application() as app, app.database.read() as connection:
        assert not journal.unsettled(connection)


def test_a_move_that_recovery_gives_up_now_is_told_once(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada", album="Tide", tracks=1, ext="mp3")
    greenroom("cycle")
    with application() as app, app.database.begin() as connection:
        connection.execute(update(TransferRow).values(state="published", attempt=MAX_ATTEMPTS))
    for _ in range(2):
        assert "0 finished, 0 undone, 1 left open" in printed("recover", code=1)
    with application() as app, app.database.read() as connection:
        assert len([*connection.execute(select(EventRow.id).where(EventRow.kind == "move_held"))]) == 1


def test_of_a_move_that_recovery_gave_up_it_says_what_tries_again(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada", album="Tide", tracks=1, ext="mp3")
    greenroom("cycle")
    with application() as app, app.database.begin() as connection:
        connection.execute(update(TransferRow).values(state="attention", error="the disk refused"))
    given_up = printed("recover", code=1)
    assert "0 finished, 0 undone, 1 left open" in given_up
    assert "`greenroom fsck --adopt` tries again" in given_up
    printed("fsck", "--adopt")
    assert "tries again" not in printed("recover")


def test_who_is_asked_to_stop_before_all_is_published_says_so(data_dir: Path) -> None:
    (data_dir / "library").mkdir()
    greenroom("libraries", "add", "library", str(data_dir / "library"))
    for name in ("a", "b"):
        write_album(data_dir / "inbound" / name, artist="Ada", album=name, tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "approve", "1", "2")
    reads, writes = os.pipe()
    room = fcntl.fcntl(writes, fcntl.F_SETPIPE_SZ, 4096)
    os.write(writes, b"\n" * room)  # so it waits with what it says of the first one
    command = [str(Path(sys.executable).with_name("greenroom")), "publish", "--approved", "--dry-run"]
    with subprocess.Popen(command, stdout=writes, stderr=subprocess.PIPE, text=True) as program:
        os.close(writes)
        until(lambda: _catches(program.pid, signal.SIGTERM))
        program.terminate()
        with os.fdopen(reads) as told:
            assert told.read().count("would publish") == 1
        assert program.stderr is not None
        assert program.stderr.read() == "greenroom: asked to stop; nothing was done about 1 item\n"
    assert program.returncode == 1


def test_an_album_whose_publication_was_stopped_was_not_refused(data_dir: Path) -> None:
    def stopped(*_: object, stop: threading.Event, **__: object) -> None:
        stop.set()
        check_signal(stop)

    with pytest.MonkeyPatch.context() as patched:
        for verb in ("publish", "rehearse", "unpublish"):
            patched.setattr(publishing, verb, stopped)
        for option in ((), ("--dry-run",), ("--undo",)):
            ended = greenroom("publish", "1", "2", *option)
            assert ended.exit_code == 1
            assert ended.stdout.startswith("! item 1 stopped\n      Stopped on request; ")
            assert ended.stderr == "greenroom: asked to stop; nothing was done about 1 item\n"


def test_nor_was_one_that_was_stopped_while_it_was_built(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (data_dir / "library").mkdir()
    greenroom("libraries", "add", "library", str(data_dir / "library"))
    write_album(data_dir / "inbound" / "a", artist="Ada", album="a", tracks=1, ext="mp3")
    greenroom("cycle")
    greenroom("review", "approve", "1")
    stop, ask = threading.Event(), Guard.check_stop

    def stopped(guard: Guard) -> None:
        stop.set()
        ask(guard)

    monkeypatch.setattr("daemon.cli.publish.stop_on_signals", lambda: stop)
    monkeypatch.setattr(Guard, "check_stop", stopped)
    ended = greenroom("publish", "1")
    assert (ended.exit_code, ended.stdout.startswith("! item 1 stopped ")) == (1, True)
    assert "Stopped on request" in ended.stdout


def _catches(pid: int, number: int) -> bool:
    (caught,) = re.findall(r"SigCgt:\s*(\w+)", Path(f"/proc/{pid}/status").read_text())
    return bool(int(caught, 16) >> number - 1 & 1)


def test_several_albums_are_decided_at_once_and_one_that_cannot_be_stops_no_other(data_dir: Path) -> None:
    for name in ("a", "b"):
        write_album(data_dir / "inbound" / name, artist="Ada", album=name, tracks=1, ext="mp3")
    greenroom("cycle")
    waiting = greenroom("review", "--json")
    assert waiting.output == greenroom("items", "--status", "pending_review", "--json").output
    ids = [str(item["id"]) for item in json.loads(waiting.output)]
    done = greenroom("review", "approve", ids[0], "99", ids[1], "--json")
    assert (done.exit_code, [one.get("status", one.get("refused")) for one in json.loads(done.stdout)]) == (
        1, ["approved", "there is no item 99", "approved"],
    )  # fmt: skip
    assert greenroom("review").output == "No album waits for a person.\n"
    assert greenroom("review", "approve", "99").stderr == "! there is no item 99\n"
    assert greenroom("review", "undo", *ids).exit_code == 0
    assert [str(item["id"]) for item in json.loads(greenroom("review", "--json").output)] == ids


def test_the_installation_at_a_glance_tells_a_dry_run_from_a_real_one_and_jobs_that_nobody_carries(
    data_dir: Path,
) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle", "--dry-run")
    assert " done (dry run): " in greenroom("status").output
    assert "carries" not in greenroom("status").output
    greenroom("cycle")
    shown = greenroom("status").output
    assert " done: " in shown
    assert "1 queued; nobody carries them: start `greenroom run` or `greenroom worker`" in shown
    told = json.loads(greenroom("status", "--json").stdout)
    assert (told["jobs"], told["workers"]) == ({"queued": 1}, 0)
    with sole_daemon(data_dir / "data"):
        assert "nobody carries" not in greenroom("status").output
    worker = {"executor": "w", "host": "attic", "pid": 1, "phases": ["enrich"], "concurrency": 1}
    with application() as app, app.database.begin() as connection:
        hosts.enlist(connection, {**worker, "started_at": dt.datetime.now(dt.UTC)})
    assert "nobody carries" not in greenroom("status").output
    with application() as app, app.database.begin() as connection:  # nobody strikes out one that was killed
        connection.execute(update(hosts.WorkerRow).values(beat_ms=hosts.WorkerRow.beat_ms - 60_000))
    assert "nobody carries" in greenroom("status").output


def test_a_doctor_goes_on_where_the_lock_of_the_daemon_cannot_be_looked_at(data_dir: Path) -> None:
    (data_dir / "data" / LOCK_NAME).symlink_to("elsewhere")
    doctor = greenroom("doctor")
    assert doctor.exit_code == 1
    assert "✗ whether a daemon runs cannot be told: could not use" in doctor.output
    assert "the database answers" in doctor.output


@pytest.mark.parametrize(
    ("ago", "when"),
    [
        (-dt.timedelta(days=1), "is not tried before {not_before}"),
        # One that was stopped gives a job back to be begun at once.
        (dt.timedelta(days=1), "waits for a worker; its last try ended so"),
    ],
)
def test_of_jobs_that_wait_for_another_try_the_glance_says_when_the_next_one_is_and_why(
    data_dir: Path, ago: dt.timedelta, when: str
) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    assert json.loads(greenroom("status", "--json").stdout)["retried"] is None
    now = dt.datetime.now(dt.UTC) - ago
    with application() as app, app.database.begin() as connection:
        (queued,) = app.engine.list()
        started = jobs.start(connection, queued.id, "worker", now)
        assert started
        failure = {"code": "root_missing", "message": "the disk is not there"}
        jobs.fail(connection, started, Verdict("queued", 90), failure, now, asked=False)
    shown = greenroom("status").output
    assert "1 queued" in shown
    again = when.format(not_before=show_time(now + dt.timedelta(seconds=90)))
    assert f"retry      {queued.phase} of {queued.subject} (job {queued.id}) {again}: the disk is not there\n" in shown
    assert json.loads(greenroom("status", "--json").stdout)["retried"]["count"] == 1


def test_albums_are_listed_as_they_were_staged_or_in_an_order_that_is_asked_for(data_dir: Path) -> None:
    for artist in ("Bo", "Ada", "Cy"):
        write_album(data_dir / "inbound" / artist, artist=artist, album="Tide", tracks=1, ext="mp3")
    assert greenroom("cycle").exit_code == 0

    def listed(*words: str) -> list[str]:
        return [item["album_artist"] for item in json.loads(greenroom("items", "--json", *words).stdout)]

    assert listed() == listed("--sort", "added")[::-1]
    assert listed("--sort", "artist") == ["Ada", "Bo", "Cy"]
    assert listed("--sort", "-artist", "--limit", "2", "--status", "pending_review") == ["Cy", "Bo"]
    assert greenroom("items", "--sort", "nosuch").exit_code == 2


def test_nothing_a_tag_says_reaches_the_terminal_as_a_command(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="\x1b[2JMallory", album="Bell\x07", tracks=1, ext="flac")
    for command in (["cycle"], ["items"], ["runs"], ["status"]):
        shown = greenroom(*command)
        assert shown.exit_code == 0
        assert "\x1b" not in shown.output
        assert "\x07" not in shown.output


def test_doctor_finds_nothing_wrong_with_a_fresh_installation_and_leaves_nothing_behind(data_dir: Path) -> None:
    before = sorted(path.name for path in (data_dir / "inbound").iterdir())
    shown = greenroom("doctor")
    assert shown.exit_code == 0, shown.output
    assert "✗" not in shown.output
    assert sorted(path.name for path in (data_dir / "inbound").iterdir()) == before
    assert not [path for path in (data_dir / "staging").rglob("*probe*")]


def test_a_move_held_for_a_person_is_told_with_the_command_that_tries_it_again(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    with application() as app, app.database.begin() as connection:
        connection.execute(update(TransferRow).values(state="attention", error="it was interrupted too often"))
        connection.execute(delete(StagingItem))
    assert "1 transfer held for a person: `greenroom fsck` says" in greenroom("status").output
    assert json.loads(greenroom("status", "--json").output)["held"] == 1
    doctor = greenroom("doctor")
    assert doctor.exit_code == 1
    told = " ".join(doctor.output.split())
    assert "Harbour is held for a person: it was interrupted too often; `greenroom fsck`" in told
    assert greenroom("fsck", "--adopt").exit_code == 0
    assert "for a person" not in greenroom("status").output
    assert greenroom("doctor").exit_code == 0


def test_an_album_that_is_gone_is_named_by_all_who_are_asked_with_what_can_be_done(data_dir: Path) -> None:
    for name in ("Harbour", "Quay"):
        write_album(data_dir / "inbound" / name, artist="Ada Fern", album=name, tracks=1, ext="mp3")
    greenroom("cycle")
    assert "album" not in "".join(line for line in greenroom("doctor").output.splitlines() if line[0] == "✗")
    (data_dir / "staging" / "note").touch()
    assert f" {data_dir / 'staging'}\n" in greenroom("fsck").output, "the folder of staging itself"
    shutil.rmtree(data_dir / "staging" / "AF" / "Ada Fern" / "2001 - Harbour")
    greenroom("fsck", "--adopt")
    assert "1 missing, 1 pending_review; `greenroom fsck` says" in greenroom("status").output
    assert "1 album missing: `greenroom items --status missing`" in " ".join(greenroom("doctor").output.split())
    refused = greenroom("publish", "1").output
    assert "`greenroom fsck` says what can be done" in refused
    assert "approve" not in refused.replace("approved", ""), "it would be refused"


def test_albums_of_a_staging_that_was_made_anew_are_counted_by_doctor_until_they_are_settled(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    staging = data_dir / "staging"
    (staging / ".greenroom-root").unlink()
    greenroom("libraries", "remove", str(staging))
    greenroom("libraries", "add", "staging", str(staging))
    doctor = greenroom("doctor")
    assert doctor.exit_code == 1
    assert "1 album in a root that is no library any more: `greenroom fsck`" in " ".join(doctor.output.split())
    assert greenroom("fsck", "--adopt").exit_code == 0
    assert greenroom("doctor").exit_code == 0


def test_doctor_goes_on_to_name_the_damage_that_verify_found(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=2, ext="mp3")
    greenroom("cycle")
    (staged,) = (data_dir / "staging").glob("AF/*/*/01*")
    staged.rename(data_dir / "aside")
    assert greenroom("verify", "--all").exit_code == 1
    doctor = greenroom("doctor")
    assert doctor.exit_code == 1
    assert "1 file of albums gone or damaged when last read" in " ".join(doctor.output.split())
    (data_dir / "aside").rename(staged)
    assert greenroom("verify", "1").exit_code == 0
    assert greenroom("doctor").exit_code == 0


def test_status_says_where_it_stands_why_albums_stayed(data_dir: Path) -> None:
    (data_dir / "inbound" / "broken").mkdir()
    (data_dir / "inbound" / "broken" / "01.mp3").write_bytes(b"no music")
    run = json.loads(greenroom("cycle", "--json").stdout)["run_id"]
    assert f"1 quarantined; `greenroom runs show {run}` says why" in greenroom("status").output


def test_all_json_spells_a_path_no_text_can_hold_in_one_way(data_dir: Path) -> None:
    folder = os.path.join(os.fsencode(data_dir), b"inbound", b"t\xef\ta")
    write_album(Path(os.fsdecode(folder)), artist="Ada", album="Harbour", tracks=1, ext="mp3")
    cycle = json.loads(greenroom("cycle", "--json").stdout)
    sources = {track["source"] for album in cycle["albums"] for track in album["tracks"]}
    assert all("t\\xef\ta/" in source for source in sources)
    undone = json.loads(greenroom("undo", cycle["run_id"], "--dry-run", "--json").stdout)
    assert {f["source"] for album in undone["albums"] for f in album["files"] if f["path"].endswith(".mp3")} == sources


def test_status_says_what_to_do_next_and_promises_no_cycle_without_a_daemon(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada", album="Harbour", tracks=1, ext="mp3")
    greenroom("settings", "set", "staging_scan.enabled", "true")
    greenroom("cycle")
    shown = greenroom("status").output
    assert "not running here; `greenroom run` starts it" in shown
    assert re.search(r"^next .* UTC, if a daemon runs then$", shown, re.M)
    assert "done: 1 album, 1 track, 1 staged" in shown
    assert "1 pending_review; `greenroom review` lists" in shown
    with sole_daemon(data_dir / "data"):
        assert re.search(r"^next .* UTC$", greenroom("status").output, re.M)


def test_a_dry_run_says_that_it_is_one_before_it_says_staged(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada", album="Harbour", tracks=1, ext="mp3")
    assert greenroom("cycle", "--dry-run").output.startswith("A dry run moves nothing;")
    assert greenroom("cycle").output.startswith("✓ staged")


def test_status_says_of_no_run_that_has_not_ended_that_there_was_nothing_to_do(data_dir: Path) -> None:
    greenroom("cycle")
    assert "done: nothing to do" in greenroom("status").output
    with application() as app, app.database.begin() as connection:
        connection.execute(update(RunRow).values(status="running", finished_at=None))
    assert "interrupted: no end of it was written down" in greenroom("status").output, "nobody holds the roots"
    with application() as app, app.database.begin() as connection:
        connection.execute(update(RunRow).values(dry_run=True))
    assert "running (dry run): no end yet" in greenroom("status").output


def test_doctor_names_every_library_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path / "data"))
    status = greenroom("status").output
    assert f"problem    sqlite:///{tmp_path}/data/greenroom.db knows no library: `greenroom libraries add" in status
    assert "GREENROOM_DATA_DIR or GREENROOM_DATABASE_URL is another one now" in status
    found = json.loads(greenroom("doctor", "--json").output)
    missing = [(one["level"], one["message"].partition("`")[2]) for one in found if one["code"] == "no_library"]
    assert missing == [
        ("problem", "greenroom libraries add inbound PATH`"),
        ("problem", "greenroom libraries add staging PATH`"),
        ("note", "greenroom libraries add library PATH`"),
    ]
    for role in ("inbound", "library"):
        (tmp_path / role).mkdir()
        greenroom("libraries", "add", role, str(tmp_path / role))
    shown = greenroom("doctor").output
    assert ["add staging" in shown, "add inbound" in shown, "add library" in shown] == [True, False, False]


def test_what_lies_in_the_trash_and_the_database_that_was_set_back_does_not_know_is_put_back_by_hand(
    data_dir: Path,
) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    (home,) = {path.parent for path in (data_dir / "staging").rglob("*.mp3")}
    printed("export", data_dir / "backup")
    printed("review", "trash", 1)
    (data_dir / "data").rename(data_dir / "lost")
    printed("import", data_dir / "backup")
    (lies,) = (path.parent for path in (data_dir / "staging" / ".greenroom-trash").rglob("*.mp3"))
    for words in ((), ("--dry-run",)):
        refused = greenroom("trash", "restore", lies.name, *words)
        assert refused.exit_code == 2
        assert "put its folder back by hand" in refused.stderr
    home.parent.mkdir(parents=True, exist_ok=True)
    lies.rename(home)
    printed("fsck", "--adopt")
    assert "Harbour" in printed("items")
    assert "all as it should be" in printed("fsck")


@pytest.mark.parametrize("said", ["[broken", "", "5x", 5, b"[]"])  # sqlite3's readfile() gives the last kind
def test_what_is_no_json_in_the_database_is_told_and_doctor_names_the_row(data_dir: Path, said: object) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    greenroom("cycle")
    with application() as app, app.database.begin() as connection:
        for statement in ("UPDATE staging_items SET warnings = :said", "UPDATE jobs SET payload = :said"):
            connection.execute(text(statement), {"said": said})
    for command in (["items"], ["items", "--json"], ["export", str(data_dir / "backup")]):
        refused = greenroom(*command)
        assert (refused.exit_code, refused.stderr.count("\n")) == (1, 1), refused.output
        assert f"holds {str(said)!r} where JSON belongs" in refused.stderr
    assert json.loads(greenroom("jobs", "--json").output)[0]["payload"] == str(said)  # which that job alone fails by
    told = " ".join(greenroom("doctor").output.split())
    assert "staging_items.warnings in row 1 is no JSON" in told
    assert "jobs.payload in row 1 is no JSON" in told


def test_doctor_names_published_paths_that_windows_would_not_open(data_dir: Path) -> None:
    def publish(path: str) -> None:
        with application() as app, app.database.begin() as connection:
            row = {"root_uuid": "r", "path": path.encode(), "role": "audio", "size": 1, "revision": 1}
            made = {"transfer_id": "t", "written_at": dt.datetime.now(dt.UTC)}
            connection.execute(insert(LedgerRow).values(**row, **made))

    publish(f"Ada/Harbour/{'a' * 227}")
    publish(f"Ada/Harbour/{'夜' * 100}")  # 300 bytes, and 112 characters
    assert "Windows" not in greenroom("doctor").output
    publish(f"Ada/Harbour/{'b' * 228}")
    doctor = greenroom("doctor")
    told = "".join(doctor.output.split())
    assert "1publishedfileofpathslongerthan239characters" in told
    assert "b" * 228 in told
    assert doctor.exit_code == 0


def test_doctor_says_when_no_player_could_enter_what_is_published(data_dir: Path) -> None:
    (data_dir / "library").mkdir()
    greenroom("libraries", "add", "library", str(data_dir / "library"))
    before = os.umask(0o077)
    try:
        shown = greenroom("doctor")
        assert (shown.exit_code, "phase.publish.folder_mode 755" in shown.output) == (0, True)
        greenroom("settings", "set", "phase.publish.folder_mode", "755")
        assert "umask" not in greenroom("doctor").output
        greenroom("settings", "unset", "phase.publish.folder_mode")
        os.umask(0o027)
        assert "umask" not in greenroom("doctor").output, "a group that shares them may enter"
    finally:
        os.umask(before)


def test_doctor_says_who_is_where_the_page_should_be_and_what_is_set_in_vain(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        monkeypatch.setenv("GREENROOM_WEB", f"127.0.0.1:{other.getsockname()[1]}")
        monkeypatch.setenv("GREENROOM_DATADIR", str(data_dir))
        monkeypatch.setenv("GREENROOM_OFFLINE", "false")  # doctor itself asks nobody
        monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
        doctor = greenroom("doctor")
    told = doctor.stdout
    assert doctor.output.count("GREENROOM_DATADIR") == 1
    assert "Address already in use" in told
    assert "HTTPS_PROXY is set, but nobody is asked through a proxy" in told
    assert "GREENROOM_DATADIR is set, which means nothing to Greenroom; is GREENROOM_DATA_DIR meant?" in told


def test_doctor_names_a_root_that_is_not_mounted(data_dir: Path) -> None:
    (data_dir / "staging" / ".greenroom-root").unlink()
    shown = greenroom("doctor")
    assert shown.exit_code == 1
    assert "is its disk mounted?" in shown.output


@pytest.mark.parametrize("command", [("undo", "20260101T000000Z-abcdef"), ("trash", "empty"), ("recover",)])
def test_what_is_wrong_with_a_root_is_not_told_as_wrong_usage(data_dir: Path, command: tuple[str, ...]) -> None:
    (data_dir / "staging" / ".greenroom-root").unlink()
    shown = greenroom(*command)
    assert shown.exit_code == 1
    assert "is its disk mounted?" in shown.output
    assert "Usage:" not in shown.output


def test_settings_are_listed_changed_and_remembered(data_dir: Path) -> None:
    greenroom("settings", "set", "staging_scan.schedule", "every 30m")
    assert greenroom("settings", "get", "schedule").output.strip() == "every 30m"
    assert "every 30m *" in greenroom("settings").output
    assert "0 */1" not in greenroom("settings", "history", "schedule").output
    refused = greenroom("settings", "set", "schedule", "now and then")
    assert refused.exit_code == 2
    assert "now and then" in refused.output
    greenroom("settings", "unset", "schedule")
    assert greenroom("settings", "get", "schedule").output.strip() == "0 */1 * * *"


def test_a_secret_needs_no_argument_that_other_users_of_the_machine_could_see(data_dir: Path) -> None:
    program = [str(Path(sys.executable).with_name("greenroom")), "settings", "set", "provider.fanart.key"]
    said = subprocess.run(program, input="hush-hush\n", capture_output=True, check=True, text=True)
    with application() as app, app.database.read() as connection:
        assert admin.get(connection, "provider.fanart.key") == "hush-hush"
    assert "hush" not in said.stdout + said.stderr
    assert "is missing" in printed("settings", "set", "schedule", given="every 30m\n", code=2)
    assert "no setting" in printed("settings", "set", "scedule", code=2)


def test_a_folder_that_cannot_serve_is_wrong_usage_and_says_why(data_dir: Path) -> None:
    for path, why in ((data_dir / "nowhere", "is no folder"), (data_dir / "inbound", "nested"), (data_dir, "nested")):
        refused = greenroom("libraries", "add", "library", path)
        assert refused.exit_code == 2
        assert why in refused.output or "same as" in refused.output
    assert greenroom("libraries", "remove", "/nowhere").exit_code == 2


def test_what_is_done_by_command_is_remembered_as_what_is_done_on_the_page(data_dir: Path) -> None:
    inbound = str(data_dir / "inbound")
    for verb in (("resume",), ("remove",), ("add", "inbound")):
        assert greenroom("libraries", *verb, inbound).exit_code == 0
    with application() as app:
        job = app.engine.submit("verify", None, actor="test").job.id
        assert greenroom("jobs", "cancel", job).exit_code == 0
        assert greenroom("jobs", "retry", job).exit_code == 0
        with app.database.read() as connection:
            found = activity.newest(connection)
    assert [one.what for one in found[:5]] == [
        "job_retried", "job_cancelled", "library_added", "library_removed", "library_resumed",
    ]  # fmt: skip
    assert {one.account for one in found} == {person()}


def test_many_jobs_are_tried_again_by_one_command_which_says_which_could_not_be(data_dir: Path) -> None:
    for wrong in ((), ("1", "--all"), ("1", "--phase", "verify")):
        assert "name jobs, or say --all" in printed("jobs", "retry", *wrong, code=2)
    with application() as app:
        ids = [app.engine.submit(chore, None, actor="test").job.id for chore in ("verify", "cleanup")]
    assert greenroom("jobs", "cancel", ids[0]).exit_code == 0
    again = greenroom("jobs", "retry", *ids, 99, "--json")
    assert again.exit_code == 1
    told = json.loads(again.stdout)
    assert (len(told["jobs"]), told["refused"]) == (1, [
        f"job {ids[1]} is queued; only what has ended can be tried again", "there is no job 99"]
    )  # fmt: skip
    nothing: dict[str, list[str]] = {"jobs": [], "refused": []}
    assert json.loads(printed("jobs", "retry", "--all", "--phase", "verify", "--code", "x", "--json")) == nothing


def test_who_took_an_album_back_by_command_is_remembered(data_dir: Path) -> None:
    write_album(data_dir / "inbound" / "a", artist="Ada Fern", album="Harbour", tracks=1, ext="mp3")
    run = json.loads(greenroom("cycle", "--json").stdout)["run_id"]
    assert greenroom("undo", run, "--dry-run").exit_code == 0
    assert greenroom("undo", run).exit_code == 0
    with application() as app, app.database.read() as connection:
        newest, *_ = activity.newest(connection)
    assert (newest.what, newest.account) == ("album_given_back", person())
    assert "Harbour" in (newest.detail or "")


def test_somebody_without_a_name_is_remembered_by_number(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # as in a container that runs as any user
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def nobody(number: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    assert greenroom("settings", "set", "workers", "3").exit_code == 0
    assert f"command:{os.geteuid()}" in greenroom("settings", "history", "workers").output


def test_doctor_says_how_albums_get_into_staging_and_where_the_roots_are(data_dir: Path) -> None:
    shown = greenroom("doctor", "--json").output
    found = {finding["code"]: finding for finding in json.loads(shown)}
    assert {"link", "clone", "copy"} & found.keys()
    for code in ("no_replace", "exchange", "join", "folder_sync", "clock", "root"):
        assert found[code]["level"] == "ok", found[code]
    assert "mounted at" in found["root"]["message"]


def test_doctor_warns_when_hardly_a_file_can_be_opened(data_dir: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))
    try:
        shown = greenroom("doctor")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert shown.exit_code == 1
    assert "LimitNOFILE" in shown.output


def test_what_doctor_found_is_told_also_when_it_ends_before_its_time(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def out_of_memory(kind: int) -> tuple[int, int]:
        raise MemoryError

    monkeypatch.setattr(resource, "getrlimit", out_of_memory)
    shown, for_scripts = (CliRunner().invoke(main, command) for command in (["doctor"], ["doctor", "--json"]))
    assert isinstance(shown.exception, MemoryError)
    assert "✓ the database answers" in shown.stdout
    assert for_scripts.stdout == "", "half an answer is none"


def test_doctor_says_that_runs_are_of_the_future(data_dir: Path) -> None:
    greenroom("cycle")
    assert "newest run" not in greenroom("doctor").output
    with application() as app, app.database.begin() as connection:
        connection.execute(update(RunRow).values(started_at=dt.datetime.now(dt.UTC) + dt.timedelta(days=1)))
    assert "the newest run is of" in greenroom("doctor").output


def test_doctor_names_a_disk_without_room_for_an_album(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.statvfs

    def nearly_full(path: bytes) -> os.statvfs_result:
        found = list(real(path))
        found[4] = found[7] = 0  # f_bavail, f_favail: full of large files it has hardly room for names, too
        return os.statvfs_result(found)

    monkeypatch.setattr(os, "statvfs", nearly_full)
    shown = greenroom("doctor")
    assert shown.exit_code == 1
    assert "less than the reserve" in shown.output
