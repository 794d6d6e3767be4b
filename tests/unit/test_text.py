"""Text lines → events: nothing of a line is lost."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.protocols.check import error_of
from cordwood.protocols.decoded import Limits
from cordwood.protocols.text import event_of

LIMITS = Limits()
ACCESS = b'192.0.2.1 - - [01/Feb/2026:03:04:05 +0000] "GET / HTTP/1.1" 200 5 "-" "-"'


def read(line: bytes, line_format="text"):
    return json.loads(event_of(line, line_format, LIMITS)[0])


@pytest.mark.parametrize(
    "line", ["", " a line\twith\ttabs ", '"quotes" \\ {braces}', "NUL \x00 ESC \x1b", "größe 🪵", "\r"]
)
def test_a_text_line_is_its_own_message(line):
    assert read(line.encode()) == {"message": line}


def test_a_line_that_is_not_utf8_keeps_its_bytes():
    line = b"caf\xe9 \xff\x00 ok"
    assert read(line) == {
        "message": "caf\\xe9 \\xff\x00 ok",
        "message_base64": base64.b64encode(line).decode(),
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b'  {"a": 1}  ', {"a": 1}),
        (b'{"a": ', {"message": '{"a": '}),
        (b"[1, 2]", {"message": "[1, 2]"}),
        (b"hello x=1", {"message": "hello x=1"}),
        (b"x=1 y=2", {"message": "x=1 y=2"}),
        (b"level=warn disk=sda", {"level": "warn", "disk": "sda", "message": "level=warn disk=sda"}),
        (b'level=warn msg="disk full"', {"level": "warn", "msg": "disk full"}),
    ],
)
def test_auto_decides_for_each_line(line, expected):
    assert read(line, "auto") == expected


def test_auto_reads_access_logs():
    assert read(ACCESS, "auto") == read(ACCESS, "combined")
    assert read(ACCESS, "auto")["status"] == 200


def test_auto_keeps_an_object_that_no_server_takes_as_text():
    deep = b'{"a":' * 200 + b"1" + b"}" * 200
    assert read(deep, "auto") == {"message": deep.decode()}


@pytest.mark.parametrize("line_format", ["combined", "logfmt"])
def test_a_line_that_does_not_follow_the_format_is_a_message(line_format):
    assert read(b"something else", line_format) == {"message": "something else"}


def test_the_bytes_of_a_parsed_line_are_kept_too():
    line = b"level=info user=caf\xe9"
    event = read(line, "logfmt")
    assert event["user"] == "caf\\xe9"
    assert base64.b64decode(event["message_base64"]) == line


def test_a_key_of_the_line_cannot_hide_its_bytes():
    line = b"level=info message_base64=forged x=\xff"
    event = read(line, "logfmt")
    assert base64.b64decode(event["message_base64"]) == line
    assert "forged" in event["message"]


@given(
    st.binary(max_size=200).filter(lambda line: b"\n" not in line),
    st.sampled_from(["text", "combined", "logfmt", "auto"]),
)
def test_every_line_becomes_an_event_that_a_server_takes(line, line_format):
    event, _ = event_of(line, line_format, LIMITS)
    assert b"\n" not in event
    assert error_of(event, LIMITS) is None
    if line_format == "text":
        fields = json.loads(event)
        kept = fields.get("message_base64")
        assert (base64.b64decode(kept) if kept else fields["message"].encode()) == line
