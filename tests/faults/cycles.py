"""An installation with three albums, the real commands run in forked children, and the checker of their promises."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import io
import json
import os
import re
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import click
from sqlalchemy import select

import scanner.tags.pool  # noqa: F401  as the commands below
from config import admin
from config.database import Database
from config.errors import GreenroomError
from config.libraries import add_library, list_libraries
from config.settings import register_all
from daemon.bootstrap import application
from daemon.cli import COMMANDS, LazyCommands, main
from daemon.signals import stop_on_signals
from processor.items import repository
from processor.publication import ledger
from processor.transfers import journal
from processor.transfers.hidden import PLAYER_IGNORES, TX
from processor.transfers.trash import TRASH
from tests.carrying import carrying
from tests.databases import migrate
from tests.faults.traced import MARKS, Call, Outcome, missing, run_traced
from tests.faults.world import tree
from tests.items import recorded
from tests.music import write_track
from workflow import runs
from workflow.engine.tables import JobRow
from workflow.operations.tagging import tag_item

TAG, CARRY = ("tag",), ("carry",)  # no commands, but what workers do
OURS = ("album.greenroom.json", ".greenroom-root")
OUTPUT = ("greenroom-out", "greenroom-err")  # what a command printed
for _name in COMMANDS:  # once here, so that no child has to import them again
    LazyCommands().get_command(None, _name)  # type: ignore[arg-type]  # it does not look at the context
register_all()


class Ended(NamedTuple):
    """How a command ended, and what it printed."""

    status: int
    out: str
    err: str


class _Printed(io.FileIO):
    """What a command prints. strace counts a thread at a time, so an error for the work may hit this, which is ours."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return super().write(data)


class House:
    """One installation below a folder; staging may be on another file system, where files have to be copied."""

    def __init__(
        self,
        folder: Path,
        staging: Path | None = None,
        url: str | None = None,
        *,
        inbound: Path | None = None,
        data: Path | None = None,
        library: Path | None = None,
        filled: bool = True,
        **settings: object,
    ) -> None:
        self.folder, self.data = folder, data or folder / "data"
        self.dropped: dict[str, bytes] = dict(albums())  # what people own, by where they put it in inbound
        self.inbound, self.staging = inbound or folder / "inbound", staging or folder / "staging"
        for path in (self.data, self.inbound, self.staging):
            path.mkdir(exist_ok=True, parents=True)
        for name in OUTPUT:  # a child may be killed before it opens them
            (folder / name).touch()
        if url is None:
            url = f"sqlite:///{self.data / 'greenroom.db'}"
            (self.data / "greenroom.db").write_bytes(empty_database())
        self.environ = {"GREENROOM_DATA_DIR": str(self.data), "GREENROOM_DATABASE_URL": url}
        self.url = url
        now = dt.datetime.now(dt.UTC)
        with self.database() as database, database.begin() as connection:
            for role, path in (("inbound", self.inbound), ("staging", self.staging)):
                add_library(connection, role, os.fsencode(path), now=now)
            for name, value in ({"quiet_seconds": 0, "workers": 2, "reserve_mib": 0} | settings).items():
                admin.put(connection, f"staging_scan.{name}", value, actor="test", now=now)
        self.library: Path | None = None
        self.aside: Path | None = None  # where somebody put what they took out of staging
        self.tagged: Mapping[str, bytes] = {}  # what is dropped becomes where tags are written, if they are
        self._library = library or self.inbound.parent / "library"
        if filled:
            self.fill()

    def add_library(self) -> None:
        """Make a library, on the disk of the inbound tree if nothing else was said, and register it."""
        self.library = self._library
        self.library.mkdir(parents=True)
        with self.database() as database, database.begin() as connection:
            add_library(connection, "library", os.fsencode(self.library), now=dt.datetime.now(dt.UTC))

    @property
    def roots(self) -> list[Path]:
        """Where people's files may be."""
        return [self.inbound, self.staging, *filter(None, (self.library, self.aside))]

    def fill(self) -> None:
        """Drop the albums."""
        self.drop(albums())

    def drop(self, files: Mapping[str, bytes]) -> None:
        """Drop files, by their place below inbound."""
        self.dropped |= files
        for place, data in files.items():
            path = self.inbound / place
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """The installation's database, opened."""
        database = Database(self.url)
        try:
            yield database
        finally:
            database.close()

    def set(self, **settings: object) -> None:
        """Change settings of the staging cycle."""
        with self.database() as database, database.begin() as connection:
            for name, value in settings.items():
                admin.put(connection, f"staging_scan.{name}", value, actor="test", now=dt.datetime.now(dt.UTC))

    def command(self, *arguments: str, output: Path | None = None) -> None:
        """Be the process of one command; never returns. For a child only."""
        output = output or self.folder
        os.environ.update(self.environ)
        for number, name in enumerate(OUTPUT, 1):
            fd = os.open(output / name, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600)
            os.dup2(fd, number)
            os.close(fd)
        sys.stdout, sys.stderr = (
            io.TextIOWrapper(io.BufferedWriter(_Printed(fd, "w", closefd=False))) for fd in (1, 2)
        )
        status = 99
        try:
            if arguments == TAG:
                _tag()
            elif arguments == CARRY:
                _carry()
            else:
                main(arguments, standalone_mode=False)
            status = 0
        except click.ClickException as error:
            error.show()
            status = error.exit_code
        except GreenroomError as error:  # a command tells it itself
            print(f"tag: {error.message}", file=sys.stderr)
            status = error.exit_code
        except SystemExit as end:
            status = end.code if isinstance(end.code, int) else 99
        except BaseException:  # noqa: BLE001  the end of the process, as the interpreter would make it
            traceback.print_exc()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)

    def run(self, *arguments: str) -> Ended:
        """Run one command in a forked child."""
        child = forked(lambda: self.command(*arguments))
        _, status = os.waitpid(child, 0)
        return self.ended(os.waitstatus_to_exitcode(status))

    def ended(self, status: int) -> Ended:
        """What the last command left behind."""
        return Ended(status, *((self.folder / name).read_text(errors="replace") for name in OUTPUT))

    def items(self) -> list[dict[str, Any]]:
        """The items with their files, as the database holds them."""
        with self.database() as database, database.read() as connection:
            return recorded(connection)

    def runs(self) -> list[dict[str, Any]]:
        """The run rows, newest first."""
        with self.database() as database, database.read() as connection:
            return list(runs.recent(connection))

    def listed(self) -> list[dict[str, Any]]:
        """What `greenroom items --json` lists."""
        ended = self.run("items", "--json")
        assert ended.status == 0, ended.err
        return list(json.loads(ended.out))


def _tag() -> None:
    """Do what a worker does in the phase of tags, with all albums that are in staging."""
    with application() as app:
        with app.database.read() as connection:
            items = repository.ids(connection)
        for item in items:
            told = tag_item(app.database, item, stop_on_signals())
            print(item, told.outcome)


def _carry() -> None:
    """Do what a worker does with all jobs that are due, for some seconds at most."""
    with application() as app, carrying(app.database, app.boot.data_dir):
        ends = time.monotonic() + 6
        while time.monotonic() < ends and _are_due(app.database):
            time.sleep(0.05)


def _are_due(database: Database) -> bool:
    due = (JobRow.status == "running") | (JobRow.not_before.is_(None) | (JobRow.not_before <= dt.datetime.now(dt.UTC)))
    with database.read() as connection:
        return bool(connection.execute(select(JobRow.id).where(JobRow.status.in_(("queued", "running")), due)).first())


def traced_cycle(house: House, *inject: str) -> Outcome:
    """Run one cycle under strace; see traced.run_traced. What it printed is in `house.ended`."""
    return run_traced(lambda: house.command("cycle", "--json"), house.folder / "log", *inject)


def calls_of_a_cycle(house: House) -> list[Call]:
    """Every system call of an undisturbed cycle that changes something, each once; the cycle is run."""
    return calls_of(house, "cycle", "--json")


def calls_of(house: House, *command: str) -> list[Call]:
    """Every system call of an undisturbed command that changes something, each once; it is run."""
    outcome = run_traced(lambda: house.command(*command), house.folder / "log")
    assert outcome.status == 0, house.ended(outcome.status)
    # strace counts by thread: one of another thread would also be the opening of what the command prints to.
    printed = [call for call in outcome.calls if any(name in call.text for name in OUTPUT)]
    opened = {(call.name, call.n) for call in printed if call.name == "openat"}
    calls = [call for call in outcome.calls if call.name not in MARKS and _changes(call)]
    calls = [call for call in calls if (call.name, call.n) not in opened]
    return list({(call.name, call.n): call for call in calls}.values())


def _changes(call: Call) -> bool:
    needs = {"openat": "O_CREAT", "ioctl": "FICLONE"}
    return needs.get(call.name, "") in call.text and not any(name in call.text for name in OUTPUT)


@contextlib.contextmanager
def another_filesystem(path: Path) -> Iterator[Path]:
    """An empty folder on another file system than an existing folder; skips where there is none."""
    for parent in ("/dev/shm", "/tmp", "/var/tmp"):
        if os.access(parent, os.W_OK) and os.stat(parent).st_dev != os.stat(path).st_dev:
            with tempfile.TemporaryDirectory(prefix="greenroom-", dir=parent) as folder:
                yield Path(folder)
            return
    missing("neither /dev/shm nor /tmp nor /var/tmp is another file system than that of the test")


def forked(work: Callable[[], object]) -> int:
    """Start a child; the work must end it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the test runner's other threads are not needed there
        child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(98)
    return child


@functools.cache
def albums() -> Mapping[str, bytes]:
    """Three small albums in real audio: one with side files, one of two discs, one of a single track."""
    files: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:

        def track(place: str, **tags: Any) -> None:
            path = Path(folder, Path(place).name)
            write_track(path, seconds=0.1, **tags)
            files[place] = path.read_bytes()

        for n in (1, 2):
            tags = {"artist": "Nora Vale", "album": "Low Tide", "date": "2014", "title": f"Wave {n}"}
            track(f"Nora Vale - Low Tide/{n:02}.flac", **tags, track=f"{n}/2")
            tags = {"artist": "The Cannery", "album": "Live", "date": "2019", "title": f"Night {n}"}
            track(f"Live at the Cannery/CD{n}/01.mp3", **tags, track="1/1", disc=f"{n}/2")
        track("single.ogg", artist="雨宮", album="夜の庭", title="夜", track="1/1", date="2021")
    files["Nora Vale - Low Tide/cover.jpg"] = b"\xff\xd8\xff picture"
    files["Nora Vale - Low Tide/rip.log"] = b"all tracks accurately ripped\n"
    return files


@functools.cache
def late_tracks() -> Mapping[str, bytes]:
    """A third track and a second disc of Low Tide, which join what is staged of it."""
    tags = {"artist": "Nora Vale", "album": "Low Tide", "date": "2014"}
    return {
        "Nora Vale - Low Tide, late/03.flac": encoded(**tags, title="Wave 3", track="3/3", disc="1/2"),
        "Nora Vale - Low Tide, late/D2/01.flac": encoded(**tags, title="Ebb", track="1/1", disc="2/2"),
    }


def encoded(**tags: str) -> bytes:
    """One track with tags, as its bytes."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        return write_track(Path(folder, "track.flac"), seconds=0.1, **tags).read_bytes()


@functools.cache
def empty_database() -> bytes:
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        migrate(f"sqlite:///{folder}/empty.db")
        return Path(folder, "empty.db").read_bytes()


def music(root: Path) -> dict[bytes, bytes]:
    """Every file of people's below a root."""
    return {path: data for path, data in tree(os.fsencode(root)).items() if not _is_ours(path)}


def _is_ours(path: bytes) -> bool:
    folder, _, name = path.partition(b"/")
    return path.endswith((b"/", b"album.greenroom.json.new", *map(os.fsencode, OURS))) or (
        folder in (TX, TRASH) and name in PLAYER_IGNORES
    )


def lost(house: House) -> Iterator[str]:
    """Say whose bytes are nowhere; true at any instant."""
    there = {sha256(data).digest() for root in house.roots for data in music(root).values()}
    for place, data in house.dropped.items():
        if sha256(data).digest() not in there:
            yield f"lost: {place}"


def wrong_items(house: House) -> Iterator[str]:
    """Say which listed item is not on disk exactly as it is listed, byte for byte; true at any instant.

    A merge adds name by name. Between an exchange and its commit the row tells of the album of a moment ago.
    """
    with house.database() as database, database.read() as connection:
        changing = {transfer.target: transfer for transfer in journal.unsettled(connection)}
        made = {entry.path for entry in ledger.entries(connection) if entry.sha256}
        roots = {library.root_uuid: library.path for library in list_libraries(connection)}
    for item in house.items():
        if not os.path.isdir(roots[item["root_uuid"]]):
            continue  # somebody moved it, and did not say so yet
        there = music(Path(os.fsdecode(os.path.join(roots[item["root_uuid"]], item["path"]))))
        # What a refresh, or a mending, has begun to write has a hidden name beside it until that has been seen to.
        begun = re.compile(rb"(.*/)?\.greenroom-([0-9a-f]{8}|verify)-[0-9a-f]{8}")
        there = {path: data for path, data in there.items() if not begun.fullmatch(path)}
        there = {path: data for path, data in there.items() if item["path"] + b"/" + path not in made}
        if house.aside and (house.aside / os.fsdecode(item["path"])).exists():
            continue  # whoever took it away knows
        listed = {file["path"]: house.dropped[os.fsdecode(file["source"])] for file in item["files"]}
        change = changing.get(item["path"])
        if change is not None and change.kind.endswith("replace") and change.state == "materialised":
            continue
        if change is not None and change.kind.endswith("merge"):
            joining = {file.target: house.dropped[os.fsdecode(file.source)] for file in change.files}
            there = {path: data for path, data in there.items() if path in listed or joining.get(path) != data}
        sources = {file["path"]: os.fsdecode(file["source"]) for file in item["files"]}
        tagged = {path: house.tagged.get(source, house.dropped[source]) for path, source in sources.items()}
        if there not in (listed, tagged):
            sizes = [{path: len(data) for path, data in files.items()} for files in (listed, there)]
            yield f"listed as {sizes[0]}, on disk {sizes[1]}, or with other content"


def unsettled(house: House) -> Iterator[str]:
    """Say what is not as it has to be once a cycle was able to do all its work."""
    here, there = music(house.inbound), music(house.staging)
    trashed = {sha256(there.pop(path)).digest() for path in [*there] if path.startswith(TRASH + b"/")}
    yield from (f"left in the inbound folder: {path!r}" for path in here)
    yield from (f"left in the transfer folder: {path!r}" for path in there if path.startswith(b".greenroom-tx/"))
    hidden = house.staging / ".greenroom-tx"
    if hidden.is_dir():
        yield from (f"left in the transfer folder: {path.name}" for path in hidden.iterdir() if path.is_dir())
    found = Counter(sha256(data).digest() for data in (*here.values(), *there.values()))
    if found + Counter(trashed - found.keys()) != Counter(sha256(data).digest() for data in house.dropped.values()):
        yield f"not everything is there exactly once: {sorted(here)} and {sorted(there)}"
    yield from open_transfers(house)
    if len(items := house.items()) != 3:
        yield f"{len(items)} items"
    for run in house.runs():
        if run["status"] == "running":
            yield f"run {run['id']} is still said to be running"


def open_transfers(house: House) -> Iterator[str]:
    """Say which transfers have not ended."""
    with house.database() as database, database.read() as connection:
        yield from (f"a {one.kind} is {one.state}: {one.error}" for one in journal.unsettled(connection))


def tried(house: House, *command: str) -> Iterator[str]:
    """Run a command; say if it failed, and what is broken then."""
    ended = house.run(*command)
    if ended.status:
        yield f"{command[:2]} ended with {ended.status}: {ended.out} {ended.err}"
    yield from (*lost(house), *wrong_items(house))


def recovered(house: House) -> Iterator[str]:
    """Recover, as after a crash; say what is broken before and then."""
    yield from (*lost(house), *wrong_items(house), *tried(house, "recover", "--json"))


def snapshot(house: House) -> object:
    """All that a cycle with nothing to do must leave as it is."""
    roots = (house.inbound, house.staging)
    files = [(path, path.lstat()) for root in roots for path in sorted(root.rglob("*"))]
    seen = [(path, found.st_ino, found.st_mtime_ns, found.st_ctime_ns) for path, found in files]
    return seen, house.items()


def converges(house: House, *, interrupted: bool = False) -> list[str]:
    """Recover and run again, as after a crash; return what is broken on the way or left over at the end."""
    wrong = [*recovered(house), *completes(house)]
    if interrupted and "interrupted" not in [run["status"] for run in house.runs()]:
        wrong.append(f"no run is interrupted: {[(run['status'], run['error']) for run in house.runs()]}")
    before = snapshot(house)
    wrong += completes(house)
    if snapshot(house) != before:
        wrong.append("a further cycle changed something")
    shown = {file["path"]: file["size"] for item in house.listed() for file in item["files"]}
    if shown != {os.fsdecode(file["path"]): file["size"] for item in house.items() for file in item["files"]}:
        wrong.append(f"items --json shows {shown}")
    return wrong


def completes(house: House) -> list[str]:
    """Run a cycle that nothing disturbs; return what it did not do."""
    ended = house.run("cycle", "--json")
    try:
        report = json.loads(ended.out)
    except ValueError:
        return [f"no JSON: {ended.out!r}"]
    wrong = [] if (ended.status, report["status"]) == (0, "done") else [f"cycle: {ended.status} {ended.out}"]
    if "Traceback" in ended.err:
        wrong.append(ended.err)
    wrong += [*lost(house), *wrong_items(house), *unsettled(house)]
    return [*wrong, ended.out] if wrong else []


def open_runs(house: House) -> int:
    """How many rows say that a run is running."""
    return sum(run["status"] == "running" for run in house.runs())
