"""Events taken apart into columns and put together again are the same events."""

import json
import subprocess
import sys

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cordwood.model.compose import compose
from cordwood.model.shape import shape_of
from cordwood.store.columns.scanning import alike, scan
from cordwood.store.columns.shred import pick, shred
from cordwood.store.columns.stretches import PADDING

_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8) | st.sampled_from(
    ['"', "\\", '\\"', "a\nb", "\t", "\x00", "\x01", "\x7f", "\u00e9", "\U0001f600", "/", "{", "]", "null", "s", "1"]
)
_numbers = (
    st.integers()
    | st.integers(10**9, 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, -0.0, 1.0, 5.0, 1e300, 1e-7, 2**53, 2**53 + 1, 2**63, -(2**63), 0.1, 1e22, 123456789.125])
)
_values = st.recursive(
    st.none() | st.booleans() | _numbers | _texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)
_events = st.dictionaries(st.sampled_from(["a", "b", "a.b", "level", "message"]) | _texts, _values, max_size=5)
_spellings = st.sampled_from(
    [
        {"separators": (",", ":")},
        {},
        {"ensure_ascii": False},
        {"ensure_ascii": False, "separators": (" ,", " : ")},
    ]
)


_NO_JSON = (
    *("007", "-01", "0x10", "1.e5", "-.5", "01.5", "1e", "1-2", "--1", "+1", "1 2", "txue", "falsy", "nul1"),
    *("[1,,2]", "[1][2]", "[1 2]", "[" * 2000 + "]" * 2000, '"\t"', '"\x01"', '"\\x"'),
)


def _lines(events: list[object], **spelling: object) -> bytes:
    return b"".join(json.dumps(event, **spelling).encode() + b"\n" for event in events)  # type: ignore[arg-type]


def _put_together(lines: bytes) -> tuple[list[bytes], int]:
    """Every event again, and how many of them were no columns."""
    shredded = shred(lines)
    found = {int(row): lines.split(b"\n")[row] for row in shredded.rest}
    for group in shredded.groups:
        texts = compose(group.shape, group.columns, len(group.rows)).to_pylist()
        for row, text in zip(group.rows, texts, strict=True):
            assert int(row) not in found
            found[int(row)] = text.encode()
    assert sorted(found) == list(range(lines.count(b"\n")))
    return [found[row] for row in sorted(found)], len(shredded.rest)


def _same(one: object, other: object) -> bool:
    """Equal, and of the same types all the way down; a double is itself only."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other


@given(st.lists(_events, min_size=1, max_size=6), st.integers(1, 40), _spellings)
def test_any_events_come_back_as_they_were(events: list[object], times: int, spelling: dict[str, object]) -> None:
    lines = _lines(events * times, **spelling)
    again, _ = _put_together(lines)
    for line, text in zip(lines.split(b"\n"), again, strict=False):
        assert _same(json.loads(line), json.loads(text)), (line, text)


@given(
    st.lists(st.fixed_dictionaries({"a": _values, "b": st.fixed_dictionaries({"c": _values})}), min_size=2, max_size=6),
    st.integers(16, 40),
    _spellings,
)
def test_fields_whose_types_vary_come_back_as_they_were(
    events: list[object], times: int, spelling: dict[str, object]
) -> None:
    lines = _lines(events * times, **spelling)
    again, _ = _put_together(lines)
    for line, text in zip(lines.split(b"\n"), again, strict=False):
        assert _same(json.loads(line), json.loads(text)), (line, text)


def _columns(lines: bytes) -> dict[str, list[object]]:
    (group,) = shred(lines).groups
    return {name: column.to_pylist() for name, column in group.columns.items()}


@settings(max_examples=150)
@given(
    st.lists(_events, min_size=1, max_size=3),
    _spellings,
    st.lists(
        st.tuples(st.integers(0, 10_000), st.sampled_from([*b'"\\{}[],:0123456789.-+eEtfnx\t\r\x00\x01\x04 u'])),
        max_size=4,
    ),
)
def test_what_is_no_json_gets_into_no_column(
    events: list[object], spelling: dict[str, object], bad: list[tuple[int, int]]
) -> None:
    """Bytes put in the place of others, in half of the lines."""
    good = _lines(events, **spelling)
    spoilt = bytearray(good)
    for place, byte in bad:
        place %= len(spoilt)
        if spoilt[place] < 0x80 and spoilt[place] != ord("\n"):
            spoilt[place] = byte
    lines = (good + bytes(spoilt)) * 17
    again, _ = _put_together(lines)
    for row in {int(row) for group in shred(lines).groups for row in group.rows}:
        line = lines.split(b"\n")[row]
        msgspec.json.decode(line, type=dict[str, msgspec.Raw])  # what no double holds is JSON too
        assert _same(json.loads(line), json.loads(again[row])), (line, again[row])


@pytest.mark.parametrize("other", _NO_JSON)
@pytest.mark.parametrize("first", ["1", "1.5", "true", "null", "[1]", '"a"', '["a",1,2]', "[true]"])
def test_a_value_that_is_no_json_joins_no_group(first: str, other: str) -> None:
    for bad in (other, f"[{other}]", f'["a",{other},2]'):
        lines = f'{{"a":{first},"b":1}}\n'.encode() * 40 + f'{{"a":{bad},"b":1}}\n'.encode()
        assert 40 in shred(lines).rest.tolist()


def test_values_go_into_columns_of_their_types() -> None:
    event = {"at": "now", "n": 1, "took": 0.5, "ok": True, "tags": ["x", {"y": 1}], "in": {"deep": "er"}, "no": None}
    assert _columns(_lines([event] * 40)) == {
        "at:str": ["now"] * 40,
        "n:int": [1] * 40,
        "took:float": [0.5] * 40,
        "ok:bool": [True] * 40,
        "tags:json": ['["x", {"y": 1}]'] * 40,
        "in.deep:str": ["er"] * 40,
    }


def test_escapes_in_texts_mean_in_columns_what_they_mean() -> None:
    lines = _lines([{"m": 'a "quoted"\n\\ line\t\u00e9\U0001f600/'}] * 40)
    assert _columns(lines) == {"m:str": ['a "quoted"\n\\ line\t\u00e9\U0001f600/'] * 40}
    assert _columns(rb'{"m":"a\/b"}' + b"\n") == {"m:str": ["a/b"]}


def test_numbers_and_nulls_share_a_column() -> None:
    events: list[object] = [{"n": 1}, {"n": None}, {"n": 3}] * 20
    assert _columns(_lines(events)) == {"n:int": [1, None, 3] * 20}


def test_whole_and_broken_numbers_of_a_sender_share_a_column() -> None:
    assert _columns(b'{"n":1.5}\n{"n":2}\n' * 20) == {"n:float": [1.5, 2.0] * 20}
    assert _put_together(b'{"n":1.5}\n{"n":2}\n' * 20)[0][:2] == [b'{"n":1.5}', b'{"n":2}']
    assert _put_together(b'{"n":1.5}\n{"n":2.0}\n' * 20)[0][:2] == [b'{"n":1.5}', b'{"n":2.0}']


def test_a_whole_number_that_a_double_would_spell_otherwise_is_kept_as_it_is() -> None:
    lines = _lines([{"a": 1.5}, {"a": 12345678901}, {"a": 9999999999}] * 40)
    again, rest = _put_together(lines)
    assert again == lines.splitlines()
    assert rest == 0


@pytest.mark.parametrize(
    "number", ["1e-400", "-1e-400", "4.9e-324", "2.2e-310", "0e5", "-0e5", "0.0000000000000001e-300"]
)
def test_a_number_that_is_too_near_to_nothing_for_a_double_is_kept_as_it_is(number: str) -> None:
    lines = b'{"a":%b}\n{"a":1.5}\n' % number.encode() * 40
    assert _put_together(lines)[0] == lines.splitlines()


def test_an_odd_event_does_not_spoil_the_others() -> None:
    lines = [b'{"n":%d,"m":"x"}' % n for n in range(1000)]
    lines[500] = rb'{"n":500,"m":"\u0000"}'
    shredded = shred(b"\n".join(lines) + b"\n")
    assert shredded.rest.tolist() == [500]
    (group,) = shredded.groups
    assert group.columns["n:int"].to_pylist() == [n for n in range(1000) if n != 500]


@pytest.mark.parametrize(
    "other",
    [
        b'{"a":["p"],"b":["q"]}',
        b'{"a":"p","b":["q"]}',
        b'{"b":["p","q"]}',
        b'{"a":["p","q"],"c":1}',
    ],
)
def test_what_is_made_otherwise_joins_no_group(other: bytes) -> None:
    lines = b'{"a":["p","q"]}\n' * 40 + other + b"\n"
    again, rest = _put_together(lines)
    assert json.loads(again[40]) == json.loads(other)
    assert rest == 1


@pytest.mark.parametrize("other", [b'{"a":{"x":1},"b":2}', b'{"a":[1],"b":[2]}', b'{"a":[1,2,3],"b":2}'])
def test_arrays_of_numbers_are_kept_whole(other: bytes) -> None:
    again, _ = _put_together(b'{"a":[1,2],"b":2}\n' * 40 + other + b"\n")
    assert again[0] == b'{"a":[1,2],"b":2}'
    assert json.loads(again[40]) == json.loads(other)


def test_a_shape_tells_its_columns() -> None:
    slots = shape_of('{"a":s,"b.c":{"d":i,"e":{}}, "f" : j,"g":null,"h":[]}').slots
    assert [slot.column for slot in slots] == ["a:str", "b.c.d:int", "f:json"]
    with pytest.raises(ValueError, match="no shape"):
        shape_of('{"a":x}')


def test_fields_that_are_null_now_and_then_share_a_shape() -> None:
    names = "abcdefghijkl"
    events: list[object] = [
        {name: None if row >> place & 1 else f"{row}" for place, name in enumerate(names)} for row in range(1 << 12)
    ]
    (group,) = shred(_lines(events)).groups
    assert len(group.rows) == len(events)
    assert group.columns["l:str"].null_count == len(events) // 2


def test_there_may_be_hundreds_of_shapes() -> None:
    lines = _lines([{f"field{number % 300}": number} for number in range(300 * 40)])
    shredded = shred(lines)
    assert len(shredded.groups) == 300
    assert not len(shredded.rest)


@pytest.mark.parametrize(
    "other", [b'{"a":1,"x":2}', b'{"a": 1,"b":2}', b'{"a":1,"b":{"c":2}}', b'{"a":1,"b":2} ', b'{"a":1}']
)
def test_lines_of_one_hash_are_compared_byte_for_byte(other: bytes) -> None:
    """Hashes are equal by chance seldom, and by intent whenever somebody likes."""
    lines = b'{"a":1,"b":2}\n{"a":1234567890123,"b":-5}\n' + other + b"\n"
    text = np.frombuffer(lines + bytes(PADDING), np.uint8)
    ends, firsts, hashes = np.empty(3, np.int32), np.empty(4, np.int32), np.empty(3, np.uint64)
    begins, value_ends, kinds = np.empty(99, np.int32), np.empty(99, np.int32), np.empty(99, np.uint8)
    scan(text, False, ends, firsts, hashes, np.empty(3, np.bool_), begins, value_ends, kinds)
    same = np.empty(3, np.bool_)
    assert alike(text, ends, np.arange(3, dtype=np.int32), firsts, begins, value_ends, same) == 1
    assert same.tolist() == [True, True, False]


def test_a_last_line_without_a_newline_is_no_line() -> None:
    with pytest.raises(ValueError, match="newline"):
        shred(b'{"a":1}\n{"a":2}')


@pytest.mark.parametrize(
    "line", [r'{"a":\u0031}', r'{"a":1\u002c"b":2}', r'\u007b"a":1}', r'{"a":\u0074rue}', r'{\u0022a":1}', r'{"a":\n1}']
)
def test_an_escape_outside_of_texts_is_no_json(line: str) -> None:
    assert not shred((line + "\n").encode() * 40).groups


def test_only_wanted_values_are_picked_and_the_others_keep_no_line_out() -> None:
    others = ["1", '"x"', "[1]", "true", "1e999", "null"]
    lines = [
        b'{"level":"warn","x":%b,"service":{"name":"a\\n%d"},"n":%d}' % (others[n % 6].encode(), n, n)
        for n in range(600)
    ]
    picked = pick(b"".join(line + b"\n" for line in [b"[]", *lines]), {"level", "service.name", "ts"})
    (part,) = picked.parts
    assert part.rows.tolist() == list(range(1, 601))
    assert part.columns["level:str"].to_pylist() == ["warn"] * 600
    assert part.columns["service.name:str"].to_pylist() == [f"a\n{n}" for n in range(600)]
    assert len(part.columns) == 2
    assert picked.rest.tolist() == [0]
    assert picked.text[: picked.ends[-1]].tobytes().split(b"\n") == [b"[]", *lines]


@pytest.mark.parametrize(
    ("value", "is_large"),
    [
        ("1e99", False), ("-1.5E+99", False), ("12345", False), ('"1e999"', False), ("9" * 1000, False),
        ("1e100", True), ("1E-100", True), ("0.5e+0000", True), ("1e005", True), ("9" * 1001, True),
        ("-0." + "1" * 998, True), ("1e", True), ("01", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("around", ["%s", "[%s]", '[0,{"a":[%s]}]', '{"b":%s }', '"\\"","c":%s'])
def test_a_line_that_may_have_a_large_number_is_told(value: str, is_large: bool, around: str) -> None:
    line = b'{"a":%b}\n' % (around % value).encode()
    plain = b'{"a":1.5e-7}\n'
    assert pick(plain + line + plain, set()).may_have_large.tolist() == [False, is_large, False]


def test_texts_that_repeat_are_kept_once() -> None:
    lines = _lines([{"level": "info" if number % 3 else "warn", "id": str(number)} for number in range(1000)])
    (group,) = shred(lines).groups
    assert group.columns["level:str"].dictionary.to_pylist() == ["warn", "info"]
    assert group.columns["id:str"].to_pylist() == [str(number) for number in range(1000)]


def test_a_process_that_takes_nothing_apart_compiles_nothing() -> None:
    """The compiler takes 60 MB."""
    code = "import sys, cordwood.wiring.services, cordwood.store.segments.store; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
