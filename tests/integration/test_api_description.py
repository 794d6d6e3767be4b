"""Every service describes itself, and does what the description says, whatever is asked of it."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import Cordwood

KEY = "0123456789abcdef0123"
CASES = os.environ.get("CORDWOOD_TEST_API_CASES", "10")
"""Examples of each kind that schemathesis makes for one operation."""
SEED = os.environ.get("CORDWOOD_TEST_SEED", "1")
ITSELF = {"/health", "/ready", "/metrics", "/api/v1/openapi.json"}
INGEST = {"/log", "/api/v1/ingest"}
TAIL = "/api/v1/tail"
"""Its answer has no end: `test_tail.py` asks it."""
EXPLORING = {"/api/v1/fields", "/api/v1/fields/{name}/values", "/api/v1/facets", "/api/v1/context", "/api/v1/explain"}
LINE = {"/api/v1/query/check", "/api/v1/query/complete", "/api/v1/query/refine"}
QUERY = (
    {
        "/api/v1/query",
        "/api/v1/query/count",
        "/api/v1/query/cost",
        "/api/v1/events/{id}",
        "/api/v1/histogram",
        "/api/v1/queries",
        TAIL,
    }
    | EXPLORING
    | LINE
)
# What a schema cannot say makes some valid requests wrong: `start` before `end`, an intact cursor, a body that is
# compressed as its header says.
NOT_ASKED = "positive_data_acceptance"


@pytest.mark.parametrize(
    ("service", "expected"),
    [("up", ITSELF | INGEST | QUERY), ("api", ITSELF | INGEST), ("query", ITSELF | QUERY), ("worker", ITSELF)],
)
def test_every_service_describes_what_it_serves(tmp_path: Path, service: str, expected: set[str]) -> None:
    if service == "query":  # a reader needs a store that is there
        assert Cordwood("migrate", tmp_path / "data").run().returncode == 0
    with Cordwood(service, tmp_path / "data") as process:
        described = process.json("/api/v1/openapi.json")
        assert set(described["paths"]) >= expected
        for path, operations in described["paths"].items():
            for method in operations if path != TAIL else ():
                status, body = process.ask(method.upper(), path.replace("{id}", "x"))
                assert status != 405, path
                assert status != 404 or json.loads(body)["detail"] != f"there is no {path}"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("parts", ["embedded", "services"])
def test_whatever_is_asked_is_answered_as_described(request: pytest.FixtureRequest, tmp_path: Path, parts: str) -> None:
    urls = request.getfixturevalue("service_urls") if parts == "services" else {}
    with Cordwood("up", tmp_path / "data", tenancy_api_keys=KEY, **urls) as up:
        asked = subprocess.run(
            [
                *(sys.executable, "-m", "schemathesis.cli", "run", f"{up.url}/api/v1/openapi.json"),
                *("--exclude-path", TAIL),
                *("--checks", "all", "--exclude-checks", NOT_ASKED, "--max-examples", CASES, "--seed", SEED),
                *("--header", f"Authorization: Bearer {KEY}", "--no-color", "--continue-on-failure"),
            ],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stdout + asked.stderr
        cases = re.search(r"(\d+) generated", asked.stdout)
        assert cases is not None
        print(f"{parts}: {cases[1]} cases")
        assert int(cases[1]) >= 200
        assert up.get("/health")[0] == 200
        assert "request_failed" not in up.log()
