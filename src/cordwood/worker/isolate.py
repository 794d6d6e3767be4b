"""A refused batch, halved until the bad events stand alone."""

from cordwood.errors import Refused
from cordwood.model.deadletter import DeadLetter
from cordwood.store.interface import Load, Writer

_BLANK = b"{}"
"""Stands for an event that was set aside: ordinals stay, and no store has to read what it refused."""


async def isolated(writer: Writer, load: Load) -> Load:
    """The same load with its bad events set aside as dead letters.

    About 2·log2(n) probes for one bad event among n. Raises Unavailable.
    """
    header = load.batch.header
    reasons = await _reasons(writer, load, 0, header.events)
    lines = load.ndjson.split(b"\n")
    dead = [
        DeadLetter(
            batch_id=header.id,
            ordinal=ordinal,
            tenant=header.tenant,
            protocol=header.protocol,
            reason=reason,
            received_at_us=header.received_at_us,
            body=lines[ordinal],
        )
        for ordinal, reason in reasons
    ]
    for ordinal, _ in reasons:
        lines[ordinal] = _BLANK
    return Load(load.batch, b"\n".join(lines), dead)


async def _reasons(writer: Writer, load: Load, first: int, count: int) -> list[tuple[int, str]]:
    try:
        await writer.probe(load, first, count)
    except Refused as refused:
        if count == 1:
            return [(first, refused.message)]
        half = count // 2
        left = await _reasons(writer, load, first, half)
        return left + await _reasons(writer, load, first + half, count - half)
    return []
