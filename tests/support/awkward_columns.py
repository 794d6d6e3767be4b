"""Awkward events, alike enough for columns or not at all, and filters that are about them."""

import json
import random
from typing import Any

from cordwood.language.filters.joining import all_of, any_of
from cordwood.model.event import LEVELS
from cordwood.model.search.field import Field
from cordwood.model.search.filters import (
    Bound,
    Duration,
    Equals,
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

WORDS = [
    *(
        "card declined",
        "Card  DECLINED",
        "deadlock",
        "dead lock",
        "GET /a/b",
        "user=ann",
        "é",
        "É_x",
        "日本 語",
        "😀 ok",
    ),
    *(
        "",
        "-",
        " ",
        "a\0b",
        "x\ny",
        'say "no"',
        "back\\slash",
        "a/b",
        "\u212aelvin",
        "true",
        "False",
        "null",
        "e",
        "inf",
    ),
    *("ip-10-0-0-7", "870.5 ms", "completed in 1200 ms", "\x1b[31mred", "tab\tbed", "x" * 70, "[1]", '{"a":1}', "%_*?"),
]
NUMERALS = [
    *(
        "5",
        "5.0",
        "+5",
        "-5",
        "007",
        "5e2",
        "500",
        "1e400",
        "-1e400",
        "1e-400",
        "0",
        "-0",
        ".5",
        "5.",
        " 5",
        "0x5",
        "nan",
    ),
    *(
        "Infinity",
        "1_000",
        "9007199254740993",
        "1795435200",
        "1795435200.123456789",
        "٣",
        "870.5",
        "12345678901234567890",
    ),
]
DURATIONS = [
    *(
        "250ms",
        "1.5s",
        "1h30m",
        "1m2s",
        "-1.5s",
        "+3w2d",
        "0.1s0.2ms0.3us",
        "5µs",
        "5μs",
        "1s1h",
        "1ns",
        "s",
        "+",
        "5 ms",
    ),
    *("300ms", "0.3s", "99999999999999999999999w", "1m1m", "1d", "60m"),
]
SIZES = ["10kB", "10 kB", "10  kB", "4KiB", "4096B", "-1.5MB", "1e3B", "4096", "0.5GiB", "5b", "1PB", "9PiB", "10KB"]
TIMES = [
    *("2026-11-23", "2026-11-23T10:00Z", "2026-11-23 10:00:00.123456789", "2026-11-23t10:00:00,5+0100", "1795435200"),
    *("2026-11-23T10:00:00-14:59", "2026-02-30", "0000-01-01", "0001-01-01T00:00+01", "9999-12-31T23:59:59.9999999Z"),
    *("9999-12-31T23:59-01", "2026-11-23T10", "2026-11-23T24:00Z", "2026-11-23T10:00:60Z", "2026-11-23T10:00 +0530"),
    *("1795435200000", "1795435200000000", "1795435200000000000", "9999999999999999999", "99999999999.9", "2024-02-29"),
    *("1795435200.5", "0", "0.5", "100000000000", "99999999999"),
]
ADDRESSES = [
    *("10.0.0.7", "10.0.0.07", "10.0.0.256", "10.0.0", "10.0.0.8 ", "192.168.1.1", "255.255.255.255", "0.0.0.0", "::"),
    *(
        "2001:db8::7",
        "2001:DB8:0:0:0:0:0:7",
        "2001:0db8::0007",
        "2001:db8::7%eth0",
        "::1",
        "::ffff:10.0.0.7",
        "1::2::3",
    ),
    *(
        "2001:db8:1:2:3:4:5:6",
        "2001:db8:1:2:3:4:5::",
        "::2:3:4:5:6:7:8",
        "1:2:3:4:5:6:7:8:9",
        "2001:db8::10.0.0.7",
        ":1",
    ),
    *("1:2:3:4:5:6:10.0.0.7", "2001:db8:ffff::", "12345::", "fe80::1", "::10.0.0.7", "1::10.0.0.300", "2001:db8"),
]
WHOLE: list[Any] = [0, 1, -1, 5, 500, 870, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 1795435200, 4096, 30]
BROKEN: list[Any] = [0.5, 870.5, -0.0, 1e-7, 0.1, 1.5, 2.25, 1e300, 1795435200.25, 5.0, 300.0, 123456.789, 250.0]
LARGE: list[Any] = [2**63, 2**64, 10**30, -(10**20), 10**400, 1e16, 1e22, 1e17, 9007199254740992.0, float("inf")]
TEXTS = WORDS + NUMERALS + DURATIONS + SIZES + TIMES + ADDRESSES
ARRAYS: list[Any] = [
    *(
        [],
        ["prod", "eu"],
        [1, 500, "5e2"],
        [None],
        [True, "x"],
        [["deep"], "top"],
        [{"a": "in"}, 870.5],
        [[], {}],
        [""],
    ),
    *(["250ms", 3], ["10.0.0.7"], [{"name": "ann", "0": "zero"}, {"name": ["n1", "n2"]}], ["card declined", 2**64]),
]
OBJECTS: list[Any] = [{}, {"a": None}, {"a": "in"}, {"b": {}}, {"b": {"c": 5}}, {"b.c": "deadlock"}, {"0": "zero"}]
ANY: list[Any] = [*TEXTS, *WHOLE, *BROKEN, *LARGE, *ARRAYS, *OBJECTS, True, False, None]
LEVEL_WORDS = [*random.Random(3).sample(sorted(LEVELS), 8), "WARN", "unknown", 30]

FIELDS = [
    *("message", "msg", "text", "a", "b", "a.b", "a.b.c", "b.c", "took", "took_ms", "size", "size_kb", "at", "ip", "n"),
    *(
        "x",
        "tags",
        "tags.0",
        "tags.1",
        "tags.0.name",
        "tags.1.name.0",
        "tags.0.0",
        "odd key",
        "ä",
        "a/b",
        "~",
        "",
        "a.",
    ),
    *(
        "http",
        "http.status",
        "http.took_s",
        "http.path",
        "nowhere",
        "level",
        "service",
        "timestamp",
        ":i",
        "o",
        "o.p",
        "o.q",
    ),
    *("e.0", "e", "x.y.z.w", "tags.00", "tags.2.a", 'q"', "\\", "durationMs"),
]
NETWORKS = [
    *("10.0.0.0/29", "10.0.0.0/8", "0.0.0.0/0", "10.0.0.7/32", "192.168.0.0/15", "128.0.0.0/1", "10.0.0.4/30"),
    *("2001:db8::/32", "::/0", "::1/128", "2001:db8::7/128", "2001:d00::/24", "2001:db0::/28", "::ffff:0:0/96", "::/3"),
    *("2001:db8:8000::/33", "::a00:0/104", "fe80::/10", "2001:db8::a00:0/125", "2001:db8:1:2::/64"),
]
REGEXES = [
    *("a", "^a.*b$", r"\d{3}", "(?i)DECLINED|lost", " ", '"', "^$", r"^\d+$", r"e\+", r"\.", "^.$", "(?<n>card)", "."),
    *(r"[(?<a>]", r"\Q(?<\E|x", "^5", r"\x00", "true", "^-", r"[[:alpha:](?<x>]", r"\bdead\b", "inf"),
]


def events(rng: random.Random, count: int, odd: int) -> list[bytes]:
    """Lines: `count` of each of some shapes, and some that are like no others."""
    found: list[bytes] = []
    for _ in range(count):
        pick = rng.choice
        found += [
            _line(
                {
                    "time": pick(TIMES[:4]),
                    "level": pick(LEVEL_WORDS[:9]),
                    "service": pick(WORDS),
                    "message": pick(TEXTS),
                    "http": {"status": pick(WHOLE), "took_s": pick(BROKEN[:6]), "path": pick(TEXTS)},
                    "ip": pick(ADDRESSES),
                }
            ),
            _line(
                {
                    "message": pick([*WORDS[:14], None]),
                    "msg": pick(TEXTS),
                    "took": pick(DURATIONS),
                    "took_ms": pick(WHOLE),
                    "size": pick(SIZES),
                    "at": pick(TIMES),
                    "o": {"p": {}, "q": None},
                    "x": pick([True, False, None]),
                }
            ),
            _line(
                {
                    "msg": pick(WHOLE[:5]),
                    "took": pick(WHOLE),
                    "took_ms": pick(NUMERALS + DURATIONS),
                    "size": pick(WHOLE),
                    "at": pick(WHOLE),
                    "size_kb": pick(SIZES + NUMERALS),
                    "n": pick(WHOLE),
                    "x": pick(NUMERALS),
                    ":i": "y",
                }
            ),
            _line(
                {
                    "tags": pick(ARRAYS),
                    "e": [],
                    "a": {"b": {"c": pick(TEXTS)}},
                    "n": pick(BROKEN[:6]),
                    "ä": pick(TEXTS),
                    "odd key": pick([1, 2, None]),
                    "a/b": pick(TEXTS),
                    "text": pick([True, False]),
                    "durationMs": pick(BROKEN[:6]),
                }
            ),
            _line(
                {
                    "a": pick(TEXTS),
                    "b.c": pick(TEXTS),
                    "at": pick([0.5, 1795435200.25, 1e-7]),
                    "http": {},
                    "": pick(WHOLE),
                    "message": pick([0.5, 870.5, 1.25]),
                    "~": pick(TEXTS),
                    "a.b": pick(WHOLE),
                    "x.y": {"z.w": 1},
                }
            ),
        ]
    for _ in range(odd):
        names = rng.sample([name for name in FIELDS if name not in ("timestamp", "level")], rng.randint(0, 5))
        found.append(_line({name: rng.choice(ANY) for name in names}))
    rng.shuffle(found)
    return found


def _line(event: dict[str, Any]) -> bytes:
    return (
        json.dumps(event, ensure_ascii=len(str(event)) % 3 == 0)
        .replace("Infinity,", "1e999,")
        .replace("Infinity}", "1e999}")
        .replace("Infinity]", "1e999]")
        .encode()
    )


def leaf(rng: random.Random) -> Filter:
    """A filter of any kind about a field that events may have, mostly with a value that some have."""
    pick = rng.choice
    field = Field(pick(FIELDS), is_sent=rng.random() < 0.3)
    if field.derived == "timestamp":
        at = Time(rng.randrange(10**15, 2 * 10**15))
        return Exists(field) if rng.random() < 0.2 else _range(rng, field, at)
    match pick(["words", "words", "equals", "like", "regex", "exists", "network", "within", "within"]):
        case "words":
            return Words(pick([field, field, None]), _words(rng))
        case "equals":
            return Equals(field, _text(rng))
        case "like":
            return Like(field, _wild(rng, _text(rng)))
        case "regex":
            return Regex(pick([field, field, None]), pick(REGEXES))
        case "exists":
            return Exists(field)
        case "network":
            return InNetwork(field, pick(NETWORKS))
        case _:
            return _range(rng, field, _quantity(rng))


def any_filter(rng: random.Random, depth: int = 2) -> Filter:
    """Several of them joined."""
    kind = rng.random()
    if depth == 0 or kind < 0.55:
        return leaf(rng)
    if kind < 0.75:
        return Not(any_filter(rng, depth - 1))
    join = rng.choice([all_of, any_of])
    return join([any_filter(rng, depth - 1) for _ in range(rng.randint(2, 3))])


def _text(rng: random.Random) -> str:
    text = str(rng.choice([*TEXTS, *LEVELS, *WHOLE, *BROKEN, "true", "false", "prod", "zero", "870", "502.0"]))
    return text.lower() if rng.random() < 0.1 else text


def _words(rng: random.Random) -> str:
    text = _text(rng)
    if rng.random() < 0.6 and text.split():
        text = rng.choice(text.split())
    text = text.upper() if rng.random() < 0.2 else text
    pattern = literal(text) if rng.random() < 0.6 else _wild(rng, text)
    return pattern if pattern.strip("*") else "a"


def _wild(rng: random.Random, text: str) -> str:
    start, end = sorted(rng.randint(0, len(text)) for _ in "12")
    signs = ["*", "?", "", "*?"]
    return (
        literal(text[:start]) + rng.choice(signs) + literal(text[start:end]) + rng.choice(signs) + literal(text[end:])
    )


def _quantity(rng: random.Random) -> Quantity:
    ns = rng.choice(
        [0, 1, 5_000, 10**6, 250 * 10**6, 3 * 10**8, 1_500_000_000, 90 * 60 * 10**9, -1_500_000_000, 10**18]
    )
    made: list[Quantity] = [
        Number(float(rng.choice([0, 1, 5, 500, -1, 0.5, 870.5, 2.0**53, 2.0**63, -(2.0**63), 1e300, 1e-7]))),
        Duration(ns),
        Size(rng.choice([0, 1, 4096, 10_000, 10_240, 5 * 10**8, -1_500_000, 10**15, 512 << 20])),
        Time(
            rng.choice(
                [
                    1_795_435_200_000_000,
                    1_795_392_000_000_000,
                    0,
                    10**17,
                    -62_135_596_800_000_000,
                    1_709_164_800_000_000,
                ]
            )
        ),
        Text(_text(rng)),
    ]
    return rng.choice(made)


def _range(rng: random.Random, field: Field, low: Quantity) -> Within:
    ends = Bound(low, rng.random() < 0.5), Bound(low, rng.random() < 0.5)
    for _ in range(20):
        high = _quantity(rng)
        if type(high) is type(low):
            ends = ends[0], Bound(high, rng.random() < 0.5)
            break
    shape = rng.random()
    return (
        Within(field, ends[0], None)
        if shape < 0.35
        else Within(field, None, ends[0])
        if shape < 0.7
        else Within(field, *ends)
    )
