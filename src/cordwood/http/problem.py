"""Errors as answers: application/problem+json (RFC 9457)."""

from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from cordwood.errors import BadQuery, CordwoodError, MethodNotAllowed, Overloaded, Unauthorized, Unavailable

CONTENT_TYPE = b"application/problem+json"

Headers = list[tuple[bytes, bytes]]


class Problem(Struct, frozen=True):
    """An error's body; some errors have more members."""

    type: str
    title: str
    status: int
    detail: str
    hint: str


def problem(error: CordwoodError, members: dict[str, Any] | None = None) -> tuple[int, Headers, bytes]:
    """Status, headers and body for an error; `members` are added to the body."""
    body = {
        "type": f"urn:cordwood:problem:{error.label}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "detail": error.message,
        "hint": error.hint,
        **_place(error),
        **(members or {}),
    }
    headers: Headers = [(b"content-type", CONTENT_TYPE)]
    if isinstance(error, Overloaded | Unavailable):
        headers.append((b"retry-after", str(error.retry_after_s).encode()))
    if isinstance(error, MethodNotAllowed):
        headers.append((b"allow", error.allow.encode()))
    if isinstance(error, Unauthorized):
        headers.append((b"www-authenticate", b'Bearer realm="cordwood"'))
    return error.status, headers, msgspec.json.encode(body)


def _place(error: CordwoodError) -> dict[str, Any]:
    """Where a query is wrong, for whoever shows it beside the text: in characters from its beginning."""
    if not isinstance(error, BadQuery):
        return {}
    return {
        "position": error.position,
        "length": error.length,
        "expected": error.expected,
        "suggestion": error.suggestion,
    }
