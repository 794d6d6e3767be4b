"""Keys that stand in the settings."""

import re
from collections.abc import Mapping

from cordwood.errors import ConfigError
from cordwood.model.tenant import DEFAULT_TENANT, tenant
from cordwood.tenancy.interface import SCOPES, Grant
from cordwood.tenancy.keys import digest_of

_MIN_KEY_LENGTH = 16


def configured_grants(api_keys: str) -> Mapping[bytes, Grant]:
    """What the keys of `tenancy.api_keys` open, by their SHA-256: everything of their tenant.

    Raises ConfigError for a key that is too short to be a secret, and BadRequest for a tenant's name.
    """
    grants: dict[bytes, Grant] = {}
    for entry in filter(None, re.split(r"[,\s]+", api_keys)):
        name, _, key = entry.rpartition(":")
        if len(key) < _MIN_KEY_LENGTH:
            raise ConfigError(
                f"an api key has {len(key)} characters",
                hint=f"use at least {_MIN_KEY_LENGTH}, for instance from `openssl rand -hex 24`",
            )
        owner = tenant(name) if name else DEFAULT_TENANT
        grants[digest_of(key)] = Grant(owner, frozenset(SCOPES), "a key of the settings")
    return grants
