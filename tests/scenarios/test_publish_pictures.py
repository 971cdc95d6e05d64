"""Selected pictures that the cache lost → published all the same: from the album, a library, or who offers them."""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import admin, libraries
from config.errors import Retryable, Stopped
from processor.artwork import pictures, rows, source
from processor.artwork.offer import Offer, Subject, of_artist
from processor.matching import rows as matching
from processor.providers.registry import all_providers
from processor.publication import ledger, news
from processor.publish import Outcome
from tests.pictures import jpeg
from tests.providers import Provider, Reply
from tests.scenarios.drops import Drop
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import LOW_TIDE, check_libraries, given, rehearse, staged, unexplained
from workflow.operations import picturing, publishing
from workflow.operations.completing import complete

FRONT = jpeg(1, 1000)
FOLDER = "Ada/Low Tide (2014)"


@pytest.fixture
def offered(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A server that has pictures, and the archive that would offer them."""
    monkeypatch.setenv("GREENROOM_OFFLINE", "false")
    assert "coverart" in all_providers()
    with Provider().serving() as server:
        with house.database.begin() as connection:
            for key, value in {"base_url": f"{server.url}/coverart", "per_second": 0, "enabled": True}.items():
                admin.put(connection, f"provider.coverart.{key}", value, actor="test", now=NOW)
        yield server


def looked_at(house: House, drop: Drop = LOW_TIDE) -> tuple[Path, int]:
    """A library, and an approved album whose own pictures were looked at."""
    library, item_id = staged(house, drop)
    picturing.look(house.database, house.data, item_id)
    return library, item_id


def offer(house: House, server: Provider, item_id: int) -> None:
    """Let the archive offer the front cover, and have it selected."""
    server.answers["/pictures/front.jpg"] = Reply(body=FRONT, kind="image/jpeg")
    (key,) = house.items()
    with house.database.begin() as connection:
        told = [Offer("coverart", "1", "front", url=f"{server.url}/pictures/front.jpg")]
        rows.offer(connection, Subject("album", key), told, (), NOW)
    assert picturing.look(house.database, house.data, item_id).is_changed


def lose(house: House) -> None:
    """Let the cache lose everything."""
    shutil.rmtree(house.data / "blobs")


def publish(house: House, item_id: int) -> Outcome:
    """Publish an item; a dry run cannot foretell what is downloaded."""
    outcome = publishing.publish_item(given(house), item_id, threading.Event(), actor="eva")
    check_libraries(house)
    return outcome


def covers(library: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (library / FOLDER).glob("*.jpg")}


def test_a_picture_of_the_album_itself_is_taken_again_from_there(house: House) -> None:
    library, item_id = looked_at(house, LOW_TIDE | {"Low Tide/front.jpg": FRONT})
    lose(house)
    assert publish(house, item_id).outcome == "published"
    assert covers(library)["cover.jpg"] == covers(library)["folder.jpg"] == FRONT


def test_of_an_album_whose_folder_is_away_no_picture_is_taken_for_gone_nor_for_its_artists(house: House) -> None:
    _, item_id = looked_at(house, LOW_TIDE | {"Low Tide/front.jpg": FRONT})
    ((key, item),) = house.items().items()
    with house.database.read() as connection:
        before = rows.candidates(connection, Subject("album", key))
    assert before
    nora = of_artist("Nora Vale", None)
    assert not picturing.complete(house.database, house.data, item_id, nora, lambda: None).is_changed
    folder = house.staging / os.fsdecode(item["path"])
    folder.rename(house.staging.parent / "away")
    album = picturing.complete(house.database, house.data, item_id, Subject("album", key), lambda: None)
    (house.staging.parent / "away").rename(folder)
    with house.database.read() as connection:
        assert rows.candidates(connection, Subject("album", key)) == before
        assert rows.candidates(connection, nora) == [], "the album's own are the album's"
    assert not album.is_changed


@pytest.mark.parametrize("looks_again", ["look", "complete"])
def test_a_picture_its_disk_cannot_read_just_now_is_not_taken_for_gone_but_one_that_went_is(
    house: House, monkeypatch: pytest.MonkeyPatch, looks_again: str
) -> None:
    _, item_id = looked_at(house, LOW_TIDE | {"Low Tide/front.jpg": FRONT})
    ((key, item),) = house.items().items()
    album = Subject("album", key)

    def looked() -> bool:
        if looks_again == "look":
            return picturing.look(house.database, house.data, item_id).is_changed
        return picturing.complete(house.database, house.data, item_id, album, lambda: None).is_changed

    def on_offer() -> list[str]:
        with house.database.read() as connection:
            return [one.offer.provider for one in rows.candidates(connection, album)]

    def broken(path: bytes) -> Any:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    assert (looked(), on_offer()) == (False, ["folder"])
    with monkeypatch.context() as disk:
        disk.setattr(source, "opened", broken)
        assert (looked(), on_offer()) == (False, ["folder"])
    (house.staging / os.fsdecode(item["path"]) / "front.jpg").unlink()
    assert (looked(), on_offer()) == (True, [])


def test_that_a_picture_of_its_own_is_gone_from_a_published_album_is_news_to_its_library(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, item_id = looked_at(house, LOW_TIDE | {"Low Tide/front.jpg": FRONT})
    publish(house, item_id)
    (library / FOLDER / "front.jpg").unlink()

    def killed(*_: object, **__: object) -> None:
        raise Stopped("before anything else was looked at")

    monkeypatch.setattr(pictures, "_look", killed)
    with pytest.raises(Stopped):
        picturing.look(house.database, house.data, item_id)
    with house.database.read() as connection:
        assert item_id in news.outdated(connection)


def test_what_is_published_fills_the_cache_again_and_stays(house: House) -> None:
    library, item_id = looked_at(house, LOW_TIDE | {"Low Tide/front.jpg": FRONT})
    publish(house, item_id)
    before = covers(library)
    lose(house)
    assert [reason.code for reason in rehearse(house, item_id).reasons] == ["blob_missing", "blob_missing"]
    assert publish(house, item_id).outcome == "unchanged"
    assert covers(library) == before
    assert list((house.data / "blobs").rglob("*.jpg"))


def offered_no_more(house: House, offered: Provider) -> tuple[Path, int]:
    """Publish a picture that the cache loses then, and its provider; return the library and the item."""
    library, item_id = looked_at(house)
    offer(house, offered, item_id)
    publish(house, item_id)
    lose(house)
    offered.answers.clear()
    return library, item_id


def test_what_no_provider_offers_any_more_comes_back_from_where_it_is_published(
    house: House, offered: Provider
) -> None:
    library, item_id = offered_no_more(house, offered)
    assert publish(house, item_id).outcome == "unchanged"
    assert [path.read_bytes() for path in (house.data / "blobs").rglob("*.jpg")] == [FRONT]
    assert covers(library)["folder.jpg"] == FRONT


@pytest.mark.parametrize("name", ["cover.jpg", "folder.jpg"])
@pytest.mark.parametrize("theirs", [b"", jpeg(3, 800), None], ids=["empty", "another", "gone"])
def test_it_comes_back_from_one_of_its_names_whatever_somebody_did_to_the_other(
    house: House, offered: Provider, name: str, theirs: bytes | None
) -> None:
    library, item_id = offered_no_more(house, offered)
    changed = library / FOLDER / name
    changed.unlink()
    if theirs is not None:
        changed.write_bytes(theirs)
    assert complete(house.database, house.data, item_id, threading.Event()) == 0
    assert [path.read_bytes() for path in (house.data / "blobs").rglob("*.jpg")] == [FRONT]


def test_nor_does_it_come_back_from_a_library_that_was_removed(house: House, offered: Provider) -> None:
    library, item_id = offered_no_more(house, offered)
    with house.database.begin() as connection:
        libraries.remove_library(connection, os.fsencode(library))
    complete(house.database, house.data, item_id, threading.Event())
    assert list((house.data / "blobs").rglob("*.jpg")) == []


def test_who_is_to_stop_downloads_none_of_them(house: House, offered: Provider) -> None:
    _, item_id = looked_at(house)
    offer(house, offered, item_id)
    lose(house)
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        complete(house.database, house.data, item_id, stop)
    assert list((house.data / "blobs").rglob("*.jpg")) == []


def test_a_providers_picture_is_downloaded_again(house: House, offered: Provider) -> None:
    library, item_id = looked_at(house)
    offer(house, offered, item_id)
    lose(house)
    assert publish(house, item_id).outcome == "published"
    assert covers(library)["folder.jpg"] == FRONT


def test_a_picture_that_changed_where_it_is_offered_is_judged_as_a_new_one(house: House, offered: Provider) -> None:
    library, item_id = looked_at(house)
    offer(house, offered, item_id)
    lose(house)
    offered.answers["/pictures/front.jpg"] = Reply(body=jpeg(2, 900), kind="image/jpeg")
    publish(house, item_id)
    assert covers(library)["folder.jpg"] == jpeg(2, 900)


def test_without_a_picture_nobody_can_send_now_it_is_published_and_the_picture_owed(
    house: House, offered: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, item_id = looked_at(house)
    offer(house, offered, item_id)
    lose(house)
    monkeypatch.setenv("GREENROOM_OFFLINE", "true")
    house.change(wait_for_assets="true")
    with pytest.raises(Retryable, match="wait_for_assets"):
        publish(house, item_id)
    house.change(wait_for_assets="false")
    outcome = publish(house, item_id)
    assert outcome.outcome == "published"
    assert {reason.code for reason in outcome.reasons} == {"blob_missing"}
    with house.database.read() as connection:
        assert [debt.provider for debt in matching.debts(connection, item_id)] == ["coverart"]
        assert not [entry for entry in ledger.entries(connection) if entry.role == "picture"]
    assert publish(house, item_id).outcome == "unchanged"
    monkeypatch.setenv("GREENROOM_OFFLINE", "false")
    assert publish(house, item_id).outcome == "refreshed"
    assert covers(library)["folder.jpg"] == FRONT
    assert unexplained(house, library) == []
