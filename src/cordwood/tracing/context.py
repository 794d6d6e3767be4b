"""Where in a trace something stands, and how that is written into a header (W3C Trace Context, level 1)."""

import re
from typing import NamedTuple

# §3.2.2. A version after 00 may have more behind its flags; ff is none, and ids of zeros are not valid.
_FORM = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SAMPLED = 0x01

NOT_SAMPLED = "00-" + "c0" * 16 + "-" + "c0" * 8 + "-00"
"""What our own requests to a collector, or about our own logs, say: nobody is to trace them. Whoever takes them, this
platform included, makes no spans of them, so none of them can bring about another."""


class SpanContext(NamedTuple):
    """A span's name in the world: 16 and 8 bytes."""

    trace_id: bytes
    span_id: bytes

    @property
    def traceparent(self) -> str:
        """As a header, sampled: what is not sampled has no context here."""
        return f"00-{self.trace_id.hex()}-{self.span_id.hex()}-01"


class Incoming(NamedTuple):
    """What a sender said."""

    context: SpanContext
    is_sampled: bool


def incoming(traceparent: str) -> Incoming | None:
    """None for what is no `traceparent`: then a trace may begin here (§4.3)."""
    found = _FORM.fullmatch(traceparent.strip())
    if found is None or (found[1] == "00" and found[5]):
        return None
    context = SpanContext(bytes.fromhex(found[2]), bytes.fromhex(found[3]))
    return Incoming(context, bool(int(found[4], 16) & _SAMPLED))
