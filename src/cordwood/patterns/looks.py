"""What a value tells by its looks: times, addresses, identifiers, numbers; compiled, for `masking`.

Each function is asked about the place of a text where a word begins, and reads nothing at or behind `end`.
"""

import numpy as np
from numpy.typing import NDArray

from cordwood.compiled import compiled

Bytes = NDArray[np.uint8]

BETWEEN, LETTER, DIGIT, BLANK = range(4)
"""Kinds of bytes. Those of characters beyond ASCII are letters, control characters are blanks."""
KINDS = np.full(256, BETWEEN, np.uint8)
KINDS[[*range(0x41, 0x5B), *range(0x61, 0x7B), *range(0x80, 0x100)]] = LETTER
KINDS[0x30:0x3A] = DIGIT
KINDS[[*range(0x21), 0x7F]] = BLANK
_HEX = np.zeros(256, np.uint8)
_HEX[[*range(0x30, 0x3A), *range(0x41, 0x47), *range(0x61, 0x67)]] = 1

POINT, COMMA, COLON, DASH, SLASH, PLUS, UNDERSCORE, SPACE = b".,:-/+_ "
_ZERO, _X, _T, _Z, _E, _LARGE_E, _LARGE_F, _SMALL_A = b"0xTZeEFa"


def _packed(words: str) -> tuple[int, ...]:
    return tuple(int.from_bytes(word.encode(), "little") for word in words.split())


_MONTHS = _packed("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec")
_DAYS = _packed("Mon Tue Wed Thu Fri Sat Sun")
_SIZES = _packed("B KB kB MB GB TB KiB MiB GiB TiB")
_DURATIONS = _packed("ns us µs μs ms s m h d")
_DURATIONS_APART = _packed("ns us µs μs ms s sec")
_LONGEST_UNIT = 3


@compiled
def word_end(text: Bytes, at: int, end: int) -> int:
    """Where the letters and digits end that begin here."""
    while at < end and (KINDS[text[at]] == LETTER or KINDS[text[at]] == DIGIT):
        at += 1
    return at


@compiled
def has_digit(text: Bytes, at: int, end: int) -> bool:
    """Whether there is one before `end`."""
    found = False
    for place in range(at, end):
        found |= KINDS[text[place]] == DIGIT
    return found


@compiled
def _digits(text: Bytes, at: int, end: int) -> int:
    """How many begin here."""
    count = 0
    while at + count < end and KINDS[text[at + count]] == DIGIT:
        count += 1
    return count


@compiled
def _is(text: Bytes, at: int, end: int, byte: int) -> bool:
    return at < end and text[at] == byte


@compiled
def _goes_on(text: Bytes, at: int, end: int) -> bool:
    """Whether a letter or a digit is here."""
    return at < end and (KINDS[text[at]] == LETTER or KINDS[text[at]] == DIGIT)


@compiled
def _word(text: Bytes, at: int, end: int) -> int:
    """A word of at most three bytes, packed; 0 for a longer one, or none."""
    stop = word_end(text, at, min(end, at + _LONGEST_UNIT + 1))
    if stop - at > _LONGEST_UNIT:
        return 0
    packed = 0
    for place in range(stop - 1, at - 1, -1):
        packed = packed << 8 | int(text[place])
    return packed


@compiled
def _clock_end(text: Bytes, at: int, end: int) -> int:
    """Of 7:08:09, with a fraction and a zone if there are any; 0 when there is no such time."""
    hours = _digits(text, at, end)
    at += hours
    if not 1 <= hours <= 2 or not _is(text, at, end, COLON) or _digits(text, at + 1, end) != 2:
        return 0
    at += 3
    if not _is(text, at, end, COLON) or _digits(text, at + 1, end) != 2:
        return 0
    at += 3
    if _is(text, at, end, POINT) or _is(text, at, end, COMMA):
        fraction = _digits(text, at + 1, end)
        at += fraction + 1 if fraction else 0
    if _is(text, at, end, COLON):
        return 0
    if _is(text, at, end, _Z):
        at += 1
    else:
        sign = at + 1 if _is(text, at, end, SPACE) else at
        if _is(text, sign, end, PLUS) or _is(text, sign, end, DASH):
            zone = _digits(text, sign + 1, end)
            if zone == 4:
                at = sign + 5
            elif zone == 2 and _is(text, sign + 3, end, COLON) and _digits(text, sign + 4, end) == 2:
                at = sign + 6
    return 0 if _goes_on(text, at, end) else at


@compiled
def time_end(text: Bytes, at: int, end: int) -> int:
    """Of a time that begins with a digit: 2017-05-16, 17/06/09 20:10:40, 10/Oct/2000:13:55:36 +0200, 20:10:40.123."""
    first = _digits(text, at, end)
    stop = at + first
    if not (_is(text, stop, end, DASH) or _is(text, stop, end, SLASH)):
        return _clock_end(text, at, end)
    between = int(text[stop])
    is_sure = first == 4
    second = _digits(text, stop + 1, end)
    if second == 0 and first <= 2 and _word(text, stop + 1, end) in _MONTHS:
        second, is_sure = 3, True
    elif second != 2:
        return 0
    stop += second + 1
    third = _digits(text, stop + 1, end)
    if first not in (1, 2, 4) or not _is(text, stop, end, between) or not (third == 2 or (third == 4 and first < 4)):
        return 0
    stop += third + 1
    if _is(text, stop, end, _T) or _is(text, stop, end, SPACE) or _is(text, stop, end, COLON):
        clock = _clock_end(text, stop + 1, end)
        if clock:
            return clock
    if not is_sure or _goes_on(text, stop, end) or _is(text, stop, end, between):
        return 0
    return stop


@compiled
def spelled_time_end(text: Bytes, at: int, end: int) -> int:
    """Of a time that begins with a day or a month: Wed Jun 29 14:44:35 2005, Wed, 29 Jun 2005 14:44:35 +0000."""
    if _word(text, at, end) in _DAYS:
        at += 4
        if _is(text, at - 1, end, COMMA):
            at += 1
        if not _is(text, at - 1, end, SPACE):
            return 0
        day = _digits(text, at, end)
        if 1 <= day <= 2 and _is(text, at + day, end, SPACE) and _word(text, at + day + 1, end) in _MONTHS:
            at += day + 4
            if _is(text, at, end, SPACE) and _digits(text, at + 1, end) == 4 and _is(text, at + 5, end, SPACE):
                return _clock_end(text, at + 6, end)
            return 0
    if _word(text, at, end) not in _MONTHS:
        return 0
    at += 3
    if not _is(text, at, end, SPACE):
        return 0
    at += 2 if _is(text, at + 1, end, SPACE) else 1
    day = _digits(text, at, end)
    if not 1 <= day <= 2 or not _is(text, at + day, end, SPACE):
        return 0
    stop = _clock_end(text, at + day + 1, end)
    if stop and _is(text, stop, end, SPACE) and _digits(text, stop + 1, end) == 4:
        stop += 5
    return stop


@compiled
def uuid_end(text: Bytes, at: int, end: int) -> int:
    """Of 8-4-4-4-12 hexadecimal digits; 0 for anything else."""
    if at + 36 > end or text[at + 8] != DASH:
        return 0
    for place in range(36):
        if place in (8, 13, 18, 23):
            if text[at + place] != DASH:
                return 0
        elif not _HEX[text[at + place]]:
            return 0
    return 0 if _goes_on(text, at + 36, end) else at + 36


@compiled
def ip_end(text: Bytes, at: int, end: int) -> int:
    """Of an IPv4 address; 0 for anything else."""
    for group in range(4):
        digits = _digits(text, at, end)
        if not 1 <= digits <= 3:
            return 0
        at += digits
        if group < 3:
            if not _is(text, at, end, POINT):
                return 0
            at += 1
    return 0 if _goes_on(text, at, end) or (_is(text, at, end, POINT) and _digits(text, at + 1, end)) else at


@compiled
def colons_end(text: Bytes, at: int, end: int) -> tuple[int, bool]:
    """Of an IPv6 address (true), or a hardware address (false); 0 for anything else."""
    begin = at
    groups = pairs = 0
    is_short = False
    while True:
        size = 0
        while at + size < end and size < 5 and _HEX[text[at + size]]:
            size += 1
        if size > 4 or _goes_on(text, at + size, end):
            return 0, False
        if size:
            groups += 1
            pairs += size == 2
            at += size
        if groups > 8 or not _is(text, at, end, COLON):
            break
        if _is(text, at + 1, end, COLON):
            if is_short:
                return 0, False
            is_short = True
            at += 2
        elif _goes_on(text, at + 1, end):
            at += 1
        else:
            break
        if not _goes_on(text, at, end):
            break
    if not has_digit(text, begin, at):
        return 0, False
    if groups == 6 and pairs == 6:
        return at, False
    return (at, True) if groups == 8 or (is_short and groups < 8) else (0, False)


@compiled
def is_short_hex(text: Bytes, at: int, end: int) -> bool:
    """Whether a word is what an IPv6 or hardware address may begin with."""
    for place in range(at, end):
        if not _HEX[text[place]]:
            return False
    return end - at <= 4


@compiled
def chain_end(text: Bytes, at: int, end: int) -> int:
    """Of a word with a digit in it, which ends here, and those that hang on it: 1445_0020_m_01, 2.7.1, 10-0-3."""
    while _is(text, at, end, POINT) or _is(text, at, end, DASH) or _is(text, at, end, UNDERSCORE):
        stop = word_end(text, at + 1, end)
        if stop == at + 1 or (stop > at + 2 and not has_digit(text, at + 1, stop)):
            break
        at = stop
    return at


@compiled
def is_hex(text: Bytes, at: int, end: int) -> bool:
    """Whether a word is 0x…, or eight or more hexadecimal digits of one case."""
    if end - at > 2 and text[at] == _ZERO and text[at + 1] == _X:
        at += 2
    elif end - at < 8:
        return False
    small = large = False
    for place in range(at, end):
        byte = text[place]
        if not _HEX[byte]:
            return False
        small |= byte >= _SMALL_A
        large |= KINDS[byte] == LETTER and byte <= _LARGE_F
    return not (small and large)


@compiled
def is_number(text: Bytes, at: int, end: int) -> bool:
    """Whether there are digits alone, and what may stand between them; or a number with an exponent."""
    exponents = 0
    for place in range(at, end):
        byte = text[place]
        if KINDS[byte] == LETTER:
            exponents += 1
            if exponents > 1 or byte not in (_E, _LARGE_E) or place == at or KINDS[text[place - 1]] != DIGIT:
                return False
            if place + 1 == end or (KINDS[text[place + 1]] != DIGIT and text[place + 1] != DASH):
                return False
    return True


@compiled
def amount_of(text: Bytes, at: int, end: int) -> int:
    """1 for a size (10MB), 2 for a duration (250ms, 1m30s), 0 for anything else."""
    kind = 0
    while at < end:
        digits = _digits(text, at, end)
        at += digits
        if digits and _is(text, at, end, POINT):
            at += 1 + _digits(text, at + 1, end)
        begin = at
        while at < end and KINDS[text[at]] == LETTER:
            at += 1
        unit = _word(text, begin, at)
        if not digits or not unit:
            return 0
        if unit in _SIZES and not kind and at == end:
            return 1
        if unit not in _DURATIONS:
            return 0
        kind = 2
    return kind


@compiled
def unit_apart_end(text: Bytes, at: int, end: int) -> tuple[int, int]:
    """Where a unit ends that a number has here behind a blank, and of what it is, as in `amount_of`; 0 for none."""
    if not _is(text, at, end, SPACE):
        return 0, 0
    unit = _word(text, at + 1, end)
    if unit:
        stop = word_end(text, at + 1, end)
        if unit in _SIZES:
            return stop, 1
        if unit in _DURATIONS_APART:
            return stop, 2
    return 0, 0
