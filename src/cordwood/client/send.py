"""Reads sources and sends their events: the loop of `cordwood send`."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

import msgspec

from cordwood.client.batches import Batch, Place
from cordwood.client.feed import End, Feed, Trouble
from cordwood.client.sender import Counts, Sender
from cordwood.client.source import Refusal, Unread

_LINGER_S = 0.5
"""How long an event of a slow source waits for company."""
_LOOK_EVERY_S = 0.2
_GRACE_S = 5.0
"""How long what has been read may take to be sent after an interruption."""


class Interruption:
    """Asks a run to end: once to send only what has been read, twice to leave at once. For signal handlers."""

    def __init__(self, feed: Feed, sender: Sender) -> None:
        self._feed = feed
        self._sender = sender
        self.times = 0
        self.signal = 0
        """The number of the first signal that asked."""

    def ask(self, number: int) -> None:
        self.signal = self.signal or number
        self.times += 1
        self._feed.stop()
        if self.times == 1:
            timer = threading.Timer(_GRACE_S, self._sender.stop)
            timer.daemon = True
            timer.start()
        else:
            self._sender.stop()

    def is_urgent(self) -> bool:
        return self.times > 1


class Gathering(Protocol):
    """How what was read becomes requests: see `Batcher`."""

    def __len__(self) -> int: ...
    def add(self, batch: Batch) -> Iterator[Batch]: ...
    def flush(self) -> Iterator[Batch]: ...


class Outcome(msgspec.Struct):
    """How a run ended. `last` is the last event that was read; `is_settled` is False when answers were not awaited."""

    troubles: list[Trouble] = msgspec.field(default_factory=list)
    last: Place | None = None
    is_settled: bool = True


def run(
    feed: Feed,
    batcher: Gathering,
    sender: Sender,
    counts: Counts,
    interruption: Interruption,
    on_progress: Callable[[], None],
) -> Outcome:
    """Send until the feed ends, the sender stops by itself, or somebody interrupts."""
    outcome = Outcome()
    oldest_s: float | None = None
    while sender.fatal is None:
        item = feed.next(_LOOK_EVERY_S)
        match item:
            case Batch() if item.events:
                counts.add_read(len(item.events))
                outcome.last = item.places[-1]
                for full in batcher.add(item):
                    sender.put(full)
                    oldest_s = None
            case Refusal():
                counts.add_read(1)
                counts.add_rejected((item.source, item.line), item.error)
            case Unread():
                counts.add_unread((item.source, item.line), item.lines)
            case Trouble():
                outcome.troubles.append(item)
            case End(is_expected=is_expected):
                if not is_expected:
                    outcome.troubles.append(Trouble("cordwood", "reading broke down; the rest was not read"))
                break
            # A feed that waits for a silent source cannot end by itself.
            case None if interruption.times:
                break
        now_s = time.monotonic()
        if not len(batcher):
            oldest_s = None
        elif oldest_s is None:
            oldest_s = now_s
        elif now_s - oldest_s >= _LINGER_S:
            for rest in batcher.flush():
                sender.put(rest)
        on_progress()
    for rest in batcher.flush():
        sender.put(rest)
    feed.stop()
    outcome.is_settled = sender.finish(interruption.is_urgent)
    return outcome
