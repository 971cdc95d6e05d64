"""Pictures on offer are downloaded from who told of them, and from nobody while no other machine may be asked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

import pytest

from config.database import Database
from config.errors import GreenroomError, Rejected, Retryable
from processor.artwork.offer import Offer
from processor.client.client import Client
from processor.client.exchange import World
from processor.providers.registry import Providers
from workflow.operations.downloading import downloads

pytestmark = pytest.mark.sqlite


@pytest.fixture
def providers(database: Database) -> Iterator[Providers]:
    """Providers of an installation that may ask nobody: no turn is given."""

    def turn(_: object, name: str, *__: object, **___: object) -> NoReturn:
        raise AssertionError(f"{name} was asked")

    with Client(database, world=World(turn=turn)) as client:
        yield Providers(database, client)


def test_offline_nobody_is_asked_and_the_picture_is_owed(providers: Providers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENROOM_OFFLINE", "true")
    with pytest.raises(Retryable, match="GREENROOM_OFFLINE"):
        downloads(providers)(Offer("coverart", "1", "front", url="https://coverartarchive.org/1.jpg"), False)


@pytest.mark.parametrize(
    ("offer", "code"),
    [
        (Offer("nobody", "1", "front", url="https://coverartarchive.org/1.jpg"), "no_provider"),
        (Offer("coverart", "1", "front", url="http://127.0.0.1/1.jpg"), "forbidden_address"),
        (Offer("coverart", "1", "front", url="file:///etc/passwd"), "forbidden_url"),
        (Offer("coverart", "1", "front"), "forbidden_url"),
    ],
)
def test_what_cannot_be_downloaded_ever_is_refused_with_the_reason(
    providers: Providers, monkeypatch: pytest.MonkeyPatch, offer: Offer, code: str
) -> None:
    monkeypatch.delenv("GREENROOM_OFFLINE", raising=False)
    with pytest.raises(GreenroomError) as refused:
        downloads(providers)(offer, False)
    assert isinstance(refused.value, Rejected)
    assert refused.value.reason_code == code
