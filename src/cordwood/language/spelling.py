"""Filters, names and expressions → canonical text, which reads back as the same. Pipes write themselves with it."""

import re
from ipaddress import ip_network

from cordwood.language.quantities import number_text, parse_quantity, quantity_text
from cordwood.model.census import Scalar
from cordwood.model.search.expressions import (
    Arithmetic,
    Call,
    Column,
    Comparison,
    Constant,
    Expression,
    Logic,
    Negation,
    Negative,
    Test,
)
from cordwood.model.search.field import Field, name_of
from cordwood.model.search.filters import (
    And,
    Bound,
    Equals,
    Everything,
    Exists,
    Filter,
    InNetwork,
    Leaf,
    Like,
    Not,
    Or,
    Regex,
    Text,
    Within,
    Words,
)
from cordwood.model.search.wildcards import Wild, pieces, plain

_KEYWORDS = frozenset({"and", "or", "not", "null", "to", "as", "by", "if", "from", "time", "true", "false"})
_BARE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*", re.ASCII)
_BARE_NAME = re.compile(r"[A-Za-z_@$][A-Za-z0-9_.@$/-]*|\.[A-Za-z_@$][A-Za-z0-9_.@$/-]*", re.ASCII)
_BARE_OPERAND = re.compile(r"\.?[A-Za-z_@$][A-Za-z0-9_.@$]*", re.ASCII)
_NEEDS_BACKSLASH = re.compile(r"[\\*?()|\"`:,<>!\s]")
_OPENS = re.compile(r"^[-!/<>=~'\[{]")
_ODD = re.compile(r"[\"\\\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_SHORT = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}

# How strongly an expression holds its parts together.
_OR, _AND, _NOT, _COMPARISON, _SUM, _PRODUCT, _SIGN, _PRIMARY = range(8)


def filter_text(found: Filter) -> str:
    """A filter as the search line writes it."""
    match found:
        case Everything():
            return "*"
        case And(parts=parts):
            return " ".join(f"({filter_text(each)})" if isinstance(each, Or) else filter_text(each) for each in parts)
        case Or(parts=parts):
            return " OR ".join(filter_text(each) for each in parts)
        case Not(part=part):
            inner = filter_text(part)
            return f"-({inner})" if isinstance(part, And | Or | Not) else f"-{inner}"
        case Words(field=Field(name="message", is_sent=False), pattern=pattern):
            return _pattern_text(pattern)
        case Words(field=field, pattern=pattern):
            return f"{_any_name(field)}:{'~' if field else ''}{_pattern_text(pattern)}"
        case Regex(field=Field(name="message", is_sent=False), pattern=pattern):
            return regex_text(pattern)
        case Regex(field=field, pattern=pattern):
            return f"{_any_name(field)}:{regex_text(pattern)}"
        case _:
            return _condition_text(found)


def _condition_text(found: Equals | Like | Exists | InNetwork | Within) -> str:
    name = name_text(name_of(found.field))
    match found:
        case Equals(text=text):
            return f"{name}:{'=' if found.field.derived == 'message' else ''}{value_text(text)}"
        case Like(pattern=pattern):
            return f"{name}:{wild_text(pattern)}"
        case Exists():
            return f"{name}:*"
        case InNetwork(network=network):
            return f"{name}:{ip_network(network)}"
        case Within(low=Bound(value=value, is_included=is_included), high=None):
            return f"{name}:{'>=' if is_included else '>'}{_bound_text(value)}"
        case Within(low=None, high=Bound(value=value, is_included=is_included)):
            return f"{name}:{'<=' if is_included else '<'}{_bound_text(value)}"
        case Within(low=low, high=high):
            assert low is not None and high is not None, "a range has an end"
            opening, closing = "[" if low.is_included else "{", "]" if high.is_included else "}"
            return f"{name}:{opening}{_bound_text(low.value)} TO {_bound_text(high.value)}{closing}"


def _bound_text(value: object) -> str:
    text = quantity_text(value)  # type: ignore[arg-type]
    return quoted(text) if isinstance(value, Text) else text


def _any_name(field: Field | None) -> str:
    return "*" if field is None else name_text(name_of(field))


def _pattern_text(pattern: str) -> str:
    text = plain(pattern)
    return wild_text(pattern) if text is None else value_text(text)


def value_text(text: str) -> str:
    """A value behind a colon, or a word: the same characters, without a meaning of their own."""
    if not _BARE.fullmatch(text) or text.lower() in _KEYWORDS or ".." in text:
        return quoted(text)
    return text


def wild_text(pattern: str) -> str:
    """A pattern with wildcards, as it stands without quotes."""
    parts = [piece.value if isinstance(piece, Wild) else _escaped(piece) for piece in pieces(pattern)]
    return _OPENS.sub(r"\\\g<0>", "".join(parts))


def _escaped(text: str) -> str:
    return _NEEDS_BACKSLASH.sub(r"\\\g<0>", text)


def name_text(name: str) -> str:
    """A field's name or a column's, quoted where it must be."""
    is_plain = _BARE_NAME.fullmatch(name) and name.lower() not in _KEYWORDS
    return name if is_plain else quoted(name)


def operand_text(name: str) -> str:
    """The same within an expression, where `-` and `/` are signs."""
    is_plain = _BARE_OPERAND.fullmatch(name) and name.lower() not in _KEYWORDS
    return name if is_plain else quoted(name, "`")


def scalar_text(value: Scalar) -> str:
    """A value of an event as the text that is equal to it."""
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else repr(value)


def bound_text(value: Scalar) -> str:
    """A value of an event as something to compare with: a number, a duration, a size, a time, or else a text."""
    text = scalar_text(value)
    return text if parse_quantity(text, 0) is not None and not re.search(r"\s", text) else quoted(text)


def regex_text(pattern: str) -> str:
    """A regular expression between slashes."""
    return "/" + re.sub(r"\\(.)|/", lambda each: each[0] if each[1] else "\\/", pattern, flags=re.DOTALL) + "/"


def quoted(text: str, quote: str = '"') -> str:
    """A text in quotes; characters that hide are spelt out."""
    escaped = _ODD.sub(_escape, text)
    return f'"{escaped}"' if quote == '"' else "`" + _ODD.sub(_escape, text).replace("`", "\\`") + "`"


def _escape(found: re.Match[str]) -> str:
    return _SHORT.get(found[0]) or f"\\u{ord(found[0]):04x}"


def expression_text(found: Expression) -> str:
    """An expression, with parentheses only where it needs them."""
    return _text(found, _OR)


def _text(found: Expression, least: int) -> str:
    text, strength = _written(found)
    return text if strength >= least else f"({text})"


def _written(found: Expression) -> tuple[str, int]:
    match found:
        case Constant():
            return _constant(found), _PRIMARY
        case Column(field=field):
            return operand_text(name_of(field)), _PRIMARY
        case Test(filter=inner):
            return _test_text(inner), _PRIMARY
        case Call(function=function, arguments=arguments):
            return f"{function}({', '.join(_text(each, _OR) for each in arguments)})", _PRIMARY
        case Negative(part=part):
            return "-" + _text(part, _SIGN), _SIGN
        case Arithmetic(sign=sign, left=left, right=right):
            strength = _SUM if sign in "+-" else _PRODUCT
            return f"{_text(left, strength)} {sign} {_text(right, strength + 1)}", strength
        case Comparison(sign=sign, left=left, right=right):
            return f"{_text(left, _SUM)} {sign} {_text(right, _SUM)}", _COMPARISON
        case Negation(part=part):
            return f"not {_text(part, _NOT)}", _NOT
        case Logic(kind=kind, parts=parts):
            strength = _OR if kind == "or" else _AND
            return f" {kind} ".join(_text(each, strength + 1) for each in parts), strength


def _test_text(found: Leaf) -> str:
    """Like in a search line, but that the message needs its name."""
    match found:
        case Everything():
            return "*:*"
        case Words(field=Field(name="message", is_sent=False)) | Regex(field=Field(name="message", is_sent=False)):
            return f"message:{filter_text(found)}"
        case _:
            return filter_text(found)


def _constant(found: Constant) -> str:
    match found.value:
        case None:
            return "null"
        case bool(value):
            return "true" if value else "false"
        case str(value):
            return quoted(value)
        case number:
            return number_text(float(number))
