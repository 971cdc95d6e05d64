"""Songs with and without words of their own → which ones a provider of lyrics is asked about, and what is published."""

from __future__ import annotations

import pytest

from processor.client.client import Client
from processor.enrich import enrich
from processor.enriching.shop import Shop
from processor.matching.verdict import Thresholds
from processor.providers.registry import Providers
from tests.catalogue import point
from tests.providers import Provider, as_json
from tests.scenarios.drops import song
from tests.scenarios.house import NOW, House
from tests.scenarios.publishing import add_library, approve, publish, published


def test_words_that_came_in_the_tags_are_not_hidden_by_those_of_a_provider(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Navidrome and others show a file beside the track before what the track says itself."""
    monkeypatch.setenv("GREENROOM_OFFLINE", "false")
    library = add_library(house)
    own, other = {"LYRICS": "mine"}, {"LYRICS": ""}
    house.drop({
        "a/1.flac": song(1, "Own", artist="Ada", album="Low Tide", more=own),
        "a/2.flac": song(2, "Other", artist="Ada", album="Low Tide", more=other),
    })  # fmt: skip
    house.cycle()
    (item_id,) = approve(house)
    found = [{"trackName": title, "artistName": "Ada", "plainLyrics": "theirs"} for title in ("Own", "Other")]
    with Provider().serving() as server, Client(house.database, wait=lambda _: None) as client:
        point(house.database, server)
        server.answers["/lrclib/search"] = as_json(found)
        providers = Providers(house.database, client)
        enrich(Shop(house.database, providers, Thresholds(), lambda: None, lambda: NOW), item_id)
        assert [seen.query["track_name"] for seen in server.seen if "lrclib" in seen.path] == ["Other"]
    publish(house, item_id)
    assert [path for path in published(library) if path.endswith(".txt")] == ["Ada/Low Tide/02 - Other.txt"]
