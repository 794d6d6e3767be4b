"""Texts from outside, made harmless: nothing in them may steer a terminal, hide text or begin a line of its own."""

import re

# C0, DEL and C1 controls; what reorders or hides text (bidirectional controls, zero-width, tags); line and
# paragraph separators; lone surrogates, which cannot be written.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# OWASP's list, the full-width forms that spreadsheets read alike, and blanks that they skip.
_FORMULA = re.compile("[\t\r\n]|[\\s\ufeff]*[=+\\-@\uff1d\uff0b\uff0d\uff20]")
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def neutral(text: str) -> str:
    """The text with every control character spelt out (`\\x1b`, `\\u202e`)."""
    return _UNSAFE.sub(_spelt, text)


def neutral_cell(text: str) -> str:
    """The text as a table cell that no program takes for a formula: what begins like one has an apostrophe in front."""
    return "'" + text if _FORMULA.match(text) else text


def neutral_json(line: str) -> str:
    """JSON text with the same characters escaped the JSON way: it still means the same."""
    return _UNSAFE.sub(_escaped, line)


def _spelt(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return _SHORT.get(match[0], f"\\x{code:02x}")
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
