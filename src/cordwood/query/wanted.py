"""Answers while they are wanted: what is asked is listed, may be cancelled, and ends when its client leaves."""

import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from cordwood.http.leaving import while_connected
from cordwood.model.tenant import Tenant
from cordwood.query.running import Running

_NOBODY = 499
"""Goes to nobody, but into the metrics."""
_LONGEST = 2000


class Wanted:
    """What the endpoints of questions share."""

    def __init__(self, running: Running) -> None:
        self._running = running

    async def answer(self, request: Request, tenant: Tenant, work: Coroutine[Any, Any, Response]) -> Response:
        """The answer that `work` makes. Raises what it raises, and Cancelled. The request's body was read."""
        with self._running.noted(tenant, _asked(request)) as noted, noted.step():
            try:
                return await while_connected(request, work)
            except ClientDisconnect:
                return Response(status_code=_NOBODY)

    async def stream(
        self, request: Request, tenant: Tenant, blocks: AsyncGenerator[bytes, None]
    ) -> AsyncGenerator[bytes, None]:
        """The same blocks. Raises what they raise, and Cancelled."""
        with self._running.noted(tenant, _asked(request)) as noted:
            async with contextlib.aclosing(blocks):
                while True:
                    with noted.step():
                        block = await anext(blocks, None)
                    if block is None:
                        return
                    yield block


def _asked(request: Request) -> str:
    """What a request asks for, as its address says it."""
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"[:_LONGEST]
