"""A file of workflow/phases → a phase with its place in the chain; one of workflow/chores → a chore apart from it."""

from __future__ import annotations

import datetime as dt
import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field
from sqlalchemy import Connection

from config import admin
from config.libraries import Role
from config.sections import Section
from config.settings import register
from workflow import chores, phases
from workflow.engine.context import Context
from workflow.engine.job import Payload, Retries
from workflow.engine.work import Ending

Mode = Literal["auto", "manual", "off"]


class PhaseSettings(Section):
    """What an admin may decide about any phase that has jobs."""

    mode: Mode = Field("manual", description="Auto: by itself; manual: wait for a person; off: pass items on without.")
    paused: bool = Field(False, description="Start no job of this phase, not even one a person asks for.")
    at_once: int = Field(4, ge=1, le=64, description="Jobs of this phase at once in one process.")
    at_once_everywhere: int = Field(0, ge=0, le=1000, description="Jobs at once on all hosts together; 0: no limit.")

    @property
    def gate(self) -> Mode:
        """The gate of this phase in the chain."""
        return self.mode

    @property
    def renewed_after(self) -> dt.timedelta:
        """How long nothing must have changed before a phase that renews begins."""
        return dt.timedelta(0)


class ChoreSettings(PhaseSettings):
    """What an admin may decide about a chore."""

    mode: Mode = Field("auto", description="Auto: by itself; manual or off: only when a person asks.")
    at_once: int = Field(1, ge=1, le=64, description="Jobs of this phase at once in one process.")


class Decision(NamedTuple):
    """What a phase makes of an item; None leaves its status as it is."""

    status: str | None
    why: str
    committed: bool = False  # the phase wrote it down itself, with what it did, and wanted what follows


class Phase:
    """What a file in workflow/phases declares; it must be idempotent, for it may run twice."""

    name: ClassVar[str]
    after: ClassVar[str | None] = None  # the phase before it in the chain; None is its root
    reached: ClassVar[str]  # the position of an item that has come through it
    description: ClassVar[str]
    settings: ClassVar[type[PhaseSettings] | None] = None  # None: it has no jobs, the cycle does it
    payload: ClassVar[type[Payload]] = Payload
    retries: ClassVar[Retries] = Retries()
    late: ClassVar[bool] = False  # whether it is still done for an item that a person took further
    renews: ClassVar[bool] = False  # whether it runs again for a published item once more is known of it
    roots: ClassVar[tuple[Role, ...]] = ()  # of the libraries it works on: without them it runs elsewhere

    def run(self, context: Context, item: Mapping[str, Any], payload: Any, settings: Any) -> Decision:
        """Do it for one item, given as its row. What is returned is committed with the end of the job."""
        raise TypeError(f"phase {self.name} has no jobs")


class Chore:
    """What a file in workflow/chores declares, which stands apart from the chain; it must be idempotent."""

    name: ClassVar[str]
    description: ClassVar[str]
    settings: ClassVar[type[ChoreSettings]] = ChoreSettings
    payload: ClassVar[type[Payload]] = Payload
    retries: ClassVar[Retries] = Retries()
    daily: ClassVar[bool] = False  # whether it is wanted once a day, when there is anything to do

    def has_work(self, connection: Connection, settings: Any, now: dt.datetime) -> bool:
        """Whether a daily chore has anything to do."""
        raise TypeError(f"{self.name} is not wanted daily")

    def run(self, context: Context, payload: Any, settings: Any) -> Ending | None:
        """Do it; what is returned is written with the end of the job. Raises the errors of config.errors."""
        raise TypeError(f"{self.name} has no jobs")


@cache
def all_phases() -> Mapping[str, Phase]:
    """Return the phases of the chain, by name, each after the one it follows; their settings join the registry."""
    found: dict[str, Phase] = {module.PHASE.name: module.PHASE for module in _modules(phases)}
    ordered: dict[str, Phase] = {}
    while len(ordered) < len(found):
        ready = [p for n, p in sorted(found.items()) if n not in ordered and (p.after is None or p.after in ordered)]
        assert ready, f"phases wait for one another: {sorted(found.keys() - ordered.keys())}"
        ordered |= {phase.name: phase for phase in ready}
    for phase in ordered.values():
        if phase.settings is not None:
            register(section_of(phase.name), phase.settings, {"mode": "manual", "paused": True})
    return ordered


@cache
def all_chores() -> Mapping[str, Chore]:
    """Return the phases apart from the chain, by name; their settings join the registry."""
    found: dict[str, Chore] = {module.CHORE.name: module.CHORE for module in _modules(chores)}
    for chore in found.values():
        register(section_of(chore.name), chore.settings, {"mode": "off", "paused": True})
    return found


def _modules(package: ModuleType) -> list[ModuleType]:
    return [importlib.import_module(f"{package.__name__}.{one.name}") for one in pkgutil.iter_modules(package.__path__)]


def section_of(phase: str) -> str:
    """Return the section of settings of a phase."""
    return f"phase.{phase}"


def settings_of(connection: Connection, phase: str) -> Any:
    """Read the settings of a phase or chore now; if they cannot be read, it counts as paused."""
    settings, _ = admin.read_section(connection, section_of(phase))
    return settings
