"""A network in CIDR notation → the regular expression of all spellings of its addresses.

An IPv4 address has one spelling (`inet_pton`). An IPv6 address has many (RFC 4291 §2.2): zeros that may be left out
within a group, `::` for groups of zeros, and the last two groups as IPv4. Each way to write `::` is an alternative.
"""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, ip_network

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_GROUP = "[0-9a-fA-F]{1,4}"
_GROUPS = 8
_ANY = "0123456789abcdef"


def network_regex(network: str) -> str:
    """Matches, as a whole, the texts that are addresses within a network. RE2 and `re` agree about it."""
    found = ip_network(network)
    if isinstance(found, IPv4Network):
        octets = found.network_address.packed
        return r"\.".join(_octet(octets[n] >> 4, octets[n] & 15, _fixed(found.prefixlen, n, 8)) for n in range(4))
    value = found.network_address.exploded.replace(":", "")
    nibbles = [_nibble(int(digit, 16), _fixed(found.prefixlen, n, 4)) for n, digit in enumerate(value)]
    groups = [nibbles[n : n + 4] for n in range(0, 4 * _GROUPS, 4)]
    return "(?:" + "|".join(dict.fromkeys(_spellings(groups))) + ")"


def _fixed(prefix: int, number: int, bits: int) -> int:
    """How many bits of the part with this number belong to the network."""
    return min(max(prefix - number * bits, 0), bits)


def _octet(high: int, low: int, fixed: int) -> str:
    if not fixed:
        return _OCTET
    start = high << 4 | low
    return _one_of([str(each) for each in range(start, start + (1 << 8 - fixed))])


def _nibble(value: int, fixed: int) -> str:
    """The digits that may stand in a place."""
    return _ANY[value : value + (1 << 4 - fixed)]


def _spellings(groups: Sequence[Sequence[str]]) -> Iterator[str]:
    texts = [_group(group) for group in groups]
    yield from _with_zeros_left_out(texts, groups, [])
    tail = r"\.".join(_decimal(*groups[n][m : m + 2]) for n in (6, 7) for m in (0, 2))
    yield from _with_zeros_left_out(texts[:6], groups[:6], [tail])


def _with_zeros_left_out(texts: Sequence[str], groups: Sequence[Sequence[str]], tail: Sequence[str]) -> Iterator[str]:
    """All groups, and every way to write `::` for one or more that can be zero."""
    yield ":".join([*texts, *tail])
    for first in range(len(texts)):
        for behind in range(first + 1, len(texts) + 1):
            if any("0" not in digits for digits in groups[behind - 1]):
                break
            yield ":".join(texts[:first]) + "::" + ":".join([*texts[behind:], *tail])


def _group(digits: Sequence[str]) -> str:
    """Four digits, or fewer where those in front can be zero."""
    if all(each == _ANY for each in digits):
        return _GROUP
    ways = []
    for left_out in range(4):
        if left_out and "0" not in digits[left_out - 1]:
            break
        ways.append("".join(map(_digit, digits[left_out:])))
    return _one_of(ways)


def _digit(each: str) -> str:
    return each if each.isdigit() and len(each) == 1 else "[" + each + each.upper() + "]"


def _decimal(high: str, low: str) -> str:
    """The octet of two hexadecimal digits, in decimal."""
    if high == low == _ANY:
        return _OCTET
    return _one_of([str(int(first + second, 16)) for first in high for second in low])


def _one_of(ways: Sequence[str]) -> str:
    return ways[0] if len(ways) == 1 else "(?:" + "|".join(ways) + ")"
