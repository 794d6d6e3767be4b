"""Whether an event matches, beyond what the page shows."""

import json
from typing import Any
from uuid import UUID

import pytest

from cordwood.language.match import Seen, matcher
from cordwood.language.parser import parse_filter
from cordwood.model.derive import derive

NOW_US = 1_795_435_200_000_000


def seen(event: dict[str, Any]) -> Seen:
    derived = derive(json.dumps(event).encode(), NOW_US)
    return Seen(
        event,
        event_id=UUID("01920000-0000-7000-8000-000000000001"),
        timestamp_us=derived.timestamp_us,
        inserted_at_us=NOW_US,
        level=derived.level,
        service=derived.service,
    )


def matches(query: str, event: dict[str, Any]) -> bool:
    return matcher(parse_filter(query, NOW_US))(seen(event))


@pytest.mark.parametrize(
    ("query", "message", "is_match"),
    [
        ("error", "ERROR", True),
        ("error", "errors", False),
        ("error", "error_code", False),
        ("error", "error-code", True),
        ("error", "éerror", False),
        ("error", "error…", False),
        ("error", "(error)", True),
        ("error", "a\0error\0b", True),
        ("straße", "Straße", True),
        ("ä", "Ä", False),
        ("kelvin", "\u212aelvin", False),
        ("ß", "SS", False),
        ('"a b"', "a b", True),
        ('"a b"', "xa b", False),
        ('"a b"', "A B.", True),
        ('"a b"', "a  b", False),
        ('"a b"', "a bc a b", True),
        ('"="', "x=y", True),
        ('" a"', "b a", True),
        ('"a."', "a.b", True),
        ('".a"', "b.ab", False),
        ('"\\n"', "a\nb", True),
        ("fail*", "Failing", True),
        ("fail*", "fail", True),
        ("*fail", "unfail", True),
        ("*fail", "fails", False),
        ("*ai*", "failing", True),
        ("f?il", "fail", True),
        ("f?il", "fil", False),
        ("f?il", "f il", False),
        ("a*c", "a c", False),
        ("a*c", "aéc", True),
        (r"a\*", "a*", True),
        (r"a\*", "ab", False),
        ("x-*-z", "x-y1-z", True),
        ("x-*-z", "x-y-1-z", False),
        ("10.0.*", "at 10.0.5.7", True),
        ("/^a.c$/", "abc", True),
        ("/^a.c$/", "a\nc", False),
        ("/(?s)^a.c$/", "a\nc", True),
        ("/^b/", "a\nb", False),
        ("/ABC/", "abc", False),
        ("/(?i)ABC/", "abc", True),
        (r"/\bb\b/", "a b c", True),
    ],
)
def test_texts(query: str, message: str, is_match: bool) -> None:
    assert matches(query, {"message": message}) is is_match
    in_field = f"x:~{query}"
    assert matches(in_field, {"x": message}) is is_match
    assert matches(f"*:{query}", {"y": [{"x": message}]}) is is_match


@pytest.mark.parametrize(
    ("query", "value", "is_match"),
    [
        ("x:5", 5, True), ("x:5", 5.0, True), ("x:5.0", 5, True), ("x:5", "5", True), ("x:5", "5.0", False),
        ("x:5", 55, False), ("x:5", [4, 5], True), ("x:5", [[5]], False), ("x:5", {"y": 5}, False),
        ("x:true", True, True), ("x:true", "true", True), ("x:1", True, False), ("x:True", True, False),
        ("x:9007199254740993", 9007199254740992, True), ("x:1e400", 10**400, True), ("x:5", None, False),
        ("x:a", "A", False), ('x:""', "", True), ('x:""', None, False), ('x:"[5]"', [5], False),
        ("x:*", None, False), ("x:*", False, True), ("x:*", [], True), ("x:*", {}, True), ("x:*", [None], True),
        ("x:null", None, True), ("x:null", "null", False), ("x:!=5", 6, True), ("x:!=5", None, False),
        ("x:!=5", [5, 6], False),
        ("x:5*", 500, True), ("x:5*", 0.5, False), ("x:*.5", 0.5, True), ("x:t*", True, True), ("x:a*", "Ab", False),
        ("x:a?c", "a\nc", True), ("x:a*", ["b", "ac"], True), ("x:/^5/", 500, True), ("x:/a/", ["b", "ca"], True),
        ("x:~5", 5.0, True), ("x:~5", "a 5", True), ("x:~true", True, True), ("x:~TRUE", True, True),
        ("*:5", 5.0, True), ("*:5*", 55, False), ("*:/5/", 5, False), ("*:true", True, True), ("*:x", None, False),
        # numbers
        ("x:>5", 6, True), ("x:>5", 5, False), ("x:>=5", 5, True), ("x:<5", "4.5", True), ("x:>5", "6a", False),
        ("x:>5", " 6", False), ("x:>5", "+6", True), ("x:>5", "6e0", True), ("x:>5", ".6e1", False),
        ("x:>5", True, False), ("x:>0", True, False), ("x:>5", [1, 6], True), ("x:[2 TO 5]", [1, 6], False),
        ("x:>5", 10**400, True), ("x:>5", "1e999", True), ("x:>5", {"y": 6}, False), ("x:<5", None, False),
        ("x:>5", "6ms", False), ("x:{5 TO 6}", 5.5, True), ("x:{5 TO 6}", 6, False),
        # durations
        ("x:>250ms", "300ms", True), ("x:>250ms", "0.3s", True), ("x:>250ms", "1m", True), ("x:>250ms", 300, False),
        ("x:>250ms", "300", False), ("x:>1m", "1m0.5s", True), ("x:>1m", "1h2m3s4ms5us6ns", True),
        ("x:>1m", "3s1h", False), ("x:<0s", "-5ms", True), ("x:>250ms", "300 ms", False), ("x:>1us", "2µs", True),
        ("x:>1us", "2μs", True), ("x_ms:>250ms", 300, True), ("x_ms:>250ms", "300", True), ("x_ms:>250ms",
        "0.2s", False),
        ("xMs:>250ms", 300, True), ("x.seconds:>1m", 61, True), ("x_ms:250ms..300ms", 250, True),
        ("items:>250ms", 10**12, False), ("x:>250ms", 10**12, False), ("ms:>250ms", 300, True),
        # sizes
        ("x:>1kB", 1001, True), ("x:>1kB", "2kB", True), ("x:>1kB", "1KiB", True), ("x:>1kB", "1.5 kB", True),
        ("x:>1kB", "2k", False), ("x:>1kB", "1001", True), ("x_mb:>1GB", 1001, True), ("x_mib:>1GiB", 1023, False),
        # times
        ("x:>2026-11-23", "2026-11-24", True), ("x:>2026-11-23", "2026-11-22T23:59:59.9-01:00", True),
        ("x:>2026-11-23", 1_795_435_200, True), ("x:>2026-11-23", "yesterday", False),
        ("x:>2026-11-23", "1795435200000", True),
        # texts
        ('x:>"b"', "c", True), ('x:>"b"', "B", False), ('x:>"5"', 6, False), ('x:<"\U00010000"', "\uffff", True),
        # networks
        ("x:10.0.0.0/8", "10.255.255.255", True), ("x:10.0.0.0/8", "11.0.0.0", False),
        ("x:10.0.0.0/8", "10.0.0.01", False), ("x:10.0.0.0/8", "::ffff:10.0.0.1", False),
        ("x:2001:db8::/32", "2001:0DB8:0::1", True), ("x:fe80::/10", "fe80::1%eth0", False),
        ("x:10.0.0.0/8", ["a", "10.0.0.1"], True), ("x:10.0.0.0/8", 10, False),
    ],
)  # fmt: skip
def test_values(query: str, value: object, is_match: bool) -> None:
    name = query.partition(":")[0]
    event: dict[str, Any] = {"x" if name == "*" else name: value}
    assert matches(query, event) is is_match


@pytest.mark.parametrize(
    ("query", "event", "is_match"),
    [
        ("a.b:1", {"a": {"b": 1}}, True), ("a.b:1", {"a.b": 1}, True), ("a.b.c:1", {"a": {"b.c": 1}}, True),
        ("a.b:1", {"a.b": 2, "a": {"b": 1}}, True), ("a.b:null", {"a.b": None, "a": {"b": 1}}, False),
        ("a.1:y", {"a": ["x", "y"]}, True), ("a.01:y", {"a": ["x", "y"]}, False), ("a.-1:y", {"a": ["x", "y"]}, False),
        ("a.1.b:y", {"a": [{}, {"b": "y"}]}, True), ("a.b:y", {"a": [{"b": "y"}]}, False),
        ("service:x", {"app": "x"}, True), (".service:x", {"app": "x"}, False), ("level:error", {"lvl": "E"}, True),
        ("x", {"msg": "x"}, True), ("message:x", {"message": "", "msg": "x"}, True),
        (".message:x", {"msg": "x"}, False),
        ("500", {"message": 500}, True), ("message:null", {"a": 1}, True), ("a", {"b": "a"}, False),
        ("*:a", {"a": 1}, False), ("*:a", {"b": {"c": [["a"]]}}, True),
        ("timestamp:2026-11-23T12:00Z", {"ts": 1_795_435_200}, True), (".timestamp:*", {"ts": 1}, False),
        ("_inserted_at:now", {}, True), ("timestamp:*", {}, True), ("timestamp:null", {}, False),
        ("_id:01920000-0000-7000-8000-000000000001", {}, True), ("_id:*", {}, True),
        ("._id:5", {"_id": 5}, True), ("id:5", {"id": 5}, True),
        ("-a:1", {}, True), ("-a:>1", {"a": "x"}, True), ("a:1 OR -b:1", {"b": 1}, False),
    ],
)  # fmt: skip
def test_fields(query: str, event: dict[str, Any], is_match: bool) -> None:
    assert matches(query, event) is is_match


@pytest.mark.parametrize(
    ("sent", "text"), [(5.0, "5"), (-0.0, "0"), (0.5, "0.5"), (1e22, "1e+22"), (502, "502"), (True, "true")]
)
def test_a_message_that_is_no_text_is_its_canonical_text(sent: object, text: str) -> None:
    assert seen({"message": sent, "msg": "other"}).message == text
