"""Nodes → a regular expression of PostgreSQL (an ARE), over texts as they are kept.

Kept, NUL is two characters, and so is the sentinel before them (`jsonb.py`); nothing may be found in the middle of a
pair. Only what cannot be misread is written: brackets of code points, groups that capture nothing, greedy repetition.
The dot, `\\d`, `\\w` and `\\y` of PostgreSQL, which follow its locale and its flags, are not used.
"""

from cordwood.errors import BadQuery
from cordwood.language.regex.characters import WORD, Ranges, holds, without
from cordwood.language.regex.nodes import Chars, Edge, Either, Node, Repeat, Row
from cordwood.store.postgres.filters.regex.simplifying import most_empty, simplified
from cordwood.store.postgres.jsonb import SENTINEL

MAX_STEPS = 2_000
"""Characters and edges with all their repetitions: PostgreSQL makes states of each before it searches."""
MAX_EMPTY = 100
"""Parts beside each other that may all be empty, with their repetitions (`simplifying`)."""
MAX_LENGTH = 200_000
_MOST_TIMES = 255
"""PostgreSQL's `DUPMAX`."""
_S = rf"\u{ord(SENTINEL):04x}"
_NUL, _ITSELF = f"{_S}0", f"{_S}1"
_NOTHING = "(?!)"

_BESIDE_PAIR = f"(?:^|[^{_S}])"


def written(node: Node, pattern: str) -> str:
    """An expression that is found in a kept text where `node`, read from `pattern`, is found in the text itself.

    Raises BadQuery for one that PostgreSQL would take long to make ready."""
    node = simplified(node)
    steps = _steps(node)
    if steps > MAX_STEPS:
        _refuse(
            f"this is {steps:,} characters long with its repetitions; at most {MAX_STEPS:,} can be searched", pattern
        )
    if most_empty(node) > MAX_EMPTY:
        _refuse(f"more than {MAX_EMPTY} parts beside each other, with their repetitions, may be empty", pattern)
    text = f"(?:{_text(node)})"
    if len(text) > MAX_LENGTH:
        _refuse("this has too many characters in its classes to be searched", pattern)
    return _BESIDE_PAIR + text if _may_begin_within(node) else text


def _refuse(reason: str, pattern: str) -> None:
    raise BadQuery(reason, query=pattern, position=0, length=len(pattern), hint="repeat less")


def _steps(node: Node) -> int:
    match node:
        case Edge() | Chars():
            return 1
        case Row(parts=parts) | Either(parts=parts):
            return 1 + sum(map(_steps, parts))
        case Repeat(part=part, least=least, most=most):
            return max(1, least, most or 0) * _steps(part)


def _text(node: Node) -> str:
    match node:
        case Edge():
            return _EDGES[node]
        case Chars(ranges=ranges):
            return chars(ranges)
        case Row(parts=parts):
            return "".join(f"(?:{_text(part)})" if isinstance(part, Either) else _text(part) for part in parts)
        case Either(parts=parts):
            return "|".join(_text(part) or "(?:)" for part in parts)
        case Repeat(part=part, least=least, most=most):
            return _repeated(_text(part), least, most)


def _repeated(text: str, least: int, most: int | None) -> str:
    """PostgreSQL counts to 255 at most."""
    one = f"(?:{text})"
    if most is None:
        return f"{one}{{{least},}}" if least <= _MOST_TIMES else _times(one, least) + f"{one}*"
    if most <= _MOST_TIMES:
        return f"{one}{{{least},{most}}}"
    optional = f"{one}{{0,{_MOST_TIMES}}}"
    times, rest = divmod(most - least, _MOST_TIMES)
    return _times(one, least) + f"(?:{optional}){{{times}}}{one}{{0,{rest}}}"


def _times(one: str, count: int) -> str:
    if count <= _MOST_TIMES:
        return f"{one}{{{count}}}" if count else ""
    times, rest = divmod(count, _MOST_TIMES)
    return f"(?:{one}{{{_MOST_TIMES}}}){{{times}}}{one}{{{rest}}}"


def chars(ranges: Ranges) -> str:
    """One character of a set, as it is kept."""
    pairs = [kept for code, kept in ((0, _NUL), (ord(SENTINEL), _ITSELF)) if holds(ranges, code)]
    plain = without(without(ranges, 0), ord(SENTINEL))
    if not plain:
        return f"(?:{'|'.join(pairs)})" if pairs else _NOTHING
    single = len(plain) == 1 and plain[0][0] == plain[0][1]
    bracket = _code(plain[0][0]) if single else f"[{''.join(map(_range, plain))}]"
    return f"(?:{'|'.join([bracket, *pairs])})" if pairs else bracket


def _range(ends: tuple[int, int]) -> str:
    low, high = ends
    return _code(low) if low == high else f"{_code(low)}-{_code(high)}"


def _code(code: int) -> str:
    letter = chr(code)
    if letter.isascii() and letter.isalnum():
        return letter
    return rf"\u{code:04x}" if code <= 0xFFFF else rf"\U{code:08x}"


def _may_begin_within(node: Node) -> bool:
    """Whether a match could begin at the second character of a pair: with 0 or 1, or with none at all."""
    match node:
        case Edge():
            return node is not Edge.START
        case Chars(ranges=ranges):
            return holds(ranges, ord("0")) or holds(ranges, ord("1"))
        case Row(parts=parts):
            return not parts or _may_begin_within(parts[0])
        case Either(parts=parts):
            return any(map(_may_begin_within, parts))
        case Repeat(part=part, least=least):
            return least == 0 or _may_begin_within(part)


_IS_WORD = chars(WORD)
# The 0 or 1 of a pair is no character of a word.
_BEHIND_WORD = f"(?<={_IS_WORD})(?<!{_S}[01])"
_BEHIND_NONE = f"(?:(?<!{_IS_WORD})|(?<={_S}[01]))"
_BEFORE_WORD, _BEFORE_NONE = f"(?={_IS_WORD})", f"(?!{_IS_WORD})"
_EDGES = {
    Edge.START: "^",
    Edge.END: "$",
    Edge.LINE_START: r"(?:^|(?<=\u000a))",
    Edge.LINE_END: r"(?:$|(?=\u000a))",
    Edge.WORD: f"(?:{_BEHIND_WORD}{_BEFORE_NONE}|{_BEHIND_NONE}{_BEFORE_WORD})",
    Edge.NO_WORD: f"(?:{_BEHIND_WORD}{_BEFORE_WORD}|{_BEHIND_NONE}{_BEFORE_NONE})",
}
