"""`cordwood api`: the ingest service."""

from cordwood.cli.options import DataDir, Host, Insecure, Port
from cordwood.cli.process import configured, run
from cordwood.unfailing import say


def api(host: Host = None, port: Port = None, data_dir: DataDir = None, insecure: Insecure = None) -> None:
    """Take logs over HTTP and hand them to the broker. Answers once the broker has them durably.

    The parts it works with are chosen by CORDWOOD_BROKER_URL, CORDWOOD_STORE_URL and CORDWOOD_CACHE_URL
    (see `cordwood config`). Listens on port 8080 unless told otherwise.
    """
    from cordwood.wiring import services

    config = configured(http__host=host, http__port=port, data_dir=data_dir, http__insecure=insecure)
    run("api", services.run_api, config, lambda url: say(f"cordwood api is ready at {url}"))
