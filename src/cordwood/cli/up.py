"""`cordwood up`: everything in one process."""

import time

from cordwood.cli.options import DataDir, Host, Insecure, Port
from cordwood.cli.process import configured, run
from cordwood.unfailing import say


def up(host: Host = None, port: Port = None, data_dir: DataDir = None, insecure: Insecure = None) -> None:
    """Start the whole platform in one process. Needs no other service.

    Events are kept in the data directory; a later start goes on with them. Ctrl-C stops cleanly.
    """
    from cordwood.wiring import services

    started = time.monotonic()
    config = configured(http__host=host, http__port=port, data_dir=data_dir, http__insecure=insecure)

    def announce(url: str) -> None:
        say(f"Cordwood is ready at {url}  ({time.monotonic() - started:.1f} s)")
        say(f"  data   {config.data_dir.resolve()}")
        say(f"""  try    curl {url}/log -d '{{"level":"info","message":"hello"}}'""")
        say(f"         curl {url}/api/v1/query")
        say("  stop   Ctrl-C")

    run("up", services.run_all, config, announce)
