"""Events without end: the same million again and again, each time later. Costs little beside what is measured."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench import data

Bytes: TypeAlias = NDArray[np.uint8]

_BLOCK_EVENTS = 1_000_000
_ISO_LENGTH, _MS_DIGITS = 23, 13
_PLACES = (len('{"timestamp":"'), len('{"@timestamp":"'), len('{"ts":'), len('{"time":"'))
"""Where in a line its timestamp begins, by the line's number modulo four (see `data.generate`)."""
_IS_NUMBER = 2
"""The one of the four whose timestamp is a number of ms; the others' are texts."""


class Endless:
    """`total` events as NDJSON bodies of `batch` events; their timestamps end at the last full hour."""

    def __init__(self, total: int, batch: int, block: int = _BLOCK_EVENTS) -> None:
        """Makes the `block` of events that is repeated, once on this machine within an hour."""
        self._batch = batch
        # Whole batches only, and the four shapes stay in step.
        events = min(total, block) // batch * batch
        assert events and total % batch == 0 and batch % len(_PLACES) == 0, "whole batches of all shapes"
        self._block = np.frombuffer(data.prepared(events), np.uint8)
        self._starts = np.concatenate(([0], np.flatnonzero(self._block == ord("\n")) + 1))
        hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        self._first_ms = int(hour.timestamp() * 1000) - total * data.STEP_MS

    def bodies(self, first: int, events: int) -> Iterator[memoryview]:
        """The events from number `first` on; both are multiples of the batch."""
        for number in range(first, first + events, self._batch):
            yield self._body(number).data

    def moment_ms(self, number: int) -> int:
        """The timestamp of an event."""
        return self._first_ms + number * data.STEP_MS

    def _body(self, number: int) -> Bytes:
        at = number % (len(self._starts) - 1)
        starts = self._starts[at : at + self._batch + 1]
        body = self._block[starts[0] : starts[-1]].copy()
        lines = starts[:-1] - starts[0]
        times = self.moment_ms(number) + np.arange(self._batch, dtype=np.int64) * data.STEP_MS
        for kind, place in enumerate(_PLACES):
            is_number = kind == _IS_NUMBER
            width = _MS_DIGITS if is_number else _ISO_LENGTH
            spelt = _digits(times[kind :: len(_PLACES)], is_number=is_number).view(np.uint8).reshape(-1, width)
            body[(lines[kind :: len(_PLACES)] + place)[:, None] + np.arange(width)] = spelt
        return body


def _digits(times: NDArray[np.int64], *, is_number: bool) -> NDArray[np.bytes_]:
    if is_number:
        return times.astype(f"S{_MS_DIGITS}")
    return np.datetime_as_string(times.view("M8[ms]"), unit="ms").astype(f"S{_ISO_LENGTH}")
