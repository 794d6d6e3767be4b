"""Events that were fetched lately, by their place. A file never changes, so what was read of it once stays true; which
places an answer has is asked of the files each time."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping

from cordwood.model.answer import StoredEvent
from cordwood.store.segments.fetching import Place

_EVENT_BYTES = 600
"""What an event takes beside its text."""


class Lately:
    """So many bytes of them at most; those that were asked for longest ago go first. For one thread."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._events: OrderedDict[Place, StoredEvent] = OrderedDict()

    def __len__(self) -> int:
        return len(self._events)

    def known(self, places: Iterable[Place]) -> dict[Place, StoredEvent]:
        """Those that are here of the events at some places."""
        return {place: self._events[place] for place in places if place in self._events}

    def keep(self, events: Mapping[Place, StoredEvent]) -> None:
        """These are the ones that were asked for last."""
        for place, event in events.items():
            if place not in self._events:
                self._bytes += _size(event)
            self._events[place] = event
            self._events.move_to_end(place)
        while self._bytes > self._most_bytes:
            _, dropped = self._events.popitem(last=False)
            self._bytes -= _size(dropped)


def _size(event: StoredEvent) -> int:
    return len(event.data) + _EVENT_BYTES
