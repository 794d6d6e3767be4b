"""Rules, evaluated: claimed, asked of the store, concluded."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import structlog
from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from cordwood import metrics
from cordwood.alerts.book import RuleBook
from cordwood.alerts.checks import Watch, watch_of
from cordwood.alerts.interface import Claim, Conclusion, Entry, Evaluator, Letter
from cordwood.alerts.kept import Silences
from cordwood.alerts.measuring import Finding, finding
from cordwood.alerts.message import line_of, line_of_group, link_of
from cordwood.alerts.questions import question_of
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock
from cordwood.errors import CordwoodError
from cordwood.model.alerts.found import Found
from cordwood.model.alerts.notice import Notice, NoticeKind
from cordwood.model.alerts.rule import Email, Receiver, Rule, Silence
from cordwood.model.alerts.state import Kind, State, after_failure, after_value
from cordwood.model.batch import event_id
from cordwood.model.tenant import Tenant

log = structlog.get_logger()

_US = 1_000_000
_LEASE_BEYOND_S = 30.0
"""What a lease lasts beyond the time that an evaluation may take."""
_LEAST_REST_US, _MOST_REST_US = 2 * _US, 60 * _US


def next_due_us(after_us: int, interval_us: int) -> int:
    """The first evaluation time behind a moment: they are multiples of the interval since 1970, for everybody alike."""
    return (after_us // interval_us + 1) * interval_us


class Evaluating:
    """Evaluates rules that are due. Any number of these work on one book."""

    def __init__(
        self, book: RuleBook, silences: Silences, evaluator: Evaluator, clock: Clock, settings: AlertSettings
    ) -> None:
        self._book = book
        self._silences = silences
        self._evaluator = evaluator
        self._clock = clock
        self._settings = settings

    async def take(self, limit: int) -> Sequence[Claim]:
        """Some of what is due, for this evaluator alone. Raises Unavailable when the book is away."""
        now_us = self._clock.now_us()
        lease_us = round((2 * self._settings.timeout_s + _LEASE_BEYOND_S) * _US)
        return await self._book.claim(now_us, now_us + lease_us, limit)

    async def evaluate(self, claim: Claim) -> None:
        """Ask, and write what it comes to. Raises nothing: what fails is tried again."""
        kept = claim.kept
        try:
            conclusion, outcome = await self._concluded(claim)
            if not await self._book.conclude(claim, conclusion, self._clock.now_us()):
                outcome = "lost"
            elif conclusion.entry is not None:
                metrics.ALERT_TRANSITIONS.labels(conclusion.entry.kind).inc()
            metrics.ALERT_EVALUATIONS.labels(outcome).inc()
        except CordwoodError as error:
            # The book is away, and the claim ends by itself.
            metrics.ALERT_EVALUATIONS.labels("lost").inc()
            log.warning("alert_not_concluded", rule=kept.name, tenant=kept.tenant, reason=error.message)
        except Exception:
            # The outermost edge of an evaluation: the other rules go on while somebody mends this.
            metrics.ALERT_EVALUATIONS.labels("lost").inc()
            log.exception("alert_not_evaluated", rule=kept.name, tenant=kept.tenant)

    async def _concluded(self, claim: Claim) -> tuple[Conclusion, str]:
        """What an evaluation comes to, and the outcome's name for the metrics. Raises Unavailable."""
        kept = claim.kept
        rule, watch = kept.rule, watch_of(kept.rule)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                answer = await self._asked(rule, watch, kept.tenant, kept.due_us)
        except TimeoutError:
            reason = f"the query took longer than {self._settings.timeout_s:g} s (CORDWOOD_ALERTS_TIMEOUT_S)"
            return await self._failed(claim, watch, reason), "timeout"
        except CordwoodError as error:
            return await self._failed(claim, watch, error.message), "failed"
        now_us = self._clock.now_us()
        metrics.ALERT_LAG_SECONDS.observe(max(0, now_us - kept.due_us) / _US)
        state, kind = after_value(
            kept.state,
            kept.due_us,
            answer.value,
            is_match=answer.is_match,
            needed=rule.consecutive,
            note=answer.note,
            found=answer.found,
        )
        due_us, skipped = self._next_due(kept.due_us, watch.interval_us, now_us)
        if skipped:
            log.warning("alert_evaluations_skipped", rule=kept.name, tenant=kept.tenant, evaluations=skipped)
        state = replace(state, skipped=state.skipped + skipped)
        if kind is None and state.is_firing and not state.is_told:
            kind = "firing"  # it was silenced, and may not be any more
            return await self._told(claim, watch, state, kind, due_us, due_us, is_late=True), "matched"
        outcome = "matched" if answer.is_match else "not_matched"
        if kind is None:
            return Conclusion(state, due_us, due_us), outcome
        return await self._told(claim, watch, state, kind, due_us, due_us), outcome

    async def _asked(self, rule: Rule, watch: Watch, tenant: Tenant, due_us: int) -> Finding:
        start_us, end_us = self._window(watch, due_us)
        question, most = question_of(rule, end_us), self._settings.lines
        return await finding(self._evaluator, question, watch.condition, start_us, end_us, tenant, most)

    async def _failed(self, claim: Claim, watch: Watch, reason: str) -> Conclusion:
        """The same evaluation time is tried again, at growing intervals."""
        now_us, kept = self._clock.now_us(), claim.kept
        unknown_after_us = round(self._settings.unknown_after_s * _US)
        state, kind = after_failure(kept.state, now_us, reason, unknown_after_us)
        log.warning("alert_evaluation_failed", rule=kept.name, tenant=kept.tenant, reason=reason)
        failing_us = now_us - (state.failing_since_us or now_us)
        try_us = now_us + min(max(failing_us // 4, _LEAST_REST_US), _MOST_REST_US)
        if kind is None:
            return Conclusion(state, kept.due_us, try_us)
        return await self._told(claim, watch, state, kind, kept.due_us, try_us)

    async def _told(
        self, claim: Claim, watch: Watch, state: State, kind: Kind, due_us: int, try_us: int, *, is_late: bool = False
    ) -> Conclusion:
        """A conclusion with its entry in the history, and letters, unless a silence keeps them back."""
        kept = claim.kept
        now_us = self._clock.now_us()
        silence = _silence(await self._silences.all(kept.tenant, now_us), kept.name, kept.rule, now_us)
        if is_late and silence is not None:
            return Conclusion(state, due_us, try_us)
        is_wanted = kind != "resolved" or (kept.rule.tells_resolved and state.is_told)
        if kind in ("firing", "resolved"):
            state = replace(state, is_told=kind == "firing" and silence is None)
        entry = Entry(
            id=self._clock.batch_id(),
            rule=kept.name,
            kind=kind,
            at_us=now_us if kind == "unknown" else kept.due_us,
            value=None if kind == "unknown" else state.value,
            error=state.error,
            note="told now: a silence has ended" if is_late else state.note,
            silence=None if silence is None else silence.id,
            found=_found(state, kind),
        )
        letters: list[Letter] = []
        if silence is None and is_wanted and kept.rule.receivers:
            notice = await self.notice(kept.name, kept.rule, kept.tenant, kept.due_us, kind, entry.id, state)
            letters = addressed(notice, kept.rule.receivers)
        return Conclusion(state, due_us, try_us, entry, letters)

    async def notice(
        self, name: str, rule: Rule, tenant: Tenant, due_us: int, kind: NoticeKind, notice_id: UUID, state: State
    ) -> Notice:
        """What is told of a rule at an evaluation time."""
        start_us, end_us = self._window(watch_of(rule), due_us)
        is_known = kind != "unknown"
        return Notice(
            id=notice_id,
            kind=kind,
            tenant=tenant,
            rule=name,
            severity=rule.severity,
            labels=rule.labels,
            about=rule.about,
            query=rule.query,
            condition=rule.condition,
            consecutive=rule.consecutive,
            at_us=due_us,
            start_us=start_us,
            end_us=end_us,
            value=state.value if is_known else None,
            note=state.note,
            error=state.error,
            lines=await self._lines(rule, state, start_us, end_us, tenant) if kind in ("firing", "test") else (),
            found=_found(state, kind),
            link=link_of(self._settings.public_url, rule.query, start_us, end_us),
        )

    async def _lines(self, rule: Rule, state: State, start_us: int, end_us: int, tenant: Tenant) -> tuple[str, ...]:
        """Groups of a table, or events. A message without them is better than none."""
        if (found := state.found) is not UNSET:
            return tuple(line_of_group(group, found.column) for group in found.groups)
        if not self._settings.lines:
            return ()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                search = question_of(rule, end_us).search
                events = await self._evaluator.newest(search, start_us, end_us, tenant, self._settings.lines)
        except TimeoutError:
            return ("(the matching events could not be read in time)",)
        except CordwoodError as error:
            return (f"(the matching events could not be read: {error.message})",)
        return tuple(map(line_of, events))

    def _window(self, watch: Watch, due_us: int) -> tuple[int, int]:
        """The window ends some time before the evaluation: what was sent in it is stored by then."""
        end_us = due_us - round(self._settings.delay_s * _US)
        return end_us - watch.window_us, end_us

    def _next_due(self, due_us: int, interval_us: int, now_us: int) -> tuple[int, int]:
        """The evaluation time behind one, and how many are skipped as they are too long past."""
        following_us = due_us + interval_us
        oldest_us = next_due_us(now_us - round(self._settings.catch_up_s * _US), interval_us)
        if following_us >= oldest_us:
            return following_us, 0
        return oldest_us, (oldest_us - following_us) // interval_us


def addressed(notice: Notice, receivers: tuple[Receiver, ...]) -> list[Letter]:
    """A letter for each receiver, and each address of a mail, with an id of its own."""
    single = [
        each
        for receiver in receivers
        for each in ([Email((to,)) for to in receiver.to] if isinstance(receiver, Email) else [receiver])
    ]
    return [
        Letter(replace(notice, id=event_id(notice.id, number)), receiver) for number, receiver in enumerate(single, 1)
    ]


def _found(state: State, kind: NoticeKind) -> Found | UnsetType:
    """What is told of it: nothing is known of groups where the rule is not."""
    return Found(state.found.column) if kind == "unknown" and state.found is not UNSET else state.found


def _silence(silences: Sequence[Silence], name: str, rule: Rule, at_us: int) -> Silence | None:
    return next((each for each in silences if each.covers(name, rule, at_us)), None)
