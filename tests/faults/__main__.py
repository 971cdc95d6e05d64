"""The long levels of the fault suite: power cuts, mutants of our source, a soak, whole lives; what they found."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

from tests.faults import mutants, power, soak, walk
from tests.faults.disks import why_not
from tests.faults.subjects import SUBJECTS


def main() -> int:
    """Run what the arguments ask for; return 0 if nothing was found, 1 if something was, 2 if it cannot be tried."""
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    verbs = parser.add_subparsers(dest="verb")
    cuts = verbs.add_parser("power", help="cut the power at the steps of whole cycles and undos")
    cuts.add_argument("--every", type=int, default=1, help="only every so many steps")
    cuts.add_argument("--place", help="only this pair of file systems")
    cuts.add_argument("--subject", help="only this: cycle, merge, replace, undo …")
    cuts.add_argument("--story", help="only this harness")
    cuts.add_argument("--stop", action="store_true", help="stop at the first complaint")
    cuts.add_argument("--jobs", type=int, default=4, help="so many at once")
    mutant = verbs.add_parser("mutants", help="take one safeguard out at a time; the suite must notice")
    mutant.add_argument("names", nargs="*", help="only those whose name has one of these in it")
    soaked = verbs.add_parser("soak", help="kill cycles at random during a stream of drops")
    soaked.add_argument("--minutes", type=float, default=10)
    soaked.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    lived = verbs.add_parser("life", help="whatever can happen to an installation, in any order")
    lived.add_argument("--minutes", type=float, default=10)
    lived.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    lived.add_argument("--seed", type=int, default=1000, help="the first life; the others follow it")
    asked = parser.parse_args()
    if asked.verb == "power":
        return cut_power(asked)
    if asked.verb == "mutants":
        return try_mutants(asked.names)
    if asked.verb == "soak":
        return soak.main(asked.minutes, asked.database)
    if asked.verb == "life":
        return walk.main(asked.minutes, asked.database, asked.seed)
    asked = parser.parse_args(["power"])
    return max(cut_power(asked), try_mutants([], without_power=why_not() is not None))


def cut_power(asked: argparse.Namespace) -> int:
    """Run every harness on every pair of file systems that is asked for, and show the table."""
    asked_for = [place for place in power.PLACES if asked.place in (None, place.name)]
    missing = {place.name: why for place in asked_for if (why := why_not(*place.kinds)) is not None}
    for name, why in missing.items():
        print(f"NOT TRIED: {name}: {why}", file=sys.stderr)
    works = [
        (place, subject, story)
        for place in asked_for
        for subject in SUBJECTS
        for story in power.STORIES
        if place.name not in missing and asked.subject in (None, subject.name) and asked.story in (None, story)
        if subject.is_new or story != power.UNSYNCED
    ]
    if not works:
        return 2
    names = f"{'file systems':28} {'what is done':22} {'harness':29}"
    print(f"{names} {'points':>6} {'died':>5} {'lost':>5} {'phantom':>8} {'unconverged':>12}")
    found = power.Tally()
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        running = {pool.submit(power.tell, *work, asked.every, stop=asked.stop): work for work in works}
        for done in as_completed(running):
            place, subject, story = running[done]
            if (broken := done.exception()) is not None:
                found.complaints.append(f"{place.name}, {subject.name}, {story}, could not go on: {broken!r}")
                continue
            tally = done.result()
            counts = [tally.count(kind) for kind in ("lost", "phantom", "unconverged")]
            names = f"{place.name:28} {subject.name:22} {story:29}"
            print(f"{names} {tally.points:6} {tally.died:5} {counts[0]:5} {counts[1]:8} {counts[2]:12}", flush=True)
            found.points += tally.points
            found.complaints += [f"{place.name}, {subject.name}, {story}, {said}" for said in tally.complaints]
    print(f"{found.points} points, {len(found.complaints)} complaints")
    for said in found.complaints[:20]:
        print(said[:2000], file=sys.stderr)
    return 1 if found.complaints or not found.points else 0


def try_mutants(names: list[str], *, without_power: bool = False) -> int:
    """Try the mutants and show what came of each; those only a power cut shows are left out where there is none."""
    chosen = tuple(m for m in mutants.MUTANTS if not names or any(name in m.name for name in names))
    if without_power:
        chosen = tuple(m for m in chosen if "power" not in m.proof)
    wrong, began = 0, time.monotonic()
    for mutant, what in mutants.run(chosen):
        passed = time.monotonic() - began
        print(f"{passed:5.0f} s {what:10} {mutant.name} ({mutant.file}; {' '.join(mutant.proof)})", flush=True)
        wrong += what != "killed"
    print(f"{len(chosen) - wrong} of {len(chosen)} mutants killed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
