"""A seed → what happens in a life, one thing after another, and what goes wrong then; the shortest way to it."""

from __future__ import annotations

import contextlib
import itertools
import random
import shutil
import tempfile
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.databases import TEMPLATE, PostgresServer, start_postgres
from tests.faults.life import ASKED, DROPS, ROOTS, SETTINGS, Life, contents, pick
from tests.faults.life_promises import changes_nothing, complaints, cycle, must_be_silent, settles
from tests.faults.test_cycle_rollback import copy_database
from tests.memory import memory

NAMES = sorted(DROPS)


class Happening(NamedTuple):
    """One thing that happens: what, to which of all there is then, and before which step the command is killed."""

    what: str
    n: int
    step: int | None = None


def drop(life: Life, n: int, step: int | None) -> None:
    """Drop an album, now and then in a folder that others share."""
    below = "More/" if n // len(NAMES) % 5 == 0 else ""
    life.drop({below + place: data for place, data in contents(pick(NAMES, n)).items()})


def run_a_cycle(life: Life, n: int, step: int | None) -> None:
    """Run a cycle, now and then two; another one at once changes nothing then, whatever the first had to settle."""
    if cycle(life, step) and not life.away and n % 3 == 0 and cycle(life):
        changes_nothing(life)


def ask(life: Life, n: int, step: int | None) -> None:
    """Ask something of an album."""
    life.do(*life.words(pick(ASKED, n), n // len(ASKED)), step=step)


def ask_on(life: Life, n: int, step: int | None) -> None:
    """Ask something of an album, which is killed; ask something else of it before anything is settled."""
    life.do(*life.words(pick(ASKED, n), n // 7), step=step or 1 + n % 20)
    life.do(*life.words(pick(ASKED, n // 100), n // 7))


def ask_two_at_once(life: Life, n: int, step: int | None) -> None:
    """Ask something of an album, and something else between two steps of that."""
    life.meanwhile(life.words(pick(ASKED, n), n // 7), step or 1 + n % 12, life.words(pick(ASKED, n // 100), n // 7))


def publish(life: Life, n: int, step: int | None) -> None:
    """Approve an album, and publish it; who is interrupted does it again."""
    for at in dict.fromkeys((step, None)):
        life.do(*life.words("review approve {item}", n))
        life.do(*life.words("publish {item}", n), step=at)


def change_a_setting(life: Life, n: int, step: int | None) -> None:
    """Change how albums are staged or published."""
    life.do("settings", "set", *pick(SETTINGS, n))


def empty_the_trash(life: Life, n: int, step: int | None) -> None:
    """Empty the trash."""
    life.empty_the_trash(step)


def meddle(life: Life, n: int, step: int | None) -> None:
    """Do something to a file by hand, or to its folder."""
    role, how = pick(ROOTS, n), pick(("edit", "remove", "rename", "add", "copy"), n // 4)
    if (path := pick(sorted(life.visible(role)), n // 20)) is None:
        return
    thing = path if n % 3 or path.parent == life.home(role) else path.parent
    # What is added to a library is theirs; all else there, and in staging, is ours to look after.
    life.is_meddled_with |= role != "inbound" and how != "copy" and (how, role[:7]) != ("add", "library")
    with life.by_hand():
        if how == "edit":
            life.put(path, path.read_bytes() + b"%d" % n)
        elif how == "remove":
            shutil.rmtree(thing) if thing.is_dir() else thing.unlink()
        elif how == "rename":
            thing.rename(thing.with_name(f"{thing.stem} {n}{thing.suffix}"))
        elif how == "add":
            life.put(path.with_name(f"mine {n}.txt"), b"mine %d" % n)
        else:
            life.put(life.home("inbound") / f"Back {n}" / path.name, path.read_bytes())


def mount(life: Life, n: int, step: int | None) -> None:
    """Take a root away, or bring back what is away."""
    if life.away:
        life.mount()
    else:
        life.unmount(pick(ROOTS, n), leaves_a_folder=n % 3 > 0)


def move_a_root(life: Life, n: int, step: int | None) -> None:
    """Move a root on its disk, and say so."""
    if not life.away:
        life.move(pick(ROOTS, n))
        (life.folder / "older.db").unlink(missing_ok=True)


def set_back(life: Life, n: int, step: int | None) -> None:
    """Keep the database, or set it back to what was kept."""
    older, now = life.folder / "older.db", life.data / "greenroom.db"
    if older.exists():
        copy_database(older, now)
        life.is_meddled_with = True
    elif now.exists():
        copy_database(now, older)


# How often each happens; what makes rows and disks differ is left out of most lives.
RULES: Mapping[Callable[[Life, int, int | None], None], int] = {
    drop: 6, run_a_cycle: 8, ask: 8, ask_on: 6, ask_two_at_once: 5, publish: 8, change_a_setting: 3,
    empty_the_trash: 1, mount: 2, move_a_root: 1, meddle: 3, set_back: 2,
}  # fmt: skip
HARSH = (meddle, set_back)
NAMED = {rule.__name__: rule for rule in RULES}


def walk(seed: int, length: int) -> list[Happening]:
    """Return what happens in a life; always the same for a seed."""
    chance = random.Random(seed)
    kills, is_harsh = chance.choice((0, 0.1, 0.3)), chance.random() < 0.4
    rules = {rule: weight for rule, weight in RULES.items() if is_harsh or rule not in HARSH}
    happen = chance.choices([*rules], [*rules.values()], k=length)
    return [Happening("drop", chance.randrange(10**6)), Happening("run_a_cycle", 1)] + [
        Happening(
            rule.__name__,
            chance.randrange(10**6),
            chance.randrange(1, chance.choice((8, 20, 60))) if chance.random() < kills else None,
        )
        for rule in happen
    ]


def live(happenings: Sequence[Happening], server: PostgresServer | None = None) -> str | None:
    """Live a life to its settled end; return what went wrong, if anything did."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="greenroom-", dir=memory())))
        url = stack.enter_context(server.database(TEMPLATE)) if server else None
        try:
            life = Life(folder / "house", url)
            for happening in happenings:
                NAMED[happening.what](life, happening.n, happening.step)
                must_be_silent(complaints(life))
            life.mount()
            settles(life)
        except Exception:  # noqa: BLE001  whatever it is, it is what went wrong
            return traceback.format_exc()
    return None


def shortest(happenings: list[Happening], wrong: str, server: PostgresServer | None, seconds: float) -> list[Happening]:
    """Leave out whatever the same complaint does without, for so long."""
    ends, size = time.monotonic() + seconds, len(happenings) // 2
    while size:
        at = 0
        while at < len(happenings) and time.monotonic() < ends:
            fewer = happenings[:at] + happenings[at + size :]
            said = live(fewer, server)
            if said is not None and said.splitlines()[-1][:40] == wrong.splitlines()[-1][:40]:
                happenings = fewer
            else:
                at += size
        size //= 2
    return happenings


def main(minutes: float, database: str, seed: int) -> int:
    """Live one life after another on each database for so long; return 0 if nothing went wrong."""
    status = 0
    for kind in ("sqlite", "postgresql") if database == "both" else (database,):
        ends, lives = time.monotonic() + minutes * 60, 0
        with contextlib.ExitStack() as stack:
            server = start_postgres() if kind == "postgresql" else None
            if server:
                stack.callback(server.stop)
            for number in itertools.count(seed):
                if time.monotonic() > ends:
                    break
                lives += 1
                if (wrong := live(happenings := walk(number, 40), server)) is not None:
                    short = shortest(happenings, wrong, server, 120)
                    print(f"{kind}, seed {number}: {short}\n{live(short, server) or wrong}", flush=True)
                    status = 1
        print(f"{kind}, from seed {seed}: {lives} lives", flush=True)
    return status
