"""`greenroom pictures`: what a person gives, chooses and rejects, told as text and as JSON."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from config.database import Database
from daemon.bootstrap import application
from processor.items import storing
from processor.metadata.artists import artist_named, link_artists
from tests.commands import greenroom, printed
from tests.items import album
from tests.pictures import jpeg
from workflow import history

pytestmark = pytest.mark.sqlite
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def item(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """An item of an installation of its own."""
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path))
    with database.begin() as connection:
        return storing.upsert(connection, [album("k1")], NOW)["k1"].id


def run(*arguments: object) -> str:
    return printed("pictures", *arguments)


def listed(item: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run("list", item, "--json"))
    return found


def test_a_person_gives_pictures_and_says_which_counts(item: int, tmp_path: Path) -> None:
    for number in (1, 2):
        (tmp_path / f"{number}.jpg").write_bytes(jpeg(number, 600))
        assert f"front 1: picture {number}, 600 × 600, person" in run("give", item, "front", tmp_path / f"{number}.jpg")
    assert [(one["number"], one["rank"], one["decision"]) for one in listed(item)] == [
        (2, 1, "chosen"),
        (1, 2, "chosen"),
    ]
    assert sum(listed(item)[0]["parts"].values()) == pytest.approx(listed(item)[0]["score"])
    run("choose", item, 1)
    assert [one["number"] for one in listed(item)] == [1, 2]
    run("reject", item, 1)
    assert [(one["number"], one["rank"]) for one in listed(item)] == [(2, 1), (1, None)]
    run("leave", item, 1)
    assert [(one["number"], one["rank"]) for one in listed(item)] == [(2, 1), (1, 2)]
    assert "chosen by command:" in run("list", item)
    with application() as app, app.database.read() as connection:
        told = [one["why"] for one in history.of_item(connection, item) if one["what"] == "choose"]
    assert told == [
        "gave a picture, front", "gave a picture, front", "picture 1 chosen", "picture 1 rejected",
        "picture 1 left to the rule",
    ]  # fmt: skip


def test_the_pictures_of_an_artist_are_chosen_as_those_of_an_album(item: int, tmp_path: Path) -> None:
    with application() as app, app.database.begin() as connection:
        artist = artist_named(connection, "Nora Vale", None)
        other = storing.upsert(connection, [album("k2", path=b"AR/2")], NOW)["k2"].id
        for one in (item, other):
            link_artists(connection, one, [artist])
    (tmp_path / "1.jpg").write_bytes(jpeg(1, 600))
    run("give", item, "fanart", tmp_path / "1.jpg")
    (tmp_path / "2.jpg").write_bytes(jpeg(2, 1280, 720))
    assert "fanart 1: picture 2" in run("give", item, "fanart", tmp_path / "2.jpg", "--artist", "Nora Vale")
    of = {(one["number"], one["artist"], one["rank"]) for one in listed(other)}
    assert of == {(2, "Nora Vale", 1)}, "it is the artist's in every album"
    refused = greenroom("pictures", "reject", other, 1)
    assert (refused.exit_code != 0, "picture 1 is not on offer here" in refused.output) == (True, True)
    run("reject", other, 2)
    assert [(one["number"], one["artist"], one["rank"]) for one in listed(item)] == [
        (1, None, 1),
        (2, "Nora Vale", None),
    ]
    assert "Nora Vale" in run("list", item)
    run("give", item, "front", tmp_path / "1.jpg")
    assert sorted((one["number"], one["type"]) for one in listed(item)) == [(1, "fanart"), (2, "fanart"), (3, "front")]


def test_what_cannot_be_is_refused_with_the_reason(item: int, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    for arguments, why in (
        (("give", item, "front", tmp_path / "a.jpg"), "no JPEG, PNG, WebP or GIF"),
        (("give", item, "nonsense", tmp_path / "a.jpg"), "no pictures of type"),
        (("choose", item, 99), "no picture 99"),
        (("give", item, "thumb", tmp_path / "a.jpg", "--artist", "Eva"), "it is by nobody yet"),
    ):
        done = greenroom("pictures", *arguments)
        assert done.exit_code != 0
        assert why in done.output
    assert listed(item) == []
