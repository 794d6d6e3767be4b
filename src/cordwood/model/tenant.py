"""Tenant: the owner of events. Everything is read and written within one."""

import re
from typing import NewType

from cordwood.errors import BadRequest

Tenant = NewType("Tenant", str)

DEFAULT_TENANT = Tenant("default")

_SHAPE = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def tenant(name: str) -> Tenant:
    """Check a tenant's name: 1 to 64 of a-z, 0-9, `-`, `_`, as it becomes part of file paths.

    Raises BadRequest.
    """
    if _SHAPE.fullmatch(name) is None:
        raise BadRequest(
            f"tenant name {name!r} is not usable",
            hint="use 1 to 64 of a-z, 0-9, '-' and '_', starting with a letter or digit",
        )
    return Tenant(name)
