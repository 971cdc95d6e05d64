"""The sections of settings → the registry: each by its key, read, checked and shown.

Validation, the command line, the page, the API, the documentation and the stored snapshot all come from it. Higher
floors add sections of their own with `register`, in functions that are called once such a section is asked for, or
all: to load what declares them is a twelfth of the start of a command that reads none.
"""

from __future__ import annotations

import json
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from config.errors import Misconfigured
from config.reasons import MASK
from config.redaction import conceal
from config.sections import IS_NEW, Hooks, Network, Section, StagingScan
from config.wrong_values import what_is_wrong

T = TypeVar("T")

_OWN: dict[str, type[Section]] = {"staging_scan": StagingScan, "hooks": Hooks, "network": Network}
_TO_CALL: dict[str, None] = {}  # the functions that have yet to register sections; in their order
_CALLING = RLock()

# What a key says of its unit, which stands beside its label; and words that are not spelt as in a key.
_OF_UNITS = {"s": "seconds", "min": "minutes", "days": "days", "MiB": "mib", "%": "percent", "files": "files"}
_SPELT = {"db": "DB", "dbs": "DBs", "nfo": "NFO", "url": "URL", "urls": "URLs", "timezone": "time zone"}

# What an unreadable section falls back to: nothing runs by itself, and nothing is touched.
FAIL_SAFE: dict[str, dict[str, Any]] = {
    "staging_scan": {"enabled": False, "dry_run": True},
    "hooks": {"path_map": ""},
    "network": {},
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One entry of the registry."""

    key: str  # section.name
    section: type[Section]
    name: str
    field: FieldInfo

    @property
    def default(self) -> Any:
        """The value when nobody changed it."""
        return self.field.get_default(call_default_factory=True)

    @property
    def unit(self) -> str | None:
        """The unit of a number."""
        extra = self.field.json_schema_extra
        return str(extra["unit"]) if isinstance(extra, dict) and "unit" in extra else None

    @property
    def label(self) -> str:
        """What people read instead of the key, without the unit: its title, or the words of its name."""
        words = self.name.removesuffix(f"_{_OF_UNITS.get(self.unit or '')}").split("_")
        spelt = " ".join(_SPELT.get(word, word) for word in words)
        return self.field.title or spelt[0].upper() + spelt[1:]

    @property
    def is_secret(self) -> bool:
        """Whether the value is shown to nobody, such as a URL with a password in it."""
        extra = self.field.json_schema_extra
        return isinstance(extra, dict) and bool(extra.get("secret"))

    def shown(self, value: Any) -> Any:
        """Return a value as people may see it."""
        return MASK if self.is_secret and value else value

    def parse(self, value: Any) -> Any:
        """Return `value` (text or typed), which somebody sets, as this setting's type.

        Raises Misconfigured with the key, the value and what would be right. A secret is concealed from then on.
        """
        return self._checked(value, is_new=True)

    def _checked(self, value: Any, *, is_new: bool) -> Any:
        if self.is_secret:
            if value == MASK:
                raise Misconfigured(f"{self.key} cannot be {MASK}: that is what is shown of it", code="bad_setting")
            conceal([str(value)])
        try:
            parsed = self.section.model_validate({self.name: value}, context={IS_NEW: is_new})
        except ValidationError as error:
            why = what_is_wrong(error.errors()[0])
            raise Misconfigured(f"{self.key} cannot be {self.shown(value)!r}: {why}", code="bad_setting") from None
        return getattr(parsed, self.name)

    def load(self, text: str) -> Any:
        """Return a stored value, JSON, as this setting's type. Raises Misconfigured with the key and the value."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):  # which lists in lists, thousands deep, are
            raise Misconfigured(
                f"{self.key} holds {self.shown(text)!r}, which is no JSON", code="bad_setting"
            ) from None
        return self._checked(value, is_new=False)


class _Registry(Mapping[str, T]):
    """What was registered, by name; who asks for a name that is not there, or for all, has the rest registered."""

    def __init__(self) -> None:
        self.known: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        if name not in self.known:
            register_all()
        return self.known[name]

    def __iter__(self) -> Iterator[str]:
        register_all()
        return iter(self.known)

    def __len__(self) -> int:
        register_all()
        return len(self.known)


SECTIONS: _Registry[type[Section]] = _Registry()
REGISTRY: _Registry[Setting] = _Registry()


def register(prefix: str, section: type[Section], fail_safe: dict[str, Any]) -> None:
    """Add a section that a higher floor declares; `fail_safe` is what it falls back to when it cannot be read."""
    SECTIONS.known[prefix], FAIL_SAFE[prefix] = section, fail_safe
    for name, field in section.model_fields.items():
        REGISTRY.known[f"{prefix}.{name}"] = Setting(f"{prefix}.{name}", section, name, field)


for _prefix, _section in _OWN.items():
    register(_prefix, _section, FAIL_SAFE[_prefix])


def registered_by(*functions: str) -> None:
    """Name the functions of higher floors that register their sections, as `package.module:function`."""
    _TO_CALL.update(dict.fromkeys(functions))


def register_all() -> None:
    """Have all sections registered, by all functions there are."""
    with _CALLING:  # a thread that comes second finds all there is, and not a part
        while function := next(iter(_TO_CALL), None):
            pkgutil.resolve_name(function)()
            del _TO_CALL[function]


def find_setting(key: str) -> Setting:
    """Return the setting called `key`; its last part will do where it is unambiguous (`quiet_seconds`).

    Of several of one name the staging cycle's is meant (`enabled`), which is what an admin begins with. Raises
    Misconfigured for an unknown one, naming the nearest.
    """
    if key in REGISTRY:
        return REGISTRY[key]
    matches = [setting for setting in REGISTRY.values() if setting.name == key]
    meant = [setting for setting in matches if setting.section is StagingScan] or matches
    if len(meant) == 1:
        return meant[0]
    import difflib

    near = difflib.get_close_matches(key, REGISTRY, n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise Misconfigured(f"there is no setting {key!r}{hint}", code="unknown_setting")


def load_section(prefix: str, stored: dict[str, str], lost: Sequence[str] = ()) -> tuple[Section, list[str]]:
    """Build a section from stored JSON values (key without the section's name → JSON).

    Returns it with what could not be read, first `lost`; then the section is the fail-safe one, so that nothing runs
    on a guess.
    """
    section = SECTIONS[prefix]
    problems = list(lost)
    values: dict[str, Any] = {}
    for name, text in stored.items():
        setting = REGISTRY.get(f"{prefix}.{name}")
        if setting is None:
            continue  # written by a newer version; this one does not know it
        try:
            values[name] = setting.load(text)
        except Misconfigured as error:
            problems.append(f"a stored setting cannot be read: {error}")
    if problems:
        return section(**{**values, **FAIL_SAFE.get(prefix, {})}), problems
    return section(**values), []
