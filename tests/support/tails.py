"""Live tails as clients see them: server-sent events, read in a thread."""

import contextlib
import http.client
import json
import socket
import threading
from typing import Any, Self
from urllib.parse import urlencode

from tests.support.processes import Cordwood
from tests.support.waiting import wait_until

DEADLINE_S = 30


class SseTail:
    """`with SseTail(server, query="level:error") as tail`: what it was told so far."""

    def __init__(self, server: Cordwood, *, headers: dict[str, str] | None = None, **parameters: str | int) -> None:
        self.told: list[tuple[str, Any, str]] = []
        """Kind, data and id of each; the id is empty where there is none."""
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        self._connection.request("GET", f"/api/v1/tail?{urlencode(parameters)}", headers=headers or {})
        self._socket = self._connection.sock  # an answer that ends with its connection takes it over
        self.response = self._connection.getresponse()
        self.status = self.response.status
        self.is_over = False
        self._reading = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        assert self.status == 200, self.response.read()
        self._reading.start()
        self.wait_live()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):  # the other side may have closed it
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reading.is_alive():
            self._reading.join(10)
        self.response.close()
        self._connection.close()

    def wait_live(self) -> None:
        """Until history is over."""
        wait_until(lambda: any(kind == "live" for kind, *_ in self.told), DEADLINE_S, "the tail to be live")

    @property
    def numbers(self) -> list[int]:
        """The field `n` of the events, in the order in which they were told."""
        return [data["data"]["n"] for kind, data, _ in list(self.told) if kind == "event"]

    @property
    def missed(self) -> list[int | None]:
        return [data["events"] for kind, data, _ in list(self.told) if kind == "missed"]

    @property
    def position(self) -> str:
        """Of the last that had one."""
        return max(position for _, _, position in self.told if position)

    def wait_for(self, numbers: list[int]) -> None:
        """Until it was told just these, in this order."""
        try:
            wait_until(lambda: self.numbers == numbers, DEADLINE_S)
        except TimeoutError as error:
            raise AssertionError(f"told {self.numbers}, not {numbers}; missed {self.missed}") from error

    def _read(self) -> None:
        kind, data, position = "", "", ""
        try:
            for line in self.response:
                name, _, value = line.decode().rstrip("\n").partition(": ")
                match name:
                    case "":
                        if kind:
                            self.told.append((kind, json.loads(data), position))
                        kind, data, position = "", "", ""
                    case "event":
                        kind = value
                    case "data":
                        data = value
                    case "id":
                        position = value
        except (OSError, http.client.HTTPException):
            pass  # closed, by one side or the other
        self.is_over = True


def send(
    server: Cordwood, *numbers: int, wait: bool = True, headers: dict[str, str] | None = None, **fields: Any
) -> None:
    """Events that are numbered."""
    body = b"".join(json.dumps({"n": n, **fields}).encode() + b"\n" for n in numbers)
    status, answer = server.post("/api/v1/ingest" + ("?wait=stored" if wait else ""), body, **(headers or {}))
    assert status == 202, answer
