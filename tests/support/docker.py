"""Servers from Docker images, where no program of theirs is on the machine."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path


def is_usable() -> bool:
    """Whether a Docker engine answers."""
    return (
        shutil.which("docker") is not None
        and subprocess.run(["docker", "info"], check=False, capture_output=True).returncode == 0
    )


def run_command(
    name: str, image: str, port: tuple[int, int], data: tuple[Path, str], *, env: Sequence[str] = ()
) -> list[str]:
    """`docker run` in the foreground: signals to it reach the server, except SIGKILL (see `kill`)."""
    host_port, container_port = port
    host_data, container_data = data
    host_data.mkdir(exist_ok=True)
    settings = [flag for each in env for flag in ("--env", each)]
    return [
        "docker", "run", "--rm", "--name", name, "--hostname", "cordwood-test",
        "--publish", f"127.0.0.1:{host_port}:{container_port}",
        "--volume", f"{host_data}:{container_data}", *settings, image,
    ]  # fmt: skip


def kill(name: str) -> None:
    """End the container as a power cut would."""
    subprocess.run(["docker", "kill", name], check=False, capture_output=True)
