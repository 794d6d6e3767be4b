"""The HTTP server: uvicorn inside our own event loop, with our own socket, signals and shutdown."""

import asyncio
import contextlib
import errno
import resource
import socket
from collections.abc import Callable, Iterator

import structlog
import uvicorn
from msgspec.structs import replace

from cordwood.errors import ConfigError
from cordwood.http.connection import connections_with, reap
from cordwood.http.settings import HttpSettings
from cordwood.http.site import Site
from cordwood.http.tls import certificate_of

log = structlog.get_logger()

_BACKLOG = 2048
_MAX_SOCKET_MESSAGE_BYTES = 4096
"""Clients have nothing to say there."""
_OTHER_FILES = 1024
"""Open files that the parts behind may need."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to whoever runs the process."""
        yield


def listen(settings: HttpSettings, default_port: int) -> socket.socket:
    """Take the port. Raises ConfigError, naming what is in the way, also for a certificate that cannot be used."""
    certificate_of(settings)
    host, port = settings.host, settings.port or default_port
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        if error.errno == errno.EADDRINUSE:
            raise ConfigError(
                f"port {port} on {host} is taken", hint="stop what listens there, or choose another with --port"
            ) from error
        raise ConfigError(f"cannot listen on {host}:{port}: {error.strerror or error}") from error
    sock.setblocking(False)
    return sock


def url_of(sock: socket.socket, settings: HttpSettings) -> str:
    """The base URL of a listening socket."""
    scheme = "https" if settings.tls_cert else "http"
    host, port = sock.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


async def serve(
    site: Site,
    sock: socket.socket,
    settings: HttpSettings,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
) -> None:
    """Serve until `stop` is set, then let open requests finish within the graceful timeout.

    `on_ready` hears the base URL once connections are accepted.
    """
    certificate = certificate_of(settings)
    settings = replace(settings, max_connections=_room(settings.max_connections))
    config = uvicorn.Config(
        site,
        ssl_context_factory=None if certificate is None else lambda *_: certificate.context,
        http=connections_with(settings, site),  # type: ignore[arg-type]  # called as the class would be
        ws="none",  # a connection makes its own (`http.connection`)
        ws_max_size=_MAX_SOCKET_MESSAGE_BYTES,
        ws_per_message_deflate=False,
        loop="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=max(1, round(settings.graceful_timeout_s)),
        backlog=_BACKLOG,
    )
    server = _Server(config)
    running = asyncio.create_task(server.serve(sockets=[sock]))
    reaping = asyncio.create_task(reap(server.server_state.connections, settings))
    stopping = asyncio.create_task(stop.wait())
    watching = None if certificate is None else asyncio.create_task(certificate.watch())
    on_ready(url_of(sock, settings))
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        server.should_exit = True
        stopping.cancel()
        if watching is not None:
            watching.cancel()
        await running
        reaping.cancel()


def _room(wanted: int) -> int:
    """How many connections find open files, after asking the system for as many as are wanted."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted + _OTHER_FILES:
        soft = wanted + _OTHER_FILES if hard == resource.RLIM_INFINITY else min(wanted + _OTHER_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted + _OTHER_FILES:
            wanted = max(soft - _OTHER_FILES, soft // 2)
            log.warning("connections_bounded", max_connections=wanted, open_files=soft)
    return wanted
