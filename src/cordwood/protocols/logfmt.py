r"""logfmt: `level=info msg="started in \"fast\" mode" port=8080`, as Heroku, Go and Grafana tools write it.

Grammar: https://pkg.go.dev/github.com/kr/logfmt, and `=` may stand in an unquoted value (`url=/a?b=c`).
Values stay texts: an id such as `0042` or `1e5` is not a number because it looks like one.
"""

import re

_PAIR = re.compile(r'[ \t]*([^\s="]+)(?:=(?:"([^"\\]*(?:\\.[^"\\]*)*)"|((?!")\S*)))?(?=[ \t]|$)', re.DOTALL)
_ESCAPE = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "/": "/", "b": "\b", "f": "\f"}

KNOWN_KEYS = frozenset(
    {"level", "lvl", "severity", "msg", "message", "err", "error", "time", "ts", "timestamp", "t",
     "caller", "logger", "component", "service", "app", "at", "method", "status"}
)  # fmt: skip
"""Keys that logfmt writers use: with one of them a line of pairs is taken for logfmt without being told."""


def parse(line: str) -> dict[str, object] | None:
    """The pairs of a line, in order; None when it is no logfmt, or does not begin with a pair.

    A bare word is a flag (`true`). A key that comes again has its values in an array, so that none is lost.
    """
    found: dict[str, list[object]] = {}
    at, end = 0, len(line.rstrip(" \t"))
    while at < end:
        match = _PAIR.match(line, at, end)
        if match is None:
            return None
        key, quoted, plain = match.groups()
        value = plain if plain is not None else True if quoted is None else _unescape(quoted)
        if not found and value is True:
            return None
        found.setdefault(key, []).append(value)
        at = match.end()
    return {key: values[0] if len(values) == 1 else values for key, values in found.items()} or None


def looks_like(pairs: dict[str, object]) -> bool:
    """Whether these pairs were surely meant as such: two or more, a known key, no bare words."""
    return len(pairs) >= 2 and not KNOWN_KEYS.isdisjoint(pairs) and True not in pairs.values()


def _unescape(text: str) -> str:
    return _ESCAPE.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    """An escape that is not known stays as written. So does half a surrogate pair: no text can hold it."""
    if match[1] is None:
        return _ESCAPED.get(match[2], match[0])
    code = int(match[1], 16)
    return match[0] if 0xD800 <= code <= 0xDFFF else chr(code)
