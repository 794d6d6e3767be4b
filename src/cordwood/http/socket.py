"""One WebSocket connection, with the bound that the server beneath has none for."""

from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from cordwood import metrics
from cordwood.http.settings import HttpSettings


class Socket(WebSocketsSansIOProtocol):
    """uvicorn's; one whose reader takes nothing for `write_timeout_s` is reset, as an unread answer is."""

    def __init__(self, settings: HttpSettings, **given: Any) -> None:
        super().__init__(**given)
        self._settings = settings
        self._stalled_since = 0.0

    def pause_writing(self) -> None:
        self._stalled_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        self._stalled_since = 0.0
        super().resume_writing()

    def reap(self, now: float) -> None:
        """End the connection when it has been stalled for too long; also one that waits to be closed."""
        if self._stalled_since or self.transport.is_closing():
            self._stalled_since = self._stalled_since or now
            if now - self._stalled_since > self._settings.write_timeout_s:
                metrics.HTTP_REFUSED.labels("stalled").inc()
                self.transport.abort()
