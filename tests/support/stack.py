"""`python -m tests.support.stack`: the services of deploy/compose.yaml as plain processes, until Ctrl-C.

PostgreSQL, RabbitMQ and Redis are private ones that start empty and are gone at the end, unless CORDWOOD_STORE_URL,
CORDWOOD_BROKER_URL or CORDWOOD_CACHE_URL names another. Every other setting goes to the services as it is.
"""

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cordwood.config import redacted
from tests.support.processes import Cordwood
from tests.support.servers import Postgres, RabbitMQ, Redis, Server, start_together

SERVERS: dict[str, type[Server]] = {"store_url": Postgres, "broker_url": RabbitMQ, "cache_url": Redis}
SERVICES = (("api", 8080), ("query", 8081), ("worker", 8082), ("api", 8083), ("worker", 8084))
"""Each with its port; the first of a kind has the kind's own."""
_PREFIX = "CORDWOOD_"
_ENDS = {signal.SIGINT, signal.SIGTERM}


def main() -> int:
    settings = {
        name.removeprefix(_PREFIX).lower(): value for name, value in os.environ.items() if name.startswith(_PREFIX)
    }
    for number in _ENDS:
        signal.signal(number, signal.default_int_handler)
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cordwood-stack-")))
            settings |= _servers(stack, settings)
            running = _services(stack, folder, settings)
            _tell(settings)
            return _until_the_end(running)
    except KeyboardInterrupt:  # while starting
        return 0


def _servers(stack: ExitStack, settings: dict[str, str]) -> dict[str, str]:
    """Start those that no setting names; the settings that name them."""
    private = {name: kind() for name, kind in SERVERS.items() if name not in settings}
    for server in private.values():
        stack.callback(server.close)
    if private:
        start_together(*private.values())
    return {name: server.url for name, server in private.items()}


def _services(stack: ExitStack, folder: Path, settings: dict[str, str]) -> list[Cordwood]:
    """Start them all; they end in the opposite order, each with its time to leave."""
    migrated = Cordwood("migrate", folder / "migrate", **settings).run()
    if migrated.returncode:
        raise SystemExit(f"cordwood migrate: {migrated.stderr}")
    running = []
    for command, port in reversed(SERVICES):
        service = Cordwood(command, folder / f"{command}-{port}", port, **settings)
        stack.callback(_stop, service)
        service.start()
        running.append(service)
    return running


def _stop(service: Cordwood) -> None:
    if service.process is not None and service.process.poll() is None:
        try:
            service.stop()
        except subprocess.TimeoutExpired:
            service.kill()


def _tell(settings: dict[str, str]) -> None:
    for command, port in SERVICES:
        print(f"  {command:7} http://127.0.0.1:{port}")
    for name in SERVERS:
        print(f"  {name.removesuffix('_url'):7} {redacted(settings[name])}")
    print("""  try     curl http://127.0.0.1:8080/log -d '{"level":"info","message":"hello"}'""")
    print("          curl http://127.0.0.1:8081/api/v1/query      the page: http://127.0.0.1:8081/")
    print("  stop    Ctrl-C; what the private servers keep goes with it", flush=True)


def _until_the_end(running: list[Cordwood]) -> int:
    """Until somebody ends it, or a service ends by itself; the exit status."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {*_ENDS, signal.SIGCHLD})
    while all(service.process is not None and service.process.poll() is None for service in running):
        if signal.sigwait({*_ENDS, signal.SIGCHLD}) in _ENDS:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGCHLD})
            return 0
    for service in running:
        if service.process is not None and service.process.poll() is not None:
            print(f"{service.url} ended with {service.process.returncode}:\n{service.log()[-2000:]}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
