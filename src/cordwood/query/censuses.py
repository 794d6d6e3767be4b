"""What stores count of fields and values, as answers that are kept."""

from collections.abc import Callable, Mapping

import msgspec
from msgspec.structs import replace

from cordwood.model.census import Asked, Census, FieldCount
from cordwood.model.plan import Plan
from cordwood.model.tenant import Tenant
from cordwood.query.engine import Engine
from cordwood.query.pages import Page
from cordwood.store.interface import Explorer

_NEARLY_ALL = 0.5
"""A field with so many different values, in proportion to its events, is one whose values hardly come twice."""


class Censuses:
    """Of the events that a plan matches. All raise Overloaded, Unavailable."""

    def __init__(self, engine: Engine, explorer: Explorer) -> None:
        self._engine = engine
        self._explorer = explorer

    async def fields(self, plan: Plan, tenant: Tenant) -> Page:
        """Every field."""
        return await self._answered("fields", plan, tenant, Asked(1), fields_of)

    async def facets(self, plan: Plan, tenant: Tenant, top: int) -> Page:
        """The most frequent values of every field."""
        return await self._answered("facets", plan, tenant, Asked(top), facets_of)

    async def values(self, plan: Plan, tenant: Tenant, asked: Asked) -> Page:
        """Those of one field."""
        return await self._answered("values", plan, tenant, asked, values_of)

    async def _answered(
        self, name: str, plan: Plan, tenant: Tenant, asked: Asked, shown: Callable[[Census], dict[str, object]]
    ) -> Page:
        async def made() -> bytes:
            census = await self._explorer.census(plan, tenant, asked)
            of_all = {"events": census.matched, "examined": census.examined, "exact": census.is_exact}
            return msgspec.json.encode({**shown(census), **of_all})[:-1]

        return await self._engine.answered((name, asked), plan, tenant, made)


def fields_of(census: Census) -> dict[str, object]:
    """The fields, by name."""
    return {
        "fields": [
            {
                "name": field.name,
                "types": field.types,
                "events": _estimated(census, field.events),
                "coverage": round(field.events / max(1, census.examined), 6),
                "example": field.values[0][0] if field.values else None,
            }
            for field in sorted(census.fields, key=lambda field: field.name)
        ]
    }


def facets_of(census: Census) -> dict[str, object]:
    """The fields with their values, those that the most events have in front."""
    named = {field.name: field for field in census.fields}
    met = [field for field in census.fields if field.distinct and not _is_copied(field, named)]
    return {
        "facets": [
            {
                "name": field.name,
                "types": field.types,
                "events": _estimated(census, field.events),
                "distinct": field.distinct,
                "unique": _is_unique(field),
                "values": [] if _is_unique(field) else _values(census, field),
            }
            for field in sorted(met, key=lambda field: (-field.events, field.name))
        ]
    }


def values_of(census: Census) -> dict[str, object]:
    """One field with its values."""
    found = census.fields[0] if census.fields else FieldCount("", (), 0)
    return {
        "values": _values(census, found),
        "types": found.types,
        "distinct": found.distinct,
        "having": _estimated(census, found.events),
    }


def _values(census: Census, field: FieldCount) -> list[dict[str, object]]:
    return [{"value": value, "count": _estimated(census, count)} for value, count in field.values]


def _is_copied(field: FieldCount, named: Mapping[str, FieldCount]) -> bool:
    """Whether it is what was sent by the name of a derived value, which says the same of as many events."""
    meant = named.get(field.name[1:]) if field.name.startswith(".") else None
    return meant is not None and replace(field, name=meant.name) == meant


def _is_unique(field: FieldCount) -> bool:
    return field.distinct > len(field.values) and field.distinct > _NEARLY_ALL * field.events


def _estimated(census: Census, count: int) -> int:
    return count if census.is_exact else round(count * census.matched / max(1, census.examined))
