"""Webhooks, and what takes Slack's messages: one POST, to an address that was looked at, no redirects followed."""

import contextlib
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from cordwood import __version__
from cordwood.alerts.checks import allowed_hosts, is_public
from cordwood.alerts.interface import Letter
from cordwood.alerts.message import payload, slack
from cordwood.alerts.receivers.interface import NotTaken, OnOpen
from cordwood.alerts.settings import AlertSettings
from cordwood.model.alerts.rule import Slack, Webhook

_US = 1_000_000


class HttpSender:
    """Sends to webhooks."""

    def __init__(self, settings: AlertSettings) -> None:
        self._settings = settings
        self._hosts = allowed_hosts(settings)

    def __call__(self, letter: Letter, now_us: int, on_open: OnOpen) -> None:
        receiver, notice = letter.receiver, letter.notice
        headers = {"Content-Type": "application/json", "Cordwood-Notice": str(notice.id)}
        match receiver:
            case Webhook(url=url, secret=secret):
                body = payload(notice)
                if secret:
                    headers["Cordwood-Signature"] = signature(secret, now_us // _US, body)
            case Slack(url=url):
                body = slack(notice)
            case _:
                raise NotTaken("this receiver has no address of the web")
        self._post(url, body, headers, on_open)

    def _post(self, url: str, body: bytes, headers: Mapping[str, str], on_open: OnOpen) -> None:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "https" else 80)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        named = f"[{host}]" if ":" in host else host
        sent = {"Host": named if parts.port is None else f"{named}:{port}", "User-Agent": f"cordwood/{__version__}"}
        if parts.username is not None:
            user = f"{parts.username}:{parts.password or ''}"
            sent |= urllib3.make_headers(basic_auth=user)
        connection = self._connected(host, port, is_tls=parts.scheme == "https")
        on_open(lambda: _cut(connection))
        try:
            connection.request("POST", target, body=body, headers={**sent, **headers})
            status = connection.getresponse().status
        except (HTTPError, OSError, ValueError) as error:
            raise NotTaken(f"{host}: {_reason(error)}") from error
        finally:
            connection.close()
        if not 200 <= status < 300:
            raise NotTaken(
                f"{host} answered {status}" + (", and redirects are not followed" if status // 100 == 3 else "")
            )

    def _connected(self, host: str, port: int, *, is_tls: bool) -> HTTPConnection:
        """To the first address that answers: not by name, which may lead elsewhere when it is asked again."""
        timeout_s = self._settings.deliver_timeout_s
        failure: Exception | None = None
        for address in self._addresses(host, port):
            connection = (
                HTTPSConnection(
                    address, port, timeout=timeout_s, ssl_context=ssl.create_default_context(), server_hostname=host
                )
                if is_tls
                else HTTPConnection(address, port, timeout=timeout_s)
            )
            try:
                connection.connect()
            except (HTTPError, OSError) as error:
                connection.close()
                failure = error
            else:
                return connection
        raise NotTaken(f"{host}: {_reason(failure) if failure else 'no address'}") from failure

    def _addresses(self, host: str, port: int) -> list[str]:
        """Where a host is. Raises NotTaken for an address that webhooks may not go to."""
        if self._hosts and not self._hosts & {host, "*"}:
            raise NotTaken(f"{host} is not among CORDWOOD_ALERTS_HOSTS")
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise NotTaken(f"{host} has no address: {error}") from error
        addresses = [str(each[4][0]) for each in found]
        if not self._hosts and not all(is_public(ipaddress.ip_address(each.partition("%")[0])) for each in addresses):
            raise NotTaken(f"{host} is at an address that is not public, and not named in CORDWOOD_ALERTS_HOSTS")
        return addresses


def signature(secret: str, at_s: int, body: bytes) -> str:
    """Proof that whoever sends knows the secret, and when it was sent: HMAC-SHA256 of `TIME.BODY`."""
    mac = hmac.new(secret.encode(), f"{at_s}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at_s},v1={mac}"


def _cut(connection: HTTPConnection) -> None:
    with contextlib.suppress(OSError, AttributeError):
        connection.sock.shutdown(socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    return str(error.__cause__ or error) or type(error).__name__
