"""Boot settings: where each value comes from, and what is said about a bad one."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import pwd
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config import starting
from config.boot import BootSettings, default_data_dir, is_secret_in_file, unknown_variables
from config.database import Database
from config.errors import Misconfigured
from config.schema import migrate

SECRET_URL = "postgresql+psycopg://greenroom:hunt%40er22@db/greenroom"


@pytest.fixture(autouse=True)
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The configuration file of a clean environment; it does not exist yet."""
    for name in [name for name in os.environ if name.startswith("GREENROOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GREENROOM_CONFIG_FILE", str(tmp_path / "greenroom.toml"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    return tmp_path / "greenroom.toml"


def test_the_environment_goes_before_the_file_and_the_file_before_the_default(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f'data_dir = "{tmp_path}/from-file"\nlog_level = "DEBUG"\n')
    monkeypatch.setenv("GREENROOM_DATA_DIR", f"{tmp_path}/from-environment")
    boot = starting.set_up()
    assert (boot.data_dir, boot.log_level, boot.log_format) == (tmp_path / "from-environment", "DEBUG", "auto")


def test_it_does_not_matter_in_which_case_a_setting_is_spelt(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('WEB = "127.0.0.1:1"\nLog_Level = "INFO"\nLOG_FORMAT = "json"\n')
    monkeypatch.setenv("greenroom_log_format", "text")
    boot = BootSettings()
    assert (boot.web, boot.log_level, boot.log_format) == ("127.0.0.1:1", "INFO", "text")


def test_a_variable_of_another_program_hides_no_secret_of_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f'database_url = "{SECRET_URL}"\n')
    monkeypatch.setenv("DATABASE_URL", "sqlite://")
    assert is_secret_in_file(BootSettings())
    monkeypatch.setenv("GREENROOM_DATABASE_URL", SECRET_URL)
    assert not is_secret_in_file(BootSettings())


def test_the_data_folder_is_made_and_closed_to_others(file: Path, tmp_path: Path) -> None:
    file.touch()
    boot = starting.set_up()
    assert boot.data_dir == tmp_path / "state"
    assert boot.data_dir.stat().st_mode & 0o007 == 0


def test_the_first_state_directory_of_systemd_is_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/a:/var/lib/b")
    assert default_data_dir() == Path("/var/lib/a")


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('data_dri = "/tmp"', "nothing of that name is known"),
        ('log_level = "LOUD"', "must be 'TRACE', 'DEBUG', 'INFO', 'WARNING' or 'ERROR'"),
        ('web = "7788"', "must be HOST:PORT"),
    ],
)
def test_what_is_wrong_in_the_file_is_said_in_words(file: Path, line: str, told: str) -> None:
    file.write_text(line)
    with pytest.raises(Misconfigured, match=rf"\): {told}"):
        starting.set_up()


@contextlib.contextmanager
def another_user() -> Iterator[None]:
    """Be somebody else for a while, which only root can."""
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("name", ["greenroom.db", "greenroom.db-wal", "greenroom.db-shm"])
def test_a_database_that_belongs_to_another_user_is_refused_with_the_way_out(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """As after `sudo greenroom libraries add` in the folder of the service."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        Path(folder, "greenroom.toml").touch()
        monkeypatch.setenv("GREENROOM_CONFIG_FILE", f"{folder}/greenroom.toml")
        monkeypatch.setenv("STATE_DIRECTORY", folder)
        os.chown(folder, 65534, -1)
        database = Path(folder, name)
        database.touch(mode=0o644)
        with another_user(), pytest.raises(Misconfigured, match=rf"it is root:.*; give it back .*: {folder}`"):
            starting.set_up()
        os.chown(database, 65534, -1)
        with another_user():
            assert str(starting.set_up().data_dir) == folder


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_folder_that_its_user_may_not_enter_is_refused_with_the_way_out(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        monkeypatch.delenv("GREENROOM_CONFIG_FILE")
        monkeypatch.setenv("STATE_DIRECTORY", folder)
        os.chown(folder, 65534, -1)
        os.chmod(folder, 0o600)
        with another_user(), pytest.raises(Misconfigured, match=rf"drw-------; give it back .*u\+rwX {folder}`"):
            starting.set_up()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
def test_a_folder_of_root_is_refused_with_how_to_give_it_to_a_user_of_a_container(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(prefix="greenroom-") as folder:
        monkeypatch.delenv("GREENROOM_CONFIG_FILE")
        monkeypatch.setenv("STATE_DIRECTORY", folder)
        os.chmod(folder, 0o755)
        with another_user(), pytest.raises(Misconfigured, match=rf"it is root:.*give this user .* {folder}`"):
            starting.set_up()


def test_a_data_folder_on_a_disk_that_became_read_only_is_told_of_and_nobody_sent_for_rights(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.touch()
    starting.set_up()
    here = os.statvfs(tmp_path)
    read_only = os.statvfs_result((*here[:8], here.f_flag | os.ST_RDONLY, *here[9:]))
    monkeypatch.setattr(os, "statvfs", lambda _path: read_only)
    monkeypatch.setattr(os, "access", lambda _path, mode, **_how: not mode & os.W_OK)
    with pytest.raises(Misconfigured, match=r"state cannot be written: its disk is mounted read-only"):
        starting.set_up()


def test_a_data_folder_whose_disk_does_not_answer_is_told_of(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.touch()
    stat = os.stat

    def stale(path: str | Path, **options: Any) -> os.stat_result:
        if Path(path).is_relative_to(tmp_path / "state"):
            raise OSError(errno.ESTALE, os.strerror(errno.ESTALE))
        return stat(path, **options)

    starting.set_up()
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: None)  # it is there
    monkeypatch.setattr(os, "stat", stale)
    with pytest.raises(Misconfigured, match=r"state cannot be looked at: Stale file handle"):
        starting.set_up()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be warned")
def test_root_is_warned_of_working_in_the_folder_of_another(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file.write_text('log_level = "ERROR"\n')
    data_dir = starting.set_up().data_dir
    os.chown(data_dir, 65534, -1)
    starting.set_up()
    assert capsys.readouterr().err == "", "whoever wants errors alone is told no warning"
    file.write_text('log_format = "json"\n')
    starting.set_up()
    told = json.loads(capsys.readouterr().err)
    assert (told["level"], told["owner"]) == ("WARNING", "nobody")
    assert "the data folder belongs to another user" in told["message"]


def test_the_database_is_a_file_in_the_data_folder_unless_said_otherwise(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.touch()
    odd = tmp_path / "what? 100% #1 ü"
    monkeypatch.setenv("GREENROOM_DATA_DIR", str(odd))
    database = Database(starting.set_up().url)
    migrate(database)
    database.close()
    assert (odd / "greenroom.db").is_file()

    monkeypatch.setenv("GREENROOM_DATABASE_URL", SECRET_URL)
    assert starting.set_up().url == SECRET_URL


def test_showing_the_settings_masks_the_password(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()
    monkeypatch.setenv("GREENROOM_DATABASE_URL", SECRET_URL)
    boot = starting.set_up()
    for shown in (repr(boot), str(boot), repr(boot.model_dump()), boot.model_dump_json()):
        assert "hunt" not in shown


@pytest.mark.parametrize(
    "url",
    [
        SECRET_URL,
        "postgresql://db/greenroom?user=greenroom&password=hunt%40er22",
        f"{SECRET_URL}\n",
    ],
)
def test_the_password_is_known_as_a_secret(url: str) -> None:
    assert BootSettings(database_url=url).secrets == ["hunt@er22"]


@pytest.mark.parametrize("letter", "/?#[:% ")
def test_a_password_that_is_written_as_it_is_is_known_too(letter: str) -> None:
    assert BootSettings(database_url=f"postgresql://me:hunt{letter}er@db/greenroom").secrets == [f"hunt{letter}er"]


def test_a_line_break_at_its_end_is_no_part_of_the_url() -> None:
    assert BootSettings(database_url="postgresql://db/greenroom\n").url == "postgresql://db/greenroom"


def test_without_a_password_there_is_no_secret() -> None:
    assert BootSettings().secrets == []


def test_a_bad_value_is_named_and_not_printed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(f'database_url = ["{SECRET_URL}"]\n')
    monkeypatch.setenv("GREENROOM_LOG_LEVEL", "LOUD")
    with pytest.raises(Misconfigured) as caught:
        starting.set_up()
    assert "GREENROOM_LOG_LEVEL" in caught.value.message
    assert "GREENROOM_DATABASE_URL" in caught.value.message
    assert "hunt" not in caught.value.message
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_who_has_no_home_as_a_number_in_a_container_is_told_what_to_set(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    for name in ("HOME", "XDG_DATA_HOME", "STATE_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(os, "geteuid", lambda: 1500)
    with pytest.raises(Misconfigured, match="has no home folder; set GREENROOM_DATA_DIR"):
        starting.set_up()


def test_an_unknown_name_in_the_file_is_named_with_the_file(file: Path) -> None:
    file.write_text('datadir = "/x"\n')
    with pytest.raises(Misconfigured, match=rf"datadir \({file}\)"):
        starting.set_up()


@pytest.mark.parametrize("content", [b"data_dir = ", b"\xff\xfe", b"data_dir = 1\ndata_dir = 2\n"])
def test_a_file_that_is_no_toml_is_named(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match=rf"configuration file {file} cannot be read"):
        starting.set_up()


def test_a_configuration_file_that_was_asked_for_must_be_there(file: Path) -> None:
    with pytest.raises(Misconfigured, match="GREENROOM_CONFIG_FILE"):
        starting.set_up()


@pytest.mark.parametrize("value", ["relative/folder", ""])
def test_the_data_folder_must_be_absolute(file: Path, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    file.touch()
    monkeypatch.setenv("GREENROOM_DATA_DIR", value)
    with pytest.raises(Misconfigured, match="GREENROOM_DATA_DIR must be an absolute path"):
        starting.set_up()


def test_a_data_folder_that_cannot_be_made_is_named(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()
    monkeypatch.setenv("GREENROOM_DATA_DIR", f"{file}/below-a-file")
    with pytest.raises(Misconfigured, match="below-a-file cannot be created"):
        starting.set_up()


def test_a_file_with_a_password_that_everybody_can_read_is_warned_about(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(f'database_url = "{SECRET_URL}"\n')
    file.chmod(0o644)
    starting.set_up()
    told = capsys.readouterr().err
    assert "everybody can read it" in told
    assert "hunt" not in told


def test_nothing_is_said_about_a_closed_file_or_one_without_a_password(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f'database_url = "{SECRET_URL}"\n')
    file.chmod(0o640)
    starting.set_up()
    file.write_text('log_level = "INFO"\n')
    file.chmod(0o644)
    starting.set_up()
    monkeypatch.setenv("GREENROOM_DATABASE_URL", SECRET_URL)  # the password is in the environment, not in the file
    starting.set_up()
    assert capsys.readouterr().err == ""


def test_proxies_are_addresses_and_networks(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text('web_proxies = "127.0.0.1, 10.1.2.3/8,fd00::/8"\n')
    assert [str(one) for one in starting.set_up().proxies] == ["127.0.0.1/32", "10.0.0.0/8", "fd00::/8"]
    monkeypatch.setenv("GREENROOM_WEB_PROXIES", "nginx.example")
    with pytest.raises(Misconfigured, match=r"as 127\.0\.0\.1 or 10\.0\.0\.0/8, not nginx\.example"):
        starting.set_up()


@pytest.mark.parametrize(
    ("written", "base"),
    [
        ("", ""),
        ("/", ""),
        ("greenroom", "/greenroom"),
        ("/greenroom", "/greenroom"),
        (" /greenroom/ ", "/greenroom"),
        ("apps/green.room", "/apps/green.room"),
    ],
)
def test_the_path_the_page_is_below_is_known_however_it_is_written(file: Path, written: str, base: str) -> None:
    file.write_text(f'web_base = "{written}"\n')
    assert starting.set_up().web_base == base


@pytest.mark.parametrize(
    "written", ["https://home.example/greenroom", "/a//b", "/a/../b", "/.a", "/grün", "/a b", "/a?b"]
)
def test_what_is_no_path_for_the_page_is_refused(file: Path, written: str) -> None:
    file.write_text(f'web_base = "{written}"\n')
    with pytest.raises(Misconfigured, match=r"GREENROOM_WEB_BASE.*must be a path, as /greenroom"):
        starting.set_up()


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("GREENROOM_DATABSE_URL", "GREENROOM_DATABASE_URL"), ("GREENROOM_LOGLEVEL", "GREENROOM_LOG_LEVEL"),
        ("GREENROOM_BENCH_DIR", None), ("GREENROOM_FAULTS", None), ("GREENROOM_EXAMPLES", None),
        ("GREENROOM_SUPYSONIC", None), ("GREENROOM_UNIT", None), ("GREENROOM_PLAYERS", None),
        ("GREENROOM_FILESYSTEMS", None), ("GREENROOM_TEST_WORKERS", None), ("GREENROOM_SCHEMA_EXAMPLES", None),
    ],
)  # fmt: skip
def test_a_variable_that_is_typed_wrongly_is_told_and_one_of_somebody_else_is_not(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, meant: str | None
) -> None:
    file.touch()
    monkeypatch.setenv(name, "x")
    starting.set_up()
    told = capsys.readouterr().err
    assert unknown_variables() == {name: meant}
    assert (name in told, str(meant) in told) == (meant is not None, meant is not None)


def test_a_variable_in_other_letters_is_ours_as_well(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.touch()
    monkeypatch.setenv("GREENROOM_Log_Level", "DEBUG")
    assert (starting.set_up().log_level, unknown_variables()) == ("DEBUG", {})
