"""Is there room to take this request? Memory is bounded by bytes in flight, not by hope."""

from typing import Self

from cordwood import metrics
from cordwood.errors import Overloaded


class Admission:
    """Counts the bytes of all requests that are being taken in."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._in_flight = 0

    def request(self) -> "Ticket":
        """A place for one request; use as a context manager."""
        return Ticket(self)

    def _change(self, by: int) -> None:
        if by > 0 and self._in_flight + by > self._max_bytes:
            raise Overloaded(
                f"{self._in_flight:,} bytes of requests are being taken in; {self._max_bytes:,} are the limit",
                hint="send again after the seconds in Retry-After",
            )
        self._in_flight += by
        metrics.INGEST_IN_FLIGHT_BYTES.set(self._in_flight)


class Ticket:
    """One request's share of the bytes in flight."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._size = 0

    def grew(self, size: int) -> None:
        """The request has now `size` bytes in memory. Raises Overloaded when they find no room."""
        if size > self._size:
            self._admission._change(size - self._size)
            self._size = size

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._admission._change(-self._size)
        self._size = 0
