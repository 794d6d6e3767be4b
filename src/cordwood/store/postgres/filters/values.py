"""Values that a condition is about, bound: they are never part of its text."""


class Values:
    """Values in the order of their placeholders; one that is asked for twice has one."""

    def __init__(self, bound: list[object]) -> None:
        """Placeholders go on behind those of `bound`, which grows."""
        self._bound = bound
        self._places: dict[tuple[str, str], str] = {}

    def bound(self, value: object, kind: str) -> str:
        """The placeholder of a value as one of PostgreSQL's types."""
        key = (kind, repr(value))
        if key not in self._places:
            self._bound.append(value)
            self._places[key] = f"${len(self._bound)}::{kind}"
        return self._places[key]
