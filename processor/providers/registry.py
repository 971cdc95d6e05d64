"""The files of this folder → the providers there are; with the settings of the moment → those that are asked."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any, Final, get_args

from sqlalchemy import Connection

from config import admin, settings
from config.database import Database
from config.errors import Misconfigured, Rejected
from processor import providers
from processor.client.addresses import origin_of
from processor.client.service import Answer, Service
from processor.providers.provider import KeyedSettings, Line, Provider, ProviderSettings, Question

if TYPE_CHECKING:
    from processor.artwork.offer import Offer
    from processor.client.client import Client

PICTURE: Final = 180.0  # seconds one may take; 20 MB come slowly where the line is thin


@cache
def all_providers() -> Mapping[str, type[Provider]]:
    """Return the providers by name; their settings join the registry."""
    modules = [
        importlib.import_module(f"{providers.__name__}.{found.name}")
        for found in pkgutil.iter_modules(providers.__path__)
        if not found.name.endswith(("_answers", "_questions"))  # which take long to import, and declare none
    ]
    found = {module.PROVIDER.name: module.PROVIDER for module in modules if hasattr(module, "PROVIDER")}
    for name in sorted(found):
        settings.register(section_of(name), found[name].settings, {"enabled": False})
    return {name: found[name] for name in sorted(found)}


def section_of(name: str) -> str:
    """Return the section of settings of a provider."""
    return f"provider.{name}"


def questions(provider: type[Provider]) -> tuple[Question, ...]:
    """Return what a provider answers."""
    return tuple(question for question in get_args(Question) if hasattr(provider, question))


def key_of(given: ProviderSettings) -> str:
    """Return a provider's key; nothing where it has none."""
    return given.key if isinstance(given, KeyedSettings) else ""


def is_on(given: ProviderSettings) -> bool:
    """Whether a provider is asked: it is enabled, and has a key where it needs one."""
    return given.enabled and (key_of(given) != "" or not isinstance(given, KeyedSettings))


class Providers:
    """The providers as an admin set them, asked through one client."""

    def __init__(self, database: Database, client: Client, *, language: str = "en", fresh: bool = False) -> None:
        self._database, self._client, self._language, self._fresh = database, client, language, fresh
        with database.read() as connection:
            self._settings = {name: _read(connection, name) for name in all_providers()}

    def is_on(self, name: str) -> bool:
        """Whether a provider is asked."""
        return is_on(self._settings[name])

    def answering(self, question: Question) -> list[Any]:
        """Return the providers that are on and answer a question, in the order of their settings."""
        names = [name for name, provider in all_providers().items() if question in questions(provider)]
        names.sort(key=lambda name: (self._settings[name].order, name))
        return [self.provider(name) for name in names if self.is_on(name)]

    def provider(self, name: str) -> Provider:
        """Return one provider ready to be asked, whether it is on or not. Raises Misconfigured for an unknown one."""
        if name not in self._settings:
            raise Misconfigured(f"no provider is called {name}; there are {', '.join(self._settings)}")
        provider, given = all_providers()[name], self._settings[name]
        service = _service(provider, given)
        return provider(Line(self._client, service, given.base_url, key_of(given), self._language, self._fresh))

    def picture(self, offer: Offer, *, preview: bool = False) -> Answer:
        """Download the picture on offer, or its small version where there is one; it is not remembered here.

        The provider's own host is asked in its turn, another one at once. Raises what the client raises.
        """
        url = (preview and offer.preview) or offer.url
        if url is None:
            raise Rejected(f"a picture of {offer.provider} is nowhere to be downloaded", code="forbidden_url")
        service = _service(all_providers()[offer.provider], self._settings[offer.provider])
        if origin_of(url) != origin_of(self._settings[offer.provider].base_url):
            service = Service(f"{service.name} pictures", secrets=service.secrets)
        return self._client.get(url, service=replace(service, ttl=None, total=PICTURE), accept="image")


def _service(provider: type[Provider], given: ProviderSettings) -> Service:
    is_own = given.base_url != provider.settings.model_fields["base_url"].default
    return Service(
        provider.name,
        per_second=given.per_second or None,
        local=(given.base_url,) if is_own else (),
        secrets=tuple(filter(None, [key_of(given)])),
        ttl=provider.ttl,
        remaining=provider.remaining,
    )


def _read(connection: Connection, name: str) -> ProviderSettings:
    section, _ = admin.read_section(connection, section_of(name))
    assert isinstance(section, ProviderSettings)
    return section
