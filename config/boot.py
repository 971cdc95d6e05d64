"""Environment, file and defaults → the few values needed before the database can be opened."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from config.errors import Misconfigured

CONFIG_FILE = "/etc/greenroom/greenroom.toml"


def default_data_dir() -> Path:
    """Return where an installation keeps its state: systemd's StateDirectory, else the platform's place for it."""
    given = os.environ.get("STATE_DIRECTORY")  # systemd.exec(5); several are separated by a colon
    if given:
        return Path(given.split(":")[0])
    return Path("/var/lib/greenroom") if os.geteuid() == 0 else Path(platformdirs.user_data_dir("greenroom"))


class BootSettings(BaseSettings):
    """What cannot live in the settings table, as it says where that is. Environment over file over default."""

    model_config = SettingsConfigDict(env_prefix="GREENROOM_", frozen=True, extra="forbid", validate_default=True)

    data_dir: Path = Field(default_factory=default_data_dir, description="Folder of the database, scan DBs and locks.")
    database_url: SecretStr | None = Field(
        None,
        description="sqlite:////path or postgresql+psycopg://user@host/name; default: greenroom.db in the data folder.",
    )
    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    log_format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: text on a terminal, one JSON object a line elsewhere."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: given values, environment, TOML file (GREENROOM_CONFIG_FILE names another one)."""
        file = os.environ.get("GREENROOM_CONFIG_FILE", CONFIG_FILE)
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, Path(file))

    @property
    def url(self) -> str:
        """The database URL in force; it may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.data_dir / 'greenroom.db'}"


def load_boot_settings() -> BootSettings:
    """Read the boot settings and create the data folder.

    Raises Misconfigured, naming the variable and what is wrong with it.
    """
    try:
        boot = BootSettings()
    except ValidationError as error:
        lines = "; ".join(f"GREENROOM_{'_'.join(map(str, e['loc'])).upper()}: {e['msg']}" for e in error.errors())
        raise Misconfigured(lines) from None  # the chained error would print the values, secrets among them
    if not boot.data_dir.is_absolute():
        raise Misconfigured(f"GREENROOM_DATA_DIR must be an absolute path, not {boot.data_dir}")
    try:
        boot.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"the data folder {boot.data_dir} cannot be created: {error.strerror}; set GREENROOM_DATA_DIR"
        ) from error
    return boot
