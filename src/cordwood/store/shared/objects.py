"""Objects in a bucket, through obstore: every request ends in time, and every failure is told as one of ours."""

import contextlib
import errno
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from msgspec import Struct
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from cordwood.errors import ConfigError, Unavailable
from cordwood.store.settings import StoreSettings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, S3Config

_RETRIES = 2
_CONNECT_S = 5.0
_LARGE_BYTES, _PATIENCE = 4 << 20, 6
"""A request is silent while its body is sent: a large one may be so for longer."""
_WHOLE_S = 3600.0
_CHUNK_BYTES = 1 << 20
_LISTED_AT_ONCE = 1000
_FORM = "name it s3://BUCKET/PREFIX in CORDWOOD_STORE_SEGMENTS_DIR"
_KEYS = "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or CORDWOOD_STORE_S3_ACCESS_KEY and …_S3_SECRET_KEY"


class Found(Struct, frozen=True):
    """What is known of an object: `modified_s` is in seconds since 1970, by the storage's clock."""

    name: str
    size_bytes: int
    modified_s: float


class Objects:
    """Names are below the prefix. Synchronous; any thread may call it. Every method raises Unavailable."""

    def __init__(self, settings: StoreSettings, environ: Mapping[str, str]) -> None:
        """Reaches for nothing yet. Raises ConfigError."""
        self.bucket, prefix = _parts(settings.segments_dir)
        endpoint = _endpoint(settings, environ)
        self.place = f"s3://{self.bucket}/{prefix}" + (f" at {urlsplit(endpoint).netloc}" if endpoint else "")
        if endpoint and settings.s3_virtual_hosted:
            endpoint = endpoint.replace("://", f"://{self.bucket}.", 1)
        config: S3Config = {"virtual_hosted_style_request": settings.s3_virtual_hosted}
        if endpoint:
            config["endpoint"] = endpoint
        if settings.s3_region:
            config["region"] = settings.s3_region
        if bool(settings.s3_access_key) != bool(settings.s3_secret_key):
            raise ConfigError("store.s3_access_key and store.s3_secret_key go together, and one is missing", hint=_KEYS)
        if settings.s3_access_key:
            config |= {"access_key_id": settings.s3_access_key, "secret_access_key": settings.s3_secret_key}

        def opened(silent_s: float) -> S3Store:
            client: ClientConfig = {
                "allow_http": endpoint.startswith("http://"),
                "connect_timeout": timedelta(seconds=min(_CONNECT_S, silent_s)),
                "read_timeout": timedelta(seconds=silent_s),
                "timeout": timedelta(seconds=_WHOLE_S),
            }
            return S3Store(
                self.bucket,
                prefix=prefix or None,
                config=config,
                client_options=client,
                retry_config={"max_retries": _RETRIES, "retry_timeout": timedelta(seconds=settings.s3_timeout_s)},
            )

        try:
            self._store = opened(settings.s3_timeout_s)
            self._patient = opened(settings.s3_timeout_s * _PATIENCE)
        except (BaseError, ValueError) as error:
            raise ConfigError(f"{self.place} cannot be used: {_reason(error)}", hint=_FORM) from error

    def chunks(self, name: str) -> Iterator[bytes]:
        """All of an object. Raises FileNotFoundError: the storage says that there is none."""
        with self._asking("read", name):
            yield from obstore.get(self._store, name).stream(_CHUNK_BYTES)

    def part(self, name: str, offset: int, length: int) -> tuple[bytes, Found]:
        """Some bytes of an object, fewer at its end, and what is known of it. Raises FileNotFoundError as `chunks`."""
        with self._asking("read", name):
            try:
                got = obstore.get(self._store, name, options={"range": (offset, offset + length)})
            except BaseError as error:
                if _code(error) != "InvalidRange":
                    raise
                return b"", Found(name, 0, 0.0)  # it ends before
            meta = got.meta
            return bytes(got.bytes()), Found(name, meta["size"], meta["last_modified"].timestamp())

    def put(self, name: str, content: Path | bytes) -> bool:
        """Returns once it is durable; False: there was an object of that name, which stays."""
        size_bytes = len(content) if isinstance(content, bytes) else content.stat().st_size
        store = self._patient if size_bytes > _LARGE_BYTES else self._store
        with self._asking("write", name):
            try:
                # If-None-Match: nothing is ever overwritten. From bytes: a path would be sent in parts, which has no
                # such condition.
                data = content if isinstance(content, bytes) else content.read_bytes()
                obstore.put(store, name, data, mode="create", use_multipart=False)
            except AlreadyExistsError:
                return False
        return True

    def delete(self, names: Sequence[str]) -> None:
        """Returns once they are not there, whether they were or not."""
        if names:
            with self._asking("remove", names[0]), contextlib.suppress(FileNotFoundError):
                obstore.delete(self._store, list(names))

    def move(self, name: str, to: str) -> None:
        """Raises FileNotFoundError as `chunks`."""
        with self._asking("move", name):
            obstore.rename(self._store, name, to)

    def listed(self, prefix: str) -> Iterator[Found]:
        """Every object below a prefix."""
        with self._asking("list", prefix):
            for some in obstore.list(self._store, prefix, chunk_size=_LISTED_AT_ONCE):
                for meta in some:
                    yield Found(meta["path"], meta["size"], meta["last_modified"].timestamp())

    @contextlib.contextmanager
    def _asking(self, what: str, name: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            # Only the storage's own word counts: a wrong bucket, or a proxy's page, is also a 404.
            if _code(error) == "NoSuchKey":
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name) from error
            raise self._away(what, name, error) from error
        except (BaseError, ValueError) as error:
            raise self._away(what, name, error) from error

    def _away(self, what: str, name: str, error: Exception) -> Unavailable:
        hint = "look at the object storage and the way to it; this mends itself when it is back"
        if isinstance(error, PermissionDeniedError | UnauthenticatedError):
            hint = f"{_KEYS}; they need to get, put, list and delete objects"
        elif _code(error) == "NoSuchBucket":
            hint = f"make the bucket {self.bucket}, or {_FORM}"
        elif _is_without_keys(error):
            hint = _KEYS
        return Unavailable(f"cannot {what} {name} in {self.place}: {_reason(error)}", hint=hint)


def _parts(url: str) -> tuple[str, str]:
    """Bucket and prefix. Raises ConfigError."""
    parts = urlsplit(url)
    if "@" in parts.netloc:
        raise ConfigError("store.segments_dir has credentials in it", hint=_KEYS)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]+", parts.netloc) or parts.query or parts.fragment:
        raise ConfigError(f"store.segments_dir {url!r} names no bucket", hint=_FORM)
    return parts.netloc, parts.path.strip("/")


def _endpoint(settings: StoreSettings, environ: Mapping[str, str]) -> str:
    """Empty: Amazon's. Raises ConfigError."""
    endpoint = settings.s3_endpoint or environ.get("AWS_ENDPOINT_URL_S3") or environ.get("AWS_ENDPOINT_URL") or ""
    parts = urlsplit(endpoint)
    if endpoint and (parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc):
        raise ConfigError(
            "store.s3_endpoint is not the URL of an object storage",
            hint="it looks like http://127.0.0.1:9000 or https://s3.example.org, without user and password",
        )
    return endpoint.rstrip("/")


def _code(error: Exception) -> str:
    """What S3 calls it, or nothing."""
    found = re.search(r"<Code>(\w{1,64})</Code>", str(error))
    return found[1] if found else ""


def _is_without_keys(error: Exception) -> bool:
    """Whether the last that was tried is a machine's role, and there is none."""
    return "169.254.169.254" in str(error)


def _reason(error: Exception) -> str:
    """In a few words of ours: what the storage and the library say may hold anything."""
    text = str(error)
    status = re.search(r"status code: (\d{3})", text)
    if _is_without_keys(error):
        return "there are no credentials for it"
    if status:
        return f"it answered {status[1]} {_code(error)}".rstrip()
    first = text.partition("\n")[0]
    return re.sub(r"https?://\S+", "…", first.rpartition(" - ")[2] or first)[:200]
