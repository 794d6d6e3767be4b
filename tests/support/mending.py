"""Dead letters for tests: batches that no ingest check has seen."""

from pathlib import Path

from cordwood.config import Config
from cordwood.wiring.parts import open_broker
from tests.support.builders import batch

SURROGATE = b'{"n":"\\ud800","at":7}'
"""JSON to whoever takes requests, and to no store."""


async def poison(data_dir: Path, *events: bytes) -> None:
    """Put events into the queue of a platform there, each as a batch of its own."""
    async with open_broker(Config(data_dir=data_dir)) as broker:
        for event in events:
            await broker.publish(batch([event]))
