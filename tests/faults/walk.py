"""A seed → what happens in a life, one thing after another, and what goes wrong then; the shortest way to it."""

from __future__ import annotations

import contextlib
import itertools
import random
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from tests.databases import TEMPLATE, PostgresServer, start_postgres
from tests.faults.life import Life, another_disk
from tests.faults.life_promises import complaints, must_be_silent, settles
from tests.faults.rules import HARSH, NAMED, RULES
from tests.memory import memory


class Happening(NamedTuple):
    """One thing that happens: what, to which of all there is then, and before which step the command is killed."""

    what: str
    n: int
    step: int | None = None


def walk(seed: int, length: int) -> list[Happening]:
    """Return what happens in a life; always the same for a seed."""
    chance = random.Random(seed)
    kills, is_harsh = chance.choice((0, 0.1, 0.3)), chance.random() < 0.4
    rules = {rule: weight for rule, weight in RULES.items() if is_harsh or rule not in HARSH}
    happen = chance.choices([*rules], [*rules.values()], k=length)
    begin = [Happening("move_a_root", chance.randrange(10**6)), Happening("drop", chance.randrange(10**6))]
    return [*begin, Happening("run_a_cycle", 1)] + [
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
            life = Life(folder / "house", stack.enter_context(another_disk(folder / "disk")), url)
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
