"""What a file of Docker Compose hands to the containers of Cordwood."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.deploy.handed import Handed


def handed(document: Mapping[str, Any]) -> Iterator[Handed]:
    """Services whose image is Cordwood's. A value with a variable of Compose's counts as its default."""
    for name, service in document["services"].items():
        if not re.search(r"\bcordwood\b", service.get("image", "")):
            continue
        settings = {key: _default(str(value)) for key, value in service.get("environment", {}).items()}
        yield Handed(
            f"compose/{name}",
            service["command"],
            {key: value for key, value in settings.items() if value},
            [int(str(each).rsplit(":", 1)[-1]) for each in service.get("ports", [])],
            files=[f"/run/secrets/{each}" for each in service.get("secrets", [])],
            health=service.get("healthcheck", {}).get("test", []),
        )


def _default(value: str) -> str:
    return re.sub(r"\$\{\w+:?-?([^}]*)\}", r"\1", value)
