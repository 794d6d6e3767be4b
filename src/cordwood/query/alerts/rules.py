"""The endpoints of alert rules."""

import asyncio
from collections.abc import Sequence

from msgspec import UNSET
from msgspec.structs import replace
from starlette.requests import Request
from starlette.routing import Route

from cordwood.alerts.book import RuleBook
from cordwood.alerts.checks import checked_name, checked_rule
from cordwood.alerts.delivering import Postman
from cordwood.alerts.evaluating import Evaluating, addressed, next_due_us
from cordwood.alerts.interface import KeptRule, Letter
from cordwood.alerts.kept import Silences
from cordwood.alerts.questions import question_of
from cordwood.alerts.receivers.interface import NotTaken
from cordwood.alerts.settings import AlertSettings
from cordwood.clock import Clock
from cordwood.errors import BadRequest, CordwoodError, NotFound
from cordwood.model.alerts.rule import Rule, Silence, masked, masked_rule, unmasked
from cordwood.model.alerts.state import State
from cordwood.model.event import format_timestamp
from cordwood.model.tenant import Tenant
from cordwood.query.alerts.asking import granted, route
from cordwood.query.alerts.backtest import Backtest, BackTester
from cordwood.query.alerts.shapes import (
    Deleted,
    RuleAnswer,
    RuleList,
    RulePut,
    RuleState,
    TestAnswer,
    TestDelivery,
    Trial,
)
from cordwood.query.asked import json_body
from cordwood.query.parameters import only_known
from cordwood.tenancy.interface import Keys

BASE = "/api/v1/alerts"
_MOST_DAYS = 366


class RuleRoutes:
    """`/api/v1/alerts/rules` and `/api/v1/alerts/backtest`."""

    def __init__(
        self,
        book: RuleBook,
        silences: Silences,
        evaluating: Evaluating,
        tester: BackTester,
        postman: Postman,
        keys: Keys,
        clock: Clock,
        settings: AlertSettings,
    ) -> None:
        self._book = book
        self._silences = silences
        self._evaluating = evaluating
        self._tester = tester
        self._postman = postman
        self._keys = keys
        self._clock = clock
        self._settings = settings
        self._testing = asyncio.Semaphore(settings.deliver_at_once)

    def routes(self) -> list[Route]:
        one = f"{BASE}/rules/{{name}}"
        return [
            route(f"{BASE}/rules", {"GET": self._list}),
            route(one, {"GET": self._show, "PUT": self._put, "DELETE": self._delete}),
            route(f"{one}/test", {"POST": self._test}),
            route(f"{BASE}/backtest", {"POST": self._backtest}),
        ]

    async def _list(self, request: Request) -> RuleList:
        tenant = granted(request, self._keys, "query").tenant
        silences = await self._silences.all(tenant, self._clock.now_us())
        return RuleList([self._answer(kept, silences) for kept in await self._book.rules(tenant)])

    async def _show(self, request: Request) -> RuleAnswer:
        tenant = granted(request, self._keys, "query").tenant
        kept = await self._book.rule(tenant, checked_name(request.path_params["name"]))
        return self._answer(kept, await self._silences.all(tenant, self._clock.now_us()))

    async def _put(self, request: Request) -> RulePut:
        tenant = granted(request, self._keys, "admin").tenant
        name = checked_name(request.path_params["name"])
        days = _days(request, self._settings.backtest_days)
        sent = await json_body(request, Rule, "see docs/alerts.md; a condition is for instance > 100, or no matches")
        before = await self._before(tenant, name)
        rule, now_us = unmasked(sent, None if before is None else before.rule), self._clock.now_us()
        watch = checked_rule(rule, now_us, self._settings)
        is_new = before is None or _question(rule) != _question(before.rule) or rule.is_enabled > before.rule.is_enabled
        if before is None or is_new:
            state = State(since_us=now_us, found=question_of(rule, now_us).nothing_found())
            kept = KeptRule(tenant, name, rule, state, next_due_us(now_us, watch.interval_us))
        else:
            kept = replace(before, rule=rule)
        await self._book.put_rule(kept, is_new_question=is_new)
        backtest, error = await self._tried(rule, days, tenant) if is_new else (None, "")
        answer = self._answer(kept, await self._silences.all(tenant, now_us))
        return RulePut(name, answer.rule, answer.state, backtest, error)

    async def _before(self, tenant: Tenant, name: str) -> KeptRule | None:
        kept = {each.name: each for each in await self._book.rules(tenant)}
        if name not in kept and len(kept) >= self._settings.max_rules:
            raise BadRequest(f"there are {len(kept)} alert rules already", hint="delete some, or raise "
                             "CORDWOOD_ALERTS_MAX_RULES")  # fmt: skip
        return kept.get(name)

    async def _tried(self, rule: Rule, days: int, tenant: Tenant) -> tuple[Backtest | None, str]:
        """The rule is kept, whatever becomes of its back-test."""
        if not days:
            return None, ""
        try:
            return await self._tester.run(rule, days, tenant, self._clock.now_us()), ""
        except CordwoodError as error:
            return None, error.message

    async def _delete(self, request: Request) -> Deleted:
        tenant = granted(request, self._keys, "admin").tenant
        name = checked_name(request.path_params["name"])
        await self._book.delete_rule(tenant, name)
        return Deleted(name)

    async def _backtest(self, request: Request) -> Backtest:
        tenant = granted(request, self._keys, "query").tenant
        trial = await json_body(request, Trial)
        now_us = self._clock.now_us()
        # Whether its receivers could be reached does not matter here.
        rule = replace(trial.rule, receivers=())
        checked_rule(rule, now_us, self._settings)
        return await self._tester.run(rule, trial.days, tenant, now_us)

    async def _test(self, request: Request) -> TestAnswer:
        tenant = granted(request, self._keys, "admin").tenant
        kept = await self._book.rule(tenant, checked_name(request.path_params["name"]))
        if not kept.rule.receivers:
            raise NotFound(f"the rule {kept.name!r} has no receivers", hint="put some into it")
        notice = await self._evaluating.notice(
            kept.name, kept.rule, tenant, self._clock.now_us(), "test", self._clock.batch_id(), kept.state
        )
        return TestAnswer(await asyncio.gather(*map(self._sent, addressed(notice, kept.rule.receivers))))

    async def _sent(self, letter: Letter) -> TestDelivery:
        try:
            async with self._testing:
                await self._postman.send(letter, self._clock.now_us())
        except NotTaken as error:
            return TestDelivery(masked(letter.receiver), False, str(error))
        return TestDelivery(masked(letter.receiver), True, "")

    def _answer(self, kept: KeptRule, silences: Sequence[Silence]) -> RuleAnswer:
        state, now_us = kept.state, self._clock.now_us()
        told = RuleState(
            status=state.status,
            since=format_timestamp(state.since_us),
            matches_in_a_row=state.matches,
            value=state.value,
            evaluated_at=_moment(state.evaluated_us),
            next_at=_moment(kept.due_us if kept.rule.is_enabled else None),
            failing_since=_moment(state.failing_since_us),
            error=state.error,
            note=state.note,
            skipped=state.skipped,
            silenced=any(each.covers(kept.name, kept.rule, now_us) for each in silences),
            groups=UNSET if state.found is UNSET else state.found.groups,
        )
        return RuleAnswer(kept.name, masked_rule(kept.rule), told)


def _question(rule: Rule) -> tuple[object, ...]:
    """What its state is about."""
    return rule.query, rule.window, rule.interval, rule.condition, rule.value, rule.consecutive


def _days(request: Request, default: int) -> int:
    given = only_known(request.query_params.multi_items(), ("backtest_days",))
    text = given.get("backtest_days", str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 4 and int(text) <= _MOST_DAYS):
        raise BadRequest(f"'backtest_days' is no number from 0 to {_MOST_DAYS}: {text[:40]!r}")
    return int(text)


def _moment(us: int | None) -> str | None:
    return None if us is None else format_timestamp(us)
