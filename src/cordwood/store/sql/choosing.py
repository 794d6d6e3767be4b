"""Pipes that change only what names mean."""

from collections.abc import Sequence

from msgspec.structs import replace

from cordwood.language.pipes.fields import covers
from cordwood.model.search.field import Field, field_named, name_of
from cordwood.model.search.wildcards import literal, plain
from cordwood.store.sql.scope import Alias, Column, Scope
from cordwood.store.sql.value import Value


def chosen(scope: Scope, patterns: Sequence[str]) -> Scope:
    """Behind `fields`."""
    columns: dict[str, Column] = {}
    wild: list[str] = []
    for pattern in patterns:
        name = plain(pattern)
        if name is None:
            set_before = {each: value for each, value in scope.columns.items() if covers(pattern, each)}
            columns = {**set_before, **columns}
            wild.append(pattern)
        elif name not in columns:
            meant = scope.meant(field_named(name))
            columns[name] = Alias(meant.field) if isinstance(meant, Alias) else meant or Value()
    is_shown = bool(wild) and scope.has_event and (bool(scope.wild) or not scope.is_table)
    lots = (*scope.wild, tuple(wild)) if is_shown else ()
    return replace(scope, columns=columns, is_table=True, wild=lots)


def left_out(scope: Scope, patterns: Sequence[str]) -> Scope:
    """Behind `fields -`."""
    kept = {
        name: column for name, column in scope.columns.items() if not any(covers(pattern, name) for pattern in patterns)
    }
    if scope.is_table:
        return replace(scope, columns=kept, left_out=(*scope.left_out, *patterns))
    return replace(scope, columns=kept, hidden=(*scope.hidden, *patterns))


def renamed(scope: Scope, field: Field, name: str) -> Scope:
    """Behind `rename` of one field."""
    old = name_of(field)
    meant = scope.meant(field)
    if scope.is_table:
        columns: dict[str, Column] = {}
        for each, column in scope.columns.items():
            if each == old:
                columns[name] = column
            elif each != name:
                columns[each] = column
        if old not in scope.columns and isinstance(meant, Alias):
            columns[name] = meant
        return replace(scope, columns=columns, left_out=(*scope.left_out, literal(old), literal(name)))
    hidden = left_out(scope, [literal(old)])
    value = Value() if meant is None else meant
    return replace(hidden, columns={**hidden.columns, name: value})
