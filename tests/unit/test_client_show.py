"""Events for people: readable, and harmless to a terminal."""

import json
import unicodedata

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.client.search import DroppedEvents, Empty, Event, UnknownField
from cordwood.client.show import empty_text, event_text
from cordwood.neutral import neutral, neutral_json


def event(data: str, level: str | None = None, service: str | None = None) -> Event:
    return Event(
        "id", "2026-11-23T10:00:00.000000Z", "2026-11-23T10:00:01.000000Z", level, service, msgspec.Raw(data.encode())
    )


def shown(data: str, level: str | None = None, service: str | None = None) -> str:
    return event_text(event(data, level, service), is_coloured=False)


@pytest.mark.parametrize(
    ("data", "level", "service", "expected"),
    [
        ('{"message":"hello world"}', None, None, "-     hello world"),
        (
            '{"time":"2026-11-23T10:00:00Z","severity":"WARNING","service":"pay","msg":"slow","ms":12.50}',
            "warn",
            "pay",
            "WARN  pay slow ms=12.50",
        ),
        ('{"time":"nonsense","ts":1795428000,"level":"odd"}', None, None, "-     time=nonsense level=odd"),
        (
            '{"a":{"b":1,"c":{}},"d":[1,"x y",null],"e":"","f":"x=y","g":null,"h":true}',
            None,
            None,
            '-     a.b=1 a.c={} d=[1,"x y",null] e="" f="x=y" g=null h=true',
        ),
        ('{"n":1234567890123456789012345678901234567890,"m":1e999}', None, None,
         "-     n=1234567890123456789012345678901234567890 m=1e999"),
        ('{"message":{"nested":1},"log":"line"}', None, None, "-     line message.nested=1"),
    ],
)  # fmt: skip
def test_an_event_is_one_readable_line(data, level, service, expected):
    assert shown(data, level, service) == f"2026-11-23T10:00:00.000000Z {expected}"


HOSTILE = "\x1b[2J\x1b]0;title\x07 \x9b31m \r\n \u202eevil\u2066 \u200b \ufeff \x7f \x00"


def test_no_control_code_gets_through_wherever_it_stands():
    data = {"message": HOSTILE, "nested": {"x": [HOSTILE]}, HOSTILE: HOSTILE, "service": HOSTILE, "level": HOSTILE}
    text = event_text(event(json.dumps(data), HOSTILE, HOSTILE), is_coloured=False)
    assert text.isprintable()
    assert "\\x1b[2J" in text


def test_a_lone_surrogate_can_be_printed():
    assert shown('{"message":"\\ud800 x"}').encode().endswith(b"\\ud800 x")


@given(st.text())
def test_neutral_text_has_no_control_characters(text):
    assert not {unicodedata.category(character) for character in neutral(text)} & {"Cc", "Cs", "Zl", "Zp"}


@given(st.dictionaries(st.text(), st.text()))
def test_neutral_json_means_the_same(fields):
    line = neutral_json(json.dumps(fields, ensure_ascii=False))
    assert json.loads(line) == fields
    assert not any(unicodedata.category(character) in ("Cc", "Zl", "Zp", "Cs") for character in line)


def test_colours_surround_only_what_is_ours():
    text = event_text(event('{"message":"\\u001b[31mred"}', "error", "pay"), is_coloured=True)
    assert "\x1b[31mERROR" in text
    assert "\x1b[31mred" not in text


@pytest.mark.parametrize(
    ("why", "says"),
    [
        (None, "no event matches"),
        (Empty(0), "nothing is stored"),
        (Empty(0, tenant="so it is"), "nothing is stored: so it is"),
        (
            Empty(1, removed_by="a:b", events_before=1, retention=DroppedEvents(1234, "2026-01-01T00:00:00Z")),
            "no event matches: a:b leaves none of 1; retention has dropped 1,234 events of this time range, from "
            "before 2026-01-01T00:00:00Z",
        ),
        (
            Empty(0, events_stored=1200, newest="2026-11-23T12:00:00.000000Z"),
            "no event in this time range; the newest of 1,200 is of 2026-11-23T12:00:00.000000Z",
        ),
        (Empty(10, "a:1", 10), "no event matches: a:1 leaves none of 10"),
        (
            Empty(10, "status=404", 10, meant="status:404"),
            "no event matches: status=404 leaves none of 10, a phrase; a field and its value are written status:404",
        ),
        (
            Empty(10, "serivce:web", 3, unknown_fields=[UnknownField("serivce", "service")]),
            "no event matches: serivce:web leaves none of 3; no event has the field serivce, did you mean service?",
        ),
        (Empty(10, events_matching=4), "no row is left of 4 events"),
        (
            Empty(10, events_matching=4, unknown_fields=[UnknownField("nn", None)]),
            "no row is left of 4 events; no event has the field nn",
        ),
    ],
)
def test_why_nothing_was_found_is_a_sentence(why: Empty | None, says: str) -> None:
    assert empty_text(why) == says
