"""Shares of a core for processes, as small machines would have: control groups of Linux, old and new."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

_PERIOD_US = 20_000
"""Short, so that a share is spread evenly over a second."""
_ROOT = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class _Kind:
    """A version of control groups: where it lies, and how it spells "at most so many cores"."""

    root: Path
    bound: str
    free: str
    period: str | None = None

    def bind(self, group: Path, cores: float) -> None:
        quota = int(cores * _PERIOD_US)
        if self.period is None:
            (group / self.bound).write_text(f"{quota} {_PERIOD_US}")
        else:
            (group / self.period).write_text(str(_PERIOD_US))
            (group / self.bound).write_text(str(quota))


_KINDS = (
    _Kind(_ROOT / "cpu", "cpu.cfs_quota_us", "-1", "cpu.cfs_period_us"),
    _Kind(_ROOT, "cpu.max", "max"),
)


class Shares:
    """Bounds on processes, one group each."""

    def __init__(self, kind: _Kind, stack: ExitStack) -> None:
        self._kind = kind
        self._stack = stack
        self._groups: dict[int, Path] = {}

    def bind(self, pid: int, cores: float) -> None:
        """From now on the process has at most so many cores, its threads together."""
        group = self._groups.get(pid) or self._made(pid)
        self._kind.bind(group, cores)
        (group / "cgroup.procs").write_text(str(pid))

    def release(self) -> None:
        """All processes have what they can get again."""
        for group in self._groups.values():
            (group / self._kind.bound).write_text(self._kind.free)

    def _made(self, pid: int) -> Path:
        group = _made(self._kind, f"{os.getpid()}-{pid}")
        self._groups[pid] = group
        self._stack.callback(_removed, self._kind, group)
        return group


@contextmanager
def shares() -> Iterator[Shares | None]:
    """None where this user, or this system, has no such groups to give."""
    with ExitStack() as stack:
        kind = next(filter(_can_bind, _KINDS), None)
        yield None if kind is None else Shares(kind, stack)


def _can_bind(kind: _Kind) -> bool:
    try:
        group = _made(kind, f"{os.getpid()}-probe")
    except OSError:
        return False
    try:
        return (group / kind.bound).exists()
    finally:
        _removed(kind, group)


def _made(kind: _Kind, name: str) -> Path:
    group = kind.root / f"cordwood-bench-{name}"
    group.mkdir()
    return group


def _removed(kind: _Kind, group: Path) -> None:
    """A group can go once it is empty; those who are left in it go to the root."""
    with suppress(OSError):
        for pid in (group / "cgroup.procs").read_text().split():
            (kind.root / "cgroup.procs").write_text(pid)
    with suppress(OSError):
        group.rmdir()
