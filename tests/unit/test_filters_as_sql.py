"""The pieces of which filters become SQL, each against what Python says."""

import random
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
import re2

from cordwood.language.filters.regexes import compile_regex
from cordwood.model.search.field import Field
from cordwood.model.search.filters import And, Equals, Everything, Exists, Filter, InNetwork, Like, Not, Or, Words
from cordwood.store.segments.asking.networks import network_regex
from cordwood.store.segments.asking.places import Kept, columns_asked, object_regex
from cordwood.store.segments.asking.value_tests import engine_regex
from cordwood.store.segments.asking.wanting import wanted, whole_words


def _spelt(rng: random.Random, number: int) -> str:
    """An IPv6 address in one of many ways, or nearly one."""
    address = IPv6Address(number)
    groups = address.exploded.split(":")
    groups = [rng.choice([each, each.lstrip("0") or "0", f"{int(each, 16):x}", each.upper()]) for each in groups]
    if rng.random() < 0.3:
        groups[6:] = [str(IPv4Address(number & 0xFFFFFFFF))]
    if rng.random() < 0.6:
        first = rng.randrange(len(groups))
        groups[first : rng.randint(first, len(groups))] = [""]
        text = ":".join(groups)
        return text if "::" in text else text.replace(":", "::", 1)
    return rng.choice([str(address), ":".join(groups)])


def test_a_network_is_an_expression_of_its_addresses() -> None:
    rng = random.Random(5)
    inside = valid = 0
    for _ in range(400):
        bits = rng.choice([0, 0xFFFF << 96, rng.getrandbits(128), rng.getrandbits(128) & 0xFFFF << rng.randrange(112)])
        network = ip_network((bits, rng.randint(0, 128)), strict=False)
        matches = re2.compile(network_regex(str(network))).fullmatch
        for _ in range(20):
            low = rng.getrandbits(128) & (1 << rng.randint(0, 128)) - 1
            text = _spelt(rng, (int(network.network_address) ^ low) & (1 << 128) - 1)
            try:
                is_inside = (address := ip_address(text)).version == 6 and address in network
                valid += 1
            except ValueError:
                is_inside = False
            assert bool(matches(text)) == is_inside, (network, text)
            inside += is_inside
    assert inside > 1000
    assert valid - inside > 1000


def test_an_ipv4_network_is_an_expression_too() -> None:
    rng = random.Random(6)
    for _ in range(300):
        network = ip_network((rng.getrandbits(32), rng.randint(0, 32)), strict=False)
        matches = re2.compile(network_regex(str(network))).fullmatch
        for _ in range(10):
            address = IPv4Address(int(network.network_address) ^ rng.getrandbits(32) >> rng.randint(0, 32))
            assert bool(matches(str(address))) == (address in network)
    assert not matches("10.0.0.07")


@pytest.mark.parametrize(
    ("pattern", "as_taken"),
    [
        ("(?<n>a)", "(?P<n>a)"),
        (r"\(?<n>", r"\(?<n>"),
        ("[(?<n>]", "[(?<n>]"),
        ("[](?<n>](?<m>b)", "[](?<n>](?P<m>b)"),
        (r"[[:alpha:](?<n>]", r"[[:alpha:](?<n>]"),
        (r"\Q(?<n>\E(?<m>b)", r"\Q(?<n>\E(?P<m>b)"),
        (r"\\(?<n>a)", r"\\(?P<n>a)"),
    ],
)
def test_groups_are_named_as_the_engine_takes_it(pattern: str, as_taken: str) -> None:
    assert engine_regex(pattern) == as_taken
    compile_regex(pattern)


@pytest.mark.parametrize(
    ("shape", "is_object"),
    [
        ('{"a":{"b":{}}}', True),
        ('{"a" : {\t"b" : {"c":null}}}', True),
        ('{"a.b":{"c":i}}', True),
        ('{"a.b":i}', False),
        ('{"a":{"b":i}}', False),
        ('{"x":{"a":{"b":{}}}}', False),
        ('{"x":{"}":s},"a":{"{":j,"b":{}}}', True),
        ('{"a":{},"b":{}}', False),
        ('{"a":{"x":{"b":{}}}}', False),
        ('{"\\"a\\":{\\"b\\":{":i}'.replace("\\", ""), False),
    ],
)
def test_a_shape_tells_what_is_an_object(shape: str, is_object: bool) -> None:
    assert bool(re2.search(object_regex("a.b"), shape)) == is_object


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("card declined", ["card", "declined"]),
        ("card decl*", ["card"]),
        ("*d declined", ["declined"]),
        ("a-b*c-d", ["a", "d"]),
        ("*", []),
        (r"a\*b c?", ["a", "b"]),
        ("é_1", ["é_1"]),
    ],
)
def test_words_beside_a_wildcard_are_not_whole(pattern: str, words: list[str]) -> None:
    assert whole_words(pattern) == words


X = Field("x")
TEXTS, NUMBERS, BOOLEANS = (Kept(frozenset({f"x:{kind}"}), False, True) for kind in ("str", "float", "bool"))
NOTHING, LINES = Kept(frozenset({"y:str"}), False, True), Kept(frozenset(), True, False)


@pytest.mark.parametrize(
    ("found", "kept", "is_known"),
    [
        (Like(X, "870.*"), TEXTS, True),
        (Like(X, "870.*"), NUMBERS, False),
        (Like(X, "ip-10-*"), NUMBERS, True),
        (Words(X, "true"), BOOLEANS, False),
        (Words(X, "true"), LINES, True),
        (Equals(X, "500"), LINES, False),
        (Equals(X, "500"), NUMBERS, True),
        (Equals(X, "10.0.0.7"), LINES, True),
        (InNetwork(X, "10.0.0.0/8"), LINES, True),
        (Not(Equals(X, "a")), TEXTS, False),
        (And((Not(Equals(X, "a")), Equals(X, "b"))), TEXTS, True),
        (Or((Not(Equals(X, "a")), Equals(X, "b"))), TEXTS, False),
        (Exists(X), NOTHING, False),
    ],
)
def test_words_are_asked_for_only_where_nothing_else_can_match(found: Filter, kept: Kept, is_known: bool) -> None:
    assert (wanted(found, kept) is not True) == is_known


def test_what_has_no_column_is_nowhere() -> None:
    assert wanted(Equals(X, "a"), NOTHING) is False
    assert wanted(Or((Equals(X, "a"), Not(Everything()))), NOTHING) is False


def test_an_array_is_entered_by_numbers_only() -> None:
    columns = frozenset({"a:json", "a.b:json", "a.0:str", "b:str"})
    assert columns_asked(Exists(Field("a.b")), columns) == {"a.b:json"}
    assert columns_asked(Exists(Field("a.0")), columns) == {"a:json", "a.0:str"}
    assert columns_asked(Words(None, "x"), columns) == columns
