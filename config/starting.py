"""The boot settings → a process that logs as they say, and a data folder it can work in; or why there is none."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from loguru import logger

from config import users
from config.boot import BootSettings, config_file, is_secret_in_file, read_boot_settings, unknown_variables
from config.errors import Misconfigured
from config.logs import RESULT_LEVEL, setup_logs
from config.machine import no_room


def set_up(log_level: str = RESULT_LEVEL, *, warn: bool = True) -> BootSettings:
    """Read the boot settings, set up logs by them, where they say none with this level, and create the data folder.

    `warn` of what is set in vain, unless the caller does.

    Raises Misconfigured, naming the value and what is wrong with it.
    """
    boot = read_boot_settings()
    if not boot.data_dir.is_absolute():
        raise Misconfigured(f"GREENROOM_DATA_DIR must be an absolute path, not {boot.data_dir}")
    try:
        boot.data_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise Misconfigured(
            f"the data folder {boot.data_dir} cannot be created: {error.strerror}; set GREENROOM_DATA_DIR"
        ) from error
    setup_logs(boot.log_level or log_level, boot.log_format, boot.secrets)
    _warn_if_exposed(boot)
    if warn:
        _warn_if_mistyped()
    try:
        _warn_if_root_is_a_guest(boot.data_dir)
        _require_access(boot.data_dir)
    except OSError as error:
        raise Misconfigured(f"the data folder {boot.data_dir} cannot be looked at: {error.strerror}") from error
    return boot


def _warn_if_exposed(boot: BootSettings) -> None:
    file = config_file()
    if is_secret_in_file(boot) and file.is_file() and file.stat().st_mode & 0o004:
        logger.bind(file=str(file)).warning(
            "the configuration file holds a password or a key and everybody can read it: chmod 640"
        )


def _warn_if_mistyped() -> None:
    """Say that a name typed wrongly changes nothing: without GREENROOM_DATABASE_URL another database is worked with."""
    for name, meant in unknown_variables().items():
        if meant:
            logger.bind(variable=name, meant=meant).warning(
                "a variable that is set means nothing to Greenroom: mistyped?"
            )


def _warn_if_root_is_a_guest(data_dir: Path) -> None:
    owner = data_dir.stat().st_uid
    if os.geteuid() == 0 and owner != 0:
        logger.bind(data_dir=str(data_dir), owner=users.user(owner)).warning(
            "the data folder belongs to another user, who will not be able to change what root makes now: "
            "run commands as that one, as with sudo -u"
        )


def _require_access(data_dir: Path) -> None:
    """Raise Misconfigured, with what to do, where we cannot work in the data folder or on SQLite's files there."""
    owner, mine = users.user(data_dir.stat().st_uid), users.user(os.geteuid())
    give = f"chown -R {mine}: {shlex.quote(str(data_dir))}"
    advice = f"run greenroom as {owner}, or give this user the folder (`{give}`)"
    if owner == mine:
        advice = f"give it back (`{give}`, `chmod -R u+rwX {shlex.quote(str(data_dir))}`)"
    # Whoever copied SQLite's file as root, or worked with it, may have left those beside it.
    for path in (data_dir, *(data_dir / f"greenroom.db{end}" for end in ("", "-wal", "-shm"))):
        needed = os.R_OK | os.W_OK | (os.X_OK if path == data_dir else 0)
        if path.exists() and not os.access(path, needed, effective_ids=True):
            if full := no_room(os.fsencode(path)):
                raise Misconfigured(f"{path} cannot be written: {full}")
            raise Misconfigured(
                f"{path} cannot be read and written by {users.me()}: it is {users.rights(path.stat())}; {advice}"
            )
