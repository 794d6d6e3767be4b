"""How a service stands at its port: announced when ready, drained before it goes, watched by its canary meanwhile."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from socket import socket

from cordwood.client.canary import Canary
from cordwood.client.http import Api
from cordwood.config import Config
from cordwood.http.health import Health
from cordwood.http.server import serve, url_of
from cordwood.http.site import Site

Announce = Callable[[str], None]
"""Hears the base URL of a service that is ready."""


async def serve_until(
    stop: asyncio.Event, site: Site, port: socket, config: Config, health: Health, announce: Announce
) -> None:
    """Answer until `stop`, and for as long afterwards as it takes senders to hear of it."""
    is_over = asyncio.Event()

    async def drain() -> None:
        """First say so, and go on answering: whoever still sends here has not heard of it yet."""
        await stop.wait()
        health.is_draining = site.is_draining = True
        if site.idle_s() < config.http.drain_s:
            await asyncio.sleep(config.http.drain_s)
            site.is_closing = True
            await asyncio.sleep(config.http.drain_s)
        is_over.set()

    draining = asyncio.create_task(drain())
    try:
        await serve(site, port, config.http, is_over, announce)
    finally:
        draining.cancel()


@contextlib.contextmanager
def canary(config: Config, port: socket) -> Iterator[None]:
    """Sends and looks, as long as the block runs, if it is wanted."""
    settings = config.canary
    if not settings.interval_s:
        yield
        return
    own_url, key = url_of(port, config.http), settings.api_key or None
    bird = Canary(Api(settings.url or own_url, key), Api(own_url, key), settings.interval_s, settings.timeout_s)
    bird.start()
    try:
        yield
    finally:
        bird.stop()
