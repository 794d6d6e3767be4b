"""TLS of the HTTP listeners: certificates from PEM files, and new ones without a restart."""

import asyncio
import os
import ssl

import structlog

from cordwood.errors import ConfigError
from cordwood.http.settings import HttpSettings

log = structlog.get_logger()

_WATCH_INTERVAL_S = 2.0

_State = tuple[tuple[int, int, int], ...]


class Certificate:
    """The listener's certificate and key. `context` stays the same; what new connections are shown may change."""

    def __init__(self, cert_file: str, key_file: str) -> None:
        """Raises ConfigError."""
        self._files = (cert_file, key_file)
        try:
            self._seen = self._state()
            self._current = self.context = self._loaded()
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"cannot use the certificate {cert_file} with the key {key_file}: {_reason(error)}",
                hint="http.tls_cert and http.tls_key name PEM files that this user may read: the certificate with its "
                "chain, and its key without a password",
            ) from error
        # Python's way to exchange a context between two handshakes; also called for clients that name no server.
        self.context.sni_callback = self._on_hello

    async def watch(self) -> None:
        """Look for new files every few seconds, until cancelled. What cannot be used changes nothing."""
        while True:
            await asyncio.sleep(_WATCH_INTERVAL_S)
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Use the files if they have changed. While one of the two is new and the other old, the old pair stays."""
        try:
            state = self._state()
            if state == self._seen:
                return
            self._seen = state
            self._current = self._loaded()
        except (OSError, ValueError) as error:
            log.error("certificate_not_used", files=self._files, reason=_reason(error), hint="the old one stays in use")
        else:
            log.info("certificate_renewed", files=self._files)

    def _state(self) -> _State:
        """What a new file changes: also one that is moved into place with an old date."""
        stats = [os.stat(file) for file in self._files]  # noqa: PTH116  # a symbolic link's target is what counts
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)

    def _loaded(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["http/1.1"])
        # An empty password rather than none: OpenSSL would ask for it on the terminal, and wait.
        context.load_cert_chain(*self._files, password="")
        return context

    def _on_hello(self, connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        connection.context = self._current


def certificate_of(settings: HttpSettings) -> Certificate | None:
    """The certificate that the settings name; None means plain HTTP. Raises ConfigError."""
    if not settings.tls_cert and not settings.tls_key:
        return None
    if not settings.tls_cert or not settings.tls_key:
        missing = "http.tls_key" if settings.tls_cert else "http.tls_cert"
        raise ConfigError(f"{missing} is not set", hint="TLS needs both a certificate and its key")
    return Certificate(settings.tls_cert, settings.tls_key)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__
