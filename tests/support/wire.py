"""A connection as bytes: what clients send that no library would."""

import re
import select
import socket
from pathlib import Path
from typing import Self

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

_ESTABLISHED = "01"
_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) ")


class Wire:
    """`with Wire(up) as wire`: one TCP connection to a service."""

    def __init__(self, server: Cordwood, *, receive_bytes: int | None = None) -> None:
        """`receive_bytes` makes the client's buffer small, so that it stops taking an answer soon."""
        self._socket = socket.socket()
        if receive_bytes is not None:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self._socket.connect(("127.0.0.1", server.port))
        self._socket.settimeout(30)
        self.received = b""
        self.is_closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def send(self, data: bytes) -> bool:
        """False when the server has closed, and so will not hear it."""
        try:
            self._socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            self.is_closed = True
        return not self.is_closed

    def half_close(self) -> None:
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._socket.close()

    def poll(self) -> bool:
        """Read what has come; whether the server has closed."""
        while not self.is_closed and select.select([self._socket], [], [], 0)[0]:
            try:
                data = self._socket.recv(1 << 20)
            except ConnectionResetError:
                data = b""
            self.received += data
            self.is_closed = not data
        return self.is_closed

    def until_closed(self, timeout_s: float) -> bytes:
        """All that comes until the server closes. Raises TimeoutError when it does not."""
        wait_until(self.poll, timeout_s, f"the server to close; it said {self.received[:200]!r}")
        return self.received

    def dribble(self, data: bytes, timeout_s: float) -> bytes:
        """Send `data` again and again, a piece at a time, until the server closes; what it answered."""
        wait_until(lambda: not self.send(data) or self.poll(), timeout_s, "the server to close on a dribble")
        self.poll()
        return self.received

    def statuses(self) -> list[int]:
        """Of the answers so far."""
        self.poll()
        return statuses_in(self.received)


def statuses_in(said: bytes) -> list[int]:
    """Of all answers in what a server said."""
    return [int(status) for status in _ANSWER.findall(said)]


def exchange(server: Cordwood, data: bytes, timeout_s: float = 15) -> bytes:
    """Send bytes, read until the server closes."""
    with Wire(server) as wire:
        wire.send(data)
        return wire.until_closed(timeout_s)


def forget_peak(server: Cordwood) -> None:
    """The peak of a process's memory counts from now on (proc(5), clear_refs)."""
    assert server.process is not None, "started before"
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")


def memory_mib(server: Cordwood, what: str = "VmRSS") -> int:
    """Resident memory of a process now, or with `VmHWM` at its peak."""
    assert server.process is not None, "started before"
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split(f"{what}:", 1)[1].split(maxsplit=1)[0]) >> 10


def connections(server: Cordwood) -> int:
    """TCP connections that the kernel knows at a service's port, at its end."""
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    ours = f"0100007F:{server.port:04X}"
    return sum(1 for line in lines if line.split()[1] == ours and line.split()[3] == _ESTABLISHED)
