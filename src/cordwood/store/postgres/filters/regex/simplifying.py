"""Nodes → the same in fewer: PostgreSQL takes long to make ready what may be empty many times over.

It makes a state of every repetition, and an arc for every way past those that may be empty: 1,000 of `a?`, as in
`(((a?){10}){10}){10}`, took it 16 s, and 300 of `\\b\\w*` more memory than it takes.
"""

from cordwood.language.regex.nodes import Chars, Edge, Either, Node, Repeat, Row

_WORD_EDGE = 20
"""It is written as four of what is empty, and each that follows multiplies them: 12 took 2.6 s, and 16 too much."""


def simplified(node: Node) -> Node:
    """What is found in the same texts: repetitions of repetitions, and of the same beside each other, are one."""
    match node:
        case Edge() | Chars():
            return node
        case Row(parts=parts):
            return _row(parts)
        case Either(parts=parts):
            return Either(tuple(map(simplified, parts)))
        case Repeat(part=part, least=least, most=most):
            return _repeat(simplified(part), least, most)


def _row(parts: tuple[Node, ...]) -> Node:
    row: list[Node] = []
    for part in map(simplified, parts):
        for each in part.parts if isinstance(part, Row) else (part,):
            if row and (joined := _joined(row[-1], each)) is not None:
                row[-1] = joined
            else:
                row.append(each)
    return row[0] if len(row) == 1 else Row(tuple(row))


def _joined(first: Node, second: Node) -> Node | None:
    """`a*a?` is `a*`; of two that are no repetitions nothing is made."""
    if not isinstance(first, Repeat) or not isinstance(second, Repeat) or first.part != second.part:
        return None
    most = None if first.most is None or second.most is None else first.most + second.most
    return Repeat(first.part, first.least + second.least, most)


def _repeat(part: Node, least: int, most: int | None) -> Node:
    if most == 0 or part == Row(()):
        return Row(())
    if isinstance(part, Edge):
        return part if least else Row(())
    if _is_nullable(part):
        least = 0
    if isinstance(part, Repeat) and part.least <= 1:
        # Up to `part.most` each time: all counts between the least and the most come about.
        return Repeat(part.part, least * part.least, None if most is None or part.most is None else most * part.most)
    return Repeat(part, least, most)


def _is_nullable(node: Node, *, with_edges: bool = False) -> bool:
    """Whether the empty text will do, anywhere; `with_edges`: or at some edge."""
    match node:
        case Edge():
            return with_edges
        case Chars():
            return False
        case Row(parts=parts):
            return all(_is_nullable(part, with_edges=with_edges) for part in parts)
        case Either(parts=parts):
            return any(_is_nullable(part, with_edges=with_edges) for part in parts)
        case Repeat(part=part, least=least):
            return least == 0 or _is_nullable(part, with_edges=with_edges)


def most_empty(node: Node) -> int:
    """How many parts beside each other may all be empty, at most: of those that repetition makes, too."""
    match node:
        case Chars():
            return 0
        case Edge():
            return _WORD_EDGE if node in (Edge.WORD, Edge.NO_WORD) else 1
        case Either(parts=parts):
            return sum(map(most_empty, parts)) if _is_nullable(node, with_edges=True) else max(map(most_empty, parts))
        case Repeat(part=part, least=least, most=most):
            if _is_nullable(part, with_edges=True):
                return max(1, least, most or 0) * max(1, most_empty(part))
            return max(1, most_empty(part))
        case Row(parts=parts):
            longest = run = 0
            for part in parts:
                run = run + most_empty(part) if _is_nullable(part, with_edges=True) else most_empty(part)
                longest = max(longest, run)
            return longest
