"""Values of the tables' columns, as types."""

from typing import TypeVar
from uuid import UUID

import msgspec

T = TypeVar("T")


def encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def decoded(text: object, kind: type[T]) -> T:
    assert isinstance(text, str), "JSON comes as text"
    return msgspec.json.decode(text, type=kind)


def identity(value: object) -> UUID:
    """PostgreSQL's driver gives ids, SQLite texts."""
    return value if isinstance(value, UUID) else UUID(str(value))


def moment_us(value: object) -> int:
    assert isinstance(value, int), "times are µs"
    return value
