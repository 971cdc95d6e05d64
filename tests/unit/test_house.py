"""The rules of the house, held by the code itself: floors, where SQL may be, what a module looks like."""

from __future__ import annotations

import ast
import functools
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from tests.faults.mutants import MUTANTS
from tests.music import write_track

ROOT = Path(__file__).parents[2]
FLOORS = ("config", "scanner", "processor", "workflow", "daemon")
MODULES = sorted(path for floor in FLOORS for path in (ROOT / floor).rglob("*.py"))
LONGEST = 400  # lines

SQL_MODULES = {
    "config/accounts.py",
    "config/activity.py",
    "config/admin.py",
    "config/backup.py",
    "config/database.py",
    "config/driver_errors.py",
    "config/lease.py",
    "config/libraries.py",
    "config/locks.py",
    "config/schema.py",
    "config/sqlite_file.py",
    "config/tables.py",
    "config/tokens.py",
    "processor/artwork/blobs.py",
    "processor/artwork/rows.py",
    "processor/artwork/tables.py",
    "processor/client/circuits.py",
    "processor/client/memory.py",
    "processor/client/turns.py",
    "processor/fsck/rows.py",
    "processor/items/grouping_choices.py",
    "processor/items/listing.py",
    "processor/items/repository.py",
    "processor/items/storing.py",
    "processor/matching/rows.py",
    "processor/metadata/artists.py",
    "processor/metadata/rows.py",
    "processor/players/debts.py",
    "processor/players/rows.py",
    "processor/players/tables.py",
    "processor/publication/ledger.py",
    "processor/publication/news.py",
    "processor/tables.py",
    "processor/transfers/journal.py",
    "processor/transfers/trash_rows.py",
    "processor/verification/rows.py",
    "scanner/grouprows.py",
    "scanner/newscan.py",
    "scanner/scandb.py",
    "scanner/scanschema.py",
    "workflow/engine/carrier.py",
    "workflow/engine/dispatches.py",
    "workflow/engine/hosts.py",
    "workflow/engine/jobs.py",
    "workflow/engine/tables.py",
    "workflow/engine/wanting.py",
    "workflow/engine/listing.py",
    "workflow/events.py",
    "workflow/history.py",
    "workflow/plans.py",
    "workflow/progress.py",
    "workflow/runs.py",
}
SQL_PACKAGES = {"sqlalchemy", "sqlite3", "psycopg", "alembic"}
CATCHES_ALL = {
    "daemon/scheduler.py",  # the tick
    "workflow/engine/runner.py",  # the job runner
    "workflow/engine/worker.py",  # what keeps a worker going, as the tick keeps the daemon
    "processor/artwork/look.py",  # in a child process, as below
    "processor/artwork/serve.py",
    "processor/tagging/child.py",
    "scanner/tags/read.py",  # in a child process, around a parser that is not ours and a file nobody can vouch for
}
_Node = TypeVar("_Node", bound=ast.AST)
LOG_CALLS = {"trace", "debug", "info", "success", "warning", "error", "critical", "exception"}


@functools.cache
def trees() -> dict[str, ast.Module]:
    """Parse every module; not where tests are only collected."""
    return {path.relative_to(ROOT).as_posix(): ast.parse(path.read_bytes()) for path in MODULES}


@functools.cache
def nodes(kind: type[_Node]) -> list[tuple[str, _Node]]:
    """Return all there is of a kind, each with the module it is in."""
    return [(name, node) for name, tree in trees().items() for node in ast.walk(tree) if isinstance(node, kind)]


def imported(tree: ast.Module) -> Iterator[str]:
    """Give the first part of every imported module's name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not hands_through(node):
            yield node.module.split(".")[0]


def hands_through(node: ast.ImportFrom) -> bool:
    """Whether an import only names the open transaction that is passed on; nothing is asked in it there."""
    return node.module == "sqlalchemy" and {name.name for name in node.names} == {"Connection"}


def root_name(node: ast.expr) -> str | None:
    """Return where a chain of calls and attributes begins: `logger` of `logger.bind(a=1).info`."""
    while isinstance(node, ast.Attribute | ast.Call):
        node = node.value if isinstance(node, ast.Attribute) else node.func
    return node.id if isinstance(node, ast.Name) else None


def names_of(handler: ast.ExceptHandler) -> set[str]:
    if handler.type is None:
        return {"BaseException"}
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return {kind.id for kind in kinds if isinstance(kind, ast.Name)}


def test_there_is_something_to_look_at() -> None:
    assert {name.split("/")[0] for name in trees()} == set(FLOORS)


def test_imports_go_down_only() -> None:
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert re.search(r"[1-9]\d* kept, 0 broken", checked.stdout)


def test_sql_stays_where_it_belongs() -> None:
    with_sql = {name for name, tree in trees().items() if SQL_PACKAGES & set(imported(tree))}
    assert {name for name in with_sql if not name.startswith("config/migrations/")} <= SQL_MODULES


def test_a_scan_starts_without_what_it_does_not_need(tmp_path: Path) -> None:
    """Importing one of these costs more than scanning a hundred files; see Decisions."""
    needless = "argparse click dataclasses hashlib inspect scanner.tags.pool sqlalchemy subprocess"
    program = "import sys, daemon.scan_inbound; daemon.scan_inbound.main(); print(*sys.modules)"
    empty = os.fspath(tmp_path)
    scan = [sys.executable, "-c", program, "-path", empty, "-output", empty]
    ended = subprocess.run(scan, cwd=ROOT, check=True, capture_output=True, text=True)
    assert set(needless.split()).isdisjoint(ended.stdout.split())


def test_a_scan_that_lasts_does_not_load_it_later() -> None:
    """What looks after a command for longer than a moment has nothing to look for where no root was asked."""
    program = """
import sys, threading, time
from daemon import signals
signals.EVERY = 0.001
with signals.attended():
    while "config.answering" not in sys.modules:
        time.sleep(0.01)
    time.sleep(0.1)
for thread in threading.enumerate():
    if thread.name == "attend":
        thread.join()
print(*sys.modules)
"""
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True)
    assert {"loguru", "sqlalchemy"}.isdisjoint(ended.stdout.split())


def test_only_the_tick_catches_everything() -> None:
    assert {name for name, handler in nodes(ast.ExceptHandler) if "Exception" in names_of(handler)} <= CATCHES_ALL


def test_what_catches_every_end_of_a_program_lets_it_pass() -> None:
    for name, handler in nodes(ast.ExceptHandler):
        if "BaseException" in names_of(handler):
            assert any(isinstance(inner, ast.Raise) for inner in ast.walk(handler)), f"{name}:{handler.lineno}"


def test_a_module_is_short_and_begins_with_one_sentence() -> None:
    long = [path for path in MODULES if len(path.read_text().splitlines()) > LONGEST]
    docstrings = {name: (ast.get_docstring(tree) or "").split("\n") for name, tree in trees().items()}
    assert long == []
    assert [name for name, (first, *_) in docstrings.items() if not first.endswith((".", "!", "?", ":"))] == []
    assert [name for name, (_, *others) in docstrings.items() if others and others[0]] == []


def test_nothing_prints_but_the_command_line() -> None:
    printing = {name for name, call in nodes(ast.Call) if root_name(call.func) == "print"}
    assert {name for name in printing if not name.startswith("daemon/cli/")} == set()


def test_log_messages_are_constant_and_values_are_bound() -> None:
    """A value in the message could hold braces, which raise, or a line break, which forges a line."""
    for name, call in nodes(ast.Call):
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in LOG_CALLS and root_name(function) == "logger":
            assert len(call.args) == 1, f"{name}:{call.lineno}"
            assert isinstance(call.args[0], ast.Constant), f"{name}:{call.lineno}"
            assert not call.keywords, f"{name}:{call.lineno}"


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_the_lock_files_pin_every_package_by_hash_and_nothing_by_address(name: str) -> None:
    text = (ROOT / name).read_text()
    lines = [
        line for line in text.replace("\\\n", " ").splitlines() if line.strip() and not line.lstrip().startswith("#")
    ]
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+==[^\s;]+( ;[^\\]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*$", line), line
    assert "://" not in text
    assert not re.search(r"^python-daemon\b", text, re.MULTILINE)  # it ships a package that is named as ours


def test_every_dependency_is_locked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    locked = set(re.findall(r"^([a-z0-9._-]+)==", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    wanted = {re.split(r"[\[<>=]", need)[0] for need in project["project"]["dependencies"]}
    assert wanted <= locked


def test_what_was_agreed_to_be_built_on_is_still_built_on() -> None:
    agreed = "apscheduler sqlalchemy psycopg pydantic-settings watchdog requests pillow imagehash loguru"
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert set(agreed.split()) <= {re.split(r"[^\w-]", need)[0] for need in project["project"]["dependencies"]}


def test_every_package_is_installed_by_name() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {path.parent.relative_to(ROOT).as_posix().replace("/", ".") for path in MODULES}
    assert set(listed) == there


def test_a_command_starts_without_what_only_jobs_need() -> None:
    """What asks other machines, compares names and decodes pictures takes longer to import than most commands last."""
    program = (
        "import sys, daemon.bootstrap; from config.settings import register_all;"
        " register_all(); print(*{%s} & {*sys.modules})"
    )
    names = "'requests', 'urllib3', 'rapidfuzz', 'PIL', 'numpy', 'dbos', 'apprise'"
    started = subprocess.run(
        [sys.executable, "-c", program % names], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert started.stdout.split() == []


def test_a_cycle_loads_nothing_that_no_album_on_its_way_into_staging_needs(tmp_path: Path) -> None:
    """What declares the settings of chores and of providers was a twelfth of its start, and PostgreSQL a twentieth."""
    for folder in ("inbound", "inbound/album", "staging"):
        (tmp_path / folder).mkdir()
    write_track(tmp_path / "inbound/album/01.flac", album="One", artist="Eva", title="First", track="1/1")
    before = [["libraries", "add", role, str(tmp_path / role)] for role in ("inbound", "staging")]
    before.append(["settings", "set", "quiet_seconds", "0"])
    program = "import sys; from daemon.cli import main\nfor words in %s: main(words, standalone_mode=False)"
    cycle = (
        "import sys; from daemon.cli import main\n"
        "try: main(['cycle', '--json'])\nfinally: print(*sys.modules, file=sys.stderr)"
    )
    env = {**os.environ, "GREENROOM_DATA_DIR": str(tmp_path / "data")}
    env.pop("GREENROOM_DATABASE_URL", None)
    for code in (program % before, cycle):
        ended = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True, text=True
        )
    assert json.loads(ended.stdout)["counts"]["staged"] == 1
    needless = re.compile(
        r"workflow\.chores\.|processor\.providers\.|processor\.publication\.given|daemon\.secrecy|.*\.postgresql"
    )
    assert [name for name in ended.stderr.split() if needless.match(name)] == []


def test_a_command_does_not_look_for_garbage_in_what_is_imported(tmp_path: Path) -> None:
    """To do so was a quarter of the processor time of a command with little to do."""
    program = (
        "import gc, sys; sys.argv = ['greenroom', 'status']; from daemon.cli import main; main(standalone_mode=False);"
        " print(gc.isenabled(), len(gc.get_objects()) < gc.get_freeze_count() / 4)"
    )
    env = {**os.environ, "GREENROOM_DATA_DIR": str(tmp_path)}
    for command in ("import daemon.cli; daemon.cli.main(['migrate'])", program):  # to make a database is much to do
        started = subprocess.run(
            [sys.executable, "-c", command], cwd=ROOT, env=env, check=True, capture_output=True, text=True
        )
    assert started.stdout.split()[-2:] == ["True", "True"]


def test_the_modules_the_architecture_names_are_where_it_says() -> None:
    """By their path, or in a folder that stands in the same row; those of the table of subjects, on its floor."""
    lost, floor = [], "."
    for row in (ROOT / "ARCHITECTURE.md").read_text().partition("## Dependencies")[0].splitlines():
        if begins := re.match(r"\| \*\*`(\w+)/`", row):
            floor = begins[1]
        named = re.findall(r"`([\w/]+/|[\w/]+\.py)`", row if row.startswith("|") else "")
        folders = {floor, *(f"{above}{name.rpartition('/')[0]}" for name in named for above in ("", f"{floor}/"))}
        modules = [name for name in named if name.endswith(".py")]
        lost += [name for name in modules if not any((ROOT / folder / name).is_file() for folder in (".", *folders))]
    assert (floor, lost) == (FLOORS[1], [])


def test_every_safeguard_that_is_taken_out_in_turn_is_where_the_table_says() -> None:
    """Else `scripts/faults mutants` proves nothing of it: bring tests/faults/{mutants,safeguards}.py up to date."""
    whole = {mutant.file: (ROOT / mutant.file).read_text() for mutant in MUTANTS}
    assert [mutant.name for mutant in MUTANTS if whole[mutant.file].count(mutant.old) != 1] == []
    proofs = {word.partition("::")[0] for mutant in MUTANTS for word in mutant.proof if word.startswith("tests/")}
    assert [file for file in proofs if not (ROOT / file).is_file()] == []
    for mutant in MUTANTS:
        compile(whole[mutant.file].replace(mutant.old, mutant.new), mutant.name, "exec")
