"""What a backup says of itself, in `backup.json`. It is written last: a backup without it is not complete."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from cordwood.backup.files import writable
from cordwood.errors import ConfigError

NAME = "backup.json"
_FORMAT = 1


class Kept(Struct, frozen=True):
    """A file of the backup, below its root. `digest` is BLAKE2b-128, in hexadecimal; of a file that an early release
    wrote, and that was linked, it is empty: not known."""

    path: str
    bytes: int
    digest: str
    events: int = 0


class Manifest(Struct, frozen=True, kw_only=True):
    """A backup as it was taken."""

    format: int = _FORMAT
    cordwood: str
    """The release that took it."""
    taken_at: str
    """Of what was accepted until then, everything is in it."""
    databases: Sequence[Kept]
    files: Sequence[Kept]


def write(manifest: Manifest, root: Path) -> None:
    """Raises Unavailable."""
    made = root / f"{NAME}.part"
    with writable(root / NAME):
        with made.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
            file.flush()
            os.fsync(file.fileno())
        made.rename(root / NAME)


def read(root: Path) -> Manifest:
    """Raises ConfigError: there is no complete backup, or one that this release does not know."""
    path = root / NAME
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        raise ConfigError(
            f"{root} holds no complete backup: it has no {NAME}",
            hint="name the directory that `cordwood backup` wrote; one that was interrupted is of no use",
        ) from error
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}", hint="make it readable for this user") from error
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path} is damaged: {error}", hint="take another backup") from error
    if manifest.format != _FORMAT:
        raise ConfigError(
            f"{path} has format {manifest.format}; this program knows {_FORMAT}",
            hint=f"use cordwood {manifest.cordwood}, which took the backup, or a later release",
        )
    outside = [each.path for each in (*manifest.databases, *manifest.files) if _leads_out(each.path)]
    if outside:
        raise ConfigError(f"{path} names files outside of the backup: {outside[0]!r}", hint="take another backup")
    return manifest


def _leads_out(path: str) -> bool:
    return Path(path).is_absolute() or ".." in Path(path).parts
