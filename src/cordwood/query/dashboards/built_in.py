"""The dashboards that come with Cordwood: over whatever logs there are."""

from collections.abc import Mapping
from importlib.resources import files

import msgspec

from cordwood.model.dashboard import Dashboard

NAMES = ("overview", "errors", "http")
"""In the order in which they are listed."""


def built_in() -> Mapping[str, Dashboard]:
    """By name. Reads files: once, at the start."""
    folder = files("cordwood.query.dashboards")
    return {
        name: msgspec.json.decode((folder / f"{name}.json").read_bytes(), type=Dashboard, strict=True) for name in NAMES
    }
