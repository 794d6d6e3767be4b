"""`cordwood …` as processes, as a user starts them; they do not outlive the tests."""

import ctypes
import json
import os
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, Self

from tests.support.servers import free_port
from tests.support.waiting import wait_until

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class Cordwood:
    """One `cordwood up|api|worker|query` process on a free port."""

    def __init__(self, command: str, data_dir: Path, port: int = 0, /, **settings: str) -> None:
        """`settings` are environment variables without their prefix, in lower case: `store_url=…`."""
        self.port = port or free_port()
        self.url = f"{'https' if 'http_tls_cert' in settings else 'http'}://127.0.0.1:{self.port}"
        self.trust: ssl.SSLContext | None = None
        """What a test's own requests trust, where the service speaks TLS."""
        self._command = command
        self._env = {name: value for name, value in os.environ.items() if not name.startswith("CORDWOOD_")}
        self._env |= {f"CORDWOOD_{name.upper()}": value for name, value in settings.items()}
        self._env |= {"CORDWOOD_DATA_DIR": str(data_dir), "CORDWOOD_LOG_FORMAT": "json"}
        self.environment = {name: value for name, value in self._env.items() if name.startswith("CORDWOOD_")}
        beside = next(folder for folder in data_dir.parents if folder.is_dir())
        self._log = beside / f"{data_dir.name}-{command}-{self.port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def full_environment(self) -> dict[str, str]:
        """For another command with the same settings."""
        return dict(self._env)

    def add_environment(self, **variables: str) -> None:
        """For later starts."""
        self._env |= variables

    def start(self, *, wait: bool = True) -> Self:
        """Returns when the service is ready; with `wait` False, at once."""
        self.start_with([sys.executable, "-m", "cordwood", self._command, "--port", str(self.port)], wait=wait)
        return self

    def start_with(self, command: list[str], *, cwd: Path | None = None, wait: bool = True) -> None:
        """As `start`, by another command line; in a process group of its own, as a terminal gives it."""
        with self._log.open("ab") as output:
            self.process = subprocess.Popen(
                command,
                env=self._env,
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                process_group=0,
                preexec_fn=_die_with_parent,
            )
        if wait:
            wait_until(self.is_ready, 60, f"cordwood {self._command} to be ready: {self.log()}")

    def interrupt(self) -> None:
        """Ctrl-C: the terminal signals the whole group. Returns when it has ended."""
        assert self.process is not None, "started before"
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(30)

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command that ends by itself: this one, or the one that `arguments` name, in the same environment."""
        return subprocess.run(
            [sys.executable, "-m", "cordwood", *(arguments or [self._command])],
            env=self._env,
            capture_output=True,
            text=True,
            check=False,
        )

    def is_ready(self) -> bool:
        if self.process is not None and self.process.poll() is not None:
            raise RuntimeError(f"cordwood {self._command} ended with {self.process.returncode}:\n{self.log()}")
        try:
            return self.get("/ready")[0] == 200
        except OSError:
            return False

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """As Ctrl-C does. Returns the exit status."""
        return self._end(signal.SIGINT)

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def get(self, path: str, **headers: str) -> tuple[int, bytes]:
        return self._request(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, body: bytes, **headers: str) -> tuple[int, bytes]:
        return self._request(urllib.request.Request(self.url + path, data=body, headers=headers, method="POST"))

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        return self._request(urllib.request.Request(self.url + path, data=body, headers=headers, method=method))

    def json(self, path: str, **headers: str) -> Any:
        status, body = self.get(path, **headers)
        assert status == 200, body
        return json.loads(body)

    def events(self, query: str = "") -> list[Any]:
        """All stored events, newest first, as the NDJSON stream gives them."""
        status, body = self.get(f"/api/v1/query{query}", accept="application/x-ndjson")
        assert status == 200, body
        return [json.loads(line) for line in body.splitlines()]

    def count(self) -> int:
        return int(self.json("/api/v1/query/count")["count"])

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc: object) -> None:
        if self.process is not None:
            self.kill()  # also when it has ended: a process that nobody waits for is a leak

    def _end(self, number: signal.Signals) -> int:
        assert self.process is not None, "started before"
        self.process.send_signal(number)
        return self.process.wait(30)

    def _request(self, request: urllib.request.Request) -> tuple[int, bytes]:
        try:
            with urllib.request.urlopen(request, timeout=60, context=self.trust) as response:
                return response.status, response.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
