"""Numbers, durations, sizes and times as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cordwood.language.quantities import (
    duration_text,
    number_text,
    parse_duration,
    parse_size,
    parse_time,
    spelled_duration,
    spelled_number,
    spelled_size,
)
from cordwood.model.search.units import duration_unit, size_unit

NOW_US = 1_795_435_200_000_000


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1ns", 1), ("1us", 10**3), ("1µs", 10**3), ("1ms", 10**6), ("1s", 10**9), ("1m", 60 * 10**9),
        ("1h", 3600 * 10**9), ("1d", 86400 * 10**9), ("1w", 604800 * 10**9), ("1.5s", 1_500_000_000),
        ("-1m30s", -90 * 10**9), ("+1s", 10**9), ("0.000000001s", 1), ("1h1ms", 3_600_001_000_000),
        ("0.1ns", None), ("1", None), ("", None), ("-", None), ("1s1m", None), ("1m1m", None), ("1 s", None),
        ("s", None),
        ("1S", None), ("99999999999w", None), ("1.s", None), (".5s", None), ("1e3s", None), ("\u0661s", None),
    ],
)  # fmt: skip
def test_durations(text: str, ns: int | None) -> None:
    assert parse_duration(text) == ns
    if ns is not None:
        assert spelled_duration(text) == ns


@given(st.integers(-(1 << 62), 1 << 62))
def test_a_duration_reads_back(ns: int) -> None:
    assert parse_duration(duration_text(ns)) == ns


@pytest.mark.parametrize(
    ("text", "size"),
    [("5B", 5), ("5kB", 5000), ("5KB", 5000), ("5KiB", 5120), ("1.5 MB", 1_500_000), ("-1kB", -1000), ("5kb", None),
     ("5", None), ("5K", None), ("5  kB", None), ("0.1B", None), ("99999PB", None), ("B", None)],
)  # fmt: skip
def test_sizes(text: str, size: int | None) -> None:
    assert parse_size(text) == size
    if size is not None:
        assert spelled_size(text) == size


@pytest.mark.parametrize(
    ("text", "number"),
    [("5", 5), ("+05.50", 5.5), ("-5e-1", -0.5), ("1E2", 100), ("1e999", float("inf")), ("", None), ("5.", None),
     (".5", None), (" 5", None), ("5 ", None), ("0x5", None), ("1_000", None), ("nan", None), ("\u0665", None),
     ("5\n", None)],
)  # fmt: skip
def test_numbers(text: str, number: float | None) -> None:
    assert spelled_number(text) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back(number: float) -> None:
    assert spelled_number(number_text(number)) == number


@pytest.mark.parametrize(
    ("number", "text"), [(5.0, "5"), (-0.0, "0"), (0.1, "0.1"), (1e16, "1e+16"), (2.0**53 - 1, "9007199254740991")]
)
def test_the_text_of_a_number(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("text", "is_bare_relative", "us"),
    [
        ("now", False, NOW_US), ("NOW-1s", False, NOW_US - 10**6), ("now+1d", False, NOW_US + 86400 * 10**6),
        ("now-1ns", False, NOW_US - 1), ("-1s", True, NOW_US - 10**6), ("-1s", False, None),
        ("1795435200", True, NOW_US),
        ("1795435200", False, None), ("2026-11-23T12:00:00Z", False, NOW_US), ("now1s", True, None),
        ("now-", True, None),
        ("+5", True, None), ("-10000w", True, -4_252_564_800_000_000),
        ("-100000w", True, None),
    ],
)  # fmt: skip
def test_times(text: str, is_bare_relative: bool, us: int | None) -> None:
    assert parse_time(text, NOW_US, is_bare_relative=is_bare_relative) == us


@pytest.mark.parametrize(
    ("field", "duration_ns", "size_bytes"),
    [
        ("took_ms", 10**6, 1), ("http.duration.ms", 10**6, 1), ("durationMs", 10**6, 1), ("request-seconds", 10**9, 1),
        ("s", 10**9, 1), ("status", None, 1), ("items", None, 1), ("took", None, 1), ("TOOK_MS", 10**6, 1),
        ("xms", None, 1),
        ("memory_mb", None, 10**6), ("memoryKib", None, 1024), ("size_bytes", None, 1), ("a_ms.x", None, 1),
    ],
)  # fmt: skip
def test_units_of_names(field: str, duration_ns: int | None, size_bytes: int) -> None:
    assert (duration_unit(field), size_unit(field)) == (duration_ns, size_bytes)
