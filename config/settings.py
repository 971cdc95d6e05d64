"""The registry of what an admin may change while Greenroom runs: name, type, default, range, unit, one sentence.

Defaults, validation, the command line, the documentation and the stored snapshot all come from these models.
A new setting is one field; a new section is one class and one line in SECTIONS.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic.fields import FieldInfo

from config.cron import Schedule, timezone
from config.errors import Misconfigured
from config.reasons import MASK
from config.redaction import conceal

QUALITY = ("lossless", "bits", "sample_rate", "bitrate")  # the criteria of processor.quality


class Section(BaseModel):
    """Settings that belong together and are read together."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def _unit(name: str) -> dict[str, Any]:
    return {"unit": name}


class StagingScan(Section):
    """The staging cycle: when it runs, how carefully, how fast."""

    enabled: bool = Field(
        False, description="Whether the daemon runs cycles at all; nothing runs until an admin says so."
    )
    dry_run: bool = Field(False, description="Plan and report, touch nothing.")
    schedule: str = Field("0 */1 * * *", description="Five cron fields with their standard meaning, or `every 15m`.")
    timezone: str = Field("local", description="Zone the schedule is read in: local, or a name such as Europe/Berlin.")
    workers: int = Field(4, ge=1, le=64, description="Processes that read tags, and threads that move files.")
    rate_limit: float = Field(
        0, ge=0, le=1e6, description="Files moved per second; 0 is unlimited.", json_schema_extra=_unit("files/s")
    )
    scan_db_data_path: str = Field(
        "",
        max_length=4096,
        description="Folder of the scan DBs, never inside a library; empty: scan-db in the data folder.",
    )
    quiet_seconds: int = Field(
        60,
        ge=0,
        le=86_400,
        description="An album is taken only when nothing under it changed for so long; 0 takes what is there at once.",
        json_schema_extra=_unit("s"),
    )
    keep_scan_dbs: int = Field(5, ge=1, le=1000, description="Newest scan DBs kept; the others are removed.")
    trash_days: int = Field(
        30, ge=0, le=36_500, description="How long the trash keeps what people put there, and what gave way to better.",
        json_schema_extra=_unit("days"),
    )  # fmt: skip
    timeout_minutes: int = Field(
        0, ge=0, le=10_080, description="A cycle stops at the next safe place after so long; 0 is never.",
        json_schema_extra=_unit("min"),
    )  # fmt: skip
    watch: bool = Field(True, description="Let changes in the inbound folder ask for an earlier cycle.")
    ignore: str = Field(
        "", max_length=4096, description="More patterns to ignore, as in .gitignore, separated by commas or newlines."
    )
    reserve_mib: int = Field(
        1024, ge=0, le=1 << 24, description="Free space always left on the staging filesystem.",
        json_schema_extra=_unit("MiB"),
    )  # fmt: skip

    vanish_files: int = Field(
        50, ge=1, le=1 << 31,
        description="When more files than this vanished since the last cycle, the library is suspended.",
        json_schema_extra=_unit("files"),
    )  # fmt: skip
    vanish_percent: float = Field(
        5, ge=0.01, le=100, description="The same, as a share of all files; one album alone never counts.",
        json_schema_extra=_unit("%"),
    )  # fmt: skip

    replace: Literal["off", "better"] = Field(
        "off",
        description="Whether an album of inbound that has every staged track in better quality takes that one's place, "
        "which goes to the trash; off: it is a conflict that says so.",
    )
    quality: str = Field(
        " ".join(QUALITY),
        description=f"What better means, most important first, of: {', '.join(QUALITY)}. Bits and sample rate count "
        "between lossless files, the bit rate between lossy files of one codec.",
    )

    @field_validator("quality")
    @classmethod
    def _criteria_are_known(cls, value: str) -> str:
        names = value.replace(",", " ").split()
        if not names or not set(names) <= set(QUALITY) or len(set(names)) < len(names):
            raise ValueError(f"must name some of {', '.join(QUALITY)}, each once")
        return " ".join(names)

    @field_validator("timezone")
    @classmethod
    def _zone_is_known(cls, value: str) -> str:
        timezone(value)
        return value

    @field_validator("schedule")
    @classmethod
    def _schedule_is_readable(cls, value: str) -> str:
        Schedule(value, timezone("UTC"))
        return value.strip()

    @field_validator("scan_db_data_path")
    @classmethod
    def _path_is_absolute(cls, value: str) -> str:
        if value and (not value.startswith("/") or not value.isprintable()):
            raise ValueError("must be an absolute path without control characters, or empty")
        return value

    def as_schedule(self) -> Schedule:
        """Return the schedule in its zone."""
        return Schedule(self.schedule, timezone(self.timezone))


class Hooks(Section):
    """Messages of other programs, Lidarr's and Radarr's webhooks, that let a cycle come earlier."""

    path_map: str = Field(
        "",
        max_length=4096,
        description="What their paths are called here, as /downloads=/srv/inbound, separated by commas or newlines.",
    )

    @field_validator("path_map")
    @classmethod
    def _map_is_readable(cls, value: str) -> str:
        for theirs, equals, ours in _pairs(value):
            if not (theirs.startswith("/") and equals and ours.startswith("/")):
                raise ValueError("must be pairs of absolute paths, as /downloads=/srv/inbound")
        return value

    @property
    def mapping(self) -> dict[str, str]:
        """The paths of others and ours, the longest of theirs first, because it says most."""
        pairs = {theirs: ours for theirs, _, ours in _pairs(self.path_map)}
        return dict(sorted(pairs.items(), key=lambda pair: -len(pair[0])))


def _pairs(text: str) -> list[tuple[str, str, str]]:
    lines = (line.strip() for line in text.replace(",", "\n").splitlines())
    return [line.partition("=") for line in lines if line]


class Network(Section):
    """What Greenroom asks of other machines: who it says it is."""

    contact: str = Field(
        "",
        max_length=200,
        description="Mail address or URL under which the people of a provider can reach you; MusicBrainz asks for one.",
    )

    @field_validator("contact")
    @classmethod
    def _contact_fits_a_header(cls, value: str) -> str:
        if not (value.isascii() and value.isprintable()) or set("()\\") & set(value):
            raise ValueError("must be plain ASCII without parentheses")
        return value.strip()


SECTIONS: dict[str, type[Section]] = {"staging_scan": StagingScan, "hooks": Hooks, "network": Network}

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
    def is_secret(self) -> bool:
        """Whether the value is shown to nobody, such as a URL with a password in it."""
        extra = self.field.json_schema_extra
        return isinstance(extra, dict) and bool(extra.get("secret"))

    def shown(self, value: Any) -> Any:
        """Return a value as people may see it."""
        return MASK if self.is_secret and value else value

    def parse(self, value: Any) -> Any:
        """Return `value` (text or typed) as this setting's type.

        Raises Misconfigured with the key, the value and what would be right. A secret is concealed from then on.
        """
        if self.is_secret:
            if value == MASK:
                raise Misconfigured(f"{self.key} cannot be {MASK}: that is what is shown of it", code="bad_setting")
            conceal([str(value)])
        try:
            parsed = self.section.model_validate({self.name: value})
        except ValidationError as error:
            why = error.errors()[0]["msg"].removeprefix("Value error, ")
            raise Misconfigured(f"{self.key} cannot be {self.shown(value)!r}: {why}", code="bad_setting") from None
        return getattr(parsed, self.name)

    def load(self, text: str) -> Any:
        """Return a stored value, JSON, as this setting's type. Raises Misconfigured with the key and the value."""
        try:
            value = json.loads(text)
        except ValueError:
            raise Misconfigured(
                f"{self.key} holds {self.shown(text)!r}, which is no JSON", code="bad_setting"
            ) from None
        return self.parse(value)


REGISTRY: dict[str, Setting] = {
    f"{prefix}.{name}": Setting(f"{prefix}.{name}", section, name, field)
    for prefix, section in SECTIONS.items()
    for name, field in section.model_fields.items()
}


def register(prefix: str, section: type[Section], fail_safe: dict[str, Any]) -> None:
    """Add a section that a higher floor declares; `fail_safe` is what it falls back to when it cannot be read."""
    SECTIONS[prefix], FAIL_SAFE[prefix] = section, fail_safe
    for name, field in section.model_fields.items():
        REGISTRY[f"{prefix}.{name}"] = Setting(f"{prefix}.{name}", section, name, field)


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
