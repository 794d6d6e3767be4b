"""Keys that stand in the settings."""

import hashlib
import re

from cordwood.errors import ConfigError
from cordwood.model.tenant import DEFAULT_TENANT, tenant
from cordwood.tenancy.interface import Grant, Scope

_EVERYTHING: frozenset[Scope] = frozenset({"ingest", "query", "admin"})
_MIN_KEY_LENGTH = 16


class OpenDoor:
    """No keys: every caller is the default tenant. Only for a listener that strangers cannot reach."""

    async def grant(self, token: str | None) -> Grant | None:
        return Grant(DEFAULT_TENANT, _EVERYTHING)


class ConfiguredKeys:
    """Keys by their SHA-256, so that a look-up takes the same time whichever byte differs."""

    def __init__(self, api_keys: str) -> None:
        """Raises ConfigError for a key that is too short to be a secret, and BadRequest for a tenant's name."""
        self._grants: dict[bytes, Grant] = {}
        for entry in filter(None, re.split(r"[,\s]+", api_keys)):
            name, _, key = entry.rpartition(":")
            if len(key) < _MIN_KEY_LENGTH:
                raise ConfigError(
                    f"an api key has {len(key)} characters",
                    hint=f"use at least {_MIN_KEY_LENGTH}, for instance from `openssl rand -hex 24`",
                )
            owner = tenant(name) if name else DEFAULT_TENANT
            self._grants[_digest(key)] = Grant(owner, _EVERYTHING)

    async def grant(self, token: str | None) -> Grant | None:
        return None if token is None else self._grants.get(_digest(token))


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
