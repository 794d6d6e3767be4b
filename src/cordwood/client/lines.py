"""Blocks of bytes → numbered lines, in bounded memory."""

from collections.abc import Iterator

import msgspec

MAX_LINE_BYTES = 32 << 20
"""Far above what a server takes as one event, so that the server's own limit is what people meet."""


class Run(msgspec.Struct, frozen=True):
    """Consecutive lines without their newlines, blank ones included. `first` is the number of the first, from 1."""

    first: int
    lines: list[bytes]


class Overlong(msgspec.Struct, frozen=True):
    """A line that is not kept: it has more than MAX_LINE_BYTES."""

    line: int
    size_bytes: int


class Lines:
    """Cuts blocks at newlines. A carriage return is part of the line."""

    def __init__(self) -> None:
        self._number = 1
        self._held: list[bytes] = []  # the pieces of the line that has not ended yet
        self._held_bytes = 0
        self._is_overlong = False

    def feed(self, block: bytes) -> Iterator[Run | Overlong]:
        """The lines that end in this block."""
        if (cut := block.rfind(b"\n")) < 0:
            self._hold(block)
            return
        if self._held:
            first_end = block.index(b"\n")
            self._hold(block[:first_end])
            yield from self.end()
            if first_end < cut:
                yield self._run(block[first_end + 1 : cut].split(b"\n"))
        else:
            yield self._run(block[:cut].split(b"\n"))
        self._hold(block[cut + 1 :])

    def end(self) -> Iterator[Run | Overlong]:
        """The line that is being held, as if it ended here."""
        if not self._held:
            return
        if self._is_overlong:
            yield Overlong(self._number, self._held_bytes)
            self._number += 1
        else:
            yield self._run([b"".join(self._held)])
        self._held, self._held_bytes, self._is_overlong = [], 0, False

    def _run(self, lines: list[bytes]) -> Run:
        run = Run(self._number, lines)
        self._number += len(lines)
        return run

    def _hold(self, piece: bytes) -> None:
        if not piece and not self._held:
            return
        self._held_bytes += len(piece)
        self._is_overlong = self._is_overlong or self._held_bytes > MAX_LINE_BYTES
        if self._is_overlong:
            self._held = [b""]
        else:
            self._held.append(piece)
