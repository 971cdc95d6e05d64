"""The modules of pages/ and api/ → their routers, found by name, and the links every page shows."""

from __future__ import annotations

import functools
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import NamedTuple

from fastapi import APIRouter

from daemon.web import pages


class Link(NamedTuple):
    """One entry of the navigation; a page module that is to be reached from everywhere declares one as `LINK`."""

    order: int
    label: str
    path: str


def routers(package: ModuleType) -> Iterator[APIRouter]:
    """Yield the `router` of every module of a package."""
    for module in _modules(package):
        yield module.router


@functools.cache
def links() -> tuple[Link, ...]:
    """Return the navigation, in its order."""
    return tuple(sorted(module.LINK for module in _modules(pages) if hasattr(module, "LINK")))


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    for found in pkgutil.iter_modules(package.__path__):
        yield import_module(f"{package.__name__}.{found.name}")
