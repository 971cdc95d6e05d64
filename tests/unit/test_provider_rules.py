"""What providers answer → what we make of it, whatever they answer; and what makes a file a provider."""

from __future__ import annotations

import pytest

from config.errors import Misconfigured
from config.settings import REGISTRY
from processor.matching.lookup import searches
from processor.matching.own import OwnAlbum
from processor.providers import discogs_answers
from processor.providers.pictures import address, language
from processor.providers.provider import KeyedSettings, Provider, Search
from processor.providers.registry import all_providers, questions, section_of

HOME = "https://provider.example/v3"


def test_every_provider_says_what_it_is_and_answers_something() -> None:
    for name, provider in all_providers().items():
        assert issubclass(provider, Provider)
        assert provider.name == name
        assert questions(provider), name
        given = provider.settings.model_validate({})
        assert REGISTRY[f"{section_of(name)}.base_url"].default == given.base_url
        assert given.base_url.startswith("https://")
        assert provider.description.endswith(".")
        assert (f"{section_of(name)}.key" in REGISTRY) == issubclass(provider.settings, KeyedSettings)
        assert all(setting.is_secret for setting in REGISTRY.values() if setting.name == "key")


@pytest.mark.parametrize("url", ["", "file:///etc", "provider", "https://u:p@a/", "http://", "https://a b/"])
def test_an_address_that_is_none_is_no_setting(url: str) -> None:
    with pytest.raises(Misconfigured):
        REGISTRY["provider.coverart.base_url"].parse(url)
    assert REGISTRY["provider.coverart.base_url"].parse("http://mirror.lan:5000/") == "http://mirror.lan:5000"


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("http://a.example/x.jpg", "https://a.example/x.jpg"),
        ("//a.example/x.jpg", "https://a.example/x.jpg"),
        ("https://provider.example/x.jpg", "https://provider.example/x.jpg"),
        ("ftp://a.example/x.jpg", None),
        ("x.jpg", None),
        ("", None),
        (None, None),
        (7, None),
    ],
)
def test_a_picture_is_where_it_is_said_to_be_but_by_https(said: object, meant: str | None) -> None:
    assert address(said, HOME) == meant


def test_a_mirror_without_tls_is_asked_without() -> None:
    assert address("https://mirror.lan:5000/x.jpg", "http://mirror.lan:5000") == "http://mirror.lan:5000/x.jpg"


@pytest.mark.parametrize(
    ("said", "known"), [(4711, "4711"), ("4\0\ud800", "4 ?"), ("\0", None), (True, None), ("", None)]
)
def test_an_id_is_text_that_a_database_takes(said: object, known: str | None) -> None:
    found = discogs_answers.release_of({"id": said, "title": "Low Tide"})
    assert (found and found.id) == known


def test_no_language_has_many_names() -> None:
    assert [language(said) for said in ("en", "EN-us", "00", "", None, "xx", "日本")] == ["en", "en"] + [None] * 5


def test_a_barcode_is_asked_for_without_what_people_write_into_it() -> None:
    assert next(searches(OwnAlbum("Low Tide", barcode="0 5012345-67890 0"))) == Search(barcode="05012345678900")
