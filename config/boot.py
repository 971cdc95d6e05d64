"""Environment, file and defaults → the few values needed before the database can be opened."""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qs, quote, unquote

import platformdirs
from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from config.errors import Misconfigured
from config.secrecy import FILE, Vault, checked
from config.wrong_values import what_is_wrong

CONFIG_FILE = "/etc/greenroom/greenroom.toml"
_PREFIX = "GREENROOM_"
CREDENTIAL = "greenroom.secret_key"
_PATH = re.compile(r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)*")
_PASSWORD = re.compile(r"[\w+]+://[^:/]*:([^@]*)@")
SERVICE = Path("/var/lib/greenroom")  # what systemd/greenroom.tmpfiles makes


def default_data_dir() -> Path:
    """Return where an installation keeps its state: systemd's StateDirectory, else the platform's place for it."""
    given = os.environ.get("STATE_DIRECTORY")  # systemd.exec(5); several are separated by a colon
    if given:
        return Path(given.split(":")[0])
    # As the service's own user (sudo -u greenroom) a command means the installation of the service, as for root.
    of_service = os.geteuid() == 0 or (SERVICE.is_dir() and SERVICE.stat().st_uid == os.geteuid())
    try:
        return SERVICE if of_service else Path(platformdirs.user_data_dir("greenroom"))
    except RuntimeError:  # a user by number alone, as containers have them
        raise Misconfigured("this user has no home folder; set GREENROOM_DATA_DIR", code="no_home") from None


class BootSettings(BaseSettings):
    """What cannot live in the settings table, as it says where that is. Environment over file over default."""

    model_config = SettingsConfigDict(env_prefix=_PREFIX, frozen=True, extra="forbid", validate_default=True)

    data_dir: Path = Field(default_factory=default_data_dir, description="Folder of the database, scan DBs and locks.")
    database_url: SecretStr | None = Field(
        None,
        description="sqlite:////path or postgresql+psycopg://user@host/name; default: greenroom.db in the data folder.",
    )
    sqlite_on_network: bool = Field(
        False, description="Let SQLite's file be on NFS, SMB or FUSE; only where a single machine ever opens it."
    )
    web: str = Field(
        "127.0.0.1:7788",
        description="Address and port of the page and the API, as HOST:PORT; empty for none.",
    )
    web_hosts: str = Field("", description="More names the page answers to, separated by commas, as behind a proxy.")
    web_proxies: str = Field(
        "",
        description="Addresses or networks, separated by commas, of proxies whose X-Forwarded-For says who asks.",
    )
    web_base: str = Field(
        "", description="Path the page and the API are below, as /greenroom behind a proxy; empty for the root."
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Key that secrets in the database are encrypted with, older ones behind it, apart by spaces; "
        "default: secret.key in the data folder, made with the first secret.",
    )
    secret_key_file: Path | None = Field(
        None,
        description="File that holds it; default: systemd's credential greenroom.secret_key, if there is one.",
    )
    offline: bool = Field(False, description="Ask no provider on the internet anything, whatever the settings say.")
    log_level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] | None = Field(
        None, description="Least level logged; default: INFO in run, web, worker and migrate, else WARNING."
    )
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
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    @property
    def url(self) -> str:
        """The database URL in force; it may hold a password."""
        if self.database_url is not None:
            return self.database_url.get_secret_value().strip()  # a file or a variable may end in a line break
        return f"sqlite:///{quote(str(self.data_dir / 'greenroom.db'))}"

    @property
    def web_address(self) -> tuple[str, int] | None:
        """Where the page and the API listen: a host and a port; None for nowhere."""
        host, _, port = self.web.rpartition(":")
        return (host.strip("[]"), int(port)) if self.web else None

    @property
    def host_names(self) -> tuple[str, ...]:
        """The names the page answers to, beside those of this machine."""
        address = self.web_address
        return tuple(filter(None, [address[0] if address else "", *map(str.strip, self.web_hosts.split(","))]))

    @property
    def proxies(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """The proxies that are believed when they say who asks."""
        return tuple(ip_network(text.strip(), strict=False) for text in self.web_proxies.split(",") if text.strip())

    @field_validator("web_proxies")
    @classmethod
    def _proxies_are_addresses(cls, value: str) -> str:
        for text in filter(None, map(str.strip, value.split(","))):
            try:
                ip_network(text, strict=False)
            except ValueError:
                raise ValueError(f"must be addresses or networks, as 127.0.0.1 or 10.0.0.0/8, not {text}") from None
        return value

    @field_validator("web")
    @classmethod
    def _address_is_readable(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdecimal() and int(port) < 1 << 16):
            raise ValueError("must be HOST:PORT, as 127.0.0.1:7788 or [::1]:7788, or empty")
        return value

    @field_validator("web_base")
    @classmethod
    def _base_is_a_path(cls, value: str) -> str:
        path = value.strip().strip("/")
        if path and not _PATH.fullmatch(path):
            raise ValueError("must be a path, as /greenroom, of letters, digits and - . _ ~, or empty")
        return f"/{path}" if path else ""

    @property
    def secrets(self) -> list[str]:
        """The values that must never be printed or logged."""
        return [*_passwords(self.url), *self._keys_in_text()]

    def vault(self) -> Vault:
        """Return what encrypts secrets. Raises Misconfigured for a file of keys that cannot be read."""
        keys = self._keys_in_text()
        file = self.secret_key_file or _credential()
        if not keys and file:
            try:
                keys = file.read_text().split()
            except (OSError, UnicodeDecodeError) as error:
                raise Misconfigured(f"the key of secrets cannot be read from {file}: {error}") from None
            if not keys:
                raise Misconfigured(f"there is no key of secrets in {file}")
        return Vault(self.data_dir / FILE, [checked(key) for key in keys])

    def _keys_in_text(self) -> list[str]:
        return self.secret_key.get_secret_value().split() if self.secret_key else []


VARIABLES = frozenset(
    {f"GREENROOM_{name.upper()}" for name in BootSettings.model_fields} | {"GREENROOM_CONFIG_FILE", "GREENROOM_BOOT_ID"}
)


def unknown_variables() -> dict[str, str | None]:
    """Return each variable of the environment that passes for ours and is none, and the one that is like it, if any."""
    unknown = [name for name in os.environ if name.startswith(_PREFIX) and name.upper() not in VARIABLES]
    if not unknown:
        return {}
    import difflib  # which hardly anybody needs

    known = [name.removeprefix(_PREFIX) for name in VARIABLES]  # the prefix alone would make any two alike
    near = {name: difflib.get_close_matches(name.removeprefix(_PREFIX).upper(), known, 1) for name in sorted(unknown)}
    return {name: _PREFIX + meant[0] if meant else None for name, meant in near.items()}


def _credential() -> Path | None:
    """Return the file systemd hands over with LoadCredential= (systemd.exec(5)), if it does."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    file = Path(folder or "/", CREDENTIAL)
    return file if folder and file.is_file() else None


def config_file() -> Path:
    """Return where the TOML file is; it need not exist."""
    return Path(os.environ.get("GREENROOM_CONFIG_FILE", CONFIG_FILE))


def read_boot_settings() -> BootSettings:
    """Read the boot settings, and do nothing else. Raises Misconfigured, naming the value and what is wrong with it."""
    file = config_file()
    try:
        boot = BootSettings()
    except ValidationError as error:
        raise Misconfigured(
            _named(error, file)
        ) from None  # the chained error would print the values, secrets among them
    except (OSError, ValueError) as error:
        raise Misconfigured(f"the configuration file {file} cannot be read: {error}") from None
    if "GREENROOM_CONFIG_FILE" in os.environ and not file.is_file():
        raise Misconfigured(f"there is no configuration file {file}; correct or remove GREENROOM_CONFIG_FILE")
    return boot


def _named(error: ValidationError, file: Path) -> str:
    problems = []
    for found in error.errors(include_input=False):
        name = "_".join(map(str, found["loc"]))
        # Unknown variables of the environment are never looked at, so an unknown name is the file's.
        where = file if found["type"] == "extra_forbidden" else f"GREENROOM_{name.upper()}, or {file}"
        problems.append(f"{name} ({where}): {what_is_wrong(found)}")
    return "; ".join(problems)


def _passwords(url: str) -> list[str]:
    named = _PASSWORD.match(url)  # and not urlsplit: to SQLAlchemy a password may hold / ? # [ as they are
    found = [unquote(named[1])] if named and named[1] else []
    return found + parse_qs(url.partition("?")[2]).get("password", [])


def is_secret_in_file(boot: BootSettings) -> bool:
    """Whether a password or a key comes from the configuration file."""
    told = {"database_url": bool(_passwords(boot.url)), "secret_key": boot.secret_key is not None}
    variables = {name.lower() for name in os.environ}
    return any(is_secret and f"{_PREFIX}{name}".lower() not in variables for name, is_secret in told.items())
