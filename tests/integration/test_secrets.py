"""Keys, passwords and tokens in the database: encrypted with a key beside it, and all that is lost with that key."""

from __future__ import annotations

import datetime as dt
import errno
import json
import os
import stat
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text

import config.secrecy
from config import admin
from config.errors import Misconfigured, NeedsReview
from config.redaction import KNOWN
from config.secrecy import SEALED, Vault, new_key
from config.tables import SettingChange, SettingRow
from daemon import secrecy
from daemon.actions import providers
from daemon.bootstrap import Application, application
from daemon.doctor import examination
from daemon.status import at_a_glance
from processor.players import rows as players
from processor.players.kinds import line_to
from processor.players.player import Player
from tests.commands import chosen, greenroom
from tests.web import Browser, set_up

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
KEY, PASSWORD = "fanart-key-of-ada", "kodi-password-of-ada"
SETTING = "provider.fanart.key"


@pytest.fixture
def app(bare_app: Application) -> Application:
    """An installation with two secrets."""
    enter(bare_app)
    return bare_app


def enter(app: Application, key: str = KEY) -> None:
    with app.database.begin() as connection:
        admin.put(connection, SETTING, key, actor="ada", now=NOW)
        if not players.players(connection):
            players.add(connection, Player(0, "den", "kodi", "http://192.0.2.7:8080", "kodi", PASSWORD), NOW)


def read(app: Application) -> tuple[str, str | None]:
    with app.database.read() as connection:
        return admin.get(connection, SETTING), players.find(connection, "den").secret


def kept(app: Application) -> list[str]:
    """Return what the database itself holds of the secrets."""
    queries = (
        f"SELECT value FROM settings WHERE key = '{SETTING}'",
        f"SELECT new FROM settings_history WHERE key = '{SETTING}'",
        f"SELECT old FROM settings_history WHERE key = '{SETTING}' AND old IS NOT NULL",
        "SELECT secret FROM players",
    )
    with app.database.read() as connection:
        return [value for query in queries for value in connection.scalars(text(query))]


def test_what_the_database_holds_says_nothing_without_the_key_beside_it(app: Application) -> None:
    enter(app, KEY + "2")
    values = kept(app)
    assert len(values) == 5
    assert all(value.startswith(SEALED) for value in values)
    assert not any(secret in value for value in values for secret in (KEY, PASSWORD))
    assert read(app) == (KEY + "2", PASSWORD)
    file = app.vault.file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert file.parent == app.boot.data_dir
    with app.database.begin() as connection:
        change = admin.history(connection, SETTING)[0]
        admin.undo(connection, change["id"], actor="ada", now=NOW)
    assert read(app)[0] == KEY


def test_saying_the_same_secret_again_is_no_change(app: Application) -> None:
    before = kept(app)
    enter(app)
    assert kept(app) == before


def leave_in_clear(app: Application) -> None:
    """Let the secrets be as versions left them that encrypted none."""
    with app.database.begin() as connection:
        connection.execute(text(f"UPDATE settings SET value = '\"{KEY}\"' WHERE key = '{SETTING}'"))
        connection.execute(text(f"UPDATE settings_history SET new = '\"{KEY}\"' WHERE key = '{SETTING}'"))
        connection.execute(text(f"UPDATE players SET secret = '{PASSWORD}'"))


def test_what_an_older_version_left_in_clear_is_read_and_then_encrypted(app: Application) -> None:
    leave_in_clear(app)
    assert read(app) == (KEY, PASSWORD)
    assert secrecy.seal(app.database) == 3
    assert all(value.startswith(SEALED) for value in kept(app))
    assert read(app) == (KEY, PASSWORD)
    assert secrecy.seal(app.database) == 0


@pytest.mark.parametrize("command", ["migrate", "export"])
def test_who_upgrades_or_makes_a_backup_before_the_daemon_starts_leaves_none_in_clear(
    app: Application, tmp_path: Path, command: str
) -> None:
    leave_in_clear(app)
    told = greenroom(command, *([str(tmp_path / "backup.gz")] if command == "export" else []))
    assert told.exit_code == 0, told.output
    assert all(value.startswith(SEALED) for value in kept(app))
    assert read(app) == (KEY, PASSWORD)


def test_a_lost_key_costs_the_secrets_and_a_person_is_asked_for_them(app: Application) -> None:
    app.vault.file.unlink()
    with app.database.read() as connection:
        with pytest.raises(Misconfigured, match="entered again"):
            admin.get(connection, SETTING)
        player = players.find(connection, "den")
    with app.client() as client, pytest.raises(NeedsReview, match="entered again"):
        line_to(client, player)
    fanart = next(row for row in providers.standing(app) if row["name"] == "fanart")
    assert not fanart["on"]
    assert "entered again" in fanart["why"]
    assert len(at_a_glance(app)["problems"]) == 2
    assert [f.level for f in examination.examine(app) if f.code == "secret_lost"] == ["problem", "problem"]
    browser = Browser(app)
    set_up(browser)
    for path in ("/", "/players", "/providers", "/admin/settings"):
        page = browser.client.get(path)
        assert page.status_code == 200
        assert "entered again" in page.text
    assert greenroom("secrets").exit_code == 1
    enter(app, "a-new-one")
    assert read(app)[0] == "a-new-one"
    assert len(at_a_glance(app)["problems"]) == 1
    form = {"csrf": browser.csrf(), "seen": player.mark, "enabled": "true"}
    form |= {"url": "http://192.0.2.7:8080", "user": "kodi"}
    number = player.id
    browser.client.post(f"/players/{number}", data=form)  # without a password: what is kept of it stays
    assert len(at_a_glance(app)["problems"]) == 1
    browser.client.post(f"/players/{number}", data={**form, "secret": "typed again"})
    assert at_a_glance(app)["problems"] == []
    assert read(app) == ("a-new-one", "typed again")


def test_the_key_changes_and_the_old_one_goes(app: Application) -> None:
    (old,) = app.vault.keys()
    before = kept(app)
    told = greenroom("secrets", "rotate")
    assert told.exit_code == 0, told.output
    (new,) = app.vault.keys()
    assert new != old
    assert not set(before) & set(kept(app))
    assert read(app) == (KEY, PASSWORD)
    with pytest.raises(Misconfigured):
        Vault(app.vault.file.with_name("none"), [old]).open(kept(app)[0])


def test_a_rotation_waits_for_another_one_instead_of_forgetting_its_key(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, reads, other_is_over = config.secrecy._write, threading.Event(), threading.Event()

    def late(file: Path, keys: Sequence[str]) -> None:
        if not reads.is_set():  # the first one, which knows only the old key
            reads.set()
            other_is_over.wait(1)
        write(file, keys)

    monkeypatch.setattr(config.secrecy, "_write", late)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(secrecy.rotate, app)
        assert reads.wait(60)
        secrecy.rotate(app)
        other_is_over.set()
        first.result()
    assert read(app) == (KEY, PASSWORD)
    assert len(app.vault.keys()) == 1


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_file_without_a_key_is_named_and_nothing_is_made_in_its_place(app: Application, content: bytes) -> None:
    kept_key = app.vault.file.read_bytes()
    app.vault.file.write_bytes(content)
    assert "no key in" in greenroom("settings", "set", SETTING, "another-key-of-ada").output
    assert at_a_glance(app)["problems"]
    assert app.vault.file.read_bytes() == content
    app.vault.file.write_bytes(kept_key)
    assert read(app) == (KEY, PASSWORD)


def test_a_rotation_that_was_cut_short_reads_with_both_keys_until_the_next_one(app: Application) -> None:
    app.vault.renew()
    assert len(app.vault.keys()) == 2
    (left := app.vault.file.with_name(".secret.key.0a1b2c3d")).write_text("\n".join(app.vault.keys()))
    (copied := app.vault.file.with_name(".secret.key.of-2025")).write_text("a person's, for an older backup")
    enter(app, "typed-in-between")
    assert read(app) == ("typed-in-between", PASSWORD)
    assert secrecy.rotate(app) >= 3
    assert len(app.vault.keys()) == 1
    assert (left.exists(), copied.exists()) == (False, True)
    assert read(app) == ("typed-in-between", PASSWORD)


def test_a_key_from_outside_counts_and_no_file_is_made(
    sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_key(), new_key()
    chosen(monkeypatch, tmp_path, sqlite_url)
    monkeypatch.setenv("GREENROOM_SECRET_KEY", first)
    with application() as app:
        enter(app)
        assert not (tmp_path / "secret.key").exists()
        assert "from outside" in greenroom("secrets").output
        assert greenroom("secrets", "rotate").exit_code != 0
    monkeypatch.setenv("GREENROOM_SECRET_KEY", f"{second} {first}")
    with application() as app:
        assert secrecy.seal(app.database) == 3
    monkeypatch.delenv("GREENROOM_SECRET_KEY")
    (tmp_path / "elsewhere").write_text(second + "\n")
    monkeypatch.setenv("GREENROOM_SECRET_KEY_FILE", str(tmp_path / "elsewhere"))
    with application() as app:
        assert read(app) == (KEY, PASSWORD)
    monkeypatch.delenv("GREENROOM_SECRET_KEY_FILE")
    (tmp_path / "greenroom.secret_key").write_text(second)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with application() as app:
        assert read(app) == (KEY, PASSWORD)
    monkeypatch.setenv("GREENROOM_SECRET_KEY", "hunter2 is no key")
    with pytest.raises(Misconfigured) as refused, application():
        pass
    assert "hunter2" not in refused.value.message


def test_a_key_that_others_may_read_is_not_used(app: Application) -> None:
    app.vault.file.chmod(0o640)
    with pytest.raises(Misconfigured, match="chmod 600"):
        app.vault.keys()
    assert at_a_glance(app)["problems"]  # and nothing stands still for it
    assert any(f.code == "key_exposed" for f in examination.examine(app))
    app.vault.file.chmod(0o600)
    assert read(app) == (KEY, PASSWORD)


def test_a_backup_has_the_secrets_and_not_the_key(
    app: Application, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = greenroom("export", str(tmp_path / "backup.gz"))
    assert told.exit_code == 0, told.output
    assert "secrets in it are encrypted (2)" in told.output
    elsewhere = tmp_path / "elsewhere"
    chosen(monkeypatch, elsewhere, f"sqlite:///{elsewhere}/greenroom.db")
    told = greenroom("import", str(tmp_path / "backup.gz"))
    assert told.exit_code == 0, told.output
    assert f"copy the secret.key of where it was made to {elsewhere}/secret.key" in told.output
    assert SETTING in told.output
    with application() as restored:
        assert len(at_a_glance(restored)["problems"]) == 2
        elsewhere.joinpath("secret.key").write_bytes(app.vault.file.read_bytes())
        elsewhere.joinpath("secret.key").chmod(0o600)
        assert read(restored) == (KEY, PASSWORD)


def test_of_several_first_secrets_all_are_encrypted_with_one_key(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def seal(_: int) -> str:
        together.wait(60)
        return Vault(tmp_path / "secret.key").seal("x")

    with ThreadPoolExecutor(4) as pool:
        sealed = list(pool.map(seal, range(4)))
    vault = Vault(tmp_path / "secret.key")
    assert [vault.open(one) for one in sealed] == ["x"] * 4
    assert len(vault.keys()) == 1
    assert [file.name for file in tmp_path.iterdir()] == ["secret.key"]


def test_who_makes_the_first_key_a_moment_too_late_takes_the_one_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault, link, earlier = Vault(tmp_path / "secret.key"), os.link, []

    def after_somebody_else(fresh: Path, file: Path) -> None:
        monkeypatch.undo()
        earlier.append(Vault(file).seal("theirs"))
        link(fresh, file)

    monkeypatch.setattr("config.secrecy.os.link", after_somebody_else)
    assert vault.open(vault.seal("ours")) == "ours"
    assert vault.open(earlier[0]) == "theirs"
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_a_key_is_on_the_disk_under_its_name_before_anything_is_encrypted_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(tmp_path / "secret.key")
    real, synced = os.fsync, []

    def fsync(fd: int) -> None:
        real(fd)
        is_file = Path(os.readlink(f"/proc/self/fd/{fd}")).is_file()
        synced.append(("bytes" if is_file else "name", len(vault.keys())))

    monkeypatch.setattr("config.secrecy.os.fsync", fsync)
    vault.seal("x")
    assert synced == [("bytes", 0), ("name", 1)]
    vault.renew()
    assert synced[2:] == [("bytes", 1), ("name", 2)]
    vault.seal("y")  # whoever made the newest may have been killed before its name was durable
    assert synced[4:] == [("name", 2)]


def test_what_a_killed_rotation_left_is_gone_for_good_once_the_old_key_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(tmp_path / "secret.key")
    vault.seal("x")
    (tmp_path / ".secret.key.0a1b2c3d").write_text("\n".join(vault.keys()))
    real, names = os.fsync, []

    def fsync(fd: int) -> None:
        real(fd)
        names.append(sorted(path.name for path in tmp_path.iterdir()))

    monkeypatch.setattr("config.secrecy.os.fsync", fsync)
    vault.retire()
    assert names[-1] == ["secret.key"]


def test_a_key_there_is_no_room_for_leaves_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        Vault(tmp_path / "secret.key").seal("hush")
    assert list(tmp_path.iterdir()) == []


def test_no_key_goes_while_a_secret_cannot_be_read(app: Application) -> None:
    (first,) = app.vault.keys()
    app.vault.file.write_text(f"{new_key()}\n")
    enter(app, "typed-anew")  # the player's password cannot be read
    secrecy.rotate(app)
    assert len(app.vault.keys()) == 2
    app.vault.file.write_text("\n".join([*app.vault.keys(), first]))
    assert read(app) == ("typed-anew", PASSWORD)
    secrecy.rotate(app)
    assert len(app.vault.keys()) == 1
    assert read(app) == ("typed-anew", PASSWORD)


def test_a_key_is_masked_in_the_log_from_the_moment_it_is_read(tmp_path: Path) -> None:
    key = new_key()
    assert KNOWN.text(key) == key
    (tmp_path / "secret.key").write_text(key)
    (tmp_path / "secret.key").chmod(0o600)
    Vault(tmp_path / "secret.key").keys()
    assert key not in KNOWN.text(f"it is {key}")


def test_what_a_setting_that_is_no_more_kept_is_told_kept_through_another_key_and_removed_on_request(
    app: Application,
) -> None:
    old, clear = "provider.gone.api_key", "staging_scan.gone"
    with app.database.begin() as connection:
        sealed = app.vault.seal(json.dumps(KEY))
        for key, value in ((old, sealed), (clear, json.dumps(KEY))):
            stamp = {"changed_at": NOW, "changed_by": "ada"}
            connection.execute(insert(SettingRow).values(key=key, value=value, **stamp))
            connection.execute(insert(SettingChange).values(key=key, old=None, new=value, **stamp))
    told = [f.message for f in examination.examine(app) if f.code == "unknown_setting"]
    assert [line.split(",")[0] for line in told] == [f"{old} is set (encrypted)", f"{clear} is set (in clear)"]
    assert greenroom("secrets", "rotate").exit_code == 0
    with app.database.read() as connection:
        assert json.loads(app.vault.open(admin.read_values(connection)[old])) == KEY
    assert KEY not in greenroom("settings", "history").output
    for key in (old, clear):
        assert greenroom("settings", "unset", key).exit_code == 0
    assert greenroom("settings", "unset", clear).exit_code == 2
    with app.database.read() as connection:
        assert not admin.unknown(connection)
        history = [text for change in connection.execute(select(SettingChange)) for text in (change.old, change.new)]
    assert not any(KEY in text for text in history if text)


def test_a_secret_nobody_knows_and_nobody_can_read_holds_nothing_up(app: Application) -> None:
    with app.database.begin() as connection:
        row = {"key": "staging_scan.gone", "value": f"{SEALED}00000000:lost", "changed_at": NOW, "changed_by": "ada"}
        connection.execute(insert(SettingRow).values(row))
    assert app.staging_settings()[1] == []
    assert greenroom("secrets").exit_code == 0
