"""`cordwood query`: the answering service."""

from cordwood.cli.options import DataDir, Host, Insecure, Port
from cordwood.cli.process import configured, run
from cordwood.unfailing import say


def query(host: Host = None, port: Port = None, data_dir: DataDir = None, insecure: Insecure = None) -> None:
    """Answer questions from the store, through the cache.

    The parts it works with are chosen by CORDWOOD_BROKER_URL, CORDWOOD_STORE_URL and CORDWOOD_CACHE_URL
    (see `cordwood config`). Listens on port 8081 unless told otherwise.
    """
    from cordwood.wiring import services

    config = configured(http__host=host, http__port=port, data_dir=data_dir, http__insecure=insecure)
    run("query", services.run_query, config, lambda url: say(f"cordwood query is ready at {url}"))
