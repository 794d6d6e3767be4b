"""`python -m tests.compose`: build the image, bring the stack of deploy/compose.yaml up, send, break parts, and count.

Exits with 0 when everything that was accepted is stored once; also, saying so loudly, where no Docker engine can
be started.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.compose import cluster, default, object_storage
from tests.compose.engine import IMAGES, PROMETHEUS, STORAGE, Engine, NoEngine, engine
from tests.compose.running import told
from tests.compose.stack import Stack


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.compose")
    parser.add_argument("stacks", nargs="*", metavar="STACK", help=f"some of: {', '.join(_STACKS)}; usually the first")
    chosen = parser.parse_args().stacks or ["default"]
    if unknown := [name for name in chosen if name not in _STACKS]:
        parser.error(f"there is no stack {', '.join(unknown)}: choose of {', '.join(_STACKS)}")
    began = time.monotonic()
    try:
        with engine() as docker:
            image = "cordwood:compose-test"
            provide(docker, IMAGES)
            with told("the image is built"):
                docker.build(image)
            for name in chosen:
                with tempfile.TemporaryDirectory(prefix="cordwood-compose-") as folder, told(f"stack {name}, in all"):
                    _STACKS[name](docker, f"cordwood-test-{os.getpid()}", Path(folder, "secrets"), image)
    except NoEngine as reason:
        print(f"{'!' * 80}\ncompose-test: SKIPPED: {reason}\n{'!' * 80}", file=sys.stderr)
        return 0
    print(f"compose-test: well, after {time.monotonic() - began:.0f} s")
    return 0


def provide(docker: Engine, images: dict[str, str]) -> None:
    """See that images are there; tells which are made here."""
    if made := docker.provide_images(images):
        print(f"compose-test: made here from Debian 12, as none can be pulled: {', '.join(made)}", flush=True)


def as_it_comes(docker: Engine, name: str, secrets: Path, image: str) -> None:
    provide(docker, PROMETHEUS)
    default.run(Stack(docker, name, secrets, image), docker)


def three_nodes(docker: Engine, name: str, secrets: Path, image: str) -> None:
    stack = Stack(docker, name, secrets, image, of="cluster.env", hosts=",".join(cluster.NODES))
    cluster.run(stack, may_wait=docker.is_standin(IMAGES["rabbitmq"]))


def in_object_storage(docker: Engine, name: str, secrets: Path, image: str) -> None:
    provide(docker, STORAGE)
    object_storage.run(Stack(docker, name, secrets, image, of="object-storage.env"))


_STACKS: dict[str, Callable[[Engine, str, Path, str], None]] = {
    "default": as_it_comes,
    "cluster": three_nodes,
    "object-storage": in_object_storage,
}


if __name__ == "__main__":
    sys.exit(main())
