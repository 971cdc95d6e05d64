"""The settings of every phase ↔ JSON: read with what they mean, changed with validation, reset to their defaults."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

import fastapi
from pydantic import BaseModel, Field, JsonValue

from config import admin
from config.errors import Misconfigured
from config.settings import SECTIONS
from daemon.web.access import By
from daemon.web.bodies import Body, Responses
from daemon.web.fields import fields
from daemon.web.installation import App
from daemon.web.routing import api_router

router = api_router("/api/v1/settings/phase-config", "settings")
REFUSED: Responses = {422: {"description": "A value is not valid; nothing was changed."}}


class SettingOut(BaseModel):
    """One setting: its value, what it means, and which values it may have."""

    type: str
    value: JsonValue
    default: JsonValue
    description: str
    unit: str | None
    minimum: float | None
    maximum: float | None
    choices: list[str]


class ResetIn(Body):
    """What to reset: one section, or all of them."""

    section: str | None = Field(None, max_length=100)


Config = dict[str, dict[str, SettingOut]]
Changes = Annotated[
    dict[str, JsonValue], fastapi.Body(max_length=200, examples=[{"staging_scan.schedule": "every 15m"}])
]


@router.get("", summary="Every setting, by section")
def read(app: App) -> Config:
    """Return every setting with its meaning and its limits."""
    with app.database.read() as connection:
        sections = admin.read_sections(connection, SECTIONS)
    return {
        prefix: {
            field.name: SettingOut.model_validate(field, from_attributes=True) for field in fields(prefix, section)
        }
        for prefix, (section, _) in sections.items()
    }


@router.patch("", summary="Change some settings, or none", responses=REFUSED)
def change(app: App, changes: Changes, actor: By) -> Config:
    """Change the settings named by their whole keys; null goes back to the default. All are changed, or none."""
    with app.database.begin() as connection:
        for key, value in changes.items():
            admin.put(connection, key, value, actor=actor.name, now=dt.datetime.now(dt.UTC))
    return read(app)


@router.post("/reset", summary="Back to the defaults", responses=REFUSED)
def reset(app: App, what: ResetIn, actor: By) -> Config:
    """Forget every change of one section, or of all."""
    if what.section is not None and what.section not in SECTIONS:
        raise Misconfigured(f"there is no section {what.section}", code="unknown_setting")
    with app.database.begin() as connection:
        for prefix in [what.section] if what.section else SECTIONS:
            admin.reset(connection, prefix, actor=actor.name, now=dt.datetime.now(dt.UTC))
    return read(app)
