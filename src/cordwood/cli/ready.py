"""`cordwood ready`: does the service on this machine answer?"""

from enum import StrEnum
from typing import Annotated

import typer

from cordwood.cli.options import Port
from cordwood.cli.process import configured
from cordwood.cli.telling import telling_errors
from cordwood.neutral import neutral


class Named(StrEnum):
    """What listens on a port of its own."""

    UP = "up"
    API = "api"
    QUERY = "query"
    WORKER = "worker"


_PORTS = {Named.UP: 8080, Named.API: 8080, Named.QUERY: 8081, Named.WORKER: 8082}


def ready(
    service: Annotated[
        Named | None,
        typer.Argument(help="Whose port to ask at.  [default: whichever of theirs is listened on]", show_default=False),
    ] = None,
    is_alive_enough: Annotated[
        bool, typer.Option("--alive", help="Ask only whether it answers, whatever becomes of the parts it works with.")
    ] = False,
    port: Port = None,
    timeout_s: Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds that each step may take.")] = 4.0,
) -> None:
    """Ask a service on this machine whether it is ready, as the health check of a container does.

    Asks at CORDWOOD_HTTP_PORT, or else at the service's own port. Exit status: 0 when it is ready, 1 when it is not,
    2 for wrong usage.
    """
    from cordwood.client.readiness import reasons

    http = configured(http__port=port).http
    ports = [http.port] if http.port else sorted({_PORTS[each] for each in ([service] if service else Named)})
    path = "/health" if is_alive_enough else "/ready"
    with telling_errors():
        found = reasons(http.host, ports, path, timeout_s, is_tls=bool(http.tls_cert))
    for reason in found:
        typer.echo(f"not ready: {neutral(reason)}", err=True)
    if found:
        raise typer.Exit(1)
    typer.echo("alive" if is_alive_enough else "ready")
