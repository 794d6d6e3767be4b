"""The HTTP API as calls: what was answered, or an error that says whether trying again can help."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3
from urllib3.exceptions import HTTPError, MaxRetryError, NewConnectionError, ProtocolError, ReadTimeoutError, SSLError

from cordwood import __version__
from cordwood.errors import (
    BadQuery,
    BadRequest,
    ConfigError,
    CordwoodError,
    Corrupt,
    Forbidden,
    NotFound,
    TooLarge,
    Unauthorized,
    UnsupportedMedia,
)

_REFUSALS = {error.status: error for error in (Unauthorized, Forbidden, NotFound, TooLarge, UnsupportedMedia)}
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})
_REFUSED = 429
"""Before anything was kept; behind the others, something may have been."""
_CONNECT_TIMEOUT_S = 10.0
_READ_TIMEOUT_S = 120.0
T = TypeVar("T")
_BLOCK_BYTES = 256 << 10


class TryAgain(CordwoodError):
    """The server or the way to it is away. The same request may be sent again, after `wait_s` if the server said."""

    status = 503
    label = "try_again"
    is_retryable = True

    def __init__(
        self, message: str, *, hint: str = "", wait_s: float | None = None, may_be_taken: bool = False
    ) -> None:
        super().__init__(message, hint=hint)
        self.wait_s = wait_s
        self.may_be_taken = may_be_taken
        """Nobody knows: the request was under way, or the server does not know itself."""


class EventError(msgspec.Struct, frozen=True):
    """Why one event was rejected. `index` counts the request's events from 0."""

    index: int
    error: str


class Taken(msgspec.Struct, frozen=True):
    """What became of the events of one request; at most the first hundred errors are named."""

    accepted: int
    rejected: int
    errors: Sequence[EventError] = ()
    receipt: str = ""


_BAD_QUERY = "urn:cordwood:problem:bad_query"


class _Problem(msgspec.Struct, frozen=True):
    """RFC 9457, as far as it is used here."""

    title: str = ""
    detail: str = ""
    hint: str = ""
    type: str = ""
    position: int = 0
    length: int = 0


class Api:
    """A server at a base URL. Safe to use from several threads. Raises ConfigError when `url` is none."""

    def __init__(
        self, url: str, api_key: str | None = None, *, connections: int = 1, traceparent: str | None = None
    ) -> None:
        """`traceparent` goes with every request."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{url!r} is no server address", hint="for instance --url http://127.0.0.1:8080")
        self.url = url.rstrip("/")
        headers = {"user-agent": f"cordwood/{__version__}"}
        if api_key:
            headers["authorization"] = f"Bearer {api_key}"
        if traceparent is not None:
            headers["traceparent"] = traceparent
        self._pool = urllib3.PoolManager(
            maxsize=connections,
            block=True,
            retries=False,
            headers=headers,
            timeout=urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=_READ_TIMEOUT_S),
        )
        self._headers = headers

    def close(self) -> None:
        """Give back the connections."""
        self._pool.clear()

    def ingest(self, body: bytes, encoding: str | None, key: str) -> Taken:
        """Send NDJSON. `key` names this body, so that sending it again cannot store it twice.

        Raises TryAgain, Unauthorized, Forbidden, NotFound, TooLarge, UnsupportedMedia, BadRequest.
        """
        headers = {**self._headers, "content-type": "application/x-ndjson", "idempotency-key": key}
        if encoding is not None:
            headers["content-encoding"] = encoding
        with self._translated():
            response = self._pool.request("POST", f"{self.url}/api/v1/ingest", body=body, headers=headers)
        if response.status not in (200, 202, 400):
            raise _error_of(response)
        try:
            return msgspec.json.decode(response.data, type=Taken)
        except msgspec.DecodeError as error:
            raise _error_of(response) from error

    def get(self, path: str, kind: type[T], parameters: Sequence[tuple[str, str]] = ()) -> T:
        """A JSON answer. Raises TryAgain, Unauthorized, NotFound, BadRequest, Corrupt."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        with self._translated():
            return _answer(self._pool.request("GET", self.url + path + query), kind)

    def post(self, path: str, asked: object, kind: type[T]) -> T:
        """Ask for something to be done, in JSON. Raises as `get`."""
        return self._send("POST", path, asked, kind)

    def put(self, path: str, made: object, kind: type[T]) -> T:
        """Make or change something, in JSON. Raises as `get`."""
        return self._send("PUT", path, made, kind)

    def delete(self, path: str, kind: type[T]) -> T:
        """Remove something. Raises as `get`."""
        with self._translated():
            return _answer(self._pool.request("DELETE", self.url + path), kind)

    def _send(self, method: str, path: str, body: object, kind: type[T]) -> T:
        headers = {**self._headers, "content-type": "application/json"}
        with self._translated():
            return _answer(
                self._pool.request(method, self.url + path, body=msgspec.json.encode(body), headers=headers), kind
            )

    def stream(
        self,
        path: str,
        parameters: Sequence[tuple[str, str]],
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
    ) -> Iterator[bytes]:
        """A streamed NDJSON answer, line by line; `on_headers` is told its headers first.

        Raises TryAgain (also when the answer breaks off), Unauthorized, Forbidden, NotFound, BadRequest.
        """
        return self.lines(path, parameters, "application/x-ndjson", on_headers=on_headers)

    def lines(
        self,
        path: str,
        parameters: Sequence[tuple[str, str]],
        accept: str,
        *,
        on_headers: Callable[[Mapping[str, str]], None] | None = None,
        silence_s: float = _READ_TIMEOUT_S,
    ) -> Iterator[bytes]:
        """A streamed answer of any type, line by line. Nothing for `silence_s` counts as broken off. Raises as
        `stream`."""
        headers = {**self._headers, "accept": accept}
        query = f"?{urlencode(parameters)}" if parameters else ""
        timeout = urllib3.Timeout(connect=_CONNECT_TIMEOUT_S, read=silence_s)
        with self._translated():
            response = self._pool.request(
                "GET", self.url + path + query, headers=headers, preload_content=False, timeout=timeout
            )
            try:
                if response.status != 200:
                    raise _error_of(response)
                if on_headers is not None:
                    on_headers(response.headers)
                rest = b""
                # Not `stream`: that drops what came of a block before it breaks off.
                while block := response.read1(_BLOCK_BYTES):
                    *lines, rest = (rest + block).split(b"\n")
                    yield from lines
                if rest:
                    yield rest
            except HTTPError as error:
                raise TryAgain(
                    f"the answer is not complete: {self.url} broke off in its middle", hint="ask again"
                ) from error
            finally:
                # Not drained: an answer that is not wanted any more is stopped at the server, too.
                response.close()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except HTTPError as error:
            reason = error.reason if isinstance(error, MaxRetryError) and error.reason else error
            if isinstance(reason, SSLError):
                raise ConfigError(f"{self.url}: {reason}", hint=_hint_of(reason)) from error
            raise TryAgain(
                f"{self.url}: {_said(reason)}",
                hint="is the server running, and the address right?",
                may_be_taken=not isinstance(reason, NewConnectionError),
            ) from error


def _answer(response: urllib3.BaseHTTPResponse, kind: type[T]) -> T:
    if response.status != 200:
        raise _error_of(response)
    try:
        return msgspec.json.decode(response.data, type=kind)
    except msgspec.MsgspecError as error:
        raise Corrupt(
            f"the answer is not what was asked for: {error}", hint="is this the address of a Cordwood server?"
        ) from error


def _hint_of(error: SSLError) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "the certificate is not trusted here: SSL_CERT_FILE names a file of authorities that are"
    return "does the server speak TLS? if not, the address begins with http://"


def _said(error: Exception) -> str:
    if isinstance(error, NewConnectionError):
        return str(error.__cause__ or error)
    if isinstance(error, ReadTimeoutError):
        return f"no answer within {_READ_TIMEOUT_S:g} s"
    # urllib3 wraps what it was told in a tuple with words of its own.
    return f"the connection broke ({error.args[-1] if isinstance(error, ProtocolError) else error})"


def _error_of(response: urllib3.BaseHTTPResponse) -> CordwoodError:
    """The error that an answer with this status stands for."""
    try:
        problem = msgspec.json.decode(response.data, type=_Problem)
    except msgspec.DecodeError:
        problem = _Problem()
    message = (
        f"the server answered {response.status}: {problem.detail or problem.title or response.reason or 'no reason'}"
    )
    if response.status in _AGAIN:
        return TryAgain(
            message,
            hint=problem.hint,
            wait_s=retry_after_s(response.headers.get("retry-after"), datetime.now(UTC)),
            may_be_taken=response.status != _REFUSED,
        )
    if problem.type == _BAD_QUERY:
        return BadQuery(problem.detail, query="", position=problem.position, length=problem.length, hint=problem.hint)
    if 300 <= response.status < 400:
        return BadRequest(message, hint=f"use the address it points to: {response.headers.get('location', 'none')}")
    return _REFUSALS.get(response.status, BadRequest)(message, hint=problem.hint)


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """The Retry-After header in seconds from now (RFC 9110 §10.2.3); None when absent or not understood."""
    if header is None:
        return None
    if header.isascii() and header.isdigit():
        return float(header[:9])
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds())
