"""`cordwood worker`: the storing service."""

import sys

from cordwood.cli.options import DataDir, Host, Insecure, Port
from cordwood.cli.process import configured, run
from cordwood.unfailing import say


def worker(host: Host = None, port: Port = None, data_dir: DataDir = None, insecure: Insecure = None) -> None:
    """Take batches from the broker and store them. Run as many as you like.

    The parts it works with are chosen by CORDWOOD_BROKER_URL, CORDWOOD_STORE_URL and CORDWOOD_CACHE_URL
    (see `cordwood config`). Listens on port 8082 unless told otherwise.
    """
    from cordwood.wiring import services

    # Threads encode rows while the event loop feeds sockets: at Python's 5 ms a turn, the loop starves beside them.
    sys.setswitchinterval(0.0005)
    config = configured(http__host=host, http__port=port, data_dir=data_dir, http__insecure=insecure)
    run("worker", services.run_worker, config, lambda url: say(f"cordwood worker is ready at {url}"))
