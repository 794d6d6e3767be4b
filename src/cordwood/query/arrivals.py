"""How far what was accepted can be found already."""

from cordwood.broker.interface import Broker
from cordwood.clock import Clock
from cordwood.errors import Unavailable
from cordwood.model.answer import Arrived
from cordwood.model.tenant import Tenant


class Arrivals:
    """Asks the queue. A service that has none, as one that runs apart from those who take events in, cannot know."""

    def __init__(self, clock: Clock, broker: Broker | None) -> None:
        self._clock = clock
        self._broker = broker

    async def of(self, tenant: Tenant) -> Arrived:
        """What can be found by a question that is put to the store from now on."""
        if self._broker is None:
            return Arrived()
        now_us = self._clock.now_us()
        try:
            waiting = await self._broker.waiting(tenant)
        except Unavailable:
            return Arrived()
        if waiting is None:
            return Arrived()
        return Arrived(now_us if waiting.since_us is None else min(now_us, waiting.since_us), waiting.events)
