"""A stream of drops, and commands killed at random while it runs → every byte accounted for at the end."""

from __future__ import annotations

import contextlib
import datetime as dt
import os
import random
import select
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from sqlalchemy import update

from processor.tables import TransferRow
from tests.databases import TEMPLATE, start_postgres
from tests.faults.cycles import House, forked, music
from tests.music import write_track

MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
LONGEST = 0.4  # seconds a command gets at most before it is killed; an undisturbed cycle takes about half of it
WHOLE = 0.1  # the share of cycles that nothing disturbs


class Stream:
    """Albums of two tracks and a picture, no two files alike; `dropped` is what everybody owes."""

    def __init__(self, house: House, chance: random.Random) -> None:
        self.dropped: Counter[bytes] = Counter()
        self._house, self._chance = house, chance
        self._number = 0

    def drop(self) -> None:
        """Drop one more album: complete under another name first, then renamed, as careful programs do."""
        self._number += 1
        name = f"Band {self._chance.randrange(9)} - Album {self._number}"
        hidden = self._house.folder / "arriving" / name
        hidden.mkdir(parents=True)
        for n in (1, 2):
            tags = {
                "artist": name.split(" - ", maxsplit=1)[0],
                "album": f"Album {self._number}",
                "track": f"{n}/2",
                "date": "2001",
            }
            write_track(hidden / f"{n}.flac", seconds=0.05, **tags, title=f"Song {self._number} {n}")
        (hidden / "cover.jpg").write_bytes(b"\xff\xd8\xff" + name.encode())
        self.dropped.update(sha256(path.read_bytes()).digest() for path in hidden.iterdir())
        hidden.rename(self._house.inbound / name)


def soak(house: House, seconds: float, chance: random.Random) -> tuple[list[str], str]:
    """Drop albums and kill cycles for so long, then let a cycle end; return the complaints, and what was done."""
    ends, stream, killed, whole = time.monotonic() + seconds, Stream(house, chance), 0, 0
    wrong: list[str] = []
    while time.monotonic() < ends and not wrong:
        for _ in range(chance.randrange(4)):
            stream.drop()
        command = "recover" if chance.random() < 0.2 else "cycle"
        limit = None if chance.random() < WHOLE else chance.random() * LONGEST
        was_killed = run_for(house, limit, command, "--json")
        killed, whole = killed + was_killed, whole + (not was_killed)
        set_aside_the_count(house)
        wrong += missing(house, stream, exactly=False)
    if not wrong:
        for command in ("recover", "cycle"):
            ended = house.run(command, "--json")
            wrong += [] if ended.status == 0 else [f"{command} ended with {ended.status}: {ended.out} {ended.err}"]
        wrong += missing(house, stream, exactly=True)
    return wrong, f"{sum(stream.dropped.values())} files dropped, {killed} commands killed, {whole} ended by themselves"


def run_for(house: House, seconds: float | None, *command: str) -> bool:
    """Run a command, and kill it after so many seconds; tell whether that was needed."""
    child = forked(lambda: house.command(*command))
    if seconds is not None:
        gone = os.pidfd_open(child)
        select.select([gone], [], [], seconds)
        os.close(gone)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def set_aside_the_count(house: House) -> None:
    """Let no transfer give up: how often it may be interrupted is tested elsewhere."""
    with house.database() as database, database.begin() as connection:
        connection.execute(update(TransferRow).values(attempt=0))


def missing(house: House, stream: Stream, *, exactly: bool) -> Iterator[str]:
    """Say what was dropped and is not there, and what is listed and is not; at the end all is there and listed once."""
    there: Counter[bytes] = Counter()
    for root in (house.inbound, house.staging):
        there.update(sha256(data).digest() for path, data in music(root).items() if not path.endswith(b"/"))
    if lost := [digest.hex() for digest in stream.dropped if digest not in there]:
        yield f"lost: {len(lost)} files"
    listed: Counter[bytes] = Counter()
    for item in house.items():
        for file in item["files"]:
            path = house.staging / os.fsdecode(item["path"] + b"/" + file["path"])
            if not path.is_file() or path.stat().st_size != file["size"]:
                yield f"listed as staged, but not there: {path}"
            else:
                listed[sha256(path.read_bytes()).digest()] += 1
    if exactly and there != stream.dropped:
        few, many = (stream.dropped - there).total(), (there - stream.dropped).total()
        yield f"not there exactly once: {many} too many, {few} missing"
    if exactly and listed != stream.dropped:
        few, many = (stream.dropped - listed).total(), (listed - stream.dropped).total()
        yield f"not listed exactly once: {few} files are not, {many} too often"


@contextlib.contextmanager
def installation(kind: str) -> Iterator[House]:
    """An empty installation on a database of a kind."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-soak-", dir=MEMORY)))
        url = None
        if kind == "postgresql":
            server = start_postgres()
            stack.callback(server.stop)
            url = stack.enter_context(server.database(TEMPLATE))
        yield House(folder, url=url, filled=False)


def main(minutes: float, database: str) -> int:
    """Soak on each database for so long; return 0 if nothing was found."""
    status = 0
    for kind in ("sqlite", "postgresql") if database == "both" else (database,):
        seed = int(dt.datetime.now(dt.UTC).timestamp())
        with installation(kind) as house:
            wrong, done = soak(house, minutes * 60, random.Random(seed))
        print(f"{kind}, seed {seed}: {done}; {len(wrong)} complaints", flush=True)
        for said in wrong[:20]:
            print(said[:2000])
        status = max(status, int(bool(wrong)))
    return status
