"""Settings → who traces."""

import asyncio
import contextlib
import os
import socket
import uuid
from collections.abc import AsyncIterator
from urllib.parse import unquote, urlsplit

from cordwood import __version__
from cordwood.config import Config, redacted
from cordwood.errors import ConfigError
from cordwood.tracing.interface import Tracer
from cordwood.tracing.off import Off

_PATH = "/v1/traces"


@contextlib.asynccontextmanager
async def open_tracer(config: Config, service: str) -> AsyncIterator[Tracer]:
    """Traces what `service` does while the block runs, if that is wanted. Raises ConfigError."""
    settings = config.tracing
    if not settings.endpoint:
        yield Off()
        return
    # Here, as only who traces is to load it.
    from cordwood.tracing.exporter import Exporter
    from cordwood.tracing.recorder import Recorder

    headers = _pairs("OTEL_EXPORTER_OTLP_HEADERS") | _pairs("OTEL_EXPORTER_OTLP_TRACES_HEADERS")
    resource = {
        "service.name": f"cordwood-{service}",
        "service.version": __version__,
        "service.instance.id": str(uuid.uuid4()),
        "host.name": socket.gethostname(),
        **_pairs("OTEL_RESOURCE_ATTRIBUTES"),
    }
    if name := settings.service_name or os.environ.get("OTEL_SERVICE_NAME"):
        resource["service.name"] = name
    exporter = Exporter(_url(settings.endpoint), headers, resource, settings.max_waiting)
    exporter.start()
    try:
        yield Recorder(exporter.take, settings.sample_rate)
    finally:
        await asyncio.to_thread(exporter.stop)


def _url(endpoint: str) -> str:
    """Where traces are taken. Raises ConfigError."""
    parts = urlsplit(endpoint)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(
            f"tracing.endpoint {redacted(endpoint)!r} is no address of a collector",
            hint="for instance CORDWOOD_TRACING_ENDPOINT=http://127.0.0.1:4318 (OTLP over HTTP)",
        )
    return endpoint if parts.path.endswith(_PATH) else endpoint.rstrip("/") + _PATH


def _pairs(variable: str) -> dict[str, str]:
    """`name=value,…`, values percent-encoded, as OpenTelemetry's variables are. Raises ConfigError."""
    pairs = [pair.partition("=") for pair in os.environ.get(variable, "").split(",") if pair.strip()]
    for name, equals, _ in pairs:
        if not equals or not name.strip():
            raise ConfigError(f"{variable} is no list of NAME=VALUE", hint="values are percent-encoded")
    return {name.strip(): unquote(value.strip()) for name, _, value in pairs}
