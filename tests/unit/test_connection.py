"""Whose fault it is that a request could not be read."""

import httptools

from cordwood.errors import BadRequest, Unavailable
from cordwood.http.connection import _blamed


class _Failing:
    def on_url(self, url: bytes) -> None:
        raise MemoryError


def broken(head: bytes) -> httptools.HttpParserError:
    try:
        httptools.HttpRequestParser(_Failing()).feed_data(head)
    except httptools.HttpParserError as error:
        return error
    raise AssertionError("it was read")


def test_our_own_failure_is_not_blamed_on_the_sender() -> None:
    assert isinstance(_blamed(broken(b"GET / HTTP/1.1\r\n\r\n")), Unavailable)
    assert isinstance(_blamed(broken(b"\x16\x03\x01")), BadRequest)
