"""A whole installation, what people ask of it and do to it behind its back → what must be true of it all the while."""

from __future__ import annotations

import contextlib
import datetime as dt
import functools
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from select import select as readable
from typing import Any

from sqlalchemy import DateTime, Row, TypeDecorator, create_engine, make_url, select, text, update

from config import admin, libraries
from config.tables import Base
from processor.tables import TransferRow
from processor.transfers.hidden import PLAYER_IGNORES
from processor.transfers.trash import GOING, TRASH
from tests.databases import TEMPLATE
from tests.faults.cycles import OUTPUT, Ended, House, empty_database, forked, music
from tests.faults.soak import set_aside_the_count
from tests.faults.steps import die, run_until
from tests.faults.test_two_hosts import on_host
from tests.faults.traced import run_traced
from tests.pictures import jpeg
from tests.scenarios.drops import Drop, lay_out, song, songs
from workflow import suspension

CYCLE = ["cycle", "--json"]
MARK = ".greenroom-root"
ROOTS = ("inbound", "staging", "library", "library2")
FINE = (0, 1, 2, 75, -signal.SIGKILL)  # a refusal is an answer, too; what is asked for may be gone by then
EDITIONS = [f"{digit * 8}-1111-4111-8111-111111111111" for digit in "ab"]
DROPS: Mapping[str, Drop] = {
    "album": songs("Low", "mp3", range(1, 3), date="2014") | {"Low/01 - Song 1.lrc": b"[00:00.00]la"},
    "copy": songs("Low copy", "mp3", range(1, 3), date="2014"),
    "other bytes": songs("Low other", "mp3", range(1, 3), date="2014", genre="Folk"),
    "lossless": songs("Low flac", "flac", range(1, 3), date="2014") | {"Low flac/rip.log": b"log"},
    "late track": songs("Low late", "mp3", range(3, 4), date="2014"),
    "second disc": songs("Low/CD2", "mp3", range(1, 3), date="2014", disc="2/2", genre="b"),
    "deluxe": songs("Low deluxe", "mp3", range(1, 4), album="Low Tide (Deluxe Edition)"),
    "other case": songs("low", "mp3", range(1, 3), artist="ADA", album="LOW TIDE", genre="x"),
    "pictures": songs("High", "flac", range(1, 3), album="High Tide") | {"High/cover.jpg": jpeg(1, 600)},
    "notes": songs("Nfo", "mp3", range(1, 3), album="Nfo") | {"Nfo/album.nfo": b"<album><title>Nfo</title></album>"},
    "various": {
        f"VA/CD{disc}/1.mp3": song(1, artist=f"Band {disc}", album="Hits", album_artist="Various", disc=f"{disc}/2")
        for disc in (1, 2)
    },
    "loose": {"one.mp3": song(None, "One", artist="Solo"), "two.mp3": song(1, "Two", artist="Duo", album="Twos")},
    "one title": {f"Same/{name}.mp3": song(1, "T", artist="Sam", album="Same", genre=name) for name in "ab"},
    "broken": {f"Broken/{n}.flac": song(n, artist="Bo", album="Ken", keep=n / 2) for n in (1, 2)},
    "edition": songs("Low ed", "mp3", range(1, 3), date="2014", mb={"release_id": EDITIONS[0]}, genre="e"),
    "other edition": songs("Low ed 2", "flac", range(1, 4), date="2015", mb={"release_id": EDITIONS[1]}),
    "better edition": songs("Low ed 3", "flac", range(1, 3), date="2014", mb={"release_id": EDITIONS[0]}),
    "late, of edition": songs("Low ed 4", "mp3", range(3, 4), date="2014", mb={"release_id": EDITIONS[0]}),
    "worse": songs("High mp3", "mp3", range(1, 3), album="High Tide"),
    "junk": {"Junk/readme.txt": b"hello", "Junk/x.nfo": b"<album><title>x</title></album>"},
}  # fmt: skip
# What people ask for, of what there is at that time, in braces; where there is nothing of it, it is a cycle.
ASKED = (
    "process --json", "recover --json", "fsck --adopt --json", "verify --all --json", "gc --json", "tag",
    "review approve {item}", "review reject {item}", "review undo {item}", "review trash {item} --json",
    "review set {item} title Other", "review set {item} credits Eva", "review set {item} date 1977",
    "review set {item} title --unlock", "review set {item} title Three --track {track}",
    "review split {item} {track} --artist Eva --album Part --json", "review regroup {item} --json",
    "review merge {item} {other} --json", "items forget {item}",
    "publish {item}", "publish {item} --rename", "publish {published} --undo", "publish --approved",
    "pictures give {item} front {picture}",
    "undo {transfer} --json", "undo {run} --json", "undo --release {held}", "trash restore {trashed}",
)  # fmt: skip
SETTINGS = (
    ("staging_scan.replace", "better"), ("staging_scan.replace", "off"), ("staging_scan.ignore", "*.log"),
    ("staging_scan.ignore", ""), ("staging_scan.trash_days", "1"), ("phase.publish.transfer", "copy"),
    ("phase.publish.transfer", "hardlink"), ("phase.publish.transfer", "move"), ("phase.publish.folder", "{album}"),
    ("phase.publish.folder", "{album_artist}/{album}[ ({year})]"), ("phase.publish.file", "{title}"),
    ("phase.publish.file", "[{disc}-][{track:02} ]{title}"), ("phase.publish.nfo", "false"),
    ("phase.publish.nfo", "true"), ("phase.publish.profile", "all"), ("phase.publish.library", "* -> {library2}"),
    ("phase.publish.library", "genre Folk -> {library2}; * -> {library}"), ("phase.publish.file_mode", "640"),
    ("phase.publish.mode", "auto"), ("phase.review.mode", "auto"), ("phase.tag.mode", "auto"),
)  # fmt: skip


@functools.cache
def contents(name: str) -> Mapping[str, bytes]:
    """What is dropped, by its place below inbound."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        lay_out(Path(folder), DROPS[name])
        return {os.fsdecode(path): data for path, data in music(Path(folder)).items()}


def digest(data: bytes) -> bytes:
    """Return what tells a content from all others."""
    return sha256(data).digest()


def named(one: bytes) -> str:
    """Return what was dropped with this digest."""
    found = (f"{name}: {place}" for name in DROPS for place, data in contents(name).items() if digest(data) == one)
    return next(found, one.hex())


def must_be_fine(words: Sequence[object], ended: Ended) -> None:
    """Raise AssertionError unless a command ended as commands do."""
    assert ended.status in FINE, (words, ended)
    assert "Traceback" not in ended.err, (words, ended.err)
    assert ended.status not in (1, 2) or ended.out or ended.err, (words, "fails, and says nothing")


def is_trashed(path: Path) -> bool:
    """Tell whether a file is in a trash."""
    return f"/{os.fsdecode(TRASH)}/" in str(path)


@contextlib.contextmanager
def another_disk(folder: Path) -> Iterator[Path]:
    """Yield a small disk of its own, where one may be mounted; else a plain folder, which is never full."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], check=False, capture_output=True)
    yield folder
    if made.returncode == 0:
        subprocess.run(["umount", "-l", folder], check=True)


def pick(things: Any, n: int) -> Any:
    """Return the n-th of some things, counted around; None where there are none."""
    return things[n % len(things)] if things else None


class Life(House):
    """An installation with two libraries, and everything anybody ever put into one of its roots."""

    def __init__(self, folder: Path, disk: Path, url: str | None = None) -> None:
        super().__init__(folder, url=url, filled=False, workers=1, vanish_percent=50)
        self.disk, self.backup = disk, folder / "backup"
        self.environ["GREENROOM_OFFLINE"] = "true"
        (folder / "picture").write_bytes(jpeg(7, 700))
        self.places = {role: folder / role for role in ROOTS}  # where its roots are, or should be
        self.away: dict[str, Path] = {}  # where those are that are not mounted, by role
        self.owed: set[bytes] = set()  # the digests of what must be somewhere
        self.is_meddled_with = False  # by hand, or by a database of before: rows and disks need not agree
        (folder / "aside").mkdir()
        now = dt.datetime.now(dt.UTC)
        said = {"library": f"* -> {self.places['library']}", "library_reserve_mib": 0}
        with self.database() as database, database.begin() as connection:
            for role in ROOTS[2:]:
                self.places[role].mkdir()
                libraries.add_library(connection, "library", os.fsencode(self.places[role]), now=now)
            for name, value in said.items():
                admin.put(connection, f"phase.publish.{name}", value, actor="test", now=now)

    def home(self, role: str) -> Path:
        """Return where a root is now."""
        return self.away.get(role, self.places[role])

    def root(self, uuid: str) -> Path:
        """Return where the root of a mark is now."""
        return next(self.home(role) for role in ROOTS if uuid in (self.home(role) / MARK).read_text())

    def files(self, *roles: str) -> Iterator[tuple[Path, bytes]]:
        """Yield the files of some roots that are not our own, and those in trash and transfer folders, too."""
        for role in roles or ROOTS:
            for path, data in sorted(music(home := self.home(role)).items()):
                if os.path.basename(path) not in PLAYER_IGNORES:
                    yield home / os.fsdecode(path), data

    def visible(self, *roles: str) -> dict[Path, bytes]:
        """Return the files that people see."""
        return {path: data for path, data in self.files(*roles) if "/.greenroom-" not in str(path)}

    def moves(self) -> Sequence[Row[Any]]:
        """Return the rows of the journal, oldest first."""
        with self.database() as database, database.read() as connection:
            return connection.execute(
                select(TransferRow.__table__).order_by(TransferRow.created_at, TransferRow.target)
            ).all()

    def look(self) -> tuple[object, ...]:
        """Return what a person who looks at all roots and all items sees, and whether somebody touched it since."""
        found = [(path, path.lstat()) for role in ROOTS for path in sorted(self.home(role).rglob("*"))]
        seen = [(path, at.st_ino, at.st_size, at.st_mtime_ns, at.st_ctime_ns) for path, at in found]
        return *self.items(), *seen

    # What people do.

    @contextlib.contextmanager
    def by_hand(self) -> Iterator[None]:
        """Let a person change files: what they took away is owed no more, what they put anywhere is.

        Of an NFO file the words are, which are brought together with ours, and not the bytes.
        """
        before = {digest(data) for _, data in self.files()}
        yield
        after = {digest(data): path.suffix for path, data in self.files()}
        put = {one for one, suffix in after.items() if suffix != ".nfo"} - before
        self.owed = (self.owed - (before - after.keys())) | put

    def put(self, path: Path, data: bytes) -> None:
        """Put a file somewhere, complete at once, but where a folder is, or below a file."""
        with contextlib.suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
            (fresh := path.with_name("fresh")).write_bytes(data)
            fresh.replace(path)

    def drop(self, files: Mapping[str, bytes]) -> None:
        """Put files into inbound."""
        with self.by_hand():
            for place, data in files.items():
                self.put(self.home("inbound") / place, data)
        self.owed |= set(map(digest, files.values())) & {digest(data) for _, data in self.files()}

    # What they ask for.

    def words(self, asked: str, n: int) -> list[str]:
        """Return a command of ASKED about the n-th of what there is; a cycle where there is nothing of it."""
        items, done = self.items(), [move for move in self.moves() if move.state == "done"]
        item = pick(items, n) or {"id": None, "files": ()}
        there = {
            "item": item["id"],
            "picture": str(self.folder / "picture"),
            "other": pick([one["id"] for one in items if one is not item], n),
            "track": pick([os.fsdecode(file["path"]) for file in item["files"] if file["role"] == "audio"], n // 3),
            "published": pick([one["id"] for one in items if one["status"] == "published"], n),
            "transfer": pick([move.id for move in done if move.undoes is None][-5:], n),
            "run": pick([move.run_id for move in done if move.run_id][-5:], n),
            "held": pick([move.undoes for move in done if move.undoes], n),
            "trashed": pick([move.id for move in done if move.kind in ("discard", "replace", "upgrade", "retag")], n),
        }
        words = [word.format_map(there) for word in asked.split()]
        return CYCLE if "None" in words else words

    def do(self, *words: object, step: int | None = None, act: Callable[[str], object] = die) -> Ended:
        """Run a command; something happens before one of its steps."""
        return self._over(words, run_until(self, step, act, *map(str, words)))

    def fail(self, words: Sequence[object], rule: str) -> Ended:
        """Run a command of which a system call fails, by a rule of strace."""
        calls = self.folder / "calls"
        return self._over(words, run_traced(lambda: self.command(*map(str, words)), calls, rule).status)

    def _over(self, words: Sequence[object], status: int) -> Ended:
        ended = self.ended(status)
        must_be_fine(words, ended)
        set_aside_the_count(self)
        with self.database() as database:
            with database.read() as connection:
                suspended = [one for one in libraries.list_libraries(connection) if one.suspended is not None]
            for library in suspended:
                assert self.is_meddled_with or library.role == "inbound", library.suspended
                suspension.resume(database, library.path)
        return ended

    def meanwhile(self, words: Sequence[str], step: int, others: Sequence[str]) -> None:
        """Run a command, and between two of its steps another one: of another host, where there can be one."""
        for name in OUTPUT:  # it may not come to its turn
            (self.folder / "aside" / name).write_text("")
        wait, go = os.pipe()

        def other() -> None:
            os.close(go)
            if self.url.startswith("postgresql"):
                on_host("two")
            if os.read(wait, 1):
                self.command(*others, output=self.folder / "aside")
            os._exit(0)

        child = forked(other)
        is_over = os.pidfd_open(child)

        def act(label: str) -> bool:
            if label == "commit":  # SQLite lets nobody else write then
                return False
            os.write(go, b"!")
            readable([is_over], [], [], 5)
            return True

        self.do(*words, step=step, act=act)
        for fd in (wait, go, is_over):
            os.close(fd)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        must_be_fine(others, Ended(status, *((self.folder / "aside" / name).read_text() for name in OUTPUT)))

    def empty_the_trash(self, step: int | None) -> None:
        """What was nowhere else is owed no more, once it is gone, or going: that goes on after a kill."""
        elsewhere = {digest(data) for path, data in self.files() if not is_trashed(path)}
        self.do("trash", "empty", "--older-than", 0, step=step)
        self.owed &= elsewhere | {digest(data) for path, data in self.files() if os.fsdecode(GOING) not in str(path)}

    def unmount(self, role: str, leaves_a_folder: bool) -> None:
        """Take a root away, with the place where it was, or not."""
        place = self.places[role]
        self.away[role] = place.rename(place.with_name(f"{place.name} away"))
        if leaves_a_folder:
            place.mkdir()

    def mount(self) -> None:
        """Bring what was taken away back. Nobody may have put anything into its place."""
        for role, away in self.away.items():
            with contextlib.suppress(FileNotFoundError):
                self.places[role].rmdir()
            away.rename(self.places[role])
        self.away.clear()

    def move(self, role: str, to: Path) -> None:
        """Move a root below a folder, and say so; move it back where that is refused, for what is not settled in it."""
        before = self.places[role]
        to = to / (f"{role} moved" if before.name == role else role)
        self.places[role] = Path(shutil.move(before, to))
        if self.do("libraries", "add", role.rstrip("2"), to).status:
            self.places[role] = Path(shutil.move(to, before))
        elif role == "library":
            self.do("settings", "set", "phase.publish.library", f"* -> {to}")

    @contextlib.contextmanager
    def swapped(self, one: Path, other: Path) -> Iterator[None]:
        """Let two roots be where the other one belongs, if they are of one disk."""
        if one.stat().st_dev != other.stat().st_dev:
            yield
            return

        def swap() -> None:
            aside = one.rename(one.with_name("swapped"))
            other.rename(one)
            aside.rename(other)

        swap()
        yield
        swap()

    @contextlib.contextmanager
    def full(self, left: int) -> Iterator[None]:
        """Let the other disk have only so many bytes left."""
        if not self.disk.is_mount():
            yield
            return
        found, ballast = os.statvfs(self.disk), self.disk / "ballast"
        with ballast.open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(1, found.f_bavail * found.f_frsize - left))
        yield
        ballast.unlink()

    def let_pass(self, time: dt.timedelta) -> None:
        """Let every time in the database be so much longer ago; what is in the trash alone is owed no more."""
        self.owed &= {digest(data) for path, data in self.files() if not is_trashed(path)}
        with self.database() as database, database.begin() as connection:
            for one in Base.metadata.sorted_tables:
                times = [column.name for column in one.columns if _is_time(column.type)]
                for row in connection.execute(select(one)).mappings().all() if times else ():
                    this = (key == row[key.name] for key in one.primary_key)
                    ago = {name: row[name] - time for name in times if row[name] is not None}
                    if ago:
                        connection.execute(update(one).where(*this).values(ago))

    def set_back(self) -> None:
        """Begin with an empty database, and let it be what it was when the backup was made."""
        self.is_meddled_with = True
        url = make_url(self.url)
        if url.get_backend_name() == "sqlite":
            for path in self.data.glob("greenroom.db*"):
                path.unlink()
            (self.data / "greenroom.db").write_bytes(empty_database())
        else:
            server = create_engine(url.set(database="postgres"), isolation_level="AUTOCOMMIT")
            with server.connect() as connection:
                connection.execute(text(f"DROP DATABASE {url.database} WITH (FORCE)"))
                connection.execute(text(f"CREATE DATABASE {url.database} TEMPLATE {TEMPLATE}"))
            server.dispose()
        assert self.do("import", self.backup).status == 0


def _is_time(kind: Any) -> bool:
    return isinstance(kind.impl if isinstance(kind, TypeDecorator) else kind, DateTime)
