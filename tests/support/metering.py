"""Metrics of this process, and of others."""

import re

from prometheus_client import REGISTRY

from tests.support.processes import Cordwood


def counted(name: str, **labels: str) -> float:
    """A metric of this process; 0 while nobody has raised it."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def shown(process: Cordwood, name: str, **labels: str) -> float:
    """The sum of a process's series of this name that have these labels."""
    total = 0.0
    for line in process.get("/metrics")[1].decode().splitlines():
        found = re.fullmatch(r"(\w+)(?:\{(.*)\})? (\S+)", line)
        if found and found[1] == name and all(f'{key}="{value}"' in (found[2] or "") for key, value in labels.items()):
            total += float(found[3])
    return total
