"""`extract /(?P<name>…)/ [from FIELD]`, `extract "took <ms> ms"`: columns from a text."""

import re

from cordwood.language.filters.regexes import checked, group_names, regex_text
from cordwood.language.spelling import name_text
from cordwood.language.spelling import regex_text as written
from cordwood.language.tokens import Reading
from cordwood.model.search.field import MESSAGE, name_of
from cordwood.model.search.pipes import Extract

_PLACE = re.compile(r"<([A-Za-z_]\w*)>", re.ASCII)
_GROUP_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_META = re.compile(r"[\\.+*?()|\[\]{}^$]")
_FORGET = "_"


def parse(reading: Reading) -> Extract:
    """Behind the pipe's name."""
    reading.skip_blanks()
    start = reading.at
    if reading.sees("/"):
        pattern = regex_text(reading)
    elif reading.sees('"', "'"):
        pattern = _regex_of(reading.quoted())
        checked(reading, pattern, start, reading.at)
    else:
        raise reading.unexpected("a /regular expression/ with named groups", 'a text like "took <ms> ms"')
    names = group_names(pattern)
    if not names:
        hint = "name what is to be taken: /(?P<name>…)/ or <name> in a text"
        raise reading.problem("this takes nothing", start, reading.at, hint=hint)
    for name in names:
        if not _GROUP_NAME.fullmatch(name):
            raise reading.problem(f'"{name}" is no name for a column', start, reading.at)
    return Extract(pattern, reading.field() if reading.takes_keyword("from") else MESSAGE)


def _regex_of(text: str) -> str:
    """A text with places as an expression; `.` is any character, as a place may hold a line feed."""
    parts = _PLACE.split(text)
    found = ["(?s)"]
    for at, part in enumerate(parts):
        if at % 2 == 0:
            found.append(_META.sub(r"\\\g<0>", part))
            continue
        takes = ".*" if at == len(parts) - 2 and not parts[-1] else ".*?"
        found.append(takes if part == _FORGET else f"(?P<{part}>{takes})")
    return "".join(found)


def text(pipe: Extract) -> str:
    """As a query writes it."""
    source = "" if pipe.field == MESSAGE else f" from {name_text(name_of(pipe.field))}"
    return f"extract {written(pipe.pattern)}{source}"
