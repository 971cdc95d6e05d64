"""A house with staged albums → put into the trash by a person, or one of them restored; and how that must end."""

from __future__ import annotations

import json
from collections.abc import Iterator

from tests.faults.cycles import House, open_transfers, recovered, tried
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
    wrong = [*recovered(house)]
    if left := _numbers(house):
        wrong += tried(house, "review", "trash", *left, "--json")
    wrong += [f"still listed: {items}"] if (items := house.items()) else []
    wrong += [] if len(there := in_trash(house)) == count else [f"in the trash: {there}"]
    return [*wrong, *_settled(house)]


def is_restored(house: House) -> list[str]:
    """The same; in the end all albums are back."""
    count = len({place.partition("/")[0] for place in house.dropped})
    wrong = [*recovered(house)]
    for transfer in in_trash(house):
        wrong += tried(house, "trash", "restore", transfer, "--json")
    wrong += [] if len(house.items()) == count else [f"listed: {house.items()}"]
    wrong += [f"in the trash: {there}"] if (there := in_trash(house)) else []
    return [*wrong, *_settled(house)]


def _numbers(house: House) -> list[str]:
    return [str(item["id"]) for item in house.items()]


def _settled(house: House) -> Iterator[str]:
    """Say what is left over, and what a cycle changes that has nothing to do."""
    yield from open_transfers(house)
    before = _numbers(house), in_trash(house)
    yield from tried(house, "cycle", "--json")
    if (_numbers(house), in_trash(house)) != before:
        yield "a further cycle changed something"
    yield from (f"left in inbound: {path}" for path in house.inbound.iterdir() if path.name != ".greenroom-root")
