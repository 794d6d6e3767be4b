"""Timestamps, levels and services, read from what senders call them."""

import json
from datetime import UTC, datetime
from itertools import product
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.model.derive import derive
from cordwood.model.derive_many import derive_many
from cordwood.model.event import format_timestamp, message_of, parse_timestamp
from cordwood.model.plan import paths

ARRIVAL = 1_795_435_200_000_000


def us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1_000_000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-23T12:00:00Z", us("2026-11-23T12:00:00+00:00")),
        ("2026-11-23t12:00:00.5z", us("2026-11-23T12:00:00.5+00:00")),
        ("2026-11-23 12:00:00,123456789 +0530", us("2026-11-23T12:00:00.123456+05:30")),
        ("2026-11-23T12:00:00-08", us("2026-11-23T12:00:00-08:00")),
        ("2026-11-23T12:00", us("2026-11-23T12:00:00+00:00")),
        ("2026-11-23", us("2026-11-23T00:00:00+00:00")),
        ("1795435200", ARRIVAL),
        ("1795435200.25", ARRIVAL + 250_000),
        ("1795435200000", ARRIVAL),
        ("1795435200000001", ARRIVAL + 1),
        ("1795435200000001999", ARRIVAL + 1),
        ("0001-01-01T00:00:00Z", -62_135_596_800_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
        ("9999-12-31T23:59:59-01:00", None),
        ("0001-01-01T00:00:00+01:00", None),
        ("2026-02-30T00:00:00Z", None),
        ("2026-11-23T24:00:00Z", None),
        ("2026-11-23T12:00:60Z", None),
        ("23/Nov/2026:12:00:00 +0000", None),
        ("yesterday", None),
        ("0", None),
        ("-5", None),
        ("", None),
        ("٢٠٢٦-11-23", None),
    ],
)
def test_timestamps(text: str, expected: int | None) -> None:
    assert parse_timestamp(text) == expected


@given(st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_a_timestamp_reads_back_as_it_was_written(timestamp_us: int) -> None:
    assert parse_timestamp(format_timestamp(timestamp_us)) == timestamp_us


@pytest.mark.parametrize(
    ("event", "level", "service"),
    [
        ({"level": "WARNING", "service": "a"}, "warn", "a"),
        ({"level": "loud", "severity": "crit", "app": "b"}, "fatal", "b"),
        ({"level": 30, "service": {"name": "c"}}, "info", "c"),
        ({"log.level": "err", "service.name": "d"}, "error", "d"),
        ({"log": {"level": "debug"}, "service": "", "serviceName": "e"}, "debug", "e"),
        ({"level": None, "service": None}, None, None),
        ({"level": ["info"], "service": ["x"], "application": 7}, None, "7"),
        ({}, None, None),
    ],
)
def test_the_first_usable_name_wins(event: dict[str, Any], level: str | None, service: str | None) -> None:
    derived = derive(json.dumps(event).encode(), ARRIVAL)
    assert (derived.timestamp_us, derived.level, derived.service) == (ARRIVAL, level, service)


@pytest.mark.parametrize(
    "event",
    [
        {"timestamp": "nonsense", "time": "2026-11-23T12:00:00Z"},
        {"@timestamp": "2026-11-23T12:00:00.000Z", "ts": 1},
        {"ts": 1795435200000},
        {"timestamp": {"seconds": 5}, "date": "1795435200"},
        {"timestamp": False, "eventTime": "2026-11-23T13:00:00+01:00"},
    ],
)
def test_an_unusable_timestamp_gives_way(event: dict[str, Any]) -> None:
    assert derive(json.dumps(event).encode(), 5).timestamp_us == ARRIVAL


def test_the_last_of_duplicate_keys_counts() -> None:
    assert derive(b'{"level":"info","level":"error"}', 0).level == "error"


stamps = st.sampled_from(
    ["2026-11-23T12:00:00.123Z", "2026-11-23T12:00:59.9Z", "2026-11-23T12:00:61.5Z", "2026-13-01T00:00:00.000Z",
     "2026-11-23T12:01:00.000000Z", "2026-11-23T12:00:0x.000Z", "x", "", 5, 1795435200.5, None, True, ["a"],
     # One minute, told apart by what follows it alone.
     "2026-11-23T12:00:00.123", "2026-11-23T12:00:00.123+05:30", "2026-11-23T12:00:00.5?", "2026-11-23T12:00:00,5Z",
     "2026-11-23T12:00:5.25Z", "2026-11-23T12:00:00.Z", "2026-11-23T12:00:00Z", "2026-11-23T12:00:00.123456789Z",
     "2026-11-23T12:00:\u0665\u0665.5Z", "2026-11-23T12:00:00.1 Z", "2026-11-23T12:00:00.123z", "2026-11-23T12:00:", 0,
     {"name": "z"}]
)  # fmt: skip
names = st.sampled_from(["timestamp", "@timestamp", "time", "level", "severity", "log", "log.level", "service", "app"])


@given(st.lists(st.dictionaries(names, stamps | st.sampled_from(["info", "ERR", "auth"]), max_size=5), max_size=12))
def test_many_are_derived_as_each_alone(events: list[dict[str, Any]]) -> None:
    lines = [json.dumps(event).encode() for event in events]
    alone = [derive(line, ARRIVAL) for line in lines]
    together = derive_many(b"".join(line + b"\n" for line in lines), ARRIVAL)
    assert together == [(each.timestamp_us, each.level, each.service) for each in alone]


HEADS = (
    "2026-11-23T12:00:00", "2026-11-23 12:00:59", "2026-11-23T12:01:60", "0001-01-01T00:00:00", "9999-12-31T23:59:59",
    "2026-11-23T12:00", "2026-11-23T12:00:0", "2026-02-30T12:00:00", "2026-11-23T24:00:00", "0000-01-01T00:00:00",
    "2026-11-23", "1795435200000000000",
)  # fmt: skip
FRACTIONS = (
    "", ".", ",5", ".12", ".123", ",123", ".1234", ".123456", ".123457", ".123456789", ".12x", ".\u0661\u0662\u0663",
    ".123456\u0667", ".999999999", ".1a3",
)  # fmt: skip
ZONES = ("", "Z", "z", " Z", "+05:30", "-1400", "+14:00", "+15:00", " +01", "?", "Z9", "+00:60", ".5Z")


@pytest.mark.parametrize("order", range(20))
def test_parts_of_timestamps_are_put_together_as_whole_ones_are_read(order: int) -> None:
    texts = ["".join(parts) for parts in product(HEADS, FRACTIONS, ZONES)]
    Random(order).shuffle(texts)
    lines = [json.dumps({"ts": text}).encode() for text in texts]
    together = derive_many(b"\n".join(lines), ARRIVAL)
    assert [column[0] for column in together] == [derive(line, ARRIVAL).timestamp_us for line in lines]


def test_a_message_is_found_under_its_usual_names() -> None:
    assert message_of({"message": "", "msg": "hello"}) == "hello"
    assert message_of({"body": 5}) == "5"
    assert message_of({"other": "x"}) is None


def test_a_dotted_field_is_read_every_way() -> None:
    assert paths("a") == [("a",)]
    assert paths("a.b.c") == [("a.b.c",), ("a.b", "c"), ("a", "b.c"), ("a", "b", "c")]
    assert paths("a.b.c.d.e.f.g") == [("a.b.c.d.e.f.g",), ("a", "b", "c", "d", "e", "f", "g")]
    assert datetime.fromtimestamp(ARRIVAL / 1e6, UTC).hour == 12
