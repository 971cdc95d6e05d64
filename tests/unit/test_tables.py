"""What a list prints into a pipe: a row a line, whole, in columns that people can read."""

from __future__ import annotations

import pytest

from daemon.cli.output import print_table


def test_one_endless_name_does_not_push_the_others_apart(capsys: pytest.CaptureFixture[str]) -> None:
    endless = "é" * 500
    print_table([(1, endless, "1999"), (20, "Ada", None), (3, "Bo", "2004")], ("id", "artist", "year"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == f"1   {endless}  1999"  # whole, so that grep finds it
    assert lines[2] == "20  Ada"
    assert lines[0].index("year") == lines[3].index("2004") < 80
