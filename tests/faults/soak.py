"""A stream of drops, and commands killed at random while it runs → every byte accounted for at the end."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
import os
import random
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from select import select as readable
from typing import Any

from sqlalchemy import select, update

from processor.publication import ledger
from processor.tables import TransferRow
from processor.transfers.journal import unsettled
from processor.transfers.trash import TRASH
from tests.databases import TEMPLATE, start_postgres
from tests.faults.cycles import House, forked, music
from tests.faults.trials import must
from tests.memory import memory
from tests.music import write_track

WHOLE = 0.2  # the share of commands that nothing disturbs


class Stream:
    """Albums of two tracks and a picture, late tracks and better versions of them, no two files alike."""

    def __init__(self, house: House, chance: random.Random) -> None:
        self.dropped: set[bytes] = set()  # the digests of what everybody owes
        self._house, self._chance = house, chance
        self._number = 0
        self._lossy: list[int] = []  # albums of which no better version came yet
        self._open: list[int] = []  # albums whose third track is to come

    def drop(self) -> None:
        """Drop an album, what is missing of one, or a better one."""
        what = self._chance.choice([self._album, self._album, self._late_track, self._better_album])
        what()

    def _album(self) -> None:
        self._number += 1
        kind = self._chance.choice(["flac", "mp3"])
        (self._lossy if kind == "mp3" else self._open).append(self._number)
        self._arrive(f"Album {self._number}", self._number, kind, (1, 2), picture=True)

    def _late_track(self) -> None:
        if self._open:
            number = self._open.pop(self._chance.randrange(len(self._open)))
            self._arrive(f"Album {number}, late", number, "flac", (3,))

    def _better_album(self) -> None:
        if self._lossy:
            number = self._lossy.pop(self._chance.randrange(len(self._lossy)))
            self._arrive(f"Album {number}, better", number, "flac", (1, 2))

    def _arrive(self, name: str, number: int, kind: str, tracks: tuple[int, ...], *, picture: bool = False) -> None:
        """Put a folder there complete under another name first, then rename it, as careful programs do."""
        hidden = self._house.folder / "arriving" / name
        hidden.mkdir(parents=True)
        for n in tracks:
            tags = {"artist": f"Band {number % 9}", "album": f"Album {number}", "track": f"{n}", "date": "2001"}
            write_track(hidden / f"{n}.{kind}", seconds=0.1, **tags, title=f"Song {number} {n}")
        if picture:
            (hidden / "cover.jpg").write_bytes(b"\xff\xd8\xff" + name.encode())
        self.dropped.update(sha256(path.read_bytes()).digest() for path in hidden.iterdir())
        hidden.rename(self._house.inbound / name)


def soak(house: House, seconds: float, chance: random.Random) -> tuple[list[str], str]:
    """Drop albums and kill commands for so long, then let all of it settle; return complaints, and what was done."""
    ends, stream, done = time.monotonic() + seconds, Stream(house, chance), Counter[str]()
    house.set(replace="better")
    house.add_library()
    stream.drop()
    began = time.monotonic()
    house.run("cycle")
    longest = 2 * (time.monotonic() - began)  # what a command gets at most before it is killed
    wrong: list[str] = []
    while time.monotonic() < ends and not wrong:
        for _ in range(chance.randrange(4)):
            stream.drop()
        command = chance.choices((["cycle"], ["recover"], undo(house, chance), publish(house, chance)), (6, 2, 2, 3))[0]
        limit = None if chance.random() < WHOLE else chance.random() * longest
        done["killed" if run_for(house, limit, *command, "--json") else f"{command[0]} ended"] += 1
        set_aside_the_count(house)
        wrong += missing(house, stream)
    if not wrong:
        wrong += settles(house, stream)
        wrong += missing(house, stream)
    with house.database() as database, database.read() as connection:
        done.update(connection.scalars(select(TransferRow.kind).where(TransferRow.state == "done")))
    return wrong, f"{len(stream.dropped)} files dropped; " + ", ".join(f"{n} {what}" for what, n in done.items())


def undo(house: House, chance: random.Random) -> list[str]:
    """Return a command that takes back, or releases, one of the latest transfers; a cycle where there is none."""
    with house.database() as database, database.read() as connection:
        done = select(TransferRow.id).where(TransferRow.state == "done", TransferRow.undoes.is_(None))
        latest = connection.scalars(done.order_by(TransferRow.created_at.desc()).limit(9)).all()
        held = connection.scalars(select(TransferRow.undoes).where(TransferRow.undoes.is_not(None)).limit(9)).all()
    if held and chance.random() < 0.5:
        return ["undo", "--release", str(chance.choice(held))]
    return ["undo", chance.choice(latest)] if latest else ["cycle"]


def publish(house: House, chance: random.Random) -> list[str]:
    """Return a command that publishes an item, some of them anew or out again; a cycle where there is none."""
    if not (items := house.items()):
        return ["cycle"]
    item = chance.choice(items)
    if item["status"] == "published":
        return ["publish", str(item["id"]), *chance.choice([[], ["--undo"]])]
    if item["status"] == "pending_review":
        must(house, "review", "approve", str(item["id"]))
    return ["publish", str(item["id"])]


def settles(house: House, stream: Stream) -> Iterator[str]:
    """Recover, release what was taken back, and run cycles; say what is not settled, staged or explained then."""
    with house.database() as database, database.read() as connection:
        held = connection.scalars(select(TransferRow.undoes).where(TransferRow.undoes.is_not(None)).distinct()).all()
    for command in (["recover"], *(["undo", "--release", str(id)] for id in held), ["cycle"], ["cycle"]):
        ended = house.run(*command, "--json")
        if ended.status:
            yield f"{command} ended with {ended.status}: {ended.out} {ended.err}"
    explained = {track["source"] for album in json.loads(ended.out)["albums"] for track in album["tracks"]}
    explained |= {os.path.dirname(source) for source in explained}
    left = [os.path.join(house.inbound, os.fsdecode(path)) for path in music(house.inbound)]
    yield from (f"nobody explains {path}" for path in left if not {path, os.path.dirname(path)} & explained)
    listed = {place for item in house.items() for place in places(house, item)}
    with house.database() as database, database.read() as connection:
        ours = ledger.entries(connection)
    # A published album that is staged again, for a late track or a better copy, stays published as it was until then.
    listed |= {home_of(house, entry.root_uuid) / os.fsdecode(entry.path) for entry in ours}
    made = {bytes.fromhex(entry.sha256) for entry in ours if entry.sha256}
    there = {root: {root / os.fsdecode(path): sha256(data).digest() for path, data in music(root).items()
                    if not path.startswith(TRASH + b"/")} for root in house.roots[1:]}  # fmt: skip
    yield from (f"nobody lists {path}" for files in there.values() for path in files.keys() - listed)
    yield from (f"{item['id']} is publishing" for item in house.items() if item["status"] == "publishing")
    for root, files in there.items():
        counts = Counter(digest for digest in files.values() if digest not in made)
        yield from (f"{n} times in {root}: {digest.hex()}" for digest, n in counts.items() if n > 1)
        yield from (f"nobody dropped {digest.hex()}" for digest in counts.keys() - stream.dropped)
    with house.database() as database, database.read() as connection:
        yield from (f"a {transfer.kind} is {transfer.state}: {transfer.error}" for transfer in unsettled(connection))


def run_for(house: House, seconds: float | None, *command: str) -> bool:
    """Run a command, and kill it after so many seconds; tell whether that was needed."""
    child = forked(lambda: house.command(*command))
    if seconds is not None:
        gone = os.pidfd_open(child)
        readable([gone], [], [], seconds)
        os.close(gone)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status) == -signal.SIGKILL


def set_aside_the_count(house: House) -> None:
    """Let no transfer give up: how often it may be interrupted is tested elsewhere."""
    with house.database() as database, database.begin() as connection:
        connection.execute(update(TransferRow).values(attempt=0))


def missing(house: House, stream: Stream) -> Iterator[str]:
    """Say what was dropped and is nowhere, and what is listed and is not there; true at any instant."""
    there = {sha256(data).digest() for root in house.roots for data in music(root).values()}
    if lost := stream.dropped - there:
        yield f"lost: {len(lost)} files"
    with house.database() as database, database.read() as connection:
        turning = {t.target for t in unsettled(connection) if t.kind.endswith("replace") and t.state == "materialised"}
    for item in house.items():
        for path, size in places(house, item).items() if item["path"] not in turning else ():
            if not path.is_file() or path.stat().st_size != size:
                yield f"listed as {item['status']}, but not there: {path}"


def places(house: House, item: dict[str, Any]) -> dict[Path, int]:
    """Return where an item says its files are, in staging or a library, and how large each is."""
    home = home_of(house, item["root_uuid"])
    return {home / os.fsdecode(item["path"] + b"/" + file["path"]): file["size"] for file in item["files"]}


def home_of(house: House, root_uuid: str) -> Path:
    """Return the root of a mark."""
    return next(root for root in house.roots if root_uuid in (root / ".greenroom-root").read_text())


@contextlib.contextmanager
def installation(kind: str) -> Iterator[House]:
    """An empty installation on a database of a kind."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-soak-", dir=memory())))
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
