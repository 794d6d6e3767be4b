"""The platform's own logs, sent to a Cordwood: to another one, or to the one that they are about.

In a circle nothing may grow. So there is one request in `every_s` at the most, however many lines there are: what
taking a request in makes the platform say goes with the next one, and never makes one more. What this thread itself
brings about is not sent at all.
"""

import os
import socket
import threading
import uuid
from collections import deque
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from msgspec import Struct

from cordwood import metrics
from cordwood.client.http import Api, TryAgain
from cordwood.errors import CordwoodError

log = structlog.get_logger()

SERVICE = "cordwood"
"""The service of every line: `service:cordwood` finds them, or leaves them out."""
_MAX_LINES = 10_000
_MAX_BYTES = 8 << 20
_AT_ONCE, _AT_ONCE_BYTES = 1_000, 1 << 20
_MAX_LINE_BYTES = 64 << 10
_LONGEST_WAIT_S = 30.0
_LAST_WORDS_S = 2.0
_DERIVED = frozenset({"event", "level", "timestamp", "service"})


class _Packed(Struct, frozen=True):
    """Lines of one request, and the key by which a repetition of it is known."""

    lines: Sequence[bytes]
    key: str


class OwnLogs:
    """Keeps a bounded number of lines until they are taken; drops further ones, and counts them."""

    def __init__(self, process: str, every_s: float = 1.0) -> None:
        """`process`: what speaks, as `api`."""
        self._about = {"service": SERVICE, "process": process, "host": socket.gethostname(), "pid": os.getpid()}
        self._every_s = every_s
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._size = 0
        self._packed: _Packed | None = None
        self._is_put_off = False
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def note(self, event: Mapping[str, object]) -> None:
        """Take a line, as structlog has it. Never waits; safe in any thread."""
        if threading.current_thread() is self._thread:
            return
        line = self._line(event)
        with self._lock:
            has_room = len(self._waiting) < _MAX_LINES and self._size + len(line) <= _MAX_BYTES
            if has_room:
                self._waiting.append(line)
                self._size += len(line)
        if not has_room:
            metrics.OWN_LOG_LINES.labels("no_room").inc()

    def start(self, api: Api) -> None:
        """Begin to send, by `api`; lines have been kept since this was made."""
        self._thread = threading.Thread(target=self._run, args=(api,), name="own logs", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Gives the last lines a moment."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(_LAST_WORDS_S)
        left = len(self._waiting) + (len(self._packed.lines) if self._packed else 0)
        metrics.OWN_LOG_LINES.labels("left").inc(left)

    def _run(self, api: Api) -> None:
        wait_s = self._every_s
        while not self._stopped.wait(wait_s):
            wait_s = self._every_s if self._is_sent(api) else min(2 * wait_s, _LONGEST_WAIT_S)
        self._is_sent(api)

    def _is_sent(self, api: Api) -> bool:
        """One request, if there is anything to send. False: it was put off, and has to wait."""
        packed = self._packed = self._packed or self._pack()
        if packed is None:
            return True
        refused = 0
        try:
            refused = api.ingest(b"\n".join(packed.lines), None, packed.key).rejected
        except TryAgain as error:
            self._say_put_off(error)
            return False
        except CordwoodError as error:
            self._say_put_off(error)
            refused = len(packed.lines)
        else:
            self._is_put_off = False
        self._packed = None
        metrics.OWN_LOG_LINES.labels("refused").inc(refused)
        metrics.OWN_LOG_LINES.labels("sent").inc(len(packed.lines) - refused)
        return not refused

    def _pack(self) -> _Packed | None:
        lines: list[bytes] = []
        size = 0
        with self._lock:
            while self._waiting and len(lines) < _AT_ONCE and size + len(self._waiting[0]) <= _AT_ONCE_BYTES:
                lines.append(self._waiting.popleft())
                size += len(lines[-1])
            self._size -= size
        return _Packed(lines, str(uuid.uuid4())) if lines else None

    def _line(self, event: Mapping[str, object]) -> bytes:
        said = {
            "timestamp": event.get("timestamp"),
            "level": event.get("level"),
            **self._about,
            "message": event.get("event"),
        }
        rest = {name: value for name, value in event.items() if name not in _DERIVED and name not in said}
        line = _encoded({**said, **rest})
        if len(line) <= _MAX_LINE_BYTES:
            return line
        return _encoded({**said, "message": str(said["message"])[:1000], "cut": len(line)})

    def _say_put_off(self, error: CordwoodError) -> None:
        """Once, and not to where it would be put off, too."""
        if not self._is_put_off:
            log.warning("own_logs_not_taken", reason=error.message, hint=error.hint)
        self._is_put_off = True


def _encoded(said: Mapping[str, object]) -> bytes:
    """Whatever it is: who says something must not fail for it."""
    try:
        return msgspec.json.encode(said, enc_hook=str)
    except (ValueError, TypeError, OverflowError):
        # A lone surrogate, or a number beyond 64 bits: as text, which has neither.
        return msgspec.json.encode({name: ascii(value) for name, value in said.items()})
