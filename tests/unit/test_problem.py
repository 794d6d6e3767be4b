"""Errors as answers."""

from typing import Any

import msgspec
import pytest

from cordwood.errors import BadQuery, BadRequest, CordwoodError
from cordwood.http.problem import problem
from cordwood.language.parser import parse


def body_of(error: CordwoodError) -> dict[str, Any]:
    return msgspec.json.decode(problem(error)[2], type=dict[str, Any])


def test_a_query_that_is_not_understood_is_told_with_its_place() -> None:
    with pytest.raises(BadQuery) as raised:
        parse("level:error | stat count() by service", 0)
    body = body_of(raised.value)
    assert (body["status"], body["type"]) == (400, "urn:cordwood:problem:bad_query")
    assert (body["position"], body["length"], body["suggestion"]) == (14, 4, "stats")


def test_other_errors_have_no_place() -> None:
    assert "position" not in body_of(BadRequest("no"))
