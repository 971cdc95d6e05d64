"""Doctor names files with secrets that everybody on the machine may read, and no others."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.boot import BootSettings
from daemon.doctor.exposed import examine_exposed


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder that anybody can reach."""
    with tempfile.TemporaryDirectory(prefix="greenroom-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


def exposed(folder: Path) -> list[str]:
    boot = BootSettings(data_dir=folder, secret_key_file=folder / "key")
    return [finding.message.partition("`")[2] for finding in examine_exposed(boot, folder / "greenroom.db")]


def test_what_everybody_may_read_is_named_with_what_ends_that(folder: Path) -> None:
    for name in ("greenroom.db", "key"):
        (folder / name).touch(0o660)
        (folder / name).chmod(0o664)
    assert exposed(folder) == [f"chmod o= {folder / name}`" for name in ("greenroom.db", "key")]
    (folder / "key").chmod(0o660)
    assert exposed(folder) == [f"chmod o= {folder / 'greenroom.db'}`"]
    folder.chmod(0o750)
    assert exposed(folder) == []


def test_a_configuration_counts_where_a_password_stands_in_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "greenroom.toml"
    monkeypatch.setenv("GREENROOM_CONFIG_FILE", str(file))
    file.write_text('database_url = "postgresql://ada:p%40ss@localhost/greenroom"')
    file.chmod(0o644)
    assert exposed(folder) == [f"chmod o= {file}`"]
    monkeypatch.setenv("GREENROOM_DATABASE_URL", "postgresql://ada:greenroom@localhost/greenroom")
    file.write_text('data_dir = "/var/lib/greenroom"')  # no password is told by that word
    assert exposed(folder) == []
