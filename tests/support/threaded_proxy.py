"""A `Proxy` with an event loop of its own, for tests that have none."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Self

from tests.support.proxy import Proxy


class ThreadedProxy:
    """`with ThreadedProxy(url) as proxy`: connect to `proxy.url` instead."""

    def __init__(self, server_url: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._proxy = Proxy(server_url)
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        return self._proxy.url

    def cut(self) -> None:
        """End every connection, as a reset does."""
        self._loop.call_soon_threadsafe(self._proxy.cut)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """Every connection ends at once, and each later one before anything is said."""
        asyncio.run_coroutine_threadsafe(_do(self._proxy.go_away), self._loop).result(10)
        try:
            yield
        finally:
            self._loop.call_soon_threadsafe(self._proxy.come_back)

    def fall_silent(self) -> None:
        """Connections that are open now take everything and hand back nothing."""
        self._loop.call_soon_threadsafe(self._proxy.fall_silent)

    def fall_deaf(self) -> None:
        """Connections that are open now take nothing more."""
        self._loop.call_soon_threadsafe(self._proxy.fall_deaf)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._proxy.__aenter__(), self._loop).result(10)
        return self

    def __exit__(self, *exc: object) -> None:
        asyncio.run_coroutine_threadsafe(self._proxy.__aexit__(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _do(act: Callable[[], None]) -> None:
    act()
