"""The list of pipes."""

from collections.abc import Callable

from cordwood.language.pipes import (
    dedup,
    eval,  # noqa: A004
    extract,
    fields,
    limit,
    patterns,
    rename,
    sample,
    sort,
    stats,
    timechart,
    top,
    where,
)
from cordwood.language.tokens import Reading
from cordwood.model.search.pipes import (
    Dedup,
    Eval,
    Extract,
    Fields,
    Limit,
    Patterns,
    Pipe,
    Rename,
    Sample,
    Sort,
    Stats,
    Timechart,
    Top,
    Where,
)

PIPES: dict[str, Callable[[Reading], Pipe]] = {
    "dedup": dedup.parse,
    "eval": eval.parse,
    "extract": extract.parse,
    "fields": fields.parse,
    "head": limit.parse,
    "limit": limit.parse,
    "patterns": patterns.parse,
    "rare": top.parse_rare,
    "rename": rename.parse,
    "sample": sample.parse,
    "sort": sort.parse,
    "stats": stats.parse,
    "timechart": timechart.parse,
    "top": top.parse_top,
    "where": where.parse,
}
"""Name → what reads the rest."""


def makes_table(pipe: Pipe) -> bool:
    """Whether what comes out are rows of a table, not events any more."""
    return isinstance(pipe, Stats | Timechart | Top | Patterns) or (isinstance(pipe, Fields) and not pipe.is_excluding)


def pipe_text(pipe: Pipe) -> str:
    """A pipe as a query writes it."""
    match pipe:
        case Where():
            return where.text(pipe)
        case Stats():
            return stats.text(pipe)
        case Timechart():
            return timechart.text(pipe)
        case Top():
            return top.text(pipe)
        case Sort():
            return sort.text(pipe)
        case Limit():
            return limit.text(pipe)
        case Fields():
            return fields.text(pipe)
        case Rename():
            return rename.text(pipe)
        case Dedup():
            return dedup.text(pipe)
        case Extract():
            return extract.text(pipe)
        case Eval():
            return eval.text(pipe)
        case Patterns():
            return patterns.text(pipe)
        case Sample():
            return sample.text(pipe)
