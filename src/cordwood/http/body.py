"""A request body, read within bounds of size and time."""

import asyncio
import contextlib
from collections.abc import Callable

from starlette.types import Receive

from cordwood.errors import BadRequest, SlowBody, TooLarge
from cordwood.http.inflate import coding_of, inflate
from cordwood.http.settings import HttpSettings

_DISCARD_S = 5.0
_INLINE_BYTES = 16 << 10
"""Below this, inflating takes less time than handing it to a thread."""


class Disconnected(BadRequest):
    """The client left before its body was complete: there is nobody to answer."""

    status = 400
    label = "disconnected"


async def read_body(
    headers: dict[bytes, bytes], receive: Receive, settings: HttpSettings, grew: Callable[[int], None]
) -> bytes:
    """The whole body, inflated. `grew` hears of every size in bytes reached, and may raise to stop the reading.

    Raises UnsupportedMedia, TooLarge, SlowBody, BadRequest, Disconnected.
    """
    coding = coding_of(headers.get(b"content-encoding", b"").decode("latin-1"))
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > settings.max_body_bytes:
        if b"expect" not in headers:  # whoever asked first has sent nothing yet
            await _discard(receive)
        raise _too_large(settings)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(settings.body_timeout_s):
            is_more = True
            while is_more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Disconnected("the client left before its body was complete")
                chunk = message.get("body", b"")
                size += len(chunk)
                if size > settings.max_body_bytes:
                    chunks.clear()
                    await _discard(receive)
                    raise _too_large(settings)
                grew(size)
                chunks.append(chunk)
                is_more = message.get("more_body", False)
    except TimeoutError as error:
        raise SlowBody(
            f"the body did not arrive within {settings.body_timeout_s:g} s",
            hint="send it in smaller requests, or raise CORDWOOD_HTTP_BODY_TIMEOUT_S",
        ) from error
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    if coding is None:
        return body
    if size < _INLINE_BYTES:
        # A small bomb must not run on the event loop: what grows past this is redone in a thread.
        try:
            inflated = inflate(body, coding, _INLINE_BYTES)
        except TooLarge:
            inflated = await asyncio.to_thread(inflate, body, coding, settings.max_body_bytes)
    else:
        inflated = await asyncio.to_thread(inflate, body, coding, settings.max_body_bytes)
    grew(len(inflated))
    return inflated


async def _discard(receive: Receive) -> None:
    """Read on for a moment: a connection closed on unread bytes is reset, and its client never sees the answer."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_DISCARD_S):
            while (await receive()).get("more_body", False):
                pass


def _too_large(settings: HttpSettings) -> TooLarge:
    return TooLarge(f"the body has more than {settings.max_body_bytes:,} bytes", hint="send it in several requests")
