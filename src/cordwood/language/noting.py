"""What is noted while a query is read, for who shows or changes its text: where it names fields, which clauses its
search line has, and what could stand at each place."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, NamedTuple

from cordwood.language.place import Place
from cordwood.model.search.field import Field
from cordwood.model.search.filters import Filter
from cordwood.model.search.pipes import Pipe

Kind = Literal["field", "value", "keyword", "pipe", "function", "aggregate"]
Role = Literal["term", "name", "operand", "value", "words", "bound"]


class Mention(NamedTuple):
    """A field, and where the query names it."""

    field: Field
    start: int
    end: int
    pipe: int
    """The number of the pipe, from 1; 0 is the search line."""


class Clause(NamedTuple):
    """What must hold beside the others of the search line, and where it stands."""

    filter: Filter
    start: int
    end: int
    is_loose: bool = False
    """Whether it is choices without parentheses around them: such a one is alone."""


class Offer(NamedTuple):
    """Something of a kind could stand from `start` on; a value is one of `field`."""

    kind: Kind
    start: int
    words: tuple[str, ...] = ()
    field: Field | None = None
    role: Role = "name"
    """How a field or a value is written there: a term has a colon, an operand is among signs; words may not be empty, a
    bound is compared by the type that it spells."""
    pipe: int = 0


class Noting(Place):
    """A query being read. `now_us` is what times relative to now are counted from."""

    def __init__(self, text: str, now_us: int) -> None:
        super().__init__(text)
        self.now_us = now_us
        self.has_events = True
        """Whether the rows of the pipe being read are events, not a table's."""
        self.in_expression = False
        self.pipe = 0
        """The number of the pipe being read, and where its name begins."""
        self.pipe_start = 0
        self.pipes: list[Pipe] = []
        """Those that have been read."""
        self.first_pipe: int | None = None
        """Where the first bar is."""
        self.open_quote: int | None = None
        """Where a quote is that nothing closes."""
        self.mentions: list[Mention] = []
        self.clauses: list[Clause] = []
        self.offers: list[Offer] = []
        self._group: Offer | None = None

    def note_clause(self, found: Filter, start: int) -> None:
        """One of the search line, which ends here."""
        self.clauses.append(Clause(found, start, self.at))

    def note_choice(self, found: Filter) -> None:
        """All that were noted are parts of a choice without parentheses."""
        self.clauses = [Clause(found, self.clauses[0].start, self.clauses[-1].end, is_loose=True)]

    def offer(
        self, kind: Kind, words: Iterable[str] = (), field: Field | None = None, role: Role | None = None
    ) -> None:
        """Notes what could stand here, behind blanks, for completion."""
        self.skip_blanks()
        if role is None and kind == "value":
            role = "value"
        elif role is None:
            role = "term" if self.pipe == 0 else "operand" if self.in_expression else "name"
        self.offers.append(Offer(kind, self.at, tuple(words), field, role, self.pipe))

    def offer_term(self) -> None:
        """The same for a term: it may begin with a field; within `field:(` it is one of its values."""
        if self._group is None:
            self.offer("field")
        elif self._group.field is not None:
            self.offer("value", self._group.words, self._group.field)

    @contextmanager
    def group_of(self, field: Field | None, words: Iterable[str] = ()) -> Iterator[None]:
        """Around terms that are values of a field; None: of any."""
        was, self._group = self._group, Offer("value", self.at, tuple(words), field)
        yield
        self._group = was
