"""Passwords, and what PostgreSQL keeps of them (SCRAM-SHA-256, RFC 5802): the only form that statements, and so logs of
statements, ever have."""

import base64
import hashlib
import hmac
import secrets

_ITERATIONS = 4096
_SALT_BYTES = 16
_PASSWORD_BYTES = 24


def new_password() -> str:
    """Random, of letters, digits, `-` and `_`: it may stand in a URL as it is."""
    return secrets.token_urlsafe(_PASSWORD_BYTES)


def verifier_of(password: str) -> str:
    """What `CREATE ROLE … PASSWORD` takes in the place of an ASCII password."""
    salt = secrets.token_bytes(_SALT_BYTES)
    salted = hashlib.pbkdf2_hmac("sha256", password.encode("ascii"), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    spelled = (base64.b64encode(each).decode() for each in (salt, stored, server))
    return "SCRAM-SHA-256${}:{}${}:{}".format(_ITERATIONS, *spelled)
