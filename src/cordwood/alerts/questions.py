"""What a rule asks: its search, and which number of the answer is compared. What could be no sound condition is refused
when the rule is made."""

from collections.abc import Sequence

from msgspec import UNSET, Struct, UnsetType

from cordwood.errors import BadQuery, BadRequest
from cordwood.language.parser import parse_noting
from cordwood.language.pipes.known import pipe_text
from cordwood.language.results import Result, result_of
from cordwood.model.alerts.found import Found
from cordwood.model.alerts.rule import NO_MATCHES, Rule
from cordwood.model.search.pipes import (
    Aggregate,
    Limit,
    Patterns,
    Pipe,
    Sample,
    Search,
    Stats,
    Timechart,
    Top,
    Where,
)


class Question(Struct, frozen=True):
    """Of a table each row's number in `column` is compared, or, where that is None, the rows are counted; `by` tells
    groups apart. Where it is no table, events are counted."""

    search: Search
    is_table: bool = False
    column: str | None = None
    by: tuple[str, ...] = ()

    def nothing_found(self) -> Found | UnsetType:
        """What is told before any evaluation."""
        return Found(self.column or "") if self.is_table else UNSET


def question_of(rule: Rule, now_us: int) -> Question:
    """Raises BadQuery, and BadRequest about `value` and `condition`."""
    parsed = parse_noting(rule.query, now_us)
    search = parsed.search
    if (refusal := next(filter(None, map(_refusal, search.pipes)), None)) is not None:
        message, hint = refusal
        start = parsed.query_end
        raise BadQuery(message, query=rule.query, position=start, length=len(rule.query) - start, hint=hint)
    result = result_of(search.pipes)
    if result.kind == "events":
        if rule.value is not UNSET:
            raise BadRequest(f"there is no column {rule.value!r}: this query counts events", hint="leave out 'value'")
        return Question(search)
    if rule.condition == NO_MATCHES:
        _check_may_be_empty(search.pipes)
        if rule.value is not UNSET:
            _column(rule, search.pipes, result)
        return Question(search, True)
    return Question(search, True, _column(rule, search.pipes, result), result.by)


def _refusal(pipe: Pipe) -> tuple[str, str] | None:
    """Why a rule cannot have a pipe, and what to write instead; None where it can."""
    match pipe:
        case Timechart(aggregates=aggregates, by=by):
            said = "has a number for each span of time; a rule has its window for that, and asks again every interval"
            return f"timechart {said}", f"write {pipe_text(Stats(aggregates, by))}"
        case Stats(aggregates=aggregates, by=by, span_us=int()):
            said = "has a number for each span of time; a rule has its window for that, and asks again every interval"
            return f"stats by time {said}", f"write {pipe_text(Stats(aggregates, by))}"
        case Top(fields=fields, by=by, is_rare=is_rare):
            counted = pipe_text(Stats((Aggregate("count", None, "count()"),), by + fields))
            return f"{'rare' if is_rare else 'top'} leaves out groups that the condition is about", f"write {counted}"
        case Patterns():
            return (
                "the patterns of one window are not those of the next",
                "search for the words of the pattern that is meant, without a pipe: then its events are counted",
            )
        case Sample():
            return "a sample has not every event that the condition is about", "leave out sample"
        case _:
            return None


def _check_may_be_empty(pipes: Sequence[Pipe]) -> None:
    may_be_empty = True
    for pipe in pipes:
        if isinstance(pipe, Stats):
            may_be_empty = bool(pipe.by)
        may_be_empty = may_be_empty or isinstance(pipe, Where | Limit)
    if not may_be_empty:
        raise BadRequest(
            f"'condition' {NO_MATCHES!r} would never hold: stats without by always has a row",
            hint='compare its number, for instance "= 0"',
        )


def _column(rule: Rule, pipes: Sequence[Pipe], result: Result) -> str:
    lists = {each.name for pipe in pipes if isinstance(pipe, Stats) for each in pipe.aggregates
             if each.function == "values"}  # fmt: skip
    names = [name for name in result.values if name not in lists]
    if not names:
        raise BadRequest(
            "the table of this query has no number to compare",
            hint="let it end in a table of numbers, for instance | stats count() by host",
        )
    told = ", ".join(names)
    if rule.value is not UNSET:
        if rule.value not in names:
            raise BadRequest(f"'value' is no column of numbers: {rule.value!r}", hint=f"the table has {told}")
        return rule.value
    if len(names) > 1:
        raise BadRequest(
            f"the table has several numbers: {told}",
            hint=f'say which one is compared, for instance value = "{names[0]}"',
        )
    return names[0]
