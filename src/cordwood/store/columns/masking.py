"""JSON lines in which every quotation mark begins or ends a text: escapes become single control bytes.

Valid JSON holds no control byte within a text (RFC 8259 §7), so these stand for nothing else.
"""

import json
import re
import string

_MASKS = {'"': b"\x01", "\\": b"\x02", "\n": b"\x03", "\r": b"\x05", "\t": b"\x04"}
_ORDER = ((b"\\\\", "\\"), (b'\\"', '"'), (b"\\n", "\n"), (b"\\r", "\r"), (b"\\t", "\t"))
"""The backslash first: what it escapes is then no escape any more."""
_MEANT = bytes.maketrans(b"".join(_MASKS.values()), "".join(_MASKS).encode())
_MEANINGFUL = frozenset("+-.,:[]{} " + string.ascii_letters + string.digits)
"""What means something outside of texts: there, no escape may become one of these."""
_CODES = re.compile(rb"(?:\\u[0-9a-fA-F]{4})+")


def masked(lines: bytes) -> bytes:
    """Valid JSON lines with their escapes masked. A backslash that is left is of an escape that has no mask."""
    if b"\\" not in lines:
        return lines
    for escape, meant in _ORDER:
        lines = lines.replace(escape, _MASKS[meant])
    lines = lines.replace(b"\\/", b"/")
    return _CODES.sub(_decoded, lines) if b"\\u" in lines else lines


def unmasked(lines: bytes) -> bytes:
    """The same, with what the masks mean in their place: byte for byte, so that every place stays the same."""
    return lines.translate(_MEANT)


def _decoded(found: "re.Match[bytes]") -> bytes:
    """Code points as UTF-8; where one has no spelling that could be told from others, all stay."""
    text: str = json.loads(b'"' + found.group() + b'"')
    try:
        return b"".join(_spelt(character) for character in text)
    except ValueError:
        return found.group()


def _spelt(character: str) -> bytes:
    if (mask := _MASKS.get(character)) is not None:
        return mask
    if character < " " or character in _MEANINGFUL:
        raise ValueError(character)
    return character.encode()  # a lone surrogate raises UnicodeEncodeError, which is a ValueError
