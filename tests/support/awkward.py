"""Events that are hard to search in, and filters that find some of them: what differs between engines, by chance."""

import json
import random
from collections.abc import Callable, Sequence
from ipaddress import ip_network

from cordwood.language.filters.joining import all_of, any_of
from cordwood.language.filters.levels import LEVEL_ORDER
from cordwood.model.event import MAX_TIMESTAMP_US, MIN_TIMESTAMP_US
from cordwood.model.search.field import Field
from cordwood.model.search.filters import (
    Bound,
    Duration,
    Equals,
    Everything,
    Exists,
    Filter,
    InNetwork,
    Like,
    Not,
    Number,
    Quantity,
    Regex,
    Size,
    Text,
    Time,
    Within,
    Words,
)
from cordwood.model.search.wildcards import literal
from tests.support.searches import NAMES

NUMBERS = (
    "0", "-0.0", "1", "5", "5.0", "5e2", "500", "-5", "0.1", "0.5", "1e-5", "0.0001", "123.456", "1e15",
    "1234567890123456", "1234567890123456.5", "1000000000000000.1", "9007199254740991", "9007199254740992",
    "9007199254740993", "9007199254740994.0", "9223372036854775807", "18446744073709551615", "1e21", "1e22",
    "1.7976931348623157e308", "1.8e308", "5e-324", "3e-324", "2e-324", "1e400", "-1e400", "1e-400", "1e131000",
    "0." + "3" * 40, "1795435200", "1795435200.25", "1795435200123", "1795435200123456789", "1" + "0" * 330,
    "1." + "0" * 15_100 + "5", "404", "-1", "42",
)  # fmt: skip
"""As JSON spells them."""
TEXTS = (
    "", " ", "5", "05", "+5", "5.0", "5e2", "500", "-5", "0.5", ".5", "5.", "1e400", "-1e999999999999", "1e-400",
    "1e-99999", "0e999999999", "1" + "0" * 400, "0." + "0" * 400 + "1", "2.4703282292062327e-324",
    "2.4703282292062328e-324", "٣", "true", "false", "null", "True", "inf", "nan", "NaN", "Infinity", "0x10", "1_000",
    "250ms", "1m2s", "1h30m", "-5s", "+1.5h", "300ns", "2µs", "2μs", "5us", "1s1m", "5", "ms", "-", "9" * 400 + "s",
    "1w1d1h1m1s1ms1us1ns", "0." + "0" * 400 + "1h", "1e3s", "4KiB", "10kB", "10 kB", "10  kB", "-3MB", "+3B", "5mb",
    "9" * 310 + "PiB", "9" * 305 + "PiB",
    "9" * 300 + "w", "5 B", "10.0.0.7", "10.1.2.3", "010.0.0.1", "10.0.0.256", "10.0.0", "10.0.0.7/8", "::1",
    "2001:db8::7", "2001:DB8::", "::", "::ffff:10.0.0.7", "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1::3:4:5:6:7::8",
    "fe80::1%eth0", "1:2:3:4:5:6:7:8", "12345::", "2001:db8::10.0.0.1", ":", ":::", "1:2:3:4:5:6:10.0.0.7",
    "2026-11-23", "2026-11-23T10:00Z", "2026-11-23 10:00:00,5+0100", "2026-11-23T10:00:60Z", "2026-02-30",
    "2024-02-29", "2100-02-29", "2000-02-29", "0000-01-01", "0001-01-01T00:30+01:00", "9999-12-31T23:59:59.9999999Z",
    "9999-12-31T23:59:59-14:00", "2026-11-23T10:00 +05", "2026-11-23t10:00:00.123456789z", "1795435200",
    "1795435200123", "1795435200.5", "0.5", "2026-13-01", "9999999999999999999", "99999999999999999999",
    "1969-12-31T23:59:59Z", "2026-11-23T24:00Z", "2026-00-10", "2026-04-31", "card declined", "Card  declined",
    "declined", "DECLINED", "user_42", "ip-10-0-0-7", "fail", "Failed", "é", "Straße", "ÄÖ", "\u212aelvin", "ſ",
    "a\nb", "a\n", "\nb", "ab", "aXb", "a", "A", "b", "a b", "a=b", "error", "warn", "WARNING", "\0", "a\0b", "0", "1",
    "\x01", "\x02", "\0\0", "\x010", "\ue0c0", "\ue0c00", "\ue0c01", "a\ue0c0b", "\0a", "a\0", "\U0001f600",
    "\U0001f600 ok", "[5]", "{}", "[", "{\"a\": 1}", "(x)", "x/y", "a\\b", "\"", "'", "a*b", "a?b", "%", "_", "a_b",
    "\x7f", "\u00a0", "\u2028", "\t", "0a", "1a", "x0", "x\0", "x1", "number", "\ue0c0number", "z", "zz", "\ud7ff",
    "\ue000", "\uffff", "\U0010ffff",
)  # fmt: skip
"""Texts of every kind that something may take them for."""
FIELDS = (
    *NAMES, "took", "durationMs", "ip", "note", "tags.0", "tags.1", "tags.-1", "tags.00", "tags.+1", "a", "a.b", "a.0",
    "a.0.b", "b.c", "size_kb", "x\0y", "\ue0c0", "level", "msg", "message", "service",
)  # fmt: skip
REGEXES = (
    "a", "^a.*b$", "[0-9]+/x", r"a/b\\/", "(?i)fail|lost", r"\d{3}", " ", '"', "^5", "^$", "", r"^\d+$", r"\bb\b",
    r"\Ba", r"\x00", "^.$", "^..$", "^(?s:.)$", "^[^a]$", "(?s)a.b", "a.b", "(?m)^b$", "(?m)a$", "^0$", "0", "1",
    "[01]", "[^0]$", "^[^x]*$", r"\W", r"^\W+$", r"^\w+$", r"\s", r"^[\x00-\x1f]", r"\x{e0c0}", "^[[:alpha:]]+$",
    r"\pL", r"^\p{Greek}+$", r"^\PL+$", "(?i)k", "(?i)^[a-z]+$", "(?i)straSSe|ä", r"(?i)\w", r"\Qa*b\E", "a{2,}",
    "(?:a|b){1,300}", r"[^\n]$", r"\Aa\z", "(?U)a+", "(?P<n>a)(b)?", r"^\w*\b.", r"0\b", r"\b0", r"(^|x)0", "(|x)1",
    "e", r"\.", "^-", "^1.*6$", "inf", r"\+",
)  # fmt: skip
NETWORKS = ("10.0.0.0/8", "10.0.0.7/32", "0.0.0.0/0", "2001:db8::/32", "::1/128", "::/0", "::ffff:0:0/96")
_DURATIONS_NS = (0, 1, 5000, 250_000_000, 10**9, 62 * 10**9, -5 * 10**9, 5400 * 10**9, 1 << 62, 500_000_000)
_SIZES = (0, 1, 5, 500, 4096, 10_000, 512_000, -3_000_000, 1 << 60)
_TIMES_US = (
    0, -1_000_000, 1_795_428_000_000_000, 1_795_435_200_000_000, 1_795_435_200_250_000, MIN_TIMESTAMP_US,
    MAX_TIMESTAMP_US,
)  # fmt: skip
_ALWAYS: tuple[Filter, ...] = (Everything(), Equals(Field("_id"), "x"), Like(Field("_id"), "*00*"))
_KINDS = ("words", "words", "equals", "equals", "like", "regex", "regex", "exists", "network", *"wwwww", "time", "_")


def events(source: random.Random, count: int) -> list[bytes]:
    """JSON objects of `FIELDS` and awkward values, each field of every type in some."""
    return [_object(source, 0).encode() for _ in range(count)]


def _object(source: random.Random, depth: int) -> str:
    names = source.choices(FIELDS, k=source.randint(1, 9) if depth == 0 else source.randint(0, 3))
    members = {}
    for name in names:
        # The way of a dotted name that is split at some of its dots.
        keys, value = [name], _value(source, depth)
        while "." in keys[0] and source.random() < 0.6:
            head, _, rest = keys[0].rpartition(".") if source.random() < 0.5 else keys[0].partition(".")
            keys = [head, rest, *keys[1:]]
        for key in reversed(keys[1:]):
            is_place = key == "0" and source.random() < 0.5
            value = f"[{value}]" if is_place else f"{{{json.dumps(key)}:{value}}}"
        members[keys[0]] = value
    return "{" + ",".join(f"{json.dumps(key)}:{value}" for key, value in members.items()) + "}"


def _value(source: random.Random, depth: int) -> str:
    match source.choices("ntlasob", (5, 12, 1, 3, 2, 2, 1))[0]:
        case "n":
            return source.choice(NUMBERS)
        case "t" | "s":
            return json.dumps(_text(source), ensure_ascii=source.random() < 0.3)
        case "a" if depth < 4:
            return "[" + ",".join(_value(source, depth + 1) for _ in range(source.randint(0, 3))) + "]"
        case "o" if depth < 4:
            return _object(source, depth + 1)
        case "b":
            return source.choice(["true", "false"])
        case _:
            return "null"


def _text(source: random.Random) -> str:
    if source.random() < 0.7:
        return source.choice(TEXTS)
    return source.choice(["", " ", ".", "\0", "-", "\n"]).join(source.choices(TEXTS, k=source.randint(1, 3)))[:2_000]


def random_filter(source: random.Random, depth: int = 0) -> Filter:
    """A filter of any kind, about what the events have."""
    kind = source.random()
    if depth < 3 and kind < 0.25:
        parts = [random_filter(source, depth + 1) for _ in range(source.randint(2, 3))]
        return all_of(parts) if kind < 0.12 else any_of(parts)
    if depth < 3 and kind < 0.35:
        return Not(random_filter(source, depth + 1))
    return _leaf(source)


def _leaf(source: random.Random) -> Filter:
    name = source.choice(FIELDS)
    field = Field(name, is_sent=name in ("level", "message", "service") and source.random() < 0.5)
    text = _text(source)
    match source.choice(
        ["words", "words", "equals", "equals", "like", "regex", "regex", "exists", "network", *"wwwww", "time", "_"]
    ):
        case "words":
            return Words(source.choice([field, Field("message"), None]), _pattern(source, text or "a"))
        case "equals":
            wanted = source.choice([text, source.choice(NUMBERS[:-2]), *TEXTS[1:12]])
            return Equals(field, source.choice(LEVEL_ORDER) if field.derived == "level" else wanted)
        case "like":
            return Like(field, _pattern(source, text) + source.choice("*?"))
        case "regex":
            return Regex(source.choice([field, Field("message"), None]), source.choice(REGEXES))
        case "exists":
            return Exists(source.choice([field, field, Field("timestamp"), Field("_id")]))
        case "network":
            return InNetwork(field, str(ip_network(source.choice(NETWORKS))))
        case "time":
            return _within(source, Field(source.choice(["timestamp", "_inserted_at"])), _time)
        case "_":
            return source.choice(_ALWAYS)
        case _:
            kinds: Sequence[Callable[[random.Random], Quantity]] = (
                _number,
                _number,
                _duration,
                _size,
                _time,
                _own_text,
            )
            return _within(source, field, source.choice(kinds))


def _pattern(source: random.Random, text: str) -> str:
    pattern = literal(text)
    if source.random() < 0.4:
        at = source.randint(0, len(text))
        pattern = literal(text[:at]) + source.choice("*?") + literal(text[at + source.randint(0, 2) :])
    return pattern if pattern.strip("*") else "a*"


def _within(source: random.Random, field: Field, kind: Callable[[random.Random], Quantity]) -> Filter:
    low = Bound(kind(source), source.random() < 0.5)
    high = Bound(kind(source), source.random() < 0.5)
    return source.choice([Within(field, low, None), Within(field, None, high), Within(field, low, high)])


def _number(source: random.Random) -> Number:
    found = float(source.choice(NUMBERS[:29]))
    return Number(found if abs(found) < 1e309 and found not in (float("inf"), float("-inf")) else 5.0)


def _duration(source: random.Random) -> Duration:
    return Duration(source.choice(_DURATIONS_NS))


def _size(source: random.Random) -> Size:
    return Size(source.choice(_SIZES))


def _time(source: random.Random) -> Time:
    return Time(source.choice(_TIMES_US))


def _quantities() -> Sequence[Callable[[random.Random], Quantity]]:
    return (_number, _number, _duration, _size, _time, _own_text)


def _own_text(source: random.Random) -> Text:
    return Text(_text(source))


def shown(found: Sequence[object]) -> str:
    """Some events or filters, one a line."""
    return "\n".join(str(each)[:400] for each in found)
