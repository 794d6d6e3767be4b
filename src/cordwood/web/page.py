"""The files of the web page, answered from memory: compressed, with an ETag, under a strict policy of content."""

import asyncio
import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable

from msgspec import Struct
from starlette.types import Receive, Scope, Send

from cordwood.errors import MethodNotAllowed, NotFound
from cordwood.http.site import answer

VIEWS = frozenset({"alerts", "dashboards", "operations"})
"""First parts of the paths that the page itself shows something under, beside its root."""

_DIST = "dist"
_ASSETS = "assets"
"""Below it a file's name has the hash of what it holds, so that it never changes."""
_MIN_GZIP_BYTES = 512
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_GUARDS = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class _File(Struct, frozen=True):
    body: bytes
    zipped: bytes | None
    """The body, gzipped; None where that would be no shorter."""
    headers: list[tuple[bytes, bytes]]
    etag: bytes


class Page:
    """The page of a service. Its files are read when the first is asked for."""

    def __init__(self, dist: Traversable | None = None) -> None:
        self._dist = dist or resources.files("cordwood.web") / _DIST
        self._reading = asyncio.Lock()
        self._files: Mapping[str, _File] | None = None

    def has(self, path: str) -> bool:
        """Whether the page answers there: a view, or a file of it."""
        first = path[1:].partition("/")[0]
        return _is_view(path) or first == _ASSETS or ("." in first and path.count("/") == 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Raises NotFound, MethodNotAllowed."""
        path, method = scope["path"], scope["method"]
        if method not in ("GET", "HEAD"):
            raise MethodNotAllowed(f"{path} does not take {method}", allow="GET, HEAD")
        async with self._reading:
            if self._files is None:
                self._files = await asyncio.to_thread(_read, self._dist)
        file = self._files.get("index.html" if _is_view(path) else path[1:])
        if file is None:
            raise NotFound(
                f"the page has no {path[:200]}",
                hint="this installation has no page: `make page` builds it" if not self._files else "go to /",
            )
        asked = dict(scope["headers"])
        if _knows(asked.get(b"if-none-match", b""), file.etag):
            await send({"type": "http.response.start", "status": 304, "headers": file.headers})
            await send({"type": "http.response.body", "body": b""})
            return
        body, headers = file.body, file.headers
        if file.zipped is not None and b"gzip" in asked.get(b"accept-encoding", b""):
            body, headers = file.zipped, [*headers, (b"content-encoding", b"gzip")]
        await answer(send, 200, headers, body)


def _is_view(path: str) -> bool:
    return path == "/" or path[1:].partition("/")[0] in VIEWS


def _knows(known: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match names `etag` (RFC 9110 §13.1.2, compared weakly)."""
    return known.strip() == b"*" or etag in (each.strip().removeprefix(b"W/") for each in known.split(b","))


def _read(dist: Traversable) -> Mapping[str, _File]:
    """All files below `dist`, by their path in it; none if it is not there."""
    found: dict[str, _File] = {}
    waiting = [("", dist)] if dist.is_dir() else []
    while waiting:
        prefix, folder = waiting.pop()
        for each in folder.iterdir():
            name = f"{prefix}{each.name}"
            if each.is_dir():
                waiting.append((f"{name}/", each))
            else:
                found[name] = _file(name, each.read_bytes())
    return found


def _file(name: str, body: bytes) -> _File:
    zipped = gzip.compress(body, 9, mtime=0) if len(body) >= _MIN_GZIP_BYTES else None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/") or kind.endswith(("javascript", "json")):
        kind += "; charset=utf-8"
    never_changes = name.startswith(f"{_ASSETS}/")
    etag = b'"%b"' % hashlib.sha256(body).hexdigest()[:32].encode()
    headers = [
        (b"content-type", kind.encode()),
        (b"cache-control", b"public, max-age=31536000, immutable" if never_changes else b"no-cache"),
        (b"vary", b"accept-encoding"),
        (b"etag", etag),
        *_GUARDS,
    ]
    return _File(body, zipped if zipped is not None and len(zipped) < len(body) else None, headers, etag)
