"""Pipes about awkward events, as text: what a person may write, by chance."""

import random
from collections.abc import Sequence

from cordwood.errors import BadQuery
from cordwood.language.parser import parse
from cordwood.model.search.pipes import Pipe

NOW_US = 1_795_500_000_000_000
_FUNCTIONS_OF_ONE = ("lower", "upper", "len", "abs", "floor", "ceil", "round", "tonumber", "tostring")
_AGGREGATES = (
    "count",
    "count_distinct",
    "approx_count_distinct",
    "sum",
    "avg",
    "min",
    "max",
    "p50",
    "p99.9",
    "median",
    "first",
    "last",
    "values",
)
_TESTS = ("{}:5", "{}:*", "{}:>1", "{}:~card", "{}:*a*", "{}:/^5/", '{}:"5.0"', "{}:>250ms", "{}:<10kB", "{}:true")
_CONSTANTS = (
    *("0", "1", "5", "0.5", "870.5", "-1", "1e300", "1e-300", "9007199254740993"),
    *('"5"', '"a"', '"card declined"', '""', '"0"', r'"\u0000"', r'"1\ue0c0"'),
)
_EXTRACTS = (
    r"/(?P<x>\d+)(?P<y>[a-z]+)?/",
    "/^(?P<x>.)(.)?(?P<z>.*)$/",
    '"<x> <y>"',
    '"<n>:<rest>"',
    "/(?P<took>5)|(?P<u>a)/",
)


class Pipelines:
    """Makes valid ones about some fields."""

    def __init__(self, rng: random.Random, fields: Sequence[str], *, needs: str = "") -> None:
        """`needs`: a text that each has."""
        self._rng = rng
        self._needs = needs
        self._kinds = "wwsssttcohlfFrdddxee1n"
        self._fields = [_quoted(name) for name in fields]

    def any(self) -> tuple[str, tuple[Pipe, ...]]:
        """A text, and what it means."""
        while True:
            text = "".join(f" | {self._pipe()}" for _ in range(self._rng.choice((1, 1, 2, 2, 3, 4))))
            if self._needs not in text:
                continue
            try:
                return text, parse(text, NOW_US).pipes
            except BadQuery:
                continue

    def _pipe(self) -> str:
        rng = self._rng
        match rng.choice(self._kinds):
            case "w":
                return f"where {self._condition(2)}"
            case "s":
                return f"stats {self._aggregates()}{self._by()}"
            case "t":
                some = self._names(1, 2)
                return f"{rng.choice(('top', 'rare'))} {rng.choice(('', '2 ', '5 '))}{some}{self._by()}"
            case "c":
                return f"timechart {rng.choice(('', 'span=1h ', 'span=7s '))}{self._aggregates()}{self._by()}"
            case "o":
                return "sort " + ", ".join(rng.choice(("", "-")) + self._field() for _ in range(rng.randint(1, 3)))
            case "h" | "l":
                return f"limit {rng.choice((0, 1, 3, 10, 40))} {rng.choice(('', '2', '10'))}"
            case "f":
                return f"fields {', '.join(rng.choice((self._field(), self._field(), 't*', '*')) for _ in range(3))}"
            case "F":
                return f"fields - {', '.join(rng.choice((self._field(), 'a*', 'http', '*.c')) for _ in range(2))}"
            case "r":
                return f"rename {self._field()} as {rng.choice((self._field(), 'm', 'x.y'))}"
            case "d":
                return f"dedup {rng.choice(('', '2 '))}{self._names(1, 2)}"
            case "x":
                return f"extract {rng.choice(_EXTRACTS)} from {self._field()}"
            case "e":
                return (
                    f"eval {rng.choice((self._field(), 'm', 'x'))} = {self._expression(3)}, n = {self._expression(1)}"
                )
            case "1":
                return f"sample 1/{rng.choice((1, 2, 5))}"
            case _:
                return f"sample {rng.choice((1, 5, 100))}"

    def _aggregates(self) -> str:
        return ", ".join(self._aggregate(number) for number in range(self._rng.randint(1, 3)))

    def _aggregate(self, number: int) -> str:
        rng = self._rng
        name = rng.choice(_AGGREGATES)
        argument = self._column() if rng.random() < 0.6 else self._expression(2)
        made = rng.choice(("count()", "rate()")) if rng.random() < 0.3 else f"{name}({argument})"
        condition = f" if {self._condition(1)}" if rng.random() < 0.3 else ""
        return f"{made}{condition} as c{number}"

    def _by(self) -> str:
        return f" by {self._names(1, 2)}" if self._rng.random() < 0.6 else ""

    def _names(self, least: int, most: int) -> str:
        return ", ".join(self._rng.sample(self._fields, self._rng.randint(least, most)))

    def _field(self) -> str:
        return self._rng.choice(self._fields)

    def _column(self) -> str:
        name = self._field()[1:-1]
        return name if "`" in name else f"`{name}`"

    def _condition(self, depth: int) -> str:
        rng = self._rng
        match rng.choice("tttcccao"):
            case "t":
                return rng.choice(_TESTS).format(self._field())
            case "a" if depth:
                return f"({self._condition(depth - 1)} and {self._condition(depth - 1)})"
            case "o" if depth:
                return f"not ({self._condition(depth - 1)} or {self._condition(depth - 1)})"
            case _:
                sign = rng.choice(("=", "!=", "<", "<=", ">", ">="))
                if rng.random() < 0.2:
                    return f"{rng.choice(_CONSTANTS)} {sign} {rng.choice(_CONSTANTS)}"
                left = rng.choice((self._column(), f"concat({self._column()}, {self._expression(depth)})"))
                left = rng.choice((left, f"coalesce({self._column()}, {self._expression(depth)})"))
                return f"{left} {sign} {self._expression(depth)}"

    def _expression(self, depth: int) -> str:
        rng = self._rng
        if not depth or rng.random() < 0.3:
            return rng.choice((self._column(), self._column(), self._column(), rng.choice(_CONSTANTS), "null"))

        def part() -> str:
            return self._expression(depth - 1)

        match rng.choice("amfffnstcirpg"):
            case "a" | "m":
                return f"({part()} {rng.choice('+-*/')} {part()})"
            case "f":
                return f"{rng.choice(_FUNCTIONS_OF_ONE)}({part()})"
            case "n":
                return f"-({part()})"
            case "s":
                return (
                    f"substr({part()}, {rng.choice(('1', '2', '0', part()))}, {rng.choice(('3', '0.5', '-1', part()))})"
                )
            case "t":
                return f"concat({part()}, {part()}, {part()})"
            case "c":
                return f"coalesce({part()}, {part()})"
            case "i":
                return f"if({self._condition(depth - 1)}, {part()}, {part()})"
            case "r":
                return f"round({part()}, {rng.randint(0, 15)})"
            case "p":
                return f"replace({part()}, {part()}, {part()})"
            case _:
                return f"{rng.choice(('contains', 'startswith', 'endswith'))}({part()}, {part()})"


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
