"""A house with staged albums → put into the trash by a person, or one of them restored; and how that must end."""

from __future__ import annotations

import json
from collections.abc import Iterator

from processor import journal
from tests.faults.cycles import House, lost, wrong_items
from tests.faults.trials import Trial, must


def to_trash(house: House) -> Trial:
    """What is disturbed puts all albums into the trash."""
    return Trial(("review", "trash", *_numbers(house), "--json"), is_trashed)


def to_restore(house: House) -> Trial:
    """Put all albums into the trash; what is disturbed restores one."""
    must(house, *to_trash(house).command)
    return Trial(("trash", "restore", in_trash(house)[0], "--json"), is_restored)


def in_trash(house: House) -> list[str]:
    """The transfers whose albums lie in the trash."""
    ended = house.run("trash", "list", "--json")
    assert ended.status == 0, ended
    return sorted(row["transfer"] for row in json.loads(ended.out))


def is_trashed(house: House) -> list[str]:
    """Recover and go on, as after a crash; return what is broken on the way or not as it must be at the end."""
    count = len({place.partition("/")[0] for place in house.dropped})
    wrong = [*_recovered(house)]
    if left := _numbers(house):
        wrong += _run(house, "review", "trash", *left, "--json")
    wrong += [f"still listed: {items}"] if (items := house.items()) else []
    wrong += [] if len(there := in_trash(house)) == count else [f"in the trash: {there}"]
    return [*wrong, *_settled(house)]


def is_restored(house: House) -> list[str]:
    """The same; in the end all albums are back."""
    count = len({place.partition("/")[0] for place in house.dropped})
    wrong = [*_recovered(house)]
    for transfer in in_trash(house):
        wrong += _run(house, "trash", "restore", transfer, "--json")
    wrong += [] if len(house.items()) == count else [f"listed: {house.items()}"]
    wrong += [f"in the trash: {there}"] if (there := in_trash(house)) else []
    return [*wrong, *_settled(house)]


def _numbers(house: House) -> list[str]:
    return [str(item["id"]) for item in house.items()]


def _recovered(house: House) -> Iterator[str]:
    yield from (*lost(house), *wrong_items(house))
    yield from _run(house, "recover", "--json")


def _run(house: House, *command: str) -> Iterator[str]:
    ended = house.run(*command)
    if ended.status:
        yield f"{command[:2]} ended with {ended.status}: {ended.out} {ended.err}"
    yield from (*lost(house), *wrong_items(house))


def _settled(house: House) -> Iterator[str]:
    """Say what is left over, and what a cycle changes that has nothing to do."""
    with house.database() as database, database.read() as connection:
        yield from (f"a {one.kind} is {one.state}: {one.error}" for one in journal.unsettled(connection))
    before = _numbers(house), in_trash(house)
    yield from _run(house, "cycle", "--json")
    if (_numbers(house), in_trash(house)) != before:
        yield "a further cycle changed something"
    yield from (f"left in inbound: {path}" for path in house.inbound.iterdir() if path.name != ".greenroom-root")
