"""What processes cost, from /proc: CPU time and memory of a process and its descendants. Linux only."""

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def family(pids: Iterable[int]) -> set[int]:
    """The processes and all their descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                children.setdefault(int(_stat(int(entry.name))[1]), []).append(int(entry.name))
    found: set[int] = set()
    todo = list(pids)
    while todo:
        pid = todo.pop()
        if pid not in found:
            found.add(pid)
            todo += children.get(pid, [])
    return found


def cpu_s(pids: Iterable[int]) -> float:
    """CPU seconds used so far by the processes, their descendants, and descendants that have ended."""
    total = 0
    for pid in family(pids):
        with suppress(OSError):
            total += sum(map(int, _stat(pid)[11:15]))
    return total * _TICK_S


def machine_cpu_s() -> float:
    """CPU seconds that all processes of the machine have used so far, whoever started them."""
    user, nice, system, _, _, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
    return (user + nice + system + irq + softirq + steal) * _TICK_S


def written_bytes(pids: Iterable[int]) -> int:
    """What the processes and their descendants have made the kernel write to disks so far; of those that have ended,
    nothing."""
    total = 0
    for pid in family(pids):
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/io").read_text().splitlines():
                if line.startswith("write_bytes:"):
                    total += int(line.split()[1])
    return total


def reset_peak(pids: Iterable[int]) -> None:
    """Let the peak of memory begin anew."""
    for pid in family(pids):
        with suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def memory_bytes(pids: Iterable[int], field: str) -> int:
    """The sum of VmRSS (now) or VmHWM (peak) over the processes and their descendants."""
    total = 0
    for pid in family(pids):
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith(f"{field}:"):
                    total += int(line.split()[1]) * 1024
    return total


def disk_bytes(directory: Path) -> int:
    """Blocks that the files under a directory take."""
    total = 0
    for folder, _, names in os.walk(directory):
        for name in names:
            with suppress(OSError):
                total += (Path(folder) / name).lstat().st_blocks * 512
    return total


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the command's name (which may hold anything)."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
