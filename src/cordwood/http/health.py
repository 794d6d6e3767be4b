"""Alive, and ready: `/health`, `/ready`, `/metrics`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cordwood import metrics
from cordwood.errors import CordwoodError

Check = Callable[[], Awaitable[None]]

_CHECK_TIMEOUT_S = 2.0
OPERATING = frozenset({"/health", "/ready", "/metrics"})
"""What those ask who look after a service."""


class Health:
    """What makes a service ready: its checks pass, and it is not shutting down."""

    def __init__(self, checks: Mapping[str, Check]) -> None:
        self._checks = checks
        self.is_draining = False

    async def reasons(self) -> dict[str, str]:
        """Why the service is not ready, by part; empty when it is. Bounded in time."""
        if self.is_draining:
            return {"service": "shutting down"}
        answers = await asyncio.gather(*(self._reason(check) for check in self._checks.values()))
        return {name: reason for name, reason in zip(self._checks, answers, strict=True) if reason}

    async def _reason(self, check: Check) -> str:
        try:
            async with asyncio.timeout(_CHECK_TIMEOUT_S):
                await check()
        except TimeoutError:
            return f"no answer within {_CHECK_TIMEOUT_S:g} s"
        except CordwoodError as error:
            return f"{error.message} ({error.hint})" if error.hint else error.message
        return ""

    def routes(self) -> list[Route]:
        return [
            Route("/health", self._health),
            Route("/ready", self._ready),
            Route("/metrics", self._metrics),
        ]

    async def _health(self, request: Request) -> Response:
        return _json({"status": "ok"}, 200)

    async def _ready(self, request: Request) -> Response:
        reasons = await self.reasons()
        status = "not ready" if reasons else "ready"
        return _json({"status": status, "reasons": reasons}, 503 if reasons else 200)

    async def _metrics(self, request: Request) -> Response:
        reasons = await self.reasons()
        for part in ("service", *self._checks):
            metrics.READY.labels(part).set(part not in reasons)
        return Response(await asyncio.to_thread(generate_latest), media_type=CONTENT_TYPE_LATEST)


def _json(body: object, status: int) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")
