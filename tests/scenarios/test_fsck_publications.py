"""Publications nobody could settle → a second try, as of any move, where that cannot lose anything."""

from __future__ import annotations

from pathlib import Path
from threading import Event

import pytest
from sqlalchemy import select, update

from processor.tables import TransferRow
from tests.scenarios.drops import songs
from tests.scenarios.house import House
from tests.scenarios.publishing import add_library, approve, check_libraries, publish, published, take_out
from tests.scenarios.test_fsck import adopt, codes, look, write
from tests.scenarios.test_publish import say
from workflow import publishing
from workflow.recovering import recover


@pytest.fixture
def home(house: House) -> tuple[House, int, Path]:
    """An album that is published, after so many cycles that the locks of the roots were not held equally often."""
    library = add_library(house)
    house.drop(songs("Low Tide", "flac", range(1, 3), date="2014"))
    for _ in range(3):
        house.run()
    (item_id,) = approve(house)
    publish(house, item_id)
    return house, item_id, library


def leave(house: House, kind: str) -> None:
    """Let the last transfer of a kind wait for a person."""
    stuck = update(TransferRow).where(TransferRow.kind == kind)
    write(house, stuck.values(state="attention", error="the disk was pulled"))


@pytest.mark.parametrize("kind", ["publish", "refresh", "upgrade", "restage", "unpublish"])
def test_what_waits_for_a_person_goes_on_when_one_says_so(home: tuple[House, int, Path], kind: str) -> None:
    house, item_id, library = home
    if kind == "refresh":
        say(house, item_id, "genres", ["Folk"])
        publish(house, item_id)
    if kind == "upgrade":
        house.drop(songs("late", "flac", range(3, 4), date="2014"))
        house.run()
        approve(house)
        publish(house, item_id)
    if kind == "restage":
        assert publishing.restage(house.database, house.data, [*house.items()], Event()) == {}
    if kind == "unpublish":
        assert take_out(house, item_id).outcome == "undone"
    before = published(library)
    leave(house, kind)
    assert "Nothing can be lost by going on with it" in "".join(found.message for found in look(house).findings)
    assert "unsettled_transfer" not in codes(adopt(house))
    recover(house.database, house.data, Event())
    with house.database.read() as connection:
        assert set(connection.scalars(select(TransferRow.state))) == {"done"}
    assert published(library) == before
    check_libraries(house)
    assert codes(look(house)) == {}
