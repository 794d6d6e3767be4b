"""Names that are kept for lists to choose from: few, short, and not for long."""

import msgspec

from cordwood.language.options import LONGEST
from cordwood.model.answer import Coverage
from cordwood.model.census import Asked
from cordwood.model.plan import Plan
from cordwood.model.search.field import Field
from cordwood.model.tenant import DEFAULT_TENANT, Tenant
from cordwood.query.line.names import Names
from cordwood.query.pages import Page
from tests.support.clock import SettableClock

MINUTE_US = 60_000_000


class Answers:
    """Answers given beforehand, as exploring keeps them, and how often they were asked for."""

    def __init__(self, **told: object) -> None:
        self._body = msgspec.json.encode({"exact": True, **told})[:-1]
        self.asked = 0

    async def fields(self, plan: Plan, tenant: Tenant) -> Page:
        self.asked += 1
        return Page(self._body, False, Coverage(0))

    async def values(self, plan: Plan, tenant: Tenant, asked: Asked) -> Page:
        return await self.fields(plan, tenant)


def field(name: str, events: int = 1) -> dict[str, object]:
    return {"name": name, "types": ["int", "str"], "events": events, "coverage": events / 1000, "example": 1}


async def test_the_most_frequent_fields_come_first_with_types_and_coverage() -> None:
    answers = Answers(fields=[field("a"), field("b", 930), field("c", 930), field("d", 0)])
    found = await Names(answers, SettableClock()).fields(Plan(), DEFAULT_TENANT)
    assert [(each.value, each.detail) for each in found] == [
        ("b", "int|str · 93 %"),
        ("c", "int|str · 93 %"),
        ("a", "int|str · <1 %"),
        ("d", "int|str · 0 %"),
    ]


async def test_what_is_kept_is_bounded() -> None:
    answers = Answers(fields=[field(f"f{number}") for number in range(5_000)] + [field("x" * (LONGEST + 1), 9)])
    names = Names(answers, SettableClock())
    assert len(await names.fields(Plan(), DEFAULT_TENANT)) == 2_000
    for number in range(64):
        await names.fields(Plan(start_us=number * MINUTE_US), DEFAULT_TENANT)
    await names.fields(Plan(start_us=63 * MINUTE_US), DEFAULT_TENANT)
    assert answers.asked == 65
    await names.fields(Plan(), DEFAULT_TENANT)
    assert answers.asked == 66


async def test_a_long_value_is_neither_kept_nor_looked_for() -> None:
    values = [{"value": "x" * LONGEST, "count": 1_200}, {"value": "x" * (LONGEST + 1), "count": 1}]
    answers = Answers(values=values, distinct=9, exact=False)
    names = Names(answers, SettableClock())
    found = await names.values(Plan(), DEFAULT_TENANT, Field("a"), "y" * (LONGEST + 1), 20)
    assert [(each.value, each.detail) for each in found] == [("x" * LONGEST, "~1,200")]
    assert answers.asked == 1


async def test_an_empty_list_is_not_kept() -> None:
    answers = Answers(fields=[])
    names = Names(answers, SettableClock())
    for _ in range(2):
        assert await names.fields(Plan(), DEFAULT_TENANT) == []
    assert answers.asked == 2
