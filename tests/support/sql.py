"""Questions in SQL, put to a server."""

import json
from typing import Any

from tests.support.processes import Cordwood

OURS, THEIRS = "0123456789abcdef0123", "abcdef0123456789abcd"
"""Keys of two tenants."""


def asked(up: Cordwood, sql: str, accept: str = "application/json", key: str = OURS, **more: Any) -> tuple[int, bytes]:
    """Status and body."""
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", "accept": accept}
    return up.post("/api/v1/sql", json.dumps({"sql": sql, **more}).encode(), **headers)


def rows(up: Cordwood, sql: str, key: str = OURS, **more: Any) -> Any:
    """Of an answer in JSON."""
    status, body = asked(up, sql, key=key, **more)
    assert status == 200, body
    return json.loads(body)["rows"]
