"""Columns → the bits of their words and numbers in a token filter, as `words` defines them.

Machine code, in one pass over the bytes. Only what writes files imports this: see `compiled` for what that costs.
"""

from typing import TypeAlias, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cordwood.compiled import compiled, low_zeros, word_at
from cordwood.store.segments import words
from cordwood.store.segments.token_filter import LANE_BITS, LANE_SHIFT, LANE_STEP, LANES, SPREAD, Bits
from cordwood.store.segments.unescaping import has_escapes, unescape

Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int32]
U: TypeAlias = np.uint64
"""Of signed and unsigned numbers together, numba makes floats: so all constants beside hashes are of this type."""

_Number = TypeVar("_Number", bound=np.generic)

_STEP, _WORD_BYTES = words.STEP, words.WORD_BYTES
_MIX, _LENGTH, _SHIFT = U(words.MIX), U(words.LENGTH), U(words.SHIFT)
_LANES, _SPREAD, _IN_LANE = U(LANES), U(SPREAD), U(LANE_BITS - 1)
_ONES = U(0x0101010101010101)
"""One for each byte of a block: eight bytes, the first of them lowest."""
_MINUS_ZERO = U(1) << U(63)
_FROM_A, _BEHIND_Z = (_ONES * U(0x80 - ord(letter)) for letter in "a{")
_FROM_0, _BEHIND_9 = (_ONES * U(0x80 - ord(letter)) for letter in "0:")
_FROM_UNDERSCORE, _BEHIND_UNDERSCORE = (_ONES * U(0x80 - ord(letter)) for letter in "_`")
_HIGH, _REST, _CASE = _ONES * U(0x80), _ONES * U(0x7F), _ONES * U(0x20)


def set_words(texts: pa.Array, bits: Bits) -> None:
    """Of all words in some texts."""
    _set_words(*_parts(texts), bits)


def set_json_words(texts: pa.Array, bits: Bits) -> bool:
    """Of all words in JSON texts, as they are meant; False when an escape leaves that open."""
    body, begins = _parts(texts.drop_null())
    if has_escapes(body, begins):
        meant, cuts = np.zeros(len(body), np.uint8), np.zeros(len(begins), np.int32)
        if not unescape(body, begins, meant, cuts):
            return False
        body, begins = _read_only(meant), _read_only(cuts)
    _set_words(body, begins, bits)
    return True


def set_numbers(values: pa.Array, bits: Bits) -> None:
    """Of numbers, whole or not."""
    doubles = values.drop_null().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    _set_numbers(_read_only(doubles.view(np.uint64)), bits)


def _parts(texts: pa.Array) -> tuple[Bytes, Places]:
    """At least a block of bytes, and the places in them where texts begin, with the one behind the last."""
    _, begins, data = texts.buffers()
    if not len(texts) or data is None:
        return _read_only(np.zeros(_STEP, np.uint8)), _read_only(np.zeros(1, np.int32))
    body = np.frombuffer(data, np.uint8)
    if len(body) < _STEP:
        body = np.append(body, np.zeros(_STEP, np.uint8))
    return _read_only(body), _read_only(np.frombuffer(begins, np.int32, texts.offset + len(texts) + 1)[texts.offset :])


def _read_only(array: NDArray[_Number]) -> NDArray[_Number]:
    """What is compiled for these need not be compiled again for arrays that can be written to."""
    view = array.view()
    view.flags.writeable = False
    return view


@compiled
def _set_words(body: Bytes, begins: Places, bits: Bits) -> None:
    """Never looks behind the body, whatever the places are."""
    size = len(body)
    word = np.zeros(_WORD_BYTES // _STEP, np.uint64)
    length = 0
    begin = end = min(max(int(begins[0]), 0), size)
    for row in range(1, len(begins)):
        before, begin, end = begin, end, min(max(int(begins[row]), end), size)
        at = begin
        # What a text begins with as the one before it did has its bits: but for the last word, which may go on.
        same = min(end, begin + begin - before) - _STEP
        while at <= same and word_at(body, at) == word_at(body, at - begin + before):
            at += _STEP
        while at > begin and _words(U(body[U(at - 1)])) & U(1):
            at -= 1
        while at < end:
            if at + _STEP <= size:
                block = word_at(body, at)
            else:
                block = word_at(body, size - _STEP) >> (U(at + _STEP - size) << U(3))
            if end - at < _STEP:
                block &= (U(1) << (U(end - at) << U(3))) - U(1)
            is_word = _words(block)
            if length == 0:
                gap = low_zeros(is_word) >> 3
                if gap:
                    at += gap
                    continue
            is_other = is_word ^ _ONES
            more = low_zeros(is_other) >> 3
            if length < _WORD_BYTES:
                word[U(length) >> U(3)] = _folded(block) & _below(is_other)
            length += more
            at += more
            if more == _STEP and at < end:
                continue
            found = _mix(word[0] ^ (U(length) * _LENGTH))
            for index in range(1, min((length + _STEP - 1) // _STEP, len(word))):
                found = _mix(found ^ word[U(index)])
            _set(found, bits)
            length = 0
            at += 1


@compiled
def _set_numbers(doubles: words.Hashes, bits: Bits) -> None:
    for index in range(len(doubles)):
        double = doubles[index]
        _set(_mix((U(0) if double == _MINUS_ZERO else double) ^ _LENGTH), bits)


@compiled
def _set(found: U, bits: Bits) -> None:
    at = (((found >> U(32)) * (U(len(bits)) // _LANES)) >> U(32)) * _LANES
    spread = found * _SPREAD
    for lane in range(LANES):
        bits[at + U(lane)] |= U(1) << ((spread >> U(LANE_SHIFT + LANE_STEP * lane)) & _IN_LANE)


@compiled
def _mix(found: U) -> U:
    found *= _MIX
    found ^= found >> _SHIFT
    found *= _LENGTH
    return found ^ (found >> _SHIFT)


@compiled
def _words(block: U) -> U:
    """One for each byte that is in a word. Additions bring bytes from a bound on to 128 or more."""
    low = block & _REST
    letter = ((low | _CASE) + _FROM_A) & ~((low | _CASE) + _BEHIND_Z)
    other = ((low + _FROM_0) & ~(low + _BEHIND_9)) | ((low + _FROM_UNDERSCORE) & ~(low + _BEHIND_UNDERSCORE))
    return ((letter | other | block) & _HIGH) >> U(7)


@compiled
def _folded(block: U) -> U:
    """Small letters for capital ones: all letters get the bit in which the two differ."""
    low = (block & _REST) | _CASE
    letter = (low + _FROM_A) & ~(low + _BEHIND_Z) & ~block & _HIGH
    return block | (letter >> U(2))


@compiled
def _below(ones: U) -> U:
    """All bits below the lowest."""
    return (ones & (~ones + U(1))) - U(1)
