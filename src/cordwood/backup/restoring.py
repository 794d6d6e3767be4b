"""Making a data directory of a backup: complete, or not there."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from cordwood.backup.files import Unreadable, copied, sync_directories, writable
from cordwood.backup.manifest import Kept, Manifest
from cordwood.backup.parts import Fault, Step, Tell
from cordwood.errors import ConfigError, Corrupt

_STAGE = ".restoring"
_NOT_OURS = {_STAGE, "lost+found"}
"""What a directory may hold and be empty: what an interrupted run left, and what new file systems have."""


def restore(manifest: Manifest, source: Path, data_dir: Path, tell: Tell) -> list[Fault]:
    """Copy a backup into `data_dir`, which is missing or empty. Each file is compared with its digest: those that are
    damaged or missing are told, and the rest is restored.

    Raises ConfigError, Unavailable; Corrupt: a database is not as it was written. Then `data_dir` stays empty.
    """
    _require_empty(data_dir)
    stage = data_dir / _STAGE
    with writable(stage):
        data_dir.mkdir(parents=True, exist_ok=True)
        if stage.exists():
            shutil.rmtree(stage)
        stage.mkdir(mode=0o700)
    of_bytes = sum(each.bytes for each in (*manifest.databases, *manifest.files))
    done_bytes, faults = 0, []
    for number, (kept, is_database) in enumerate(_everything(manifest), 1):
        fault = _fetch(kept, source, stage)
        if fault is not None and is_database:
            raise Corrupt(f"{source / kept.path} cannot be restored: {fault.reason}", hint="use another backup")
        if fault is not None:
            faults.append(fault)
        done_bytes += kept.bytes
        tell(Step(number, done_bytes, of_bytes))
    sync_directories(stage)
    _require_empty(data_dir)
    with writable(data_dir):
        for each in sorted(stage.iterdir()):
            each.rename(data_dir / each.name)
        stage.rmdir()
    sync_directories(data_dir)
    return faults


def _everything(manifest: Manifest) -> Iterator[tuple[Kept, bool]]:
    for each in manifest.databases:
        yield each, True
    for each in manifest.files:
        yield each, False


def _fetch(kept: Kept, source: Path, stage: Path) -> Fault | None:
    here, there = source / kept.path, stage / kept.path
    with writable(there):
        there.parent.mkdir(parents=True, exist_ok=True)
    try:
        digest = copied(here, there)
    except FileNotFoundError:
        return Fault(kept.path, "missing", kept.events, "it is not in the backup")
    except Unreadable as error:
        return Fault(kept.path, "damaged", kept.events, f"it cannot be read: {error}")
    if kept.digest and digest.hex() != kept.digest:
        return Fault(kept.path, "damaged", kept.events, "its bytes are not those that were written")
    return None


def _require_empty(data_dir: Path) -> None:
    try:
        held = [each.name for each in data_dir.iterdir() if each.name not in _NOT_OURS]
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(f"cannot look into {data_dir}: {error.strerror}", hint="choose another directory") from error
    if held:
        raise ConfigError(
            f"{data_dir} is not empty: it holds {min(held)}",
            hint="name a new directory with --data-dir or CORDWOOD_DATA_DIR, or move this one away",
        )
