"""Time and randomness, passed in so that tests can hold them still."""

import secrets
import time
from typing import Protocol
from uuid import UUID


class Clock(Protocol):
    """What a service needs to know of time and chance."""

    def now_us(self) -> int:
        """Microseconds since 1970-01-01T00:00:00Z."""
        ...

    def batch_id(self) -> UUID:
        """A fresh batch id: UUIDv7 whose low 32 bits are zero, so that ordinals fit in."""
        ...


class SystemClock:
    """The machine's clock and random source."""

    def now_us(self) -> int:
        return time.time_ns() // 1_000

    def batch_id(self) -> UUID:
        # RFC 9562 §5.7 and §6.2 method 3: 48 bits of Unix ms, version 7, 12 bits of the ms that has begun, variant 10;
        # then 30 random bits above the 32 that event ordinals use. So ids of one process sort by time within a ms too.
        ns = time.time_ns()
        ms, within_ms = ns // 1_000_000, ns % 1_000_000 * 4096 // 1_000_000
        value = (ms & 0xFFFF_FFFF_FFFF) << 80 | 0x7 << 76 | within_ms << 64
        return UUID(int=value | 0b10 << 62 | secrets.randbits(30) << 32)
