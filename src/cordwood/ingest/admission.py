"""Is there room to take this request? Memory is bounded by bytes in flight, not by hope, and shared fairly.

While half of the room is free, who comes first is served. Beyond that no tenant may hold more than
room / (active tenants + 1), so that there is always some left for one more: a flood of large or slow bodies from one
tenant does not keep the others out. A request that is alone in flight may have all of it.
"""

from typing import Self

from cordwood import metrics
from cordwood.errors import Overloaded
from cordwood.model.tenant import Tenant


class Admission:
    """Counts the bytes of all requests that are being taken in, by tenant."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._in_flight = 0
        self._requests = 0
        self._held: dict[Tenant, int] = {}
        # Read when it is asked for: setting it twice a request would cost more than the counting.
        metrics.INGEST_IN_FLIGHT_BYTES.set_function(lambda: self._in_flight)

    def request(self, tenant: Tenant) -> "Ticket":
        """A place for one request; use as a context manager."""
        return Ticket(self, tenant)

    def _grow(self, tenant: Tenant, by: int, *, is_new: bool) -> None:
        held = self._held.get(tenant, 0)
        total = self._in_flight + by
        if total > self._max_bytes:
            raise Overloaded(
                f"{self._in_flight:,} bytes of requests are being taken in; {self._max_bytes:,} are the limit",
                hint="send again after the seconds in Retry-After",
            )
        requests = self._requests + is_new
        if total * 2 > self._max_bytes and requests > 1:
            share = self._max_bytes // (len(self._held) + (not held) + 1)
            if held + by > share:
                raise Overloaded(
                    f"requests of the tenant {tenant} hold {held:,} bytes; while others need room, {share:,} are its "
                    "share",
                    hint="send again after the seconds in Retry-After, with fewer requests at once",
                )
        self._requests = requests
        self._held[tenant] = held + by
        self._in_flight = total

    def _end(self, tenant: Tenant, size: int) -> None:
        self._requests -= 1
        if left := self._held[tenant] - size:
            self._held[tenant] = left
        else:
            del self._held[tenant]
        self._in_flight -= size


class Ticket:
    """One request's share of the bytes in flight."""

    def __init__(self, admission: Admission, tenant: Tenant) -> None:
        self._admission = admission
        self._tenant = tenant
        self._size = 0

    def grew(self, size: int) -> None:
        """The request has now `size` bytes in memory. Raises Overloaded when they find no room."""
        if size > self._size:
            self._admission._grow(self._tenant, size - self._size, is_new=not self._size)
            self._size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.end()

    def end(self) -> None:
        """Its bytes are free again. May be called twice."""
        if self._size:
            self._admission._end(self._tenant, self._size)
            self._size = 0
