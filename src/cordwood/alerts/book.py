"""Rules and their evaluations, in tables.

Exactly once: an evaluation is claimed under a token, and concluded only by whoever still holds it. The state, the entry
in the history and the letters that tell of it are one transaction. So a crash anywhere, or a lease that ran out, leaves
either all of an evaluation or nothing of it, and what is left undone is claimed again.
"""

from collections.abc import Sequence
from uuid import uuid4

from cordwood.alerts.interface import Claim, Conclusion, KeptRule, Rows, Tables
from cordwood.alerts.outbox import add_letters
from cordwood.alerts.rows import decoded, encoded, moment_us
from cordwood.errors import NotFound
from cordwood.model.alerts.rule import Rule
from cordwood.model.alerts.state import State
from cordwood.model.event import MAX_TIMESTAMP_US
from cordwood.model.tenant import Tenant

NEVER_US = MAX_TIMESTAMP_US
"""When a rule that is switched off may be claimed."""


class RuleBook:
    """What happens to rules. Every call returns when what it did is durable; all raise Unavailable."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    async def rules(self, tenant: Tenant) -> Sequence[KeptRule]:
        """All of a tenant's, by name."""
        async with self._tables.transaction() as rows:
            found = await rows.fetch(
                "SELECT tenant, name, rule, state, due_at FROM alert_rules WHERE tenant = $1 ORDER BY name", tenant
            )
        return list(map(_kept, found))

    async def rule(self, tenant: Tenant, name: str) -> KeptRule:
        """One. Raises NotFound."""
        async with self._tables.transaction() as rows:
            found = await rows.fetch(
                "SELECT tenant, name, rule, state, due_at FROM alert_rules WHERE tenant = $1 AND name = $2",
                tenant,
                name,
            )
        if not found:
            raise NotFound(f"there is no alert rule {name!r}", hint="`cordwood alerts list` shows them")
        return _kept(found[0])

    async def put_rule(self, kept: KeptRule, *, is_new_question: bool) -> None:
        """Make a rule, or change it. One that asks anew begins anew, from `kept.state` and `kept.due_us`.
        An evaluation that is under way is lost."""
        try_us = kept.due_us if kept.rule.is_enabled else NEVER_US
        async with self._tables.transaction() as rows:
            await rows.fetch(
                "INSERT INTO alert_rules (tenant, name, rule, state, due_at, try_at) VALUES ($1, $2, $3, $4, $5, $6) "
                "ON CONFLICT (tenant, name) DO UPDATE SET rule = excluded.rule, claim = NULL, "
                "try_at = excluded.try_at, state = CASE WHEN $7 THEN excluded.state ELSE alert_rules.state END, "
                "due_at = CASE WHEN $7 THEN excluded.due_at ELSE alert_rules.due_at END",
                kept.tenant,
                kept.name,
                encoded(kept.rule),
                encoded(kept.state),
                kept.due_us,
                try_us,
                is_new_question,
            )

    async def delete_rule(self, tenant: Tenant, name: str) -> None:
        """Forget a rule; its history stays, and letters that wait are still sent. Raises NotFound."""
        async with self._tables.transaction() as rows:
            gone = await rows.fetch(
                "DELETE FROM alert_rules WHERE tenant = $1 AND name = $2 RETURNING name", tenant, name
            )
        if not gone:
            raise NotFound(f"there is no alert rule {name!r}", hint="`cordwood alerts list` shows them")

    async def claim(self, now_us: int, until_us: int, limit: int) -> Sequence[Claim]:
        """Evaluations that are due, for this caller alone until `until_us`."""
        token = uuid4()
        async with self._tables.transaction() as rows:
            found = await rows.fetch(
                # Materialized: a plan that runs it for each row would take more than it may.
                "WITH due AS MATERIALIZED (SELECT tenant AS of, name AS called FROM alert_rules WHERE try_at <= $3 "
                f"ORDER BY try_at LIMIT $4 {self._tables.skip_locked}) "
                "UPDATE alert_rules SET claim = $1, try_at = $2 FROM due WHERE tenant = of AND name = called "
                "RETURNING tenant, name, rule, state, due_at",
                token,
                until_us,
                now_us,
                limit,
            )
        return [Claim(token, _kept(row)) for row in found]

    async def conclude(self, claim: Claim, conclusion: Conclusion, now_us: int) -> bool:
        """Write what an evaluation came to; False, and nothing written, when the claim is not held any more."""
        kept, entry = claim.kept, conclusion.entry
        async with self._tables.transaction() as rows:
            held = await rows.fetch(
                "UPDATE alert_rules SET state = $1, due_at = $2, try_at = $3, claim = NULL "
                "WHERE tenant = $4 AND name = $5 AND claim = $6 AND due_at = $7 RETURNING name",
                encoded(conclusion.state),
                conclusion.due_us,
                conclusion.try_us,
                kept.tenant,
                kept.name,
                claim.token,
                kept.due_us,
            )
            if not held:
                return False
            if entry is not None:
                await _add_entry(rows, kept.tenant, conclusion)
                await add_letters(rows, entry.id, conclusion.letters, now_us)
        return True


async def _add_entry(rows: Rows, tenant: Tenant, conclusion: Conclusion) -> None:
    entry = conclusion.entry
    assert entry is not None, "asked for before"
    await rows.fetch(
        "INSERT INTO alert_history (id, tenant, rule, at, entry) VALUES ($1, $2, $3, $4, $5)",
        entry.id,
        tenant,
        entry.rule,
        entry.at_us,
        encoded(entry),
    )


def _kept(row: Sequence[object]) -> KeptRule:
    tenant, name, rule, state, due_us = row
    return KeptRule(Tenant(str(tenant)), str(name), decoded(rule, Rule), decoded(state, State), moment_us(due_us))
