"""Settings of keys."""

from typing import Annotated

from msgspec import Meta, Struct


class TenancySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which keys open the api; none means that everyone who can connect may use it."""

    api_keys: Annotated[
        str, Meta(description="keys as TENANT:KEY or KEY (the default tenant), separated by commas; a secret")
    ] = ""
