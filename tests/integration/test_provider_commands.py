"""Providers for people: listed, tried and counted, without their keys."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import admin
from config.database import Database
from config.errors import Misconfigured
from config.reasons import MASK
from processor.client import circuits
from processor.client.circuit import Circuit
from tests.catalogue import KEY, NOW, fill, point
from tests.commands import greenroom
from tests.providers import Provider, Reply

pytestmark = pytest.mark.sqlite


@pytest.fixture
def server() -> Iterator[Provider]:
    with Provider().serving() as serving:
        fill(serving)
        yield serving


@pytest.fixture
def database(database: Database, tmp_path: Path, server: Provider, monkeypatch: pytest.MonkeyPatch) -> Database:
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("GREENROOM_OFFLINE", raising=False)
    point(database, server)
    return database


def listed() -> dict[str, dict[str, Any]]:
    return {row["name"]: row for row in json.loads(greenroom("providers", "list", "--json").output)}


def test_providers_are_listed_in_their_order_with_why_they_are_not_asked(database: Database) -> None:
    with database.begin() as connection:
        admin.put(connection, "provider.fanart.key", "", actor="eva", now=NOW)
        admin.put(connection, "provider.lrclib.enabled", False, actor="eva", now=NOW)
        admin.put(connection, "provider.discogs.order", 0, actor="eva", now=NOW)
    found = listed()
    assert next(iter(found)) == "discogs"
    assert {name: row["why"] for name, row in found.items() if not row["on"]} == {
        "fanart": "it needs provider.fanart.key", "lrclib": "provider.lrclib.enabled is off",
    }  # fmt: skip
    assert found["coverart"]["answers"] == ["album_pictures"]
    shown = greenroom("providers").output
    assert "it needs provider.fanart.key" in " ".join(shown.split())
    assert KEY not in shown


def test_a_provider_is_tried_though_it_is_left_alone_and_then_asked_again_by_all(
    database: Database, server: Provider
) -> None:
    server.down = Reply(401)
    refused = greenroom("providers", "test", "discogs")
    assert (refused.exit_code, "refuses to answer: 401" in refused.output) == (1, True)
    server.down = None
    tried = greenroom("providers", "test", "discogs", "--json")
    assert (tried.exit_code, json.loads(tried.output)["why"]) == (0, "it answered 200")
    stands = listed()["discogs"]
    assert (stands["requests"], stands["failed"], stands["state"]) == (2, 0, "closed")
    assert stands["succeeded_at"]
    assert greenroom("providers", "test", "nobody").exit_code == 2


def test_doctor_says_who_is_asked_and_who_is_left_alone(database: Database) -> None:
    with database.begin() as connection:
        circuits.locked(connection, "lrclib")
        circuits.write(connection, "lrclib", Circuit("open", 5, until=NOW))
        circuits.count(connection, "lrclib", 5, NOW, "lrclib did not answer")
    shown = " ".join(greenroom("doctor").output.split())
    assert "asked about albums: musicbrainz, coverart" in shown
    assert "lrclib is left alone: lrclib did not answer; `greenroom providers test lrclib` tries it" in shown
    assert "greenroom settings set network.contact" in shown
    greenroom("settings", "set", "network.contact", "eva@example.org")
    assert "network.contact" not in greenroom("doctor").output


def test_nobody_is_asked_offline(database: Database, server: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_OFFLINE", "true")
    assert {row["why"] for row in listed().values()} == {"GREENROOM_OFFLINE is on"}
    assert greenroom("providers", "test", "coverart").exit_code == 2
    assert server.seen == []


def test_a_key_is_shown_to_nobody_and_what_is_shown_is_no_key(database: Database) -> None:
    for arguments in (("settings",), ("settings", "--json"), ("settings", "get", "provider.discogs.key"),
                      ("settings", "history")):  # fmt: skip
        shown = greenroom(*arguments).output
        assert MASK in shown
        assert KEY not in shown
    with database.begin() as connection, pytest.raises(Misconfigured, match="that is what is shown of it"):
        admin.put(connection, "provider.discogs.key", MASK, actor="eva", now=NOW)
    with database.read() as connection:
        assert admin.get(connection, "provider.discogs.key") == KEY
