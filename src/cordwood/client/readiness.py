"""A service's own word on whether it is ready, asked for on its own machine."""

import http.client
import socket
import ssl
from collections.abc import Mapping, Sequence

import msgspec

from cordwood.errors import ConfigError

_HERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not listened on
_MAX_ANSWER_BYTES = 64 << 10


class _Ready(msgspec.Struct, frozen=True):
    """What `/ready` answers; `/health` gives no reasons."""

    reasons: Mapping[str, str] = {}


def reasons(host: str, ports: Sequence[int], path: str, timeout_s: float, *, is_tls: bool) -> Sequence[str]:
    """Why the service that listens on `host` is not ready; empty when it is.

    Of several ports the first that takes a connection counts. A certificate is not checked: it is for the name that
    others know the machine by. Raises ConfigError when `host` is no address.
    """
    address = _HERE.get(host, host)
    for port in ports:
        try:
            connection = socket.create_connection((address, port), timeout_s)
        except socket.gaierror as error:
            raise ConfigError(f"http.host {host!r} is no address: {error.strerror}") from error
        except OSError:
            continue
        with connection:
            return _asked(connection, path, is_tls=is_tls)
    return [f"nothing listens on port {' or '.join(str(port) for port in ports)} of {address}"]


def _asked(connection: socket.socket, path: str, *, is_tls: bool) -> Sequence[str]:
    try:
        if is_tls:
            connection = _unchecked().wrap_socket(connection)
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(connection, method="GET")
        response.begin()
        body = response.read(_MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        return [f"no answer: {error or type(error).__name__}"]
    if response.status == http.HTTPStatus.OK:
        return []
    try:
        told = msgspec.json.decode(body, type=_Ready).reasons
    except msgspec.DecodeError:
        told = {}
    return [f"{part}: {reason}" for part, reason in told.items()] or [f"{path} answers {response.status}"]


def _unchecked() -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
