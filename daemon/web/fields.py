"""The settings registry → what a form or the API says of each setting."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args, get_origin

from annotated_types import Ge, Le

from config.sections import Section
from config.settings import REGISTRY, Setting

Type = Literal["boolean", "integer", "number", "text", "choice"]
_TYPES: dict[type, Type] = {bool: "boolean", int: "integer", float: "number", str: "text"}


class Field(NamedTuple):
    """One setting with its value; what a page or a program needs to let somebody change it."""

    key: str
    name: str
    label: str  # without the unit
    type: Type
    value: Any
    default: Any
    description: str
    unit: str | None
    minimum: float | None
    maximum: float | None
    choices: tuple[str, ...]
    is_changed: bool  # whether somebody set it to something else than its default


def fields(prefix: str, section: Section) -> list[Field]:
    """Return the fields of one section with the values it has."""
    mine = (setting for setting in REGISTRY.values() if setting.key == f"{prefix}.{setting.name}")
    return [_field(setting, getattr(section, setting.name)) for setting in mine]


def _field(setting: Setting, value: Any) -> Field:
    annotation, limits = setting.field.annotation, setting.field.metadata
    is_choice = get_origin(annotation) is Literal
    return Field(
        key=setting.key,
        name=setting.name,
        label=setting.label,
        type="choice" if is_choice else _TYPES.get(annotation, "text") if isinstance(annotation, type) else "text",
        value=setting.shown(value),
        default=setting.default,
        description=setting.field.description or "",
        unit=setting.unit,
        minimum=next((float(str(limit.ge)) for limit in limits if isinstance(limit, Ge)), None),
        maximum=next((float(str(limit.le)) for limit in limits if isinstance(limit, Le)), None),
        choices=tuple(map(str, get_args(annotation))) if is_choice else (),
        is_changed=bool(value != setting.default),
    )
