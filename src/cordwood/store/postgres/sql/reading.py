"""The text of a question, word by word: what it may not name, and where it ends.

PostgreSQL itself refuses what is no SELECT, and the login what it may not read. This is for what PostgreSQL opens to
everybody: its catalog, and functions that set, lock, wait, make, or run SQL that is not seen here. Their names begin
with `pg_`, but for those listed. (`src/backend/parser/scan.l` says how PostgreSQL takes a text apart.)
"""

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct

from cordwood.errors import BadQuery

_MOST_FIELDS = 200
_WORD = r"[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_$\x80-\U0010ffff]*"
_TAG = r"(?:[A-Za-z_\x80-\U0010ffff][A-Za-z0-9_\x80-\U0010ffff]*)?"
_TOKEN = re.compile(
    rf"""
      (?P<blank> [ \t\n\r\f\v]+ | --[^\n\r]* )
    | (?P<comment> /\* )
    | (?P<unicode> [uU]&['"] )
    | (?P<escaped> [eE]'(?:[^'\\]|\\.|'')*' )
    | (?P<text> [bBxXnN]?'(?:[^']|'')*' )
    | (?P<dollars> \$(?P<tag>{_TAG})\$ .*? \$(?P=tag)\$ )
    | (?P<quoted> "(?:[^"]|"")*" )
    | (?P<word> {_WORD} )
    | (?P<parameter> \$[0-9]+ )
    | (?P<end> ; )
    | (?P<other> . )
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT = re.compile(r"/\*|\*/")
# A text behind an escaped one, on another line, is part of it: that its escapes count too is not seen here.
_GOES_ON = re.compile(r"(?:[ \t\n\r\f\v]|--[^\n\r]*)*'")
_BEGINNINGS = {"select", "with", "values", "table", "("}
_CLOSED = re.compile(
    r"""
      pg_.* | information_schema | set_config | current_setting | .*_to_xml(?:schema|_and_xmlschema)? | ts_stat
    | ts_rewrite | lo_.* | loread | lowrite | nextval | setval | currval | lastval | dblink.* | crosstab.* | connectby
    | reg(?:class|role|proc|procedure|namespace|oper|operator|type|config|dictionary|collation) | to_reg.*
    | has_.*_privilege | row_security_active | txid_.* | .*obj_description | col_description | binary_upgrade_.*
    """,
    re.VERBOSE,
)


class Asked(Struct, frozen=True):
    """A question without what ends it, and the fields that it names: in quotation marks, with a dot."""

    text: str
    fields: Sequence[str]


def read(text: str) -> Asked:
    """Raises BadQuery, with the place."""
    first, end, before = "", len(text), ""
    fields: dict[str, None] = {}
    given: set[str] = set()
    for kind, start, word in _tokens(text):
        if end < len(text):
            raise _wrong(text, "this is not one statement: one SELECT is answered", start, word)
        first = first or word.lower()
        match kind:
            case "word" | "quoted":
                if start == text.find(word) and first == word.lower() and first not in _BEGINNINGS:
                    raise _wrong(text, "this is no SELECT: nothing else is answered", start, word)
                name = word[1:-1].replace('""', '"') if kind == "quoted" else word
                if _CLOSED.fullmatch(name.lower()):
                    raise _wrong(text, f"{name!r} is not open to questions", start, word)
                if kind == "quoted" and before == "as" and name not in fields:
                    given.add(name)
                elif kind == "quoted" and "." in name and name not in given:
                    fields[name] = None
            case "unicode":
                raise _wrong(text, "texts and names with U& are not answered: write the characters", start, word)
            case "parameter":
                raise _wrong(text, "parameters have no values here: write the value itself", start, word)
            case "escaped" if _GOES_ON.match(text, start + len(word)):
                raise _wrong(text, "a text goes on behind an escaped one: write it as one", start, word)
            case "end":
                end = start
        before = word.lower()
    if not first or first == ";":
        raise _wrong(text, "there is no statement: one SELECT is answered", 0, "")
    if len(fields) > _MOST_FIELDS:
        raise _wrong(text, f"this names {len(fields)} fields; at most {_MOST_FIELDS} are taken", 0, "")
    return Asked(text[:end], [*fields])


def _tokens(text: str) -> Iterator[tuple[str, int, str]]:
    """Each with its kind and place; without blanks and comments."""
    at = 0
    while (found := _TOKEN.match(text, at)) is not None:
        kind = found.lastgroup
        assert kind is not None, "every alternative has a name"
        at = found.end()
        if kind == "comment":
            at = _behind_comment(text, at)
        elif kind != "blank":
            yield "dollars" if kind == "tag" else kind, found.start(), found[0]


def _behind_comment(text: str, at: int) -> int:
    """They nest. One that does not end is for PostgreSQL to refuse."""
    depth = 1
    while depth:
        found = _COMMENT.search(text, at)
        if found is None:
            return len(text)
        depth += 1 if found[0] == "/*" else -1
        at = found.end()
    return at


def _wrong(text: str, message: str, position: int, word: str) -> BadQuery:
    return BadQuery(message, query=text, position=position, length=len(word))
