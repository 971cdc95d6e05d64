"""schemathesis against a real server: whatever the API's own description allows, and what it does not, is no 500."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
import sys
from pathlib import Path

import pytest

from config import tokens
from daemon.bootstrap import application
from daemon.web.server import WebServer
from tests.commands import chosen
from tests.everything import everything_says
from tests.web import NAME, add_roots, new_account, patient

HOUSE = Path(__file__).parents[2]
LONG = os.environ.get("GREENROOM_SCHEMA_EXAMPLES")  # of each operation, on both databases; try 500 by hand
DATABASES = ["sqlite_url", "postgres_url"] if LONG else ["postgres_url"]  # the stricter one of the two
PHASES = "examples,coverage,fuzzing" if LONG else "examples,fuzzing"
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"


@pytest.mark.postgres
@pytest.mark.timeout(0 if LONG else 300)
@pytest.mark.parametrize("database", DATABASES)
def test_no_request_makes_the_api_fail(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    database_url = request.getfixturevalue(database)
    chosen(monkeypatch, tmp_path / "data", database_url)
    with application() as app:
        patient(app)  # or a disk that is late is a 503, too
        add_roots(app, tmp_path)
        new_account(app)
        everything_says(app, "Ada")
        with app.database.begin() as connection:
            key = tokens.add_key(connection, NAME, "schema", tokens.SCOPES, dt.datetime.now(dt.UTC))
        with WebServer(app, ("127.0.0.1", 0)) as server:
            host, port = server.address
            ran = subprocess.run(
                [
                    *(str(Path(sys.executable).with_name("schemathesis")), "run"),
                    f"http://{host}:{port}/api/v1/openapi.json",
                    *("--header", f"X-Api-Key: {key}"),
                    *("--checks", CHECKS, "--max-examples", LONG or "6", "--seed", "1", "--workers", "2"),
                    *("--exclude-path-regex", "/readyz|/test$"),  # 503 is an answer: a root, or a player, is not there
                    *("--phases", PHASES, "--generation-database", "none", "--no-color"),
                ],
                cwd=tmp_path,
                capture_output=True,
                text=True,
                check=False,
            )
        app.ongoing.stop()
        app.ongoing.is_idle()
    assert ran.returncode == 0, ran.stdout[-20_000:] + ran.stderr[-5_000:]
