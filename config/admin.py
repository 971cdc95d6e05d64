"""The admin settings table ↔ typed values: read fresh, written with validation, every change kept. Their SQL."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from config.database import one_writer
from config.errors import Misconfigured
from config.reasons import MASK
from config.secrecy import SEALED, is_sealed, resealed, seal, unseal
from config.sections import Section, StagingScan
from config.settings import REGISTRY, find_setting, load_section
from config.tables import SettingChange, SettingRow


def read_values(connection: Connection) -> dict[str, str]:
    """Return every changed setting as stored, a secret encrypted: key → JSON text."""
    return {row.key: row.value for row in connection.execute(select(SettingRow.key, SettingRow.value))}


def read_section(connection: Connection, prefix: str) -> tuple[Section, list[str]]:
    """Read one section; see load_section for what comes back when a stored value cannot be read."""
    return _section(connection, prefix, read_values(connection))


def read_sections(connection: Connection, prefixes: Iterable[str]) -> dict[str, tuple[Section, list[str]]]:
    """Read several sections, by their prefixes, as `read_section` does one."""
    values = read_values(connection)
    return {prefix: _section(connection, prefix, values) for prefix in prefixes}


def _section(connection: Connection, prefix: str, values: Mapping[str, str]) -> tuple[Section, list[str]]:
    start = len(prefix) + 1
    stored: dict[str, str] = {}
    problems: list[str] = []
    for key, value in values.items():
        if key.startswith(f"{prefix}.") and key in REGISTRY:
            try:
                stored[key[start:]] = _opened(connection, key, value)
            except Misconfigured as error:
                problems.append(error.message)
    return load_section(prefix, stored, problems)


def _opened(connection: Connection, key: str, value: str) -> str:
    """Return a stored value as JSON. Raises Misconfigured where it is a secret whose key is not here."""
    try:
        return unseal(connection, value)
    except Misconfigured as error:
        raise Misconfigured(f"{key} has to be entered again: {error.message}", code=error.reason_code) from None


def staging_scan(connection: Connection) -> tuple[StagingScan, list[str]]:
    """Read the settings of the staging cycle."""
    section, problems = read_section(connection, "staging_scan")
    assert isinstance(section, StagingScan)
    return section, problems


def get(connection: Connection, key: str) -> Any:
    """Return the value in force of one setting. Raises Misconfigured for an unknown key or an unreadable value."""
    setting = find_setting(key)
    row = connection.execute(select(SettingRow.value).where(SettingRow.key == setting.key)).first()
    return setting.default if row is None else setting.load(_opened(connection, setting.key, row.value))


def put(connection: Connection, key: str, value: Any, *, actor: str, now: dt.datetime) -> Any:
    """Validate and store one setting, and remember who changed it from what. Return the typed value.

    `value` may be text; None goes back to the default. Raises Misconfigured when it is not valid: then nothing changed.
    """
    setting = find_setting(key)
    typed = setting.default if value is None else setting.parse(value)
    new = None if value is None else json.dumps(typed)
    one_writer(connection, SettingRow.__tablename__)
    old = connection.execute(select(SettingRow.value).where(SettingRow.key == setting.key)).scalar()
    if old == new or (old is not None and _is(connection, old, new)):
        return typed
    if setting.is_secret and new is not None:
        new = seal(connection, new)
    connection.execute(delete(SettingRow).where(SettingRow.key == setting.key))
    stamp = {"changed_at": now, "changed_by": actor}
    if new is not None:
        connection.execute(insert(SettingRow).values(key=setting.key, value=new, **stamp))
    connection.execute(insert(SettingChange).values(key=setting.key, old=old, new=new, **stamp))
    return typed


def _is(connection: Connection, kept: str, value: str | None) -> bool:
    """Whether a stored value says what is to be stored; one that cannot be read says something else."""
    try:
        return unseal(connection, kept) == value
    except Misconfigured:
        return False


def history(connection: Connection, key: str | None = None, limit: int = 50) -> Sequence[dict[str, Any]]:
    """Return the newest changes, newest first: key, old, new (JSON text), changed_at, changed_by."""
    query = select(SettingChange.__table__).order_by(SettingChange.id.desc()).limit(limit)
    if key is not None:
        query = query.where(SettingChange.key == find_setting(key).key)
    return [_without_secrets(dict(row._mapping)) for row in connection.execute(query)]


def _without_secrets(change: dict[str, Any]) -> dict[str, Any]:
    setting = REGISTRY.get(change["key"])
    if setting is not None and not setting.is_secret:
        return change  # what nobody knows may have been a secret
    masked = {name: json.dumps(MASK, ensure_ascii=False) for name in ("old", "new") if change[name] is not None}
    return {**change, **masked}


def reset(connection: Connection, prefix: str, *, actor: str, now: dt.datetime) -> None:
    """Go back to the defaults of one section, and remember who did."""
    for key in read_values(connection):
        if key.startswith(f"{prefix}.") and key in REGISTRY:
            put(connection, key, None, actor=actor, now=now)


def undo(connection: Connection, change_id: int, *, actor: str, now: dt.datetime) -> str:
    """Set a setting back to what it was before one change; return its key. Raises Misconfigured if there is none."""
    row = connection.execute(select(SettingChange.__table__).where(SettingChange.id == change_id)).first()
    if row is None:
        raise Misconfigured(f"there is no change {change_id} in the history", code="unknown_change")
    setting = find_setting(row.key)
    old = None if row.old is None else setting.load(_opened(connection, row.key, row.old))
    put(connection, row.key, old, actor=actor, now=now)
    return setting.key


def secrets(connection: Connection) -> list[str]:
    """Return the settings in force that are secrets."""
    return [key for key in sorted(read_values(connection)) if key in REGISTRY and REGISTRY[key].is_secret]


def lost_secrets(connection: Connection) -> list[str]:
    """Return, of each setting in force whose secret cannot be read, that a person has to enter it again."""
    found = []
    for key, value in sorted(read_values(connection).items()):
        try:
            if key in REGISTRY:
                _opened(connection, key, value)
        except Misconfigured as error:
            found.append(error.message)
    return found


def unknown(connection: Connection) -> dict[str, bool]:
    """Return the settings another version left that this one does not know: whether their values are encrypted."""
    return {key: is_sealed(value) for key, value in sorted(read_values(connection).items()) if key not in REGISTRY}


def forget(connection: Connection, key: str, *, actor: str, now: dt.datetime) -> None:
    """Remove the value of a setting nobody knows, and encrypt what the history says of it: it may have been a secret.

    Raises Misconfigured (`unknown_setting`) where there is none.
    """
    one_writer(connection, SettingRow.__tablename__)
    if key not in unknown(connection):
        find_setting(key)
    old = connection.execute(delete(SettingRow).where(SettingRow.key == key).returning(SettingRow.value)).scalar_one()
    connection.execute(insert(SettingChange).values(key=key, old=old, new=None, changed_at=now, changed_by=actor))
    _reseal(connection, SettingChange, SettingChange.id, ("old", "new"), SettingChange.key == key)


def reseal(connection: Connection) -> int:
    """Encrypt every secret, in force or in the history, with the newest key; return how many were not.

    So is what is encrypted of settings nobody knows, or the next key would lose it.
    """
    one_writer(connection, SettingRow.__tablename__)
    identities: tuple[tuple[Any, Any, tuple[str, ...]], ...] = (
        (SettingRow, SettingRow.key, ("value",)),
        (SettingChange, SettingChange.id, ("old", "new")),
    )
    secret = [key for key, setting in REGISTRY.items() if setting.is_secret]
    done = 0
    for row, identity, columns in identities:
        done += _reseal(connection, row, identity, columns, row.key.in_(secret))
        for name in columns:
            left = and_(row.key.not_in(REGISTRY), getattr(row, name).startswith(SEALED))
            done += _reseal(connection, row, identity, (name,), left)
    return done


def _reseal(connection: Connection, row: Any, identity: Any, columns: tuple[str, ...], which: Any) -> int:
    done = 0
    for found in connection.execute(select(row.__table__).where(which)).mappings().all():
        kept = {name: found[name] for name in columns if found[name] is not None}
        fresh = {name: new for name, value in kept.items() if (new := resealed(connection, value)) is not None}
        if fresh:
            connection.execute(update(row).where(identity == found[identity.key]).values(fresh))
        done += len(fresh)
    return done
