"""What a service says must never end it, or hold it up: as where standard error or output lies on a full disk."""

import io
import os
import sys
from typing import TextIO


class Unfailing:
    """Lines to a stream, as long as it takes them; those that it does not are lost, and counted."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._pending: list[str] = []

    def write(self, text: str) -> int:
        self._pending.append(text)
        return len(text)

    def flush(self) -> None:
        text = "".join(self._pending)
        self._pending.clear()
        try:
            _write(self._stream, text)
        except OSError:
            # Here, for it takes as long to load as a command that only asks may take in all.
            from cordwood import metrics

            metrics.LOG_LINES_LOST.inc(text.count("\n"))

    def isatty(self) -> bool:
        return self._stream.isatty()


def say(text: str) -> None:
    """A line to standard output."""
    output = Unfailing(sys.stdout)
    output.write(f"{text}\n")
    output.flush()


def _write(stream: TextIO, text: str) -> None:
    """Past the buffer, where there is a file: what that cannot get rid of it would try again with every line, and in
    the end."""
    try:
        descriptor = stream.fileno()
    except io.UnsupportedOperation:
        stream.write(text)
        stream.flush()
        return
    stream.flush()
    data = text.encode(stream.encoding, "backslashreplace")
    while data:
        data = data[os.write(descriptor, data) :]
