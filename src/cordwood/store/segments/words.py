"""Texts and numbers → the hashes of their words, by which a token filter knows them.

A word is a run of ASCII letters, digits, underscores and any characters beyond ASCII; letters without case. A number is
known by its value as a double. Hashes are 64 bits, the same on every machine: they are kept in files.
"""

import json
import re
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cordwood.store.segments.joining import joined_lines
from cordwood.store.segments.masking import masked, unmasked

Hashes: TypeAlias = NDArray[np.uint64]
Bytes: TypeAlias = NDArray[np.uint8]
Places: TypeAlias = NDArray[np.int64]

_LETTERS = bytes(range(ord("A"), ord("Z") + 1))
_OTHERS = bytes(range(ord("a"), ord("z") + 1)) + b"0123456789_" + bytes(range(0x80, 0x100))
_FOLDED = bytes(byte + 32 if byte in _LETTERS else byte if byte in _OTHERS else 0 for byte in range(256))
"""Small letters for capital ones, and 0 for what is in no word."""
_WORD_BYTES = 64
"""More of a word is not looked at: only its length."""
_STEP = 8
_MIX, _LENGTH = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
_SHIFT = np.uint64(32)
_KEPT = np.array([(1 << 8 * length) - 1 for length in range(_STEP)] + [(1 << 64) - 1], np.uint64)
"""The bytes of a word of eight that a shorter rest has."""
# What is left of escapes once the others are masked: controls, which are in no word, and what stands beside them.
_LEFT_ESCAPES = re.compile(rb"(?:\\(?:[bf]|u[0-9a-fA-F]{4}))+")


def word_hashes(texts: pa.Array) -> Hashes:
    """Of all words in some texts, in no order and as often as they occur."""
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = texts.buffers()[2]
    if data is None or offsets[0] == offsets[-1]:
        return np.zeros(0, np.uint64)
    body = memoryview(data)[int(offsets[0]) : int(offsets[-1])].tobytes()
    return _hashes(body, offsets.astype(np.int64) - offsets[0])


def json_word_hashes(texts: pa.Array) -> Hashes | None:
    """Of all words in JSON texts, as they are meant; None when an escape leaves that open."""
    plain = _LEFT_ESCAPES.sub(_meant, masked(joined_lines(texts.drop_null()).tobytes()))
    return None if b"\\" in plain else _hashes(unmasked(plain), np.zeros(1, np.int64))


def _meant(found: "re.Match[bytes]") -> bytes:
    text: str = json.loads(b'"' + found.group() + b'"')
    try:
        return text.encode().replace(b"\\", b" ")
    except UnicodeEncodeError:
        return found.group()


def hashes_of(text: str) -> Hashes:
    """Of the words in one text."""
    return _hashes(text.encode("utf-8", "surrogatepass"), np.zeros(1, np.int64))


def number_hashes(values: pa.Array) -> Hashes:
    """Of numbers, whole or not."""
    doubles: NDArray[np.float64] = values.drop_null().cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)
    return _mix((doubles + 0.0).view(np.uint64) ^ _LENGTH)  # + 0.0: minus zero is zero


def _hashes(body: bytes, begins: Places) -> Hashes:
    """`begins` has the places where texts begin, and the one behind the last."""
    if not body:
        return np.zeros(0, np.uint64)
    # A word begins and ends where a letter stands beside none; so one byte of nothing goes in front, and some behind.
    folded = b"\0" + body.translate(_FOLDED) + bytes(2 * _STEP - (len(body) + 1) % _STEP)
    starts, lengths = _words(np.frombuffer(folded, np.uint8, len(body) + 2), begins + 1)
    blocks = np.frombuffer(folded, np.uint64)
    hashes = lengths.view(np.uint64) * _LENGTH
    hashes ^= _block(blocks, starts) & _KEPT.take(np.minimum(lengths, _STEP))
    _mix(hashes)
    left = np.arange(len(starts))
    for done in range(_STEP, _WORD_BYTES, _STEP):
        left = left[lengths[left] > done]
        if not len(left):
            break
        block = _block(blocks, starts[left] + done) & _KEPT.take(np.minimum(lengths[left] - done, _STEP))
        block ^= hashes[left]
        hashes[left] = _mix(block)
    return hashes


def _words(text: Bytes, begins: Places) -> tuple[Places, Places]:
    """Where words begin, and their lengths."""
    is_word = text != 0
    edges = np.flatnonzero(is_word[1:] != is_word[:-1]) + 1
    cut = begins[is_word[begins - 1] & is_word[begins]]
    if len(cut):
        cut = cut[np.append(True, cut[1:] != cut[:-1])]  # texts without a byte begin where the next one does
        edges = np.sort(np.concatenate((edges, cut, cut)), kind="stable")
    starts = edges[0::2]
    return starts, edges[1::2] - starts


def _block(blocks: Hashes, at: Places) -> Hashes:
    """Eight bytes from each place. Aligned words are read, and shifted together: several times quicker."""
    index = at >> 3
    shift = ((at & 7) << 3).view(np.uint64)
    block: Hashes = blocks.take(index)
    block >>= shift
    index += 1
    block |= blocks.take(index) << (np.uint64(64) - shift)
    return block


def _mix(hashes: Hashes) -> Hashes:
    """In place."""
    hashes *= _MIX
    hashes ^= hashes >> _SHIFT
    hashes *= _LENGTH
    hashes ^= hashes >> _SHIFT
    return hashes
