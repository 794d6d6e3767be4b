"""What SQL is made of: bound values, quoted names, conditions joined."""

from collections.abc import Iterable


class Values:
    """Values that a statement is given beside its text, each once."""

    def __init__(self, prefix: str = "v") -> None:
        self.bound: dict[str, object] = {}
        self._prefix = prefix
        self._names: dict[tuple[type, object], str] = {}

    def bind(self, value: str | float) -> str:
        """What stands for the value in the text."""
        # By type too, and minus zero apart: what is equal in Python is not always so in SQL.
        key = (type(value), repr(value))
        if key not in self._names:
            self._names[key] = name = f"{self._prefix}{len(self._names)}"
            self.bound[name] = value
        return f"${self._names[key]}"


def any_of(conditions: Iterable[str]) -> str:
    """True where one of them is; of none, false."""
    return _joined(conditions, " OR ", "false")


def all_of(conditions: Iterable[str]) -> str:
    """True where all of them are; of none, true."""
    return _joined(conditions, " AND ", "true")


def _joined(conditions: Iterable[str], word: str, nothing: str) -> str:
    found = list(dict.fromkeys(conditions))
    if len(found) < 2:
        return found[0] if found else nothing
    return "(" + word.join(found) + ")"


def quoted_name(name: str) -> str:
    """A column's name in SQL."""
    return '"' + name.replace('"', '""') + '"'
