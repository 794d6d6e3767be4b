"""The embedded parts, as a backup copies them and a restored data directory has them."""

from pathlib import Path
from urllib.parse import urlsplit

from cordwood import __version__
from cordwood.backup import manifest as manifests
from cordwood.backup import restoring, taking
from cordwood.backup.manifest import Manifest
from cordwood.backup.parts import QUEUE, Embedded, Fault, Named, Tell
from cordwood.clock import SystemClock
from cordwood.config import Config, redacted
from cordwood.errors import ConfigError
from cordwood.store.segments.looking import segments_in

_BOOKS = ("keys.sqlite", "alerts.sqlite")
_ELSEWHERE = "PostgreSQL has tools of its own: pg_dump and pg_restore (docs/guide/operating.md)"


def backup(config: Config, target: Path, tell: Tell, *, is_linked: bool) -> tuple[Manifest, list[Fault]]:
    """Copy the embedded parts that the settings name; see `backup.taking`. Raises ConfigError, Unavailable."""
    data_dir = config.data_dir
    root = _path(_file_url(config), data_dir / "store")
    queue = _path(config.broker.url, data_dir / QUEUE) if _has_queue(config) else None
    if queue is not None and not queue.exists():
        queue = None  # a store that no server has opened yet
    source = Embedded(
        queue=queue,
        catalog=root / "catalog.sqlite",
        files=root,
        books={name: data_dir / name for name in _BOOKS},
        named_in=_named_in,
    )
    _named_in(source.catalog)  # nothing is made where there is no store
    return taking.take(source, target, __version__, SystemClock(), tell, is_linked=is_linked)


def restore(config: Config, source: Path, tell: Tell) -> tuple[Manifest, list[Fault]]:
    """Make the data directory of a backup; see `backup.restoring`. Raises ConfigError, Unavailable, Corrupt."""
    manifest = manifests.read(source)
    if any(each.path == QUEUE for each in manifest.databases) and not _has_queue(config):
        raise ConfigError(
            "the backup holds a queue, and broker.url names another broker: what waits in it would never be stored",
            hint="restore it with CORDWOOD_BROKER_URL unset, and let `cordwood up` store what waits",
        )
    for name, url in (
        ("store.url", _file_url(config)),
        ("broker.url", config.broker.url if _has_queue(config) else ""),
    ):
        if urlsplit(url).path:
            raise ConfigError(
                f"{name} is {redacted(url)!r}, and a backup becomes a data directory with everything in it",
                hint=f"restore it with {name} unset, and move the files afterwards",
            )
    return manifest, restoring.restore(manifest, source, config.data_dir, tell)


def _named_in(catalog: Path) -> list[Named]:
    return [Named(each.path, each.size_bytes, each.events, each.digest) for each in segments_in(catalog)]


def _has_queue(config: Config) -> bool:
    return urlsplit(config.broker.url).scheme == "sqlite"


def _file_url(config: Config) -> str:
    url = config.store.url
    if urlsplit(url).scheme != "file":
        raise ConfigError(f"store.url is {redacted(url)!r}: that is no embedded store", hint=_ELSEWHERE)
    return url


def _path(url: str, default: Path) -> Path:
    path = urlsplit(url).path
    return Path(path) if path else default
