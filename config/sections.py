"""What an admin may change while Greenroom runs, section by section: name, type, default, range, unit, one sentence.

A new setting is one field; a new section is one class, and its line in SECTIONS of `config/settings.py`.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from config.cron import Schedule, timezone

QUALITY = ("lossless", "bits", "sample_rate", "bitrate")  # the criteria of processor.planning.quality
IS_NEW: Final = "is_new"  # in the context of a check: somebody sets the value now; what is stored is not refused
_REACHABLE = re.compile(r"[^@\s]+@[^@\s]+|https?://\S+")


class Section(BaseModel):
    """Settings that belong together and are read together."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, defer_build=True)


def _unit(name: str) -> dict[str, Any]:
    return {"unit": name}


class StagingScan(Section):
    """The staging cycle: when it runs, how carefully, how fast."""

    enabled: bool = Field(
        False, description="Whether the daemon runs cycles at all; nothing runs until an admin says so."
    )
    dry_run: bool = Field(False, description="Plan and report, touch no file of a library; repairs only look, too.")
    schedule: str = Field("0 */1 * * *", description="Five cron fields with their standard meaning, or `every 15m`.")
    timezone: str = Field("local", description="Zone the schedule is read in: local, or a name such as Europe/Berlin.")
    workers: int = Field(
        4, ge=1, le=64, description="Processes that read tags, or list a large tree, and threads that move files."
    )
    rate_limit: float = Field(
        0, ge=0, le=1e6, description="Files moved per second; 0 is unlimited.", json_schema_extra=_unit("files/s")
    )
    scan_db_data_path: str = Field(
        "",
        title="Folder of scan DBs",
        max_length=4096,
        description="Folder of the scan DBs, never inside a library; empty: scan-db in the data folder.",
    )
    quiet_seconds: int = Field(
        60,
        title="Quiet for",
        ge=0,
        le=86_400,
        description="An album is taken only when nothing under it changed for so long; 0 takes what is there at once. "
        "A cycle waits for up to 300 s itself; what has to be quiet for longer is for a later one.",
        json_schema_extra=_unit("s"),
    )
    keep_scan_dbs: int = Field(5, ge=1, le=1000, description="Newest scan DBs kept; the others are removed.")
    trash_days: int = Field(
        30, title="Kept in the trash", ge=0, le=36_500,
        description="How long the trash keeps what people put there, and what gave way to better.",
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
        50, title="Vanished at most", ge=1, le=1 << 31,
        description="When more files than this vanished since the last cycle, the library is suspended.",
        json_schema_extra=_unit("files"),
    )  # fmt: skip
    vanish_percent: float = Field(
        5, title="Vanished at most", ge=0.01, le=100,
        description="The same, as a share of all files; one album alone never counts.",
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

    def patterns(self) -> tuple[str, ...]:
        """Return the patterns to ignore, one by one."""
        return tuple(line.strip() for line in self.ignore.replace(",", "\n").splitlines() if line.strip())

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
    def _contact_fits_a_header(cls, value: str, info: ValidationInfo) -> str:
        if not (value.isascii() and value.isprintable()) or set("()\\") & set(value):
            raise ValueError("must be plain ASCII without parentheses")
        found = value.strip()
        if found and not _REACHABLE.fullmatch(found) and (info.context or {}).get(IS_NEW):
            raise ValueError("must be a mail address or a URL, such as you@example.org")
        return found
