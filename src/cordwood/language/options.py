"""What a place in a query may take, spelled so that the query reads when it is put in: words of the grammar, columns
that pipes made, and the fields and values that somebody knows of."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from cordwood.language.completion import Completion
from cordwood.language.filters.levels import LEVEL_ORDER
from cordwood.language.functions import SIGNATURES
from cordwood.language.noting import Offer
from cordwood.language.pipes.aggregates import ALONE
from cordwood.language.pipes.types import ColumnType, column_types
from cordwood.language.results import result_of
from cordwood.language.spelling import bound_text, name_text, operand_text, scalar_text, value_text
from cordwood.model.census import Scalar
from cordwood.model.search.field import DERIVED, Field

OptionKind = Literal["field", "value", "pipe", "function", "keyword", "operator", "column"]

_OPERATORS = frozenset({"AND", "OR", "NOT", "|", "and", "or"})
_UNLISTED = DERIVED - {"level", "service"}
"""Hardly a value of these comes twice."""
LONGEST = 200
"""Characters of a name or a value: a longer one is nothing to choose from a list."""
_COLUMNS: Mapping[ColumnType, str] = {"whole": "int", "real": "float", "time": "time", "text": "str", "truth": "bool"}


class Known(NamedTuple):
    """A field's name, or a value, and what to say of it."""

    value: Scalar
    detail: str = ""


class Option(NamedTuple):
    """`text` goes in the place; `label` is what a person reads."""

    text: str
    label: str
    kind: OptionKind
    detail: str = ""


def takes_fields(found: Completion) -> bool:
    """Whether fields of events can stand there: behind a pipe that makes a table only its columns can."""
    return any(offer.kind == "field" for offer in found.offers) and not _has_all_columns(found)


def field_of_values(found: Completion) -> Field | None:
    """The field of which a value can stand there, if it is one whose values come twice."""
    fields = (offer.field for offer in found.offers if offer.kind == "value" and offer.field is not None)
    field = next(fields, None)
    return None if field is None or field.derived in _UNLISTED else field


def options(found: Completion, text: str, fields: Sequence[Known], values: Sequence[Known], limit: int) -> list[Option]:
    """At most `limit` for the place that was found in a text. Of names and values, which are given in the order of
    preference, those come first that begin as what was typed, then words of the grammar, then those that have it
    within."""
    behind = text[found.end : found.end + 1]
    names: list[Option] = []
    words: list[Option] = []
    for offer in found.offers:
        match offer.kind:
            case "field":
                names += _fields(found, offer, fields)
            case "value":
                words += (Option(word, word, "value") for word in offer.words)
                names += _values(offer, values)
            case _:
                words += (_word(offer, word, behind) for word in offer.words)
    typed = found.typed.lower()
    begins, has = list[Option](), list[Option]()
    for each in names:
        label = each.label.lower()
        if label.startswith(typed):
            begins.append(each)
        elif typed in label:
            has.append(each)
    there = {each.label for each in begins}
    words = _once([each for each in words if each.label not in there])
    room = max(limit - len(words), limit // 2)
    return _once([*begins[:room], *words, *has])[:limit]


def _has_all_columns(found: Completion) -> bool:
    made = result_of(found.pipes)
    return made.kind != "events" and made.columns is not None


def _fields(found: Completion, offer: Offer, fields: Sequence[Known]) -> Iterator[Option]:
    for name, kind in _columns(found).items():
        yield Option(_named(name, offer), name, "column", _COLUMNS.get(kind, ""))
    if not _has_all_columns(found):
        listed = [str(each.value) for each in fields]
        rest = (Known(name) for name in sorted(DERIVED - set(listed), key=lambda name: (name[0] == "_", name)))
        # What was sent by the name of a derived value is seldom meant.
        for each in sorted([*fields, *rest], key=lambda each: str(each.value).startswith(".")):
            yield Option(_named(str(each.value), offer), str(each.value), "field", each.detail)


def _columns(found: Completion) -> dict[str, ColumnType]:
    made, types = result_of(found.pipes), column_types(found.pipes)
    return types if made.columns is None else {name: types[name] for name in made.columns}


def _named(name: str, offer: Offer) -> str:
    if offer.role == "term":
        return f"{name_text(name)}:"
    return operand_text(name) if offer.role == "operand" else name_text(name)


def _values(offer: Offer, values: Sequence[Known]) -> Iterator[Option]:
    for each in values:
        text = scalar_text(each.value)
        if len(text) <= LONGEST and _can_be(text, offer):
            spelled = bound_text(each.value) if offer.role == "bound" else value_text(text)
            yield Option(spelled, text or spelled, "value", each.detail)


def _can_be(text: str, offer: Offer) -> bool:
    if offer.field is None or offer.field.derived in _UNLISTED:
        return False
    if offer.field.derived == "level" and text not in LEVEL_ORDER:
        return False
    return text != "" or offer.role != "words"


def _word(offer: Offer, word: str, behind: str) -> Option:
    match offer.kind:
        case "aggregate" | "function":
            opening = "" if behind == "(" else "()" if word in ALONE else "("
            return Option(word + opening, word, "function", _signature(word))
        case _:
            blank = "" if behind.isspace() else " "
            kind: OptionKind = "pipe" if offer.kind == "pipe" else "operator" if word in _OPERATORS else "keyword"
            return Option(word + blank, word, kind)


def _signature(name: str) -> str:
    signature = next((each for function, each in SIGNATURES.items() if function == name), None)
    if signature is None:
        return ""
    more = ", …" if signature.has_more else ""
    return f"({', '.join(signature.takes)}{more}) → {signature.gives}"


def _once(found: Iterable[Option]) -> list[Option]:
    return list({(each.text, each.kind): each for each in reversed(list(found))}.values())[::-1]
