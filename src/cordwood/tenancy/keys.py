"""Keys themselves: how one is made, and the digest that it is known by.

A key is `cw_ID_SECRET`: 12 hexadecimal digits that may be shown, then 48 that may not (192 random bits). With that
much chance in it, a plain SHA-256 cannot be turned back; a slow hash would only slow requests down.
"""

import hashlib
import secrets

_PREFIX = "cw"
_ID_BYTES, _SECRET_BYTES = 6, 24


def new_key() -> tuple[str, str]:
    """A fresh key and its id."""
    key_id = secrets.token_hex(_ID_BYTES)
    return f"{_PREFIX}_{key_id}_{secrets.token_hex(_SECRET_BYTES)}", key_id


def digest_of(key: str) -> bytes:
    """SHA-256. Looking a key up by it takes the same time whichever of its characters is wrong."""
    return hashlib.sha256(key.encode()).digest()
