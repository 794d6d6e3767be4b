"""Texts are the moments that `model.event.parse_timestamp` says."""

import re

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cordwood.model.event import TIMESTAMP_PATTERN, parse_timestamp
from cordwood.store.columns.derive_columns import derive_columns
from cordwood.store.columns.moments import moments_of

_EPOCH = re.compile(r"\d{1,19}(\.\d+)?")

spelt = st.from_regex(TIMESTAMP_PATTERN, fullmatch=True) | st.builds(
    "{}{}{:02}:{:02}{}{}{}{}".format,
    st.dates().map(str)
    | st.sampled_from(["0000-01-01", "0001-01-01", "9999-12-31", "2024-02-29", "2023-02-29", "1900-02-29"]),
    st.sampled_from(["T", "t", " ", "_", ""]),
    st.integers(0, 25),
    st.integers(0, 61),
    st.sampled_from(["", ":00", ":59", ":60", ":5"]),
    st.sampled_from(["", ".", ".1", ",123", ".1234567", ".123456789012345678901234567890", ".1x"]),
    st.sampled_from(["", " ", "  "]),
    st.sampled_from(
        ["", "Z", "z", "+02:00", "+0200", "-02", "+14:59", "-1500", "+02:60", "+2", "+", "-02:", "ZZ", "UTC"]
    ),
)


@settings(max_examples=400)
@given(
    st.lists(spelt, min_size=1, max_size=20),
    st.lists(st.tuples(st.integers(0, 400), st.characters(codec="utf-8")), max_size=3),
)
@example(["0001-01-01T00:00:00+00:01", "9999-12-31T23:59:59.999999-00:01", "0001-01-01T00:00:00Z"], [])
@example(["2026-11-23", "2026-11-23T10:00 ", "2026-11-23 10:00:00,5z", "", "1795435200", "2026-11-2３"], [])
def test_a_text_is_the_moment_that_it_is_by_definition(texts: list[str], spoilt: list[tuple[int, str]]) -> None:
    for place, letter in spoilt:
        text = texts[place % len(texts)]
        cut = place // len(texts) % (len(text) + 1)
        texts[place % len(texts)] = text[:cut] + letter + text[cut + 1 :]
    moments, is_moment = moments_of(pa.array(["cut off", *texts], pa.string()).slice(1))
    for text, moment, is_one in zip(texts, moments.tolist(), is_moment.tolist(), strict=True):
        meant = None if _EPOCH.fullmatch(text) else parse_timestamp(text)
        assert (moment if is_one else None) == meant, text


def test_a_null_is_no_moment() -> None:
    _, is_moment = moments_of(pa.array(["2026-11-23", None], pa.string()))
    assert is_moment.tolist() == [True, False]


@pytest.mark.parametrize(
    "spelling", ["{} {}Z", "{}T{}+0200", "{}t{}.1234567z", "{}T{}", "{} {} +02:00", "{}T{},5-0330"]
)
@pytest.mark.parametrize("repeats", [False, True])
def test_odd_spellings_leave_no_event_to_be_looked_at_by_itself(spelling: str, repeats: bool) -> None:
    texts = [spelling.format("2026-11-23", f"10:{n % 60:02}:{n // 60:02}") for n in range(3000)]
    values = pa.array(texts, pa.string())

    def exactly(places: object) -> list[tuple[int, None, None]]:
        raise AssertionError(places)

    derived = derive_columns(
        {"ts:str": values.dictionary_encode() if repeats else values}, np.zeros(3000, np.int64), exactly
    )
    assert derived.timestamps.tolist() == [parse_timestamp(text) for text in texts]


@pytest.mark.parametrize("spelling", ["2026-11-23T10:00:00Z", "2026-11-23 10:00:00"])
def test_timestamps_stay_whole_numbers_where_some_are_null(spelling: str) -> None:
    texts = pa.array([spelling, None] * 1500, pa.string())
    for values in (texts, texts.dictionary_encode()):
        derived = derive_columns(
            {"ts:str": values}, np.zeros(3000, np.int64), lambda places: [(7, None, None)] * len(places)
        )
        assert derived.timestamps.dtype == np.int64
        assert derived.timestamps[:2].tolist() == [parse_timestamp(spelling), 7]


def test_one_that_is_no_moment_leaves_the_others_alone() -> None:
    texts = ["2026-11-23T10:00:00Z"] * 3000
    texts[1234] = "soon"
    asked: list[int] = []

    def exactly(places: "np.ndarray") -> list[tuple[int, None, None]]:
        asked.extend(places.tolist())
        return [(7, None, None) for _ in places]

    derived = derive_columns({"ts:str": pa.array(texts, pa.string())}, np.zeros(3000, np.int64), exactly)
    assert asked == [1234]
    assert derived.timestamps[1234] == 7
