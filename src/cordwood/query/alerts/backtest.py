"""When a rule would have fired, from what is stored now.

Windows are counted together while that tells enough: a span without a match has none in any of its windows, and where
only large counts match, a span with too few has too few in all of them. So quiet days cost little, and what the bound
on counts leaves is exact as far back as it says. What pipes make of a long span tells nothing of the windows in it: of
such a query every window is asked for.
"""

import asyncio
from collections.abc import Iterator

from msgspec import UNSET, Struct, UnsetType

from cordwood.alerts.checks import Watch, watch_of
from cordwood.alerts.evaluating import next_due_us
from cordwood.alerts.interface import Evaluator
from cordwood.alerts.measuring import Finding, finding
from cordwood.alerts.questions import question_of
from cordwood.alerts.settings import AlertSettings
from cordwood.errors import BadRequest
from cordwood.model.alerts.rule import Rule
from cordwood.model.alerts.state import State, after_value
from cordwood.model.event import format_timestamp
from cordwood.model.tenant import Tenant

_DAY_US = 86_400_000_000
_MOST_EVALUATIONS = 100_000
_MOST_FIRINGS = 100


class Firing(Struct, frozen=True, forbid_unknown_fields=True):
    """From the evaluation that would have fired on; `end` null: it would still. `peak` is the largest value seen, of a
    table the worst one."""

    start: str
    end: str | None
    peak: float


class Backtest(Struct, frozen=True, forbid_unknown_fields=True):
    """Of evaluations from `start` on. Not `complete`: the bounds on work left out what is before."""

    start: str
    end: str
    complete: bool
    evaluations: int
    matches: int
    fired: int
    firings: list[Firing]
    """The latest of them."""
    counts: int
    """Asked of the store."""
    value: str | UnsetType = UNSET
    """The column that the peaks are of, where the query makes a table."""


class BackTester:
    """Tries rules on the past. Bounded in counts and in time."""

    def __init__(self, evaluator: Evaluator, settings: AlertSettings) -> None:
        self._evaluator = evaluator
        self._settings = settings

    async def run(self, rule: Rule, days: int, tenant: Tenant, now_us: int) -> Backtest:
        """Raises BadRequest, Overloaded, Unavailable."""
        watch = watch_of(rule)
        first_us = next_due_us(now_us - days * _DAY_US, watch.interval_us)
        last_us = next_due_us(now_us - watch.interval_us, watch.interval_us)
        number = (last_us - first_us) // watch.interval_us + 1
        if not 1 <= number <= _MOST_EVALUATIONS:
            raise BadRequest(
                f"{days} days have {number:,} evaluations of this rule",
                hint=f"ask for fewer days: at most {_MOST_EVALUATIONS:,} evaluations are tried",
            )
        looking = _Looking(self._evaluator, rule, watch, tenant, self._settings, last_us)
        try:
            async with asyncio.timeout(self._settings.backtest_timeout_s):
                await looking.look(0, number)
            is_complete = len(looking.values) == number
        except TimeoutError:
            is_complete = False
        return _told(rule, watch, looking, last_us, is_complete=is_complete)


class _Looking:
    """Values of evaluations, the latest first; None for one that does not match, whatever it is."""

    def __init__(
        self, evaluator: Evaluator, rule: Rule, watch: Watch, tenant: Tenant, settings: AlertSettings, last_us: int
    ) -> None:
        self._evaluator = evaluator
        self._rule = rule
        self._watch = watch
        self._tenant = tenant
        self._delay_us = round(settings.delay_s * 1_000_000)
        self._last_us = last_us
        self._most = settings.backtest_counts
        self.values: list[float | None] = []
        self.counts = 0

    async def look(self, newest: int, behind: int) -> None:
        """Values of the evaluations from `newest` to before `behind`, numbered back from the last."""
        if question_of(self._rule, self._last_us).search.pipes:
            await self._look_at_each(newest, behind)
            return
        # Not by recursion into both halves: what is left stands on a stack, the newer half on top.
        left = [(newest, behind)]
        while left and self.counts < self._most:
            newest, behind = left.pop()
            count = (await self._asked(newest, behind)).value or 0.0
            if behind - newest == 1:
                self.values.append(count)
            elif count == 0:
                self.values += [0.0] * (behind - newest)
            elif self._watch.condition.holds_only_above() and not self._watch.condition.holds(count):
                self.values += [None] * (behind - newest)
            else:
                middle = (newest + behind) // 2
                left += [(middle, behind), (newest, middle)]

    async def _look_at_each(self, newest: int, behind: int) -> None:
        for number in range(newest, behind):
            if self.counts >= self._most:
                return
            found = await self._asked(number, number + 1)
            self.values.append(found.value if found.is_match else None)

    async def _asked(self, newest: int, behind: int) -> Finding:
        """About all windows of these evaluations together."""
        self.counts += 1
        interval_us, condition = self._watch.interval_us, self._watch.condition
        end_us = self._last_us - newest * interval_us - self._delay_us
        start_us = self._last_us - (behind - 1) * interval_us - self._delay_us - self._watch.window_us
        return await finding(
            self._evaluator, question_of(self._rule, end_us), condition, start_us, end_us, self._tenant
        )


def _told(rule: Rule, watch: Watch, looking: _Looking, last_us: int, *, is_complete: bool) -> Backtest:
    known = looking.values
    first_us = last_us - (len(known) - 1) * watch.interval_us
    firings: list[Firing] = []
    fired = 0
    for start_us, end_us, peak in _firings(rule, watch, known, first_us):
        fired += 1
        end = None if end_us is None else format_timestamp(end_us)
        firings = [*firings[-_MOST_FIRINGS + 1 :], Firing(format_timestamp(start_us), end, peak)]
    matches = sum(value is not None and watch.condition.holds(value) for value in known)
    column = question_of(rule, last_us).column
    return Backtest(
        start=format_timestamp(min(first_us, last_us)),
        end=format_timestamp(last_us),
        complete=is_complete,
        evaluations=len(known),
        matches=matches,
        fired=fired,
        firings=firings[::-1],
        counts=looking.counts,
        value=UNSET if column is None else column,
    )


def _firings(
    rule: Rule, watch: Watch, values: list[float | None], first_us: int
) -> Iterator[tuple[int, int | None, float]]:
    """(start, end or None, peak) of each time that it would have fired, in order."""
    is_table = question_of(rule, first_us).column is not None

    def worse(one: float, other: float) -> float:
        return max(one, other, key=watch.condition.badness) if is_table else max(one, other)

    state = State(since_us=first_us)
    start_us, at_us = 0, first_us
    peak: float | None = None
    for value in reversed(values):
        is_match = value is not None and watch.condition.holds(value)
        state, kind = after_value(state, at_us, value, is_match=is_match, needed=rule.consecutive)
        if kind == "firing":
            start_us, peak = at_us, None
        if state.is_firing and value is not None:
            peak = value if peak is None else worse(peak, value)
        if kind == "resolved":
            yield start_us, at_us, peak or 0.0
        at_us += watch.interval_us
    if state.is_firing:
        yield start_us, None, peak or 0.0
