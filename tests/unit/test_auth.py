"""The spellings of a key in a request, and what its absence, its ignorance and its scope are answered with."""

import base64

import pytest

from cordwood.errors import Forbidden, Unauthorized
from cordwood.http.auth import authenticate, token_of
from cordwood.model.tenant import Tenant
from cordwood.tenancy.interface import Grant

KEY = "cw_0123456789ab_secret"


def basic(text: str) -> bytes:
    return b"Basic " + base64.b64encode(text.encode())


@pytest.mark.parametrize(
    ("headers", "token"),
    [
        ({}, None),
        ({b"authorization": b"Bearer " + KEY.encode()}, KEY),
        ({b"authorization": b"bearer   " + KEY.encode() + b"  "}, KEY),
        ({b"authorization": basic(f"anyone:{KEY}")}, KEY),
        ({b"authorization": basic(f":{KEY}")}, KEY),
        ({b"authorization": basic("user:pass:word")}, "pass:word"),
        ({b"authorization": basic(KEY)}, ""),
        ({b"authorization": b"Basic !!!"}, ""),
        ({b"x-api-key": KEY.encode()}, KEY),
        ({b"x-api-key": b" " + KEY.encode()}, KEY),
        ({b"authorization": b"Bearer other", b"x-api-key": KEY.encode()}, "other"),
        ({b"authorization": b"Digest x", b"x-api-key": KEY.encode()}, KEY),
        ({b"authorization": b""}, None),
    ],
)
def test_spellings(headers: dict[bytes, bytes], token: str | None) -> None:
    assert token_of(headers) == token


class _OneKey:
    def grant(self, token: str | None) -> Grant | None:
        return Grant(Tenant("acme"), frozenset({"query"}), "key 1") if token == KEY else None


def test_no_key_a_wrong_key_and_a_wrong_scope_are_told_apart() -> None:
    with pytest.raises(Unauthorized, match="needs an api key"):
        authenticate({}, _OneKey(), "query")
    with pytest.raises(Unauthorized, match="not known"):
        authenticate({b"x-api-key": b"wrong"}, _OneKey(), "query")
    with pytest.raises(Forbidden, match="'ingest'"):
        authenticate({b"x-api-key": KEY.encode()}, _OneKey(), "ingest")
    assert authenticate({b"x-api-key": KEY.encode()}, _OneKey(), "query").tenant == "acme"
