"""The settings registry → a form with every value, what it means and who changed it; a form → changed settings."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Any

from fastapi import Form, Query, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from config import admin
from config.cron import Schedule, timezone
from config.errors import Misconfigured
from config.settings import REGISTRY, SECTIONS, find_setting
from daemon.web.access import By
from daemon.web.bodies import Sent
from daemon.web.fields import Field, fields
from daemon.web.installation import App
from daemon.web.navigation import Link
from daemon.web.render import lead, page
from daemon.web.routing import page_router

router = page_router("/admin/settings")
LINK = Link(80, "Settings", "/admin/settings")
FIRES = 5  # of the next fire times shown


@router.get("")
def show(request: Request, app: App) -> Response:
    """Show every section."""
    return _page(request, app, {}, {})


@router.post("/{prefix}")
def change(request: Request, app: App, prefix: str, form: Sent, actor: By) -> Response:
    """Change what a person changed of what the form showed them: anything else may be another by now, and stays so.

    If one value is not valid nothing is changed, and each says why beside its field.
    """
    with app.database.read() as connection:
        section, _ = admin.read_section(connection, _known(prefix))
    wanted = {
        field.key: given for field in fields(prefix, section) if (given := _given(field, form)) != _shown(field, form)
    }
    errors: dict[str, str] = {}
    for key, value in wanted.items():
        try:
            find_setting(key).parse(value)
        except Misconfigured as error:
            errors[key] = error.message.partition(": ")[2] or error.message
    if errors:
        return _page(request, app, errors, wanted, code=422)
    with app.database.begin() as connection:
        for key, value in wanted.items():
            admin.put(connection, key, value, actor=actor.name, now=dt.datetime.now(dt.UTC))
    return lead(f"/admin/settings#{prefix}", "saved" if wanted else "same")


@router.post("/{prefix}/reset")
def reset(app: App, prefix: str, actor: By) -> Response:
    """Go back to the defaults of one section."""
    with app.database.begin() as connection:
        admin.reset(connection, _known(prefix), actor=actor.name, now=dt.datetime.now(dt.UTC))
    return lead(f"/admin/settings#{prefix}", "defaults")


@router.post("/history/undo")
def undo(app: App, change: Annotated[int, Form()], actor: By) -> Response:
    """Set one setting back to what it was before one change."""
    with app.database.begin() as connection:
        admin.undo(connection, change, actor=actor.name, now=dt.datetime.now(dt.UTC))
    return lead("/admin/settings#history", "undone")


@router.get("/schedule")
def preview(
    request: Request,
    schedule: Annotated[str, Query(alias="staging_scan.schedule", max_length=200)] = "",
    zone: Annotated[str, Query(alias="staging_scan.timezone", max_length=100)] = "local",
) -> Response:
    """Show the next fire times of a schedule somebody is typing."""
    try:
        shown = _fires(schedule, zone)
        return page(request, "parts/fires.html", fires=shown, error=None)
    except (Misconfigured, ValueError) as error:
        return page(request, "parts/fires.html", fires=(), error=str(error))


def _fires(schedule: str, zone: str) -> list[dt.datetime]:
    known = Schedule(schedule, timezone(zone))
    found: list[dt.datetime] = []
    moment = known.next_after(dt.datetime.now(dt.UTC))
    while moment is not None and len(found) < FIRES:
        found.append(moment)
        moment = known.next_after(moment)
    return found


def _known(prefix: str) -> str:
    if prefix not in SECTIONS:
        raise Misconfigured(f"there is no section {prefix} of settings", code="unknown_setting")
    return prefix


def _given(field: Field, form: FormData) -> str:
    if field.type == "boolean" and field.key in form:
        return "true"
    if field.type == "boolean" and f"was {field.key}" in form:  # a box that is not ticked is not sent
        return "false"
    return _sent_text(form.get(field.key, _text(field.value)))


def _shown(field: Field, form: FormData) -> str:
    """Return what the form showed of a setting; what it is, where the form does not say."""
    return _sent_text(form.get(f"was {field.key}", _text(field.value)))


def _sent_text(value: object) -> str:
    return value.strip().replace("\r\n", "\n") if isinstance(value, str) else ""


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _page(request: Request, app: App, errors: dict[str, str], given: dict[str, str], code: int = 200) -> Response:
    with app.database.read() as connection:
        read = admin.read_sections(connection, SECTIONS)
        history = admin.history(connection, limit=20)
        scan, _ = admin.staging_scan(connection)
    sections = [
        {
            "prefix": prefix,
            "title": prefix.replace("_", " ").replace(".", ": ").capitalize(),
            "about": (SECTIONS[prefix].__doc__ or "").strip(),
            "problems": problems,
            "fields": [
                {
                    "is": field,
                    "was": _text(field.value),
                    "text": given.get(field.key, _text(field.value)),
                    "error": errors.get(field.key),
                    "is_secret": REGISTRY[field.key].is_secret,
                }
                for field in fields(prefix, section)
            ],
        }
        for prefix, (section, problems) in read.items()
    ]
    fires = _fires(scan.schedule, scan.timezone)
    return page(
        request, "settings.html", code=code, sections=sections, history=history, fires=fires, refused=bool(errors)
    )
