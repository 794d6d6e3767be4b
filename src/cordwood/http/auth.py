"""The key that a request shows, in any of the usual spellings."""

import base64
import binascii

from cordwood.errors import Forbidden, Unauthorized
from cordwood.tenancy.interface import Grant, Keys, Scope


def authenticate(headers: dict[bytes, bytes], keys: Keys, scope: Scope) -> Grant:
    """Whom the caller speaks for. Raises Unauthorized, Forbidden, and Unavailable as `Keys.grant` does."""
    grant = identify(headers, keys)
    if scope not in grant.scopes:
        raise Forbidden(f"this api key has not the scope '{scope}'", hint=f"use a key with the scope '{scope}'")
    return grant


def identify(headers: dict[bytes, bytes], keys: Keys) -> Grant:
    """The same, whatever the scopes. Raises Unauthorized, Unavailable."""
    token = token_of(headers)
    grant = keys.grant(token)
    if grant is None:
        raise Unauthorized(
            "this needs an api key" if token is None else "this api key is not known, or no longer",
            hint="send 'Authorization: Bearer KEY', or give a command --api-key or CORDWOOD_API_KEY; "
            "`cordwood keys list` shows which keys there are",
        )
    return grant


def token_of(headers: dict[bytes, bytes]) -> str | None:
    """The token of `Authorization: Bearer`, of Basic (as the password, RFC 7617), or of X-API-Key."""
    if shown := headers.get(b"authorization"):
        scheme, _, credentials = shown.strip().partition(b" ")
        match scheme.lower():
            case b"bearer":
                return credentials.strip().decode("latin-1")
            case b"basic":
                try:
                    return base64.b64decode(credentials, validate=True).partition(b":")[2].decode("latin-1")
                except binascii.Error:
                    return ""
    key = headers.get(b"x-api-key")
    return None if key is None else key.strip().decode("latin-1")
